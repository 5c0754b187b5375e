/*
 * scheduler_worker.c - workers: deliveries out, outcomes in
 *
 * A worker has said how many deliveries it can have in hand; what it has is
 * remembered here until its outcome comes, or the worker is gone. Then its
 * deliveries are suspects: each is sent again alone, in a worker that has
 * nothing else in hand, so that the one that kills workers is found.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/scheduler_outcome.h"
#include "core/process/scheduler_private.h"
#include "core/registry/snapshot_wire.h"

#define STUCK_MS 5000   /* beyond its time-out, a delivery's worker is stuck */
#define CRASHES_MOST 3  /* then a delivery is set aside */
#define PUMP_MOST 512   /* deliveries sent in one turn of the loop */
#define KNOWN_MOST 4096 /* channels that a worker has the settings of */

/* The settings that a worker was sent: of this generation. */
struct known {
	uint32_t channel;
	uint64_t generation;
	UT_hash_handle hh;
};

struct held *
bf_worker_held(const struct scheduler *scheduler, struct bf_delivery_id id)
{
	struct held *held;

	HASH_FIND(hh, scheduler->held, &id,
	    offsetof(struct bf_delivery_id, channel) + sizeof(id.channel),
	    held);
	return held;
}

size_t
bf_worker_in_hand(const struct scheduler *scheduler)
{
	return HASH_COUNT(scheduler->held);
}

static void
hold(struct scheduler *scheduler, struct held *held)
{
	HASH_ADD_KEYPTR(hh, scheduler->held, &held->delivery->id,
	    offsetof(struct bf_delivery_id, channel) +
		sizeof(held->delivery->id.channel),
	    held);
}

static void
forget(struct worker *worker, struct known *known)
{
	bf_link_send(worker->link, &(struct bf_message){ .kind = BF_MSG_FORGET,
				       .forget = { known->channel } });
	HASH_DEL(worker->known, known);
	free(known);
}

/* A worker knows a bounded number of channels: those it had last. It goes on
 * with the settings of what it has in hand. */
static void
forget_oldest(struct worker *worker)
{
	if (HASH_COUNT(worker->known) > KNOWN_MOST)
		forget(worker, worker->known);
}

void
bf_worker_forget(struct scheduler *scheduler, uint32_t channel)
{
	struct worker *worker;
	struct known *known;

	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		HASH_FIND(hh, worker->known, &channel, sizeof(channel), known);
		if (known && worker->link)
			forget(worker, known);
	}
}

/* Sends the settings of a channel unless the worker has them. */
static void
send_channel(struct worker *worker, const struct bf_lane_state *lane)
{
	const uint64_t generation = lane->generation;
	struct bf_buf bytes = { 0 };
	struct known *known;

	HASH_FIND(hh, worker->known, &lane->number, sizeof(lane->number),
	    known);
	if (known && known->generation == generation)
		return;
	if (!known) {
		known = bf_new(struct known);
		known->channel = lane->number;
		HASH_ADD(hh, worker->known, channel, sizeof(known->channel),
		    known);
	}
	forget_oldest(worker);
	known->generation = generation;
	bf_channel_encode(lane->state->channel, &bytes);
	bf_link_send(worker->link, &(struct bf_message){ .kind = BF_MSG_CHANNEL,
				       .channel = { bytes.data, bytes.size } });
	bf_buf_wipe(&bytes);
}

/* The channel that something in hand is for; NULL: it was deleted. */
static const struct bf_channel *
channel_of(const struct held *held)
{
	if (held->test && held->test->draft)
		return held->test->draft;
	return held->lane ? held->lane->state->channel : NULL;
}

/* Sends settings that are not saved, in front of their test. */
static void
send_draft(struct worker *worker, const struct bf_channel *draft)
{
	struct bf_buf bytes = { 0 };

	bf_channel_encode(draft, &bytes);
	bf_link_send(worker->link, &(struct bf_message){ .kind = BF_MSG_CHANNEL,
				       .channel = { bytes.data, bytes.size } });
	bf_buf_wipe(&bytes);
}

