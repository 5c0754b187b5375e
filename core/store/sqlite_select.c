/*
 * sqlite_select.c - cancel and replay
 *
 * What a selector means is looked for first and changed then, so that the walk
 * does not meet its own changes. A step looks at no more than so many rows: a
 * selector that fits one in a million must not hold up everybody's commits.
 */
#include "core/store/sqlite_scan.h"

#include <stdlib.h>

#include <belfry/memory.h>

#define ROWS_A_STEP 20000

static enum bf_sql
walk_of(const struct bf_change *change)
{
	if (change->kind == BF_CHANGE_CANCEL)
		return BF_SQL_SCAN_WAITING_UP;
	return change->select.failed_only ? BF_SQL_SCAN_FAILED_UP
					  : BF_SQL_SCAN_ALL_UP;
}

static unsigned
states_of(const struct bf_change *change)
{
	if (change->kind == BF_CHANGE_CANCEL)
		return BF_STATES_WAITING;
	return change->select.failed_only ? 1u << BF_STATE_FAILED
					  : BF_STATES_ENDED;
}

static void
bind_range(sqlite3_stmt *statement, const struct bf_selector *selector)
{
	uint64_t since = selector->since;
	uint64_t until = selector->until ? selector->until : INT64_MAX;

	if (selector->id.event != 0) {
		since = since > selector->id.event ? since : selector->id.event;
		until = selector->id.event + 1;
	}
	sqlite3_bind_int64(statement, 1, (int64_t)since);
	sqlite3_bind_int64(statement, 2, (int64_t)until);
}

/* Gathers what the selector means into changed, and where to go on. */
static enum bf_store_result
gather(struct bf_sqlite *sqlite, struct bf_change *change, struct bf_error *err)
{
	const struct bf_selector *selector = &change->select.selector;
	const struct bf_sqlite_filter filter = {
		.tenant = selector->tenant,
		.type = selector->type,
		.channel = selector->id.channel,
		.states = states_of(change),
	};
	enum bf_sqlite_scan_step step = BF_SCAN_ROW;
	struct bf_sqlite_scan scan;
	enum bf_store_result result;

	result =
	    bf_sqlite_scan_open(&scan, sqlite, walk_of(change), &filter, err);
	scan.limit = selector->id.event ? 0 : ROWS_A_STEP;
	bind_range(scan.statement, selector);
	while (result == BF_STORE_OK &&
	       change->select.count < change->select.limit &&
	       (step = bf_sqlite_scan_next(&scan, err)) == BF_SCAN_ROW) {
		change->select.was[change->select.count] =
		    bf_sqlite_scan_state(&scan);
		change->select.changed[change->select.count++] = scan.at;
	}
	if (step == BF_SCAN_FAILED)
		result = scan.result;
	change->select.more =
	    step == BF_SCAN_PAUSE ||
	    (step == BF_SCAN_ROW && bf_sqlite_scan_more(&scan));
	change->select.next = scan.at.event;
	bf_sqlite_scan_close(&scan);
	return result;
}

static enum bf_store_result
change_one(struct bf_sqlite *sqlite, const struct bf_change *change,
    size_t which, struct bf_error *err)
{
	const struct bf_delivery_id id = change->select.changed[which];
	const bool cancel = change->kind == BF_CHANGE_CANCEL;
	const int64_t now_ms = change->select.now.ms;
	const int64_t expires_ms = now_ms + change->select.max_age.ms;
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, cancel ? BF_SQL_CANCEL : BF_SQL_REPLAY);
	enum bf_store_result result;

	sqlite3_bind_int64(statement, 1, (int64_t)id.event);
	sqlite3_bind_int64(statement, 2, id.channel);
	sqlite3_bind_int64(statement, 3,
	    cancel ? now_ms : bf_sqlite_due(sqlite, now_ms));
	if (!cancel) {
		sqlite3_bind_int64(statement, 4, expires_ms);
		bf_sqlite_expire_added(sqlite, expires_ms);
	}
	result =
	    bf_sqlite_run(sqlite, statement, cancel ? "cancel" : "replay", err);
	if (result != BF_STORE_OK || cancel)
		return result;
	return bf_sqlite_recipients_unsettle(sqlite, id,
	    change->select.was[which], err);
}

enum bf_store_result
bf_sqlite_select(struct bf_sqlite *sqlite, struct bf_change *change,
    struct bf_error *err)
{
	enum bf_store_result result;

	free(change->select.changed); /* of a commit that failed */
	free(change->select.was);
	change->select.changed = bf_zalloc(change->select.limit + 1,
	    sizeof(*change->select.changed));
	change->select.was =
	    bf_zalloc(change->select.limit + 1, sizeof(*change->select.was));
	change->select.count = 0;
	result = gather(sqlite, change, err);
	for (size_t i = 0; result == BF_STORE_OK && i < change->select.count;
	     i++)
		result = change_one(sqlite, change, i, err);
	return result;
}

void
bf_sqlite_select_done(struct bf_change *change)
{
	if (change->kind != BF_CHANGE_CANCEL &&
	    change->kind != BF_CHANGE_REPLAY)
		return;
	if (change->select.more)
		change->select.selector.since = change->select.next;
}
