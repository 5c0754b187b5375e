/*
 * sqlite_claim.c - what waits, for dispatch
 *
 * A claim changes nothing: what was given out is remembered by the scheduler,
 * as a cursor. So giving out costs an index walk and no write.
 */
#include "core/store/sqlite_private.h"

#include <stdlib.h>

#include <belfry/memory.h>

#define FIRST_EVENT_COLUMN 8 /* type, in the rows of a claim */
#define JSON_COLUMN 11

/* The caller's array, as it is filled. */
struct claim {
	struct bf_delivery_row *rows;
	size_t *count;
	size_t limit;
	size_t bytes;
	size_t used;
};

/* Takes the row that the statement is at, unless the claim is full. */
static enum bf_store_result
take(struct bf_sqlite *sqlite, struct claim *claim, sqlite3_stmt *statement,
    bool *full, struct bf_error *err)
{
	const size_t size =
	    (size_t)sqlite3_column_bytes(statement, JSON_COLUMN);
	struct bf_delivery_row *row = claim->rows + *claim->count;
	enum bf_store_result result;

	*full = *claim->count == claim->limit ||
		(*claim->count > 0 && claim->used + size > claim->bytes);
	if (*full)
		return BF_STORE_OK;
	result = bf_sqlite_delivery(sqlite, statement, row, err);
	if (result == BF_STORE_OK)
		result = bf_sqlite_event(sqlite, statement, FIRST_EVENT_COLUMN,
		    row->id.event, &row->event, err);
	if (result != BF_STORE_OK)
		return result;
	claim->used += size;
	++*claim->count;
	if (row->state != BF_STATE_RETRY)
		return result;
	return bf_sqlite_recipients_settled(sqlite, row->id, &row->settled,
	    err);
}

/* On failure nothing was claimed. */
static enum bf_store_result
end_claim(struct claim *claim, sqlite3_stmt *statement,
    enum bf_store_result result)
{
	sqlite3_reset(statement);
	if (result == BF_STORE_OK)
		return result;
	while (*claim->count > 0) {
		struct bf_delivery_row *row = &claim->rows[--*claim->count];

		bf_event_unref(&row->event);
		bf_recipients_free(&row->settled);
	}
	return result;
}

enum bf_store_result
bf_sqlite_claim_fresh(struct bf_store *store, uint32_t channel, uint64_t after,
    size_t limit, size_t bytes, struct bf_delivery_row *rows, size_t *count,
    bool *more, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	struct claim claim = { rows, count, limit, bytes, 0 };
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	sqlite3_stmt *statement;
	bool row = true;

	*count = 0;
	*more = false;
	if (result != BF_STORE_OK)
		return result;
	statement = bf_sqlite_statement(sqlite, BF_SQL_CLAIM_FRESH);
	sqlite3_bind_int64(statement, 1, channel);
	sqlite3_bind_int64(statement, 2, (int64_t)after);
	while (result == BF_STORE_OK && row && !*more) {
		result = bf_sqlite_step(sqlite, statement, &row,
		    "claim fresh deliveries", err);
		if (row)
			result = take(sqlite, &claim, statement, more, err);
	}
	return end_claim(&claim, statement, result);
}

enum bf_store_result
bf_sqlite_claim_retries(struct bf_store *store, uint32_t channel,
    struct bf_instant after_due, uint64_t after, struct bf_instant now,
    size_t limit, size_t bytes, struct bf_delivery_row *rows, size_t *count,
    struct bf_instant *next_due, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	struct claim claim = { rows, count, limit, bytes, 0 };
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	sqlite3_stmt *statement;
	bool row = true;
	bool full = false;

	*count = 0;
	next_due->ms = 0;
	if (result != BF_STORE_OK)
		return result;
	statement = bf_sqlite_statement(sqlite, BF_SQL_CLAIM_RETRIES);
	sqlite3_bind_int64(statement, 1, channel);
	sqlite3_bind_int64(statement, 2, after_due.ms);
	sqlite3_bind_int64(statement, 3, (int64_t)after);
	while (result == BF_STORE_OK && row && !full) {
		int64_t due_ms;

		result = bf_sqlite_step(sqlite, statement, &row,
		    "claim retries", err);
		if (!row)
			break;
		due_ms = sqlite3_column_int64(statement, 6);
		full = due_ms > now.ms;
		if (!full)
			result = take(sqlite, &claim, statement, &full, err);
		if (full)
			next_due->ms = due_ms;
		else if (due_ms > sqlite->claimed_ms)
			sqlite->claimed_ms = due_ms;
	}
	return end_claim(&claim, statement, result);
}

