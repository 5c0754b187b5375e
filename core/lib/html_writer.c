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

#define NUMBER_MOST 99999999 /* of an item: what its room holds */

/* What a markup writes. */
struct bf_dialect {
	const char *markers[BF_STYLES]; /* around a style; "": none */
	bool apart[BF_STYLES];          /* no letter may touch the marker */
	const char *fence;              /* around pre */
	const char *bullet;
	const char *indent; /* of a list's item in another */
	const char *rule;
	size_t columns;
};

static const struct bf_dialect dialects[] = {
	[BF_PLAIN_TEXT] = { { "", "", "", "" }, { 0 }, "", "* ", "  ",
	    "--------", 76 },
	[BF_SLACK_MRKDWN] = { { "*", "_", "~", "`" },
	    { true, true, true, true }, "```", "• ", "   ", "————————", 100 },
	[BF_DISCORD_MARKDOWN] = { { "**", "_", "~~", "`" },
	    { false, true, false, false }, "```", "- ", "  ", "————————", 100 },
};

void
bf_writer_start(struct bf_writer *writer, enum bf_markup markup,
    struct bf_buf *out, struct bf_limit limit, size_t source)
{
	*writer = (struct bf_writer){
		.markup = markup,
		.dialect = &dialects[markup],
	};
	bf_fit_start(&writer->fit, out, limit, source);
}

static void
put(struct bf_writer *writer, const char *text)
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
		put(writer, writer->levels[i].rest);
	while (out->size > 0 && out->data[out->size - 1] == ' ')
		out->size--;
	bf_buf_add_byte(out, '\n');
}

static void
put_prefix(struct bf_writer *writer)
{
	for (unsigned i = 0; i < levels(writer->depth); i++) {
		struct bf_level *level = &writer->levels[i];

		put(writer, level->begun ? level->rest : level->first);
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

/* ---- styles ---- */

/* Whether a letter or a marker is the last of what was written. */
static bool
touches(const struct bf_writer *writer)
{
	const struct bf_buf *out = writer->fit.out;

	return !writer->line_start && writer->edge != BF_EDGE_OPENED &&
	       !strchr(" \n([{\"'/-", out->data[out->size - 1]);
}

/* Sets what closes the styles that are open, were the text cut. */
static void
set_tail(struct bf_writer *writer)
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

	put(writer, writer->dialect->markers[style]);
	writer->edge =
	    writer->dialect->apart[style] ? BF_EDGE_CLOSED : BF_EDGE_NONE;
	set_tail(writer);
}

static void
open_style(struct bf_writer *writer, enum bf_style style)
{
	if (*writer->dialect->markers[style] == '\0')
		return;
	if (writer->dialect->apart[style] && touches(writer))
		put(writer, BF_ZERO_WIDTH_SPACE);
	writer->open[writer->open_count++] = style;
	put(writer, writer->dialect->markers[style]);
	writer->edge = BF_EDGE_OPENED;
	set_tail(writer);
}

static bool
is_open(const struct bf_writer *writer, enum bf_style style)
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
	    is_open(writer, BF_STYLE_CODE))
		return is_open(writer, style);
	return writer->wanted[style] > 0;
}

/* Closes styles until all that are open apply. */
static void
close_styles(struct bf_writer *writer, bool code, bool all)
{
	unsigned keep = 0;

	while (!all && keep < writer->open_count &&
	       applies(writer, writer->open[keep], code))
		keep++;
	while (writer->open_count > keep)
		close_style(writer);
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
		close_styles(writer, true, true);
		begin_line(writer, writer->gap == BF_GAP_PARAGRAPH);
		if (*writer->dialect->fence) {
			put(writer, writer->dialect->fence);
			begin_line(writer, 0);
			set_pre_tail(writer);
		}
		writer->fenced = true;
	} else if (writer->lines > 0) {
		begin_line(writer, writer->lines - 1);
	}
	writer->lines = 0;
}

