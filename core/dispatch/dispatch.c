/*
 * dispatch.c - whose turn it is
 *
 * Each worker group has a ring of the tenants that can send now, and each of
 * these a ring of its lanes that can. Who is at the head of a ring sends while
 * its deficit covers the next event, then is given another quantum and goes to
 * the end: so a tenant's share does not grow with its channels. A lane that
 * can't send (nothing queued, held, at its concurrency) is in no ring; one that
 * waits for its rate, for a retry or for the end of a pause stands in the
 * group's list of waiting lanes until that time.
 */
#include "core/dispatch/dispatch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <belfry/memory.h>

#include "core/base/hash.h"
#include "core/dispatch/pace.h"

#define QUANTUM 4096  /* bytes of events that a turn is worth */
#define BASE_COST 256 /* bytes that a delivery costs beside its event */

/* What is held in memory for a channel: enough to send from while the store,
 * which may be in the middle of a sync, reads the next page. */
#define WINDOW_LEAST 512          /* deliveries */
#define WINDOW_BYTES (256u << 10) /* of their events; then no more is taken */

/* Of a lane whose endpoint fails all the time. */
static const struct bf_rate slow_rate = { 100, { 1000 }, 4 };

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
	size_t concurrency;
	struct bf_rate rate;
	struct bf_pace *endpoint, *platform; /* may pause the lane */
	struct bf_pace *rated;               /* has the bucket of its rate */
	bool slowed; /* its endpoint fails: by the rate slow at most */
	struct bf_bucket slow_bucket;
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

TAILQ_HEAD(lane_list, bf_lane);

/* What one tenant has of a group. It is in the group's ring while one of its
 * lanes is in its own. */
struct share {
	char *tenant;
	struct group *group;
	size_t lanes; /* that belong to it */
	struct lane_list ring;
	size_t deficit;
	TAILQ_ENTRY(share) link;
	UT_hash_handle hh;
};

struct group {
	char *name;
	struct share *shares; /* by tenant */
	TAILQ_HEAD(, share) ring;
	struct lane_list waiting;
	int64_t wake; /* no lane in waiting can go on before */
	UT_hash_handle hh;
};

struct bf_dispatch {
	struct bf_lane *lanes;
	struct group *groups;
	struct bf_pace *paces;
	size_t queued;
	size_t bytes;
};

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

static size_t
cost(const struct bf_delivery *delivery)
{
	return delivery->event->json.size + BASE_COST;
}

static struct group *
find_group(struct bf_dispatch *dispatch, const char *name)
{
	struct group *group;

	HASH_FIND_STR(dispatch->groups, name, group);
	if (group)
		return group;
	group = bf_new(struct group);
	group->name = bf_strdup(name);
	group->wake = INT64_MAX;
	TAILQ_INIT(&group->ring);
	TAILQ_INIT(&group->waiting);
	HASH_ADD_KEYPTR(hh, dispatch->groups, group->name, strlen(group->name),
	    group);
	return group;
}

static struct share *
find_share(struct group *group, const char *tenant)
{
	struct share *share;

	HASH_FIND_STR(group->shares, tenant, share);
	if (share)
		return share;
	share = bf_new(struct share);
	share->tenant = bf_strdup(tenant);
	share->group = group;
	TAILQ_INIT(&share->ring);
	HASH_ADD_KEYPTR(hh, group->shares, share->tenant, strlen(share->tenant),
	    share);
	return share;
}

/* Takes a lane out of its tenant's ring, and the tenant out of the group's with
 * its last one. */
static void
leave_ring(struct bf_lane *lane)
{
	struct share *share = lane->share;

	TAILQ_REMOVE(&share->ring, lane, link);
	if (!TAILQ_EMPTY(&share->ring))
		return;
	TAILQ_REMOVE(&share->group->ring, share, link);
	share->deficit = 0;
}

