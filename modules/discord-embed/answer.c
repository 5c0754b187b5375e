/*
 * answer.c - what Discord's answers mean
 *
 * Discord's own answers are JSON objects with a message and a code. Only they
 * are proof: the same status with another body comes from something between,
 * and is retried. That is not for a 429: one without JSON is from the network
 * in front of Discord, which bans addresses that go on, so it stops all.
 *
 * Sources, discord.com/developers/docs: "Opcodes and Status Codes", JSON error
 * codes; "Rate Limits" (headers, the answer's JSON, invalid requests: 10,000 in
 * ten minutes, among them every 401, 403 and 429).
 */
#include "discord.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PAUSE_MS 1000      /* after a 429 of Discord's that names no time */
#define BAN_PAUSE_MS 60000 /* after one of the network in front of it */
#define PAUSE_LEAST_MS 100 /* after any */
#define PAUSE_MOST_S (30 * 86400.0)
#define CODE_LEAST 10000 /* codes of Discord's have five digits or more */

/* What Discord said in JSON. */
struct said {
	bool by_discord;
	double code;
	char message[160];
	double retry_after; /* seconds; -1: it does not say */
	bool global;
};

/* What to do about the codes that are met most. */
static const struct {
	int code;
	const char *why;
} advice[] = {
	{ 10015, "the webhook was deleted: make a new one and change the URL" },
	{ 50027, "the webhook's token is wrong: copy the URL again" },
	{ 10003, "the channel or the thread does not exist any more" },
	{ 10004, "the server does not exist any more" },
	{ 50001, "the webhook may not see the channel" },
	{ 50013, "the webhook may not post there" },
};

/* The first text in a tree of errors, which has one at its leaves. */
static const char *
first_text(const cJSON *tree)
{
	const cJSON *at = tree;

	while (at && !cJSON_IsString(at)) {
		const cJSON *message =
		    cJSON_GetObjectItemCaseSensitive(at, "message");

		at = cJSON_IsString(message) ? message : at->child;
	}
	return cJSON_GetStringValue(at);
}

/* Discord's general answer, code 0, repeats the status in its message. */
static bool
repeats_status(const char *message, int status)
{
	char start[8];

	snprintf(start, sizeof(start), "%d: ", status);
	return strncmp(message, start, strlen(start)) == 0;
}

static void
read_json(const struct bf_response *response, struct said *said)
{
	const struct bf_buf *body = &response->body;
	struct bf_error err;
	cJSON *tree = bf_json_parse(bf_buf_text(body), body->size, &err);
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(tree, "code");
	const char *message = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(tree, "message"));
	const cJSON *after =
	    cJSON_GetObjectItemCaseSensitive(tree, "retry_after");
	const char *detail =
	    first_text(cJSON_GetObjectItemCaseSensitive(tree, "errors"));

	*said = (struct said){ .retry_after = -1 };
	if (cJSON_IsNumber(code))
		said->code = code->valuedouble;
	if (cJSON_IsNumber(after) && after->valuedouble >= 0)
		said->retry_after = after->valuedouble;
	said->global =
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(tree, "global"));
	if (message)
		snprintf(said->message, sizeof(said->message), "%.100s%s%.50s",
		    message, detail ? ": " : "", detail ? detail : "");
	said->by_discord = message && cJSON_IsNumber(code) &&
			   (said->code >= CODE_LEAST ||
			       repeats_status(message, response->status));
	cJSON_Delete(tree);
}

/* An answer of 400 may also name the members that are wrong, and no code:
 * {"embeds": ["0"]}. */
static bool
names_members(const struct bf_response *response)
{
	const struct bf_buf *body = &response->body;
	struct bf_error err;
	cJSON *tree = bf_json_parse(bf_buf_text(body), body->size, &err);
	static const char *const members[] = { "embeds", "content", "username",
		"avatar_url", "allowed_mentions", "_misc" };
	bool found = false;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		found |= cJSON_IsArray(
		    cJSON_GetObjectItemCaseSensitive(tree, members[i]));
	cJSON_Delete(tree);
	return found;
}

static bool
is_page(const struct bf_response *response)
{
	const char *type = bf_response_header(response, "Content-Type");
	const char *text = bf_buf_text(&response->body);

	return (type && strncasecmp(type, "text/html", 9) == 0) ||
	       text[strspn(text, " \t\r\n")] == '<';
}

/* How long a 429 says to wait: the JSON is more precise than the header. */
static int64_t
pause_of(const struct bf_response *response, const struct said *said,
    int64_t otherwise)
{
	const char *after = bf_response_header(response, "Retry-After");
	struct bf_duration wait = { otherwise };

	if (said->retry_after >= 0)
		wait.ms = (int64_t)((said->retry_after < PAUSE_MOST_S
					    ? said->retry_after
					    : PAUSE_MOST_S) *
				    1000) +
			  1;
	else if (after && bf_retry_after(after, response->now, &wait) == -1)
		(void)bf_seconds_parse(after, &wait);
	return wait.ms > PAUSE_LEAST_MS ? wait.ms : PAUSE_LEAST_MS;
}

static void
take_limit(const struct bf_response *response, const struct said *said,
    struct bf_verdict *verdict)
{
	const char *global = bf_response_header(response, "X-RateLimit-Global");
	const char *scope = bf_response_header(response, "X-RateLimit-Scope");
	const bool own = said->retry_after >= 0;
	const bool all = !own || said->global ||
			 (global && strcasecmp(global, "true") == 0) ||
			 (scope && strcasecmp(scope, "global") == 0);

	bf_verdict_set(verdict, BF_RETRY, "%s",
	    !own  ? "429 without Discord's JSON: this address is about to be "
		    "banned"
	    : all ? "Discord asks for a pause of all webhooks"
		  : "Discord asks for a pause of the webhook");
	verdict->wait = (struct bf_duration){ 0 };
	verdict->not_before.ms =
	    pause_of(response, said, own ? PAUSE_MS : BAN_PAUSE_MS);
	verdict->scope = all ? BF_PAUSE_PLATFORM : BF_PAUSE_ENDPOINT;
}

/* 401, 403 or 404 by Discord itself: no other message would be taken. */
static void
take_stop(const struct said *said, struct bf_verdict *verdict)
{
	const char *why = NULL;

	for (size_t i = 0; i < sizeof(advice) / sizeof(*advice); i++) {
		if (said->code == advice[i].code)
			why = advice[i].why;
	}
	bf_verdict_set(verdict, BF_RETRY, "%s%s%s (code %.0f)", said->message,
	    why ? ": " : "", why ? why : "", said->code);
	verdict->stop_channel = true;
}

void
discord_answer(const struct bf_response *response, struct bf_verdict *verdict)
{
	const int status = response->status;
	struct said said;

	bf_verdict_http(response, verdict);
	if (status >= 200 && status < 300) {
		if (is_page(response))
			bf_verdict_set(verdict, BF_RETRY,
			    "the answer is a page and not Discord's: something "
			    "between belfry and Discord has answered");
		return;
	}
	if (status < 400 || status >= 500)
		return;
	read_json(response, &said);
	if (status == 429)
		take_limit(response, &said, verdict);
	else if ((status == 401 || status == 403 || status == 404) &&
		 said.by_discord)
		take_stop(&said, verdict);
	else if (said.by_discord)
		bf_verdict_set(verdict, BF_FAILED,
		    "Discord does not accept the message: %s (code %.0f)",
		    said.message, said.code);
	else if (status == 400 && names_members(response))
		bf_verdict_set(verdict, BF_FAILED,
		    "Discord does not accept the message: %.150s",
		    bf_buf_text(&response->body));
}
