#ifndef BELFRY_MARKUP_H
#define BELFRY_MARKUP_H

#include <belfry/api.h>
#include <belfry/buf.h>
#include <belfry/shorten.h>

/* What a text is written in. */
enum bf_markup {
	BF_PLAIN_TEXT,       /* for a text part of a mail, a terminal, an SMS */
	BF_SLACK_MRKDWN,     /* text objects of type mrkdwn */
	BF_DISCORD_MARKDOWN, /* content and descriptions */
};

/*
 * Appends plain text so that it is shown as it is: nothing in it formats,
 * mentions anyone or hides where a link leads (a bare http or https URL stays
 * a link to what it says).
 *
 * mrkdwn    & < > become entities; * _ ~ ` and a > that begins a line, which
 *           mrkdwn can't escape, get a zero-width space where they would
 *           format
 * Markdown  a backslash before what would format, mention or link; @everyone
 *           and @here, which a backslash doesn't stop, get a zero-width space
 *
 * text is UTF-8; what is no UTF-8 becomes U+FFFD, and control characters but
 * line feed and tab are left out. Shortened as bf_shorten does, never inside
 * an escape; limit counts what is appended.
 *
 * Source: Slack, "Formatting text for app surfaces"; Discord, "Message
 * Formatting" and "Markdown Text 101".
 */
BF_API void bf_markup_text(struct bf_buf *out, enum bf_markup markup,
    const char *text, struct bf_limit limit);

#endif
