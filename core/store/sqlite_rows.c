/*
 * sqlite_rows.c - rows in memory, as tables that SQLite can select from
 *
 * Eponymous virtual tables: there is nothing of them in the file, they exist
 * by being registered. They can only be read from beginning to end.
 */
#include "core/store/sqlite_rows.h"

#include <stdlib.h>

#include <belfry/memory.h>

/* Where a reader is: part counts the deliveries of an event. */
struct cursor {
	sqlite3_vtab_cursor base;
	size_t row;
	size_t part;
};

struct table {
	sqlite3_vtab base;
	const struct bf_sqlite_source *source;
};

struct bf_sqlite_row_kind {
	const char *name;
	const char *declaration;
	/* Whether there is a row here; may move on to one. */
	bool (*settle)(const struct bf_sqlite_rows *, struct cursor *);
	void (*column)(const struct bf_sqlite_rows *, const struct cursor *,
	    sqlite3_context *, int);
};

/* ---- events ---- */

static bool
settle_event(const struct bf_sqlite_rows *rows, struct cursor *cursor)
{
	cursor->row += cursor->part;
	cursor->part = 0;
	return cursor->row < rows->event_count;
}

static void
give_text(sqlite3_context *context, const char *text)
{
	if (text)
		sqlite3_result_text(context, text, -1, SQLITE_STATIC);
}

static void
event_column(const struct bf_sqlite_rows *rows, const struct cursor *cursor,
    sqlite3_context *context, int column)
{
	const struct bf_sqlite_new_event *row = rows->events + cursor->row;
	const struct bf_event *event = row->append->event;

	switch (column) {
	case 0:
		sqlite3_result_int64(context, (int64_t)event->id);
		break;
	case 1:
		sqlite3_result_int64(context, row->type);
		break;
	case 2:
		give_text(context, event->tenant);
		break;
	case 3:
		sqlite3_result_int64(context, event->timestamp_us);
		break;
	case 4:
		give_text(context, row->append->reason);
		break;
	default:
		sqlite3_result_text64(context, event->json.data,
		    event->json.size, SQLITE_STATIC, SQLITE_UTF8);
	}
}

/* ---- their deliveries ---- */

static bool
settle_delivery(const struct bf_sqlite_rows *rows, struct cursor *cursor)
{
	while (
	    cursor->row < rows->event_count &&
	    cursor->part >= rows->events[cursor->row].append->channel_count) {
		cursor->row++;
		cursor->part = 0;
	}
	return cursor->row < rows->event_count;
}

static void
delivery_column(const struct bf_sqlite_rows *rows, const struct cursor *cursor,
    sqlite3_context *context, int column)
{
	const struct bf_sqlite_new_event *row = rows->events + cursor->row;
	const struct bf_append *append = row->append;
	const uint64_t id = append->event->id;

	switch (column) {
	case 0:
		sqlite3_result_int64(context, (int64_t)id);
		break;
	case 1:
		sqlite3_result_int64(context, append->channels[cursor->part]);
		break;
	case 2:
		sqlite3_result_int64(context, bf_id_instant(id).ms);
		break;
	case 3:
		sqlite3_result_int64(context, append->expires[cursor->part].ms);
		break;
	default:
		sqlite3_result_int64(context, row->type);
	}
}

/* ---- attempts ---- */

static bool
settle_attempt(const struct bf_sqlite_rows *rows, struct cursor *cursor)
{
	cursor->row += cursor->part;
	cursor->part = 0;
	return cursor->row < rows->attempt_count;
}

/* A time that was not measured is NULL, as is a column left alone. */
static void
give_time(sqlite3_context *context, int64_t us)
{
	if (us >= 0)
		sqlite3_result_int64(context, us);
}

static void
give_excerpt(sqlite3_context *context, const struct bf_attempt *attempt)
{
	if (attempt->excerpt)
		sqlite3_result_blob64(context, attempt->excerpt,
		    attempt->excerpt_size, SQLITE_STATIC);
}

static void
attempt_column(const struct bf_sqlite_rows *rows, const struct cursor *cursor,
    sqlite3_context *context, int column)
{
	const struct bf_finish *finish = rows->attempts[cursor->row];
	const struct bf_attempt *attempt = finish->attempt;

	switch (column) {
	case 0:
		sqlite3_result_int64(context, (int64_t)finish->id.event);
		break;
	case 1:
		sqlite3_result_int64(context, finish->id.channel);
		break;
	case 2:
		sqlite3_result_int(context, attempt->number);
		break;
	case 3:
		sqlite3_result_int64(context, attempt->at.ms);
		break;
	case 4:
		sqlite3_result_int64(context, attempt->took_us);
		break;
	case 5:
		give_time(context, attempt->resolve_us);
		break;
	case 6:
		give_time(context, attempt->connect_us);
		break;
	case 7:
		give_time(context, attempt->tls_us);
		break;
	case 8:
		give_time(context, attempt->first_byte_us);
		break;
	case 9:
		sqlite3_result_int(context, attempt->outcome);
		break;
	case 10:
		sqlite3_result_int(context, attempt->status);
		break;
	case 11:
		give_text(context, attempt->why);
		break;
	default:
		give_excerpt(context, attempt);
	}
}

