/*
 * master.c - the loop: signals, times, leaving
 *
 * It waits for a signal, for what a child or another master says, or for the
 * next time at which something is to be done; with nothing to do it sleeps.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/master_private.h"
#include "core/process/notify.h"

#define SIGNALS_AT_ONCE 16

bool
bf_master_leaving(const struct master *master)
{
	return master->stage > STAGE_RUNNING;
}

/* ---- leaving ---- */

static void
quit_all(struct master *master, enum bf_child_kind kind, int64_t how)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (child->kind != kind)
			continue;
		child->quitting = true;
		bf_child_tell(child, BF_CONTROL_QUIT, 0, how, -1);
	}
}

/* Ends the intakes and workers at once. The scheduler still commits what it
 * has: that is a matter of milliseconds. */
static void
end_fast(struct master *master)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		child->quitting = true;
		if (child->kind != BF_CHILD_SCHEDULER)
			kill(child->pid, SIGKILL);
	}
	quit_all(master, BF_CHILD_SCHEDULER, BF_QUIT_NOW);
}

void
bf_master_leave(struct master *master, bool fast)
{
	const int64_t wait =
	    fast ? 5000 : master->snapshot->shutdown_timeout.ms;

	if (bf_master_leaving(master) && (master->fast || !fast))
		return;
	if (bf_upgrade_leaving(master, fast)) {
		bf_log(BF_LOG_NOTICE, "the upgrade is to end first");
		return;
	}
	bf_reload_abandon(master);
	if (!bf_master_leaving(master))
		bf_notify("STOPPING=1");
	bf_log(BF_LOG_NOTICE, fast ? "stopping" : "shutting down gracefully");
	master->fast = fast;
	master->deadline = bf_clock_monotonic_ms() + wait;
	master->stage = STAGE_NO_INTAKE;
	if (fast)
		end_fast(master);
	else
		quit_all(master, BF_CHILD_INTAKE, BF_QUIT_NOW);
}

void
bf_master_retire(struct master *master)
{
	const struct bf_api_settings *api = &master->snapshot->api;

	bf_reload_abandon(master);
	master->stage = STAGE_NO_INTAKE;
	master->deadline = bf_clock_monotonic_ms() + api->request_timeout.ms +
			   api->keepalive_timeout.ms;
	quit_all(master, BF_CHILD_INTAKE, BF_QUIT_GRACEFULLY);
}

/* Goes on with leaving when those whose turn it is are gone. */
static void
go_on_leaving(struct master *master)
{
	if (master->stage == STAGE_NO_INTAKE &&
	    bf_child_count(master, BF_CHILD_INTAKE, true) == 0) {
		master->stage = STAGE_NO_WORKER;
		quit_all(master, BF_CHILD_WORKER, 0);
		quit_all(master, BF_CHILD_SPARE, 0);
	}
	if (master->stage == STAGE_NO_WORKER &&
	    bf_child_count(master, BF_CHILD_WORKER, true) == 0 &&
	    bf_child_count(master, BF_CHILD_SPARE, true) == 0) {
		master->stage = STAGE_NO_SCHEDULER;
		quit_all(master, BF_CHILD_SPAWNER, 0);
		quit_all(master, BF_CHILD_SCHEDULER, 0);
	}
}

/* The time to leave is over. */
static void
end_leaving(struct master *master)
{
	struct child *child;

	if (!master->fast) {
		bf_log(BF_LOG_WARN,
		    "shutdown_timeout is over: what is in hand is given up, "
		    "and sent again at the next start");
		bf_master_leave(master, true);
		return;
	}
	TAILQ_FOREACH(child, &master->children, entry)
	kill(child->pid, SIGKILL);
	master->deadline = bf_clock_monotonic_ms() + 1000;
}

static bool
is_gone(const struct master *master)
{
	return bf_master_leaving(master) && TAILQ_EMPTY(&master->children) &&
	       master->upgrade.state != UPGRADE_FAILING;
}

/* ---- signals ---- */

static void
reopen(struct master *master)
{
	struct bf_error err;
	struct child *child;

	bf_log(BF_LOG_NOTICE, "reopening the log");
	if (bf_log_reopen(&err) == -1)
		bf_log(BF_LOG_ERROR, "%s", err.text);
	else
		bf_master_give_log(master, master->snapshot);
	TAILQ_FOREACH(child, &master->children, entry)
	bf_child_tell(child, BF_CONTROL_REOPEN, 0, 0, -1);
}

static void
on_signal(struct master *master, const struct signalfd_siginfo *signal)
{
	if (signal->ssi_signo != SIGCHLD)
		bf_log(BF_LOG_NOTICE, "signal %u (%s) received from %d",
		    signal->ssi_signo, strsignal((int)signal->ssi_signo),
		    (int)signal->ssi_pid);
	switch (signal->ssi_signo) {
	case SIGCHLD:
		bf_supervise_reap(master);
		break;
	case SIGHUP:
		if (bf_master_leaving(master))
			break;
		if (master->upgrade.state == UPGRADE_NONE)
			bf_reload(master);
		else
			bf_log(BF_LOG_NOTICE,
			    "no reload now: an upgrade is under way");
		break;
	case SIGUSR1:
		reopen(master);
		break;
	case SIGUSR2:
		bf_upgrade_start(master);
		break;
	case SIGQUIT:
		bf_master_leave(master, false);
		break;
	default:
		bf_master_leave(master, true);
	}
}

