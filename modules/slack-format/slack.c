/*
 * slack.c - messages to a Slack incoming webhook
 */
#include "slack.h"

#include <string.h>

static const struct bf_directive directives[] = {
	{ BF_FIELD(slack_conf, url), .required = true, .secret = true,
	    .help = "The incoming webhook's URL; whoever knows it can post, so "
		    "best kept elsewhere, as env:NAME or file:PATH" },
	{ BF_FIELD(slack_conf, username),
	    .help = "The name that messages appear under; only legacy webhooks "
		    "allow it" },
	{ BF_FIELD(slack_conf, icon_emoji),
	    .help = "The picture that they appear with, as :bell:; only legacy "
		    "webhooks allow it" },
	{ BF_FIELD(slack_conf, channel),
	    .help = "Another Slack channel, as #ops; only legacy webhooks "
		    "allow it" },
	{ BF_FIELD(slack_conf, mention),
	    .help = "Whom events of a severity mention: the severity, and a "
		    "mention as Slack writes it" },
	{ 0 },
};

/* Source: docs.slack.dev, "Formatting message text", sections about mentions
 * of users, user groups and everybody. */
static int
check_mention(const struct bf_pair *mention, struct bf_error *err)
{
	static const char *const starts[] = { "<!here", "<!channel",
		"<!everyone", "<!subteam^", "<@U", "<@W" };
	const char *text = mention->value;
	const size_t size = strlen(text);
	enum bf_severity severity;

	if (bf_severity_parse(mention->name, &severity) == -1) {
		bf_error_set(err,
		    "mention %s: expected info, success, warning, error or "
		    "critical",
		    mention->name);
		return -1;
	}
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		const size_t start = strlen(starts[i]);

		if (strncmp(text, starts[i], start) == 0 && size < 100 &&
		    strcspn(text, ">") == size - 1 &&
		    strpbrk(text + start, "<& \t\n") == NULL)
			return 0;
	}
	bf_error_set(err,
	    "mention %s %s: expected <!here>, <!channel>, <!everyone>, "
	    "<!subteam^ID> or <@ID>",
	    mention->name, text);
	return -1;
}

static int
check(void *conf, struct bf_error *err)
{
	const struct slack_conf *slack = conf;

	if (slack->mention.count > 20) {
		bf_error_set(err, "mention: %zu of them; expected 20 at most",
		    slack->mention.count);
		return -1;
	}
	for (size_t i = 0; i < slack->mention.count; i++) {
		if (check_mention(&slack->mention.items[i], err) == -1)
			return -1;
	}
	return 0;
}

static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct slack_conf *slack = conf;

	(void)err;
	bf_request_post(request, &slack->url,
	    "application/json; charset=utf-8");
	slack_payload(slack, event, &request->body);
	return 0;
}

static void
judge(const void *conf, const struct bf_response *response,
    struct bf_verdict *verdict)
{
	(void)conf;
	slack_answer(response, verdict);
}

/* Source of the rate: docs.slack.dev, "Rate limits": one message a second for
 * incoming webhooks, short bursts allowed. One at a time keeps them in order.
 */
BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "slack-format",
	.license = "BSD-2-Clause",
	.summary = "Posts messages to a Slack incoming webhook",
	.conf_size = sizeof(struct slack_conf),
	.directives = directives,
	.retry = "5s 30s 5m 30m 2h",
	.check = check,
	.compose = compose,
	.judge = judge,
	.rate = "1/s burst=4",
	.concurrency = "1",
};
