/*
 * shorten.c - lengths as platforms count them, and texts within them
 */
#include "core/lib/shorten.h"

#include <belfry/markup.h>

size_t
bf_length(const char *text, size_t size, enum bf_unit unit)
{
	size_t length = 0;

	if (unit == BF_UNIT_BYTE)
		return size;
	for (size_t i = 0; i < size; i++) {
		const unsigned char byte = (unsigned char)text[i];

		/* All but continuation bytes; beyond U+FFFF is a pair. */
		length += (byte & 0xc0) != 0x80;
		length += unit == BF_UNIT_UTF16 && byte >= 0xf0;
	}
	return length;
}

void
bf_shorten(struct bf_buf *text, struct bf_limit limit)
{
	struct bf_buf shorter = { 0 };

	if (limit.most == 0 ||
	    bf_length(bf_buf_text(text), text->size, limit.unit) <= limit.most)
		return;
	bf_markup_text(&shorter, BF_PLAIN_TEXT, text->data, limit);
	bf_buf_free(text);
	*text = shorter;
}
