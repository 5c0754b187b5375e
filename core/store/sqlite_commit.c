/*
 * sqlite_commit.c - batches
 *
 * One transaction a batch. Every change is written so that making it once more
 * does no harm: a commit that failed at its very end may be found on the disk
 * after a crash, and the caller makes the same batch again in any case. So an
 * event whose id is there is a repeat, and a finish that was recorded is late.
 */
#include "core/store/sqlite_private.h"

#include <string.h>

#define DIGEST_SIZE 32

/* A log that nobody moves into the file must not grow for ever; callers do it
 * in a quieter moment, long before this many pages. */
#define LOG_PAGES_MAX 8192

/* ---- append ---- */

static enum bf_store_result
find_key(struct bf_sqlite *sqlite, struct bf_append *append, bool *found,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_KEY_FIND);
	enum bf_store_result result;

	bf_sqlite_bind_text(statement, 1, append->event->tenant);
	bf_sqlite_bind_text(statement, 2, append->key);
	result = bf_sqlite_step(sqlite, statement, found,
	    "find idempotency key", err);
	if (!*found)
		return result;
	append->found = (uint64_t)sqlite3_column_int64(statement, 0);
	append->result = sqlite3_column_bytes(statement, 1) == DIGEST_SIZE &&
				 memcmp(sqlite3_column_blob(statement, 1),
				     append->digest, DIGEST_SIZE) == 0
			     ? BF_REPEATED
			     : BF_CONFLICT;
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

static enum bf_store_result
add_event(struct bf_sqlite *sqlite, const struct bf_append *append,
    int64_t type, struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_EVENT_ADD);
	const struct bf_event *event = append->event;

	sqlite3_bind_int64(statement, 1, (int64_t)event->id);
	sqlite3_bind_int64(statement, 2, type);
	bf_sqlite_bind_text(statement, 3, event->tenant);
	sqlite3_bind_int64(statement, 4, event->timestamp_us);
	bf_sqlite_bind_text(statement, 5, append->reason);
	sqlite3_bind_text64(statement, 6, event->json.data, event->json.size,
	    SQLITE_STATIC, SQLITE_UTF8);
	return bf_sqlite_run(sqlite, statement, "add event", err);
}

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

static enum bf_store_result
add_deliveries(struct bf_sqlite *sqlite, const struct bf_append *append,
    int64_t type, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_DELIVERY_ADD);
	const uint64_t id = append->event->id;
	const int64_t accepted_ms = bf_id_instant(id).ms;
	enum bf_store_result result = BF_STORE_OK;

	for (size_t i = 0; result == BF_STORE_OK && i < append->channel_count;
	     i++) {
		sqlite3_bind_int64(statement, 1, (int64_t)id);
		sqlite3_bind_int64(statement, 2, append->channels[i]);
		sqlite3_bind_int64(statement, 3, accepted_ms);
		sqlite3_bind_int64(statement, 4, append->expires[i].ms);
		sqlite3_bind_int64(statement, 5, type);
		result = bf_sqlite_run(sqlite, statement, "add delivery", err);
		bf_sqlite_expire_added(sqlite, append->expires[i].ms);
	}
	return result;
}

static enum bf_store_result
append_event(struct bf_sqlite *sqlite, struct bf_change *change,
    struct bf_error *err)
{
	struct bf_append *append = &change->append;
	enum bf_store_result result = BF_STORE_OK;
	bool found = false;
	int64_t type;

	append->result = BF_APPENDED;
	append->found = 0;
	if (append->key)
		result = find_key(sqlite, append, &found, err);
	if (result != BF_STORE_OK || found)
		return result;
	result = bf_sqlite_type_number(sqlite, append->event->type, true, &type,
	    err);
	if (result == BF_STORE_OK)
		result = add_event(sqlite, append, type, err);
	if (result != BF_STORE_OK)
		return result;
	if (sqlite3_changes(sqlite->db) == 0)
		return compare_event(sqlite, append, err);
	result = add_deliveries(sqlite, append, type, err);
	if (result == BF_STORE_OK && append->key)
		result = add_key(sqlite, append, err);
	return result;
}

