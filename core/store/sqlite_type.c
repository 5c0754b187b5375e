/*
 * sqlite_type.c - names of event types and their numbers
 *
 * Rows hold a type's number: they are smaller, and lists can be filtered
 * without reading events. There are as many types as the registry ever had,
 * so both directions are kept in memory once they were looked up.
 */
#include "core/store/sqlite_private.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/base/hash.h"

#define NUMBER_MAX 1000000 /* beyond it a number is damage, not a type */

struct bf_sqlite_type {
	int64_t number;
	UT_hash_handle hh;
	char name[];
};

static struct bf_sqlite_type *
remember(struct bf_sqlite *sqlite, const char *name, int64_t number)
{
	const size_t size = strlen(name) + 1;
	struct bf_sqlite_type *type = bf_zalloc(1, sizeof(*type) + size);
	const size_t index = (size_t)number;

	type->number = number;
	memcpy(type->name, name, size);
	HASH_ADD_KEYPTR(hh, sqlite->types, type->name, size - 1, type);
	if (index >= sqlite->numbered_count) {
		const size_t count = index + 16;

		sqlite->numbered = bf_resize(sqlite->numbered, count,
		    sizeof(*sqlite->numbered));
		memset(sqlite->numbered + sqlite->numbered_count, 0,
		    (count - sqlite->numbered_count) *
			sizeof(*sqlite->numbered));
		sqlite->numbered_count = count;
	}
	sqlite->numbered[index] = type;
	return type;
}

static enum bf_store_result
add_type(struct bf_sqlite *sqlite, const char *name, int64_t *number,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_TYPE_ADD);
	enum bf_store_result result;

	bf_sqlite_bind_text(statement, 1, name);
	result = bf_sqlite_run(sqlite, statement, "add event type", err);
	if (result == BF_STORE_OK)
		*number = sqlite3_last_insert_rowid(sqlite->db);
	return result;
}

enum bf_store_result
bf_sqlite_type_number(struct bf_sqlite *sqlite, const char *name, bool add,
    int64_t *number, struct bf_error *err)
{
	sqlite3_stmt *statement =
	    bf_sqlite_statement(sqlite, BF_SQL_TYPE_NUMBER);
	struct bf_sqlite_type *type;
	enum bf_store_result result;
	bool row;

	HASH_FIND_STR(sqlite->types, name, type);
	*number = type ? type->number : 0;
	if (type)
		return BF_STORE_OK;
	bf_sqlite_bind_text(statement, 1, name);
	result =
	    bf_sqlite_step(sqlite, statement, &row, "find event type", err);
	if (row)
		*number = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	if (result == BF_STORE_OK && !row && add)
		result = add_type(sqlite, name, number, err);
	if (result == BF_STORE_OK && (*number < 0 || *number > NUMBER_MAX))
		return bf_sqlite_damaged(sqlite,
		    "the number of an event type is wrong", err);
	if (result == BF_STORE_OK && *number > 0)
		remember(sqlite, name, *number);
	return result;
}

enum bf_store_result
bf_sqlite_type_name(struct bf_sqlite *sqlite, int64_t number, const char **name,
    struct bf_error *err)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite, BF_SQL_TYPE_NAME);
	enum bf_store_result result;
	const char *text;
	bool row;

	*name = NULL;
	if (number <= 0 || number > NUMBER_MAX)
		return BF_STORE_OK;
	if ((size_t)number < sqlite->numbered_count &&
	    sqlite->numbered[number]) {
		*name = sqlite->numbered[number]->name;
		return BF_STORE_OK;
	}
	sqlite3_bind_int64(statement, 1, number);
	result =
	    bf_sqlite_step(sqlite, statement, &row, "find event type", err);
	text = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	if (text)
		*name = remember(sqlite, text, number)->name;
	sqlite3_reset(statement);
	return result;
}

void
bf_sqlite_type_forget(struct bf_sqlite *sqlite)
{
	struct bf_sqlite_type *type, *next;

	HASH_ITER(hh, sqlite->types, type, next)
	{
		HASH_DEL(sqlite->types, type);
		free(type);
	}
	free(sqlite->numbered);
	sqlite->numbered = NULL;
	sqlite->numbered_count = 0;
}
