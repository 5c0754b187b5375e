/*
 * sqlite_usage.c - what each tenant takes
 *
 * A row for each tenant that has events. What a batch adds, or a step of
 * pruning takes away, is summed up in memory first, so that a tenant costs one
 * statement however many its events are.
 */
#include "core/store/sqlite_private.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>
#include <uthash.h>

struct bf_sqlite_used {
	int64_t events, bytes;
	UT_hash_handle hh;
	char tenant[];
};

static struct bf_sqlite_used *
used_by(struct bf_sqlite *sqlite, const char *tenant)
{
	struct bf_sqlite_used *used = sqlite->used;
	const size_t size = strlen(tenant);

	/* Most batches are of one tenant. */
	if (used && strcmp(used->tenant, tenant) == 0)
		return used;
	HASH_FIND(hh, sqlite->used, tenant, size, used);
	if (used)
		return used;
	used = bf_zalloc(1, sizeof(*used) + size + 1);
	memcpy(used->tenant, tenant, size + 1);
	HASH_ADD_KEYPTR(hh, sqlite->used, used->tenant, size, used);
	return used;
}

void
bf_sqlite_usage_add(struct bf_sqlite *sqlite, const char *tenant,
    int64_t events, int64_t bytes)
{
	struct bf_sqlite_used *used = used_by(sqlite, tenant);

	used->events += events;
	used->bytes += bytes;
}

void
bf_sqlite_usage_forget(struct bf_sqlite *sqlite)
{
	struct bf_sqlite_used *used, *next;

	HASH_ITER(hh, sqlite->used, used, next)
	{
		HASH_DEL(sqlite->used, used);
		free(used);
	}
}

void
bf_sqlite_usage_tell_freed(const struct bf_sqlite *sqlite, bf_store_used *freed,
    void *context)
{
	const struct bf_sqlite_used *used;

	for (used = sqlite->used; freed && used; used = used->hh.next)
		freed(context, used->tenant, -used->events, -used->bytes);
}

static enum bf_store_result
write_one(struct bf_sqlite *sqlite, const struct bf_sqlite_used *used,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_USAGE_ADD);
	enum bf_store_result result;

	bf_sqlite_bind_text(statement, 1, used->tenant);
	sqlite3_bind_int64(statement, 2, used->events);
	sqlite3_bind_int64(statement, 3, used->bytes);
	result = bf_sqlite_run(sqlite, statement, "count usage", err);
	if (result != BF_STORE_OK || used->events >= 0)
		return result;
	statement = bf_sqlite_statement(sqlite, BF_SQL_USAGE_DROP);
	bf_sqlite_bind_text(statement, 1, used->tenant);
	return bf_sqlite_run(sqlite, statement, "count usage", err);
}

enum bf_store_result
bf_sqlite_usage_write(struct bf_sqlite *sqlite, struct bf_error *err)
{
	enum bf_store_result result = BF_STORE_OK;
	const struct bf_sqlite_used *used;

	for (used = sqlite->used; result == BF_STORE_OK && used;
	     used = used->hh.next)
		result = write_one(sqlite, used, err);
	return result;
}

enum bf_store_result
bf_sqlite_usage(struct bf_store *store, bf_store_used *give, void *context,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_USAGE);
	bool row = true;

	if (result != BF_STORE_OK)
		return result;
	while ((result = bf_sqlite_step(sqlite, statement, &row, "read usage",
		    err)) == BF_STORE_OK &&
	       row) {
		const char *tenant =
		    (const char *)sqlite3_column_text(statement, 0);

		give(context, tenant ? tenant : "",
		    sqlite3_column_int64(statement, 1),
		    sqlite3_column_int64(statement, 2));
	}
	return result;
}
