/*
 * dispatch.c - lanes: what waits for each channel, and when it may be sent
 */
#include <stdlib.h>

#include <belfry/memory.h>

#include "core/dispatch/dispatch_private.h"

/* What is held in memory for a channel: enough to send from while the store,
 * which may be in the middle of a sync, reads the next page. */
#define CAPACITY_LEAST 512          /* deliveries */
#define CAPACITY_BYTES (256u << 10) /* of their events; no more then */

void
bf_delivery_free(struct bf_delivery *delivery)
{
	if (!delivery)
		return;
	bf_event_unref(&delivery->event);
	bf_recipients_free(&delivery->settled);
	free(delivery);
}

struct bf_dispatch *
bf_dispatch_new(void)
{
	return bf_new(struct bf_dispatch);
}

/* Names a pace: of the kind, for those who share the name, or for the lane.
 * Returns whether it is another one than before. */
static bool
use_pace(struct bf_lane *lane, struct bf_pace **pace, const char *kind,
    const char *shared)
{
	char *name = shared
			 ? bf_strf("%s %s", kind, shared)
			 : bf_strf("%s of %u", kind, (unsigned)lane->channel);

	const bool other = bf_pace_change(&lane->dispatch->paces, pace, name);

	free(name);
	return other;
}

/* The bucket of the lane's rate: that of its endpoint with the same rate. */
static void
use_rate(struct bf_lane *lane)
{
	const struct bf_rate *rate = &lane->rate;
	char *shared = bf_strf("%s %lld/%lld %lld", lane->endpoint->name,
	    (long long)rate->count, (long long)rate->period.ms,
	    (long long)rate->burst);

	use_pace(lane, &lane->rated, "rate", shared);
	free(shared);
}

void
bf_lane_share(struct bf_lane *lane, const char *endpoint, const char *platform)
{
	const bool other =
	    use_pace(lane, &lane->endpoint, "endpoint", endpoint);

	use_pace(lane, &lane->platform, "platform", platform);
	use_rate(lane);
	if (!other)
		return;
	bf_window_restart(&lane->window);
	bf_turn_leave(lane);
	bf_turn_place(lane);
}

struct bf_lane *
bf_dispatch_lane(struct bf_dispatch *dispatch, uint32_t channel,
    const char *tenant, const struct bf_channel_policy *policy,
    const char *group)
{
	struct bf_lane *lane;

	HASH_FIND(hh, dispatch->lanes, &channel, sizeof(channel), lane);
	if (!lane) {
		lane = bf_new(struct bf_lane);
		lane->channel = channel;
		lane->dispatch = dispatch;
		lane->last = &lane->first;
		HASH_ADD(hh, dispatch->lanes, channel, sizeof(channel), lane);
		bf_lane_share(lane, NULL, NULL);
	}
	bf_turn_leave(lane);
	bf_turn_join(lane, group, tenant);
	/* In order means one after the other. */
	bf_window_bound(&lane->window,
	    policy->ordered ? 1 : (size_t)policy->concurrency);
	lane->rate = policy->rate;
	use_rate(lane);
	bf_turn_place(lane);
	return lane;
}

/* Takes the first delivery off the lane's queue. */
static struct bf_delivery *
shift(struct bf_lane *lane)
{
	struct bf_delivery *delivery = lane->first;

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): not empty */
	lane->first = delivery->next;
	if (!lane->first)
		lane->last = &lane->first;
	delivery->next = NULL;
	lane->queued--;
	lane->bytes -= delivery->event->json.size;
	lane->dispatch->queued--;
	lane->dispatch->bytes -= delivery->event->json.size;
	return delivery;
}

static void
free_lane(struct bf_lane *lane)
{
	bf_turn_part(lane);
	while (lane->first)
		bf_delivery_free(shift(lane));
	bf_pace_release(&lane->dispatch->paces, &lane->endpoint);
	bf_pace_release(&lane->dispatch->paces, &lane->platform);
	bf_pace_release(&lane->dispatch->paces, &lane->rated);
	HASH_DEL(lane->dispatch->lanes, lane);
	free(lane);
}

void
bf_dispatch_remove(struct bf_dispatch *dispatch, uint32_t channel)
{
	struct bf_lane *lane;

	HASH_FIND(hh, dispatch->lanes, &channel, sizeof(channel), lane);
	if (lane)
		free_lane(lane);
}

void
bf_dispatch_free(struct bf_dispatch **dispatch)
{
	struct bf_lane *lane, *next;

	if (!*dispatch)
		return;
	HASH_ITER(hh, (*dispatch)->lanes, lane, next)
	free_lane(lane);
	bf_turn_free(*dispatch);
	free(*dispatch);
	*dispatch = NULL;
}

void
bf_lane_hold(struct bf_lane *lane, bool hold)
{
	if (lane->held && !hold)
		bf_window_restart(&lane->window);
	lane->held = hold;
	bf_turn_place(lane);
}

void
bf_lane_block(struct bf_lane *lane, int64_t until_monotonic_ms)
{
	lane->blocked_until = until_monotonic_ms;
	bf_turn_leave(lane);
	bf_turn_place(lane);
}

