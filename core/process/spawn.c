/*
 * spawn.c - children: made, given their privileges, linked
 *
 * A child is a fork of the master: it has the snapshot without secrets, and
 * nothing else of use to whoever might take it over. It dies with the master.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/intake/tls.h"
#include "core/process/master_private.h"
#include "core/process/sandbox.h"

#define RESPAWN_MS 1000 /* until the next try, when a fork failed */

static const struct {
	const char *name;
	int (*main)(struct bf_birth *birth);
} kinds[] = {
	[BF_CHILD_SCHEDULER] = { "scheduler", bf_scheduler_main },
	[BF_CHILD_INTAKE] = { "intake", bf_intake_main },
	[BF_CHILD_WORKER] = { "worker", bf_worker_main },
	[BF_CHILD_SPAWNER] = { "spawner", bf_spawner_main },
	[BF_CHILD_SPARE] = { "spare", bf_worker_main },
};

const char *
bf_child_name(const struct child *child)
{
	return kinds[child->kind].name;
}

void
bf_child_tell(struct child *child, enum bf_control_kind kind, int64_t pid,
    int64_t number, int fd)
{
	if (bf_control_send(child->control,
		&(struct bf_control){ kind, pid, number, fd }) == 0 ||
	    errno == EPIPE || errno == ECONNRESET)
		return; /* told, or about to be seen dead */
	/* What it has missed it would never make up for. */
	bf_log(BF_LOG_ALERT,
	    "%s process %d can't be told (%s): it is killed "
	    "and replaced",
	    bf_child_name(child), (int)child->pid, strerror(errno));
	kill(child->pid, SIGKILL);
}

bool
bf_child_delivers(enum bf_child_kind kind)
{
	return kind == BF_CHILD_WORKER || kind == BF_CHILD_SPARE;
}

struct child *
bf_child_find(const struct master *master, pid_t pid)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (child->pid == pid)
			return child;
	}
	return NULL;
}

size_t
bf_child_count(const struct master *master, enum bf_child_kind kind, bool all)
{
	struct child *child;
	size_t count = 0;

	TAILQ_FOREACH(child, &master->children, entry)
	count += child->kind == kind && (all || !child->quitting);
	return count;
}

void
bf_child_forget(struct master *master, struct child *child)
{
	TAILQ_REMOVE(&master->children, child, entry);
	if (master->scheduler == child)
		master->scheduler = NULL;
	close(child->control);
	free(child->group);
	free(child);
}

void
bf_spawn_at(struct master *master, int64_t at)
{
	if (master->respawn_at == 0 || at < master->respawn_at)
		master->respawn_at = at;
}

/* Whether one may be made now; if not, it is tried when it may. */
static bool
is_time(struct master *master, enum bf_child_kind kind, const char *group)
{
	const int64_t at = bf_respawn_at(&master->respawns, kind, group);

	if (at <= bf_clock_monotonic_ms())
		return true;
	bf_spawn_at(master, at);
	return false;
}

