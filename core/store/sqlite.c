/*
 * sqlite.c - the connection to the database: opening, transactions, errors
 *
 * Write-ahead mode with synchronous=FULL: a commit that returned is on stable
 * storage, and readers go on beside the writer. After an I/O error the
 * connection may hold a wrong idea of what is on the disk, so the next call
 * opens a new one, before it closes the old one: thereby the log's index in
 * shared memory outlives the change, the frames of the commit that failed stay
 * unknown to everyone, and the next commit writes them anew. (Were the index
 * rebuilt from the log, the failed commit would be found there in the page
 * cache, though a failed fsync may have dropped it on its way to the disk.)
 */
#include "core/store/sqlite_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/clock.h>
#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/store/lock.h"

#define STEPS_A_LOOK 4000 /* between looks at the clock */

static const char writer_pragmas[] =
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 0;" /* see sqlite_maintain.c */
    "PRAGMA journal_size_limit = 33554432;"
    "PRAGMA cache_size = -8192;" /* KiB */
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA secure_delete = FAST;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;";

static const char reader_pragmas[] = "PRAGMA query_only = ON;"
				     "PRAGMA cache_size = -2048;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA trusted_schema = OFF;"
				     "PRAGMA cell_size_check = ON;";

/* ---- errors ---- */

/* What may pass, with nothing done; any other error means that the file or
 * this program is wrong. */
static const int passing[] = {
	SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL, /* locks again */
	SQLITE_INTERRUPT, SQLITE_NOMEM, SQLITE_FULL, SQLITE_IOERR,
	SQLITE_CANTOPEN, SQLITE_PERM,
	SQLITE_READONLY, /* the file system went so */
};

enum bf_store_result
bf_sqlite_result(int code)
{
	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++) {
		if (passing[i] == (code & 0xff))
			return BF_STORE_AGAIN;
	}
	return BF_STORE_UNUSABLE;
}

void
bf_sqlite_describe(sqlite3 *db, const char *path, const char *doing,
    struct bf_error *err)
{
	const int code = sqlite3_extended_errcode(db);
	const int cause = sqlite3_system_errno(db);
	const bool system = cause != 0 && ((code & 0xff) == SQLITE_IOERR ||
					      (code & 0xff) == SQLITE_FULL ||
					      (code & 0xff) == SQLITE_CANTOPEN);

	if (code == SQLITE_INTERRUPT)
		bf_error_set(err, "%s: it took longer than allowed", doing);
	else if ((code & 0xff) == SQLITE_CORRUPT ||
		 (code & 0xff) == SQLITE_NOTADB)
		bf_error_set(err, "%s is damaged: %s: %s", path, doing,
		    sqlite3_errmsg(db));
	else
		bf_error_set(err, "%s: %s: %s%s%s%s", path, doing,
		    sqlite3_errmsg(db), system ? " (" : "",
		    system ? strerror(cause) : "", system ? ")" : "");
}

enum bf_store_result
bf_sqlite_failed(struct bf_sqlite *sqlite, const char *doing,
    struct bf_error *err)
{
	const int code = sqlite3_extended_errcode(sqlite->db);

	bf_sqlite_describe(sqlite->db, sqlite->path, doing, err);
	/* What can't be opened for writing SQLite opens for reading, and does
	 * not look again. */
	if ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_READONLY)
		sqlite->doubtful = true;
	return bf_sqlite_result(code);
}

enum bf_store_result
bf_sqlite_damaged(struct bf_sqlite *sqlite, const char *what,
    struct bf_error *err)
{
	bf_error_set(err, "%s is damaged: %s", sqlite->path, what);
	return BF_STORE_UNUSABLE;
}

/* ---- statements ---- */

sqlite3_stmt *
bf_sqlite_statement(struct bf_sqlite *sqlite, enum bf_sql statement)
{
	return sqlite->statements[statement];
}

