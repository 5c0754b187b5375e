#ifndef BF_COMMITTER_H
#define BF_COMMITTER_H

#include <stdbool.h>

#include <event2/event.h>

#include "core/store/store.h"

/*
 * The store's one thread. The loop hands over changes and calls; the thread
 * commits what gathered meanwhile as one batch (group commit), then makes the
 * calls, and the results come back on the loop, in the order in which they
 * were made.
 */
struct committer;

/* A change was made durable, or, for an event only, could not be (why). The
 * change is freed after the call. */
typedef void committer_changed(void *owner, struct bf_change *change,
    const char *why);

/* A call on the store: run on its thread, then done on the loop. done frees
 * the call. Embedded at the beginning of the caller's own struct. */
struct store_call {
	struct store_call *next;
	enum bf_store_result (*run)(struct bf_store *store,
	    struct store_call *call, struct bf_error *err);
	void (*done)(void *owner, struct store_call *call);
	enum bf_store_result result;
	struct bf_error error;
};

/* The store is unusable: nothing more will be made durable. */
typedef void committer_broken(void *owner, const char *why);

struct committer_figures {
	uint64_t commits, changes, failures;
	double seconds; /* spent in commits */
	bool failing;   /* the last commit failed */
	char why[256];
};

/* Takes the store, and starts the thread. NULL, with the store closed, if that
 * can't be had now. */
struct committer *bf_committer_new(struct event_base *base,
    struct bf_store *store, committer_changed *changed,
    committer_broken *broken, void *owner, struct bf_error *err);

/* Hands over a change. One that is urgent starts a commit as soon as the last
 * one is a millisecond old; others ride along, 20 ms at most. While commits
 * fail, the next one waits twice as long as the one before, 250 ms at most. */
void bf_committer_add(struct committer *committer, struct bf_change *change,
    bool urgent);

/* What is handed over from hold to release, or to the next call, is committed
 * together or not at all. The calls' own done is within such a pair. */
void bf_committer_hold(struct committer *committer);
void bf_committer_release(struct committer *committer);

/* Hands over a call; it is made after the changes handed over before it. */
void bf_committer_call(struct committer *committer, struct store_call *call);

/* Changes and calls handed over and not yet done. */
size_t bf_committer_pending(const struct committer *committer);

void bf_committer_figures(struct committer *committer,
    struct committer_figures *figures);

/* Makes everything durable that can be, ends the thread, closes the store. */
void bf_committer_free(struct committer **committer);

#endif
