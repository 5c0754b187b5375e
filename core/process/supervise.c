/*
 * supervise.c - what children say, and their deaths
 *
 * What dies is made again; what dies young, after a pause that grows. A child
 * that was stopped (SIGSTOP) can't do its work and is killed, to be replaced.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/process/master_private.h"
#include "core/process/notify.h"

#define STOPPED_MS 2000          /* a stopped child is killed after that */
#define YOUNG_MS 200             /* what dies sooner makes the pause grow */
#define STORE_PATIENCE_MS 300000 /* with a store that was in use before */

/* Sets when the child's like is made again. */
static void
plan_respawn(struct master *master, const struct child *child)
{
	const int64_t now = bf_clock_monotonic_ms();
	const bool young = !child->ready || now - child->started < YOUNG_MS;

	bf_respawn_died(&master->respawns, child->kind, child->group, young,
	    now);
	bf_spawn_at(master,
	    bf_respawn_at(&master->respawns, child->kind, child->group));
}

/* The line in the log about a child's end. */
static void
log_end(const struct master *master, const struct child *child, int status)
{
	const char *of = child->group && *child->group ? " for " : "";
	const char *group = child->group ? child->group : "";
	const bool expected = child->quitting || bf_master_leaving(master);

	if (WIFSIGNALED(status))
		bf_log(expected ? BF_LOG_NOTICE : BF_LOG_ALERT,
		    "%s process %d%s%s ended on signal %d (%s)",
		    bf_child_name(child), (int)child->pid, of, group,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		bf_log(expected || WEXITSTATUS(status) == 0 ? BF_LOG_NOTICE
							    : BF_LOG_ALERT,
		    "%s process %d%s%s exited with code %d",
		    bf_child_name(child), (int)child->pid, of, group,
		    WEXITSTATUS(status));
}

static void
tell_of_worker(struct master *master, const struct child *child, int status)
{
	if (master->scheduler)
		bf_child_tell(master->scheduler, BF_CONTROL_LOST, child->pid,
		    WIFSIGNALED(status) ? WTERMSIG(status) : 0, -1);
}

/* What workers have in hand nobody would hear of without the scheduler that
 * gave it to them. They see that for themselves, unless a module keeps them
 * busy. */
static void
end_workers(struct master *master)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (!bf_child_delivers(child->kind))
			continue;
		child->quitting = true;
		kill(child->pid, SIGKILL);
	}
}

/* Without the spawner that they were born with, workers can start no program:
 * they finish what they have, and others take their place. */
static void
retire_workers(struct master *master)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (bf_child_delivers(child->kind) && !child->quitting)
			bf_child_retire(master, child);
	}
}

static void
on_end(struct master *master, struct child *child, int status)
{
	const enum bf_child_kind kind = child->kind;
	const bool quitting = child->quitting;

	log_end(master, child, status);
	/* A child that can't even start says so for the first time. */
	if (master->stage == STAGE_STARTING && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0 && !child->ready && !quitting) {
		master->status = EXIT_FAILURE;
		bf_master_leave(master, true);
	}
	if (bf_child_delivers(child->kind)) {
		tell_of_worker(master, child, status);
		/* One that left may have been given something meanwhile. */
		if (!child->dismissed)
			bf_spawn_want_spare(master, child->group);
	}
	if (kind == BF_CHILD_SCHEDULER) {
		end_workers(master);
		bf_spawn_unlink_intakes(master);
	}
	if (kind == BF_CHILD_SCHEDULER && child->ready && !quitting)
		master->recover_until =
		    bf_clock_monotonic_ms() + STORE_PATIENCE_MS;
	if (kind == BF_CHILD_SPAWNER && !quitting)
		retire_workers(master);
	if (!quitting)
		plan_respawn(master, child);
	else
		bf_spawn_at(master, bf_clock_monotonic_ms());
	bf_child_forget(master, child);
	if (kind == BF_CHILD_SCHEDULER && bf_upgrade_scheduler_gone(master))
		master->respawn_at = 0;
}

