#ifndef BF_MASTER_PRIVATE_H
#define BF_MASTER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <belfry/strings.h>

#include "core/process/child.h"
#include "core/process/listen.h"
#include "core/process/loader_process.h"
#include "core/process/respawn.h"
#include "core/wire/control.h"

/*
 * The master: what its files share. It parses no events and opens no modules,
 * and it does not die of a child's death.
 *
 *   main.c            options, and what they ask for
 *   master.c          the loop: signals, times, leaving
 *   supervise.c       what children say, and their deaths
 *   respawn.c         pauses before what died young is made again
 *   spawn.c           children: made, given their privileges, linked
 *   reload.c          a new configuration
 *   upgrade.c         a new binary
 *   loader_process.c  the conf file, read in a process of its own
 */

#define MASTER_CHILDREN 4096 /* listened to at once */

struct child {
	pid_t pid;
	enum bf_child_kind kind;
	unsigned slot;
	char *group; /* of a worker */
	int control;
	bool ready;
	bool linked;    /* an intake: to the scheduler that there is */
	bool quitting;  /* told to leave, or of an old configuration */
	bool dismissed; /* a spare that is not needed: it has nothing in hand */
	bool deaf;      /* it closed its control socket */
	int64_t started; /* monotonic ms */
	int64_t stopped; /* when it was seen stopped; 0: it runs */
	TAILQ_ENTRY(child) entry;
};

enum stage {
	STAGE_STARTING, /* until everything is ready for the first time */
	STAGE_RUNNING,
	STAGE_NO_INTAKE,    /* leaving: intakes first, ... */
	STAGE_NO_WORKER,    /* ... then workers, ... */
	STAGE_NO_SCHEDULER, /* ... then the scheduler */
};

/* An exchange of this master for one with a new binary; see upgrade.c. */
enum upgrade_state {
	UPGRADE_NONE,
	/* in the old master */
	UPGRADE_CHECKING,  /* the new one reads its configuration */
	UPGRADE_RELEASING, /* our scheduler lets go of the store */
	UPGRADE_STARTING,  /* the new one starts its scheduler */
	UPGRADE_FAILING,   /* the new one is being killed */
	UPGRADE_DONE,      /* the new one has taken over */
	/* in the new master, until it may start its scheduler */
	UPGRADE_WAITING,
};

struct upgrade {
	enum upgrade_state state;
	int channel;      /* to the other master; -1: none */
	pid_t pid;        /* of the new master, in the old one; else 0 */
	bool then_leave;  /* the old one was told to quit meanwhile */
	int64_t deadline; /* monotonic ms; 0: none */
};

struct master {
	char *conf; /* absolute path of the conf file */
	char *globals;
	char **argv; /* for the new binary */
	int vault;
	int secrets; /* memfd of the snapshot with secrets */
	struct bf_snapshot *snapshot;
	struct bf_listeners listeners;
	struct bf_strings made; /* folders, by a start that is not done */
	struct bf_counters *counters;
	uid_t uid; /* of children; -1: ours */
	gid_t gid;
	int signals; /* signalfd */
	TAILQ_HEAD(, child) children;
	struct child *scheduler;
	unsigned next_slot;
	struct bf_strings spares; /* groups that want one */
	enum stage stage;
	bool fast;                  /* leaving without waiting */
	struct bf_loading *loading; /* a new configuration; NULL: none */
	bool reload_again;          /* asked for meanwhile */
	int64_t deadline;           /* of leaving; 0: none */
	int64_t respawn_at;         /* monotonic ms; 0: nothing to be made */
	struct bf_respawns respawns;
	int64_t watchdog_at;
	int ready_pipe; /* to whoever waits for the daemon; -1: nobody */
	struct upgrade upgrade;
	int64_t recover_until; /* one that can't be opened is none yet */
	int status;
};

/* ---- spawn.c ---- */
/* Forks a child and, unless it is the scheduler, links it to that. */
struct child *bf_spawn(struct master *master, enum bf_child_kind kind,
    const char *group);
/* Makes what the configuration wants and is not there, but for what is to wait
 * because it died young. */
void bf_spawn_missing(struct master *master);
/* Has that be done at the time (monotonic ms), or sooner. */
void bf_spawn_at(struct master *master, int64_t at);
/* Has one more worker of the group be made for the deliveries that were in hand
 * when one died. */
