/*
 * scheduler.c - the process that remembers: its loop, its start and its end
 *
 * The store and the snapshot with secrets come first; then the loop runs, and
 * everything else reaches it over links that the master hands in.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/scheduler_outcome.h"
#include "core/process/scheduler_private.h"
#include "core/registry/snapshot_wire.h"
#include "core/wire/control.h"

#define OWN_SLOT 255 /* in the ids of belfry's own events */
#define CLOCK_SETTING "clock"
#define CLOCK_EVERY_MS 1000
/* Of the loop: events have the middle one unless they are given another. */
#define PRIORITIES 3
#define LAST 2
#define RELEASE_WAIT_S 5 /* for what is in hand, when the store moves on */

struct bf_instant
bf_scheduler_now(const struct scheduler *scheduler)
{
	return (struct bf_instant){ bf_clock_monotonic_ms() +
				    scheduler->wall_offset };
}

void
bf_scheduler_keep_clock(struct scheduler *scheduler, bool force)
{
	const int64_t now = bf_scheduler_now(scheduler).ms;
	char text[24];

	if (!force && now - scheduler->clock_kept < CLOCK_EVERY_MS)
		return;
	scheduler->clock_kept = now;
	snprintf(text, sizeof(text), "%lld", (long long)now);
	bf_settings_put(scheduler, CLOCK_SETTING, text);
}

/* Goes on from the time that was kept, if the wall clock is behind it. */
static int
resume_clock(struct scheduler *scheduler, struct bf_store *store,
    struct bf_error *err)
{
	char *text;
	int64_t behind;

	if (bf_store_get(store, CLOCK_SETTING, &text, err) != BF_STORE_OK)
		return -1;
	behind =
	    text ? strtoll(text, NULL, 10) - bf_scheduler_now(scheduler).ms : 0;
	free(text);
	if (behind <= 0)
		return 0;
	bf_log(BF_LOG_WARN,
	    "the clock is %lld ms behind the last stop: what "
	    "is due is counted from there",
	    (long long)behind);
	scheduler->wall_offset += behind;
	return 0;
}

static void
on_changed(void *owner, struct bf_change *change, const char *why)
{
	struct scheduler *scheduler = owner;

	switch (change->kind) {
	case BF_CHANGE_APPEND:
		bf_accept_changed(scheduler, change, why);
		bf_notice_busy(scheduler);
		break;
	case BF_CHANGE_FINISH:
		bf_outcome_committed(scheduler, &change->finish);
		break;
	case BF_CHANGE_CANCEL:
	case BF_CHANGE_REPLAY:
		if (change->context)
			bf_command_selected(scheduler, change);
		else
			bf_cancel_committed(scheduler, change);
		break;
	case BF_CHANGE_PUT:
		bf_tenant_setting_committed(change);
		bf_settings_committed(scheduler, change->put.name,
		    change->put.value);
		break;
	case BF_CHANGE_AUDIT:
		break;
	}
	bf_scheduler_leave_if_done(scheduler);
}

/* Without a store it is of no use to start again. */
static void
tell_unusable(const struct scheduler *scheduler)
{
	bf_control_send(scheduler->control,
	    &(struct bf_control){ BF_CONTROL_FATAL, 0, 0, -1 });
}

void
bf_scheduler_broken(struct scheduler *scheduler, const char *why)
{
	bf_log(BF_LOG_EMERG, "the store is unusable: %s", why);
	tell_unusable(scheduler);
	scheduler->status = EXIT_FAILURE;
	event_base_loopbreak(scheduler->base);
}

static void
on_broken(void *owner, const char *why)
{
	bf_scheduler_broken(owner, why);
}

void
bf_scheduler_leave_if_done(struct scheduler *scheduler)
{
	if (!scheduler->releasing || bf_worker_in_hand(scheduler) > 0 ||
	    bf_committer_pending(scheduler->committer) > 0)
		return;
	/* A graceful stop waits for the intakes to have their answers. */
	if (scheduler->quitting && !TAILQ_EMPTY(&scheduler->intakes))
		return;
	event_base_loopbreak(scheduler->base);
}

static void
on_quit_timer(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;

	(void)fd;
	(void)what;
	event_base_loopbreak(scheduler->base);
}

/* Dispatches no more, and leaves when what is in hand came back. */
static void
release(struct scheduler *scheduler, int64_t wait_ms)
{
	if (scheduler->releasing)
		return;
	scheduler->releasing = true;
	event_add(scheduler->quit_timer,
	    &(struct timeval){ wait_ms / 1000, wait_ms % 1000 * 1000 });
	bf_scheduler_leave_if_done(scheduler);
}

/* The snapshot in a memfd; NULL with the reason. */
static struct bf_snapshot *
read_snapshot(int fd, struct bf_error *err)
{
	struct bf_snapshot *snapshot = NULL;
	struct stat file;
	char *bytes;

	if (fstat(fd, &file) == -1 || file.st_size <= 0) {
		bf_error_set(err, "the snapshot is empty");
		return NULL;
	}
	bytes = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		bf_error_errno(err, "map the snapshot");
		return NULL;
	}
	snapshot = bf_snapshot_decode(bytes, (size_t)file.st_size, err);
	munmap(bytes, (size_t)file.st_size);
	return snapshot;
}

