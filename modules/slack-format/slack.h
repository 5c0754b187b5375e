#ifndef SLACK_H
#define SLACK_H

/*
 * What the files of the module share.
 *
 *   slack.c    the module: directives, checks
 *   payload.c  an event as a message
 *   answer.c   what Slack's answers mean
 */
#include <belfry/module.h>

struct slack_conf {
	struct bf_url url;
	char *username;
	char *icon_emoji;
	char *channel;
	struct bf_pairs mention;
};

/* Appends the message as JSON. */
void slack_payload(const struct slack_conf *slack, const struct bf_event *event,
    struct bf_buf *json);

/* Says what an answer means. */
void slack_answer(const struct bf_response *response,
    struct bf_verdict *verdict);

#endif
