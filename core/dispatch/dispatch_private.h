#ifndef BF_DISPATCH_PRIVATE_H
#define BF_DISPATCH_PRIVATE_H

#include <sys/queue.h>

#include "core/base/hash.h"
#include "core/dispatch/dispatch.h"
#include "core/dispatch/pace.h"
#include "core/dispatch/window.h"

/*
 * What the files of dispatch share:
 *   dispatch.c   lanes: their queues, rates and pauses
 *   turn.c       whose turn it is among them
 */

enum place {
	NOWHERE,
	IN_RING,
	WAITING,
};

struct group;
struct share;

struct bf_lane {
	uint32_t channel;
	struct bf_dispatch *dispatch;
	struct share *share; /* its tenant's in its group */
	struct bf_window window;
	struct bf_rate rate;
	struct bf_pace *endpoint, *platform; /* may pause the lane */
	struct bf_pace *rated;               /* has the bucket of its rate */
	bool held;
	int64_t blocked_until;
	struct bf_delivery *first;
	struct bf_delivery **last;
	size_t queued;
	size_t bytes; /* of the events queued */
	size_t in_flight;
	size_t deficit;
	enum place place;
	TAILQ_ENTRY(bf_lane) link; /* in the share's ring or the group's list */
	UT_hash_handle hh;
};

struct bf_dispatch {
	struct bf_lane *lanes;
	struct group *groups;
	struct bf_pace *paces;
	size_t queued;
	size_t bytes;
};

/* ---- turn.c ---- */

/* Moves a lane, which is in no ring, to its tenant's share of a group. */
void bf_turn_join(struct bf_lane *lane, const char *group, const char *tenant);

/* Takes a lane out of its ring or list, and for good out of its share. */
void bf_turn_leave(struct bf_lane *lane);
void bf_turn_part(struct bf_lane *lane);

/* Puts a lane where it belongs after something about it changed. One that
 * waits is looked at again by bf_turn_next. */
void bf_turn_place(struct bf_lane *lane);

/* The lane of the group whose turn it is, which has paid for its first
 * delivery; NULL: none may send now. wake as in bf_dispatch_next. */
struct bf_lane *bf_turn_next(struct bf_dispatch *dispatch, const char *group,
    int64_t now_monotonic_ms, int64_t *wake);

/* Frees the groups; no lane is left in them. */
void bf_turn_free(struct bf_dispatch *dispatch);

/* ---- dispatch.c ---- */

/* When the lane may send, by its rate, its window, its block and its pauses:
 * now or later, monotonic ms. */
int64_t bf_lane_ready_at(const struct bf_lane *lane, int64_t now_monotonic_ms);

#endif
