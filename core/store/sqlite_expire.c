/*
 * sqlite_expire.c - what waited too long
 *
 * No index is kept by expiry: it would cost every delivery, and those that are
 * given out are looked at by dispatch anyway. Instead rounds are made over all
 * that waits, some thousand rows a call; the earliest expiry met tells when
 * the next round is worth it, and what comes meanwhile is taken note of.
 */
#include "core/store/sqlite_private.h"

#include <belfry/verdict.h>

#define ROWS_A_CALL 20000

void
bf_sqlite_expire_added(struct bf_sqlite *sqlite, int64_t expires_ms)
{
	if (expires_ms < sqlite->sweep.added_ms)
		sqlite->sweep.added_ms = expires_ms;
}

static void
begin_round(struct bf_sqlite_sweep *sweep)
{
	sweep->found_ms = INT64_MAX;
	sweep->added_ms = INT64_MAX;
}

static void
end_round(struct bf_sqlite_sweep *sweep)
{
	sweep->due_ms = sweep->found_ms;
	sweep->from = 0;
}

/* Goes on with the round: fills ids. The sweep's copy is moved along. */
static enum bf_store_result
look(struct bf_sqlite *sqlite, struct bf_sqlite_sweep *sweep, int64_t now_ms,
    size_t limit, struct bf_delivery_id *ids, enum bf_delivery_state *was,
    size_t *count, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_EXPIRE_SCAN);
	enum bf_store_result result;
	bool row;

	sqlite3_bind_int64(statement, 1, (int64_t)sweep->from);
	for (size_t seen = 0;
	     (result = bf_sqlite_step(sqlite, statement, &row,
		  "look for what expired", err)) == BF_STORE_OK &&
	     row;
	     seen++) {
		const uint64_t event =
		    (uint64_t)sqlite3_column_int64(statement, 0);
		const int64_t expires_ms = sqlite3_column_int64(statement, 2);

		if (*count == limit ||
		    (seen >= ROWS_A_CALL && event != sweep->from)) {
			sweep->from = event;
			break;
		}
		sweep->from = event;
		if (expires_ms <= now_ms) {
			was[*count] = (enum bf_delivery_state)
			    sqlite3_column_int(statement, 3);
			ids[(*count)++] = (struct bf_delivery_id){ event,
				(uint32_t)sqlite3_column_int64(statement, 1) };
		} else if (expires_ms < sweep->found_ms) {
			sweep->found_ms = expires_ms;
		}
	}
	sqlite3_reset(statement);
	if (result == BF_STORE_OK && !row)
		end_round(sweep);
	return result;
}

/* Ends one delivery, and tells why by an attempt, as every end does. */
static enum bf_store_result
end_one(struct bf_sqlite *sqlite, int64_t now_ms, struct bf_delivery_id id,
    struct bf_error *err)
{
	static const enum bf_sql steps[] = { BF_SQL_EXPIRE,
		BF_SQL_EXPIRE_ATTEMPT };
	enum bf_store_result result = BF_STORE_OK;

	for (size_t i = 0; result == BF_STORE_OK && i < 2; i++) {
		sqlite3_stmt *statement = bf_sqlite_statement(sqlite, steps[i]);

		sqlite3_bind_int64(statement, 1, (int64_t)id.event);
		sqlite3_bind_int64(statement, 2, id.channel);
		sqlite3_bind_int64(statement, 3, now_ms);
		if (steps[i] == BF_SQL_EXPIRE_ATTEMPT) {
			sqlite3_bind_int(statement, 4, BF_FAILED);
			bf_sqlite_bind_text(statement, 5, BF_STORE_EXPIRED);
		}
		result = bf_sqlite_run(sqlite, statement, "expire", err);
	}
	return result;
}

static enum bf_store_result
end_as_failed(struct bf_sqlite *sqlite, int64_t now_ms,
    const struct bf_delivery_id *ids, size_t count, struct bf_error *err)
{
	enum bf_store_result result = bf_sqlite_begin(sqlite, err);

	if (result != BF_STORE_OK)
		return result;
	for (size_t i = 0; result == BF_STORE_OK && i < count; i++)
		result = end_one(sqlite, now_ms, ids[i], err);
	return bf_sqlite_end(sqlite, result, "expire", err);
}

enum bf_store_result
bf_sqlite_expire(struct bf_store *store, struct bf_instant now, size_t limit,
    struct bf_delivery_id *ids, enum bf_delivery_state *was, size_t *count,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	struct bf_sqlite_sweep sweep = sqlite->sweep;
	enum bf_store_result result;

	*count = 0;
	if (sweep.from == 0 && now.ms < sweep.due_ms && now.ms < sweep.added_ms)
		return BF_STORE_OK;
	result = bf_sqlite_enter(sqlite, err);
	if (result != BF_STORE_OK)
		return result;
	if (sweep.from == 0)
		begin_round(&sweep);
	result = look(sqlite, &sweep, now.ms, limit, ids, was, count, err);
	if (result == BF_STORE_OK && *count > 0)
		result = end_as_failed(sqlite, now.ms, ids, *count, err);
	if (result == BF_STORE_OK)
		sqlite->sweep = sweep;
	else
		*count = 0;
	return result;
}
