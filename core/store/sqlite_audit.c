/*
 * sqlite_audit.c - the audit log: who did what
 *
 * Rows are added in the same transaction as what they tell of. A commit may be
 * made twice, as sqlite_commit.c says: so a row gets its id at the first, and
 * the second finds it there, or not. Ids never come twice, also when the clock
 * steps back; they are ranges of time, for filters and for what is to be
 * forgotten.
 */
#include "core/store/sqlite_private.h"

#include <string.h>

#include <belfry/clock.h>

#define ROWS_A_LOOK 64 /* between looks at the clock */

/* ---- written ---- */

static enum bf_store_result
give_id(struct bf_sqlite *sqlite, struct bf_audit *audit, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_AUDIT_HIGHEST);
	enum bf_store_result result = BF_STORE_OK;
	bool row;

	if (sqlite->audit_ids.last == 0) {
		result = bf_sqlite_step(sqlite, statement, &row,
		    "find the last audited", err);
		if (row)
			bf_id_floor(&sqlite->audit_ids,
			    (uint64_t)sqlite3_column_int64(statement, 0));
		sqlite3_reset(statement);
	}
	if (result == BF_STORE_OK)
		audit->id = bf_id_next(&sqlite->audit_ids, audit->at);
	return result;
}

enum bf_store_result
bf_sqlite_audit_add(struct bf_sqlite *sqlite, struct bf_audit *audit,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_AUDIT_ADD);
	const char *const texts[] = { audit->actor, audit->address,
		audit->tenant, audit->action, audit->object, audit->detail };
	enum bf_store_result result = BF_STORE_OK;

	if (audit->id == 0)
		result = give_id(sqlite, audit, err);
	if (result != BF_STORE_OK)
		return result;
	sqlite3_bind_int64(statement, 1, (int64_t)audit->id);
	for (int i = 0; i < (int)(sizeof(texts) / sizeof(*texts)); i++)
		bf_sqlite_bind_text(statement, 2 + i, texts[i]);
	return bf_sqlite_run(sqlite, statement, "add to the audit log", err);
}

enum bf_store_result
bf_sqlite_prune_audit(struct bf_store *store, struct bf_instant before,
    size_t limit, size_t *count, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	sqlite3_stmt *statement;
	enum bf_store_result result = bf_sqlite_begin(sqlite, err);
	size_t pruned = 0;

	*count = 0;
	if (result != BF_STORE_OK)
		return result;
	statement = bf_sqlite_statement(sqlite, BF_SQL_AUDIT_PRUNE);
	sqlite3_bind_int64(statement, 1, (int64_t)bf_id_at(before));
	sqlite3_bind_int64(statement, 2, (int64_t)limit);
	result = bf_sqlite_run(sqlite, statement, "shorten the audit log", err);
	if (result == BF_STORE_OK)
		pruned = (size_t)sqlite3_changes(sqlite->db);
	result = bf_sqlite_end(sqlite, result, "shorten the audit log", err);
	if (result == BF_STORE_OK)
		*count = pruned;
	return result;
}

/* ---- read ---- */

/* A text column; borrowed until the next step. */
static char *
text_at(sqlite3_stmt *row, int column)
{
	return (char *)sqlite3_column_text(row, column);
}

static struct bf_audit
read_row(sqlite3_stmt *row)
{
	const uint64_t id = (uint64_t)sqlite3_column_int64(row, 0);

	return (struct bf_audit){
		.id = id,
		.at = bf_id_instant(id),
		.actor = text_at(row, 1),
		.address = text_at(row, 2),
		.tenant = text_at(row, 3),
		.action = text_at(row, 4),
		.object = text_at(row, 5),
		.detail = text_at(row, 6),
	};
}

/* Whether a file that was tampered with has made the row what it can't be. */
static bool
is_whole(const struct bf_audit *row)
{
	return row->actor && row->address && row->action && row->object &&
	       row->detail;
}

static bool
passes(const struct bf_audit *row, const struct bf_audit_query *query)
{
	return (!query->actor || strcmp(row->actor, query->actor) == 0) &&
	       (!query->action || strcmp(row->action, query->action) == 0);
}

static sqlite3_stmt *
begin_walk(struct bf_sqlite *sqlite, const struct bf_audit_query *query)
{
	sqlite3_stmt *walk = bf_sqlite_statement(sqlite,
	    query->tenant ? BF_SQL_AUDIT_SCAN_TENANT : BF_SQL_AUDIT_SCAN);
	uint64_t until = query->until ? query->until : INT64_MAX;

	if (query->before != 0 && query->before < until)
		until = query->before;
	sqlite3_bind_int64(walk, 1, (int64_t)until);
	sqlite3_bind_int64(walk, 2, (int64_t)query->since);
	if (query->tenant)
		bf_sqlite_bind_text(walk, 3, query->tenant);
	return walk;
}

/* Follows the walk to the query's limit, its end (*next is 0) or the
 * deadline. */
static enum bf_store_result
follow(struct bf_sqlite *sqlite, sqlite3_stmt *walk,
    const struct bf_audit_query *query, bf_store_audit_row *give, void *context,
    uint64_t *next, struct bf_error *err)
{
	enum bf_store_result result;
	size_t count = 0;
	uint64_t last = 0;
	bool row;

	for (size_t seen = 1;; seen++) {
		struct bf_audit audit;

		result = bf_sqlite_step(sqlite, walk, &row,
		    "walk over the audit log", err);
		if (result == BF_STORE_AGAIN && last != 0)
			break; /* out of time: goes on there */
		if (result != BF_STORE_OK || !row)
			return result;
		if (count == query->limit)
			break;
		audit = read_row(walk);
		if (!is_whole(&audit))
			return bf_sqlite_damaged(sqlite,
			    "a row of the audit log is not whole", err);
		last = audit.id;
		if (passes(&audit, query)) {
			give(context, &audit);
			count++;
		}
		if (sqlite->deadline_ms != 0 && seen % ROWS_A_LOOK == 0 &&
		    bf_clock_monotonic_ms() >= sqlite->deadline_ms)
			break;
	}
	*next = last;
	return BF_STORE_OK;
}

enum bf_store_result
bf_sqlite_list_audit(struct bf_store *store, const struct bf_audit_query *query,
    bf_store_audit_row *give, void *context, uint64_t *next,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	sqlite3_stmt *walk;

	*next = 0;
	if (result != BF_STORE_OK)
		return result;
	walk = begin_walk(sqlite, query);
	result = follow(sqlite, walk, query, give, context, next, err);
	sqlite3_reset(walk);
	return result;
}
