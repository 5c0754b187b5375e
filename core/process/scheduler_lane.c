/*
 * scheduler_lane.c - channels: what waits in the store, and paging it in
 *
 * Two cursors say what of a channel's waiting deliveries has been taken into
 * memory: one over fresh deliveries by event id, one over retries by due time.
 * What lies above a cursor is in the store only, and is claimed in pages when
 * the channel's queue has room. A fresh delivery goes from its commit straight
 * into memory unless older ones wait in the store; one whose id is below the
 * cursor (ids of two intakes may be committed out of order) always does, as no
 * claim would find it.
 */
#include <stdlib.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/scheduler_private.h"
#include "core/registry/place.h"

#define CLAIM_MOST 256           /* deliveries of a page */
#define CLAIM_BYTES (512u << 10) /* bytes of its events */
#define MEMORY_BYTES (16u << 20) /* bytes of queued events, in all */
#define RETRIES_AHEAD 4          /* windows of them */
#define CLAIMS_OF_TENANT 4       /* at once: others' come between */
#define CLAIM_AGAIN_MS 250       /* after one that failed */

struct claim {
	struct store_call call;
	uint32_t channel;
	bool retries;
	uint64_t after;
	struct bf_instant after_due;
	struct bf_instant now;
	size_t limit;
	size_t count;
	bool more;
	struct bf_instant next_due;
	unsigned *claims; /* of the tenant */
	struct bf_delivery_row rows[];
};

struct bf_lane_state *
bf_lane_state_find(const struct scheduler *scheduler, uint32_t number)
{
	struct bf_lane_state *lane;

	HASH_FIND(hh, scheduler->lanes, &number, sizeof(number), lane);
	return lane;
}

/* Nothing overtakes a retry of an ordered channel: while one is in the store
 * and none in the queue, the lane sends nothing. */
static void
keep_order(struct bf_lane_state *lane)
{
	const bool wait = lane->state->channel->policy.ordered &&
			  lane->retries_stored > 0 && lane->retries_queued == 0;

	bf_lane_block(lane->lane, wait ? INT64_MAX : 0);
}

void
bf_lane_state_refresh(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	const struct bf_channel *channel = lane->state->channel;
	struct bf_place place;

	lane->claims = bf_tenant_claims(scheduler, channel->tenant);
	free(lane->group);
	lane->group = bf_strdup(bf_settings_group(scheduler, channel->module));
	lane->lane = bf_dispatch_lane(scheduler->dispatch, lane->number,
	    channel->tenant, &channel->policy, lane->group);
	bf_place_of(channel, &place);
	bf_lane_share(lane->lane, *place.endpoint ? place.endpoint : NULL,
	    place.platform);
	bf_lane_hold(lane->lane,
	    !bf_registry_channel_runs(scheduler->registry, lane->state, NULL));
	keep_order(lane);
	bf_lane_state_wanted(scheduler, lane);
}

struct bf_lane_state *
bf_lane_state_make(struct scheduler *scheduler, struct bf_channel_state *state)
{
	struct bf_lane_state *lane =
	    bf_lane_state_find(scheduler, state->channel->number);

	if (!lane) {
		lane = bf_new(struct bf_lane_state);
		lane->number = state->channel->number;
		lane->generation = scheduler->generation;
		lane->failing_since = bf_strdup(state->failing_since);
		HASH_ADD(hh, scheduler->lanes, number, sizeof(lane->number),
		    lane);
	}
	lane->state = state;
	bf_lane_state_refresh(scheduler, lane);
	return lane;
}

struct bf_lane_state *
bf_lane_state_of(struct scheduler *scheduler, uint32_t number)
{
	struct bf_lane_state *lane = bf_lane_state_find(scheduler, number);
	struct bf_channel_state *state;

	if (lane)
		return lane;
	state = bf_registry_channel_numbered(scheduler->registry, number);
	return state ? bf_lane_state_make(scheduler, state) : NULL;
}

static void
not_hungry(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	if (lane->hungry)
		TAILQ_REMOVE(&scheduler->hungry, lane, entry);
	lane->hungry = false;
}

