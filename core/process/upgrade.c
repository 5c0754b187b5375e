/*
 * upgrade.c - a new binary
 *
 *   old                                   new
 *   fork, execve ------------------------> reads the conf file, opens modules
 *        <------------------- CONFIRMED
 *   scheduler: RELEASE; it ends
 *   GO ---------------------------------->  starts its scheduler
 *        <----------------------- READY    ... and intakes and workers
 *   LINK for each intake ----------------> to its scheduler
 *   intakes finish what they have, end
 *
 * Both have the listening sockets all the while, and intakes keep requests
 * that are not answered until they have a scheduler again. Until READY the old
 * master can go on: it does so when the new one ends, or takes too long.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/master_private.h"
#include "core/process/notify.h"
#include "core/process/vault.h"

#define CHECK_MS 10000 /* the new master has to be confirmed by then */
#define START_MS 60000 /* and have the store open, which may be migrated */
#define FREE_MS 10000  /* for whoever is killed to let go of the store */
#define VARIABLE "BELFRY_UPGRADE"

/* ---- in the old master ---- */

/* "BELFRY_UPGRADE=CHANNEL;FD ADDRESS;FD ADDRESS": what the new one inherits. */
static char *
legacy(const struct master *master, int channel)
{
	struct bf_buf text = { 0 };

	bf_buf_add_format(&text, VARIABLE "=%d", channel);
	for (size_t i = 0; i < master->listeners.count; i++)
		bf_buf_add_format(&text, ";%d %s", master->listeners.fds[i],
		    master->listeners.addresses[i]);
	return bf_buf_take(&text);
}

/* In the child: becomes the new binary. */
static void
become_new(const struct master *master, int channel)
{
	struct bf_vault *vault = bf_vault_open(master->vault);
	char **environment =
	    bf_vault_environment(vault, legacy(master, channel));
	sigset_t none;

	fcntl(channel, F_SETFD, 0);
	for (size_t i = 0; i < master->listeners.count; i++)
		fcntl(master->listeners.fds[i], F_SETFD, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvpe(master->argv[0], master->argv, environment);
	bf_log(BF_LOG_ALERT, "run %s: %s", master->argv[0], strerror(errno));
	_exit(EXIT_FAILURE);
}

void
bf_upgrade_start(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	int channel[2];

	if (bf_master_leaving(master) || upgrade->state != UPGRADE_NONE) {
		bf_log(BF_LOG_NOTICE, "no upgrade now: %s",
		    bf_master_leaving(master) ? "belfry is leaving"
					      : "one is under way");
		return;
	}
	/* The new binary reads the same conf file. */
	bf_reload_abandon(master);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) ==
	    -1) {
		bf_log(BF_LOG_ALERT, "upgrade: %s", strerror(errno));
		return;
	}
	bf_pidfile_set_aside(master->snapshot->pid_file, true);
	upgrade->pid = fork();
	if (upgrade->pid == 0)
		become_new(master, channel[1]);
	close(channel[1]);
	if (upgrade->pid == -1) {
		bf_log(BF_LOG_ALERT, "upgrade: fork: %s", strerror(errno));
		close(channel[0]);
		bf_pidfile_set_aside(master->snapshot->pid_file, false);
		return;
	}
	fcntl(channel[0], F_SETFL, O_NONBLOCK);
	upgrade->channel = channel[0];
	upgrade->state = UPGRADE_CHECKING;
	upgrade->deadline = bf_clock_monotonic_ms() + CHECK_MS;
	bf_log(BF_LOG_NOTICE, "upgrade: started %s as process %d",
	    master->argv[0], (int)upgrade->pid);
}

static void
send_go(struct master *master)
{
	master->upgrade.state = UPGRADE_STARTING;
	master->upgrade.deadline = bf_clock_monotonic_ms() + START_MS;
	(void)bf_control_send(master->upgrade.channel,
	    &(struct bf_control){ BF_CONTROL_GO, getpid(), master->next_slot,
		-1 });
}

/* The new one's configuration is good: it may have the store, once our
 * scheduler has left it. That takes as long as the disk does, and would if the
 * new one were given up, too. */
static void
release_store(struct master *master)
{
	bf_log(BF_LOG_NOTICE, "upgrade: the new binary is confirmed");
	master->upgrade.state = UPGRADE_RELEASING;
	master->upgrade.deadline = 0;
	if (master->scheduler)
		bf_child_tell(master->scheduler, BF_CONTROL_RELEASE, 0, 0, -1);
	else
		send_go(master);
}

static void
hand_over(struct master *master)
{
	char line[40];

	snprintf(line, sizeof(line), "MAINPID=%d", (int)master->upgrade.pid);
	bf_notify(line);
	bf_log(BF_LOG_NOTICE, "upgrade: process %d has taken over",
	    (int)master->upgrade.pid);
	master->upgrade.state = UPGRADE_DONE;
	master->upgrade.deadline = 0;
	(void)bf_spawn_link_intakes(master, master->upgrade.channel);
	bf_master_retire(master);
}

bool
bf_upgrade_scheduler_gone(struct master *master)
{
	if (master->upgrade.state != UPGRADE_RELEASING)
		return false;
	send_go(master);
	return true;
}

