#ifndef DISCORD_H
#define DISCORD_H

/*
 * What the files of the module share.
 *
 *   discord.c  the module: directives, checks
 *   payload.c  an event as a message with one embed
 *   answer.c   what Discord's answers mean
 */
#include <belfry/module.h>

struct discord_conf {
	struct bf_url url;
	char *username;
	struct bf_url avatar_url;
	char *thread_id;
	struct bf_pairs mention;

	char *target; /* made by check: url with what is asked for */
};

/* Whom a mention means: what allowed_mentions is to say, and its id. */
enum discord_mention {
	DISCORD_EVERYONE, /* @everyone and @here */
	DISCORD_ROLE,
	DISCORD_USER,
};

/* Reads a mention as it is written: @everyone, @here, <@ID>, <@&ID>. id (24
 * bytes) gets the snowflake, if there is one. 0 or -1. */
int discord_mention_parse(const char *text, enum discord_mention *kind,
    char id[24]);

/* Appends the message as JSON. */
void discord_payload(const struct discord_conf *discord,
    const struct bf_event *event, struct bf_buf *json);

/* Says what an answer means. */
void discord_answer(const struct bf_response *response,
    struct bf_verdict *verdict);

#endif