void bf_spawn_want_spare(struct master *master, const char *group);
/* Links each intake that is not to the scheduler that the other end of the
 * control socket to has or leads to. Whether all of them are linked. */
bool bf_spawn_link_intakes(struct master *master, int to);
/* The scheduler that they were linked to is gone, or another is to come. */
void bf_spawn_unlink_intakes(struct master *master);
void bf_child_tell(struct child *child, enum bf_control_kind kind, int64_t pid,
    int64_t number, int fd);
const char *bf_child_name(const struct child *child);
/* Whether children of the kind are workers, for all deliveries or suspects. */
bool bf_child_delivers(enum bf_child_kind kind);
/* Tells it to finish and leave; another is to take its place. */
void bf_child_retire(struct master *master, struct child *child);
struct child *bf_child_find(const struct master *master, pid_t pid);
size_t bf_child_count(const struct master *master, enum bf_child_kind kind,
    bool all);
void bf_child_forget(struct master *master, struct child *child);

/* ---- reload.c ---- */
/* Starts to load the conf file; asked for meanwhile, once more after that. */
void bf_reload(struct master *master);
/* The process pid has ended. Whether it was the loader: then what it loaded is
 * in use, or was refused. */
bool bf_reload_reaped(struct master *master, pid_t pid, int status);
/* Gives a reload up that is under way. */
void bf_reload_abandon(struct master *master);
/* The user and group to run as; -1: those that we have. */
int bf_find_user(const struct bf_snapshot *snapshot, uid_t *uid, gid_t *gid,
    struct bf_error *err);
/* Opens the log that the snapshot names, and gives it to the children's user.
 */
int bf_master_log(const struct master *master,
    const struct bf_snapshot *snapshot, struct bf_error *err);
void bf_master_give_log(const struct master *master,
    const struct bf_snapshot *snapshot);

/* ---- upgrade.c ---- */
void bf_upgrade_start(struct master *master);
/* The other master said something, or is gone. */
void bf_upgrade_heard(struct master *master);
/* Our scheduler has ended. Whether that was so wanted. */
bool bf_upgrade_scheduler_gone(struct master *master);
/* Our scheduler is ready. */
void bf_upgrade_scheduler_ready(struct master *master);
/* The process pid has ended. Whether it was the new master. */
bool bf_upgrade_reaped(struct master *master, pid_t pid, int status);
void bf_upgrade_expired(struct master *master);
/* We were told to leave. Whether that is to wait for the end of an upgrade. */
bool bf_upgrade_leaving(struct master *master, bool fast);
/* In the new master: the sockets that the old one holds, if there is one. */
void bf_upgrade_inherit(struct master *master);
/* In the new master: says that the configuration is good. */
void bf_upgrade_confirm(struct master *master);

/* ---- pidfile.c ---- */
/* The pid file that a conf file names, in new memory; NULL with the reason. Of
 * the conf file only that is looked at: a daemon can be told to stop whatever
 * else is wrong with it, and by whoever does not have its secrets. */
char *bf_pidfile_name(const char *conf, const char *globals,
    struct bf_error *err);
int bf_pidfile_write(const char *path, struct bf_error *err);
/* The process that the file names, if it runs; 0: none. */
pid_t bf_pidfile_read(const char *path);
/* Sets it aside, or back again, while an upgrade is under way. */
void bf_pidfile_set_aside(const char *path, bool aside);
void bf_pidfile_remove_aside(const char *path);

/* ---- master.c ---- */
/* Runs until told to leave; the exit status of the process. */
int bf_master_run(struct master *master);
/* Starts to leave: gracefully, or fast. */
void bf_master_leave(struct master *master, bool fast);
/* Leaves because another master has taken over: intakes finish at leisure. */
void bf_master_retire(struct master *master);
/* Whether it is on the way out. */
bool bf_master_leaving(const struct master *master);

/* ---- supervise.c ---- */
/* Sees to every child that ended, or was stopped. */
void bf_supervise_reap(struct master *master);
/* What a child said. */
void bf_supervise_heard(struct master *master, struct child *child);
/* Kills children that have been stopped for too long. */
void bf_supervise_stopped(struct master *master);
/* When that is next to be looked at; 0: never. */
int64_t bf_supervise_next(const struct master *master);

#endif
