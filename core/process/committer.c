/*
 * committer.c - the store's one thread
 *
 * While one batch is being synced the next one gathers; one sync serves all
 * that came meanwhile. A commit that fails refuses its events, so that their
 * senders hear of it; ends of deliveries are kept and go into the next batch,
 * until the store takes them. A store that fails is tried less and less often,
 * and what it then takes is taken at once.
 */
#include "core/process/committer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"

#define GAP_US 1000              /* least time between two commits */
#define GAP_MOST_US 250000       /* and while they fail: doubled by each */
#define RIDE_MS 20               /* how long what is not urgent waits */
#define REMIND_US (60 * 1000000) /* between lines of the log meanwhile */
#define QUIET_US (10 * 1000000)  /* from one to that of the next failure */

/* What one round of the thread came to, in the order in which it was done. */
struct results {
	struct results *next;
	struct bf_batch done;
	struct bf_change *refused;
	struct store_call *called;
};

struct committer {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct bf_store *store;
	int64_t gap_us; /* to the next commit; the thread's own, as these: */
	int64_t failing_since, said_at; /* monotonic us */
	uint64_t failed;                /* commits since then */
	int64_t checkpoint_said;        /* that it failed, monotonic ms */
	bool said;                      /* that it fails, in the log */
	struct event *ready;
	int ready_fd;
	committer_changed *changed;
	committer_broken *broken;
	void *owner;

	/* The loop's own. */
	size_t pending;
	struct bf_batch held; /* to be handed over as one */
	bool held_urgent;
	bool holding;

	/* Under mutex. */
	struct bf_batch gathering;
	struct store_call *calls, **last_call;
	struct results *results, **last_results;
	bool urgent;
	bool stopping;
	bool unusable;
	bool told; /* that it is unusable */
	struct committer_figures figures;
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Waits on the condition until a monotonic time. */
static void
wait_until(struct committer *committer, int64_t us)
{
	const struct timespec until = { us / 1000000, us % 1000000 * 1000 };

	pthread_cond_timedwait(&committer->wake, &committer->mutex, &until);
}

/* Waits until there is something to do, and then until the last commit is old
 * enough. Called and returns with the mutex. */
static void
wait_for_work(struct committer *committer, int64_t last)
{
	while (!committer->stopping && !committer->calls &&
	       committer->gathering.count == 0)
		pthread_cond_wait(&committer->wake, &committer->mutex);
	if (!committer->urgent && !committer->calls && !committer->stopping) {
		const int64_t until = now_us() + RIDE_MS * 1000;

		while (!committer->urgent && !committer->calls &&
		       !committer->stopping && now_us() < until)
			wait_until(committer, until);
	}
	while (!committer->stopping && now_us() < last + committer->gap_us)
		wait_until(committer, last + committer->gap_us);
}

/* Moves the events of a batch that failed to the refused; the rest stays. */
static void
refuse_events(struct bf_batch *batch, struct bf_change **refused)
{
	struct bf_change *change = batch->first, *next;

	bf_batch_init(batch);
	for (; change; change = next) {
		next = change->next;
		change->next = NULL;
		if (change->kind == BF_CHANGE_APPEND) {
			*refused = change;
			refused = &change->next;
		} else {
			bf_batch_add(batch, change);
		}
	}
}

/* Moves every change of a batch to the end of another. */
static void
move_batch(struct bf_batch *to, struct bf_batch *from)
{
	if (from->first) {
		*to->last = from->first;
		to->last = from->last;
		to->count += from->count;
	}
	bf_batch_init(from);
}

/* Logs that the store fails: when it begins, and at times while it lasts. A
 * full disk may have room for some commits, and for others not. */
static void
say_failure(struct committer *committer, const char *why)
{
	const int64_t now = now_us();

	if (committer->said_at != 0 &&
	    now - committer->said_at < (committer->said ? REMIND_US : QUIET_US))
		return;
	bf_log(BF_LOG_CRIT, "the store takes nothing, for %lld s now: %s",
	    (long long)(now - committer->failing_since) / 1000000, why);
	committer->said_at = now;
	committer->said = true;
}

/* Takes note of a commit that failed. With the mutex. */
static void
note_failure(struct committer *committer, enum bf_store_result result,
    const struct bf_error *err)
{
	if (!committer->figures.failing) {
		committer->failing_since = now_us();
		committer->failed = 0;
	}
	say_failure(committer, err->text);
	committer->failed++;
	committer->gap_us *= 2;
	if (committer->gap_us > GAP_MOST_US)
		committer->gap_us = GAP_MOST_US;
	committer->figures.failures++;
	committer->figures.failing = true;
	memcpy(committer->figures.why, err->text,
	    sizeof(committer->figures.why) - 1);
	if (result == BF_STORE_UNUSABLE)
		committer->unusable = true;
}

/* Takes note of one that did not. With the mutex. */
static void
note_success(struct committer *committer, size_t changes)
{
	if (committer->figures.failing && committer->said)
		bf_log(BF_LOG_NOTICE,
		    "the store works again, after %.1f s and %llu commits "
		    "that failed",
		    (double)(now_us() - committer->failing_since) / 1e6,
		    (unsigned long long)committer->failed);
	committer->said = false;
	committer->gap_us = GAP_US;
	committer->figures.failing = false;
	committer->figures.changes += changes;
}

/* What could not be committed goes in front of what gathered meanwhile. */
static void
keep_for_later(struct committer *committer, struct bf_batch *batch)
{
	struct bf_batch gathered;

	bf_batch_init(&gathered);
	move_batch(&gathered, &committer->gathering);
	move_batch(&committer->gathering, batch);
	move_batch(&committer->gathering, &gathered);
}

static void
commit(struct committer *committer, struct bf_batch *batch,
    struct results *results)
{
	struct bf_error err = { "" };
	const size_t count = batch->count;
	const int64_t began = now_us();
	enum bf_store_result result;

