/*
 * html_writer.c - formatted text, in the markup that is wanted
 *
 * Text is held back until a word is complete, and gaps and styles until there
 * is text for them. So words are escaped whole, no marker stands beside a space
 * or alone, and nothing is written that says nothing.
 */
#include "core/lib/html_writer.h"

#include <stdio.h>
#include <string.h>

#include "core/lib/escape.h"
#include "core/lib/html_writer_private.h"

#define NUMBER_MOST 99999999 /* of an item: what its room holds */

void
bf_writer_start(struct bf_writer *writer, enum bf_markup markup,
    struct bf_buf *out, struct bf_limit limit, size_t source)
{
	*writer = (struct bf_writer){
		.markup = markup,
		.dialect = bf_dialect(markup),
	};
	bf_fit_start(&writer->fit, out, limit, source);
}

void
bf_writer_put(struct bf_writer *writer, const char *text)
{
	bf_buf_add_text(writer->fit.out, text);
}

/* ---- lines ---- */

static unsigned
levels(unsigned depth)
{
	return depth < BF_LEVELS ? depth : BF_LEVELS;
}

/* What stands before an empty line between the last line and this one. */
static void
put_empty_line(struct bf_writer *writer)
{
	const unsigned depth = writer->depth < writer->last_depth
				   ? writer->depth
				   : writer->last_depth;
	struct bf_buf *out = writer->fit.out;

	for (unsigned i = 0; i < levels(depth); i++)
		bf_writer_put(writer, writer->levels[i].rest);
	while (out->size > 0 && out->data[out->size - 1] == ' ')
		out->size--;
	bf_buf_add_byte(out, '\n');
}

static void
put_prefix(struct bf_writer *writer)
{
	for (unsigned i = 0; i < levels(writer->depth); i++) {
		struct bf_level *level = &writer->levels[i];

		bf_writer_put(writer,
		    level->begun ? level->rest : level->first);
		level->begun = true;
	}
	writer->last_depth = writer->depth;
	writer->line_start = true;
	writer->edge = BF_EDGE_NONE;
}

/* Begins a line with empty ones before it, unless it is the first. */
static void
begin_line(struct bf_writer *writer, size_t empty)
{
	if (writer->begun) {
		bf_buf_add_byte(writer->fit.out, '\n');
		writer->fit.shown += 1 + empty;
		for (; empty > 0; empty--)
			put_empty_line(writer);
	}
	put_prefix(writer);
	writer->begun = true;
	writer->gap = BF_GAP_NONE;
}

/* ---- text ---- */

static void
set_pre_tail(struct bf_writer *writer)
{
	char *tail = writer->fit.tail;

	strcpy(tail, "\n");
	for (unsigned i = 0; i < levels(writer->depth); i++)
		strcat(tail, writer->levels[i].rest);
	strcat(tail, writer->dialect->fence);
	strcat(tail, "\n");
}

/* Writes the gap before a line of pre, and its fence before the first. */
static void
begin_pre(struct bf_writer *writer)
{
	if (!writer->fenced) {
		bf_writer_close_styles(writer, true, true);
		begin_line(writer, writer->gap == BF_GAP_PARAGRAPH);
		if (*writer->dialect->fence) {
			bf_writer_put(writer, writer->dialect->fence);
			begin_line(writer, 0);
			set_pre_tail(writer);
		}
		writer->fenced = true;
	} else if (writer->lines > 0) {
		begin_line(writer, writer->lines - 1);
	}
	writer->lines = 0;
}

void
bf_writer_begin_text(struct bf_writer *writer, bool code)
{
	const bool new_line = !writer->begun || writer->gap >= BF_GAP_LINE;

	if (writer->pre > 0) {
		begin_pre(writer);
		return;
	}
	bf_writer_close_styles(writer, code, new_line);
	if (new_line) {
		begin_line(writer, writer->gap == BF_GAP_PARAGRAPH);
	} else if (writer->gap == BF_GAP_SPACE) {
		bf_writer_put(writer, " ");
		writer->fit.shown++;
		writer->edge = BF_EDGE_NONE;
	}
	writer->gap = BF_GAP_NONE;
	bf_writer_open_styles(writer, code);
}

unsigned
bf_writer_place(const struct bf_writer *writer)
{
	unsigned where = writer->line_start ? BF_AT_LINE_START : 0;

	if (writer->open_count > 0)
		where |= BF_IN_STYLE;
	if (bf_writer_is_open(writer, BF_STYLE_CODE) ||
	    (writer->pre > 0 && *writer->dialect->fence))
		where |= BF_IN_CODE;
	return where;
}

void
bf_writer_end_text(struct bf_writer *writer)
{
	writer->line_start = false;
	writer->edge = BF_EDGE_NONE;
	bf_fit_mark(&writer->fit, true);
}

