/*
 * sqlite_recipient.c - what became of each recipient, by attempt
 *
 * A row is history, and says by `settled` whether it still counts: a recipient
 * that was delivered to, or failed for good, is not tried again, until a
 * replay takes that back.
 */
#include "core/store/sqlite_private.h"

enum bf_store_result
bf_sqlite_recipients_add(struct bf_sqlite *sqlite,
    const struct bf_finish *finish, struct bf_error *err)
{
	const struct bf_recipients *recipients = &finish->attempt->recipients;
	enum bf_store_result result = BF_STORE_OK;

	for (size_t i = 0; result == BF_STORE_OK && i < recipients->count;
	     i++) {
		const struct bf_recipient *one = &recipients->items[i];
		sqlite3_stmt *statement =
		    bf_sqlite_statement(sqlite, BF_SQL_RECIPIENT_ADD);

		sqlite3_bind_int64(statement, 1, (int64_t)finish->id.event);
		sqlite3_bind_int64(statement, 2, finish->id.channel);
		sqlite3_bind_int(statement, 3, finish->attempt->number);
		sqlite3_bind_int64(statement, 4, (int64_t)i);
		bf_sqlite_bind_text(statement, 5, one->address);
		sqlite3_bind_int(statement, 6, one->outcome);
		sqlite3_bind_int(statement, 7, one->status);
		bf_sqlite_bind_text(statement, 8, one->reply);
		sqlite3_bind_int(statement, 9, one->outcome != BF_RETRY);
		result = bf_sqlite_run(sqlite, statement, "add recipient", err);
	}
	return result;
}

/* Reads address, outcome, status and reply of each row. */
static enum bf_store_result
read_rows(struct bf_sqlite *sqlite, sqlite3_stmt *statement,
    struct bf_recipients *recipients, struct bf_error *err)
{
	enum bf_store_result result;
	bool row;

	while ((result = bf_sqlite_step(sqlite, statement, &row,
		    "read recipients", err)) == BF_STORE_OK &&
	       row) {
		const char *address =
		    (const char *)sqlite3_column_text(statement, 0);
		const int outcome = sqlite3_column_int(statement, 1);
		struct bf_recipient *one;

		if (!address || outcome < BF_DELIVERED || outcome > BF_FAILED) {
			sqlite3_reset(statement);
			return bf_sqlite_damaged(sqlite,
			    "a recipient's outcome is none", err);
		}
		one = bf_recipients_add(recipients, address);
		one->outcome = (enum bf_outcome)outcome;
		bf_recipient_answer(one, sqlite3_column_int(statement, 2),
		    (const char *)sqlite3_column_text(statement, 3));
	}
	return result;
}

enum bf_store_result
bf_sqlite_recipients_settled(struct bf_sqlite *sqlite, struct bf_delivery_id id,
    struct bf_recipients *recipients, struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_SETTLED);

	sqlite3_bind_int64(statement, 1, (int64_t)id.event);
	sqlite3_bind_int64(statement, 2, id.channel);
	return read_rows(sqlite, statement, recipients, err);
}

enum bf_store_result
bf_sqlite_recipients_of(struct bf_sqlite *sqlite, struct bf_delivery_id id,
    int attempt, struct bf_recipients *recipients, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_RECIPIENTS);

	sqlite3_bind_int64(statement, 1, (int64_t)id.event);
	sqlite3_bind_int64(statement, 2, id.channel);
	sqlite3_bind_int(statement, 3, attempt);
	return read_rows(sqlite, statement, recipients, err);
}

enum bf_store_result
bf_sqlite_recipients_unsettle(struct bf_sqlite *sqlite,
    struct bf_delivery_id id, enum bf_delivery_state was, struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_UNSETTLE);

	sqlite3_bind_int64(statement, 1, (int64_t)id.event);
	sqlite3_bind_int64(statement, 2, id.channel);
	sqlite3_bind_int(statement, 3, was == BF_STATE_DELIVERED);
	return bf_sqlite_run(sqlite, statement, "replay recipients", err);
}
