/*
 * html_writer_style.c - the markers of styles, written when text needs them
 *
 * Styles may end in any order; markers close in the reverse of the order in
 * which they were opened. So those above one that ends are closed with it, and
 * are opened again before the next text.
 */
#include <string.h>

#include "core/lib/escape.h"
#include "core/lib/html_writer_private.h"

/* Whether a letter or a marker is the last of what was written. */
static bool
touches(const struct bf_writer *writer)
{
	const struct bf_buf *out = writer->fit.out;

	return !writer->line_start && writer->edge != BF_EDGE_OPENED &&
	       !strchr(" \n([{\"'/-", out->data[out->size - 1]);
}

void
bf_writer_set_tail(struct bf_writer *writer)
{
	char *tail = writer->fit.tail;

	*tail = '\0';
	for (unsigned i = writer->open_count; i-- > 0;)
		strcat(tail, writer->dialect->markers[writer->open[i]]);
}

static void
close_style(struct bf_writer *writer)
{
	const enum bf_style style = writer->open[--writer->open_count];

	bf_writer_put(writer, writer->dialect->markers[style]);
	writer->edge =
	    writer->dialect->apart[style] ? BF_EDGE_CLOSED : BF_EDGE_NONE;
	bf_writer_set_tail(writer);
}

static void
open_style(struct bf_writer *writer, enum bf_style style)
{
	if (*writer->dialect->markers[style] == '\0')
		return;
	if (writer->dialect->apart[style] && touches(writer))
		bf_writer_put(writer, BF_ZERO_WIDTH_SPACE);
	writer->open[writer->open_count++] = style;
	bf_writer_put(writer, writer->dialect->markers[style]);
	writer->edge = BF_EDGE_OPENED;
	bf_writer_set_tail(writer);
}

bool
bf_writer_is_open(const struct bf_writer *writer, enum bf_style style)
{
	for (unsigned i = 0; i < writer->open_count; i++) {
		if (writer->open[i] == style)
			return true;
	}
	return false;
}

/* Whether a style is to apply. In code, no other begins or ends. */
static bool
applies(const struct bf_writer *writer, enum bf_style style, bool code)
{
	if (writer->pre > 0 && *writer->dialect->fence)
		return false;
	if (style == BF_STYLE_CODE)
		return code && writer->wanted[style] > 0;
	if (code && writer->wanted[BF_STYLE_CODE] > 0 &&
	    bf_writer_is_open(writer, BF_STYLE_CODE))
		return bf_writer_is_open(writer, style);
	return writer->wanted[style] > 0;
}

void
bf_writer_close_styles(struct bf_writer *writer, bool code, bool all)
{
	unsigned keep = 0;

	while (!all && keep < writer->open_count &&
	       applies(writer, writer->open[keep], code))
		keep++;
	while (writer->open_count > keep)
		close_style(writer);
}

void
bf_writer_open_styles(struct bf_writer *writer, bool code)
{
	for (unsigned i = 0; i < BF_STYLES; i++) {
		const enum bf_style style = (enum bf_style)i;

		if (applies(writer, style, code) &&
		    !bf_writer_is_open(writer, style))
			open_style(writer, style);
	}
}