void
bf_lane_state_remove(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	not_hungry(scheduler, lane);
	bf_due_remove(&scheduler->due, &lane->due);
	bf_dispatch_remove(scheduler->dispatch, lane->number);
	HASH_DEL(scheduler->lanes, lane);
	free(lane->group);
	free(lane->failing_since);
	free(lane);
}

int64_t
bf_lane_state_waiting(const struct bf_lane_state *lane)
{
	return lane->fresh_stored + lane->retries_stored +
	       (int64_t)bf_lane_queued(lane->lane);
}

static bool
memory_is_full(const struct scheduler *scheduler)
{
	return bf_dispatch_bytes(scheduler->dispatch) >= MEMORY_BYTES;
}

void
bf_lane_state_appended(struct scheduler *scheduler, struct bf_lane_state *lane,
    struct bf_event *event, struct bf_instant expires)
{
	const bool below = event->id <= lane->fresh_after;
	struct bf_delivery *delivery;

	if (!below &&
	    (lane->fresh_stored > 0 || lane->claiming_fresh ||
		bf_lane_held(lane->lane) || bf_lane_room(lane->lane) == 0 ||
		memory_is_full(scheduler))) {
		lane->fresh_stored++;
		bf_lane_state_wanted(scheduler, lane);
		bf_retain_waiting(scheduler);
		return;
	}
	delivery = bf_new(struct bf_delivery);
	delivery->id = (struct bf_delivery_id){ event->id, lane->number };
	delivery->event = bf_event_ref(event);
	delivery->expires = expires;
	if (!below)
		lane->fresh_after = event->id;
	bf_lane_add(lane->lane, delivery, false);
	bf_worker_pump_soon(scheduler);
}

/* Arms the timer for the first retry that falls due. */
static void
arm_due_timer(struct scheduler *scheduler)
{
	const struct bf_due *first = bf_due_first(&scheduler->due);
	struct timeval wait = { 0, 0 };
	int64_t ms;

	if (!first) {
		event_del(scheduler->due_timer);
		return;
	}
	ms = first->at.ms - bf_scheduler_now(scheduler).ms;
	if (ms > 0)
		wait = (struct timeval){ ms / 1000, ms % 1000 * 1000 };
	event_add(scheduler->due_timer, &wait);
}

void
bf_lane_state_retrying(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	lane->retries_stored++;
	keep_order(lane);
	bf_retain_waiting(scheduler);
}

void
bf_lane_state_not_retrying(struct scheduler *scheduler,
    struct bf_lane_state *lane)
{
	if (lane->retries_stored > 0)
		lane->retries_stored--;
	keep_order(lane);
	bf_worker_pump_soon(scheduler);
}

/* What was ended in the store, while it is taken out of the lanes. */
struct ended {
	struct bf_lane_state *lane;
	const struct bf_delivery_id *ids;
	size_t count;
	bool *queued;   /* each: it stood in a queue */
	uint64_t round; /* of this call: marks the lanes that were seen */
};

static int
compare_ids(const void *left, const void *right)
{
	const struct bf_delivery_id *a = left, *b = right;

	if (a->event != b->event)
		return a->event < b->event ? -1 : 1;
	return (a->channel > b->channel) - (a->channel < b->channel);
}

static bool
drop_ended(void *context, const struct bf_delivery *delivery)
{
	struct ended *ended = context;
	const struct bf_delivery_id *found = bsearch(&delivery->id, ended->ids,
	    ended->count, sizeof(*ended->ids), compare_ids);

	if (!found)
		return false;
	ended->queued[found - ended->ids] = true;
	ended->lane->retries_queued -= delivery->retry;
	return true;
}

/* Counts one off that stood in the store only. */
static void
count_off(struct bf_lane_state *lane, uint64_t event,
    enum bf_delivery_state was)
{
	if (was == BF_STATE_RETRY)
		lane->retries_stored -= lane->retries_stored > 0;
	else if (event > lane->fresh_after)
		lane->fresh_stored -= lane->fresh_stored > 0;
}

