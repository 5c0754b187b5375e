#ifndef BF_DISPATCH_H
#define BF_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/clock.h>

#include "core/event/event_private.h"
#include "core/event/id.h"
#include "core/registry/snapshot.h"

/*
 * What is due, in memory, and whose turn it is. Channels take turns (deficit
 * round robin); each has its own concurrency, rate and window of deliveries
 * held in memory; what does not fit stays in the store. Pure arithmetic: no
 * clock, no I/O. Knows nothing of workers but the credit that the caller has.
 */

/* A delivery in memory: queued, or in the hands of a worker. */
struct bf_delivery {
	struct bf_delivery *next;
	struct bf_delivery_id id;
	struct bf_event *event; /* one reference */
	int tries;              /* attempts that count, so far */
	int attempts;           /* attempts in all, so far */
	int crashes;
	bool retry;             /* stood in the store as a retry */
	bool suspect;           /* was in flight when its worker died */
	struct bf_instant expires;
	void *owner;            /* the caller's: the worker that has it */
};

struct bf_dispatch;
struct bf_lane; /* one channel's queue */

struct bf_dispatch *bf_dispatch_new(void);
void bf_dispatch_free(struct bf_dispatch **dispatch);

/* Makes the lane of a channel, or gives it a new policy. group names the
 * worker group that serves it ("" unless its module is isolated). */
struct bf_lane *bf_dispatch_lane(struct bf_dispatch *dispatch,
    uint32_t channel, const struct bf_channel_policy *policy,
    const char *group);
struct bf_lane *bf_dispatch_find(
    const struct bf_dispatch *dispatch, uint32_t channel);

/* Forgets a lane; what was queued in it is freed, what is in flight stays the
 * caller's and finds no lane when it ends. */
void bf_dispatch_remove(struct bf_dispatch *dispatch, uint32_t channel);

/* Holds a lane (stopped, disabled): it gets no turns until let go on. */
void bf_lane_hold(struct bf_lane *lane, bool hold);

/* How many more deliveries the lane's window takes. */
size_t bf_lane_room(const struct bf_lane *lane);
size_t bf_lane_queued(const struct bf_lane *lane);
size_t bf_lane_in_flight(const struct bf_lane *lane);

/* Puts a delivery at the end of its lane's queue (first: at its head, for one
 * that came back unsent). Takes it. */
void bf_lane_add(struct bf_lane *lane, struct bf_delivery *delivery, bool first);

/*
 * Takes the next delivery that may be sent now to a worker of the group, or
 * NULL. wake is set to when a rate lets the next one go, if nothing but rates
 * holds deliveries back: monotonic milliseconds, 0 if there is none.
 * It counts as in flight until bf_dispatch_done.
 */
struct bf_delivery *bf_dispatch_next(struct bf_dispatch *dispatch,
    const char *group, int64_t now_monotonic_ms, int64_t *wake);

/* The delivery (taken by bf_dispatch_next) is no longer in flight. */
void bf_dispatch_done(
    struct bf_dispatch *dispatch, struct bf_delivery *delivery);

/* Deliveries queued, and bytes of their events, in all lanes. */
size_t bf_dispatch_queued(const struct bf_dispatch *dispatch);
size_t bf_dispatch_bytes(const struct bf_dispatch *dispatch);

void bf_delivery_free(struct bf_delivery *delivery);

#endif
