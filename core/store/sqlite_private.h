#ifndef BF_SQLITE_PRIVATE_H
#define BF_SQLITE_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "core/store/sqlite.h"
#include "core/store/sqlite_rows.h"
#include "core/store/sqlite_statement.h"
#include "core/store/store_private.h"

/*
 * The store on SQLite: a database in write-ahead mode, belfry.db in the state
 * directory. What its files share:
 *
 * sqlite.c            opening, reopening, transactions, errors to results
 * sqlite_file.c       the files before SQLite sees them; who the store is
 * sqlite_log.c        whether the log is whole
 * sqlite_schema.c     tables, and how an older schema becomes the present one
 * sqlite_statement.c  every statement
 * sqlite_type.c       names of event types and their numbers
 * sqlite_row.c        rows to values
 * sqlite_scan.c       walking over deliveries by a filter, in bounded steps
 * sqlite_commit.c     batches
 * sqlite_rows.c       rows in memory, as tables that SQLite can read
 * sqlite_select.c     cancel and replay
 * sqlite_claim.c      what waits, for dispatch
 * sqlite_expire.c     what waited too long
 * sqlite_prune.c      what is old
 * sqlite_usage.c      what each tenant takes
 * sqlite_list.c       lists of deliveries and events, newest first
 * sqlite_audit.c      who did what
 * sqlite_read.c       an event, a delivery, settings, channels
 * sqlite_maintain.c   checkpoints, the whole check, sizes
 * sqlite_backup.c     a copy while others go on
 */

/* How long to wait for a lock. Belfry's own processes share all but those of
 * opening and closing. */
#define BF_SQLITE_BUSY_MS 500

struct bf_sqlite_type; /* a name and its number */
struct bf_sqlite_used;

/* Where the search for what waited too long stands. */
struct bf_sqlite_sweep {
	uint64_t from;    /* event to go on at; 0: a new round */
	int64_t found_ms; /* earliest expiry met in this round */
	int64_t added_ms; /* earliest of what came since it began */
	int64_t due_ms;   /* nothing expires before */
};

struct bf_sqlite {
	struct bf_store store; /* first: the others see only this */
	char *dir;
	char *path;
	char *log_path;
	ino_t log_inode; /* 0: not known yet */
	int lock;        /* -1: a reader */
	sqlite3 *db;
	sqlite3_stmt *statements[BF_SQL_COUNT];
	bool doubtful;        /* an I/O error, or read-only: reopen */
	int64_t limit_ms;     /* for a call; 0: none */
	int64_t deadline_ms;  /* of this call, monotonic; 0: none */
	int log_pages;        /* in the write-ahead log after the last commit */
	int log_pages_copied; /* of them at the last checkpoint */
	bool log_begun;       /* BF_SQLITE_LOG_NOTE may be in the file */
	struct bf_sqlite_type *types; /* by name */
	struct bf_sqlite_type **numbered;
	size_t numbered_count;
	struct bf_sqlite_rows rows;  /* of the batch that is committed */
	struct bf_sqlite_used *used; /* what changes with it, by tenant */
	struct bf_sqlite_sweep sweep;
	uint64_t prune_from;
	struct bf_id_maker audit_ids;
	int64_t claimed_ms; /* the last due time of a retry that was claimed */
};

static inline struct bf_sqlite *
bf_sqlite_of(struct bf_store *store)
{
	return (struct bf_sqlite *)store; /* its first member */
}

/* ---- sqlite.c ---- */

/* Begins a call: sets its deadline, and reopens the database if an I/O error
 * left the connection in doubt. */
enum bf_store_result bf_sqlite_enter(struct bf_sqlite *sqlite,
    struct bf_error *err);

/* The statement, ready to be bound and stepped. */
sqlite3_stmt *bf_sqlite_statement(struct bf_sqlite *sqlite,
    enum bf_sql statement);