enum bf_store_result
bf_sqlite_step(struct bf_sqlite *sqlite, sqlite3_stmt *statement, bool *row,
    const char *doing, struct bf_error *err)
{
	const int code = sqlite3_step(statement);
	enum bf_store_result result = BF_STORE_OK;

	*row = code == SQLITE_ROW;
	if (*row)
		return BF_STORE_OK;
	if (code != SQLITE_DONE)
		result = bf_sqlite_failed(sqlite, doing, err);
	sqlite3_reset(statement);
	return result;
}

enum bf_store_result
bf_sqlite_run(struct bf_sqlite *sqlite, sqlite3_stmt *statement,
    const char *doing, struct bf_error *err)
{
	bool row;
	enum bf_store_result result =
	    bf_sqlite_step(sqlite, statement, &row, doing, err);

	if (row)
		sqlite3_reset(statement);
	return result;
}

/* ---- the connection ---- */

/* SQLite's own remarks: a log that was recovered, damage that was met. */
static void
remark(void *context, int code, const char *message)
{
	(void)context;
	bf_log(code == SQLITE_NOTICE_RECOVER_WAL ? BF_LOG_NOTICE : BF_LOG_INFO,
	    "sqlite: %s", message);
}

/* Once a process: no counting of allocations, which costs a lock for each. */
static void
configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_LOG, remark, NULL);
}

static int
past_deadline(void *context)
{
	const struct bf_sqlite *sqlite = context;

	return sqlite->deadline_ms != 0 &&
	       bf_clock_monotonic_ms() > sqlite->deadline_ms;
}

static int
committed(void *context, sqlite3 *db, const char *name, int pages)
{
	struct bf_sqlite *sqlite = context;

	(void)db;
	(void)name;
	sqlite->log_pages = pages;
	return SQLITE_OK;
}

/* Write-ahead mode stays with the file; a backup that was put in place comes
 * without it. */
static int
set_write_ahead(sqlite3 *db, const char *path, struct bf_error *err)
{
	sqlite3_stmt *statement;
	bool set = false;

	if (sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &statement,
		NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		set =
		    sqlite3_stricmp((const char *)sqlite3_column_text(statement,
					0),
			"wal") == 0;
	if (!set)
		bf_sqlite_describe(db, path, "set write-ahead mode", err);
	sqlite3_finalize(statement);
	return set ? 0 : -1;
}

/* Opens a connection. *db may be set on failure too: the caller closes it. */
static int
connect_to(struct bf_sqlite *sqlite, sqlite3 **db, struct bf_error *err)
{
	const bool writer = sqlite->lock != -1;
	const int flags = SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_READWRITE
							: SQLITE_OPEN_READONLY);

	if (sqlite3_open_v2(sqlite->path, db, flags, NULL) != SQLITE_OK) {
		bf_sqlite_describe(*db, sqlite->path, "open", err);
		return -1;
	}
	sqlite3_extended_result_codes(*db, 1);
	sqlite3_busy_timeout(*db, BF_SQLITE_BUSY_MS);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (writer && sqlite3_db_readonly(*db, "main") == 1) {
		bf_error_set(err,
		    "%s can't be written: check its owner, mode "
		    "and file system",
		    sqlite->path);
		return -1;
	}
	if (writer && set_write_ahead(*db, sqlite->path, err) == -1)
		return -1;
	if (sqlite3_exec(*db, writer ? writer_pragmas : reader_pragmas, NULL,
		NULL, NULL) != SQLITE_OK ||
	    bf_sqlite_rows_register(&sqlite->rows, *db) != SQLITE_OK) {
		bf_sqlite_describe(*db, sqlite->path, "set up", err);
		return -1;
	}
	sqlite3_progress_handler(*db, STEPS_A_LOOK, past_deadline, sqlite);
	sqlite3_wal_hook(*db, committed, sqlite);
	return 0;
}

static void
finalize(sqlite3_stmt *statements[BF_SQL_COUNT])
{
	for (size_t i = 0; i < BF_SQL_COUNT; i++) {
		sqlite3_finalize(statements[i]);
		statements[i] = NULL;
	}
}

