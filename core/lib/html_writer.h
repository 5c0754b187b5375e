#ifndef BF_LIB_HTML_WRITER_H
#define BF_LIB_HTML_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/buf.h>
#include <belfry/markup.h>

#include "core/lib/fit.h"
#include "core/lib/html_dialect.h"
#include "core/lib/link.h"

/* What lies between two pieces of text; the largest counts. */
enum bf_gap {
	BF_GAP_NONE,
	BF_GAP_SPACE,
	BF_GAP_LINE,
	BF_GAP_PARAGRAPH, /* an empty line */
};

#define BF_LEVELS 8 /* of quotes and lists; deeper ones are not indented */

/*
 * Writes formatted text in one of the markups. It is told what there is, in
 * order; what a markup writes for it stands in html_dialect.c.
 */
struct bf_writer {
	struct bf_fit fit;
	enum bf_markup markup;
	const struct bf_dialect *dialect;

	struct bf_buf word;            /* read so far; a line in pre */
	unsigned wanted[BF_STYLES];    /* how often each was begun */
	enum bf_style open[BF_STYLES]; /* markers written, in order */
	unsigned open_count;
	enum {
		BF_EDGE_NONE,
		BF_EDGE_OPENED,
		BF_EDGE_CLOSED
	} edge; /* of what was written last */

	bool begun; /* something was written */
	bool line_start;
	enum bf_gap gap;
	unsigned pre; /* how often it was begun */
	bool fenced;  /* the fence of pre was written */
	size_t lines; /* ends of lines, read in pre */

	struct bf_level {
		char first[12], rest[12]; /* before its lines */
		bool begun;               /* first was written */
	} levels[BF_LEVELS];
	unsigned depth;      /* of levels, also of those beyond */
	unsigned last_depth; /* of the last line */
};

/* Starts at the end of out, which it borrows; source is how many bytes the
 * text is made from. */
void bf_writer_start(struct bf_writer *writer, enum bf_markup markup,
    struct bf_buf *out, struct bf_limit limit, size_t source);

/* Text; runs of white space are one space, but in pre. */
void bf_writer_text(struct bf_writer *writer, const char *text, size_t size);

/* What follows is apart from what was before by at least the gap. */
void bf_writer_gap(struct bf_writer *writer, enum bf_gap gap);

/* The end of a line; a second one makes an empty line. */
void bf_writer_break(struct bf_writer *writer);

/* Begins and ends a style. They may nest, also in themselves. */
void bf_writer_style(struct bf_writer *writer, enum bf_style style, bool on);

/* Begins and ends preformatted text. */
void bf_writer_pre(struct bf_writer *writer, bool on);

/* Begins and ends a quote, a list's item (number < 0: of no order), and a
 * block that is indented. */
void bf_writer_quote(struct bf_writer *writer);
void bf_writer_item(struct bf_writer *writer, long number);
void bf_writer_indent(struct bf_writer *writer);
void bf_writer_leave(struct bf_writer *writer);

/* A link with its label; "" for none. */
void bf_writer_link(struct bf_writer *writer, const struct bf_link *link,
    const char *label);

/* Where the text before leads. */
void bf_writer_target(struct bf_writer *writer, const struct bf_link *link);

/* A line across. */
void bf_writer_rule(struct bf_writer *writer);

/* The columns that a table may take. */
size_t bf_writer_columns(const struct bf_writer *writer);

/* Ends the text, within the limit, and frees what the writer owns. */
void bf_writer_finish(struct bf_writer *writer);

#endif