/* Runs a statement that gives no rows, and resets it. */
enum bf_store_result bf_sqlite_run(struct bf_sqlite *sqlite,
    sqlite3_stmt *statement, const char *doing, struct bf_error *err);

/* Steps a statement: BF_STORE_OK with *row set, or a failure. It is reset
 * unless there is a row. */
enum bf_store_result bf_sqlite_step(struct bf_sqlite *sqlite,
    sqlite3_stmt *statement, bool *row, const char *doing,
    struct bf_error *err);

/* Describes the connection's last error and says what it means. */
enum bf_store_result bf_sqlite_failed(struct bf_sqlite *sqlite,
    const char *doing, struct bf_error *err);

/* Says that the file holds what it cannot hold. */
enum bf_store_result bf_sqlite_damaged(struct bf_sqlite *sqlite,
    const char *what, struct bf_error *err);

/* A transaction that writes. end commits if result is BF_STORE_OK, else rolls
 * back, and returns the result of both. begin enters. */
enum bf_store_result bf_sqlite_begin(struct bf_sqlite *sqlite,
    struct bf_error *err);
enum bf_store_result bf_sqlite_end(struct bf_sqlite *sqlite,
    enum bf_store_result result, const char *doing, struct bf_error *err);

/* What SQLite's result code means to the caller of the store. */
enum bf_store_result bf_sqlite_result(int code);

/* "path: doing: what SQLite says of its last error". */
void bf_sqlite_describe(sqlite3 *db, const char *path, const char *doing,
    struct bf_error *err);

/* ---- sqlite_file.c ---- */

/* Looks at the files in dir before SQLite does, and makes the database if
 * there never was one. path is that of the database. */
int bf_sqlite_find(const char *dir, const char *path, struct bf_error *err);

/* Compares the database with the note of its identity, and its note of the log
 * with whether that is there; or makes the note of its identity. */
int bf_sqlite_identify(sqlite3 *db, const char *dir, const char *path,
    bool log_there, struct bf_error *err);

/* Whether the first bytes are those of a belfry store: 0 or -1. */
int bf_sqlite_check_head(const char *path, struct bf_error *err);

/* ---- sqlite_log.c ---- */

/* Refuses a log in which damage hides what was acknowledged, and says how to
 * go on without. 0 or -1. *there: it is a log; else it is absent or blank. */
int bf_sqlite_log_check(const char *name, bool *there, struct bf_error *err);

/* The setting that stands in the main file as long as commits may be in the
 * log alone: while a writer has the store, and after it was killed. */
#define BF_SQLITE_LOG_NOTE "log-in-use"

/* Begins the log of an opened store, and notes that it is in use. */
int bf_sqlite_log_begin(struct bf_sqlite *sqlite, struct bf_error *err);

/* Whether the log was removed or replaced under us. */
bool bf_sqlite_log_has_moved(struct bf_sqlite *sqlite);

/* Moves the log into the file, which does not miss it then. */
void bf_sqlite_log_save(struct bf_sqlite *sqlite);

/* Before the connection is closed: sees to it that the log is removed with it
 * only if the file does not miss it. */
void bf_sqlite_log_leave(struct bf_sqlite *sqlite);

/* ---- sqlite_schema.c ---- */

/* Makes an empty database into a store of the present schema. */
int bf_sqlite_create(sqlite3 *db, const char *path, struct bf_error *err);

/* Brings an older schema forward; refuses a newer one. */
int bf_sqlite_migrate(sqlite3 *db, const char *path, struct bf_error *err);

/* Refuses any schema but the present one: for readers. */
int bf_sqlite_check_schema(sqlite3 *db, const char *path, struct bf_error *err);

#define BF_SQLITE_APPLICATION 0x62656c66 /* "belf" */
#define BF_SQLITE_SCHEMA 4

/* ---- sqlite_type.c ---- */

/* The number of an event type, given at first sight if add; else 0 for one
 * that the store has never met. */
enum bf_store_result bf_sqlite_type_number(struct bf_sqlite *sqlite,
    const char *name, bool add, int64_t *number, struct bf_error *err);