/* Goes on in the log that a new snapshot names. */
static void
follow_log(const struct bf_snapshot *snapshot)
{
	const struct bf_log_settings settings = { snapshot->log_target,
		snapshot->log_level, snapshot->log_json };
	struct bf_error err;

	if (bf_log_open(&settings, &err) == -1)
		bf_log(BF_LOG_ERROR, "%s", err.text);
}

static void
take_snapshot(struct scheduler *scheduler, int fd)
{
	struct bf_error err;
	struct bf_snapshot *snapshot = read_snapshot(fd, &err);

	close(fd);
	if (!snapshot) {
		bf_log(BF_LOG_ERROR, "reload: %s", err.text);
		return;
	}
	follow_log(snapshot);
	bf_settings_take(scheduler, snapshot);
	/* Who sent the signal is not known. */
	bf_audit_note(scheduler,
	    &(struct audit_row){ .actor = "signal", .action = "reload" });
}

static void
take_link(struct scheduler *scheduler, const struct bf_control *control)
{
	if (control->number == BF_CHILD_INTAKE)
		bf_accept_link(scheduler, control->fd, control->pid);
	else
		bf_worker_link(scheduler, control->fd, control->pid,
		    control->number == BF_CHILD_SPARE);
}

/* Leaves: at once, with what the committer has on stable storage, or when what
 * is in hand came back and the intakes have their answers. */
static void
quit(struct scheduler *scheduler, enum bf_quit how)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(scheduler->registry);

	if (how == BF_QUIT_NOW) {
		scheduler->releasing = true;
		event_base_loopbreak(scheduler->base);
		return;
	}
	scheduler->quitting = true;
	release(scheduler, snapshot->shutdown_timeout.ms);
}

static void
obey(struct scheduler *scheduler, const struct bf_control *control)
{
	struct bf_error err;

	switch (control->kind) {
	case BF_CONTROL_LINK:
		take_link(scheduler, control);
		break;
	case BF_CONTROL_SNAPSHOT:
		take_snapshot(scheduler, control->fd);
		break;
	case BF_CONTROL_QUIT:
		quit(scheduler, (enum bf_quit)control->number);
		break;
	case BF_CONTROL_RELEASE:
		release(scheduler, RELEASE_WAIT_S * 1000);
		break;
	case BF_CONTROL_REOPEN:
		bf_log_write(&scheduler->attempts_log);
		if (bf_log_reopen(&err) == -1)
			bf_log(BF_LOG_ERROR, "%s", err.text);
		break;
	case BF_CONTROL_LOST:
		bf_worker_lost(scheduler, control->pid, (int)control->number);
		break;
	case BF_CONTROL_PING:
		bf_control_send(scheduler->control,
		    &(struct bf_control){ BF_CONTROL_READY, getpid(), 0, -1 });
		break;
	default:
		if (control->fd != -1)
			close(control->fd);
	}
}

static void
on_control(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;
	struct bf_control control;
	int got;

	(void)what;
	while ((got = bf_control_receive(fd, &control)) == 1)
		obey(scheduler, &control);
	if (got == -1 && (errno == EAGAIN || errno == EPROTO))
		return;
	/* The master is gone: leave at once; what is durable stays so. */
	scheduler->releasing = true;
	event_base_loopbreak(scheduler->base);
}

static void
on_pump(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	bf_worker_pump(context);
}

/* When nothing else is to be done: deliveries do not wait for the log. It has
 * a bound, beyond which it is written at once. */
static void
on_log(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;

	(void)fd;
	(void)what;
	bf_log_write(&scheduler->attempts_log);
}

static struct event *
timer(struct scheduler *scheduler, event_callback_fn callback)
{
	struct event *event =
	    event_new(scheduler->base, -1, 0, callback, scheduler);

	if (!event)
		abort();
	return event;
}

static void
make_events(struct scheduler *scheduler)
{
	scheduler->control_event = event_new(scheduler->base,
	    scheduler->control, EV_READ | EV_PERSIST, on_control, scheduler);
	if (!scheduler->control_event ||
	    event_add(scheduler->control_event, NULL) == -1)
		abort();
	scheduler->due_timer = timer(scheduler, bf_lane_state_due);
	scheduler->pump_timer = timer(scheduler, on_pump);
	scheduler->pump_soon = timer(scheduler, on_pump);
	scheduler->log_soon = timer(scheduler, on_log);
	event_priority_set(scheduler->log_soon, LAST);
	scheduler->stuck_timer = timer(scheduler, bf_worker_stuck);
	scheduler->quit_timer = timer(scheduler, on_quit_timer);
}