static int
prepare(sqlite3 *db, const char *path, sqlite3_stmt *statements[BF_SQL_COUNT],
    struct bf_error *err)
{
	for (size_t i = 0; i < BF_SQL_COUNT; i++) {
		if (sqlite3_prepare_v3(db, bf_sql_texts[i], -1,
			SQLITE_PREPARE_PERSISTENT, &statements[i],
			NULL) != SQLITE_OK) {
			bf_sqlite_describe(db, path, "prepare", err);
			return -1;
		}
	}
	return 0;
}

static enum bf_store_result
reopen(struct bf_sqlite *sqlite, struct bf_error *err)
{
	sqlite3_stmt *statements[BF_SQL_COUNT] = { 0 };
	enum bf_store_result result = BF_STORE_OK;
	sqlite3 *db = NULL;
	int code;

	if (connect_to(sqlite, &db, err) == -1 ||
	    prepare(db, sqlite->path, statements, err) == -1) {
		bf_error_prefix(err, "open the store again");
		code = sqlite3_extended_errcode(db);
		/* It was opened, if only for reading: that may pass. */
		result =
		    code == SQLITE_OK ? BF_STORE_AGAIN : bf_sqlite_result(code);
		finalize(statements);
		sqlite3_close(db);
		return result;
	}
	finalize(sqlite->statements);
	sqlite3_close(sqlite->db);
	sqlite->db = db;
	memcpy(sqlite->statements, statements, sizeof(statements));
	sqlite->doubtful = false;
	/* The same disk may fail the next commit: whoever makes commits tells
	 * when they fail, and when they do no longer. */
	bf_log(BF_LOG_DEBUG, "%s was opened again after an I/O error",
	    sqlite->path);
	return BF_STORE_OK;
}

/* ---- calls and transactions ---- */

enum bf_store_result
bf_sqlite_enter(struct bf_sqlite *sqlite, struct bf_error *err)
{
	sqlite->deadline_ms = sqlite->limit_ms > 0
				  ? bf_clock_monotonic_ms() + sqlite->limit_ms
				  : 0;
	return sqlite->doubtful ? reopen(sqlite, err) : BF_STORE_OK;
}

/* A file that was deleted or replaced would take our commits with it. */
static enum bf_store_result
check_place(struct bf_sqlite *sqlite, struct bf_error *err)
{
	int moved = 0;

	sqlite3_file_control(sqlite->db, "main", SQLITE_FCNTL_HAS_MOVED,
	    &moved);
	if (!moved && !bf_sqlite_log_has_moved(sqlite))
		return BF_STORE_OK;
	/* What the log has is still open to us. */
	if (!moved)
		bf_sqlite_log_save(sqlite);
	bf_error_set(err, "%s was removed or replaced while it was in use",
	    moved ? sqlite->path : sqlite->log_path);
	return BF_STORE_UNUSABLE;
}

enum bf_store_result
bf_sqlite_begin(struct bf_sqlite *sqlite, struct bf_error *err)
{
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);

	if (result == BF_STORE_OK)
		result = check_place(sqlite, err);
	if (result == BF_STORE_OK)
		result = bf_sqlite_run(sqlite,
		    bf_sqlite_statement(sqlite, BF_SQL_BEGIN), "begin", err);
	return result;
}

enum bf_store_result
bf_sqlite_end(struct bf_sqlite *sqlite, enum bf_store_result result,
    const char *doing, struct bf_error *err)
{
	if (result == BF_STORE_OK)
		result = bf_sqlite_run(sqlite,
		    bf_sqlite_statement(sqlite, BF_SQL_COMMIT), doing, err);
	if (result == BF_STORE_OK)
		return BF_STORE_OK;
	/* Some errors have rolled back already. */
	if (sqlite3_get_autocommit(sqlite->db) == 0) {
		sqlite3_step(bf_sqlite_statement(sqlite, BF_SQL_ROLLBACK));
		sqlite3_reset(bf_sqlite_statement(sqlite, BF_SQL_ROLLBACK));
	}
	bf_sqlite_type_forget(sqlite);
	return result;
}

static void
set_deadline(struct bf_store *store, struct bf_duration limit)
{
	bf_sqlite_of(store)->limit_ms = limit.ms;
}

/* ---- opening and closing ---- */

