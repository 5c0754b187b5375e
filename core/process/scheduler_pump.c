/*
 * scheduler_pump.c - from the queues to workers that have credit
 *
 * A worker has said how many deliveries it can have in hand. Suspects go
 * first, each to a spare worker that has nothing else, so that the one that
 * kills workers is found; then tests; then each group of workers takes what
 * its turn brings out of the queues.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/process/scheduler_outcome.h"
#include "core/process/scheduler_private.h"

#define PUMP_MOST 512 /* deliveries sent in one turn of the loop */

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
	bf_worker_hold(scheduler, held);
	bf_worker_give(worker, held);
	return 0;
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
	bf_worker_hold(scheduler, held);
	bf_worker_give(worker, held);
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
		bf_worker_give(worker, held);
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
	bf_lane_state_feed(scheduler, &wake);
	if (wake != INT64_MAX) {
		int64_t ms = wake - bf_clock_monotonic_ms();

		ms = ms > 0 ? ms : 0;
		event_add(scheduler->pump_timer,
		    &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
	}
}