/* Writes the gap, and the markers between the text before and the next. */
static void
begin_text(struct bf_writer *writer, bool code)
{
	const bool new_line = !writer->begun || writer->gap >= BF_GAP_LINE;

	if (writer->pre > 0) {
		begin_pre(writer);
		return;
	}
	close_styles(writer, code, new_line);
	if (new_line) {
		begin_line(writer, writer->gap == BF_GAP_PARAGRAPH);
	} else if (writer->gap == BF_GAP_SPACE) {
		put(writer, " ");
		writer->fit.shown++;
		writer->edge = BF_EDGE_NONE;
	}
	writer->gap = BF_GAP_NONE;
	for (unsigned i = 0; i < BF_STYLES; i++) {
		if (applies(writer, (enum bf_style)i, code) &&
		    !is_open(writer, (enum bf_style)i))
			open_style(writer, (enum bf_style)i);
	}
}

/* Where the next piece stands, for escaping. */
static unsigned
place(const struct bf_writer *writer)
{
	unsigned where = writer->line_start ? BF_AT_LINE_START : 0;

	if (writer->open_count > 0)
		where |= BF_IN_STYLE;
	if (is_open(writer, BF_STYLE_CODE) ||
	    (writer->pre > 0 && *writer->dialect->fence))
		where |= BF_IN_CODE;
	return where;
}

static void
end_text(struct bf_writer *writer)
{
	writer->line_start = false;
	writer->edge = BF_EDGE_NONE;
	bf_fit_mark(&writer->fit, true);
}

static void
flush(struct bf_writer *writer)
{
	struct bf_buf *word = &writer->word;

	/* Pre begins with its first line that is not blank. */
	if (writer->pre > 0 && !writer->fenced &&
	    strspn(bf_buf_text(word), " \t\r") == word->size)
		bf_buf_clear(word);
	if (word->size == 0)
		return;
	begin_text(writer, true);
	if (writer->edge == BF_EDGE_CLOSED &&
	    !strchr(" .,:;!?)]}\"'/-", word->data[0]))
		put(writer, BF_ZERO_WIDTH_SPACE);
	bf_escape(&writer->fit, writer->markup, place(writer), word->data,
	    word->size);
	bf_buf_clear(word);
	end_text(writer);
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
		flush(writer);
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
	flush(writer);
	if (writer->pre > 0 && gap >= BF_GAP_LINE && writer->lines == 0)
		writer->lines = 1;
	if (gap > writer->gap)
		writer->gap = gap;
}

void
bf_writer_break(struct bf_writer *writer)
{
	flush(writer);
	if (writer->pre > 0)
		writer->lines++;
	else
		writer->gap =
		    writer->gap >= BF_GAP_LINE ? BF_GAP_PARAGRAPH : BF_GAP_LINE;
}

void
bf_writer_style(struct bf_writer *writer, enum bf_style style, bool on)
{
	flush(writer);
	if (on)
		writer->wanted[style]++;
	else if (writer->wanted[style] > 0)
		writer->wanted[style]--;
}

