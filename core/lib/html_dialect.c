/*
 * html_dialect.c - what each markup writes
 */
#include "core/lib/html_dialect.h"

static const struct bf_dialect dialects[] = {
	[BF_PLAIN_TEXT] = { { "", "", "", "" }, { 0 }, "", "* ", "  ",
	    "--------", 76 },
	[BF_SLACK_MRKDWN] = { { "*", "_", "~", "`" },
	    { true, true, true, true }, "```", "• ", "   ", "————————", 100 },
	[BF_DISCORD_MARKDOWN] = { { "**", "_", "~~", "`" },
	    { false, true, false, false }, "```", "- ", "  ", "————————", 100 },
};

const struct bf_dialect *
bf_dialect(enum bf_markup markup)
{
	return &dialects[markup];
}
