/*
 * request.c - a request, as a module composes it
 */
#include "core/lib/request.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

void
bf_request_post(struct bf_request *request, const struct bf_url *url,
    const char *content_type)
{
	request->method = "POST";
	request->url = url->text;
	bf_request_header(request, "Content-Type", content_type);
}

static bool
is_token_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* Whether every character may stand in a token (RFC 9110, section 5.6.2). */
static bool
is_token(const char *name)
{
	const char *c = name;

	while (is_token_character(*c))
		c++;
	return c > name && *c == '\0';
}

/* The line "name: value", in new memory. */
static char *
join_header(const char *name, const char *value)
{
	char *line = bf_zalloc(strlen(name) + 2 + strlen(value) + 1, 1);

	stpcpy(stpcpy(stpcpy(line, name), ": "), value);
	return line;
}

int
bf_request_header(struct bf_request *request, const char *name,
    const char *value)
{
	if (!is_token(name))
		return -1;
	for (const unsigned char *c = (const void *)value; *c; c++) {
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
			return -1;
	}
	bf_strings_take(&request->headers, join_header(name, value));
	return 0;
}

void
bf_request_bearer(struct bf_request *request, const struct bf_secret *token)
{
	char *value;

	if (!token->bytes)
		return;
	value = bf_strf("Bearer %s", token->bytes);
	bf_request_header(request, "Authorization", value);
	explicit_bzero(value, strlen(value));
	free(value);
}

#define PATH_MOST 254 /* bytes: 256 with the brackets */

int
bf_request_recipient(struct bf_request *request, const char *address)
{
	const size_t length = strlen(address);

	if (length == 0 || length > PATH_MOST || strpbrk(address, "<>"))
		return -1;
	for (const unsigned char *c = (const void *)address; *c; c++) {
		if (*c <= 0x20 || *c >= 0x7f)
			return -1;
	}
	if ((!request->settled ||
		!bf_recipients_find(request->settled, address)) &&
	    !bf_recipients_find(&request->recipients, address))
		bf_recipients_add(&request->recipients, address);
	return 0;
}

void
bf_request_free(struct bf_request *request)
{
	/* Some of the headers may be secrets. */
	for (size_t i = 0; i < request->headers.count; i++)
		explicit_bzero(request->headers.items[i],
		    strlen(request->headers.items[i]));
	bf_strings_free(&request->headers);
	bf_buf_free(&request->body);
	bf_recipients_free(&request->recipients);
}