/* The first control message brings the snapshot with secrets. */
static struct bf_snapshot *
first_snapshot(int control_fd, struct bf_error *err)
{
	struct bf_snapshot *snapshot;
	struct bf_control control;

	if (bf_control_receive(control_fd, &control) != 1 ||
	    control.kind != BF_CONTROL_SNAPSHOT || control.fd == -1) {
		bf_error_set(err, "the master sent no snapshot");
		return NULL;
	}
	snapshot = read_snapshot(control.fd, err);
	close(control.fd);
	return snapshot;
}

/* Opens the store and takes the snapshot into use. */
static int
start(struct scheduler *scheduler, struct bf_error *err)
{
	struct bf_snapshot *snapshot = first_snapshot(scheduler->control, err);
	struct bf_store_stats stats;
	struct bf_store *store;

	if (!snapshot)
		return -1;
	store = bf_store_open(snapshot->state_dir, err);
	if (!store) {
		tell_unusable(scheduler);
		bf_snapshot_free(&snapshot);
		return -1;
	}
	make_events(scheduler);
	if (resume_clock(scheduler, store, err) == -1 ||
	    bf_keys_start(scheduler, store, snapshot, err) == -1) {
		bf_snapshot_free(&snapshot);
		bf_store_close(&store);
		return -1;
	}
	if (bf_settings_start(scheduler, store, snapshot, err) == -1 ||
	    bf_store_stats(store, &stats, err) != BF_STORE_OK) {
		tell_unusable(scheduler);
		bf_store_close(&store);
		return -1;
	}
	bf_id_floor(&scheduler->ids, stats.highest_event);
	scheduler->latest_event = stats.highest_event;
	scheduler->committer = bf_committer_new(scheduler->base, store,
	    on_changed, on_broken, scheduler, err);
	if (!scheduler->committer)
		return -1;
	bf_settings_cancel_orphans(scheduler);
	bf_retain_start(scheduler);
	bf_notice_start(scheduler);
	return 0;
}

static void
finish(struct scheduler *scheduler)
{
	struct event *const events[] = { scheduler->control_event,
		scheduler->due_timer, scheduler->pump_timer,
		scheduler->pump_soon, scheduler->log_soon,
		scheduler->stuck_timer, scheduler->quit_timer,
		scheduler->retain_timer, scheduler->expire_timer,
		scheduler->space_timer, scheduler->backlog_timer };
	struct bf_lane_state *lane, *next;

	/* Outcomes that came late are still kept, and answers still given. */
	bf_committer_free(&scheduler->committer);
	bf_check_free(scheduler);
	bf_test_free(scheduler);
	bf_worker_free(scheduler);
	bf_accept_free(scheduler);
	HASH_ITER(hh, scheduler->lanes, lane, next)
	bf_lane_state_remove(scheduler, lane);
	bf_due_free(&scheduler->due);
	bf_dispatch_free(&scheduler->dispatch);
	bf_rates_free(&scheduler->rates);
	bf_desk_free(scheduler);
	bf_registry_free(&scheduler->registry);
	bf_tenants_free(scheduler);
	bf_keyring_free(&scheduler->keyring);
	free(scheduler->orphans);
	bf_log_write(&scheduler->attempts_log);
	bf_buf_free(&scheduler->attempts_log);
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		if (events[i])
			event_free(events[i]);
	}
	event_base_free(scheduler->base);
}

static void
init(struct scheduler *scheduler, const struct bf_birth *birth)
{
	const int64_t monotonic = bf_clock_monotonic_ms();

	scheduler->control = birth->control;
	scheduler->counters = birth->counters;
	scheduler->started = bf_clock_wall().ms;
	scheduler->wall_offset = scheduler->started - monotonic;
	scheduler->ids.slot = OWN_SLOT;
	TAILQ_INIT(&scheduler->intakes);
	TAILQ_INIT(&scheduler->workers);
	TAILQ_INIT(&scheduler->hungry);
	TAILQ_INIT(&scheduler->suspects);
	TAILQ_INIT(&scheduler->checks);
	TAILQ_INIT(&scheduler->tests);
	TAILQ_INIT(&scheduler->changes);
	TAILQ_INIT(&scheduler->tenant_changes);
	scheduler->dispatch = bf_dispatch_new();
	scheduler->rates = bf_rates_new();
	scheduler->base = event_base_new();
	if (!scheduler->base ||
	    event_base_priority_init(scheduler->base, PRIORITIES) == -1)
		abort();
}

int
bf_scheduler_main(struct bf_birth *birth)
{
	struct scheduler scheduler = { 0 };
	struct bf_error err;

	signal(SIGPIPE, SIG_IGN);
	init(&scheduler, birth);
	if (start(&scheduler, &err) == -1) {
		bf_log(BF_LOG_EMERG, "%s", err.text);
		scheduler.status = EXIT_FAILURE;
	} else {
		evutil_make_socket_nonblocking(scheduler.control);
		bf_child_ready(scheduler.control);
		event_base_dispatch(scheduler.base);
	}
	finish(&scheduler);
	return scheduler.status;
}
