/*
 * sqlite_list.c - lists of deliveries and events, newest first
 *
 * A list is a walk from the newest down: what passes the filter is fetched by
 * its key. A walk that meets nothing among millions of rows is ended by the
 * deadline, so that it does not keep the log from being started anew, and says
 * how far it came.
 */
#include "core/store/sqlite_scan.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/clock.h>

#define ROWS_A_LOOK 64 /* between looks at the clock */

/* What a list has so far. */
struct page {
	size_t rows;
	size_t bytes; /* of subjects */
};

static void
count_row(struct page *page, const struct bf_event *event)
{
	page->rows++;
	page->bytes += strlen(bf_event_subject(event));
}

static bool
is_full(const struct page *page, const struct bf_query *query)
{
	return page->rows >= query->limit ||
	       (query->bytes > 0 && page->bytes >= query->bytes);
}

/* ---- deliveries ---- */

static const struct {
	enum bf_sql walk;
	unsigned states;
} walks[] = {
	[BF_STATE_SCHEDULED] = { BF_SQL_SCAN_WAITING_DOWN, BF_STATES_WAITING },
	[BF_STATE_RETRY] = { BF_SQL_SCAN_WAITING_DOWN, BF_STATES_WAITING },
	[BF_STATE_DELIVERED] = { BF_SQL_SCAN_ALL_DOWN,
	    1u << BF_STATE_DELIVERED },
	[BF_STATE_FAILED] = { BF_SQL_SCAN_FAILED_DOWN, 1u << BF_STATE_FAILED },
	[BF_STATE_CANCELLED] = { BF_SQL_SCAN_ALL_DOWN,
	    1u << BF_STATE_CANCELLED },
	[BF_STATE_CANCELLED + 1] = { BF_SQL_SCAN_ALL_DOWN,
	    BF_STATES_WAITING | BF_STATES_ENDED },
};

/* Binds what lies below query's before and until, down to since. */
static void
bind_range(sqlite3_stmt *statement, const struct bf_query *query)
{
	const uint64_t until = query->until ? query->until : INT64_MAX;
	struct bf_delivery_id below = { until, 0 };

	if (query->before.event != 0 && query->before.event < until)
		below = query->before;
	sqlite3_bind_int64(statement, 1, (int64_t)below.event);
	sqlite3_bind_int64(statement, 2, below.channel);
	sqlite3_bind_int64(statement, 3, (int64_t)query->since);
}

/* Fetches the delivery that the walk is at and hands it to the caller. The
 * event before is kept: several deliveries of one stand together. */
static enum bf_store_result
give_delivery(struct bf_sqlite *sqlite, struct bf_delivery_id id,
    struct bf_event **event, bf_store_row *give, void *context,
    struct bf_error *err)
{
	struct bf_delivery_row row;
	enum bf_store_result result;
	bool found;

	result = bf_sqlite_fetch_delivery(sqlite, id, &row, &found, err);
	if (result != BF_STORE_OK)
		return result;
	if (*event && (*event)->id != id.event)
		bf_event_unref(event);
	if (!*event)
		result =
		    bf_sqlite_fetch_event(sqlite, id.event, event, NULL, err);
	if (result != BF_STORE_OK)
		return result;
	if (!found || !*event)
		return bf_sqlite_damaged(sqlite,
		    "a delivery or its event is not where an index says", err);
	row.event = *event;
	give(context, &row);
	return BF_STORE_OK;
}

/* Follows the walk to the query's limits, its end or the deadline. */
static enum bf_store_result
follow(struct bf_sqlite_scan *scan, const struct bf_query *query,
    bf_store_row *give, void *context, struct bf_delivery_id *next,
    struct bf_error *err)
{
	enum bf_store_result result = BF_STORE_OK;
	enum bf_sqlite_scan_step step = BF_SCAN_END;
	struct bf_event *event = NULL;
	struct bf_delivery_id last = { 0 };
	struct page page = { 0 };

	while (result == BF_STORE_OK && !is_full(&page, query) &&
	       (step = bf_sqlite_scan_next(scan, err)) == BF_SCAN_ROW) {
		result = give_delivery(scan->sqlite, scan->at, &event, give,
		    context, err);
		if (result == BF_STORE_OK) {
			last = scan->at;
			count_row(&page, event);
		}
	}
	bf_event_unref(&event);
	if (result == BF_STORE_AGAIN && page.rows > 0) {
		*next = last; /* out of time while fetching the one after */
		return BF_STORE_OK;
	}
	if (result != BF_STORE_OK || step == BF_SCAN_FAILED)
		return result != BF_STORE_OK ? result : scan->result;
	if (step == BF_SCAN_PAUSE)
		*next = scan->at;
	else if (step == BF_SCAN_ROW && bf_sqlite_scan_more(scan))
		*next = last;
	return BF_STORE_OK;
}