	result = bf_store_commit(committer->store, batch, &err);
	pthread_mutex_lock(&committer->mutex);
	committer->figures.commits++;
	committer->figures.seconds += (double)(now_us() - began) / 1e6;
	if (result == BF_STORE_OK) {
		note_success(committer, count);
		move_batch(&results->done, batch);
	} else {
		note_failure(committer, result, &err);
		refuse_events(batch, &results->refused);
		keep_for_later(committer, batch);
	}
	pthread_mutex_unlock(&committer->mutex);
}

static void
make_calls(struct committer *committer, struct store_call *calls)
{
	for (; calls; calls = calls->next)
		calls->result =
		    calls->run(committer->store, calls, &calls->error);
}

static void
tell_loop(struct committer *committer)
{
	const uint64_t one = 1;

	while (write(committer->ready_fd, &one, sizeof(one)) == -1 &&
	       errno == EINTR)
		continue;
}

/* Takes over what there is to do. With the mutex. */
static struct store_call *
take_work(struct committer *committer, struct bf_batch *batch)
{
	struct store_call *calls = committer->calls;

	bf_batch_init(batch);
	move_batch(batch, &committer->gathering);
	committer->calls = NULL;
	committer->last_call = &committer->calls;
	committer->urgent = false;
	return calls;
}

/* Moves the log into the file while the answers are on their way. */
static void
checkpoint(struct committer *committer)
{
	struct bf_error err;

	if (bf_store_checkpoint(committer->store, &err) != BF_STORE_OK &&
	    bf_log_again(&committer->checkpoint_said))
		bf_log(BF_LOG_WARN, "checkpoint: %s", err.text);
}

static void *
run(void *context)
{
	struct committer *committer = context;
	struct results *results;
	struct bf_batch batch;
	int64_t last = 0;
	bool stop = false;

	while (!stop) {
		results = bf_new(struct results);
		bf_batch_init(&results->done);
		pthread_mutex_lock(&committer->mutex);
		wait_for_work(committer, last);
		results->called = take_work(committer, &batch);
		stop = committer->stopping;
		pthread_mutex_unlock(&committer->mutex);

		last = now_us();
		if (batch.count > 0)
			commit(committer, &batch, results);
		make_calls(committer, results->called);
		pthread_mutex_lock(&committer->mutex);
		*committer->last_results = results;
		committer->last_results = &results->next;
		pthread_mutex_unlock(&committer->mutex);
		tell_loop(committer);
		checkpoint(committer);
	}
	return NULL;
}

static void
hand_changes(struct committer *committer, struct bf_change *change,
    const char *why)
{
	struct bf_change *next;

	for (; change; change = next) {
		next = change->next;
		committer->pending--;
		committer->changed(committer->owner, change, why);
		bf_change_free(change);
	}
}

/* Moves what was held to what gathers. With the mutex. */
static void
hand_over(struct committer *committer)
{
	if (committer->held.count == 0)
		return;
	/* The thread sleeps only while nothing gathers, or rides along. */
	if (committer->gathering.count == 0 ||
	    (committer->held_urgent && !committer->urgent))
		pthread_cond_signal(&committer->wake);
	move_batch(&committer->gathering, &committer->held);
	committer->urgent = committer->urgent || committer->held_urgent;
	committer->held_urgent = false;
}

void
bf_committer_hold(struct committer *committer)
{
	committer->holding = true;
}

void
bf_committer_release(struct committer *committer)
{
	committer->holding = false;
	if (committer->held.count == 0)
		return;
	pthread_mutex_lock(&committer->mutex);
	hand_over(committer);
	pthread_mutex_unlock(&committer->mutex);
}

static void
hand_calls(struct committer *committer, struct store_call *call)
{
	struct store_call *next;

	for (; call; call = next) {
		next = call->next;
		committer->pending--;
		bf_committer_hold(committer);
		call->done(committer->owner, call);
		bf_committer_release(committer);
	}
}

/* Hands the results of the thread to their owner, on the loop, in the order in
 * which they came about. */
static void
on_ready(evutil_socket_t fd, short what, void *context)
{
	struct committer *committer = context;
	struct results *results, *next;
	char why[sizeof(committer->figures.why)];
	uint64_t count;
	bool broken;

	(void)what;
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	pthread_mutex_lock(&committer->mutex);
	results = committer->results;
	committer->results = NULL;
	committer->last_results = &committer->results;
	broken = committer->unusable && !committer->told;
	committer->told = committer->unusable;
	memcpy(why, committer->figures.why, sizeof(why));
	pthread_mutex_unlock(&committer->mutex);

	for (; results; results = next) {
		next = results->next;
		hand_changes(committer, results->done.first, NULL);
		hand_changes(committer, results->refused, why);
		hand_calls(committer, results->called);
		free(results);
	}
	if (broken)
		committer->broken(committer->owner, why);
}

static void
destroy(struct committer *committer)
{
	bf_batch_clear(&committer->held);
	bf_batch_clear(&committer->gathering);
	bf_store_close(&committer->store);
	event_free(committer->ready);
	if (committer->ready_fd != -1)
		close(committer->ready_fd);
	pthread_cond_destroy(&committer->wake);
	pthread_mutex_destroy(&committer->mutex);
	free(committer);
}

struct committer *
bf_committer_new(struct event_base *base, struct bf_store *store,
    committer_changed *changed, committer_broken *broken, void *owner,
    struct bf_error *err)
{
	struct committer *committer = bf_new(struct committer);
	pthread_condattr_t attributes;
	int fault;

