/*
 * response.c - what became of a request
 */
#include "core/lib/response.h"

#include <string.h>
#include <strings.h>

const char *
bf_response_header(const struct bf_response *response, const char *name)
{
	const size_t length = strlen(name);

	for (size_t i = 0; i < response->headers.count; i++) {
		const char *header = response->headers.items[i];

		if (strncasecmp(header, name, length) == 0 &&
		    header[length] == ':') {
			header += length + 1;
			return header + strspn(header, " \t");
		}
	}
	return NULL;
}

void
bf_response_free(struct bf_response *response)
{
	bf_strings_free(&response->headers);
	bf_buf_free(&response->body);
	bf_recipients_free(&response->recipients);
}