void
bf_lane_pause(struct bf_lane *lane, enum bf_pause_scope scope,
    int64_t until_monotonic_ms)
{
	struct bf_pace *pace =
	    scope == BF_PAUSE_PLATFORM ? lane->platform : lane->endpoint;

	/* The others find out when it is their turn. */
	if (until_monotonic_ms > pace->paused_until)
		pace->paused_until = until_monotonic_ms;
	bf_bucket_restart(&lane->rated->bucket, bf_lane_paused_until(lane));
}

int64_t
bf_lane_paused_until(const struct bf_lane *lane)
{
	return lane->endpoint->paused_until > lane->platform->paused_until
		   ? lane->endpoint->paused_until
		   : lane->platform->paused_until;
}

size_t
bf_lane_capacity(const struct bf_lane *lane)
{
	const size_t wanted = 2 * lane->window.bound;

	return wanted > CAPACITY_LEAST ? wanted : CAPACITY_LEAST;
}

size_t
bf_lane_room(const struct bf_lane *lane)
{
	const size_t capacity = bf_lane_capacity(lane);

	if (lane->queued >= capacity || lane->bytes >= CAPACITY_BYTES)
		return 0;
	return capacity - lane->queued;
}

size_t
bf_lane_idle(const struct bf_lane *lane)
{
	return lane->queued == 0
		   ? bf_window_room(&lane->window, lane->in_flight)
		   : 0;
}

size_t
bf_lane_window(const struct bf_lane *lane)
{
	return lane->window.size;
}

size_t
bf_lane_queued(const struct bf_lane *lane)
{
	return lane->queued;
}

size_t
bf_lane_in_flight(const struct bf_lane *lane)
{
	return lane->in_flight;
}

bool
bf_lane_held(const struct bf_lane *lane)
{
	return lane->held;
}

/* Links a delivery in at a place of the queue. */
static void
insert(struct bf_lane *lane, struct bf_delivery **place,
    struct bf_delivery *delivery)
{
	delivery->next = *place;
	*place = delivery;
	if (!delivery->next)
		lane->last = &delivery->next;
	lane->queued++;
	lane->bytes += delivery->event->json.size;
	lane->dispatch->queued++;
	lane->dispatch->bytes += delivery->event->json.size;
	bf_turn_place(lane);
}

void
bf_lane_add(struct bf_lane *lane, struct bf_delivery *delivery, bool at_head)
{
	insert(lane, at_head ? &lane->first : lane->last, delivery);
}

void
bf_lane_return(struct bf_lane *lane, struct bf_delivery *delivery)
{
	struct bf_delivery **place = &lane->first;

	/* Past others that were returned, and no further: the queue is in
	 * order of events but for retries, which stand at its head. */
	while (*place && (*place)->id.event < delivery->id.event)
		place = &(*place)->next;
	insert(lane, place, delivery);
}

size_t
bf_lane_drop(struct bf_lane *lane,
    bool (*drop)(void *context, const struct bf_delivery *delivery),
    void *context)
{
	const size_t queued = lane->queued;
	size_t dropped = 0;

	for (size_t i = 0; i < queued; i++) {
		struct bf_delivery *delivery = shift(lane);

		if (drop(context, delivery)) {
			bf_delivery_free(delivery);
			dropped++;
		} else {
			bf_lane_add(lane, delivery, false);
		}
	}
	bf_turn_place(lane);
	return dropped;
}

int64_t
bf_lane_ready_at(const struct bf_lane *lane, int64_t now)
{
	const int64_t paused = bf_lane_paused_until(lane);
	const int64_t window = bf_window_ready(&lane->window);
	int64_t ready = bf_bucket_ready(&lane->rated->bucket, &lane->rate, now);

	if (lane->blocked_until > ready)
		ready = lane->blocked_until;
	if (paused > ready)
		ready = paused;
	if (window > ready)
		ready = window;
	return ready;
}

struct bf_delivery *
bf_dispatch_next(struct bf_dispatch *dispatch, const char *group,
    int64_t now_monotonic_ms, int64_t *wake)
{
	struct bf_lane *lane =
	    bf_turn_next(dispatch, group, now_monotonic_ms, wake);
	struct bf_delivery *delivery;

	if (!lane)
		return NULL;
	bf_bucket_take(&lane->rated->bucket, &lane->rate, now_monotonic_ms);
	delivery = shift(lane);
	lane->in_flight++;
	bf_window_begin(&lane->window, lane->in_flight, now_monotonic_ms);
	bf_turn_place(lane);
	return delivery;
}

void
bf_lane_done(struct bf_lane *lane, enum bf_health health)
{
	const int64_t ready = bf_window_ready(&lane->window);

	lane->in_flight--;
	bf_window_end(&lane->window, health);
	/* One that stands among the waiting may go on earlier. */
	if (lane->place == WAITING && bf_window_ready(&lane->window) < ready)
		bf_turn_leave(lane);
	bf_turn_place(lane);
}

size_t
bf_dispatch_queued(const struct bf_dispatch *dispatch)
{
	return dispatch->queued;
}

size_t
bf_dispatch_bytes(const struct bf_dispatch *dispatch)
{
	return dispatch->bytes;
}