static void
read_signals(struct master *master)
{
	struct signalfd_siginfo signals[SIGNALS_AT_ONCE];
	const ssize_t size = read(master->signals, signals, sizeof(signals));

	for (size_t i = 0; size > 0 && i < (size_t)size / sizeof(*signals); i++)
		on_signal(master, &signals[i]);
}

static int
open_signals(void)
{
	static const int numbers[] = { SIGCHLD, SIGHUP, SIGINT, SIGQUIT,
		SIGTERM, SIGUSR1, SIGUSR2 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- times ---- */

static bool
is_due(int64_t *at, int64_t now)
{
	if (*at == 0 || *at > now)
		return false;
	*at = 0;
	return true;
}

static void
feed_watchdog(struct master *master)
{
	master->watchdog_at = bf_clock_monotonic_ms() + bf_notify_watchdog_ms();
	if (master->scheduler && master->scheduler->ready)
		bf_child_tell(master->scheduler, BF_CONTROL_PING, 0, 0, -1);
	else
		bf_notify("WATCHDOG=1");
}

static void
run_due(struct master *master)
{
	const int64_t now = bf_clock_monotonic_ms();

	bf_supervise_stopped(master);
	if (is_due(&master->deadline, now))
		end_leaving(master);
	if (is_due(&master->upgrade.deadline, now))
		bf_upgrade_expired(master);
	if (is_due(&master->watchdog_at, now))
		feed_watchdog(master);
	/* While another master is to take over, it makes what is missing. */
	if (is_due(&master->respawn_at, now) && !bf_master_leaving(master) &&
	    (master->upgrade.state == UPGRADE_NONE ||
		master->upgrade.state == UPGRADE_CHECKING))
		bf_spawn_missing(master);
}

/* Milliseconds until something is due; -1: nothing will be. */
static int
wait_ms(const struct master *master)
{
	const int64_t times[] = { master->deadline, master->upgrade.deadline,
		master->watchdog_at, master->respawn_at,
		bf_supervise_next(master) };
	const int64_t now = bf_clock_monotonic_ms();
	int64_t first = 0;

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		if (times[i] && (first == 0 || times[i] < first))
			first = times[i];
	}
	if (first == 0)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

/* ---- the loop ---- */

/* Says that belfry is ready, once every child is for the first time. */
static void
announce(struct master *master)
{
	const struct bf_snapshot *snapshot = master->snapshot;
	const struct child *child;

	if (master->stage != STAGE_STARTING || !master->scheduler ||
	    bf_child_count(master, BF_CHILD_INTAKE, false) <
		(size_t)snapshot->intake_processes)
		return;
	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (!child->ready)
			return;
	}
	master->stage = STAGE_RUNNING;
	bf_log_echo(-1);
	if (master->ready_pipe != -1) {
		(void)!write(master->ready_pipe, "", 1);
		close(master->ready_pipe);
		master->ready_pipe = -1;
	}
	bf_notify("READY=1");
	bf_log(BF_LOG_NOTICE, "belfry " BF_VERSION " is ready");
}

/* Descriptors that are not a child's: signals, the other master, the loader. */
#define OTHERS 3

/* Sees to what poll found. */
static void
see_to(struct master *master, const struct pollfd *fds, size_t count)
{
	struct child *child, *next;

	if (fds[1].revents)
		bf_upgrade_heard(master);
	if (fds[2].revents && master->loading)
		bf_load_heard(master->loading);
	for (child = TAILQ_FIRST(&master->children); child; child = next) {
		next = TAILQ_NEXT(child, entry);
		for (size_t i = OTHERS; i < count; i++) {
			if (fds[i].fd == child->control && fds[i].revents)
				bf_supervise_heard(master, child);
		}
	}
	/* Last: it may end children. */
	if (fds[0].revents)
		read_signals(master);
}

static void
turn(struct master *master, struct pollfd *fds)
{
	struct child *child;
	size_t count = OTHERS;

	fds[0] = (struct pollfd){ master->signals, POLLIN, 0 };
	fds[1] = (struct pollfd){ master->upgrade.channel, POLLIN, 0 };
	fds[2] =
	    (struct pollfd){ master->loading ? bf_load_fd(master->loading) : -1,
		    POLLIN, 0 };
	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (!child->deaf && count < MASTER_CHILDREN + OTHERS)
			fds[count++] =
			    (struct pollfd){ child->control, POLLIN, 0 };
	}
	if (poll(fds, count, wait_ms(master)) > 0)
		see_to(master, fds, count);
	run_due(master);
	announce(master);
	if (bf_master_leaving(master))
		go_on_leaving(master);
}

int
bf_master_run(struct master *master)
{
	struct pollfd *fds =
	    bf_zalloc(MASTER_CHILDREN + OTHERS, sizeof(struct pollfd));

	bf_title_set("master");
	master->signals = open_signals();
	if (bf_notify_watchdog_ms() > 0)
		feed_watchdog(master);
	if (master->upgrade.state == UPGRADE_WAITING)
		bf_upgrade_confirm(master);
	else
		bf_spawn_missing(master);
	while (!is_gone(master))
		turn(master, fds);
	free(fds);
	close(master->signals);
	return master->status;
}
