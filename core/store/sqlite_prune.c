/*
 * sqlite_prune.c - what is old
 *
 * Events are forgotten by ranges of ids, which are ranges of time. One that
 * something still waits for is left, and met again on the next round.
 */
#include "core/store/sqlite_private.h"

#include <string.h>

static const enum bf_sql deletions[] = {
	BF_SQL_PRUNE_RECIPIENTS,
	BF_SQL_PRUNE_ATTEMPTS,
	BF_SQL_PRUNE_EVENTS, /* before what says that something waits */
	BF_SQL_PRUNE_DELIVERIES,
};

/* The next events in order: *last is the last of at most limit of them, 0 if
 * there are none; *full, if there may be more. */
static enum bf_store_result
find_range(struct bf_sqlite *sqlite, uint64_t before, size_t limit,
    uint64_t *last, bool *full, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_PRUNE_LAST);
	enum bf_store_result result;
	bool row;

	sqlite3_bind_int64(statement, 1, (int64_t)sqlite->prune_from);
	sqlite3_bind_int64(statement, 2, (int64_t)before);
	sqlite3_bind_int64(statement, 3, (int64_t)limit);
	result =
	    bf_sqlite_step(sqlite, statement, &row, "look for old events", err);
	*last = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
	*full = row && (size_t)sqlite3_column_int64(statement, 1) == limit;
	sqlite3_reset(statement);
	return result;
}

/* Notes what goes with the range. */
static enum bf_store_result
count_range(struct bf_sqlite *sqlite, uint64_t last, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_PRUNE_USAGE);
	enum bf_store_result result;
	bool row;

	sqlite3_bind_int64(statement, 1, (int64_t)sqlite->prune_from + 1);
	sqlite3_bind_int64(statement, 2, (int64_t)last);
	while ((result = bf_sqlite_step(sqlite, statement, &row,
		    "count old events", err)) == BF_STORE_OK &&
	       row) {
		const char *tenant =
		    (const char *)sqlite3_column_text(statement, 0);
		const int64_t text = sqlite3_column_int64(statement, 1);
		const int64_t deliveries = sqlite3_column_int64(statement, 2);

		bf_sqlite_usage_add(sqlite, tenant ? tenant : "", -1,
		    -(text + BF_STORE_EVENT_COST +
			deliveries * BF_STORE_DELIVERY_COST));
	}
	return result;
}

static enum bf_store_result
delete_range(struct bf_sqlite *sqlite, uint64_t last, size_t *count,
    struct bf_error *err)
{
	enum bf_store_result result = BF_STORE_OK;

	for (size_t i = 0; result == BF_STORE_OK &&
			   i < sizeof(deletions) / sizeof(*deletions);
	     i++) {
		sqlite3_stmt *statement =
		    bf_sqlite_statement(sqlite, deletions[i]);

		sqlite3_bind_int64(statement, 1,
		    (int64_t)sqlite->prune_from + 1);
		sqlite3_bind_int64(statement, 2, (int64_t)last);
		result =
		    bf_sqlite_run(sqlite, statement, "forget old events", err);
		if (deletions[i] == BF_SQL_PRUNE_EVENTS)
			*count = (size_t)sqlite3_changes(sqlite->db);
	}
	return result;
}

static enum bf_store_result
delete_keys(struct bf_sqlite *sqlite, uint64_t before, size_t limit,
    size_t *count, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_PRUNE_KEYS);
	enum bf_store_result result;

	sqlite3_bind_int64(statement, 1, (int64_t)before);
	sqlite3_bind_int64(statement, 2, (int64_t)limit);
	result = bf_sqlite_run(sqlite, statement, "forget old keys", err);
	*count = (size_t)sqlite3_changes(sqlite->db);
	return result;
}

/* Forgets which ids are of tenants that were deleted, where none of them is
 * left: neither of an event, nor in the audit log, nor with an idempotency key.
 */
static enum bf_store_result
delete_pasts(struct bf_sqlite *sqlite, uint64_t before, size_t limit,
    size_t *count, struct bf_error *err)
{
	static const char first[] = BF_TENANT_PAST;
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_PRUNE_PASTS);
	char end[sizeof(first)];
	enum bf_store_result result;

	memcpy(end, first, sizeof(first));
	end[sizeof(first) - 2]++; /* the name above all that begin so */
	bf_sqlite_bind_text(statement, 1, first);
	bf_sqlite_bind_text(statement, 2, end);
	sqlite3_bind_int64(statement, 3, (int64_t)before);
	sqlite3_bind_int64(statement, 4, (int64_t)limit);
	result =
	    bf_sqlite_run(sqlite, statement, "forget deleted tenants", err);
	*count = (size_t)sqlite3_changes(sqlite->db);
	return result;
}

enum bf_store_result
bf_sqlite_prune(struct bf_store *store, struct bf_instant before,
    struct bf_instant keys_before, size_t limit, size_t *count,
    bf_store_used *freed, void *context, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_begin(sqlite, err);
	uint64_t last = 0;
	size_t keys = 0, pasts = 0;
	bool full = false;

	*count = 0;
	if (result != BF_STORE_OK)
		return result;
	bf_sqlite_usage_forget(sqlite);
	result = find_range(sqlite, bf_id_at(before), limit, &last, &full, err);
	if (result == BF_STORE_OK && last > 0)
		result = count_range(sqlite, last, err);
	if (result == BF_STORE_OK && last > 0)
		result = delete_range(sqlite, last, count, err);
	if (result == BF_STORE_OK)
		result = bf_sqlite_usage_write(sqlite, err);
	if (result == BF_STORE_OK)
		result = delete_keys(sqlite, bf_id_at(keys_before), limit,
		    &keys, err);
	/* All of them are looked at: at the end of a round only. */
	if (result == BF_STORE_OK && !full)
		result = delete_pasts(sqlite,
		    bf_id_at(keys_before.ms < before.ms ? keys_before : before),
		    limit, &pasts, err);
	result = bf_sqlite_end(sqlite, result, "forget what is old", err);
	if (result != BF_STORE_OK) {
		*count = 0;
		return result;
	}
	*count = keys > *count ? keys : *count;
	*count = pasts > *count ? pasts : *count;
	sqlite->prune_from = full ? last : 0;
	bf_sqlite_usage_tell_freed(sqlite, freed, context);
	return BF_STORE_OK;
}
