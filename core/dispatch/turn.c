/*
 * turn.c - whose turn it is
 *
 * Each worker group has a ring of the tenants that can send now, and each of
 * these a ring of its lanes that can. Who is at the head of a ring sends while
 * its deficit covers the next event, then is given another quantum and goes to
 * the end: so a tenant's share does not grow with its channels. A lane that
 * can't send (nothing queued, held, its window full) is in no ring; one that
 * waits for its rate, for a retry or for the end of a pause stands in the
 * group's list of waiting lanes until that time.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/dispatch/dispatch_private.h"

#define QUANTUM 4096  /* bytes of events that a turn is worth */
#define BASE_COST 256 /* bytes that a delivery costs beside its event */

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

void
bf_turn_leave(struct bf_lane *lane)
{
	if (lane->place == IN_RING)
		leave_ring(lane);
	else if (lane->place == WAITING)
		TAILQ_REMOVE(&lane->share->group->waiting, lane, link);
	lane->place = NOWHERE;
}

/* Moves a lane to a share; NULL: to none. A share without lanes is forgotten.
 */
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

void
bf_turn_join(struct bf_lane *lane, const char *group, const char *tenant)
{
	use_share(lane, find_share(find_group(lane->dispatch, group), tenant));
}

void
bf_turn_part(struct bf_lane *lane)
{
	bf_turn_leave(lane);
	use_share(lane, NULL);
}

void
bf_turn_place(struct bf_lane *lane)
{
	const bool can = lane->queued > 0 && !lane->held &&
			 bf_window_room(&lane->window, lane->in_flight) > 0;

	if (!can) {
		bf_turn_leave(lane);
		lane->deficit = 0;
	} else if (lane->place == NOWHERE) {
		enter_ring(lane);
	}
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
		const int64_t ready = bf_lane_ready_at(lane, now);

		next = TAILQ_NEXT(lane, link);
		if (ready <= now) {
			bf_turn_leave(lane);
			bf_turn_place(lane);
		} else if (ready < group->wake) {
			group->wake = ready;
		}
	}
}

static void
make_wait(struct bf_lane *lane, int64_t until)
{
	struct group *group = lane->share->group;

	bf_turn_leave(lane);
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
		const int64_t ready = bf_lane_ready_at(lane, now);

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

/* Takes from the deficits what the first delivery of the lane costs. */
static void
pay(struct bf_lane *lane)
{
	lane->deficit -= cost(lane->first);
	lane->share->deficit -= cost(lane->first);
}

struct bf_lane *
bf_turn_next(struct bf_dispatch *dispatch, const char *name,
    int64_t now_monotonic_ms, int64_t *wake)
{
	struct group *group = find_group(dispatch, name);
	struct bf_lane *lane = NULL;
	struct share *share;

	wake_lanes(group, now_monotonic_ms);
	while ((share = TAILQ_FIRST(&group->ring))) {
		lane = next_of(share, now_monotonic_ms);
		if (!lane)
			continue;
		if (share->deficit >= cost(lane->first)) {
			pay(lane);
			break;
		}
		lane = NULL;
		share->deficit += QUANTUM;
		TAILQ_REMOVE(&group->ring, share, link);
		TAILQ_INSERT_TAIL(&group->ring, share, link);
	}
	if (group->wake < *wake)
		*wake = group->wake;
	return lane;
}

void
bf_turn_free(struct bf_dispatch *dispatch)
{
	struct group *group, *next;

	HASH_ITER(hh, dispatch->groups, group, next)
	{
		HASH_DEL(dispatch->groups, group);
		free(group->name);
		free(group);
	}
}