enum bf_store_result
bf_sqlite_list(struct bf_store *store, const struct bf_query *query,
    bf_store_row *give, void *context, struct bf_delivery_id *next,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	const int index =
	    query->state < 0 ? BF_STATE_CANCELLED + 1 : query->state;
	const struct bf_sqlite_filter filter = {
		.tenant = query->tenant,
		.type = query->type,
		.channel = query->channel,
		.states = walks[index].states,
	};
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	struct bf_sqlite_scan scan;

	*next = (struct bf_delivery_id){ 0 };
	if (result != BF_STORE_OK)
		return result;
	result =
	    bf_sqlite_scan_open(&scan, sqlite, walks[index].walk, &filter, err);
	bind_range(scan.statement, query);
	if (result == BF_STORE_OK)
		result = follow(&scan, query, give, context, next, err);
	bf_sqlite_scan_close(&scan);
	return result;
}

/* ---- events ---- */

/* Whether the row of the walk is one that the query means. */
static bool
event_passes(sqlite3_stmt *row, const struct bf_query *query, int64_t type)
{
	const char *tenant = (const char *)sqlite3_column_text(row, 2);

	if (type != 0 && sqlite3_column_int64(row, 1) != type)
		return false;
	return !query->tenant || (tenant && strcmp(tenant, query->tenant) == 0);
}

static enum bf_store_result
give_event(struct bf_sqlite *sqlite, uint64_t id, struct page *page,
    bf_store_event_row *give, void *context, struct bf_error *err)
{
	struct bf_event *event = NULL;
	char *reason = NULL;
	enum bf_store_result result =
	    bf_sqlite_fetch_event(sqlite, id, &event, &reason, err);

	if (event) {
		give(context, event, reason);
		count_row(page, event);
	}
	bf_event_unref(&event);
	free(reason);
	return result;
}

static void
bind_event_range(sqlite3_stmt *statement, const struct bf_query *query)
{
	uint64_t until = query->until ? query->until : INT64_MAX;

	if (query->before.event != 0 && query->before.event < until)
		until = query->before.event;
	sqlite3_bind_int64(statement, 1, (int64_t)until);
	sqlite3_bind_int64(statement, 2, (int64_t)query->since);
}

/* As follow, for events: *last is the last row that was dealt with. */
static enum bf_store_result
follow_events(struct bf_sqlite *sqlite, const struct bf_query *query,
    int64_t type, bf_store_event_row *give, void *context, uint64_t *last,
    bool *row, struct bf_error *err)
{
	sqlite3_stmt *walk = bf_sqlite_statement(sqlite, BF_SQL_EVENT_SCAN);
	enum bf_store_result result = BF_STORE_OK;
	struct page page = { 0 };

	*row = true;
	for (size_t seen = 1; result == BF_STORE_OK; seen++) {
		uint64_t id;

		result =
		    bf_sqlite_step(sqlite, walk, row, "walk over events", err);
		if (!*row || is_full(&page, query))
			break;
		id = (uint64_t)sqlite3_column_int64(walk, 0);
		if (event_passes(walk, query, type))
			result =
			    give_event(sqlite, id, &page, give, context, err);
		if (result == BF_STORE_OK)
			*last = id;
		if (sqlite->deadline_ms != 0 && seen % ROWS_A_LOOK == 0 &&
		    bf_clock_monotonic_ms() >= sqlite->deadline_ms)
			break;
	}
	sqlite3_reset(walk);
	return result;
}

enum bf_store_result
bf_sqlite_list_events(struct bf_store *store, const struct bf_query *query,
    bf_store_event_row *give, void *context, uint64_t *next,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	uint64_t last = 0;
	int64_t type = 0;
	bool row = true;

	*next = 0;
	if (result == BF_STORE_OK && query->type)
		result = bf_sqlite_type_number(sqlite, query->type, false,
		    &type, err);
	if (result != BF_STORE_OK || (query->type && type == 0))
		return result;
	bind_event_range(bf_sqlite_statement(sqlite, BF_SQL_EVENT_SCAN), query);
	result =
	    follow_events(sqlite, query, type, give, context, &last, &row, err);
	if (result == BF_STORE_AGAIN && last != 0)
		result = BF_STORE_OK;
	else if (!row)
		last = 0;
	if (result == BF_STORE_OK)
		*next = last;
	return result;
}
