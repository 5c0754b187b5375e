/*
 * markup.c - plain text in another markup
 */
#include "core/lib/markup.h"

#include <string.h>

#include "core/lib/escape.h"
#include "core/lib/fit.h"

/* Writes what separates words or lines; true for a line feed. */
static bool
put_separator(struct bf_fit *fit, const char *text, size_t size)
{
	fit->shown++;
	if (size == 1 || (unsigned char)text[1] == 0xa0)
		bf_buf_add(fit->out, text, size);
	else
		bf_buf_add_byte(fit->out, ' '); /* U+0085, U+2028, U+2029 */
	return *text == '\n';
}

void
bf_markup_text(struct bf_buf *out, enum bf_markup markup, const char *source,
    struct bf_limit limit)
{
	struct bf_buf plain = { 0 };
	const char *text, *end;
	bool line_start = true;
	struct bf_fit fit;

	bf_buf_add_text(&plain, source);
	bf_drop_controls(&plain);
	text = bf_buf_text(&plain);
	end = text + plain.size;
	bf_fit_start(&fit, out, limit, plain.size);
	while (text < end) {
		size_t size = 0, gap = 0;

		while (text + size < end &&
		       (gap = bf_separator(text + size,
			    (size_t)(end - text) - size)) == 0)
			size++;
		if (size > 0) {
			bf_escape(&fit, markup,
			    line_start ? BF_AT_LINE_START : 0, text, size);
			bf_fit_mark(&fit, true);
			line_start = false;
		}
		text += size;
		if (gap > 0)
			line_start |= put_separator(&fit, text, gap);
		text += gap;
	}
	bf_fit_finish(&fit);
	bf_buf_free(&plain);
}
