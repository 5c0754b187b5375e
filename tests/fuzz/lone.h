#ifndef LONE_H
#define LONE_H

#include <pthread.h>

#include "core/process/child.h"
#include "tests/fuzz/stage.h"

/*
 * An intake or a worker, whole, on a thread of this process. Its scheduler is
 * the fuzz target, at the other end of a link. The conf file has a channel
 * "hook" of the module webhook, and an ordered one of a module that can't be
 * opened.
 */
struct lone {
	struct line scheduler; /* the target's end */
	struct bf_snapshot *snapshot;
	struct bf_counters *counters;
	char dir[40];
	int control;
	int listener; /* intake: -1 for a worker */
	pthread_t thread;
	struct bf_birth birth;
	int (*run)(struct bf_birth *birth);
};

/* kind is BF_CHILD_INTAKE or BF_CHILD_WORKER. An intake whose listener has TLS
 * takes one reference to tls; NULL: it has none. */
struct lone *lone_new(enum bf_child_kind kind, struct ssl_ctx_st *tls);

/* Closes the link, has it end, and waits for it. */
void lone_free(struct lone **lone);

/* Says what a scheduler says to a new intake, which then serves. */
void lone_welcome(const struct lone *lone);

/* A connection to the intake. The caller's descriptor. */
int lone_connect(const struct lone *lone);

#endif
