/*
 * sqlite_read.c - an event, a delivery, settings, channels
 */
#include "core/store/sqlite_private.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

/* ---- events and deliveries ---- */

static enum bf_store_result
give_deliveries(struct bf_sqlite *sqlite, struct bf_event *event,
    bf_store_row *give, void *context, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_EVENT_DELIVERIES);
	enum bf_store_result result;
	bool row;

	sqlite3_bind_int64(statement, 1, (int64_t)event->id);
	while ((result = bf_sqlite_step(sqlite, statement, &row,
		    "read deliveries", err)) == BF_STORE_OK &&
	       row) {
		struct bf_delivery_row delivery;

		result = bf_sqlite_delivery(sqlite, statement, &delivery, err);
		if (result != BF_STORE_OK)
			break;
		delivery.event = event;
		give(context, &delivery);
	}
	sqlite3_reset(statement);
	return result;
}

enum bf_store_result
bf_sqlite_get_event(struct bf_store *store, uint64_t id,
    struct bf_event **event, char **reason, bf_store_row *give, void *context,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);

	*event = NULL;
	*reason = NULL;
	if (result == BF_STORE_OK)
		result = bf_sqlite_fetch_event(sqlite, id, event, reason, err);
	if (*event && give)
		result = give_deliveries(sqlite, *event, give, context, err);
	if (result == BF_STORE_OK)
		return result;
	bf_event_unref(event);
	free(*reason);
	*reason = NULL;
	return result;
}

static int64_t
time_of(sqlite3_stmt *row, int column)
{
	return sqlite3_column_type(row, column) == SQLITE_NULL
		   ? -1
		   : sqlite3_column_int64(row, column);
}

/* The excerpt is NUL-terminated for those who print it. */
static void
read_attempt(sqlite3_stmt *row, struct bf_attempt *attempt)
{
	const void *excerpt = sqlite3_column_blob(row, 10);

	*attempt = (struct bf_attempt){
		.number = sqlite3_column_int(row, 0),
		.at = { sqlite3_column_int64(row, 1) },
		.took_us = sqlite3_column_int64(row, 2),
		.resolve_us = time_of(row, 3),
		.connect_us = time_of(row, 4),
		.tls_us = time_of(row, 5),
		.first_byte_us = time_of(row, 6),
		.outcome = sqlite3_column_int(row, 7),
		.status = sqlite3_column_int(row, 8),
		.why = bf_sqlite_text(row, 9),
	};
	if (!excerpt)
		return;
	attempt->excerpt_size = (size_t)sqlite3_column_bytes(row, 10);
	attempt->excerpt = bf_strndup(excerpt, attempt->excerpt_size);
}

static enum bf_store_result
give_attempts(struct bf_sqlite *sqlite, struct bf_delivery_id id,
    bf_store_attempt *give, void *context, struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_ATTEMPTS);
	enum bf_store_result result;
	bool row;

	sqlite3_bind_int64(statement, 1, (int64_t)id.event);
	sqlite3_bind_int64(statement, 2, id.channel);
	while ((result = bf_sqlite_step(sqlite, statement, &row,
		    "read attempts", err)) == BF_STORE_OK &&
	       row) {
		struct bf_attempt attempt;

		read_attempt(statement, &attempt);
		result = bf_sqlite_recipients_of(sqlite, id, attempt.number,
		    &attempt.recipients, err);
		if (result == BF_STORE_OK)
			give(context, &attempt);
		bf_attempt_clear(&attempt);
		if (result != BF_STORE_OK) {
			sqlite3_reset(statement);
			return result;
		}
	}
	return result;
}

enum bf_store_result
bf_sqlite_get_delivery(struct bf_store *store, struct bf_delivery_id id,
    struct bf_delivery_row *delivery, bool *found, bf_store_attempt *give,
    void *context, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);

	*found = false;
	if (result == BF_STORE_OK)
		result =
		    bf_sqlite_fetch_delivery(sqlite, id, delivery, found, err);
	if (result != BF_STORE_OK || !*found)
		return result;
	result = bf_sqlite_fetch_event(sqlite, id.event, &delivery->event, NULL,
	    err);
	if (result == BF_STORE_OK && !delivery->event)
		result = bf_sqlite_damaged(sqlite,
		    "a delivery's event is not there", err);
	if (result == BF_STORE_OK && give)
		result = give_attempts(sqlite, id, give, context, err);
	if (result != BF_STORE_OK) {
		bf_event_unref(&delivery->event);
		*found = false;
	}
	return result;
}