void
bf_lane_state_ended(struct scheduler *scheduler,
    const struct bf_delivery_id *ids, const enum bf_delivery_state *was,
    size_t count)
{
	struct ended ended = { .ids = ids, .count = count };
	struct bf_lane_state *lane;

	if (count == 0)
		return;
	ended.queued = bf_zalloc(count, sizeof(*ended.queued));
	ended.round = ++scheduler->ended_rounds;
	for (size_t i = 0; i < count; i++) {
		lane = bf_lane_state_find(scheduler, ids[i].channel);
		if (!lane || lane->ended_round == ended.round)
			continue;
		lane->ended_round = ended.round;
		ended.lane = lane;
		bf_lane_drop(lane->lane, drop_ended, &ended);
	}
	for (size_t i = 0; i < count; i++) {
		lane = bf_lane_state_find(scheduler, ids[i].channel);
		if (!lane)
			continue;
		if (!ended.queued[i] && !bf_worker_held(scheduler, ids[i]))
			count_off(lane, ids[i].event, was[i]);
		keep_order(lane);
		bf_lane_state_wanted(scheduler, lane);
	}
	bf_worker_pump_soon(scheduler);
	free(ended.queued);
}

/* Whether it is the one that was returned, and not one that was cancelled and
 * replayed meanwhile. */
static bool
was_returned(void *context, const struct bf_delivery *delivery)
{
	const struct bf_finish *finish = context;

	return delivery->id.event == finish->id.event &&
	       delivery->attempts == finish->attempt->number;
}

void
bf_lane_state_not_returned(struct bf_lane_state *lane,
    const struct bf_finish *finish)
{
	const size_t dropped =
	    bf_lane_drop(lane->lane, was_returned, (void *)finish);

	if (finish->state == BF_STATE_RETRY)
		lane->retries_queued -= dropped;
	keep_order(lane);
}

void
bf_lane_state_retry(struct scheduler *scheduler, struct bf_lane_state *lane,
    struct bf_instant due)
{
	if (lane->due.place != 0 && lane->due.at.ms <= due.ms)
		return;
	bf_due_set(&scheduler->due, &lane->due, due);
	arm_due_timer(scheduler);
}

static enum bf_store_result
run_claim(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	struct claim *claim = (struct claim *)call;

	if (claim->retries)
		return bf_store_claim_retries(store, claim->channel,
		    claim->after_due, claim->after, claim->now, claim->limit,
		    CLAIM_BYTES, claim->rows, &claim->count, &claim->next_due,
		    err);
	return bf_store_claim_fresh(store, claim->channel, claim->after,
	    claim->limit, CLAIM_BYTES, claim->rows, &claim->count, &claim->more,
	    err);
}

void
bf_lane_state_queue(struct bf_lane_state *lane, struct bf_delivery *delivery)
{
	lane->retries_queued += delivery->retry;
	/* A retry has its time: it goes first. */
	bf_lane_add(lane->lane, delivery, delivery->retry);
}

void
bf_lane_state_return(struct scheduler *scheduler, struct bf_lane_state *lane,
    struct bf_delivery *delivery)
{
	lane->retries_queued += delivery->retry;
	bf_lane_return(lane->lane, delivery);
	bf_retain_waiting(scheduler);
}

/* Puts a claimed row into its lane's queue; takes its event. One that was
 * cancelled in a worker's hands and replayed at once waits for these hands:
 * a delivery is never under way twice. */
static void
queue_row(struct scheduler *scheduler, struct bf_lane_state *lane,
    struct bf_delivery_row *row, bool retry)
{
	struct bf_delivery *delivery = bf_new(struct bf_delivery);
	struct held *held = bf_worker_held(scheduler, row->id);

	delivery->id = row->id;
	delivery->event = row->event;
	delivery->tries = row->tries;
	delivery->attempts = row->attempts;
	delivery->crashes = row->crashes;
	delivery->expires = row->expires;
	delivery->retry = retry;
	delivery->settled = row->settled;
	row->event = NULL;
	row->settled = (struct bf_recipients){ 0 };
	if (held) {
		bf_delivery_free(held->again);
		held->again = delivery;
	} else {
		bf_lane_state_queue(lane, delivery);
	}
}

