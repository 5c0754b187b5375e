#ifndef TALK_H
#define TALK_H

#include "core/transport/dialogue.h"

/*
 * Talks with mail servers, as tests write them: a line each, "> " in front of
 * what the client sends, "< " in front of what the server says.
 */

#define HELLO                                                                  \
	"< 220 mx.example.com ESMTP\n> EHLO here.example\n"                    \
	"< 250-mx.example.com\n< 250 STARTTLS\n"

/* Lets a dialogue follow the talk; shown: what a transcript has of it. */
void talk_follow(const char *lines, struct bf_dialogue *dialogue,
    struct bf_buf *shown);

#endif