	committer->store = store;
	committer->gap_us = GAP_US;
	committer->changed = changed;
	committer->broken = broken;
	committer->owner = owner;
	committer->last_call = &committer->calls;
	committer->last_results = &committer->results;
	bf_batch_init(&committer->held);
	bf_batch_init(&committer->gathering);
	pthread_mutex_init(&committer->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&committer->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	committer->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	committer->ready = event_new(base, committer->ready_fd,
	    EV_READ | EV_PERSIST, on_ready, committer);
	fault = committer->ready_fd == -1
		    ? errno
		    : pthread_create(&committer->thread, NULL, run, committer);
	if (!committer->ready ||
	    (fault == 0 && event_add(committer->ready, NULL) == -1))
		abort();
	if (fault == 0)
		return committer;
	errno = fault;
	bf_error_errno(err, "start the thread that writes the store");
	destroy(committer);
	return NULL;
}

void
bf_committer_add(struct committer *committer, struct bf_change *change,
    bool urgent)
{
	committer->pending++;
	bf_batch_add(&committer->held, change);
	committer->held_urgent = committer->held_urgent || urgent;
	if (!committer->holding)
		bf_committer_release(committer);
}

void
bf_committer_call(struct committer *committer, struct store_call *call)
{
	committer->pending++;
	call->next = NULL;
	pthread_mutex_lock(&committer->mutex);
	hand_over(committer);
	*committer->last_call = call;
	committer->last_call = &call->next;
	pthread_cond_signal(&committer->wake);
	pthread_mutex_unlock(&committer->mutex);
}

size_t
bf_committer_pending(const struct committer *committer)
{
	return committer->pending;
}

void
bf_committer_figures(struct committer *committer,
    struct committer_figures *figures)
{
	pthread_mutex_lock(&committer->mutex);
	*figures = committer->figures;
	pthread_mutex_unlock(&committer->mutex);
}

void
bf_committer_free(struct committer **committer)
{
	struct committer *own = *committer;

	if (!own)
		return;
	pthread_mutex_lock(&own->mutex);
	own->stopping = true;
	pthread_cond_signal(&own->wake);
	pthread_mutex_unlock(&own->mutex);
	pthread_join(own->thread, NULL);
	on_ready(own->ready_fd, 0, own);
	destroy(own);
	*committer = NULL;
}