static void
take_fresh(struct scheduler *scheduler, struct bf_lane_state *lane,
    struct claim *claim)
{
	lane->claiming_fresh = false;
	for (size_t i = 0; i < claim->count; i++) {
		lane->fresh_after = claim->rows[i].id.event;
		queue_row(scheduler, lane, &claim->rows[i], false);
	}
	lane->fresh_stored -= (int64_t)claim->count;
	if (!claim->more || lane->fresh_stored < 0)
		lane->fresh_stored = claim->more ? 1 : 0;
}

static void
take_retries(struct scheduler *scheduler, struct bf_lane_state *lane,
    struct claim *claim)
{
	lane->claiming_retries = false;
	/* Each is put at the head: the last one first. */
	for (size_t i = claim->count; i-- > 0;)
		queue_row(scheduler, lane, &claim->rows[i], true);
	lane->retries_stored -= (int64_t)claim->count;
	if (lane->retries_stored < 0)
		lane->retries_stored = 0;
	keep_order(lane);
	if (claim->count > 0) {
		lane->retry_after = claim->rows[claim->count - 1].due;
		lane->retry_after_event =
		    claim->rows[claim->count - 1].id.event;
	}
	if (claim->next_due.ms > 0)
		bf_due_set(&scheduler->due, &lane->due, claim->next_due);
	else
		bf_due_remove(&scheduler->due, &lane->due);
	arm_due_timer(scheduler);
}

static void
claim_done(void *owner, struct store_call *call)
{
	struct scheduler *scheduler = owner;
	struct claim *claim = (struct claim *)call;
	struct bf_lane_state *lane =
	    bf_lane_state_find(scheduler, claim->channel);

	(*claim->claims)--;
	if (call->result != BF_STORE_OK) {
		if (bf_log_again(&scheduler->claims_said))
			bf_log(BF_LOG_ERROR, "read what waits: %s",
			    call->error.text);
		scheduler->claims_from =
		    bf_clock_monotonic_ms() + CLAIM_AGAIN_MS;
	}
	/* What waits there would never be sent. */
	if (call->result == BF_STORE_UNUSABLE)
		bf_scheduler_broken(scheduler, call->error.text);
	if (lane && call->result == BF_STORE_OK && claim->retries) {
		take_retries(scheduler, lane, claim);
	} else if (lane && call->result == BF_STORE_OK) {
		take_fresh(scheduler, lane, claim);
	} else if (lane) {
		/* Asked for again, by a later turn of the pump. */
		if (claim->retries)
			lane->claiming_retries = false;
		else
			lane->claiming_fresh = false;
		lane->retries_ready = lane->retries_ready || claim->retries;
	}
	if (lane)
		bf_lane_state_wanted(scheduler, lane);
	for (size_t i = 0; i < claim->count; i++) {
		bf_event_unref(&claim->rows[i].event);
		bf_recipients_free(&claim->rows[i].settled);
	}
	free(claim);
	bf_worker_pump_soon(scheduler);
}

static void
start_claim(struct scheduler *scheduler, struct bf_lane_state *lane,
    bool retries, size_t limit)
{
	struct claim *claim =
	    bf_zalloc(1, sizeof(*claim) + limit * sizeof(*claim->rows));

	claim->call.run = run_claim;
	claim->call.done = claim_done;
	claim->channel = lane->number;
	claim->retries = retries;
	claim->limit = limit;
	claim->now = bf_scheduler_now(scheduler);
	claim->after = retries ? lane->retry_after_event : lane->fresh_after;
	claim->after_due = lane->retry_after;
	claim->claims = lane->claims;
	(*claim->claims)++;
	if (retries) {
		lane->claiming_retries = true;
		lane->retries_ready = false;
	} else {
		lane->claiming_fresh = true;
	}
	bf_committer_call(scheduler->committer, &claim->call);
}

