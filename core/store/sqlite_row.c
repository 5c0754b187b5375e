/*
 * sqlite_row.c - rows to values
 *
 * A file may have been damaged where SQLite can't see it, so whatever is read
 * is checked for what the rest of belfry takes for granted.
 */
#include "core/store/sqlite_private.h"

#include <belfry/memory.h>

void
bf_sqlite_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	if (text)
		sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, index);
}

char *
bf_sqlite_text(sqlite3_stmt *row, int column)
{
	return bf_strdup((const char *)sqlite3_column_text(row, column));
}

enum bf_store_result
bf_sqlite_event(struct bf_sqlite *sqlite, sqlite3_stmt *row, int column,
    uint64_t id, struct bf_event **event, struct bf_error *err)
{
	const char *tenant = (const char *)sqlite3_column_text(row, column + 1);
	const char *json = (const char *)sqlite3_column_text(row, column + 3);
	const int size = sqlite3_column_bytes(row, column + 3);
	struct bf_buf text = { 0 };
	enum bf_store_result result;
	const char *type;

	result = bf_sqlite_type_name(sqlite, sqlite3_column_int64(row, column),
	    &type, err);
	if (result != BF_STORE_OK)
		return result;
	if (!type || !tenant || !json || size < 2 || json[0] != '{' ||
	    json[size - 1] != '}')
		return bf_sqlite_damaged(sqlite,
		    "a delivery's event is not there whole", err);
	bf_buf_add(&text, json, (size_t)size);
	*event = bf_event_new(id, type, "", BF_SEVERITY_INFO, tenant,
	    sqlite3_column_int64(row, column + 2), &text);
	return BF_STORE_OK;
}

enum bf_store_result
bf_sqlite_delivery(struct bf_sqlite *sqlite, sqlite3_stmt *row,
    struct bf_delivery_row *delivery, struct bf_error *err)
{
	const int state = sqlite3_column_int(row, 2);
	const struct bf_instant at = { sqlite3_column_int64(row, 6) };

	if (state < BF_STATE_SCHEDULED || state > BF_STATE_CANCELLED)
		return bf_sqlite_damaged(sqlite, "a delivery's state is none",
		    err);
	*delivery = (struct bf_delivery_row){
		.id = { (uint64_t)sqlite3_column_int64(row, 0),
		    (uint32_t)sqlite3_column_int64(row, 1) },
		.state = (enum bf_delivery_state)state,
		.tries = sqlite3_column_int(row, 3),
		.attempts = sqlite3_column_int(row, 4),
		.crashes = sqlite3_column_int(row, 5),
		.expires = { sqlite3_column_int64(row, 7) },
	};
	delivery->due =
	    state == BF_STATE_RETRY ? at : bf_id_instant(delivery->id.event);
	if (state > BF_STATE_RETRY)
		delivery->ended = at;
	return BF_STORE_OK;
}

enum bf_store_result
bf_sqlite_fetch_event(struct bf_sqlite *sqlite, uint64_t id,
    struct bf_event **event, char **reason, struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_EVENT);
	enum bf_store_result result;
	bool row;

	*event = NULL;
	sqlite3_bind_int64(statement, 1, (int64_t)id);
	result = bf_sqlite_step(sqlite, statement, &row, "read event", err);
	if (row)
		result = bf_sqlite_event(sqlite, statement, 0, id, event, err);
	if (row && result == BF_STORE_OK && reason)
		*reason = bf_sqlite_text(statement, 4);
	sqlite3_reset(statement);
	return result;
}

enum bf_store_result
bf_sqlite_fetch_delivery(struct bf_sqlite *sqlite, struct bf_delivery_id id,
    struct bf_delivery_row *delivery, bool *found, struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_DELIVERY);
	enum bf_store_result result;

	sqlite3_bind_int64(statement, 1, (int64_t)id.event);
	sqlite3_bind_int64(statement, 2, id.channel);
	result = bf_sqlite_step(sqlite, statement, found, "read delivery", err);
	if (*found)
		result = bf_sqlite_delivery(sqlite, statement, delivery, err);
	sqlite3_reset(statement);
	return result;
}
