/*
 * sqlite_commit.c - batches
 *
 * One transaction a batch. Every change is written so that making it once more
 * does no harm: a commit that failed at its very end may be found on the disk
 * after a crash, and the caller makes the same batch again in any case. So an
 * event whose id is there is a repeat, and a finish that was recorded is late.
 *
 * New events, and attempts, are added by one statement for all. Should one of
 * the events be there already, the transaction is begun again, and each is
 * added by itself: that tells which.
 */
#include "core/store/sqlite_private.h"

#include <string.h>

#define DIGEST_SIZE 32

/* A log that nobody moves into the file must not grow for ever; callers do it
 * in a quieter moment, long before this many pages. */
#define LOG_PAGES_MAX 8192

/* ---- idempotency keys ---- */

static enum bf_store_result
find_key(struct bf_sqlite *sqlite, struct bf_append *append, bool *found,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_KEY_FIND);
	enum bf_store_result result;
	bool same;

	bf_sqlite_bind_text(statement, 1, append->event->tenant);
	bf_sqlite_bind_text(statement, 2, append->key);
	sqlite3_bind_int64(statement, 3, (int64_t)append->key_since);
	result = bf_sqlite_step(sqlite, statement, found,
	    "find idempotency key", err);
	if (!*found)
		return result;
	same = sqlite3_column_bytes(statement, 1) == DIGEST_SIZE &&
	       memcmp(sqlite3_column_blob(statement, 1), append->digest,
		   DIGEST_SIZE) == 0;
	append->result = same ? BF_REPEATED : BF_CONFLICT;
	append->found = (uint64_t)sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return BF_STORE_OK;
}

static enum bf_store_result
add_key(struct bf_sqlite *sqlite, const struct bf_append *append,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_KEY_ADD);

	bf_sqlite_bind_text(statement, 1, append->event->tenant);
	bf_sqlite_bind_text(statement, 2, append->key);
	sqlite3_bind_int64(statement, 3, (int64_t)append->event->id);
	sqlite3_bind_blob(statement, 4, append->digest, DIGEST_SIZE,
	    SQLITE_STATIC);
	return bf_sqlite_run(sqlite, statement, "add idempotency key", err);
}

/* ---- append ---- */

/* An id that is there already: the same event once more, or a clash. */
static enum bf_store_result
compare_event(struct bf_sqlite *sqlite, struct bf_append *append,
    struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_EVENT_SAME);
	const struct bf_event *event = append->event;
	enum bf_store_result result;
	bool same;

	sqlite3_bind_int64(statement, 1, (int64_t)event->id);
	bf_sqlite_bind_text(statement, 2, event->tenant);
	sqlite3_bind_text64(statement, 3, event->json.data, event->json.size,
	    SQLITE_STATIC, SQLITE_UTF8);
	result = bf_sqlite_step(sqlite, statement, &same, "compare event", err);
	sqlite3_reset(statement);
	append->result = same ? BF_REPEATED : BF_CONFLICT;
	append->found = event->id;
	return result;
}

/* Adds the events that were gathered, but for those that are there, and says
 * how many were added. */
static enum bf_store_result
add_events(struct bf_sqlite *sqlite, size_t *added, struct bf_error *err)
{
	enum bf_store_result result = bf_sqlite_run(sqlite,
	    bf_sqlite_statement(sqlite, BF_SQL_EVENTS_ADD), "add events", err);

	*added = (size_t)sqlite3_changes(sqlite->db);
	return result;
}

static enum bf_store_result
add_deliveries(struct bf_sqlite *sqlite, struct bf_error *err)
{
	return bf_sqlite_run(sqlite,
	    bf_sqlite_statement(sqlite, BF_SQL_DELIVERIES_ADD),
	    "add deliveries", err);
}

/* Counts what was added for its tenants; of no effect after a failure. */
static void
count_events(struct bf_sqlite *sqlite)
{
	for (size_t i = 0; i < sqlite->rows.event_count; i++) {
		const struct bf_append *append = sqlite->rows.events[i].append;

		bf_sqlite_usage_add(sqlite, append->event->tenant, 1,
		    bf_append_bytes(append));
	}
}

/* Notes an event for add_events. */
static enum bf_store_result
gather_event(struct bf_sqlite *sqlite, const struct bf_append *append,
    struct bf_error *err)
{
	enum bf_store_result result;
	int64_t type;

	result = bf_sqlite_type_number(sqlite, append->event->type, true, &type,
	    err);
	if (result != BF_STORE_OK)
		return result;
	bf_sqlite_rows_add_event(&sqlite->rows, append, type);
	for (size_t i = 0; i < append->channel_count; i++)
		bf_sqlite_expire_added(sqlite, append->expires[i].ms);
	return BF_STORE_OK;
}

