#ifndef BF_SCHEDULER_PRIVATE_H
#define BF_SCHEDULER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <sys/queue.h>

#include "core/base/hash.h"
#include "core/conf/seal.h"
#include "core/dispatch/dispatch.h"
#include "core/filter/route.h"
#include "core/process/child.h"
#include "core/process/committer.h"
#include "core/registry/registry.h"
#include "core/scheduler/backlog.h"
#include "core/scheduler/due.h"
#include "core/scheduler/rates.h"
#include "core/store/store.h"
#include "core/wire/control.h"
#include "core/wire/link.h"

/*
 * The scheduler process: what its files share. One struct holds it all; every
 * function runs on its event loop, but for the committer's thread.
 *
 *   scheduler.c           the loop, control messages, start and stop
 *   committer.c           the store's thread: batches in, results out
 *   scheduler_accept.c    events from intakes, until they are answered
 *   scheduler_tenant.c    what tenants do and have, and their limits
 *   scheduler_lane.c      channels: what waits in the store, and paging it in
 *   scheduler_pump.c      from the queues to workers that have credit
 *   scheduler_hand.c      what workers have in hand
 *   scheduler_worker.c    workers: what they say, and how they end
 *   scheduler_pause.c     pauses that endpoints ask for
 *   scheduler_check.c     settings that a module is to check, in a worker
 *   scheduler_test.c      tests of channels
 *   scheduler_settings.c  snapshots, toggles and states of channels
 *   scheduler_cancel.c    what waits for channels and tenants that are gone
 *   scheduler_overlay.c   what the store lays over a snapshot
 *   scheduler_keys.c      the keys that secrets are sealed with
 *   scheduler_command.c   the verbs of the API
 *   scheduler_metrics.c   counts and sizes
 *   scheduler_notice.c    belfry's own events
 *   scheduler_follow.c    notices to whoever follows deliveries
 *   scheduler_retain.c    retention and expiry, in small steps
 */

struct intake {
	struct scheduler *scheduler;
	struct bf_link *link;
	uint64_t serial; /* names it in contexts that may outlive it */
	int64_t pid;
	bool watching;
	bool welcomed;
	TAILQ_ENTRY(intake) entry;
};

/* A delivery in a worker's hands, or a test. */
struct held {
	struct bf_delivery *delivery;
	struct bf_lane_state *lane; /* NULL: its channel was deleted */
	struct worker *worker;      /* NULL: waits for a lone worker */
	struct bf_delivery *again;  /* replayed meanwhile: queued after it */
	struct test *test;          /* NULL: a delivery */
	int64_t deadline;           /* monotonic ms: then the worker is stuck */
	TAILQ_ENTRY(held) entry;    /* in the worker's hand, or suspects */
	UT_hash_handle hh;          /* by delivery id */
};

TAILQ_HEAD(held_list, held);

/* The number of a channel that is not saved; the store counts from 1. */
#define BF_DRAFT_CHANNEL UINT32_MAX

/* A test of a channel, waiting for a worker or in its hand. */
struct test {
	uint64_t intake, token;   /* who asked */
	uint32_t channel;         /* number of a saved one */
	struct bf_channel *draft; /* or settings that are not saved */
	struct bf_event *event;   /* until a worker has it */
	char *group;
	int64_t deadline; /* monotonic ms */
	TAILQ_ENTRY(test) entry;
};

struct worker {
	struct scheduler *scheduler;
	struct bf_link *link;
	int64_t pid;
	char *group;
	uint32_t credit;
	uint32_t in_hand;
	bool ready; /* it has said hello */
	bool draining;
	bool spare;    /* for suspects alone */
	bool alone;    /* it has a suspect, and gets nothing else */
	bool reported; /* as stuck */
	struct held_list hand;
	struct known *known; /* channels it has the settings of */
	TAILQ_ENTRY(worker) entry;
};