int64_t
bf_sqlite_due(const struct bf_sqlite *sqlite, int64_t due_ms)
{
	return due_ms > sqlite->claimed_ms ? due_ms : sqlite->claimed_ms + 1;
}

/* ---- the backlog ---- */

struct backlog {
	struct bf_backlog *items;
	size_t count;
	size_t room;
};

static void
add_item(struct backlog *backlog, struct bf_backlog item)
{
	if (backlog->count == backlog->room) {
		backlog->room = backlog->room ? 2 * backlog->room : 16;
		backlog->items = bf_resize(backlog->items, backlog->room,
		    sizeof(*backlog->items));
	}
	backlog->items[backlog->count++] = item;
}

static enum bf_store_result
count_fresh(struct bf_sqlite *sqlite, struct backlog *backlog,
    struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_BACKLOG_FRESH);
	enum bf_store_result result;
	bool row;

	while ((result = bf_sqlite_step(sqlite, statement, &row,
		    "count what is fresh", err)) == BF_STORE_OK &&
	       row)
		add_item(backlog,
		    (struct bf_backlog){
			.channel = (uint32_t)sqlite3_column_int64(statement, 0),
			.fresh = sqlite3_column_int64(statement, 1),
		    });
	return result;
}

static enum bf_store_result
count_retries(struct bf_sqlite *sqlite, struct backlog *backlog,
    struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_BACKLOG_RETRIES);
	enum bf_store_result result;
	bool row;

	while ((result = bf_sqlite_step(sqlite, statement, &row,
		    "count retries", err)) == BF_STORE_OK &&
	       row)
		add_item(backlog,
		    (struct bf_backlog){
			.channel = (uint32_t)sqlite3_column_int64(statement, 0),
			.retries = sqlite3_column_int64(statement, 1),
			.next_due = { sqlite3_column_int64(statement, 2) },
		    });
	return result;
}

static int
by_channel(const void *left, const void *right)
{
	const struct bf_backlog *a = left;
	const struct bf_backlog *b = right;

	return (a->channel > b->channel) - (a->channel < b->channel);
}

/* Makes one item of the two that a channel may have. */
static void
join_channels(struct backlog *backlog)
{
	struct bf_backlog *items = backlog->items;
	size_t count = 0;

	if (backlog->count == 0)
		return;
	qsort(items, backlog->count, sizeof(*items), by_channel);
	for (size_t i = 1; i < backlog->count; i++) {
		if (items[i].channel != items[count].channel) {
			items[++count] = items[i];
			continue;
		}
		items[count].fresh += items[i].fresh;
		items[count].retries += items[i].retries;
		items[count].next_due.ms += items[i].next_due.ms;
	}
	backlog->count = count + 1;
}

enum bf_store_result
bf_sqlite_backlog(struct bf_store *store, struct bf_backlog **items,
    size_t *count, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	struct backlog backlog = { 0 };
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);

	if (result == BF_STORE_OK)
		result = count_fresh(sqlite, &backlog, err);
	if (result == BF_STORE_OK)
		result = count_retries(sqlite, &backlog, err);
	if (result != BF_STORE_OK)
		backlog.count = 0;
	join_channels(&backlog);
	*items = backlog.items;
	*count = backlog.count;
	return result;
}