static void
enter_ring(struct bf_lane *lane)
{
	struct share *share = lane->share;

	if (TAILQ_EMPTY(&share->ring))
		TAILQ_INSERT_TAIL(&share->group->ring, share, link);
	TAILQ_INSERT_TAIL(&share->ring, lane, link);
	lane->place = IN_RING;
}

static void
leave(struct bf_lane *lane)
{
	if (lane->place == IN_RING)
		leave_ring(lane);
	else if (lane->place == WAITING)
		TAILQ_REMOVE(&lane->share->group->waiting, lane, link);
	lane->place = NOWHERE;
}

/* Moves a lane, which is in no ring, to a share; NULL: to none. A share without
 * lanes is forgotten. */
static void
use_share(struct bf_lane *lane, struct share *share)
{
	struct share *old = lane->share;

	if (share)
		share->lanes++;
	lane->share = share;
	if (!old || --old->lanes > 0)
		return;
	HASH_DEL(old->group->shares, old);
	free(old->tenant);
	free(old);
}

/* Puts the lane where it belongs after something about it changed. A lane that
 * waits is looked at again by bf_dispatch_next. */
static void
place_lane(struct bf_lane *lane)
{
	const bool can = lane->queued > 0 && !lane->held &&
			 lane->in_flight < lane->concurrency;

	if (!can) {
		leave(lane);
		lane->deficit = 0;
	} else if (lane->place == NOWHERE) {
		enter_ring(lane);
	}
}

/* Names a pace: of the kind, for those who share the name, or for the lane. */
static void
use_pace(struct bf_lane *lane, struct bf_pace **pace, const char *kind,
    const char *shared)
{
	char *name = shared
			 ? bf_strf("%s %s", kind, shared)
			 : bf_strf("%s of %u", kind, (unsigned)lane->channel);

	bf_pace_change(&lane->dispatch->paces, pace, name);
	free(name);
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
	use_pace(lane, &lane->endpoint, "endpoint", endpoint);
	use_pace(lane, &lane->platform, "platform", platform);
	use_rate(lane);
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
	leave(lane);
	use_share(lane, find_share(find_group(dispatch, group), tenant));
	/* In order means one after the other. */
	lane->concurrency = policy->ordered ? 1 : (size_t)policy->concurrency;
	lane->rate = policy->rate;
	use_rate(lane);
	place_lane(lane);
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
	leave(lane);
	use_share(lane, NULL);
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
	struct bf_lane *lane, *next_lane;
	struct group *group, *next_group;

	if (!*dispatch)
		return;
	HASH_ITER(hh, (*dispatch)->lanes, lane, next_lane)
	free_lane(lane);
	HASH_ITER(hh, (*dispatch)->groups, group, next_group)
	{
		HASH_DEL((*dispatch)->groups, group);
		free(group->name);
		free(group);
	}
	free(*dispatch);
	*dispatch = NULL;
}

void
bf_lane_hold(struct bf_lane *lane, bool hold)
{
	lane->held = hold;
	place_lane(lane);
}