/* A channel: its queue in memory, and what of it waits in the store. */
struct bf_lane_state {
	struct bf_due due; /* first: of its retries in the store */
	uint32_t number;
	struct bf_channel_state *state; /* in the registry; NULL: deleted */
	uint64_t generation; /* of its settings: grows when they change */
	struct bf_lane *lane;
	char *group;
	unsigned *claims;     /* of its tenant, that are under way */
	uint64_t fresh_after; /* cursor: fresh ones up to it are taken */
	struct bf_instant retry_after; /* cursor of retries: due ... */
	uint64_t retry_after_event;    /* ... and event */
	int64_t fresh_stored;          /* above the cursor, in the store only */
	int64_t retries_stored;
	size_t retries_queued; /* of those in memory, not yet sent */
	bool retries_ready;    /* some are due and not yet claimed */
	bool claiming_fresh;
	bool claiming_retries;
	bool hungry;  /* in the list of those that want more */
	int failures; /* attempts in a row that failed */
	int pauses;   /* pauses in a row without a delivery between */
	uint64_t pauses_total;
	char *failing_since; /* when an event said so; NULL: it does not fail */
	uint64_t counts[3];  /* attempts by enum bf_outcome */
	uint64_t failed;     /* deliveries that ended as failed */
	uint64_t ended_round; /* the last one that looked at its queue */
	TAILQ_ENTRY(bf_lane_state) entry; /* among the hungry */
	UT_hash_handle hh;
};

#define BF_HISTOGRAM_STEPS 12

struct histogram {
	uint64_t buckets[BF_HISTOGRAM_STEPS + 1];
	uint64_t count;
	double sum;
};

struct metrics {
	uint64_t accepted, repeated, refused, limited, unrouted;
	uint64_t attempts[3];
	uint64_t failed, expired, cancelled, replayed;
	uint64_t late_outcomes, crashes;
	struct histogram attempt_seconds;
	struct histogram lateness_seconds; /* of retries, behind their time */
};

struct key_in_progress;
struct tenant_use;
struct tenant_change;
struct check;
struct channel_change;

struct scheduler {
	struct event_base *base;
	int control;
	struct event *control_event;
	const struct bf_counters *counters;
	struct bf_registry *registry;
	uint64_t generation;        /* of settings: grows by one a change */
	struct bf_keyring *keyring; /* that seals secrets */
	bool rotating; /* the keys are being changed: nothing is sealed */
	TAILQ_HEAD(, check) checks;
	TAILQ_HEAD(, channel_change) changes; /* of channels, under way */
	TAILQ_HEAD(, tenant_change) tenant_changes;
	struct tenant_use *tenants; /* those that do or have something */
	struct committer *committer;
	struct bf_dispatch *dispatch;
	struct bf_id_maker ids;
	int64_t wall_offset; /* of the clock that never steps, to monotonic */
	int64_t clock_kept;  /* what the store last heard of it */
	int64_t started;     /* wall, ms */
	uint64_t next_serial;
	uint64_t latest_event; /* the highest id that was routed */

	TAILQ_HEAD(, intake) intakes;
	TAILQ_HEAD(, worker) workers;
	size_t watchers;
	size_t accepting; /* events handed to the committer */
	bool intakes_paused;
	struct key_in_progress *keys;
	struct bf_route route;

	struct bf_lane_state *lanes; /* of channels that ever had work */
	uint64_t ended_rounds;
	uint32_t *orphans; /* channels of the store that are gone */
	size_t orphan_count;
	TAILQ_HEAD(, bf_lane_state) hungry;
	int64_t claims_from; /* monotonic: a claim failed before */
	int64_t claims_said; /* that one failed, monotonic */
	struct bf_due_heap due;
	struct event *due_timer;
	struct event *pump_timer; /* a rate or a block lets something go */
	struct event *pump_soon;  /* made active: pump in this turn */

	struct bf_buf attempts_log; /* lines of this turn */
	struct event *log_soon;     /* made active: write them in this turn */

	struct held *held;         /* everything in hand, by delivery id */
	struct held_list suspects; /* to be run alone */
	struct event *stuck_timer; /* runs while something is in hand */
	uint64_t next_test;
	TAILQ_HEAD(, test) tests; /* that wait for a worker */

	struct event *retain_timer;
	struct event *expire_timer;
	bool retaining, expiring;
	struct event *space_timer;
	bool low_space;
	struct event *backlog_timer;
	struct bf_backlog_watch backlog;