/* Puts a held delivery into a worker's hand. */
static void
give(struct worker *worker, struct held *held)
{
	struct scheduler *scheduler = worker->scheduler;
	struct bf_delivery *delivery = held->delivery;
	const struct bf_event_type *type =
	    bf_registry_type(scheduler->registry, delivery->event->type);
	const bool draft = held->test && held->test->draft;

	if (type && !*delivery->event->category) {
		free(delivery->event->category);
		delivery->event->category = bf_strdup(type->category);
		delivery->event->severity = type->severity;
	}
	if (draft)
		send_draft(worker, channel_of(held));
	else
		send_channel(worker, held->lane);
	held->worker = worker;
	held->deadline = bf_clock_monotonic_ms() +
			 channel_of(held)->policy.timeout.ms + STUCK_MS;
	TAILQ_INSERT_TAIL(&worker->hand, held, entry);
	worker->in_hand++;
	bf_link_send(worker->link,
	    &(struct bf_message){ .kind = BF_MSG_DELIVER,
		.deliver = { .id = delivery->id,
		    .tries = (uint32_t)delivery->tries,
		    .attempt = (uint32_t)delivery->attempts + 1,
		    .test = held->test != NULL,
		    .event = delivery->event,
		    .settled = delivery->settled } });
	/* The attempt goes on with the settings that it began with. */
	if (draft)
		bf_link_send(worker->link,
		    &(struct bf_message){ .kind = BF_MSG_FORGET,
			.forget = { BF_DRAFT_CHANNEL } });
	bf_worker_watch(scheduler);
}

/* The worker of the group with the least in hand that can take more. */
static struct worker *
free_worker(const struct scheduler *scheduler, const char *group)
{
	struct worker *worker, *best = NULL;

	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		if (!worker->ready || worker->draining || worker->spare ||
		    worker->reported || worker->in_hand >= worker->credit ||
		    strcmp(worker->group, group) != 0)
			continue;
		if (!best || worker->in_hand < best->in_hand)
			best = worker;
	}
	return best;
}

struct worker *
bf_worker_any(const struct scheduler *scheduler, const char *group)
{
	struct worker *worker;

	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		if (worker->ready && !worker->draining && !worker->spare &&
		    !worker->reported && strcmp(worker->group, group) == 0)
			return worker;
	}
	return NULL;
}

/* Takes a delivery from the queues, unless it is too old: that ends here. */
static void
send_next(struct worker *worker, struct bf_delivery *delivery)
{
	struct scheduler *scheduler = worker->scheduler;
	struct bf_lane_state *lane =
	    bf_lane_state_find(scheduler, delivery->id.channel);
	struct held *held;

	if (delivery->retry)
		lane->retries_queued--;
	if (delivery->expires.ms <= bf_scheduler_now(scheduler).ms) {
		bf_outcome_expired(scheduler, lane, delivery);
		return;
	}
	held = bf_new(struct held);
	held->delivery = delivery;
	held->lane = lane;
	hold(scheduler, held);
	give(worker, held);
}

/* A spare worker of the group that has nothing in hand. The master makes one
 * when a worker dies. */
static struct worker *
lone_worker(const struct scheduler *scheduler, const char *group)
{
	struct worker *worker;

	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		if (worker->spare && worker->ready && !worker->draining &&
		    worker->in_hand == 0 && strcmp(worker->group, group) == 0)
			return worker;
	}
	return NULL;
}

/* Gives each suspect to a worker that has nothing else. */
static void
send_suspects(struct scheduler *scheduler)
{
	struct held *held, *next;
	struct worker *worker;

	for (held = TAILQ_FIRST(&scheduler->suspects); held; held = next) {
		next = TAILQ_NEXT(held, entry);
		if (bf_lane_held(held->lane->lane))
			continue;
		worker = lone_worker(scheduler, held->lane->group);
		if (!worker)
			continue;
		TAILQ_REMOVE(&scheduler->suspects, held, entry);
		worker->alone = true;
		give(worker, held);
	}
}

