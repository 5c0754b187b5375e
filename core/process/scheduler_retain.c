/*
 * scheduler_retain.c - retention and expiry, in small steps
 *
 * Finished deliveries are forgotten when they are older than `retention`, rows
 * of the audit log when they are older than `audit_keep`, and what waits in the
 * store past its max_age ends as failed. All go in steps
 * between other commits, one after the other while there is more to do. With
 * nothing waiting and nothing to forget the timers are hours apart.
 *
 * Ids tell ages, but not those that a clock made that was ahead once: ids never
 * go back, so all that follow are ahead, too. Of these the highest is noted,
 * and when that is long enough ago, what came until then is old.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/scheduler_private.h"

#define STEP 500           /* events, or deliveries, at once */
#define STEP_PAUSE_MS 20   /* between two steps */
#define RETAIN_EVERY_S 60  /* between two looks while there was work */
#define RETAIN_IDLE_S 3600 /* when the last look found nothing */
#define EXPIRE_EVERY_S 5   /* while something waits in the store */
#define IN_HAND_MS 10000   /* that a delivery can be beyond its time-out */
#define KEYS_KEPT_MS (24 * 3600 * 1000) /* of idempotency keys */
#define AHEAD_SETTING "ids_ahead"    /* "ID MS": the highest one at that time */
#define AHEAD_LEAST_MS (3600 * 1000) /* less than that is not worth a note */

/* What was freed of a tenant. */
struct freed {
	struct freed *next;
	int64_t events, bytes;
	char tenant[BF_TENANT_MAX + 1];
};

struct step {
	struct store_call call;
	struct bf_instant now;
	struct bf_instant before;
	struct bf_instant keys_before;
	struct bf_instant audit_before;
	size_t count;
	size_t audit_count;
	uint64_t highest;    /* to be noted next; 0: there is no need */
	struct freed *freed; /* by a step of pruning */
	struct bf_delivery_id ids[STEP];
	enum bf_delivery_state was[STEP];
};

/* The time by which ages are told. Nothing is forgotten early because a clock
 * was ahead once. */
static struct bf_instant
now_of_ages(const struct scheduler *scheduler)
{
	const struct bf_instant now = bf_scheduler_now(scheduler);
	const struct bf_instant wall = bf_clock_wall();

	return wall.ms < now.ms ? wall : now;
}

uint64_t
bf_retain_keys_since(const struct scheduler *scheduler)
{
	return bf_id_at(
	    (struct bf_instant){ now_of_ages(scheduler).ms - KEYS_KEPT_MS });
}

static void
note_freed(void *context, const char *tenant, int64_t events, int64_t bytes)
{
	struct step *step = context;
	struct freed *freed = bf_new(struct freed);

	freed->events = events;
	freed->bytes = bytes;
	snprintf(freed->tenant, sizeof(freed->tenant), "%s", tenant);
	freed->next = step->freed;
	step->freed = freed;
}

/* Notes the highest id, or (0) that none is ahead any more. */
static enum bf_store_result
note_ahead(struct bf_store *store, const struct step *step, uint64_t highest,
    struct bf_error *err)
{
	enum bf_store_result result;
	struct bf_batch batch;
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64 " %" PRId64, highest,
	    step->now.ms);
	bf_batch_init(&batch);
	bf_batch_add(&batch,
	    bf_change_put(AHEAD_SETTING, highest > 0 ? text : NULL));
	result = bf_store_commit(store, &batch, err);
	bf_batch_clear(&batch);
	return result;
}

/* The note: an id (0: there is none), and when it was the highest. */
static enum bf_store_result
read_note(struct bf_store *store, uint64_t *noted, int64_t *at,
    struct bf_error *err)
{
	enum bf_store_result result;
	char *text, *rest;