static void
close_store(struct bf_store *store)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);

	sqlite->deadline_ms = 0;
	bf_sqlite_log_leave(sqlite);
	finalize(sqlite->statements);
	sqlite3_close(sqlite->db);
	bf_sqlite_type_forget(sqlite);
	bf_sqlite_rows_free(&sqlite->rows);
	bf_sqlite_usage_forget(sqlite);
	if (sqlite->lock != -1)
		close(sqlite->lock);
	free(sqlite->log_path);
	free(sqlite->path);
	free(sqlite->dir);
	free(sqlite);
}

static const struct bf_store_vtable vtable = {
	.commit = bf_sqlite_commit,
	.backlog = bf_sqlite_backlog,
	.claim_fresh = bf_sqlite_claim_fresh,
	.claim_retries = bf_sqlite_claim_retries,
	.expire = bf_sqlite_expire,
	.prune = bf_sqlite_prune,
	.prune_audit = bf_sqlite_prune_audit,
	.number_channels = bf_sqlite_number_channels,
	.checkpoint = bf_sqlite_checkpoint,
	.deadline = set_deadline,
	.list = bf_sqlite_list,
	.list_events = bf_sqlite_list_events,
	.list_audit = bf_sqlite_list_audit,
	.get_event = bf_sqlite_get_event,
	.get_delivery = bf_sqlite_get_delivery,
	.get = bf_sqlite_get,
	.settings = bf_sqlite_settings,
	.usage = bf_sqlite_usage,
	.channels = bf_sqlite_channels,
	.stats = bf_sqlite_stats,
	.check = bf_sqlite_check,
	.backup = bf_sqlite_backup,
	.close = close_store,
};

static struct bf_sqlite *
new_store(const char *dir)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct bf_sqlite *sqlite = bf_new(struct bf_sqlite);

	pthread_once(&once, configure);
	sqlite->store.vtable = &vtable;
	sqlite->lock = -1;
	sqlite->dir = bf_strdup(dir);
	sqlite->path = bf_strf("%s/belfry.db", dir);
	sqlite->log_path = bf_strf("%s-wal", sqlite->path);
	return sqlite;
}

static int
take_lock(struct bf_sqlite *sqlite, struct bf_error *err)
{
	char *path = bf_strf("%s/belfry.lock", sqlite->dir);

	sqlite->lock = bf_lock_take(path, err);
	free(path);
	return sqlite->lock == -1 ? -1 : 0;
}

struct bf_store *
bf_sqlite_open(const char *dir, struct bf_error *err)
{
	struct bf_sqlite *sqlite = new_store(dir);
	bool log_there = false;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		bf_error_errno(err, "make directory %s", dir);
		goto fail;
	}
	if (take_lock(sqlite, err) == -1 ||
	    bf_sqlite_find(dir, sqlite->path, err) == -1 ||
	    bf_sqlite_log_check(sqlite->log_path, &log_there, err) == -1 ||
	    connect_to(sqlite, &sqlite->db, err) == -1 ||
	    bf_sqlite_migrate(sqlite->db, sqlite->path, err) == -1 ||
	    bf_sqlite_identify(sqlite->db, dir, sqlite->path, log_there, err) ==
		-1 ||
	    prepare(sqlite->db, sqlite->path, sqlite->statements, err) == -1 ||
	    bf_sqlite_log_begin(sqlite, err) == -1)
		goto fail;
	return &sqlite->store;

fail:
	bf_error_prefix(err, "open the store");
	close_store(&sqlite->store);
	return NULL;
}

struct bf_store *
bf_sqlite_open_reader(const char *dir, struct bf_error *err)
{
	struct bf_sqlite *sqlite = new_store(dir);

	if (bf_sqlite_check_head(sqlite->path, err) == -1 ||
	    connect_to(sqlite, &sqlite->db, err) == -1 ||
	    bf_sqlite_check_schema(sqlite->db, sqlite->path, err) == -1 ||
	    prepare(sqlite->db, sqlite->path, sqlite->statements, err) == -1)
		goto fail;
	return &sqlite->store;

fail:
	bf_error_prefix(err, "open the store for reading");
	close_store(&sqlite->store);
	return NULL;
}
