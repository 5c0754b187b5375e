#ifndef BF_DISPATCH_H
#define BF_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/clock.h>
#include <belfry/outcome.h>
#include <belfry/verdict.h>

#include "core/dispatch/window.h"
#include "core/event/event_private.h"
#include "core/event/id.h"
#include "core/registry/snapshot.h"

/*
 * What is due, in memory, and whose turn it is. Tenants take turns, and within
 * a tenant its channels (deficit round robin over the bytes of their events, at
 * both levels: M. Shreedhar, G. Varghese, 1995); each channel has a window of
 * attempts at once and a number of deliveries held in memory; what does not fit
 * stays in the store. A pause holds back all lanes that share an endpoint or a
 * platform, and lanes that share an endpoint and have the same rate share that,
 * too. Pure arithmetic: no clock, no I/O. Knows nothing of workers but the
 * group that serves a channel.
 */

/* A delivery in memory: queued, or in the hands of a worker. */
struct bf_delivery {
	struct bf_delivery *next;
	struct bf_delivery_id id;
	struct bf_event *event; /* one reference */
	int tries;              /* attempts that count, so far */
	int attempts;           /* attempts in all, so far */
	int crashes;
	bool retry; /* stood in the store as a retry */
	struct bf_instant expires;
	struct bf_recipients settled; /* by the attempts before; owned */
};

struct bf_dispatch;
struct bf_lane; /* one channel's queue */

struct bf_dispatch *bf_dispatch_new(void);
void bf_dispatch_free(struct bf_dispatch **dispatch);

/* Makes the lane of a tenant's channel, or gives it a new policy. group names
 * the worker group that serves it ("" unless its module is isolated). */
struct bf_lane *bf_dispatch_lane(struct bf_dispatch *dispatch, uint32_t channel,
    const char *tenant, const struct bf_channel_policy *policy,
    const char *group);

/* Names what the lane shares with others: the lanes with the same endpoint, and
 * those with the same platform. NULL: nothing. Another endpoint than before has
 * a window of its own. */
void bf_lane_share(struct bf_lane *lane, const char *endpoint,
    const char *platform);

/* Forgets a lane; what was queued in it is freed, what is in flight stays the
 * caller's. */
void bf_dispatch_remove(struct bf_dispatch *dispatch, uint32_t channel);

/* Holds a lane (stopped, disabled): it gets no turns until let go on, with a
 * new window. */
void bf_lane_hold(struct bf_lane *lane, bool hold);

/* Gives an ordered lane no turn before the time: its head waits for a retry. */
void bf_lane_block(struct bf_lane *lane, int64_t until_monotonic_ms);

/* Gives no lane within the scope a turn before the time; an earlier pause that
 * is longer stays. What the lane's rate had saved up is forgotten: from then on
 * it sends one at a time again. */
void bf_lane_pause(struct bf_lane *lane, enum bf_pause_scope scope,
    int64_t until_monotonic_ms);

/* Until when pauses hold the lane back, monotonic ms; past or 0: they don't. */
int64_t bf_lane_paused_until(const struct bf_lane *lane);

/* How many more deliveries the lane takes into memory, of how many. */
size_t bf_lane_room(const struct bf_lane *lane);
size_t bf_lane_capacity(const struct bf_lane *lane);
/* How many it could send at once and has not got. */
size_t bf_lane_idle(const struct bf_lane *lane);
/* How many attempts it may have in flight now. */
size_t bf_lane_window(const struct bf_lane *lane);
size_t bf_lane_queued(const struct bf_lane *lane);
size_t bf_lane_in_flight(const struct bf_lane *lane);
bool bf_lane_held(const struct bf_lane *lane);

/* Puts a delivery at the end of its lane's queue, or at its head. Takes it. */
void bf_lane_add(struct bf_lane *lane, struct bf_delivery *delivery,
    bool at_head);

/* Puts a delivery that was taken from the queue back to where it stood: before
 * the first of a later event. Takes it. */
void bf_lane_return(struct bf_lane *lane, struct bf_delivery *delivery);

/* Frees the queued deliveries that drop says; returns how many. */
size_t bf_lane_drop(struct bf_lane *lane,
    bool (*drop)(void *context, const struct bf_delivery *delivery),
    void *context);

/*
 * Takes the next delivery that may be sent now to a worker of the group, or
 * NULL. It counts as in flight until bf_lane_done. wake is lowered to the
 * monotonic time in milliseconds at which a rate, a window or a block lets
 * another lane of the group go on (INT64_MAX: none).
 */
struct bf_delivery *bf_dispatch_next(struct bf_dispatch *dispatch,
    const char *group, int64_t now_monotonic_ms, int64_t *wake);

/* A delivery of the lane is no longer in flight; what that says of its
 * endpoint. */
void bf_lane_done(struct bf_lane *lane, enum bf_health health);

/* Deliveries queued, and bytes of their events, in all lanes. */
size_t bf_dispatch_queued(const struct bf_dispatch *dispatch);
size_t bf_dispatch_bytes(const struct bf_dispatch *dispatch);

void bf_delivery_free(struct bf_delivery *delivery);

#endif