void
bf_writer_flush(struct bf_writer *writer)
{
	struct bf_buf *word = &writer->word;

	bf_drop_controls(word);
	/* Pre begins with its first line that is not blank. */
	if (writer->pre > 0 && !writer->fenced &&
	    strspn(bf_buf_text(word), " \t\r") == word->size)
		bf_buf_clear(word);
	if (word->size == 0)
		return;
	bf_writer_begin_text(writer, true);
	if (writer->edge == BF_EDGE_CLOSED &&
	    !strchr(" .,:;!?)]}\"'/-", word->data[0]))
		bf_writer_put(writer, BF_ZERO_WIDTH_SPACE);
	bf_escape(&writer->fit, writer->markup, bf_writer_place(writer),
	    word->data, word->size);
	bf_buf_clear(word);
	bf_writer_end_text(writer);
}

static void
read_pre(struct bf_writer *writer, const char *text, size_t size)
{
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		const size_t line = end ? (size_t)(end - text) : size;

		bf_buf_add(&writer->word, text, line);
		if (!end)
			return;
		bf_writer_flush(writer);
		writer->lines++;
		text += line + 1;
		size -= line + 1;
	}
}

void
bf_writer_text(struct bf_writer *writer, const char *text, size_t size)
{
	size_t at = 0;

	if (writer->pre > 0) {
		read_pre(writer, text, size);
		return;
	}
	while (at < size) {
		size_t word = at, gap = 0;

		while (word < size &&
		       (gap = bf_separator(text + word, size - word)) == 0)
			word++;
		bf_buf_add(&writer->word, text + at, word - at);
		if (gap > 0)
			bf_writer_gap(writer, BF_GAP_SPACE);
		at = word + gap;
	}
}

void
bf_writer_gap(struct bf_writer *writer, enum bf_gap gap)
{
	bf_writer_flush(writer);
	if (writer->pre > 0 && gap >= BF_GAP_LINE && writer->lines == 0)
		writer->lines = 1;
	if (gap > writer->gap)
		writer->gap = gap;
}

void
bf_writer_break(struct bf_writer *writer)
{
	bf_writer_flush(writer);
	if (writer->pre > 0)
		writer->lines++;
	else
		writer->gap =
		    writer->gap >= BF_GAP_LINE ? BF_GAP_PARAGRAPH : BF_GAP_LINE;
}

void
bf_writer_style(struct bf_writer *writer, enum bf_style style, bool on)
{
	bf_writer_flush(writer);
	if (on)
		writer->wanted[style]++;
	else if (writer->wanted[style] > 0)
		writer->wanted[style]--;
}

void
bf_writer_pre(struct bf_writer *writer, bool on)
{
	bf_writer_flush(writer);
	if (on) {
		if (writer->pre++ == 0)
			writer->fenced = false;
		return;
	}
	if (writer->pre == 0 || --writer->pre > 0)
		return;
	if (writer->fenced && *writer->dialect->fence) {
		begin_line(writer, 0);
		bf_writer_put(writer, writer->dialect->fence);
		writer->gap = BF_GAP_LINE;
		bf_writer_set_tail(writer);
		bf_fit_mark(&writer->fit, true);
	}
	writer->lines = 0;
}

/* ---- levels ---- */

static void
enter(struct bf_writer *writer, const char *first, const char *rest)
{
	bf_writer_gap(writer, BF_GAP_LINE);
	if (writer->depth < BF_LEVELS) {
		struct bf_level *level = &writer->levels[writer->depth];

		*level = (struct bf_level){ .begun = false };
		snprintf(level->first, sizeof(level->first), "%s", first);
		snprintf(level->rest, sizeof(level->rest), "%s", rest);
	}
	writer->depth++;
}

void
bf_writer_quote(struct bf_writer *writer)
{
	enter(writer, "> ", "> ");
}

void
bf_writer_item(struct bf_writer *writer, long number)
{
	char first[12], rest[12];
	int width;

	if (number < 0) {
		enter(writer, writer->dialect->bullet, writer->dialect->indent);
		return;
	}
	if (number > NUMBER_MOST)
		number = NUMBER_MOST;
	width = snprintf(first, sizeof(first), "%d. ", (int)number);
	snprintf(rest, sizeof(rest), "%*s",
	    writer->markup == BF_SLACK_MRKDWN ? 4 : width, "");
	enter(writer, first, rest);
}

void
bf_writer_indent(struct bf_writer *writer)
{
	enter(writer, "  ", "  ");
}

void
bf_writer_leave(struct bf_writer *writer)
{
	bf_writer_gap(writer, BF_GAP_LINE);
	if (writer->depth > 0)
		writer->depth--;
}

/* ---- rules and the end ---- */

void
bf_writer_rule(struct bf_writer *writer)
{
	bf_writer_gap(writer, BF_GAP_LINE);
	bf_writer_begin_text(writer, true);
	bf_writer_put(writer, writer->dialect->rule);
	bf_writer_end_text(writer);
	bf_writer_gap(writer, BF_GAP_LINE);
}

size_t
bf_writer_columns(const struct bf_writer *writer)
{
	return writer->dialect->columns;
}

void
bf_writer_finish(struct bf_writer *writer)
{
	bf_writer_flush(writer);
	if (writer->pre > 0) {
		writer->pre = 1;
		bf_writer_pre(writer, false);
	}
	bf_writer_close_styles(writer, true, true);
	bf_fit_finish(&writer->fit);
	bf_buf_free(&writer->word);
}