/* The name of a number; borrowed. NULL in *name: there is none. */
enum bf_store_result bf_sqlite_type_name(struct bf_sqlite *sqlite,
    int64_t number, const char **name, struct bf_error *err);

/* Forgets what was looked up: after a rollback, and at the end. */
void bf_sqlite_type_forget(struct bf_sqlite *sqlite);

/* ---- sqlite_row.c ---- */

/* An event from the columns type, tenant, timestamp, json of a row, the first
 * of them at column. *event gets one reference. */
enum bf_store_result bf_sqlite_event(struct bf_sqlite *sqlite,
    sqlite3_stmt *row, int column, uint64_t id, struct bf_event **event,
    struct bf_error *err);

/* A delivery, without its event, from BF_SQL_DELIVERY's columns. */
enum bf_store_result bf_sqlite_delivery(struct bf_sqlite *sqlite,
    sqlite3_stmt *row, struct bf_delivery_row *delivery, struct bf_error *err);

/* The event with its reason (new memory, unless reason is NULL); *event is
 * NULL if there is none. */
enum bf_store_result bf_sqlite_fetch_event(struct bf_sqlite *sqlite,
    uint64_t id, struct bf_event **event, char **reason, struct bf_error *err);

/* The delivery without its event, if *found. */
enum bf_store_result bf_sqlite_fetch_delivery(struct bf_sqlite *sqlite,
    struct bf_delivery_id id, struct bf_delivery_row *delivery, bool *found,
    struct bf_error *err);

/* Binds text as it stands until the statement is reset; NULL is NULL. */
void bf_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text);

/* A copy of a text column; NULL for NULL. */
char *bf_sqlite_text(sqlite3_stmt *row, int column);

/* ---- sqlite_recipient.c ---- */

/* Keeps what became of the recipients of a finish's attempt. */
enum bf_store_result bf_sqlite_recipients_add(struct bf_sqlite *sqlite,
    const struct bf_finish *finish, struct bf_error *err);

/* Appends those of a delivery that are settled; those of one attempt. */
enum bf_store_result bf_sqlite_recipients_settled(struct bf_sqlite *sqlite,
    struct bf_delivery_id id, struct bf_recipients *recipients,
    struct bf_error *err);
enum bf_store_result bf_sqlite_recipients_of(struct bf_sqlite *sqlite,
    struct bf_delivery_id id, int attempt, struct bf_recipients *recipients,
    struct bf_error *err);

/* A delivery is replayed: those that failed are to be tried again, and if all
 * had been delivered to, all. */
enum bf_store_result bf_sqlite_recipients_unsettle(struct bf_sqlite *sqlite,
    struct bf_delivery_id id, enum bf_delivery_state was, struct bf_error *err);

/* ---- sqlite_usage.c ---- */

/* Notes that a tenant has more, or less; tenant is copied. */
void bf_sqlite_usage_add(struct bf_sqlite *sqlite, const char *tenant,
    int64_t events, int64_t bytes);
/* Writes what was noted, a row for each tenant; it stays noted. */
enum bf_store_result bf_sqlite_usage_write(struct bf_sqlite *sqlite,
    struct bf_error *err);
/* Tells what was noted, with the sign turned. */
void bf_sqlite_usage_tell_freed(const struct bf_sqlite *sqlite,
    bf_store_used *freed, void *context);
void bf_sqlite_usage_forget(struct bf_sqlite *sqlite);
enum bf_store_result bf_sqlite_usage(struct bf_store *store,
    bf_store_used *used, void *context, struct bf_error *err);

/* ---- the operations ---- */

enum bf_store_result bf_sqlite_commit(struct bf_store *store,
    struct bf_batch *batch, struct bf_error *err);
enum bf_store_result bf_sqlite_select(struct bf_sqlite *sqlite,
    struct bf_change *change, struct bf_error *err);
