#ifndef BF_LIB_ESCAPE_H
#define BF_LIB_ESCAPE_H

#include <stddef.h>

#include <belfry/markup.h>

#include "core/lib/fit.h"

/* Where a piece of text stands. */
enum {
	BF_AT_LINE_START = 1, /* a prefix may be before it */
	BF_IN_STYLE = 2,      /* between markers of ours */
	BF_IN_CODE = 4,       /* formatting is off; backticks end it */
	BF_IN_LABEL = 8,      /* of a link: no link can be within */
};

#define BF_ZERO_WIDTH_SPACE "\xe2\x80\x8b"

/*
 * Writes a word, or a line of code, so that it is shown as it is. Marks where
 * it may be cut if it may not fit, but not its end. Any bytes do.
 */
void bf_escape(struct bf_fit *fit, enum bf_markup markup, unsigned where,
    const char *text, size_t size);

/* Takes the control characters out of a text, but for tabs and line feeds.
 * Nobody sees them, but what stands behind one would pass for what is not at
 * the start of a line, no mention and no name of a site. */
void bf_drop_controls(struct bf_buf *text);

/* Bytes of the character at text that separates words or lines (ASCII white
 * space, U+0085, U+00A0, U+2028, U+2029); 0 if it is none. */
size_t bf_separator(const char *text, size_t size);

#endif