/* How many retries a page may have now. They go first, so it does not matter
 * what else is queued; but those of an endpoint that is down are not read one
 * by one as they fall due. */
static size_t
retries_wanted(const struct bf_lane_state *lane)
{
	if (!lane->retries_ready || lane->claiming_retries ||
	    lane->retries_queued >= CLAIM_MOST ||
	    lane->retries_queued >= RETRIES_AHEAD * bf_lane_window(lane->lane))
		return 0;
	return CLAIM_MOST;
}

/* The same of fresh ones. Half of what is held at a time, so that pages are
 * worth their reading. */
static size_t
fresh_wanted(const struct bf_lane_state *lane)
{
	const size_t room = bf_lane_room(lane->lane);

	if (lane->fresh_stored <= 0 || lane->claiming_fresh ||
	    room < bf_lane_capacity(lane->lane) / 2)
		return 0;
	return room < CLAIM_MOST ? room : CLAIM_MOST;
}

/* Starts a claim, unless the tenant has its share of them under way: one with a
 * thousand channels would be a thousand pages ahead of another. */
static bool
claim_page(struct scheduler *scheduler, struct bf_lane_state *lane,
    bool retries, size_t limit)
{
	if (limit == 0 || *lane->claims >= CLAIMS_OF_TENANT)
		return false;
	start_claim(scheduler, lane, retries, limit);
	return true;
}

/* Pages in what the lane has room for. When the memory is full, of what stands
 * behind slow endpoints, only what can be sent at once: the others do not wait
 * for these. Returns whether it began to. */
static bool
feed_lane(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	const size_t most =
	    memory_is_full(scheduler) ? bf_lane_idle(lane->lane) : CLAIM_MOST;
	const size_t retries = retries_wanted(lane);
	const size_t fresh = fresh_wanted(lane);

	bool began;

	if (bf_lane_held(lane->lane) || most == 0)
		return false;
	began =
	    claim_page(scheduler, lane, true, retries < most ? retries : most);
	return claim_page(scheduler, lane, false,
		   fresh < most ? fresh : most) ||
	       began;
}

void
bf_lane_state_wanted(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	const bool wants = !bf_lane_held(lane->lane) &&
			   (lane->fresh_stored > 0 || lane->retries_ready);

	if (!wants) {
		not_hungry(scheduler, lane);
	} else if (!lane->hungry) {
		TAILQ_INSERT_TAIL(&scheduler->hungry, lane, entry);
		lane->hungry = true;
		bf_worker_pump_soon(scheduler);
	}
}

void
bf_lane_state_feed(struct scheduler *scheduler, int64_t *wake)
{
	struct bf_lane_state *lane, *next;

	if (scheduler->releasing || TAILQ_EMPTY(&scheduler->hungry))
		return;
	if (scheduler->claims_from > bf_clock_monotonic_ms()) {
		if (scheduler->claims_from < *wake)
			*wake = scheduler->claims_from;
		return;
	}
	for (lane = TAILQ_FIRST(&scheduler->hungry); lane; lane = next) {
		next = TAILQ_NEXT(lane, entry);
		if (!feed_lane(scheduler, lane))
			continue;
		/* The tenant's other channels come first the next time. */
		TAILQ_REMOVE(&scheduler->hungry, lane, entry);
		TAILQ_INSERT_TAIL(&scheduler->hungry, lane, entry);
	}
}

/* The timer of the first retry: every lane that is due becomes hungry. */
void
bf_lane_state_due(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;
	struct bf_due *first;
	const struct bf_instant now = bf_scheduler_now(scheduler);

	(void)fd;
	(void)what;
	while (
	    (first = bf_due_first(&scheduler->due)) && first->at.ms <= now.ms) {
		struct bf_lane_state *lane = (struct bf_lane_state *)first;

		/* Out of the heap until a claim has said what comes next. */
		bf_due_remove(&scheduler->due, first);
		lane->retries_ready = true;
		bf_lane_state_wanted(scheduler, lane);
	}
	arm_due_timer(scheduler);
}