void
bf_writer_pre(struct bf_writer *writer, bool on)
{
	flush(writer);
	if (on) {
		if (writer->pre++ == 0)
			writer->fenced = false;
		return;
	}
	if (writer->pre == 0 || --writer->pre > 0)
		return;
	if (writer->fenced && *writer->dialect->fence) {
		begin_line(writer, 0);
		put(writer, writer->dialect->fence);
		writer->gap = BF_GAP_LINE;
		set_tail(writer);
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

/* ---- links ---- */

/* Writes a label, its words apart by one space. */
static void
put_label(struct bf_writer *writer, const char *label)
{
	unsigned where = place(writer) | BF_IN_LABEL;

	while (*label) {
		const size_t size = strcspn(label, " ");

		bf_escape(&writer->fit, writer->markup, where, label, size);
		label += size;
		if (*label == ' ') {
			put(writer, " ");
			writer->fit.shown++;
			label++;
		}
		where &= ~(unsigned)BF_AT_LINE_START;
	}
}

/* Writes a URL so that it is one in the markup. */
static void
put_url(struct bf_writer *writer, const char *url)
{
	for (; *url; url++) {
		if (writer->markup == BF_SLACK_MRKDWN && *url == '&')
			put(writer, "&amp;");
		else if (writer->markup == BF_DISCORD_MARKDOWN && *url == '(')
			put(writer, "%28");
		else if (writer->markup == BF_DISCORD_MARKDOWN && *url == ')')
			put(writer, "%29");
		else if (writer->markup == BF_DISCORD_MARKDOWN && *url == '@')
			put(writer, "%40");
		else
			bf_buf_add_byte(writer->fit.out, *url);
	}
}

/* Writes a link whose label is where it leads. */
static void
put_bare(struct bf_writer *writer, const struct bf_link *link)
{
	const char *url = link->url.data;
	const bool slack = writer->markup == BF_SLACK_MRKDWN;

	if (slack)
		put(writer, "<");
	if (slack || !link->mail)
		put_url(writer, url);
	if (slack && link->mail)
		put(writer, "|");
	if (link->mail)
		put_label(writer, url + strlen("mailto:"));
	else
		writer->fit.shown += link->url.size;
	if (slack)
		put(writer, ">");
}

/* Writes a link that shows its label in place of the URL. */
static void
put_masked(struct bf_writer *writer, const struct bf_link *link,
    const char *label)
{
	if (writer->markup == BF_SLACK_MRKDWN) {
		put(writer, "<");
		put_url(writer, link->url.data);
		put(writer, "|");
		put_label(writer, label);
		put(writer, ">");
	} else {
		put(writer, "[");
		put_label(writer, label);
		put(writer, "](");
		put_url(writer, link->url.data);
		put(writer, ")");
	}
}

/* Whether the markup can show the label in place of the URL. */
static bool
masks(const struct bf_writer *writer, const struct bf_link *link,
    const char *label)
{
	if (writer->markup == BF_PLAIN_TEXT)
		return false;
	/* Discord masks web links only, and none whose label has a scheme. */
	if (writer->markup == BF_DISCORD_MARKDOWN &&
	    (link->mail || strstr(label, "://")))
		return false;
	return bf_link_is_honest(link, label);
}

/* Begins a link: it is whole or not there, and never in code. */
static void
begin_link(struct bf_writer *writer)
{
	flush(writer);
	begin_text(writer, false);
	if (writer->edge == BF_EDGE_CLOSED)
		put(writer, BF_ZERO_WIDTH_SPACE);
	writer->fit.held = true;
}

static void
end_link(struct bf_writer *writer)
{
	writer->fit.held = false;
	end_text(writer);
}

void
bf_writer_link(struct bf_writer *writer, const struct bf_link *link,
    const char *label)
{
	const bool bare = *label == '\0' || bf_link_is_label(link, label);

	if (writer->pre > 0 || (!bare && !masks(writer, link, label))) {
		bf_writer_text(writer, label, strlen(label));
		if (!bare || *label == '\0')
			bf_writer_target(writer, link);
		return;
	}
	begin_link(writer);
	if (bare)
		put_bare(writer, link);
	else
		put_masked(writer, link, label);
	end_link(writer);
}

void
bf_writer_target(struct bf_writer *writer, const struct bf_link *link)
{
	const bool plain = writer->markup == BF_PLAIN_TEXT;

	if (writer->pre > 0) {
		bf_writer_text(writer, " <", 2);
		bf_writer_text(writer, link->url.data, link->url.size);
		bf_writer_text(writer, ">", 1);
		return;
	}
	bf_writer_gap(writer, BF_GAP_SPACE);
	begin_link(writer);
	put(writer, plain ? "<" : "(");
	put_bare(writer, link);
	put(writer, plain ? ">" : ")");
	end_link(writer);
}

/* ---- the rest ---- */

void
bf_writer_rule(struct bf_writer *writer)
{
	bf_writer_gap(writer, BF_GAP_LINE);
	begin_text(writer, true);
	put(writer, writer->dialect->rule);
	end_text(writer);
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
	flush(writer);
	if (writer->pre > 0) {
		writer->pre = 1;
		bf_writer_pre(writer, false);
	}
	close_styles(writer, true, true);
	bf_fit_finish(&writer->fit);
	bf_buf_free(&writer->word);
}
