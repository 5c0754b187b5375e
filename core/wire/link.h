#ifndef BF_LINK_H
#define BF_LINK_H

#include <stddef.h>

#include <event2/event.h>

#include "core/wire/message.h"

/*
 * A connection between two processes of belfry on an event loop: messages in,
 * messages out. What is sent in one turn of the loop leaves in one write.
 */
struct bf_link;

struct bf_link_handler {
	/* A message came; borrowed for the call: what it owns is cleared
	 * after it, unless the handler took it (and set it to NULL). */
	void (*message)(void *context, struct bf_message *message);
	/* The peer is gone, or sent what is no message (why is then set; else
	 * NULL). The link may be freed inside the call. */
	void (*closed)(void *context, const char *why);
};

/* Takes fd, a stream socket. handler is borrowed, context is passed on. */
struct bf_link *bf_link_new(struct event_base *base, int fd,
    const struct bf_link_handler *handler, void *context);

/* Sends a message; borrows it for the call. Never blocks. */
void bf_link_send(struct bf_link *link, const struct bf_message *message);

/* Bytes that were sent and not yet taken by the peer. */
size_t bf_link_pending(const struct bf_link *link);

/* Stops and resumes reading: how a receiver holds its peer back. */
void bf_link_pause(struct bf_link *link);
void bf_link_resume(struct bf_link *link);

/* Closes it at once and sets *link to NULL. A NULL *link is fine. */
void bf_link_free(struct bf_link **link);

#endif
