#ifndef BF_STORE_H
#define BF_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/error.h>
#include <belfry/outcome.h>

#include "core/event/event_private.h"
#include "core/event/id.h"
#include "core/wire/attempt.h"

struct bf_store; /* laid out by each implementation */

/*
 * Events, their deliveries and attempts, and settings: kept on stable storage.
 *
 * Calls block and belong on a thread of their own. What is to be changed is
 * gathered in a batch and committed as one; a commit that returned BF_STORE_OK
 * is on stable storage. Time is the caller's, passed in. A handle is used by
 * one thread at a time. One writer (the scheduler) and any number of readers
 * share a store.
 *
 * A waiting delivery is either fresh (never tried: given out in order of
 * acceptance, which is the order of event ids) or a retry (given out by due
 * time). What is in flight is known to the scheduler alone: after a crash
 * every delivery without an end is simply still waiting.
 */

enum bf_store_result {
	BF_STORE_OK,
	BF_STORE_AGAIN,    /* nothing done: busy, full or failing; try later */
	BF_STORE_UNUSABLE, /* corrupt, not ours, too new: say so, stop */
};

/* Their numbers are kept in the store: new ones go to the end. */
enum bf_delivery_state {
	BF_STATE_SCHEDULED, /* fresh: waits for its first attempt */
	BF_STATE_RETRY,     /* waits for another; shown as scheduled too */
	BF_STATE_DELIVERED,
	BF_STATE_FAILED,
	BF_STATE_CANCELLED,
};

/* A delivery as the store knows it. */
struct bf_delivery_row {
	struct bf_delivery_id id;
	enum bf_delivery_state state;
	int tries;             /* attempts made since accepted or replayed */
	int attempts;          /* attempts made in all: numbers go on */
	int crashes;           /* workers it killed while alone there */
	struct bf_instant due; /* of a retry; else when accepted */
	struct bf_instant expires; /* max_age: fails when it waits longer */
	struct bf_instant ended;   /* final states; else 0 */
	struct bf_event *event;    /* one reference, where asked for; or NULL */
	struct bf_recipients settled; /* of a retry that was claimed: those
				       * that no attempt is made for any more;
				       * owned */
};

/* ---- changes: gathered in a batch, committed together ---- */

/*
 * An event to keep, with its deliveries. One whose id is there already is
 * stored once: the same event is a repeat, another one a conflict.
 */
struct bf_append {
	struct bf_event *event; /* one reference; id, type, tenant, json set */
	char *key;              /* idempotency key, or NULL */
	unsigned char digest[32]; /* with a key: SHA-256 of what was posted */
	char *reason;             /* why there are no deliveries, or NULL */
	uint64_t key_since; /* keys of events with lower ids are unknown */
	bool resent;        /* may well be there already */
	uint32_t *channels; /* one delivery each */
	size_t channel_count;
	struct bf_instant *expires; /* of each delivery */

	/* Filled in by commit. */
	enum {
		BF_APPENDED,
		BF_REPEATED, /* same key and digest, or the id was there */
		BF_CONFLICT, /* same key, another digest; or another event
			      * has the id (found is that id then) */
	} result;
	uint64_t found; /* with BF_REPEATED: the id of the first event */
};

/* The end of an attempt. A finish for other tries than the store has, or whose
 * attempt's number was used, is late: it changes nothing. */
struct bf_finish {
	struct bf_delivery_id id;
	int tries; /* before this attempt */
	enum bf_delivery_state state;
	struct bf_instant due; /* with BF_STATE_RETRY; 0: it keeps its place */
	struct bf_instant now;
	int crashes;
	bool count; /* whether the attempt uses up one of the tries */
	struct bf_attempt *attempt; /* owned; NULL: ended without one */
	bool late;                  /* filled in by commit */
};

/* Which deliveries a cancel or a replay means: every member that is set. */
struct bf_selector {
	struct bf_delivery_id id; /* event 0: any; channel 0: any */
	char *tenant;             /* NULL: any */
	char *type;               /* event type; NULL: any */
	uint64_t since, until;    /* range of event ids; until 0: no end */
};

/* A row of the audit log: who did what. */
struct bf_audit {
	uint64_t id; /* 0: commit gives it one, above all that there are, and
		      * made of the time as those of events are */
	struct bf_instant at; /* bf_id_instant(id), where it was read */
	char *actor;   /* "token NAME", "user NAME", "uid N" or "signal" */
	char *address; /* an IP address, "unix", or "" */
	char *tenant;  /* whom it is about; NULL: the daemon as a whole */
	char *action;  /* the verb: "channel-put" */
	char *object;  /* the name of what it was done to, or "" */
	char *detail;  /* what else there is to say, free of secrets, or "" */
};