void bf_sqlite_select_done(struct bf_change *change);
enum bf_store_result bf_sqlite_backlog(struct bf_store *store,
    struct bf_backlog **backlog, size_t *count, struct bf_error *err);
enum bf_store_result bf_sqlite_claim_fresh(struct bf_store *store,
    uint32_t channel, uint64_t after, size_t limit, size_t bytes,
    struct bf_delivery_row *rows, size_t *count, bool *more,
    struct bf_error *err);
enum bf_store_result bf_sqlite_claim_retries(struct bf_store *store,
    uint32_t channel, struct bf_instant after_due, uint64_t after,
    struct bf_instant now, size_t limit, size_t bytes,
    struct bf_delivery_row *rows, size_t *count, struct bf_instant *next_due,
    struct bf_error *err);
enum bf_store_result bf_sqlite_expire(struct bf_store *store,
    struct bf_instant now, size_t limit, struct bf_delivery_id *ids,
    enum bf_delivery_state *was, size_t *count, struct bf_error *err);
/* The due time that a retry is stored with: above what was claimed. */
int64_t bf_sqlite_due(const struct bf_sqlite *sqlite, int64_t due_ms);
void bf_sqlite_expire_added(struct bf_sqlite *sqlite, int64_t expires_ms);
enum bf_store_result bf_sqlite_prune(struct bf_store *store,
    struct bf_instant before, struct bf_instant keys_before, size_t limit,
    size_t *count, bf_store_used *freed, void *context, struct bf_error *err);
/* Adds a row of the audit log, once, and gives it its id. */
enum bf_store_result bf_sqlite_audit_add(struct bf_sqlite *sqlite,
    struct bf_audit *audit, struct bf_error *err);
enum bf_store_result bf_sqlite_prune_audit(struct bf_store *store,
    struct bf_instant before, size_t limit, size_t *count,
    struct bf_error *err);
enum bf_store_result bf_sqlite_list_audit(struct bf_store *store,
    const struct bf_audit_query *query, bf_store_audit_row *row, void *context,
    uint64_t *next, struct bf_error *err);
enum bf_store_result bf_sqlite_number_channels(struct bf_store *store,
    struct bf_numbered_channel *channels, size_t count, struct bf_error *err);
enum bf_store_result bf_sqlite_checkpoint(struct bf_store *store,
    struct bf_error *err);
enum bf_store_result bf_sqlite_list(struct bf_store *store,
    const struct bf_query *query, bf_store_row *row, void *context,
    struct bf_delivery_id *next, struct bf_error *err);
enum bf_store_result bf_sqlite_list_events(struct bf_store *store,
    const struct bf_query *query, bf_store_event_row *row, void *context,
    uint64_t *next, struct bf_error *err);
enum bf_store_result bf_sqlite_get_event(struct bf_store *store, uint64_t id,
    struct bf_event **event, char **reason, bf_store_row *row, void *context,
    struct bf_error *err);
enum bf_store_result bf_sqlite_get_delivery(struct bf_store *store,
    struct bf_delivery_id id, struct bf_delivery_row *row, bool *found,
    bf_store_attempt *attempt, void *context, struct bf_error *err);
enum bf_store_result bf_sqlite_get(struct bf_store *store, const char *name,
    char **value, struct bf_error *err);
enum bf_store_result bf_sqlite_settings(struct bf_store *store,
    const char *prefix, const char *above, bf_store_setting_more *setting,
    void *context, struct bf_error *err);
enum bf_store_result bf_sqlite_channels(struct bf_store *store,
    bf_store_channel *channel, void *context, struct bf_error *err);
enum bf_store_result bf_sqlite_stats(struct bf_store *store,
    struct bf_store_stats *stats, struct bf_error *err);
enum bf_store_result bf_sqlite_check(struct bf_store *store,
    struct bf_error *err);
enum bf_store_result bf_sqlite_backup(struct bf_store *store, const char *path,
    bf_store_progress *progress, void *context, struct bf_error *err);

#endif
