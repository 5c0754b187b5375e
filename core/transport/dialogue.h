#ifndef BF_DIALOGUE_H
#define BF_DIALOGUE_H

#include <stdbool.h>

#include <belfry/buf.h>

#include "core/transport/hints.h"

/*
 * Follows an SMTP dialogue line by line (RFC 5321, RFC 4954): which command
 * the last lines belong to, and the refusal that explains how it ended.
 * Commands may be sent ahead of the replies, which keep their order (RFC 2920).
 * { 0 } is ready, before the greeting.
 */
struct bf_dialogue {
	enum bf_stage stage; /* of the next reply; ANY: before the greeting */
	struct bf_buf asked; /* the stages of commands that were sent: bytes */
	size_t answered;     /* of them; once all are, both are empty */
	bool composing;      /* the server asked for the message (354) */
	bool authenticating; /* lines of ours are credentials */
	bool continued;      /* the reply goes on in the next line */
	bool leaving;        /* QUIT or RSET: the reply tells nothing */

	/* The refusal, if there was one that stands. */
	int code; /* 0: none */
	enum bf_stage refused;
	struct bf_buf text; /* its lines, without codes; if none, what came
			     * in place of a greeting */
};

/* A line that was sent, without its end. Appends what may be shown of it. */
void bf_dialogue_sent(struct bf_dialogue *dialogue, const char *line,
    struct bf_buf *shown);

/* The same of a line that came. */
void bf_dialogue_received(struct bf_dialogue *dialogue, const char *line,
    struct bf_buf *shown);

void bf_dialogue_free(struct bf_dialogue *dialogue);

#endif
