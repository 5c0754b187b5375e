/*
 * answer.c - what Slack's answers mean
 *
 * An incoming webhook answers with a status and one word as plain text. Only
 * the word is proof that Slack itself has spoken: the same status with anything
 * else in the body comes from a proxy or a captive portal, and is retried.
 */
#include "slack.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MOST 64       /* bytes of an answer that may be a word */
#define PAUSE_MS 1000      /* after a 429 that does not say how long */
#define PAUSE_LEAST_MS 100 /* after any */

enum meaning {
	REFUSED, /* this message: no other try would be taken */
	STOPPED, /* every message, until somebody changes something */
	LATER,
	LIMITED,
};

/*
 * Sources, docs.slack.dev: "Sending messages using incoming webhooks", section
 * "Handling errors"; "Changes to errors from incoming webhooks" (2016-05-17),
 * which has the statuses, too; errors of chat.postMessage, which webhooks share
 * (blocks, attachments, lengths); "Rate limits".
 */
static const struct {
	const char *word;
	enum meaning meaning;
	const char *why;
} words[] = {
	{ "no_service", STOPPED,
	    "the webhook was disabled, removed or is invalid: make a new one "
	    "and change the URL" },
	{ "no_service_id", STOPPED,
	    "the webhook's URL lacks the service's id: copy it again" },
	{ "no_active_hooks", STOPPED,
	    "the webhook was disabled: enable it in Slack, or make a new one" },
	{ "no_team", STOPPED,
	    "the workspace does not exist: check the webhook's URL" },
	{ "team_disabled", STOPPED, "the workspace was disabled" },
	{ "invalid_token", STOPPED,
	    "the webhook's token was revoked or is wrong: make a new webhook "
	    "and change the URL" },
	{ "token_revoked", STOPPED,
	    "the webhook's token was revoked: make a new webhook and change "
	    "the URL" },
	{ "channel_not_found", STOPPED,
	    "the Slack channel does not exist any more, or the webhook may "
	    "not see it" },
	{ "channel_is_archived", STOPPED,
	    "the Slack channel is archived: unarchive it, or choose another "
	    "for the webhook" },
	{ "user_not_found", STOPPED,
	    "the person whom the webhook posts to is gone" },
	{ "action_prohibited", STOPPED,
	    "an admin of the workspace does not allow the webhook to post" },
	{ "posting_to_general_channel_denied", STOPPED,
	    "an admin restricted who may post to the general channel" },
	{ "invalid_payload", REFUSED, "Slack can't read the message" },
	{ "no_text", REFUSED, "Slack found no text in the message" },
	{ "missing_text_or_fallback_or_attachments", REFUSED,
	    "Slack found no text in the message" },
	{ "invalid_blocks", REFUSED,
	    "Slack does not accept the blocks of the message" },
	{ "invalid_blocks_format", REFUSED,
	    "Slack does not accept the blocks of the message" },
	{ "invalid_attachments", REFUSED,
	    "Slack does not accept the attachment of the message" },
	{ "too_many_attachments", REFUSED,
	    "the message has too many "
	    "attachments" },
	{ "msg_too_long", REFUSED, "the message is too long" },
	{ "msg_blocks_too_long", REFUSED, "the message's blocks are too long" },
	{ "rollup_error", LATER, "something went wrong at Slack" },
	{ "rate_limited", LIMITED, "Slack asks for a pause" },
	{ "ratelimited", LIMITED, "Slack asks for a pause" },
};

/* The one word that the body is; "" if it is none. */
static void
read_word(const struct bf_buf *body, char word[WORD_MOST])
{
	const char *text = bf_buf_text(body);
	size_t start = strspn(text, " \t\r\n");
	size_t size = strspn(text + start, "abcdefghijklmnopqrstuvwxyz_");
	const char *rest = text + start + size;

	word[0] = '\0';
	if (size >= WORD_MOST || rest[strspn(rest, " \t\r\n")] != '\0' ||
	    (size_t)(rest - text) > body->size)
		return;
	memcpy(word, text + start, size);
	word[size] = '\0';
}

/* A page for people: what stands between us and Slack has answered. */
static bool
is_page(const struct bf_response *response)
{
	const char *type = bf_response_header(response, "Content-Type");
	const char *text = bf_buf_text(&response->body);

	return (type && strncasecmp(type, "text/html", 9) == 0) ||
	       text[strspn(text, " \t\r\n")] == '<';
}

static void
pause_as_told(const struct bf_response *response, const char *why,
    struct bf_verdict *verdict)
{
	const char *after = bf_response_header(response, "Retry-After");
	struct bf_duration wait = { PAUSE_MS };

	if (after && bf_retry_after(after, response->now, &wait) == -1 &&
	    bf_seconds_parse(after, &wait) == -1)
		wait.ms = PAUSE_MS;
	bf_verdict_set(verdict, BF_RETRY, "%s", why);
	verdict->not_before.ms =
	    wait.ms > PAUSE_LEAST_MS ? wait.ms : PAUSE_LEAST_MS;
	verdict->wait = (struct bf_duration){ 0 };
}

static void
take_meaning(const struct bf_response *response, size_t i,
    struct bf_verdict *verdict)
{
	char why[sizeof(verdict->why)];

	snprintf(why, sizeof(why), "%s (%s)", words[i].why, words[i].word);
	switch (words[i].meaning) {
	case REFUSED:
		bf_verdict_set(verdict, BF_FAILED, "%s", why);
		break;
	case STOPPED:
		bf_verdict_set(verdict, BF_RETRY, "%s", why);
		verdict->stop_channel = true;
		break;
	case LATER:
		bf_verdict_set(verdict, BF_RETRY, "%s", why);
		break;
	case LIMITED:
		pause_as_told(response, why, verdict);
	}
}

void
slack_answer(const struct bf_response *response, struct bf_verdict *verdict)
{
	const int status = response->status;
	char word[WORD_MOST];

	bf_verdict_http(response, verdict);
	read_word(&response->body, word);
	if (status >= 200 && status < 300) {
		if (is_page(response))
			bf_verdict_set(verdict, BF_RETRY,
			    "the answer is a page and not Slack's \"ok\": "
			    "something between belfry and Slack has answered");
		return;
	}
	if (status == 429) {
		pause_as_told(response,
		    "Slack asks for a pause (HTTP status "
		    "429)",
		    verdict);
		return;
	}
	if (status < 400)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i].word, word) == 0) {
			take_meaning(response, i, verdict);
			return;
		}
	}
	/* A word that is not known yet, about a message that is not taken. */
	if (status == 400 && strchr(word, '_'))
		bf_verdict_set(verdict, BF_FAILED,
		    "Slack does not accept the message (%s)", word);
}