	*noted = 0;
	*at = 0;
	result = bf_store_get(store, AHEAD_SETTING, &text, err);
	if (result != BF_STORE_OK || !text)
		return result;
	*noted = strtoull(text, &rest, 10);
	*at = strtoll(rest, NULL, 10);
	free(text);
	return result;
}

/* While ids are ahead of the clock: what of them is old, as they do not tell
 * themselves. */
static enum bf_store_result
look_ahead(struct bf_store *store, struct step *step, struct bf_error *err)
{
	const int64_t retention = step->now.ms - step->before.ms;
	const int64_t age = retention > KEYS_KEPT_MS ? retention : KEYS_KEPT_MS;
	enum bf_store_result result;
	struct bf_store_stats stats;
	uint64_t noted;
	int64_t at;
	bool ahead;

	result = bf_store_stats(store, &stats, err);
	if (result == BF_STORE_OK)
		result = read_note(store, &noted, &at, err);
	if (result != BF_STORE_OK)
		return result;
	ahead = bf_id_instant(stats.highest_event).ms >
		step->now.ms + AHEAD_LEAST_MS;
	if (ahead != (noted > 0))
		return note_ahead(store, step, ahead ? stats.highest_event : 0,
		    err);
	if (!ahead || step->now.ms - at < age)
		return BF_STORE_OK;
	step->before.ms = bf_id_instant(noted).ms + 1;
	step->keys_before = step->before;
	step->highest = stats.highest_event;
	return BF_STORE_OK;
}

static enum bf_store_result
run_prune(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	struct step *step = (struct step *)call;
	enum bf_store_result result = look_ahead(store, step, err);

	if (result == BF_STORE_OK)
		result = bf_store_prune(store, step->before, step->keys_before,
		    STEP, &step->count, note_freed, step, err);
	/* All is gone that was old by the note: the next one. */
	if (result == BF_STORE_OK && step->highest > 0 && step->count < STEP)
		result = note_ahead(store, step, step->highest, err);
	if (result != BF_STORE_OK)
		return result;
	return bf_store_prune_audit(store, step->audit_before, STEP,
	    &step->audit_count, err);
}

