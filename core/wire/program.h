#ifndef BF_PROGRAM_H
#define BF_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include <belfry/strings.h>

/*
 * What workers and the spawner say to one another, over one SOCK_SEQPACKET
 * socket pair for each worker: which channel's program is to be started, and
 * how it ended. What the program is, the spawner knows itself.
 */
enum bf_program_kind {
	/* worker -> spawner */
	BF_PROGRAM_START = 1, /* tenant, channel, environment, fds */
	BF_PROGRAM_KILL,
	/* spawner -> worker */
	BF_PROGRAM_ENDED,   /* status */
	BF_PROGRAM_REFUSED, /* reason: it was not started */
};

#define BF_PROGRAM_MESSAGE_MAX (128u << 10) /* bytes */

struct bf_program_message {
	enum bf_program_kind kind;
	uint64_t id; /* the worker's own, back in the answer */
	char *tenant;
	char *channel;
	struct bf_strings environment; /* "NAME=value" */
	int status;                    /* as from waitpid(2) */
	char *reason;
	int fds[2]; /* standard input; output and error; -1: none */
};

/* Sends one message; descriptors stay the caller's. 0, or -1 with errno:
 * EMSGSIZE when it is too long, EAGAIN when the socket is full. */
int bf_program_send(int socket, const struct bf_program_message *message);

/* Receives one, which then owns its texts and descriptors: 1, 0 when the peer
 * is gone, -1 with errno (EAGAIN: none is there; EPROTO: it is none). */
int bf_program_receive(int socket, struct bf_program_message *message);

/* Frees what a received message owns, and closes its descriptors. */
void bf_program_clear(struct bf_program_message *message);

#endif
