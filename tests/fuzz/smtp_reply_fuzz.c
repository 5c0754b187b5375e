/*
 * smtp_reply_fuzz.c - what a mail server says, cut into lines
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/transport/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct bf_smtp_features features = { 0 };
	struct bf_smtp_reply reply = { 0 };
	const char *line = (const char *)bytes;
	const char *const end = line + size;

	while (line < end) {
		const char *feed = memchr(line, '\n', (size_t)(end - line));
		const size_t length = (size_t)((feed ? feed : end) - line);
		const bool first = reply.size == 0 || reply.whole;

		if (bf_smtp_reply_line(&reply, line, length) == 0)
			bf_smtp_features_line(&features, first, line, length);
		for (size_t i = 0; i < reply.size; i++) {
			if (reply.text[i] < 0x20 || reply.text[i] > 0x7e)
				abort();
		}
		if (strlen(reply.text) != reply.size)
			abort();
		line = feed ? feed + 1 : end;
	}
	return 0;
}