/* ---- settings ---- */

enum bf_store_result
bf_sqlite_get(struct bf_store *store, const char *name, char **value,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_SETTING);
	bool row;

	*value = NULL;
	if (result != BF_STORE_OK)
		return result;
	bf_sqlite_bind_text(statement, 1, name);
	result = bf_sqlite_step(sqlite, statement, &row, "read setting", err);
	if (row)
		*value = bf_sqlite_text(statement, 0);
	sqlite3_reset(statement);
	return result;
}

enum bf_store_result
bf_sqlite_settings(struct bf_store *store, const char *prefix,
    const char *above, bf_store_setting_more *give, void *context,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_SETTINGS);
	bool row = true;

	if (result != BF_STORE_OK)
		return result;
	bf_sqlite_bind_text(statement, 1,
	    above && strcmp(above, prefix) > 0 ? above : prefix);
	while ((result = bf_sqlite_step(sqlite, statement, &row,
		    "read settings", err)) == BF_STORE_OK &&
	       row) {
		const char *name =
		    (const char *)sqlite3_column_text(statement, 0);
		const char *value =
		    (const char *)sqlite3_column_text(statement, 1);

		if (!name || strncmp(name, prefix, strlen(prefix)) != 0)
			break;
		if (above && strcmp(name, above) <= 0)
			continue;
		if (!give(context, name, value ? value : ""))
			break;
	}
	sqlite3_reset(statement);
	return result;
}

/* ---- channels ---- */

static enum bf_store_result
find_channel(struct bf_sqlite *sqlite, struct bf_numbered_channel *channel,
    struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_CHANNEL_NUMBER);
	enum bf_store_result result;
	bool row;

	bf_sqlite_bind_text(statement, 1, channel->tenant);
	bf_sqlite_bind_text(statement, 2, channel->name);
	result = bf_sqlite_step(sqlite, statement, &row, "find channel", err);
	channel->number =
	    row ? (uint32_t)sqlite3_column_int64(statement, 0) : 0;
	sqlite3_reset(statement);
	return result;
}

static enum bf_store_result
add_channel(struct bf_sqlite *sqlite, struct bf_numbered_channel *channel,
    struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_CHANNEL_ADD);
	enum bf_store_result result;

	bf_sqlite_bind_text(statement, 1, channel->tenant);
	bf_sqlite_bind_text(statement, 2, channel->name);
	result = bf_sqlite_run(sqlite, statement, "add channel", err);
	if (result == BF_STORE_OK)
		channel->number =
		    (uint32_t)sqlite3_last_insert_rowid(sqlite->db);
	return result;
}

/* Adds, in one transaction, those that are not there. */
static enum bf_store_result
add_channels(struct bf_sqlite *sqlite, struct bf_numbered_channel *channels,
    size_t count, struct bf_error *err)
{
	enum bf_store_result result = bf_sqlite_begin(sqlite, err);

	if (result != BF_STORE_OK)
		return result;
	for (size_t i = 0; result == BF_STORE_OK && i < count; i++) {
		/* One may be there twice. */
		if (channels[i].number == 0)
			result = find_channel(sqlite, &channels[i], err);
		if (result == BF_STORE_OK && channels[i].number == 0)
			result = add_channel(sqlite, &channels[i], err);
	}
	return bf_sqlite_end(sqlite, result, "add channels", err);
}

enum bf_store_result
bf_sqlite_number_channels(struct bf_store *store,
    struct bf_numbered_channel *channels, size_t count, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	bool all = true;

	for (size_t i = 0; i < count; i++)
		channels[i].number = 0;
	for (size_t i = 0; result == BF_STORE_OK && i < count; i++) {
		result = find_channel(sqlite, &channels[i], err);
		all = all && channels[i].number != 0;
	}
	if (result == BF_STORE_OK && !all)
		result = add_channels(sqlite, channels, count, err);
	return result;
}

enum bf_store_result
bf_sqlite_channels(struct bf_store *store, bf_store_channel *give,
    void *context, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_CHANNELS);
	bool row = true;

	if (result != BF_STORE_OK)
		return result;
	while ((result = bf_sqlite_step(sqlite, statement, &row,
		    "read channels", err)) == BF_STORE_OK &&
	       row) {
		const char *tenant =
		    (const char *)sqlite3_column_text(statement, 1);
		const char *name =
		    (const char *)sqlite3_column_text(statement, 2);

		give(context, (uint32_t)sqlite3_column_int64(statement, 0),
		    tenant ? tenant : "", name ? name : "");
	}
	return result;
}
