#ifndef BF_CHILD_H
#define BF_CHILD_H

#include <sys/types.h>

#include "core/base/counters.h"
#include "core/registry/snapshot.h"

/*
 * What the master forks. Each kind is one function that runs until it is told
 * to stop, and returns the exit status of the process.
 */
enum bf_child_kind {
	BF_CHILD_SCHEDULER,
	BF_CHILD_INTAKE,
	BF_CHILD_WORKER,
	BF_CHILD_SPAWNER,
	BF_CHILD_SPARE, /* a worker for suspects: while they run alone, the
			 * other workers go on */
};

/* What a child is born with. It owns the descriptors; the snapshot has no
 * secrets (the scheduler gets those by BF_CONTROL_SNAPSHOT). */
struct bf_birth {
	int control;  /* to the master */
	int link;     /* to the scheduler; -1 for the scheduler */
	int programs; /* worker: to the spawner; -1: there is none */
	uid_t uid;    /* spawner: belfry's own user; -1: ours */
	gid_t gid;
	struct bf_snapshot *snapshot;
	unsigned slot;                /* among its kind */
	struct bf_counters *counters; /* shared by all children */
	const char *group; /* worker: the module it runs alone, or "" */
	int *listeners;    /* intake: as in snapshot->api.listens */
	size_t listener_count;
	struct ssl_ctx_st *tls; /* intake: for listeners with TLS, or NULL */
};

int bf_scheduler_main(struct bf_birth *birth);
int bf_intake_main(struct bf_birth *birth);
int bf_worker_main(struct bf_birth *birth);
int bf_spawner_main(struct bf_birth *birth);

/* Tells the master that the child does its work from now on. Whoever waits for
 * the daemon to start need not hear of what happens to it later. */
void bf_child_ready(int control);

/* The title that ps shows: "belfry: <text>". main calls init first. */
void bf_title_init(int argc, char **argv);
void bf_title_set(const char *text);

#endif