/* ---- finish ---- */

static void
bind_time(sqlite3_stmt *statement, int index, int64_t us)
{
	if (us < 0)
		sqlite3_bind_null(statement, index);
	else
		sqlite3_bind_int64(statement, index, us);
}

static enum bf_store_result
add_attempt(struct bf_sqlite *sqlite, struct bf_delivery_id id,
    const struct bf_attempt *attempt, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_ATTEMPT_ADD);

	sqlite3_bind_int64(statement, 1, (int64_t)id.event);
	sqlite3_bind_int64(statement, 2, id.channel);
	sqlite3_bind_int(statement, 3, attempt->number);
	sqlite3_bind_int64(statement, 4, attempt->at.ms);
	sqlite3_bind_int64(statement, 5, attempt->took_us);
	bind_time(statement, 6, attempt->resolve_us);
	bind_time(statement, 7, attempt->connect_us);
	bind_time(statement, 8, attempt->tls_us);
	bind_time(statement, 9, attempt->first_byte_us);
	sqlite3_bind_int(statement, 10, attempt->outcome);
	sqlite3_bind_int(statement, 11, attempt->status);
	bf_sqlite_bind_text(statement, 12, attempt->why);
	if (attempt->excerpt)
		sqlite3_bind_blob64(statement, 13, attempt->excerpt,
		    attempt->excerpt_size, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, 13);
	return bf_sqlite_run(sqlite, statement, "add attempt", err);
}

static enum bf_store_result
finish_delivery(struct bf_sqlite *sqlite, struct bf_change *change,
    struct bf_error *err)
{
	const struct bf_finish *finish = &change->finish;
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
	sqlite3_bind_int64(statement, 7,
	    again ? finish->due.ms : finish->now.ms);
	sqlite3_bind_int(statement, 8, finish->tries);
	sqlite3_bind_int64(statement, 9, attempt ? attempt->number : INT64_MAX);
	result = bf_sqlite_run(sqlite, statement, "finish delivery", err);
	if (result == BF_STORE_OK && attempt &&
	    sqlite3_changes(sqlite->db) == 1)
		result = add_attempt(sqlite, finish->id, attempt, err);
	return result;
}

/* ---- settings ---- */

static enum bf_store_result
put_setting(struct bf_sqlite *sqlite, struct bf_change *change,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite,
	    change->put.value ? BF_SQL_SETTING_PUT : BF_SQL_SETTING_DROP);

	bf_sqlite_bind_text(statement, 1, change->put.name);
	if (change->put.value)
		bf_sqlite_bind_text(statement, 2, change->put.value);
	return bf_sqlite_run(sqlite, statement, "put setting", err);
}

/* ---- the batch ---- */

typedef enum bf_store_result apply(struct bf_sqlite *, struct bf_change *,
    struct bf_error *);

static apply *const kinds[] = {
	[BF_CHANGE_APPEND] = append_event,
	[BF_CHANGE_FINISH] = finish_delivery,
	[BF_CHANGE_CANCEL] = bf_sqlite_select,
	[BF_CHANGE_REPLAY] = bf_sqlite_select,
	[BF_CHANGE_PUT] = put_setting,
};

enum bf_store_result
bf_sqlite_commit(struct bf_store *store, struct bf_batch *batch,
    struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result;

	if (!batch->first)
		return BF_STORE_OK;
	result = bf_sqlite_begin(sqlite, err);
	if (result != BF_STORE_OK)
		return result;
	for (struct bf_change *change = batch->first;
	     change && result == BF_STORE_OK; change = change->next)
		result = kinds[change->kind](sqlite, change, err);
	result = bf_sqlite_end(sqlite, result, "commit", err);
	if (result != BF_STORE_OK)
		return result;
	for (struct bf_change *change = batch->first; change;
	     change = change->next)
		bf_sqlite_select_done(change);
	if (sqlite->log_pages > LOG_PAGES_MAX)
		bf_sqlite_checkpoint(store, NULL);
	return BF_STORE_OK;
}
