/*
 * sqlite_scan.c - walking over deliveries by a filter, in bounded steps
 */
#include "core/store/sqlite_scan.h"

#include <stdlib.h>

#include <belfry/clock.h>
#include <belfry/memory.h>

#define ROWS_A_LOOK 128 /* between looks at the clock */

static int
compare_channels(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left;
	const uint32_t b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* Channels belong to a tenant, deliveries to a channel. */
static enum bf_store_result
read_channels(struct bf_sqlite_scan *scan, const char *tenant,
    struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(scan->sqlite, BF_SQL_CHANNELS_OF_TENANT);
	size_t room = 0;
	enum bf_store_result result;
	bool row;

	bf_sqlite_bind_text(statement, 1, tenant);
	while ((result = bf_sqlite_step(scan->sqlite, statement, &row,
		    "read channels", err)) == BF_STORE_OK &&
	       row) {
		if (scan->channel_count == room) {
			room = room ? 2 * room : 16;
			scan->channels = bf_resize(scan->channels, room,
			    sizeof(*scan->channels));
		}
		scan->channels[scan->channel_count++] =
		    (uint32_t)sqlite3_column_int64(statement, 0);
	}
	if (scan->channel_count > 0)
		qsort(scan->channels, scan->channel_count,
		    sizeof(*scan->channels), compare_channels);
	return result;
}

enum bf_store_result
bf_sqlite_scan_open(struct bf_sqlite_scan *scan, struct bf_sqlite *sqlite,
    enum bf_sql statement, const struct bf_sqlite_filter *filter,
    struct bf_error *err)
{
	enum bf_store_result result = BF_STORE_OK;

	*scan = (struct bf_sqlite_scan){
		.sqlite = sqlite,
		.statement = bf_sqlite_statement(sqlite, statement),
		.filter = filter,
	};
	if (filter->tenant)
		result = read_channels(scan, filter->tenant, err);
	if (result == BF_STORE_OK && filter->type)
		result = bf_sqlite_type_number(sqlite, filter->type, false,
		    &scan->type, err);
	scan->nothing = (filter->tenant && scan->channel_count == 0) ||
			(filter->type && scan->type == 0);
	return result;
}

static bool
passes(const struct bf_sqlite_scan *scan)
{
	const struct bf_sqlite_filter *filter = scan->filter;
	const uint32_t channel = scan->at.channel;
	const int state = sqlite3_column_int(scan->statement, 2);

	if (filter->channel != 0 && channel != filter->channel)
		return false;
	if (state < 0 || state > BF_STATE_CANCELLED ||
	    !(filter->states & 1u << state))
		return false;
	if (scan->type != 0 &&
	    sqlite3_column_int64(scan->statement, 3) != scan->type)
		return false;
	return !filter->tenant ||
	       bsearch(&channel, scan->channels, scan->channel_count,
		   sizeof(*scan->channels), compare_channels) != NULL;
}

static bool
late(const struct bf_sqlite_scan *scan)
{
	const int64_t deadline_ms = scan->sqlite->deadline_ms;

	return deadline_ms != 0 && scan->seen > 0 &&
	       scan->seen % ROWS_A_LOOK == 0 &&
	       bf_clock_monotonic_ms() >= deadline_ms;
}

/* Moves to the next row; false when the limit of rows is reached there. */
static bool
move(struct bf_sqlite_scan *scan)
{
	const uint64_t before = scan->at.event;

	scan->at = (struct bf_delivery_id){
		(uint64_t)sqlite3_column_int64(scan->statement, 0),
		(uint32_t)sqlite3_column_int64(scan->statement, 1),
	};
	scan->seen++;
	return scan->limit == 0 || scan->seen <= scan->limit ||
	       scan->at.event == before;
}

enum bf_sqlite_scan_step
bf_sqlite_scan_next(struct bf_sqlite_scan *scan, struct bf_error *err)
{
	while (!scan->nothing) {
		bool row;

		if (late(scan))
			return BF_SCAN_PAUSE;
		scan->result = bf_sqlite_step(scan->sqlite, scan->statement,
		    &row, "walk over deliveries", err);
		if (scan->result != BF_STORE_OK && scan->seen > 0 &&
		    sqlite3_errcode(scan->sqlite->db) == SQLITE_INTERRUPT)
			return BF_SCAN_PAUSE;
		if (scan->result != BF_STORE_OK)
			return BF_SCAN_FAILED;
		if (!row)
			break;
		if (!move(scan))
			return BF_SCAN_PAUSE;
		if (passes(scan))
			return BF_SCAN_ROW;
	}
	return BF_SCAN_END;
}

enum bf_delivery_state
bf_sqlite_scan_state(const struct bf_sqlite_scan *scan)
{
	return (enum bf_delivery_state)sqlite3_column_int(scan->statement, 2);
}

bool
bf_sqlite_scan_more(struct bf_sqlite_scan *scan)
{
	return !scan->nothing && sqlite3_step(scan->statement) != SQLITE_DONE;
}

void
bf_sqlite_scan_close(struct bf_sqlite_scan *scan)
{
	sqlite3_reset(scan->statement);
	free(scan->channels);
	scan->channels = NULL;
}
