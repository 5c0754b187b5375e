/*
 * reload.c - a new configuration
 *
 * New intakes and workers are made with it; the old ones finish what they have
 * and leave. If anything about it is wrong the old one stays in use, whole. The
 * loader reads it, and opens its modules; meanwhile the master goes on.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/process/folders.h"
#include "core/process/master_private.h"
#include "core/process/notify.h"

/* The user and group of the conf file; -1 unless we are root. */
int
bf_find_user(const struct bf_snapshot *snapshot, uid_t *uid, gid_t *gid,
    struct bf_error *err)
{
	const struct passwd *user;
	const struct group *group;

	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (!snapshot->user || geteuid() != 0)
		return 0;
	user = getpwnam(snapshot->user);
	if (!user) {
		bf_error_set(err, "user %s: there is no such user",
		    snapshot->user);
		return -1;
	}
	*uid = user->pw_uid;
	*gid = user->pw_gid;
	if (!snapshot->group)
		return 0;
	group = getgrnam(snapshot->group);
	if (!group) {
		bf_error_set(err, "user %s %s: there is no such group",
		    snapshot->user, snapshot->group);
		return -1;
	}
	*gid = group->gr_gid;
	return 0;
}

/* What can't change while the daemon runs: where the store is, and whose. */
static int
check_same(const struct master *master, const struct bf_snapshot *new,
    uid_t uid, struct bf_error *err)
{
	const struct bf_snapshot *old = master->snapshot;

	if (strcmp(old->state_dir, new->state_dir) != 0)
		bf_error_set(err,
		    "state_dir can't change from %s to %s by a reload: "
		    "stop belfry and start it again",
		    old->state_dir, new->state_dir);
	else if (strcmp(old->key_file, new->key_file) != 0)
		bf_error_set(err,
		    "key_file can't change from %s to %s by a reload: "
		    "stop belfry and start it again",
		    old->key_file, new->key_file);
	else if (master->uid != uid)
		bf_error_set(err,
		    "user can't change from %s to %s by a reload: "
		    "stop belfry and start it again",
		    old->user ? old->user : "root",
		    new->user ? new->user : "root");
	else
		return 0;
	return -1;
}

int
bf_master_log(const struct master *master, const struct bf_snapshot *snapshot,
    struct bf_error *err)
{
	const struct bf_log_settings settings = { snapshot->log_target,
		snapshot->log_level, snapshot->log_json };

	if (bf_log_open(&settings, err) == -1)
		return -1;
	bf_master_give_log(master, snapshot);
	return 0;
}

void
bf_master_give_log(const struct master *master,
    const struct bf_snapshot *snapshot)
{
	if (master->uid != (uid_t)-1 && snapshot->log_target[0] == '/' &&
	    lchown(snapshot->log_target, master->uid, master->gid) == -1)
		bf_log(BF_LOG_WARN, "chown %s: %s", snapshot->log_target,
		    strerror(errno));
}

/* Tells children of the old configuration to finish and leave. */
static void
retire_children(struct master *master)
{
	struct child *child;

	TAILQ_FOREACH(child, &master->children, entry)
	{
		if (child->kind == BF_CHILD_SCHEDULER || child->quitting)
			continue;
		bf_child_retire(master, child);
	}
}

/* The pid file may have another name now. */
static void
move_pidfile(const struct bf_snapshot *old, const struct bf_snapshot *new)
{
	struct bf_error err;

	if (strcmp(old->pid_file, new->pid_file) == 0)
		return;
	if (bf_pidfile_write(new->pid_file, &err) == -1)
		bf_log(BF_LOG_ERROR, "%s", err.text);
	else
		unlink(old->pid_file);
}

/* Takes the new configuration into use; everything about it is sound. */
static void
use(struct master *master, struct bf_snapshot *snapshot, int secrets,
    struct bf_listeners *listeners)
{
	struct bf_snapshot *old = master->snapshot;

	move_pidfile(old, snapshot);
	bf_listen_replace(&master->listeners, listeners);
	master->listeners = *listeners;
	master->snapshot = snapshot;
	close(master->secrets);
	master->secrets = secrets;
	if (master->scheduler)
		bf_child_tell(master->scheduler, BF_CONTROL_SNAPSHOT, 0, 0,
		    master->secrets);
	retire_children(master);
	bf_spawn_missing(master);
	bf_snapshot_free(&old);
}

/* Takes what was loaded into use, unless something is wrong with it. */
static int
try(struct master *master, struct bf_error *err)
{
	struct bf_listeners listeners = { 0 };
	struct bf_strings made = { 0 };
	struct bf_snapshot *snapshot;
	int secrets = -1;
	uid_t uid;
	gid_t gid;

	snapshot = bf_load_end(&master->loading, &secrets, err);
	if (snapshot && bf_find_user(snapshot, &uid, &gid, err) == 0 &&
	    check_same(master, snapshot, uid, err) == 0 &&
	    bf_folders_make(snapshot, uid, gid, &made, err) == 0 &&
	    bf_listen_open(snapshot, uid, gid, &master->listeners, &listeners,
		err) == 0 &&
	    bf_master_log(master, snapshot, err) == 0) {
		master->uid = uid;
		master->gid = gid;
		bf_folders_tell(&made);
		use(master, snapshot, secrets, &listeners);
		return 0;
	}
	bf_listen_replace(&listeners, &master->listeners);
	bf_folders_remove(&made);
	bf_snapshot_free(&snapshot);
	if (secrets != -1)
		close(secrets);
	return -1;
}

static void
refuse(const struct bf_error *err)
{
	bf_log(BF_LOG_EMERG, "%s; the old configuration stays in use",
	    err->text);
	bf_notify("READY=1");
}

void
bf_reload(struct master *master)
{
	const struct bf_load load = { .path = master->conf,
		.globals = master->globals,
		.vault = master->vault };
	struct bf_error err = { "" };

	if (master->loading) {
		master->reload_again = true;
		return;
	}
	bf_notify_reloading();
	bf_log(BF_LOG_NOTICE, "reconfiguring");
	master->loading = bf_load_start(&load, &err);
	if (!master->loading)
		refuse(&err);
}

bool
bf_reload_reaped(struct master *master, pid_t pid, int status)
{
	struct bf_error err = { "" };

	if (!master->loading || !bf_load_reaped(master->loading, pid, status))
		return false;
	if (try(master, &err) == 0) {
		bf_log(BF_LOG_NOTICE, "reconfigured");
		bf_notify("READY=1");
	} else {
		refuse(&err);
	}
	if (master->reload_again) {
		master->reload_again = false;
		bf_reload(master);
	}
	return true;
}

void
bf_reload_abandon(struct master *master)
{
	if (master->loading)
		bf_log(BF_LOG_NOTICE, "the reload is given up");
	bf_load_abandon(&master->loading);
	master->reload_again = false;
}