/* Gives up root for good. Failing to is no reason to go on with it. */
static void
drop_privileges(const struct master *master)
{
	if (master->uid != (uid_t)-1 && geteuid() == 0 &&
	    (setgroups(0, NULL) == -1 || setgid(master->gid) == -1 ||
		setuid(master->uid) == -1)) {
		bf_log(BF_LOG_EMERG, "give up root: %s", strerror(errno));
		_exit(EXIT_FAILURE);
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* A change of user clears it: the last thing to be set. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void
set_limits(void)
{
	struct rlimit files;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#ifndef BF_SANITIZED
	/* The leak checker of the sanitizers needs to look at us. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Closes what belongs to the master and to other children. */
static void
close_others(const struct master *master, enum bf_child_kind kind)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	close(child->control);
	close(master->signals);
	close(master->vault);
	close(master->secrets);
	/* ready_pipe stays: until the child is ready, its alerts go there. */
	if (master->upgrade.channel != -1)
		close(master->upgrade.channel);
	if (master->loading)
		bf_load_close(master->loading);
	if (kind == BF_CHILD_INTAKE)
		return;
	for (size_t i = 0; i < master->listeners.count; i++)
		close(master->listeners.fds[i]);
}

/* What an intake can only read as root. */
static void
open_tls(const struct master *master, struct bf_birth *birth)
{
	const struct bf_api_settings *api = &master->snapshot->api;
	struct bf_error err;

	if (!bf_tls_wanted(api) || (birth->tls = bf_tls_server(api, &err)))
		return;
	bf_log(BF_LOG_EMERG, "%s", err.text);
	_exit(EXIT_FAILURE);
}

/* A signal to the group (Ctrl-C, a supervisor that ends all it started) means
 * the master: it tells its children, each in its turn. */
static void
leave_signals_to_master(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
		SIGUSR1, SIGUSR2 };
	sigset_t none;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child, from its birth to its end. */
static void
be_child(const struct master *master, enum bf_child_kind kind,
    struct bf_birth *birth, pid_t parent)
{
	char title[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	snprintf(title, sizeof(title), "%s%s%s", kinds[kind].name,
	    birth->group && *birth->group ? " " : "",
	    birth->group ? birth->group : "");
	bf_title_set(title);
	bf_log_name(kinds[kind].name);
	close_others(master, kind);
	set_limits();
	if (kind == BF_CHILD_INTAKE)
		open_tls(master, birth);
	if (kind != BF_CHILD_SPAWNER)
		drop_privileges(master);
	if (bf_child_delivers(kind))
		bf_sandbox_enter(master->snapshot->worker_rlimit_data);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	leave_signals_to_master();
	exit(kinds[kind].main(birth));
}

/* A slot that no child of the kind has; it goes into the ids of intakes, whose
 * old and new ones overlap for a while. */
static unsigned
free_slot(struct master *master, enum bf_child_kind kind)
{
	const unsigned most = BF_COUNTER_SLOTS - 2;
	struct child *child;

	for (unsigned tries = 0; tries < most; tries++) {
		const unsigned slot = master->next_slot++ % most;
		bool taken = false;

		TAILQ_FOREACH(child, &master->children, entry)
		taken = taken || (child->kind == kind && child->slot == slot);
		if (!taken)
			return slot;
	}
	return most;
}

static struct child *
add_child(struct master *master, enum bf_child_kind kind, pid_t pid,
    int control, unsigned slot, const char *group)
{
	struct child *child = bf_new(struct child);

	child->pid = pid;
	child->kind = kind;
	child->slot = slot;
	child->group = bf_strdup(group);
	child->control = control;
	child->started = bf_clock_monotonic_ms();
	TAILQ_INSERT_TAIL(&master->children, child, entry);
	return child;
}

/* The spawner that new workers are to use, or NULL. */
static struct child *
find_spawner(const struct master *master)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (child->kind == BF_CHILD_SPAWNER && !child->quitting)
			return child;
	}
	return NULL;
}

/* What ties a child to the others: sockets, the master's end or another
 * child's first, its own second. -1: there is none. */
struct ties {
	int control[2];  /* to the master */
	int link[2];     /* to the scheduler */
	int programs[2]; /* to the spawner */
};

static int
open_ties(struct ties *ties, bool linked, bool spawner)
{
	*ties = (struct ties){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
		ties->control) == -1)
		return -1;
	/* A child that does not read must not hold the master up. */
	fcntl(ties->control[0], F_SETFL, O_NONBLOCK);
	if (linked && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			  ties->link) == -1)
		return -1;
	if (spawner && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			   ties->programs) == -1)
		return -1;
	return 0;
}

static void
close_end(const struct ties *ties, int end)
{
	const int fds[] = { ties->control[end], ties->link[end],
		ties->programs[end] };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (fds[i] != -1)
			close(fds[i]);
	}
}

/* No half start: without all of its children the master does not begin. */
static void
spawn_failed(struct master *master, enum bf_child_kind kind)
{
	bf_log(BF_LOG_ALERT, "start a %s: %s", kinds[kind].name,
	    strerror(errno));
	bf_spawn_at(master, bf_clock_monotonic_ms() + RESPAWN_MS);
	if (master->stage == STAGE_STARTING) {
		master->status = EXIT_FAILURE;
		bf_master_leave(master, true);
	}
}

struct child *
bf_spawn(struct master *master, enum bf_child_kind kind, const char *group)
{
	const bool linked =
	    (kind == BF_CHILD_INTAKE || bf_child_delivers(kind)) &&
	    master->scheduler;
	struct child *spawner =
	    bf_child_delivers(kind) ? find_spawner(master) : NULL;
	const pid_t parent = getpid();
	const unsigned slot = free_slot(master, kind);
	struct child *child = NULL;
	struct ties ties;
	pid_t pid = -1;

	if (open_ties(&ties, linked, spawner != NULL) == 0)
		pid = fork();
	if (pid == 0) {
		struct bf_birth birth = { .control = ties.control[1],
			.link = ties.link[1],
			.programs = ties.programs[1],
			.snapshot = master->snapshot,
			.uid = master->uid,
			.gid = master->gid,
			.slot = slot,
			.counters = master->counters,
			.group = group,
			.listeners = master->listeners.fds,
			.listener_count = master->listeners.count };

		close_end(&ties, 0);
		be_child(master, kind, &birth, parent);
	}
	if (pid == -1) {
		spawn_failed(master, kind);
	} else {
		child =
		    add_child(master, kind, pid, ties.control[0], slot, group);
		ties.control[0] = -1;
		child->linked = linked;
		if (linked)
			bf_child_tell(master->scheduler, BF_CONTROL_LINK, pid,
			    kind, ties.link[0]);
		if (spawner)
			bf_child_tell(spawner, BF_CONTROL_LINK, pid, kind,
			    ties.programs[0]);
	}
	close_end(&ties, 0);
	close_end(&ties, 1);
	return child;
}

