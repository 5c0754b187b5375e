#ifndef BF_CONTROL_H
#define BF_CONTROL_H

#include <stdint.h>

#include <belfry/error.h>

/*
 * What the master and its children say to one another, over one
 * SOCK_SEQPACKET socket pair each: a small fixed message that may carry a file
 * descriptor.
 */
enum bf_control_kind {
	/* master -> child */
	BF_CONTROL_LINK = 1, /* fd: a link to a new peer; pid: the peer's,
	                      * number: enum bf_child_kind of the peer, for
	                      * the scheduler */
	BF_CONTROL_SNAPSHOT, /* fd: memfd with a snapshot; to the scheduler */
	BF_CONTROL_QUIT,     /* finish what is in hand, then exit; number:
	                      * enum bf_quit */
	BF_CONTROL_REOPEN,   /* reopen the log */
	BF_CONTROL_RELEASE,  /* scheduler: stop dispatching, close the store,
	                      * exit. intake: hold requests for a new link */
	BF_CONTROL_LOST,     /* scheduler: the worker pid died; number: signal */
	BF_CONTROL_PING,     /* answer with READY */
	/* child -> master */
	BF_CONTROL_READY,    /* it does its work from now on */
	BF_CONTROL_STUCK,    /* the worker pid does not answer: kill it */
	BF_CONTROL_FATAL,    /* the store is unusable: no use to start again */
	/* between two masters, from the new one unless said otherwise */
	BF_CONTROL_CONFIRMED, /* its configuration is good */
	BF_CONTROL_GO,       /* from the old one: the store is free; number: the
	                      * first slot that its children do not have */
	/* child -> master */
	BF_CONTROL_DISMISS,  /* the spare worker pid is not needed any more */
};

enum bf_quit {
	BF_QUIT_GRACEFULLY,
	BF_QUIT_NOW, /* intake: closes idle connections too; scheduler: does
	              * not wait for outcomes */
};

struct bf_control {
	enum bf_control_kind kind;
	int64_t pid;
	int64_t number;
	int fd; /* -1: none; the receiver owns it */
};

/* Sends one message; fd stays the caller's. Returns 0 or -1 with errno. */
int bf_control_send(int socket, const struct bf_control *control);

/* Receives one: 1, 0 when the peer is gone, -1 with errno (EAGAIN: none). */
int bf_control_receive(int socket, struct bf_control *control);

#endif