bool
bf_upgrade_reaped(struct master *master, pid_t pid, int status)
{
	struct upgrade *upgrade = &master->upgrade;

	if (pid != upgrade->pid)
		return false;
	upgrade->pid = 0;
	if (upgrade->state == UPGRADE_DONE)
		return true;
	bf_log(BF_LOG_ALERT,
	    "upgrade: the new master ended (%s %d); the old one goes on",
	    WIFSIGNALED(status) ? "signal" : "code",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	bf_pidfile_set_aside(master->snapshot->pid_file, false);
	upgrade->state = UPGRADE_NONE;
	upgrade->deadline = 0;
	/* What the new master left behind may hold the store for a moment. */
	master->recover_until = bf_clock_monotonic_ms() + FREE_MS;
	bf_spawn_at(master, bf_clock_monotonic_ms());
	if (upgrade->then_leave)
		bf_master_leave(master, false);
	return true;
}

static void
give_up(struct master *master)
{
	master->upgrade.state = UPGRADE_FAILING;
	master->upgrade.deadline = 0;
	if (master->upgrade.pid > 0)
		kill(master->upgrade.pid, SIGKILL);
}

void
bf_upgrade_expired(struct master *master)
{
	const bool checking = master->upgrade.state == UPGRADE_CHECKING;

	bf_log(BF_LOG_ALERT, "upgrade: the new master %s after %d s",
	    checking ? "has not read its configuration"
		     : "does not have the store open",
	    (checking ? CHECK_MS : START_MS) / 1000);
	give_up(master);
}

/* With nginx the old master is told to quit once the new one was started; here
 * it would go anyway, and going before the new one is ready would be the end of
 * both. Whoever wants belfry to stop at once means both. */
bool
bf_upgrade_leaving(struct master *master, bool fast)
{
	const enum upgrade_state state = master->upgrade.state;

	if (master->upgrade.pid == 0 || state == UPGRADE_DONE)
		return false;
	if (fast && state != UPGRADE_FAILING)
		give_up(master);
	master->upgrade.then_leave = !fast;
	return !fast;
}

/* ---- in the new master ---- */

/* Reads "CHANNEL;FD ADDRESS;FD ADDRESS". */
static void
inherit(struct master *master, const char *text)
{
	char *end;

	master->upgrade.channel = (int)strtol(text, &end, 10);
	master->upgrade.state = UPGRADE_WAITING;
	fcntl(master->upgrade.channel, F_SETFD, FD_CLOEXEC);
	fcntl(master->upgrade.channel, F_SETFL, O_NONBLOCK);
	while (*end == ';') {
		const int fd = (int)strtol(end + 1, &end, 10);
		const size_t length = strcspn(end, ";");
		char *address = bf_strndup(end + 1, length - 1);

		fcntl(fd, F_SETFD, FD_CLOEXEC);
		bf_listen_add(&master->listeners, address, fd);
		free(address);
		end += length;
	}
}

void
bf_upgrade_inherit(struct master *master)
{
	struct bf_vault *vault = bf_vault_open(master->vault);
	const char *text = bf_vault_get(vault, VARIABLE);

	if (text)
		inherit(master, text);
	bf_vault_close(&vault);
}

void
bf_upgrade_confirm(struct master *master)
{
	(void)bf_control_send(master->upgrade.channel,
	    &(struct bf_control){ BF_CONTROL_CONFIRMED, getpid(), 0, -1 });
}

static void
take_over(struct master *master)
{
	master->upgrade.state = UPGRADE_NONE;
	bf_spawn_missing(master);
}

void
bf_upgrade_scheduler_ready(struct master *master)
{
	if (master->upgrade.state == UPGRADE_NONE &&
	    master->upgrade.channel != -1)
		(void)bf_control_send(master->upgrade.channel,
		    &(struct bf_control){ BF_CONTROL_READY, getpid(), 0, -1 });
}

/* ---- in both ---- */

static void
obey(struct master *master, const struct bf_control *control)
{
	const enum upgrade_state state = master->upgrade.state;

	if (control->kind == BF_CONTROL_CONFIRMED && state == UPGRADE_CHECKING)
		release_store(master);
	else if (control->kind == BF_CONTROL_READY && state == UPGRADE_STARTING)
		hand_over(master);
	else if (control->kind == BF_CONTROL_GO && state == UPGRADE_WAITING) {
		master->next_slot = (unsigned)control->number;
		take_over(master);
	} else if (control->kind == BF_CONTROL_LINK && master->scheduler)
		(void)bf_control_send(master->scheduler->control, control);
	if (control->fd != -1)
		close(control->fd);
}

void
bf_upgrade_heard(struct master *master)
{
	struct bf_control control;
	int got = 0;

	while (
	    master->upgrade.channel != -1 &&
	    (got = bf_control_receive(master->upgrade.channel, &control)) == 1)
		obey(master, &control);
	if (master->upgrade.channel == -1)
		return;
	if (got == -1 && (errno == EAGAIN || errno == EPROTO))
		return;
	close(master->upgrade.channel);
	master->upgrade.channel = -1;
	/* The old master died before it gave us the store: it is free, once
	 * its scheduler is gone too. */
	if (master->upgrade.state == UPGRADE_WAITING) {
		master->recover_until = bf_clock_monotonic_ms() + FREE_MS;
		take_over(master);
	}
}