/* Lets go of the spare workers whose groups have no suspects any more. */
static void
dismiss_spares(struct scheduler *scheduler)
{
	struct worker *worker;
	struct held *held;

	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		if (!worker->spare || !worker->ready || worker->draining ||
		    worker->in_hand > 0)
			continue;
		TAILQ_FOREACH(held, &scheduler->suspects, entry)
		{
			if (strcmp(held->lane->group, worker->group) == 0)
				break;
		}
		if (held)
			continue;
		worker->draining = true;
		bf_control_send(scheduler->control,
		    &(struct bf_control){ BF_CONTROL_DISMISS, worker->pid, 0,
			-1 });
	}
}

static void
pump_group(struct scheduler *scheduler, const char *group, int64_t *wake)
{
	const int64_t now = bf_clock_monotonic_ms();
	struct bf_delivery *delivery;
	struct worker *worker;

	for (int i = 0; i < PUMP_MOST; i++) {
		worker = free_worker(scheduler, group);
		if (!worker)
			return;
		delivery =
		    bf_dispatch_next(scheduler->dispatch, group, now, wake);
		if (!delivery)
			return;
		send_next(worker, delivery);
	}
	bf_worker_pump_soon(scheduler);
}

void
bf_worker_pump_soon(struct scheduler *scheduler)
{
	event_active(scheduler->pump_soon, EV_TIMEOUT, 0);
}

void
bf_worker_pump(struct scheduler *scheduler)
{
	int64_t wake = INT64_MAX;
	struct worker *worker, *before;

	if (scheduler->releasing)
		return;
	send_suspects(scheduler);
	dismiss_spares(scheduler);
	bf_test_pump(scheduler);
	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		/* Each group once: at its first worker. */
		TAILQ_FOREACH(before, &scheduler->workers, entry)
		{
			if (before == worker ||
			    strcmp(before->group, worker->group) == 0)
				break;
		}
		if (before == worker)
			pump_group(scheduler, worker->group, &wake);
	}
	bf_lane_state_feed(scheduler);
	if (wake != INT64_MAX) {
		int64_t ms = wake - bf_clock_monotonic_ms();

		ms = ms > 0 ? ms : 0;
		event_add(scheduler->pump_timer,
		    &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
	}
}

/* Takes what is held out of every list; the caller frees it. */
static void
let_go(struct scheduler *scheduler, struct held *held)
{
	HASH_DEL(scheduler->held, held);
	if (held->worker) {
		TAILQ_REMOVE(&held->worker->hand, held, entry);
		held->worker->in_hand--;
		held->worker->alone = false;
	} else {
		TAILQ_REMOVE(&scheduler->suspects, held, entry);
	}
}

/* Frees what was held and is in no list any more, and queues what was replayed
 * while it was. */
static void
free_held(struct held *held)
{
	if (held->again && held->lane)
		bf_lane_state_queue(held->lane, held->again);
	else
		bf_delivery_free(held->again);
	bf_delivery_free(held->delivery);
	free(held);
}

static void
on_outcome(struct worker *worker, struct bf_msg_outcome *outcome)
{
	struct scheduler *scheduler = worker->scheduler;
	struct held *held = bf_worker_held(scheduler, outcome->id);

	if (!held || held->worker != worker) {
		scheduler->metrics.late_outcomes++;
		return;
	}
	let_go(scheduler, held);
	if (held->test) {
		if (held->lane)
			bf_pause_take(scheduler, held->lane, outcome);
		bf_test_ended(scheduler, held->test, channel_of(held), outcome);
	} else {
		if (held->lane)
			bf_lane_done(held->lane->lane);
		bf_outcome_take(scheduler, held, outcome);
	}
	free_held(held);
	bf_worker_pump_soon(scheduler);
	bf_scheduler_leave_if_done(scheduler);
}

