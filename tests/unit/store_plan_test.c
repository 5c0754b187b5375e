/*
 * store_plan_test.c - no statement sorts, or walks over what it needn't
 *
 * What SQLite says it would do (EXPLAIN QUERY PLAN), for each statement.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/memory.h>

#include "core/store/sqlite_private.h"
#include "tests/unit/store_helpers.h"

static char *dir;
static struct bf_store *store;

static int
set_up(void **state)
{
	(void)state;
	dir = make_directory();
	store = open_store(dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	bf_store_close(&store);
	remove_directory(dir);
	return 0;
}

/* The plan of a statement, its steps joined by "; ". */
static char *
plan_of(enum bf_sql statement)
{
	char *text = bf_strf("EXPLAIN QUERY PLAN %s", bf_sql_texts[statement]);
	struct bf_buf plan = { 0 };
	sqlite3_stmt *explain;

	assert_int_equal(sqlite3_prepare_v2(bf_sqlite_of(store)->db, text, -1,
			     &explain, NULL),
	    SQLITE_OK);
	while (sqlite3_step(explain) == SQLITE_ROW)
		bf_buf_add_format(&plan, "%s; ",
		    sqlite3_column_text(explain, 3));
	sqlite3_finalize(explain);
	free(text);
	return bf_buf_take(&plan);
}

static bool
may_walk(enum bf_sql statement)
{
	static const enum bf_sql walkers[] = {
		BF_SQL_CHANNELS,                 /* all of a small table */
		BF_SQL_USAGE, BF_SQL_EVENTS_ADD, /* tables in memory */
		BF_SQL_DELIVERIES_ADD, BF_SQL_ATTEMPTS_ADD,
		BF_SQL_PRUNE_LAST,    /* rows that it has found */
		BF_SQL_BACKLOG_FRESH, /* at start */
		BF_SQL_BACKLOG_RETRIES, BF_SQL_ORPHAN, /* the whole check */
	};

	for (size_t i = 0; i < sizeof(walkers) / sizeof(*walkers); i++) {
		if (walkers[i] == statement)
			return true;
	}
	return false;
}

static void
statements_find_what_they_want_by_a_key(void **state)
{
	(void)state;
	for (enum bf_sql i = BF_SQL_TYPE_NUMBER; i < BF_SQL_COUNT; i++) {
		char *plan = plan_of(i);

		if (strstr(plan, "TEMP B-TREE") ||
		    (strstr(plan, "SCAN") && !may_walk(i)))
			fail_msg("%s: %s", bf_sql_texts[i], plan);
		free(plan);
	}
}

static void
walks_over_what_waits_read_an_index_only(void **state)
{
	static const enum bf_sql walks[] = {
		BF_SQL_BACKLOG_FRESH,
		BF_SQL_BACKLOG_RETRIES,
		BF_SQL_EXPIRE_SCAN,
		BF_SQL_SCAN_WAITING_UP,
		BF_SQL_SCAN_WAITING_DOWN,
		BF_SQL_SCAN_FAILED_UP,
		BF_SQL_SCAN_FAILED_DOWN,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(walks) / sizeof(*walks); i++) {
		char *plan = plan_of(walks[i]);

		if (!strstr(plan, "COVERING INDEX"))
			fail_msg("%s: %s", bf_sql_texts[walks[i]], plan);
		free(plan);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_find_what_they_want_by_a_key),
		cmocka_unit_test(walks_over_what_waits_read_an_index_only),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
