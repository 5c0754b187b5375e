/*
 * sqlite_maintain.c - checkpoints, the whole check, sizes
 *
 * A checkpoint copies the log into the file; the next commit after one that
 * came to the end, with no reader left in the log, begins the log anew. Below
 * a few megabytes it isn't worth its syncs: a page that changes in many
 * commits is copied once. When readers kept the log from being begun anew
 * until it is long, the writer waits for them, for a moment.
 */
#include "core/store/sqlite_private.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <belfry/memory.h>

#define LOG_PAGES_WORTH_IT 1000
#define LOG_PAGES_LONG 16384 /* 64 MiB */
#define WAIT_MS 100          /* for readers to leave a long log */

/* Pages that came to the log since the last checkpoint. */
static int
new_pages(struct bf_sqlite *sqlite)
{
	if (sqlite->log_pages < sqlite->log_pages_copied)
		sqlite->log_pages_copied = 0; /* it was begun anew */
	return sqlite->log_pages - sqlite->log_pages_copied;
}

enum bf_store_result
bf_sqlite_checkpoint(struct bf_store *store, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	const bool wait = sqlite->log_pages > LOG_PAGES_LONG;
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	int code;

	if (result != BF_STORE_OK || new_pages(sqlite) < LOG_PAGES_WORTH_IT)
		return result;
	sqlite3_busy_timeout(sqlite->db, wait ? WAIT_MS : 0);
	code = sqlite3_wal_checkpoint_v2(sqlite->db, "main",
	    wait ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL,
	    NULL);
	sqlite->log_pages_copied = sqlite->log_pages;
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY)
		result = bf_sqlite_failed(sqlite, "checkpoint", err);
	sqlite3_busy_timeout(sqlite->db, BF_SQLITE_BUSY_MS);
	return result;
}

/* ---- the whole check ---- */

static enum bf_store_result
check_file(struct bf_sqlite *sqlite, struct bf_error *err)
{
	sqlite3_stmt *statement = NULL;
	enum bf_store_result result = BF_STORE_OK;
	const char *fault;

	if (sqlite3_prepare_v2(sqlite->db, "PRAGMA integrity_check(1)", -1,
		&statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW) {
		result = bf_sqlite_failed(sqlite, "check", err);
	} else {
		fault = (const char *)sqlite3_column_text(statement, 0);
		if (!fault || sqlite3_stricmp(fault, "ok") != 0)
			result = bf_sqlite_damaged(sqlite,
			    fault ? fault : "check failed", err);
	}
	sqlite3_finalize(statement);
	return result;
}

/* What SQLite can't know: what waits must have an event. */
static enum bf_store_result
check_events(struct bf_sqlite *sqlite, struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_ORPHAN);
	enum bf_store_result result;
	bool row;

	result = bf_sqlite_step(sqlite, statement, &row, "check", err);
	sqlite3_reset(statement);
	return row ? bf_sqlite_damaged(sqlite, "a delivery has no event", err)
		   : result;
}

enum bf_store_result
bf_sqlite_check(struct bf_store *store, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);

	sqlite->deadline_ms = 0; /* it takes as long as the file is large */
	if (result == BF_STORE_OK)
		result = check_file(sqlite, err);
	if (result == BF_STORE_OK)
		result = check_events(sqlite, err);
	return result;
}

/* ---- sizes ---- */

static int64_t
size_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

enum bf_store_result
bf_sqlite_stats(struct bf_store *store, struct bf_store_stats *stats,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_EVENT_HIGHEST);
	char *log = bf_strf("%s-wal", sqlite->path);
	struct statvfs system;
	bool row = false;

	*stats = (struct bf_store_stats){
		.file_bytes = size_of(sqlite->path),
		.wal_bytes = size_of(log),
		.schema = BF_SQLITE_SCHEMA,
	};
	free(log);
	if (statvfs(sqlite->dir, &system) == 0)
		stats->free_bytes =
		    (int64_t)(system.f_bavail * system.f_frsize);
	if (result == BF_STORE_OK)
		result = bf_sqlite_step(sqlite, statement, &row,
		    "read the highest id", err);
	if (row)
		stats->highest_event =
		    (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return result;
}