/* A delivery whose worker died: sent again alone, or set aside. */
static void
suspect(struct scheduler *scheduler, struct held *held, bool was_alone,
    int signal)
{
	struct bf_delivery *delivery = held->delivery;

	held->worker = NULL;
	if (held->test || !held->lane) {
		HASH_DEL(scheduler->held, held);
		if (held->test)
			bf_test_lost(scheduler, held->test);
		free_held(held);
		return;
	}
	delivery->crashes += was_alone;
	if (was_alone && delivery->crashes >= CRASHES_MOST) {
		HASH_DEL(scheduler->held, held);
		bf_lane_done(held->lane->lane);
		bf_outcome_crashed(scheduler, held->lane, delivery, signal);
		free_held(held);
		return;
	}
	if (was_alone)
		bf_outcome_note_crash(scheduler, delivery);
	TAILQ_INSERT_TAIL(&scheduler->suspects, held, entry);
}

static void
forget_settings(struct worker *worker)
{
	struct known *known, *next;

	HASH_ITER(hh, worker->known, known, next)
	{
		HASH_DEL(worker->known, known);
		free(known);
	}
}

static void
remove_worker(struct worker *worker, int signal)
{
	struct scheduler *scheduler = worker->scheduler;
	const bool alone = worker->alone && !worker->draining;
	struct held *held;

	while ((held = TAILQ_FIRST(&worker->hand))) {
		TAILQ_REMOVE(&worker->hand, held, entry);
		suspect(scheduler, held, alone, signal);
	}
	bf_check_lost(worker, signal);
	TAILQ_REMOVE(&scheduler->workers, worker, entry);
	bf_link_free(&worker->link);
	forget_settings(worker);
	free(worker->group);
	free(worker);
}

static void
worker_closed(void *context, const char *why)
{
	struct worker *worker = context;
	struct scheduler *scheduler = worker->scheduler;

	if (why)
		bf_log(BF_LOG_ERROR, "worker %lld: %s", (long long)worker->pid,
		    why);
	/* The master tells how it died, and then its deliveries are dealt with:
	 * bf_worker_lost. */
	worker->ready = false;
	bf_link_free(&worker->link);
	bf_scheduler_leave_if_done(scheduler);
}

/* Which process it is, the master says: its word would have another one killed,
 * or keep what it has in hand after its end. Nor does it get more than the conf
 * file allows. */
static void
hello(struct worker *worker, struct bf_msg_worker_hello *said)
{
	const int64_t most =
	    bf_registry_snapshot(worker->scheduler->registry)
		->worker_connections;

	if (said->version != BF_WIRE_VERSION) {
		bf_log(BF_LOG_ERROR,
		    "worker %lld speaks version %u of the wire, not %u",
		    (long long)said->pid, said->version, BF_WIRE_VERSION);
		return;
	}
	worker->credit = said->credit < most ? said->credit : (uint32_t)most;
	free(worker->group);
	worker->group = said->group;
	said->group = NULL;
	worker->ready = true;
	bf_check_pump(worker->scheduler);
	bf_worker_pump_soon(worker->scheduler);
}

static void
worker_message(void *context, struct bf_message *message)
{
	struct worker *worker = context;

	switch (message->kind) {
	case BF_MSG_WORKER_HELLO:
		hello(worker, &message->worker_hello);
		break;
	case BF_MSG_OUTCOME:
		on_outcome(worker, &message->outcome);
		break;
	case BF_MSG_CHECKED:
		bf_check_answered(worker, &message->checked);
		break;
	case BF_MSG_DRAINING:
		worker->draining = true;
		break;
	default:
		bf_log(BF_LOG_ERROR, "worker %lld sent message %d",
		    (long long)worker->pid, (int)message->kind);
	}
}

void
bf_worker_link(struct scheduler *scheduler, int fd, int64_t pid, bool spare)
{
	static const struct bf_link_handler handler = { worker_message,
		worker_closed };
	struct worker *worker = bf_new(struct worker);

	worker->scheduler = scheduler;
	worker->pid = pid;
	worker->spare = spare;
	worker->group = bf_strdup("");
	TAILQ_INIT(&worker->hand);
	worker->link = bf_link_new(scheduler->base, fd, &handler, worker);
	TAILQ_INSERT_TAIL(&scheduler->workers, worker, entry);
}

