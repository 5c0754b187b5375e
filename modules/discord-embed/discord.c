/*
 * discord.c - messages to a Discord webhook
 */
#include "discord.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct bf_directive directives[] = {
	{ BF_FIELD(discord_conf, url), .required = true, .secret = true,
	    .help = "The webhook's URL; whoever knows it can post, so best "
		    "kept elsewhere, as env:NAME or file:PATH" },
	{ BF_FIELD(discord_conf, username),
	    .help = "The name that messages appear under, in place of the "
		    "webhook's" },
	{ BF_FIELD(discord_conf, avatar_url),
	    .help = "The picture that they appear with, in place of the "
		    "webhook's" },
	{ BF_FIELD(discord_conf, thread_id),
	    .help = "The thread of the webhook's channel to post to" },
	{ BF_FIELD(discord_conf, mention),
	    .help = "Whom events of a severity mention: the severity, and a "
		    "mention as Discord writes it" },
	{ 0 },
};

/* Whether text is a snowflake: 64 bits as a decimal number.
 * Source: Discord's reference, "Snowflakes". */
static bool
is_snowflake(const char *text, size_t size)
{
	return size >= 15 && size <= 20 && strspn(text, "0123456789") >= size;
}

/* Source: Discord's reference, "Message Formatting". */
int
discord_mention_parse(const char *text, enum discord_mention *kind, char id[24])
{
	const size_t size = strlen(text);
	size_t start = 2;

	id[0] = '\0';
	if (strcmp(text, "@everyone") == 0 || strcmp(text, "@here") == 0) {
		*kind = DISCORD_EVERYONE;
		return 0;
	}
	if (size < 4 || strncmp(text, "<@", 2) != 0 || text[size - 1] != '>')
		return -1;
	*kind = text[2] == '&' ? DISCORD_ROLE : DISCORD_USER;
	start += *kind == DISCORD_ROLE || text[2] == '!';
	if (!is_snowflake(text + start, size - start - 1))
		return -1;
	memcpy(id, text + start, size - start - 1);
	id[size - start - 1] = '\0';
	return 0;
}

static int
check_mentions(const struct discord_conf *discord, struct bf_error *err)
{
	enum discord_mention kind;
	enum bf_severity severity;
	char id[24];

	if (discord->mention.count > 20) {
		bf_error_set(err, "mention: %zu of them; expected 20 at most",
		    discord->mention.count);
		return -1;
	}
	for (size_t i = 0; i < discord->mention.count; i++) {
		const struct bf_pair *pair = &discord->mention.items[i];

		if (bf_severity_parse(pair->name, &severity) == -1) {
			bf_error_set(err,
			    "mention %s: expected info, success, warning, "
			    "error or critical",
			    pair->name);
			return -1;
		}
		if (discord_mention_parse(pair->value, &kind, id) == -1) {
			bf_error_set(err,
			    "mention %s %s: expected @here, @everyone, "
			    "<@USER-ID> or <@&ROLE-ID>",
			    pair->name, pair->value);
			return -1;
		}
	}
	return 0;
}

/* Source: Discord's reference, "User", usernames and nicknames, and "Webhook",
 * create. */
static int
check_username(const char *name, struct bf_error *err)
{
	const size_t size = bf_length(name, strlen(name), BF_UNIT_UTF16);

	if (size < 1 || size > 80) {
		bf_error_set(err, "username: %zu characters; expected 1 to 80",
		    size);
		return -1;
	}
	if (strcasestr(name, "discord") || strcasestr(name, "clyde")) {
		bf_error_set(err,
		    "username %s: Discord refuses names with \"discord\" or "
		    "\"clyde\" in them; expected another",
		    name);
		return -1;
	}
	return 0;
}

static int
check(void *conf, struct bf_error *err)
{
	struct discord_conf *discord = conf;
	const char *url = discord->url.text;
	const char *thread = discord->thread_id;

	if (check_mentions(discord, err) == -1 ||
	    (discord->username && check_username(discord->username, err) == -1))
		return -1;
	if (thread && !is_snowflake(thread, strlen(thread))) {
		bf_error_set(err,
		    "thread_id %s: expected the thread's id, a number", thread);
		return -1;
	}
	/* With wait, an error is an answer; without it all is well at first. */
	discord->target =
	    bf_strf("%s%cwait=true%s%s", url, strchr(url, '?') ? '&' : '?',
		thread ? "&thread_id=" : "", thread ? thread : "");
	return 0;
}

static void
clear(void *conf)
{
	struct discord_conf *discord = conf;

	if (discord->target)
		explicit_bzero(discord->target, strlen(discord->target));
	free(discord->target);
}

static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct discord_conf *discord = conf;

	(void)err;
	bf_request_post(request, &discord->url, "application/json");
	request->url = discord->target;
	discord_payload(discord, event, &request->body);
	return 0;
}

static void
judge(const void *conf, const struct bf_response *response,
    struct bf_verdict *verdict)
{
	(void)conf;
	discord_answer(response, verdict);
}

/* No rate of its own: Discord wants to be paced by what its headers say. One at
 * a time keeps messages in order, and each knows what the last one was told. */
BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "discord-embed",
	.license = "BSD-2-Clause",
	.summary = "Posts messages to a Discord webhook",
	.conf_size = sizeof(struct discord_conf),
	.directives = directives,
	.retry = "5s 30s 5m 30m 2h",
	.check = check,
	.clear = clear,
	.compose = compose,
	.judge = judge,
	.concurrency = "1",
};