/* One event by itself. */
static enum bf_store_result
append_alone(struct bf_sqlite *sqlite, struct bf_append *append,
    struct bf_error *err)
{
	enum bf_store_result result = BF_STORE_OK;
	bool found = false;
	size_t added = 0;

	bf_sqlite_rows_clear(&sqlite->rows);
	if (append->key)
		result = find_key(sqlite, append, &found, err);
	if (result == BF_STORE_OK && !found)
		result = gather_event(sqlite, append, err);
	if (result != BF_STORE_OK || found)
		return result;
	result = add_events(sqlite, &added, err);
	if (result == BF_STORE_OK && added == 0)
		return compare_event(sqlite, append, err);
	count_events(sqlite);
	if (result == BF_STORE_OK)
		result = add_deliveries(sqlite, err);
	if (result == BF_STORE_OK && append->key)
		result = add_key(sqlite, append, err);
	return result;
}

/* The appends of a part of the batch, from first to before end; those that
 * nothing needs to be looked up for together, last. *clash: one of these was
 * there already. */
static enum bf_store_result
append_events(struct bf_sqlite *sqlite, struct bf_change *first,
    const struct bf_change *end, bool together, bool *clash,
    struct bf_error *err)
{
	enum bf_store_result result = BF_STORE_OK;
	struct bf_change *change;
	size_t added;

	for (change = first; result == BF_STORE_OK && change != end;
	     change = change->next) {
		struct bf_append *append = &change->append;

		if (change->kind != BF_CHANGE_APPEND)
			continue;
		append->result = BF_APPENDED;
		append->found = 0;
		if (!together || append->key || append->resent)
			result = append_alone(sqlite, append, err);
	}
	bf_sqlite_rows_clear(&sqlite->rows);
	for (change = first; together && result == BF_STORE_OK && change != end;
	     change = change->next) {
		const struct bf_append *append = &change->append;

		if (change->kind == BF_CHANGE_APPEND && !append->key &&
		    !append->resent)
			result = gather_event(sqlite, append, err);
	}
	if (result != BF_STORE_OK || sqlite->rows.event_count == 0)
		return result;
	result = add_events(sqlite, &added, err);
	*clash = result == BF_STORE_OK && added < sqlite->rows.event_count;
	count_events(sqlite);
	return result == BF_STORE_OK && !*clash ? add_deliveries(sqlite, err)
						: result;
}

/* ---- finish ---- */

/* What is above BF_ATTEMPTS_KEPT, but for recipients that still count. */
static enum bf_store_result
drop_attempts(struct bf_sqlite *sqlite, const struct bf_finish *finish,
    struct bf_error *err)
{
	static const enum bf_sql steps[] = { BF_SQL_ATTEMPTS_DROP,
		BF_SQL_ATTEMPTS_DROP_RECIPIENTS };
	const int last = finish->attempt->number - BF_ATTEMPTS_KEPT;
	enum bf_store_result result = BF_STORE_OK;

	for (size_t i = 0; last > 0 && i < 2 && result == BF_STORE_OK; i++) {
		sqlite3_stmt *statement = bf_sqlite_statement(sqlite, steps[i]);

		sqlite3_bind_int64(statement, 1, (int64_t)finish->id.event);
		sqlite3_bind_int64(statement, 2, finish->id.channel);
		sqlite3_bind_int(statement, 3, last);
		result = bf_sqlite_run(sqlite, statement, "drop attempts", err);
	}
	return result;
}

static enum bf_store_result
finish_delivery(struct bf_sqlite *sqlite, struct bf_finish *finish,
    struct bf_error *err)
{
	const struct bf_attempt *attempt = finish->attempt;
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_FINISH);
	const bool again = finish->state <= BF_STATE_RETRY;
	enum bf_store_result result;

	sqlite3_bind_int64(statement, 1, (int64_t)finish->id.event);
	sqlite3_bind_int64(statement, 2, finish->id.channel);
	sqlite3_bind_int(statement, 3, finish->state);
	sqlite3_bind_int(statement, 4, finish->count);
	sqlite3_bind_int(statement, 5, attempt ? attempt->number : 0);
	sqlite3_bind_int(statement, 6, finish->crashes);
	/* What the caller still has in its queue keeps its place. */
	if (again && (!attempt || finish->due.ms == 0))
		sqlite3_bind_null(statement, 7);
	else
		sqlite3_bind_int64(statement, 7,
		    again ? bf_sqlite_due(sqlite, finish->due.ms)
			  : finish->now.ms);
	sqlite3_bind_int(statement, 8, finish->tries);
	sqlite3_bind_int64(statement, 9, attempt ? attempt->number : INT64_MAX);
	result = bf_sqlite_run(sqlite, statement, "finish delivery", err);
	finish->late =
	    result == BF_STORE_OK && sqlite3_changes(sqlite->db) == 0;
	if (result != BF_STORE_OK || !attempt || finish->late)
		return result;
	bf_sqlite_rows_add_attempt(&sqlite->rows, finish);
	result = bf_sqlite_recipients_add(sqlite, finish, err);
	return result == BF_STORE_OK ? drop_attempts(sqlite, finish, err)
				     : result;
}