void
bf_lane_block(struct bf_lane *lane, int64_t until_monotonic_ms)
{
	lane->blocked_until = until_monotonic_ms;
	leave(lane);
	place_lane(lane);
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

void
bf_lane_slow(struct bf_lane *lane, bool slow)
{
	if (lane->slowed == slow)
		return;
	lane->slowed = slow;
	leave(lane);
	place_lane(lane);
}

size_t
bf_lane_window(const struct bf_lane *lane)
{
	const size_t wanted = 2 * lane->concurrency;

	return wanted > WINDOW_LEAST ? wanted : WINDOW_LEAST;
}

size_t
bf_lane_room(const struct bf_lane *lane)
{
	const size_t window = bf_lane_window(lane);

	if (lane->queued >= window || lane->bytes >= WINDOW_BYTES)
		return 0;
	return window - lane->queued;
}

size_t
bf_lane_idle(const struct bf_lane *lane)
{
	return lane->queued == 0 && lane->in_flight < lane->concurrency
		   ? lane->concurrency - lane->in_flight
		   : 0;
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
	place_lane(lane);
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
	place_lane(lane);
	return dropped;
}

/* When the lane may send, by its rates and its block: now or later. */
static int64_t
ready_at(const struct bf_lane *lane, int64_t now)
{
	const int64_t paused = bf_lane_paused_until(lane);
	int64_t ready = bf_bucket_ready(&lane->rated->bucket, &lane->rate, now);

	if (lane->blocked_until > ready)
		ready = lane->blocked_until;
	if (paused > ready)
		ready = paused;
	if (lane->slowed) {
		const int64_t slow =
		    bf_bucket_ready(&lane->slow_bucket, &slow_rate, now);

		if (slow > ready)
			ready = slow;
	}
	return ready;
}

/* Moves the waiting lanes whose time has come back into the ring. */
static void
wake_lanes(struct group *group, int64_t now)
{
	struct bf_lane *lane, *next;

	if (now < group->wake)
		return;
	group->wake = INT64_MAX;
	for (lane = TAILQ_FIRST(&group->waiting); lane; lane = next) {
		const int64_t ready = ready_at(lane, now);

		next = TAILQ_NEXT(lane, link);
		if (ready <= now) {
			leave(lane);
			place_lane(lane);
		} else if (ready < group->wake) {
			group->wake = ready;
		}
	}
}

static void
make_wait(struct bf_lane *lane, int64_t until)
{
	struct group *group = lane->share->group;

	leave(lane);
	TAILQ_INSERT_TAIL(&group->waiting, lane, link);
	lane->place = WAITING;
	if (until < group->wake)
		group->wake = until;
}

/* The lane of a tenant whose turn it is; NULL: none of them may send now, and
 * the tenant has left the ring. */
static struct bf_lane *
next_of(struct share *share, int64_t now)
{
	struct bf_lane *lane;

	while ((lane = TAILQ_FIRST(&share->ring))) {
		const int64_t ready = ready_at(lane, now);

		if (ready > now) {
			make_wait(lane, ready);
		} else if (lane->deficit < cost(lane->first)) {
			lane->deficit += QUANTUM;
			TAILQ_REMOVE(&share->ring, lane, link);
			TAILQ_INSERT_TAIL(&share->ring, lane, link);
		} else {
			return lane;
		}
	}
	return NULL;
}

/* Takes the first delivery of a lane whose turn it is. */
static struct bf_delivery *
send_from(struct bf_lane *lane, int64_t now)
{
	struct bf_delivery *delivery;

	lane->deficit -= cost(lane->first);
	lane->share->deficit -= cost(lane->first);
	bf_bucket_take(&lane->rated->bucket, &lane->rate, now);
	if (lane->slowed)
		bf_bucket_take(&lane->slow_bucket, &slow_rate, now);
	delivery = shift(lane);
	lane->in_flight++;
	place_lane(lane);
	return delivery;
}

struct bf_delivery *
bf_dispatch_next(struct bf_dispatch *dispatch, const char *group_name,
    int64_t now_monotonic_ms, int64_t *wake)
{
	struct group *group = find_group(dispatch, group_name);
	struct bf_delivery *delivery = NULL;
	struct share *share;
	struct bf_lane *lane;

	wake_lanes(group, now_monotonic_ms);
	while (!delivery && (share = TAILQ_FIRST(&group->ring))) {
		lane = next_of(share, now_monotonic_ms);
		if (!lane)
			continue;
		if (share->deficit >= cost(lane->first)) {
			delivery = send_from(lane, now_monotonic_ms);
			continue;
		}
		share->deficit += QUANTUM;
		TAILQ_REMOVE(&group->ring, share, link);
		TAILQ_INSERT_TAIL(&group->ring, share, link);
	}
	if (group->wake < *wake)
		*wake = group->wake;
	return delivery;
}

void
bf_lane_done(struct bf_lane *lane)
{
	lane->in_flight--;
	place_lane(lane);
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