/* What an event takes of the store, as its tenant is charged for it: its
 * canonical text, and a share for its row, its deliveries, their attempts. */
#define BF_STORE_EVENT_COST 256    /* bytes */
#define BF_STORE_DELIVERY_COST 128 /* each */

static inline int64_t
bf_append_bytes(const struct bf_append *append)
{
	return (int64_t)(append->event->json.size + BF_STORE_EVENT_COST +
			 append->channel_count * BF_STORE_DELIVERY_COST);
}

enum bf_change_kind {
	BF_CHANGE_APPEND,
	BF_CHANGE_FINISH,
	BF_CHANGE_CANCEL, /* waiting -> cancelled, at most limit of them */
	BF_CHANGE_REPLAY, /* ended -> retry that is due at once; who got it
			   * gets it again only if all had */
	BF_CHANGE_PUT,    /* a setting */
	BF_CHANGE_AUDIT,  /* a row of the audit log */
};

struct bf_change {
	struct bf_change *next;
	enum bf_change_kind kind;
	union {
		struct bf_append append;
		struct bf_finish finish;
		struct {
			struct bf_selector selector;
			struct bf_instant now;
			struct bf_duration max_age; /* of what is replayed */
			size_t limit;
			bool failed_only; /* replay: only what failed */
			/*
			 * Filled in: what was changed, and whether the end was
			 * not reached: for the limit's sake, or because a step
			 * looks at no more than some thousand rows (then count
			 * may be 0). If so, selector.since was moved on: commit
			 * the same selector again to go on.
			 */
			struct bf_delivery_id *changed; /* in order */
			enum bf_delivery_state *was;    /* each one, before */
			size_t count;
			bool more;
			uint64_t next; /* the new selector.since */
		} select;
		struct {
			char *name;
			char *value;    /* NULL: forget it */
			bool forgotten; /* filled in by commit: it was there */
		} put;
		struct bf_audit audit; /* owns its texts */
	};
	void *context; /* the caller's own */
};

struct bf_batch {
	struct bf_change *first;
	struct bf_change **last; /* where the next is linked in */
	size_t count;
};

/* A change that keeps a setting, or forgets it (value NULL). Copies both. */
struct bf_change *bf_change_put(const char *name, const char *value);

void bf_batch_init(struct bf_batch *batch);
/* Takes the change. */
void bf_batch_add(struct bf_batch *batch, struct bf_change *change);
/* Frees every change with what it owns. */
void bf_batch_clear(struct bf_batch *batch);
void bf_change_free(struct bf_change *change);

/* ---- the writer ---- */

/*
 * Opens the store in dir for the one writer, creating it if absent and
 * migrating it forward if its schema is older. Refuses one that is newer,
 * corrupt, empty or gone though it was there, or open elsewhere (naming who
 * has it). NULL on failure.
 */
struct bf_store *bf_store_open(const char *dir, struct bf_error *err);

/*
 * Commits a batch, all or nothing but for the results that changes carry.
 * After BF_STORE_AGAIN the same batch can be committed again.
 */
enum bf_store_result bf_store_commit(struct bf_store *store,
    struct bf_batch *batch, struct bf_error *err);

/* What is waiting for one channel. */
struct bf_backlog {
	uint32_t channel;
	int64_t fresh, retries;
	struct bf_instant next_due; /* of the retries */
};

/* What is waiting, by channel; *backlog is new memory. */
enum bf_store_result bf_store_backlog(struct bf_store *store,
    struct bf_backlog **backlog, size_t *count, struct bf_error *err);

/*
 * Reads waiting deliveries of a channel with their events, at most limit of
 * them and at most bytes of event text.
 *
 * fresh    those never tried, in order of event id, above after.event
 * retries  those due at now or before, in order of (due, event), above
 *          (after_due, after.event); next_due is set to the due time of the
 *          first one that was left, or 0
 *
 * A retry that is stored later is due after every one that was claimed before,
 * so that it can't fall below the caller's place.
 *
 * rows is the caller's array of limit; *count is set. *more: the limit or the
 * bytes ended the reading, not the lack of rows.
 */
enum bf_store_result bf_store_claim_fresh(struct bf_store *store,
    uint32_t channel, uint64_t after, size_t limit, size_t bytes,
    struct bf_delivery_row *rows, size_t *count, bool *more,
    struct bf_error *err);