/* ---- the tables ---- */

static const struct bf_sqlite_row_kind kinds[] = {
	{ "new_event",
	    "CREATE TABLE x (id, type, tenant, timestamp_us, reason, json)",
	    settle_event, event_column },
	{ "new_delivery",
	    "CREATE TABLE x (event, channel, at_ms, expires_ms, type)",
	    settle_delivery, delivery_column },
	{ "new_attempt",
	    "CREATE TABLE x (event, channel, number, at_ms, took_us, "
	    "resolve_us, connect_us, tls_us, first_byte_us, outcome, status, "
	    "why, excerpt)",
	    settle_attempt, attempt_column },
};

static const struct bf_sqlite_source *
source_of(sqlite3_vtab_cursor *base)
{
	return ((struct table *)base->pVtab)->source;
}

static int
connect_table(sqlite3 *db, void *context, int count, const char *const *words,
    sqlite3_vtab **base, char **message)
{
	const struct bf_sqlite_source *source = context;
	struct table *table = bf_new(struct table);

	(void)count;
	(void)words;
	(void)message;
	table->source = source;
	*base = &table->base;
	return sqlite3_declare_vtab(db, source->kind->declaration);
}

static int
disconnect_table(sqlite3_vtab *base)
{
	free(base);
	return SQLITE_OK;
}

static int
plan(sqlite3_vtab *base, sqlite3_index_info *info)
{
	(void)base;
	info->estimatedCost = 100;
	return SQLITE_OK;
}

static int
open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **cursor)
{
	(void)base;
	*cursor = &bf_new(struct cursor)->base;
	return SQLITE_OK;
}

static int
close_cursor(sqlite3_vtab_cursor *base)
{
	free(base);
	return SQLITE_OK;
}

static int
go_to_first(sqlite3_vtab_cursor *base, int plan_number, const char *plan_text,
    int count, sqlite3_value **values)
{
	struct cursor *cursor = (struct cursor *)base;

	(void)plan_number;
	(void)plan_text;
	(void)count;
	(void)values;
	cursor->row = 0;
	cursor->part = 0;
	return SQLITE_OK;
}

static int
go_to_next(sqlite3_vtab_cursor *base)
{
	((struct cursor *)base)->part++;
	return SQLITE_OK;
}

static int
is_at_end(sqlite3_vtab_cursor *base)
{
	const struct bf_sqlite_source *source = source_of(base);

	return !source->kind->settle(source->rows, (struct cursor *)base);
}

static int
give_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	const struct bf_sqlite_source *source = source_of(base);

	source->kind->column(source->rows, (struct cursor *)base, context,
	    column);
	return SQLITE_OK;
}

static int
give_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
	*rowid = (sqlite3_int64)((struct cursor *)base)->row;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xConnect = connect_table,
	.xDisconnect = disconnect_table,
	.xBestIndex = plan,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = go_to_first,
	.xNext = go_to_next,
	.xEof = is_at_end,
	.xColumn = give_column,
	.xRowid = give_rowid,
};

int
bf_sqlite_rows_register(struct bf_sqlite_rows *rows, sqlite3 *db)
{
	int code = SQLITE_OK;

	for (size_t i = 0;
	     code == SQLITE_OK && i < sizeof(kinds) / sizeof(*kinds); i++) {
		rows->sources[i].rows = rows;
		rows->sources[i].kind = kinds + i;
		code = sqlite3_create_module(db, kinds[i].name, &module,
		    rows->sources + i);
	}
	return code;
}

/* ---- the rows ---- */

void
bf_sqlite_rows_add_event(struct bf_sqlite_rows *rows,
    const struct bf_append *append, int64_t type)
{
	if (rows->event_count == rows->event_room) {
		rows->event_room = 2 * rows->event_room + 16;
		rows->events = bf_resize(rows->events, rows->event_room,
		    sizeof(*rows->events));
	}
	rows->events[rows->event_count++] =
	    (struct bf_sqlite_new_event){ append, type };
}

void
bf_sqlite_rows_add_attempt(struct bf_sqlite_rows *rows,
    const struct bf_finish *finish)
{
	if (rows->attempt_count == rows->attempt_room) {
		rows->attempt_room = 2 * rows->attempt_room + 16;
		rows->attempts = bf_resize(rows->attempts, rows->attempt_room,
		    sizeof(*rows->attempts));
	}
	rows->attempts[rows->attempt_count++] = finish;
}

void
bf_sqlite_rows_clear(struct bf_sqlite_rows *rows)
{
	rows->event_count = 0;
	rows->attempt_count = 0;
}

void
bf_sqlite_rows_free(struct bf_sqlite_rows *rows)
{
	free(rows->events);
	free(rows->attempts);
	*rows = (struct bf_sqlite_rows){ 0 };
}