void
bf_worker_lost(struct scheduler *scheduler, int64_t pid, int signal)
{
	struct worker *worker;

	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		if (worker->pid != pid)
			continue;
		scheduler->metrics.crashes++;
		remove_worker(worker, signal);
		bf_worker_pump_soon(scheduler);
		bf_scheduler_leave_if_done(scheduler);
		return;
	}
}

int
bf_worker_test(struct scheduler *scheduler, struct test *test)
{
	struct worker *worker = free_worker(scheduler, test->group);
	struct bf_lane_state *lane =
	    test->draft ? NULL : bf_lane_state_of(scheduler, test->channel);
	struct held *held;

	if (!test->draft && !lane) {
		bf_test_lost(scheduler, test);
		return 0;
	}
	if (!worker)
		return -1;
	held = bf_new(struct held);
	held->delivery = bf_new(struct bf_delivery);
	/* No event of the store has an id as low as this: no clash. */
	held->delivery->id =
	    (struct bf_delivery_id){ ++scheduler->next_test, test->channel };
	held->delivery->event = test->event;
	test->event = NULL;
	held->lane = lane;
	held->test = test;
	hold(scheduler, held);
	give(worker, held);
	return 0;
}

void
bf_worker_watch(struct scheduler *scheduler)
{
	if (!event_pending(scheduler->stuck_timer, EV_TIMEOUT, NULL))
		event_add(scheduler->stuck_timer, &(struct timeval){ 1, 0 });
}

/* Has the master kill it. */
static void
report(struct worker *worker)
{
	worker->reported = true;
	bf_control_send(worker->scheduler->control,
	    &(struct bf_control){ BF_CONTROL_STUCK, worker->pid, 0, -1 });
}

/* Once a second while something is in hand: a worker that has not returned a
 * delivery long after its time-out is reported, and the master kills it. */
void
bf_worker_stuck(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;
	const int64_t now = bf_clock_monotonic_ms();
	struct worker *worker;
	struct held *held;

	(void)fd;
	(void)what;
	bf_check_expire(scheduler, now);
	bf_test_expire(scheduler, now);
	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		if (!worker->reported && bf_check_stuck(worker, now)) {
			bf_log(BF_LOG_ERROR,
			    "worker %lld does not answer whether settings are "
			    "good: it is stuck",
			    (long long)worker->pid);
			report(worker);
		}
		TAILQ_FOREACH(held, &worker->hand, entry)
		{
			if (held->deadline > now || worker->reported)
				continue;
			bf_log(BF_LOG_ERROR,
			    "worker %lld does not return delivery %016llx of "
			    "channel %s: it is stuck",
			    (long long)worker->pid,
			    (unsigned long long)held->delivery->id.event,
			    held->lane ? held->lane->state->channel->name
				       : "-");
			report(worker);
		}
	}
	if (HASH_COUNT(scheduler->held) > 0 ||
	    !TAILQ_EMPTY(&scheduler->checks) || !TAILQ_EMPTY(&scheduler->tests))
		bf_worker_watch(scheduler);
}

void
bf_worker_orphan(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	struct held *held, *next;

	HASH_ITER(hh, scheduler->held, held, next)
	{
		if (held->lane != lane)
			continue;
		held->lane = NULL;
		if (!held->worker) {
			let_go(scheduler, held);
			free_held(held);
		}
	}
}

void
bf_worker_free(struct scheduler *scheduler)
{
	struct held *held, *next;
	struct worker *worker;

	HASH_ITER(hh, scheduler->held, held, next)
	{
		let_go(scheduler, held);
		if (held->test)
			bf_test_lost(scheduler, held->test);
		held->lane = NULL;
		free_held(held);
	}
	while ((worker = TAILQ_FIRST(&scheduler->workers)))
		remove_worker(worker, 0);
}
