/*
 * scheduler_worker.c - workers: what they say, and how they end
 *
 * What a dead worker had in hand are suspects: each is sent again alone, in a
 * worker that has nothing else, so that the one that kills workers is found
 * and set aside. A worker that neither dies nor answers is reported to the
 * master, which kills it.
 */
#include <stdlib.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/scheduler_outcome.h"
#include "core/process/scheduler_private.h"

#define CRASHES_MOST 3 /* then a delivery is set aside */

static void
on_outcome(struct worker *worker, struct bf_msg_outcome *outcome)
{
	struct scheduler *scheduler = worker->scheduler;
	struct held *held = bf_worker_held(scheduler, outcome->id);

	if (!held || held->worker != worker) {
		scheduler->metrics.late_outcomes++;
		return;
	}
	bf_worker_let_go(scheduler, held);
	if (held->test) {
		if (held->lane)
			bf_pause_take(scheduler, held->lane, outcome);
		bf_test_ended(scheduler, held->test, bf_worker_channel_of(held),
		    outcome);
	} else {
		if (held->lane)
			bf_lane_done(held->lane->lane,
			    bf_outcome_health(outcome));
		bf_outcome_take(scheduler, held, outcome);
	}
	bf_worker_free_held(held);
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
		bf_worker_free_held(held);
		return;
	}
	delivery->crashes += was_alone;
	if (was_alone && delivery->crashes >= CRASHES_MOST) {
		HASH_DEL(scheduler->held, held);
		bf_lane_done(held->lane->lane, BF_HEALTH_UNKNOWN);
		bf_outcome_crashed(scheduler, held->lane, delivery, signal);
		bf_worker_free_held(held);
		return;
	}
	if (was_alone)
		bf_outcome_note_crash(scheduler, delivery);
	TAILQ_INSERT_TAIL(&scheduler->suspects, held, entry);
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
	bf_worker_forget_all(worker);
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
	const int64_t most = bf_registry_snapshot(worker->scheduler->registry)
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
bf_worker_free(struct scheduler *scheduler)
{
	struct held *held, *next;
	struct worker *worker;

	HASH_ITER(hh, scheduler->held, held, next)
	{
		bf_worker_let_go(scheduler, held);
		if (held->test)
			bf_test_lost(scheduler, held->test);
		held->lane = NULL;
		bf_worker_free_held(held);
	}
	while ((worker = TAILQ_FIRST(&scheduler->workers)))
		remove_worker(worker, 0);
}