/* The ends of a part of the batch. */
static enum bf_store_result
finish_deliveries(struct bf_sqlite *sqlite, struct bf_change *first,
    const struct bf_change *end, struct bf_error *err)
{
	enum bf_store_result result = BF_STORE_OK;

	bf_sqlite_rows_clear(&sqlite->rows);
	for (struct bf_change *change = first;
	     result == BF_STORE_OK && change != end; change = change->next) {
		if (change->kind == BF_CHANGE_FINISH)
			result = finish_delivery(sqlite, &change->finish, err);
	}
	if (result != BF_STORE_OK || sqlite->rows.attempt_count == 0)
		return result;
	return bf_sqlite_run(sqlite,
	    bf_sqlite_statement(sqlite, BF_SQL_ATTEMPTS_ADD), "add attempts",
	    err);
}

/* ---- settings ---- */

static enum bf_store_result
put_setting(struct bf_sqlite *sqlite, struct bf_change *change,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite,
	    change->put.value ? BF_SQL_SETTING_PUT : BF_SQL_SETTING_DROP);
	enum bf_store_result result;

	bf_sqlite_bind_text(statement, 1, change->put.name);
	if (change->put.value)
		bf_sqlite_bind_text(statement, 2, change->put.value);
	result = bf_sqlite_run(sqlite, statement, "put setting", err);
	change->put.forgotten = result == BF_STORE_OK && !change->put.value &&
				sqlite3_changes(sqlite->db) > 0;
	return result;
}

/* ---- the batch ---- */

static bool
is_plain(const struct bf_change *change)
{
	return change->kind == BF_CHANGE_APPEND ||
	       change->kind == BF_CHANGE_FINISH;
}

/* All changes. Runs of appends and finishes are made as a whole, appends
 * first: these touch no delivery that is there. */
static enum bf_store_result
apply(struct bf_sqlite *sqlite, struct bf_batch *batch, bool together,
    bool *clash, struct bf_error *err)
{
	struct bf_change *change = batch->first;
	enum bf_store_result result = BF_STORE_OK;

	*clash = false;
	while (change && result == BF_STORE_OK && !*clash) {
		struct bf_change *end = change;

		while (end && is_plain(end))
			end = end->next;
		if (end != change) {
			result = append_events(sqlite, change, end, together,
			    clash, err);
			if (result == BF_STORE_OK && !*clash)
				result =
				    finish_deliveries(sqlite, change, end, err);
			change = end;
			continue;
		}
		if (change->kind == BF_CHANGE_PUT)
			result = put_setting(sqlite, change, err);
		else if (change->kind == BF_CHANGE_AUDIT)
			result =
			    bf_sqlite_audit_add(sqlite, &change->audit, err);
		else
			result = bf_sqlite_select(sqlite, change, err);
		change = change->next;
	}
	return result;
}

static enum bf_store_result
commit(struct bf_sqlite *sqlite, struct bf_batch *batch, bool together,
    bool *clash, struct bf_error *err)
{
	enum bf_store_result result = bf_sqlite_begin(sqlite, err);

	if (result != BF_STORE_OK)
		return result;
	bf_sqlite_usage_forget(sqlite);
	result = apply(sqlite, batch, together, clash, err);
	if (result == BF_STORE_OK && !*clash)
		result = bf_sqlite_usage_write(sqlite, err);
	if (*clash) {
		bf_sqlite_end(sqlite, BF_STORE_AGAIN, "begin again", NULL);
		return BF_STORE_OK;
	}
	return bf_sqlite_end(sqlite, result, "commit", err);
}

enum bf_store_result
bf_sqlite_commit(struct bf_store *store, struct bf_batch *batch,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result;
	bool clash = false;

	if (!batch->first)
		return BF_STORE_OK;
	result = commit(sqlite, batch, true, &clash, err);
	if (result == BF_STORE_OK && clash)
		result = commit(sqlite, batch, false, &clash, err);
	if (result != BF_STORE_OK)
		return result;
	for (struct bf_change *change = batch->first; change;
	     change = change->next)
		bf_sqlite_select_done(change);
	if (sqlite->log_pages > LOG_PAGES_MAX)
		bf_sqlite_checkpoint(store, NULL);
	return BF_STORE_OK;
}