	bool releasing; /* no more dispatching: on the way out */
	bool quitting;
	struct event *quit_timer;
	struct metrics metrics;
	struct bf_rates *rates; /* of the last hour */
	unsigned errands;       /* of commands, that are under way */
	struct bf_desk *desk;   /* where users sign in; made when one does */
	int status;             /* of the process */
};

/* Time that never steps: wall clock at start plus what elapsed since. */
struct bf_instant bf_scheduler_now(const struct scheduler *scheduler);

/* ---- scheduler.c ---- */

/* Keeps that time in the store, once a second at most unless forced, so that
 * the next scheduler goes on from there though the wall clock went back. */
void bf_scheduler_keep_clock(struct scheduler *scheduler, bool force);

/* The store is damaged: leaves, and has belfry end, saying why. */
void bf_scheduler_broken(struct scheduler *scheduler, const char *why);

/* Leaves the loop when nothing is left to do before leaving. */
void bf_scheduler_leave_if_done(struct scheduler *scheduler);

/* ---- scheduler_accept.c ---- */
/* What became of an event that was handed to the committer. */
void bf_accept_changed(struct scheduler *scheduler, struct bf_change *change,
    const char *why);
void bf_accept_link(struct scheduler *scheduler, int fd, int64_t pid);
void bf_accept_reply(struct scheduler *scheduler, uint64_t intake,
    uint64_t token, uint32_t status, const char *body);
/* An event of belfry's own, about a channel (or NULL). Takes the event. */
void bf_accept_own(struct scheduler *scheduler, struct bf_event *event,
    const char *about);
void bf_accept_flush(struct scheduler *scheduler);
void bf_accept_free(struct scheduler *scheduler);

/* ---- scheduler_tenant.c ---- */
/* What of tenants stands in the store, when it begins. */
enum bf_store_result bf_tenants_start(struct scheduler *scheduler,
    struct bf_store *store, struct bf_error *err);
void bf_tenants_free(struct scheduler *scheduler);
/* A new registry knows those who have something. */
void bf_tenants_note(const struct scheduler *scheduler,
    struct bf_registry *registry);
/* How many pages of a tenant's deliveries are being read; counted by the
 * caller, and there as long as the scheduler is. */
unsigned *bf_tenant_claims(struct scheduler *scheduler, const char *id);
/* Whether an event of the tenant may be routed, and whether what becomes of it
 * may be kept. If not, answer says why; its reason is the caller's to free. */
bool bf_tenant_may_send(struct scheduler *scheduler, const char *tenant,
    const struct bf_limits *limits, struct bf_msg_accepted *answer);
bool bf_tenant_may_keep(struct scheduler *scheduler, const char *tenant,
    const struct bf_limits *limits, int64_t bytes,
    struct bf_msg_accepted *answer);
/* Bytes are on their way into the store: they were kept, or not. The tenant
 * stays where it is for as long as the scheduler. */
struct tenant_use *bf_tenant_keeping(struct scheduler *scheduler,
    const char *tenant, int64_t bytes);
void bf_tenant_kept(struct tenant_use *tenant, int64_t bytes, bool kept);
/* What retention took away. */
void bf_tenant_freed(struct scheduler *scheduler, const char *tenant,
    int64_t events, int64_t bytes);
struct bf_tenant_figures {
	int64_t events, bytes; /* in the store */
};
/* The tenant was deleted: ids below past are of its history, and of no tenant
 * that is made under its id after it. And that past; 0: none. */
void bf_tenant_gone(struct scheduler *scheduler, const char *id, uint64_t past);
uint64_t bf_tenant_past(const struct scheduler *scheduler, const char *id);
struct bf_tenant_figures bf_tenant_figures(const struct scheduler *scheduler,
    const char *tenant);
/* Tokens of a tenant that were made over the API: how many there are, and
 * whether there is room for one more. */
int64_t bf_tenant_tokens(const struct scheduler *scheduler, const char *tenant);
bool bf_tenant_may_have_token(const struct scheduler *scheduler,
    const char *tenant);
/* Hands one to the committer: its setting with a value, or NULL to revoke it.
 * And what is to be done when that, or any other setting, is durable. */
void bf_tenant_put_token(struct scheduler *scheduler, const char *tenant,
    const char *setting, const char *value);
void bf_tenant_setting_committed(const struct bf_change *change);