void
bf_supervise_reap(struct master *master)
{
	struct child *child;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)) >
	       0) {
		const bool ended = WIFEXITED(status) || WIFSIGNALED(status);

		if (ended && (bf_upgrade_reaped(master, pid, status) ||
				 bf_reload_reaped(master, pid, status)))
			continue;
		child = bf_child_find(master, pid);
		if (!child)
			continue;
		if (WIFSTOPPED(status))
			child->stopped = bf_clock_monotonic_ms();
		else if (WIFCONTINUED(status))
			child->stopped = 0;
		else
			on_end(master, child, status);
	}
}

int64_t
bf_supervise_next(const struct master *master)
{
	const struct child *child;
	int64_t next = 0;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		const int64_t at = child->stopped + STOPPED_MS;

		if (child->stopped && (next == 0 || at < next))
			next = at;
	}
	return next;
}

void
bf_supervise_stopped(struct master *master)
{
	const int64_t now = bf_clock_monotonic_ms();
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (!child->stopped || child->stopped + STOPPED_MS > now)
			continue;
		bf_log(BF_LOG_ALERT,
		    "%s process %d has been stopped for %d s: "
		    "it is killed and replaced",
		    bf_child_name(child), (int)child->pid, STOPPED_MS / 1000);
		kill(child->pid, SIGKILL);
		child->stopped = 0;
	}
}

/* The store is ours, and so is the pid file: a second daemon that is refused
 * the store leaves the first one's alone. */
static void
name_master(struct master *master)
{
	struct bf_error err;

	if (bf_pidfile_write(master->snapshot->pid_file, &err) == 0)
		return;
	bf_log(BF_LOG_EMERG, "%s", err.text);
	master->status = EXIT_FAILURE;
	bf_master_leave(master, true);
}

static void
on_ready(struct master *master, struct child *child)
{
	if (child->ready) {
		/* The answer to a PING: it does its work. */
		bf_notify("WATCHDOG=1");
		return;
	}
	child->ready = true;
	if (child != master->scheduler)
		return;
	master->recover_until = 0;
	if (master->stage == STAGE_STARTING)
		name_master(master);
	if (bf_master_leaving(master))
		return;
	bf_upgrade_scheduler_ready(master);
	bf_spawn_missing(master);
}

/* The scheduler can't use the store. One that took another's place tries again
 * for a while: a disk may come back; and right after an upgrade that failed
 * the other master's scheduler may still hold the store. */
static void
on_fatal(struct master *master)
{
	if (bf_clock_monotonic_ms() < master->recover_until)
		return;
	master->status = EXIT_FAILURE;
	bf_master_leave(master, true);
}

static void
on_stuck(struct master *master, pid_t pid)
{
	struct child *child = bf_child_find(master, pid);

	if (!child || !bf_child_delivers(child->kind))
		return;
	bf_log(BF_LOG_ALERT,
	    "worker process %d does not end its attempts: it "
	    "is killed and replaced",
	    (int)pid);
	kill(pid, SIGKILL);
}

/* The scheduler has no use for a spare any more. */
static void
on_dismissed(struct master *master, pid_t pid)
{
	struct child *child = bf_child_find(master, pid);

	if (!child || child->kind != BF_CHILD_SPARE)
		return;
	child->quitting = true;
	child->dismissed = true;
	bf_child_tell(child, BF_CONTROL_QUIT, 0, 0, -1);
}

void
bf_supervise_heard(struct master *master, struct child *child)
{
	struct bf_control control;
	int got;

	while ((got = bf_control_receive(child->control, &control)) == 1) {
		if (control.fd != -1)
			close(control.fd);
		if (control.kind == BF_CONTROL_READY)
			on_ready(master, child);
		else if (control.kind == BF_CONTROL_FATAL &&
			 child == master->scheduler)
			on_fatal(master);
		else if (control.kind == BF_CONTROL_STUCK &&
			 child == master->scheduler)
			on_stuck(master, (pid_t)control.pid);
		else if (control.kind == BF_CONTROL_DISMISS &&
			 child == master->scheduler)
			on_dismissed(master, (pid_t)control.pid);
	}
	/* It closed its end: it is about to be reaped. */
	if (got == 0 || (errno != EAGAIN && errno != EPROTO))
		child->deaf = true;
}