enum bf_store_result bf_store_claim_retries(struct bf_store *store,
    uint32_t channel, struct bf_instant after_due, uint64_t after,
    struct bf_instant now, size_t limit, size_t bytes,
    struct bf_delivery_row *rows, size_t *count, struct bf_instant *next_due,
    struct bf_error *err);

/* Why a delivery failed that waited too long. */
#define BF_STORE_EXPIRED "it waited longer than the channel's max_age"

/*
 * Ends as failed what has waited in the store past its time, with an attempt
 * that says so: at most limit deliveries; *count says how many there were, ids
 * which, in order, and was their states before (the caller's arrays of limit).
 * Cheap when nothing can have expired; else a call goes on with
 * a round over what waits, some thousand rows, so 0 does not mean that nothing
 * is left: call it now and then.
 */
enum bf_store_result bf_store_expire(struct bf_store *store,
    struct bf_instant now, size_t limit, struct bf_delivery_id *ids,
    enum bf_delivery_state *was, size_t *count, struct bf_error *err);

/* Events and bytes of a tenant: what it has, or what was freed of it. */
typedef void bf_store_used(void *context, const char *tenant, int64_t events,
    int64_t bytes);

/*
 * Forgets finished deliveries of events accepted before the instant, with
 * their events, idempotency keys older than keys_before, and what
 * BF_TENANT_PAST says of tenants of whom nothing else is left: at most limit of
 * each; *count says how many there were, of the most of them. freed (may be
 * NULL) is told, once they are gone, what that was of each tenant.
 */
enum bf_store_result bf_store_prune(struct bf_store *store,
    struct bf_instant before, struct bf_instant keys_before, size_t limit,
    size_t *count, bf_store_used *freed, void *context, struct bf_error *err);

/* Forgets rows of the audit log from before the instant, oldest first: at most
 * limit of them; *count says how many there were. */
enum bf_store_result bf_store_prune_audit(struct bf_store *store,
    struct bf_instant before, size_t limit, size_t *count,
    struct bf_error *err);

/* The numbers of channels, each given at first sight and kept for good: all of
 * them, or none; and of one. */
struct bf_numbered_channel {
	const char *tenant, *name; /* borrowed */
	uint32_t number;           /* set */
};
enum bf_store_result bf_store_number_channels(struct bf_store *store,
    struct bf_numbered_channel *channels, size_t count, struct bf_error *err);
enum bf_store_result bf_store_channel_number(struct bf_store *store,
    const char *tenant, const char *name, uint32_t *number,
    struct bf_error *err);

/*
 * Moves what it can from the write-ahead log into the main file, when there is
 * enough to be worth it: call it after each commit, once the answers are out.
 */
enum bf_store_result bf_store_checkpoint(struct bf_store *store,
    struct bf_error *err);

/* ---- readers: the writer's handle serves too ---- */

/* Opens for reading only. A store that is not there yet is an error. */
struct bf_store *bf_store_open_reader(const char *dir, struct bf_error *err);

/*
 * Calls that run longer than this from now on (0: no limit) end with
 * BF_STORE_AGAIN; lists end with what they found and where to go on. A check
 * and a backup take as long as they need.
 */
void bf_store_deadline(struct bf_store *store, struct bf_duration limit);

/* A filter of deliveries; what is 0 or NULL filters nothing. */
struct bf_query {
	const char *tenant;
	uint32_t channel;
	const char *type;
	int state;             /* enum bf_delivery_state, or -1: any; a waiting
				* state means both waiting states */
	uint64_t since, until; /* event ids: since <= id < until */
	struct bf_delivery_id before; /* go on below this one (newest first) */
	size_t limit;
	size_t bytes; /* of subjects: the row that reaches them is the last;
			 0: any number */
};

/*
 * Called with each row, newest first. Its event is there; borrowed.
 *
 * next is where to go on (as before): {0} at the end. It is set when limit was
 * reached and when the bytes or the deadline were, with fewer rows, or none,
 * but not without having moved on.
 */
typedef void bf_store_row(void *context, const struct bf_delivery_row *row);
enum bf_store_result bf_store_list(struct bf_store *store,
    const struct bf_query *query, bf_store_row *row, void *context,
    struct bf_delivery_id *next, struct bf_error *err);

/* The same for events, whether they have deliveries or not; of the query,
 * tenant, type, since, until, before.event, limit and bytes count. */
typedef void bf_store_event_row(void *context, struct bf_event *event,
    const char *reason);
enum bf_store_result bf_store_list_events(struct bf_store *store,
    const struct bf_query *query, bf_store_event_row *row, void *context,
    uint64_t *next, struct bf_error *err);