/* ---- scheduler_lane.c ---- */
/* The lane of a channel, if it has one; and made if it had none: NULL if there
 * is no such channel. */
struct bf_lane_state *bf_lane_state_find(const struct scheduler *scheduler,
    uint32_t number);
struct bf_lane_state *bf_lane_state_of(struct scheduler *scheduler,
    uint32_t number);
struct bf_lane_state *bf_lane_state_make(struct scheduler *scheduler,
    struct bf_channel_state *state);
/* A delivery of an event was committed: from memory, or later by a claim. */
void bf_lane_state_appended(struct scheduler *scheduler,
    struct bf_lane_state *lane, struct bf_event *event,
    struct bf_instant expires);
/* A delivery is to be retried: from now on it counts as waiting. */
void bf_lane_state_retrying(struct scheduler *scheduler,
    struct bf_lane_state *lane);
/* The timer of the first retry that falls due. */
void bf_lane_state_due(evutil_socket_t fd, short what, void *context);
/* The retry was not committed after all: the delivery had ended. */
void bf_lane_state_not_retrying(struct scheduler *scheduler,
    struct bf_lane_state *lane);
/* Deliveries that waited were ended in the store: were in these states, and
 * stand in order of id. Takes them out of memory and out of the counts. */
void bf_lane_state_ended(struct scheduler *scheduler,
    const struct bf_delivery_id *ids, const enum bf_delivery_state *was,
    size_t count);
/* The retry was committed, due at the instant. */
void bf_lane_state_retry(struct scheduler *scheduler,
    struct bf_lane_state *lane, struct bf_instant due);
/* Puts a delivery into the lane's queue. Takes it. */
void bf_lane_state_queue(struct bf_lane_state *lane,
    struct bf_delivery *delivery);
/* Puts a delivery that was sent in vain back to its place in the queue: it has
 * kept its place in the store, too. Takes it. */
void bf_lane_state_return(struct scheduler *scheduler,
    struct bf_lane_state *lane, struct bf_delivery *delivery);
/* It had ended in the store meanwhile: takes it out again. */
void bf_lane_state_not_returned(struct bf_lane_state *lane,
    const struct bf_finish *finish);
/* Pages in more where there is room. If the store is to be left alone until a
 * (monotonic) time before *wake, that is set to it. */
void bf_lane_state_feed(struct scheduler *scheduler, int64_t *wake);
/* Notes whether the lane wants more from the store. */
void bf_lane_state_wanted(struct scheduler *scheduler,
    struct bf_lane_state *lane);
/* Applies hold and policy after the channel's state changed. */
void bf_lane_state_refresh(struct scheduler *scheduler,
    struct bf_lane_state *lane);
void bf_lane_state_remove(struct scheduler *scheduler,
    struct bf_lane_state *lane);
int64_t bf_lane_state_waiting(const struct bf_lane_state *lane);

/* ---- scheduler_hand.c ---- */
/* What is in hand under that id, or NULL; and how much is in hand in all. */
struct held *bf_worker_held(const struct scheduler *scheduler,
    struct bf_delivery_id id);
size_t bf_worker_in_hand(const struct scheduler *scheduler);
/* The channel that something in hand is for; NULL: it was deleted. */
const struct bf_channel *bf_worker_channel_of(const struct held *held);
/* Makes it found by its delivery's id. Takes held. */
void bf_worker_hold(struct scheduler *scheduler, struct held *held);
/* Sends something held to a worker, behind the settings that it needs. */
void bf_worker_give(struct worker *worker, struct held *held);
/* Takes it out of every list, and gives it to the caller. */
void bf_worker_let_go(struct scheduler *scheduler, struct held *held);
/* Frees what is in no list any more, and queues what was replayed while it was
 * in hand. */
void bf_worker_free_held(struct held *held);
/* The lane is about to go: what is in hand of it has none from now on. */
void bf_worker_orphan(struct scheduler *scheduler, struct bf_lane_state *lane);
/* The channel is gone: workers are to forget its settings. */
void bf_worker_forget(struct scheduler *scheduler, uint32_t channel);
/* The worker is gone: nobody has the settings that it was sent. */
void bf_worker_forget_all(struct worker *worker);

