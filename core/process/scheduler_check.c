/*
 * scheduler_check.c - settings that a module is to check, in a worker
 *
 * Whether settings fit together is known to their module alone, and whoever
 * runs a module owns nothing: so a worker is asked. One that dies over it takes
 * nothing along but the answer.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/process/scheduler_private.h"
#include "core/registry/snapshot_wire.h"

#define CHECK_MS 10000 /* then the worker is stuck, or none came */

struct check {
	uint64_t token;
	struct worker *worker; /* NULL: there was none yet */
	struct bf_buf bytes;   /* until it is sent */
	char *group;
	int64_t deadline; /* monotonic ms */
	bf_checked *done;
	void *context;
	TAILQ_ENTRY(check) entry;
};

/* Gives a check to a worker, if there is one. */
static void
give(struct scheduler *scheduler, struct check *check)
{
	struct worker *worker = bf_worker_any(scheduler, check->group);

	if (!worker)
		return;
	check->worker = worker;
	bf_link_send(worker->link,
	    &(struct bf_message){ .kind = BF_MSG_CHECK,
		.check = { check->token, check->bytes.data,
		    check->bytes.size } });
	bf_buf_wipe(&check->bytes);
}

void
bf_check_pump(struct scheduler *scheduler)
{
	struct check *check;

	TAILQ_FOREACH(check, &scheduler->checks, entry)
	{
		if (!check->worker)
			give(scheduler, check);
	}
}

void
bf_check_run(struct scheduler *scheduler, const struct bf_channel *channel,
    const char *group, bf_checked *done, void *context)
{
	struct check *check = bf_new(struct check);

	check->token = ++scheduler->next_serial;
	check->group = bf_strdup(group);
	check->deadline = bf_clock_monotonic_ms() + CHECK_MS;
	check->done = done;
	check->context = context;
	bf_channel_encode(channel, &check->bytes);
	TAILQ_INSERT_TAIL(&scheduler->checks, check, entry);
	give(scheduler, check);
	if (!event_pending(scheduler->stuck_timer, EV_TIMEOUT, NULL))
		event_add(scheduler->stuck_timer, &(struct timeval){ 1, 0 });
}

/* Ends a check, and tells who waits for it. */
static void
end(struct scheduler *scheduler, struct check *check, bool checked,
    const char *why)
{
	bf_checked *done = check->done;
	void *context = check->context;

	TAILQ_REMOVE(&scheduler->checks, check, entry);
	bf_buf_wipe(&check->bytes);
	free(check->group);
	free(check);
	done(scheduler, context, checked, why);
}

void
bf_check_answered(struct worker *worker, const struct bf_msg_checked *message)
{
	struct scheduler *scheduler = worker->scheduler;
	struct check *check;

	TAILQ_FOREACH(check, &scheduler->checks, entry)
	{
		if (check->token == message->token && check->worker == worker) {
			end(scheduler, check, true, message->why);
			return;
		}
	}
}

void
bf_check_lost(struct worker *worker, int signal)
{
	struct scheduler *scheduler = worker->scheduler;
	char *why = signal ? bf_strf("the module died of signal %d (%s) while "
				     "it looked at the settings",
				 signal, strsignal(signal))
			   : bf_strdup("the worker that looked at the settings "
				       "is gone; try again");
	struct check *check, *next;

	for (check = TAILQ_FIRST(&scheduler->checks); check; check = next) {
		next = TAILQ_NEXT(check, entry);
		if (check->worker == worker)
			end(scheduler, check, false, why);
	}
	free(why);
}

void
bf_check_expire(struct scheduler *scheduler, int64_t now)
{
	struct check *check, *next;

	for (check = TAILQ_FIRST(&scheduler->checks); check; check = next) {
		next = TAILQ_NEXT(check, entry);
		if (!check->worker && check->deadline <= now)
			end(scheduler, check, false,
			    "no worker can check the settings now; try again");
	}
}

bool
bf_check_stuck(const struct worker *worker, int64_t now)
{
	const struct check *check;

	TAILQ_FOREACH(check, &worker->scheduler->checks, entry)
	{
		if (check->worker == worker && check->deadline <= now)
			return true;
	}
	return false;
}

void
bf_check_free(struct scheduler *scheduler)
{
	struct check *check;

	while ((check = TAILQ_FIRST(&scheduler->checks)))
		end(scheduler, check, false, "belfry is being stopped");
}
