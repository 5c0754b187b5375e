#ifndef BF_SQLITE_ROWS_H
#define BF_SQLITE_ROWS_H

#include <sqlite3.h>

#include "core/store/store.h"

/*
 * Rows in memory, as tables that SQLite can select from: new_event,
 * new_delivery (those of new_event) and new_attempt. One statement then adds
 * all of a batch, at some two thirds of what a statement for each row costs.
 */

struct bf_sqlite_rows;

struct bf_sqlite_new_event {
	const struct bf_append *append;
	int64_t type; /* number */
};

struct bf_sqlite_source {
	const struct bf_sqlite_rows *rows;
	const struct bf_sqlite_row_kind *kind;
};

struct bf_sqlite_rows {
	struct bf_sqlite_new_event *events;
	size_t event_count, event_room;
	const struct bf_finish **attempts;
	size_t attempt_count, attempt_room;
	struct bf_sqlite_source sources[3];
};

/* Makes the tables known to a connection. rows must live as long as it.
 * Returns SQLite's code. */
int bf_sqlite_rows_register(struct bf_sqlite_rows *rows, sqlite3 *db);

/* Adds a row; what it is made from is borrowed until the rows are cleared. */
void bf_sqlite_rows_add_event(struct bf_sqlite_rows *rows,
    const struct bf_append *append, int64_t type);
void bf_sqlite_rows_add_attempt(struct bf_sqlite_rows *rows,
    const struct bf_finish *finish);

/* Forgets the rows and keeps the memory; and gives that back. */
void bf_sqlite_rows_clear(struct bf_sqlite_rows *rows);
void bf_sqlite_rows_free(struct bf_sqlite_rows *rows);

#endif