/* ---- scheduler_pump.c ---- */
/* Sends what can be sent, to whoever has credit: now, or once in this turn of
 * the loop. */
void bf_worker_pump(struct scheduler *scheduler);
void bf_worker_pump_soon(struct scheduler *scheduler);
/* Gives a test to a worker that is free; takes it. -1: there is none. */
int bf_worker_test(struct scheduler *scheduler, struct test *test);
/* A worker of the group that takes messages, or NULL. */
struct worker *bf_worker_any(const struct scheduler *scheduler,
    const char *group);

/* ---- scheduler_worker.c ---- */
/* A worker was started: fd is its link, and taken. */
void bf_worker_link(struct scheduler *scheduler, int fd, int64_t pid,
    bool spare);
/* The master says that the worker died, by a signal or not (0). */
void bf_worker_lost(struct scheduler *scheduler, int64_t pid, int signal);
/* Looks once a second at what takes too long, while there is anything. */
void bf_worker_watch(struct scheduler *scheduler);
/* The timer that looks for workers that do not return what they have. */
void bf_worker_stuck(evutil_socket_t fd, short what, void *context);
void bf_worker_free(struct scheduler *scheduler);

/* ---- scheduler_pause.c ---- */

/* Holds back what the outcome says is to be held back; returns for how long,
 * 0 if nothing is. */
struct bf_duration bf_pause_take(struct scheduler *scheduler,
    struct bf_lane_state *lane, const struct bf_msg_outcome *outcome);

/* ---- scheduler_check.c ---- */
/* done is called once, later: why is NULL if the settings are good, else what
 * is wrong with them, or (unless checked) why nobody could tell. */
typedef void bf_checked(struct scheduler *scheduler, void *context,
    bool checked, const char *why);
/* Has a channel's module check its settings, as soon as there is a worker. */
void bf_check_run(struct scheduler *scheduler, const struct bf_channel *channel,
    const char *group, bf_checked *done, void *context);
void bf_check_answered(struct worker *worker,
    const struct bf_msg_checked *message);
/* The worker is gone, by a signal or not (0). */
void bf_check_lost(struct worker *worker, int signal);
/* A worker is ready: for what waits for one. */
void bf_check_pump(struct scheduler *scheduler);
/* Ends what has waited for a worker too long. */
void bf_check_expire(struct scheduler *scheduler, int64_t now);
/* Whether the worker has had a check for too long. */
bool bf_check_stuck(const struct worker *worker, int64_t now);
/* Whoever waits for a check on the way out waits in vain. */
void bf_check_free(struct scheduler *scheduler);

/* ---- scheduler_test.c ---- */
/* Makes a test, as soon as there is a worker. Takes event and draft; group is
 * borrowed for the call. The intake is answered when it has ended. */
void bf_test_run(struct scheduler *scheduler, const struct test *test);
/* A worker may be free: for what waits for one. */
void bf_test_pump(struct scheduler *scheduler);
/* Ends what has waited for a worker too long. */
void bf_test_expire(struct scheduler *scheduler, int64_t now);
/* Answers, masking the channel's secrets (NULL: it is gone). Takes the test. */
void bf_test_ended(struct scheduler *scheduler, struct test *test,
    const struct bf_channel *channel, const struct bf_msg_outcome *outcome);
/* The same when the worker died over it. */
void bf_test_lost(struct scheduler *scheduler, struct test *test);
void bf_test_free(struct scheduler *scheduler);

/* ---- sign_in.c ---- */
void bf_desk_free(struct scheduler *scheduler);

/* ---- scheduler_keys.c ---- */
/* Reads the key file, or makes it if there never was one. */
int bf_keys_start(struct scheduler *scheduler, struct bf_store *store,
    const struct bf_snapshot *snapshot, struct bf_error *err);

/* ---- scheduler_cancel.c ---- */
/* Cancels what waits for a channel, or for a tenant, that is gone. */
void bf_cancel_channel(struct scheduler *scheduler, uint32_t number);
void bf_cancel_tenant(struct scheduler *scheduler, const char *tenant);
/* A step of that was committed: goes on with it. */
void bf_cancel_committed(struct scheduler *scheduler, struct bf_change *change);
/* Ends what a crash broke off, before the loop runs. */
enum bf_store_result bf_cancel_start(struct scheduler *scheduler,
    struct bf_store *store, struct bf_error *err);