/* A filter of the audit log; what is 0 or NULL filters nothing. */
struct bf_audit_query {
	const char *tenant; /* rows about it alone */
	const char *actor;
	const char *action;
	uint64_t since, until; /* ids: since <= id < until */
	uint64_t before;       /* go on below this one (newest first) */
	size_t limit;
};

/* Called with each row, newest first; borrowed. *next is where to go on (as
 * before): 0 at the end. Ends at the limit or the deadline, as bf_store_list.
 */
typedef void bf_store_audit_row(void *context, const struct bf_audit *row);
enum bf_store_result bf_store_list_audit(struct bf_store *store,
    const struct bf_audit_query *query, bf_store_audit_row *row, void *context,
    uint64_t *next, struct bf_error *err);

/* One event (*event is NULL if there is none; one reference), why it has no
 * deliveries (*reason, new memory or NULL), and its deliveries. */
enum bf_store_result bf_store_get_event(struct bf_store *store, uint64_t id,
    struct bf_event **event, char **reason, bf_store_row *row, void *context,
    struct bf_error *err);

#define BF_ATTEMPTS_KEPT 200 /* of a delivery that is replayed on and on */

/* One delivery (*found; row->event is a reference of the caller's) and its
 * attempts, oldest first: the last BF_ATTEMPTS_KEPT of them. attempt may be
 * NULL, as may row above. */
typedef void bf_store_attempt(void *context, const struct bf_attempt *attempt);
enum bf_store_result bf_store_get_delivery(struct bf_store *store,
    struct bf_delivery_id id, struct bf_delivery_row *row, bool *found,
    bf_store_attempt *attempt, void *context, struct bf_error *err);

/* Of a tenant that was deleted: the setting's name begins so, its id follows.
 * The value is the first event id that is not of its history, in decimal. */
#define BF_TENANT_PAST "tenant-past/"

/* The setting of a token that was made over the API: its hash follows. */
#define BF_TOKEN_PREFIX "token/"

/* A setting: *value is new memory, NULL if there is none. And all of them
 * whose names begin with prefix, in order of name. */
enum bf_store_result bf_store_get(struct bf_store *store, const char *name,
    char **value, struct bf_error *err);
typedef void bf_store_setting(void *context, const char *name,
    const char *value);
enum bf_store_result bf_store_settings(struct bf_store *store,
    const char *prefix, bf_store_setting *setting, void *context,
    struct bf_error *err);

/* The same of those above a name (NULL: from the first), until setting says
 * that no more are wanted. */
typedef bool bf_store_setting_more(void *context, const char *name,
    const char *value);
enum bf_store_result bf_store_settings_above(struct bf_store *store,
    const char *prefix, const char *above, bf_store_setting_more *setting,
    void *context, struct bf_error *err);

/*
 * What each tenant that has events takes of the store (bf_append_bytes). It is
 * counted with each commit and never summed up.
 */
enum bf_store_result bf_store_usage(struct bf_store *store, bf_store_used *used,
    void *context, struct bf_error *err);

/* Tenant and name of every channel that has a number. */
typedef void bf_store_channel(void *context, uint32_t number,
    const char *tenant, const char *name);
enum bf_store_result bf_store_channels(struct bf_store *store,
    bf_store_channel *channel, void *context, struct bf_error *err);

struct bf_store_stats {
	uint64_t highest_event; /* id; 0: none */
	int64_t file_bytes, wal_bytes,
	    free_bytes; /* free: of the file system */
	int schema;
};
enum bf_store_result bf_store_stats(struct bf_store *store,
    struct bf_store_stats *stats, struct bf_error *err);

/* Checks the whole file; BF_STORE_UNUSABLE with the first fault found. */
enum bf_store_result bf_store_check(struct bf_store *store,
    struct bf_error *err);

/*
 * A consistent copy in a new file (mode 0600), while others go on; it must
 * not exist. progress (may be NULL) is told of pages left and in all. Meant
 * for a reader's handle on a thread of its own: the call lasts as long as the
 * copy, and so does its hold on the log, which grows meanwhile.
 *
 * To restore: stop belfry, remove belfry.db-wal and belfry.db-shm, put the
 * copy in the place of belfry.db.
 */
typedef void bf_store_progress(void *context, int left, int total);
enum bf_store_result bf_store_backup(struct bf_store *store, const char *path,
    bf_store_progress *progress, void *context, struct bf_error *err);

/* Closes the store and sets *store to NULL. A NULL *store is fine. */
void bf_store_close(struct bf_store **store);

#endif