static void
arm(struct event *timer, int64_t ms)
{
	event_add(timer, &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
}

static void
prune_done(void *owner, struct store_call *call)
{
	struct scheduler *scheduler = owner;
	struct step *step = (struct step *)call;
	int64_t wait = RETAIN_IDLE_S * 1000LL;
	struct freed *freed;

	scheduler->retaining = false;
	while ((freed = step->freed)) {
		step->freed = freed->next;
		bf_tenant_freed(scheduler, freed->tenant, freed->events,
		    freed->bytes);
		free(freed);
	}
	if (call->result != BF_STORE_OK)
		bf_log(BF_LOG_ERROR, "forget old deliveries: %s",
		    call->error.text);
	else if (step->count >= STEP || step->audit_count >= STEP)
		wait = STEP_PAUSE_MS;
	else if (step->count > 0)
		wait = RETAIN_EVERY_S * 1000LL;
	arm(scheduler->retain_timer, wait);
	free(call);
}

static void
on_retain(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(scheduler->registry);
	struct step *step;

	(void)fd;
	(void)what;
	if (scheduler->retaining || scheduler->releasing)
		return;
	scheduler->retaining = true;
	step = bf_new(struct step);
	step->call.run = run_prune;
	step->call.done = prune_done;
	step->now = now_of_ages(scheduler);
	step->before.ms = step->now.ms - snapshot->retention.ms;
	step->keys_before.ms = step->now.ms - KEYS_KEPT_MS;
	step->audit_before.ms = step->now.ms - snapshot->audit_keep.ms;
	bf_committer_call(scheduler->committer, &step->call);
}

static enum bf_store_result
run_expire(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	struct step *step = (struct step *)call;

	return bf_store_expire(store, step->now, STEP, step->ids, step->was,
	    &step->count, err);
}

/* Logs each that ended. */
static void
note_expired(struct scheduler *scheduler, const struct step *step)
{
	const char *none = bf_registry_default_tenant(scheduler->registry);
	const struct bf_channel *channel;

	for (size_t i = 0; i < step->count; i++) {
		const struct bf_delivery_id *expired = &step->ids[i];
		struct bf_lane_state *lane =
		    bf_lane_state_find(scheduler, expired->channel);
		char id[BF_DELIVERY_ID_TEXT];

		bf_delivery_id_format(*expired, id);
		bf_log(BF_LOG_WARN,
		    "delivery=%s channel=%s verdict=failed why=\"%s\"", id,
		    lane ? lane->state->channel->name : "-", BF_STORE_EXPIRED);
		if (!lane)
			continue;
		channel = lane->state->channel;
		lane->failed++;
		bf_rates_failed(scheduler->rates,
		    channel->tenant ? channel->tenant : none, expired->channel,
		    bf_scheduler_now(scheduler));
	}
	bf_lane_state_ended(scheduler, step->ids, step->was, step->count);
	scheduler->metrics.failed += step->count;
	scheduler->metrics.expired += step->count;
}

static bool
something_waits(const struct scheduler *scheduler)
{
	const struct bf_lane_state *lane;

	for (lane = scheduler->lanes; lane; lane = lane->hh.next) {
		if (lane->fresh_stored > 0 || lane->retries_stored > 0 ||
		    (lane->pauses > 0 && bf_lane_queued(lane->lane) > 0))
			return true;
	}
	return false;
}

static void
expire_done(void *owner, struct store_call *call)
{
	struct scheduler *scheduler = owner;
	const struct step *step = (struct step *)call;

	scheduler->expiring = false;
	if (call->result != BF_STORE_OK)
		bf_log(BF_LOG_ERROR, "end old deliveries: %s",
		    call->error.text);
	else
		note_expired(scheduler, step);
	if (call->result == BF_STORE_OK && step->count >= STEP)
		arm(scheduler->expire_timer, STEP_PAUSE_MS);
	else if (something_waits(scheduler))
		arm(scheduler->expire_timer, EXPIRE_EVERY_S * 1000LL);
	free(call);
}

/* For how long a delivery can be in a worker's hands: one that was sent in
 * time must not be ended there. */
static int64_t
longest_in_hand(const struct scheduler *scheduler)
{
	const struct bf_lane_state *lane;
	int64_t longest = 0;

	for (lane = scheduler->lanes; lane; lane = lane->hh.next) {
		const int64_t ms = lane->state->channel->policy.timeout.ms;

		longest = ms > longest ? ms : longest;
	}
	return longest + IN_HAND_MS;
}

static void
on_expire(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;
	struct step *step;

	(void)fd;
	(void)what;
	if (scheduler->expiring || scheduler->releasing)
		return;
	scheduler->expiring = true;
	step = bf_new(struct step);
	step->call.run = run_expire;
	step->call.done = expire_done;
	step->now.ms =
	    bf_scheduler_now(scheduler).ms - longest_in_hand(scheduler);
	bf_committer_call(scheduler->committer, &step->call);
}

void
bf_retain_waiting(struct scheduler *scheduler)
{
	if (scheduler->expire_timer && !scheduler->expiring &&
	    !event_pending(scheduler->expire_timer, EV_TIMEOUT, NULL))
		arm(scheduler->expire_timer, EXPIRE_EVERY_S * 1000LL);
}

void
bf_retain_start(struct scheduler *scheduler)
{
	scheduler->retain_timer =
	    event_new(scheduler->base, -1, 0, on_retain, scheduler);
	scheduler->expire_timer =
	    event_new(scheduler->base, -1, 0, on_expire, scheduler);
	if (!scheduler->retain_timer || !scheduler->expire_timer)
		abort();
	arm(scheduler->retain_timer, 1000);
	if (something_waits(scheduler))
		arm(scheduler->expire_timer, 1000);
}