/* ---- scheduler_settings.c ---- */
/* Which worker group serves the module's channels. */
const char *bf_settings_group(const struct scheduler *scheduler,
    const char *module);
/* A tenant was deleted: its channels and lanes go, and what waits for it is
 * cancelled. */
void bf_settings_tenant_remove(struct scheduler *scheduler, const char *tenant);
/* A channel was put into the registry: its lane, new or with new settings. */
void bf_settings_channel_changed(struct scheduler *scheduler,
    struct bf_channel_state *state);
/* Takes a channel made over the API out of use; its deliveries are
 * cancelled. */
void bf_settings_channel_remove(struct scheduler *scheduler,
    struct bf_channel_state *state);
/* Takes a new snapshot into use: numbers its channels, swaps the registry. */
void bf_settings_take(struct scheduler *scheduler,
    struct bf_snapshot *snapshot);
/* The same before the loop runs, on the opened store. */
int bf_settings_start(struct scheduler *scheduler, struct bf_store *store,
    struct bf_snapshot *snapshot, struct bf_error *err);
/* Cancels what waits in the store for channels that are gone. */
void bf_settings_cancel_orphans(struct scheduler *scheduler);
/* A setting is on stable storage; value NULL: it is forgotten. */
void bf_settings_committed(struct scheduler *scheduler, const char *name,
    const char *value);
/* Keeps a setting in the store, or forgets it (value NULL). */
void bf_settings_put(struct scheduler *scheduler, const char *name,
    const char *value);
void bf_settings_channel_put(struct scheduler *scheduler,
    const struct bf_channel *channel, const char *what, const char *value);
/* Stops a channel on its endpoint's own word, and says so. */
void bf_settings_stop_channel(struct scheduler *scheduler,
    struct bf_lane_state *lane, const char *reason);

/* ---- command_audit.c ---- */
/* As struct bf_audit, borrowed; actor and action may not be NULL. */
struct audit_row {
	const char *actor, *address, *tenant, *action, *object, *detail;
};

/* Adds a row to the audit log, now. For what no command does: a command has
 * its row committed with what it changes. */
void bf_audit_note(struct scheduler *scheduler, const struct audit_row *row);

/* ---- scheduler_command.c ---- */
void bf_command_run(struct scheduler *scheduler, struct intake *intake,
    const struct bf_msg_command *command);

/* A cancel or replay that a command asked for was committed. */
void bf_command_selected(struct scheduler *scheduler, struct bf_change *change);

/* ---- scheduler_metrics.c ---- */
void bf_histogram_add(struct histogram *histogram, double seconds);
void bf_metrics_text(struct scheduler *scheduler,
    const struct bf_store_stats *stats, struct bf_buf *out);
char *bf_metrics_stats(struct scheduler *scheduler,
    const struct bf_store_stats *stats);

/* ---- scheduler_notice.c ---- */
void bf_notice_outcome(struct scheduler *scheduler, struct bf_lane_state *lane,
    bool delivered, bool ended, const char *why);
void bf_notice_stopped(struct scheduler *scheduler, struct bf_lane_state *lane,
    const char *why);
/* Events come in: space and backlog are worth a look before long. */
void bf_notice_busy(struct scheduler *scheduler);
void bf_notice_start(struct scheduler *scheduler);

/* ---- scheduler_follow.c ---- */
/* Tells the watching intakes how a delivery stands. */
void bf_notice_delivery(const struct scheduler *scheduler,
    const struct bf_lane_state *lane, const struct bf_delivery *delivery,
    const char *state, const char *why);

/* The same of what a step of a cancel or replay changed: of each, or, if they
 * are many, how many of each tenant. */
void bf_notice_selected(const struct scheduler *scheduler,
    const struct bf_delivery_id *ids, size_t count, const char *state);

/* ---- scheduler_retain.c ---- */
void bf_retain_start(struct scheduler *scheduler);
/* Idempotency keys of events with lower ids are unknown: they are too old. */
uint64_t bf_retain_keys_since(const struct scheduler *scheduler);
/* Something waits in the store: what is too old must be looked for. */
void bf_retain_waiting(struct scheduler *scheduler);

#endif
