/*
 * html_writer_link.c - links, as a label that leads there or with the URL
 */
#include <string.h>

#include "core/lib/escape.h"
#include "core/lib/html_writer_private.h"

/* Writes a label, its words apart by one space. */
static void
put_label(struct bf_writer *writer, const char *label)
{
	unsigned where = bf_writer_place(writer) | BF_IN_LABEL;

	while (*label) {
		const size_t size = strcspn(label, " ");

		bf_escape(&writer->fit, writer->markup, where, label, size);
		label += size;
		if (*label == ' ') {
			bf_writer_put(writer, " ");
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
			bf_writer_put(writer, "&amp;");
		else if (writer->markup == BF_DISCORD_MARKDOWN && *url == '(')
			bf_writer_put(writer, "%28");
		else if (writer->markup == BF_DISCORD_MARKDOWN && *url == ')')
			bf_writer_put(writer, "%29");
		else if (writer->markup == BF_DISCORD_MARKDOWN && *url == '@')
			bf_writer_put(writer, "%40");
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
		bf_writer_put(writer, "<");
	if (slack || !link->mail)
		put_url(writer, url);
	if (slack && link->mail)
		bf_writer_put(writer, "|");
	if (link->mail)
		put_label(writer, url + strlen("mailto:"));
	else
		writer->fit.shown += link->url.size;
	if (slack)
		bf_writer_put(writer, ">");
}

/* Writes a link that shows its label in place of the URL. */
static void
put_masked(struct bf_writer *writer, const struct bf_link *link,
    const char *label)
{
	if (writer->markup == BF_SLACK_MRKDWN) {
		bf_writer_put(writer, "<");
		put_url(writer, link->url.data);
		bf_writer_put(writer, "|");
		put_label(writer, label);
		bf_writer_put(writer, ">");
	} else {
		bf_writer_put(writer, "[");
		put_label(writer, label);
		bf_writer_put(writer, "](");
		put_url(writer, link->url.data);
		bf_writer_put(writer, ")");
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
	bf_writer_flush(writer);
	bf_writer_begin_text(writer, false);
	if (writer->edge == BF_EDGE_CLOSED)
		bf_writer_put(writer, BF_ZERO_WIDTH_SPACE);
	writer->fit.held = true;
}

static void
end_link(struct bf_writer *writer)
{
	writer->fit.held = false;
	bf_writer_end_text(writer);
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
	bf_writer_put(writer, plain ? "<" : "(");
	put_bare(writer, link);
	bf_writer_put(writer, plain ? ">" : ")");
	end_link(writer);
}