static void
spawn_scheduler(struct master *master)
{
	master->scheduler = bf_spawn(master, BF_CHILD_SCHEDULER, NULL);
	if (master->scheduler)
		bf_child_tell(master->scheduler, BF_CONTROL_SNAPSHOT, 0, 0,
		    master->secrets);
}

/* How many workers of a kind and group there are that are not about to leave.
 */
static size_t
workers_of(const struct master *master, enum bf_child_kind kind,
    const char *group)
{
	struct child *child;
	size_t count = 0;

	TAILQ_FOREACH(child, &master->children, entry)
	count += child->kind == kind && !child->quitting &&
		 strcmp(child->group, group) == 0;
	return count;
}

/* Makes the spawner, if a module runs programs; -1 if there is none yet. */
static int
spawn_spawner(struct master *master)
{
	const struct bf_snapshot *snapshot = master->snapshot;
	bool wanted = false;

	for (size_t i = 0; i < snapshot->module_count; i++)
		wanted |= snapshot->modules[i].runs_programs &&
			  !snapshot->modules[i].disabled;
	if (!wanted || find_spawner(master))
		return 0;
	if (!is_time(master, BF_CHILD_SPAWNER, NULL))
		return -1;
	return bf_spawn(master, BF_CHILD_SPAWNER, NULL) ? 0 : -1;
}

static void
spawn_workers(struct master *master)
{
	const struct bf_snapshot *snapshot = master->snapshot;

	/* First: workers are born with a link to it. */
	if (spawn_spawner(master) == -1)
		return;
	while (workers_of(master, BF_CHILD_WORKER, "") <
		   (size_t)snapshot->worker_processes &&
	       is_time(master, BF_CHILD_WORKER, "")) {
		if (!bf_spawn(master, BF_CHILD_WORKER, ""))
			return;
	}
	for (size_t i = 0; i < snapshot->module_count; i++) {
		const struct bf_module_info *module = &snapshot->modules[i];

		if (module->isolate && !module->disabled &&
		    workers_of(master, BF_CHILD_WORKER, module->name) == 0 &&
		    is_time(master, BF_CHILD_WORKER, module->name) &&
		    !bf_spawn(master, BF_CHILD_WORKER, module->name))
			return;
	}
}

void
bf_spawn_want_spare(struct master *master, const char *group)
{
	if (!bf_strings_has(&master->spares, group))
		bf_strings_add(&master->spares, group);
}

void
bf_child_retire(struct master *master, struct child *child)
{
	if (child->kind == BF_CHILD_SPARE)
		bf_spawn_want_spare(master, child->group);
	child->quitting = true;
	bf_child_tell(child, BF_CONTROL_QUIT, 0, 0, -1);
}

/* A group that has a spare gets the next one when that has left: it may have
 * been dismissed before the last worker died. */
static void
spawn_spares(struct master *master)
{
	struct bf_strings wanted = master->spares;

	master->spares = (struct bf_strings){ 0 };
	for (size_t i = 0; i < wanted.count; i++) {
		const char *group = wanted.items[i];

		if (workers_of(master, BF_CHILD_SPARE, group) > 0 ||
		    !is_time(master, BF_CHILD_SPARE, group) ||
		    !bf_spawn(master, BF_CHILD_SPARE, group))
			bf_spawn_want_spare(master, group);
	}
	bf_strings_free(&wanted);
}

static bool
link_intake(struct child *child, int to)
{
	int link[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) == -1) {
		bf_log(BF_LOG_ALERT, "link intake %d to the scheduler: %s",
		    (int)child->pid, strerror(errno));
		return false;
	}
	(void)bf_control_send(to, &(struct bf_control){ BF_CONTROL_LINK,
				      child->pid, BF_CHILD_INTAKE, link[0] });
	bf_child_tell(child, BF_CONTROL_LINK, 0, 0, link[1]);
	close(link[0]);
	close(link[1]);
	return true;
}

bool
bf_spawn_link_intakes(struct master *master, int to)
{
	struct child *child;
	bool all = true;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (child->kind != BF_CHILD_INTAKE || child->linked)
			continue;
		child->linked = link_intake(child, to);
		all = all && child->linked;
	}
	return all;
}

void
bf_spawn_unlink_intakes(struct master *master)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	child->linked = false;
}

void
bf_spawn_missing(struct master *master)
{
	const struct bf_snapshot *snapshot = master->snapshot;

	if (!master->scheduler) {
		if (is_time(master, BF_CHILD_SCHEDULER, NULL))
			spawn_scheduler(master);
		return;
	}
	/* The others come when it is ready to be linked to. */
	if (!master->scheduler->ready)
		return;
	if (!bf_spawn_link_intakes(master, master->scheduler->control))
		bf_spawn_at(master, bf_clock_monotonic_ms() + RESPAWN_MS);
	while (bf_child_count(master, BF_CHILD_INTAKE, false) <
		   (size_t)snapshot->intake_processes &&
	       is_time(master, BF_CHILD_INTAKE, NULL)) {
		if (!bf_spawn(master, BF_CHILD_INTAKE, NULL))
			return;
	}
	spawn_workers(master);
	spawn_spares(master);
}
