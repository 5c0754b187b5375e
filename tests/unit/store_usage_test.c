/*
 * store_usage_test.c - what each tenant takes of the store is counted as it
 * comes and goes, and is what one would sum up
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include <belfry/memory.h>

#include "tests/unit/store_fixture.h"
#include "tests/unit/store_helpers.h"

/* What is told of one tenant, or of all if it is NULL. */
struct told {
	const char *tenant;
	int64_t events, bytes;
	size_t tenants;
};

static void
note(void *context, const char *tenant, int64_t events, int64_t bytes)
{
	struct told *told = context;

	if (told->tenant && strcmp(told->tenant, tenant) != 0)
		return;
	told->events += events;
	told->bytes += bytes;
	told->tenants++;
}

static struct told
usage_of(const char *tenant)
{
	struct told told = { .tenant = tenant };

	succeed(bf_store_usage(store, note, &told, &err), &err);
	return told;
}

/* Runs a statement beside the store, and gives the first number. */
static int64_t
ask(const char *text)
{
	char *path = path_in(dir, "belfry.db");
	sqlite3_stmt *statement;
	int64_t number = 0;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL),
	    SQLITE_OK);
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
	sqlite3_close(db);
	free(path);
	return number;
}

/* Summed up over everything: what usage spares everybody. */
static void
assert_counted_right(void)
{
	const int64_t sum =
	    ask("SELECT coalesce(sum(length(json) + 256), 0) + 128 * "
		"(SELECT count(*) FROM delivery) FROM event");

	assert_int_equal(usage_of(NULL).bytes, sum);
	assert_int_equal(usage_of(NULL).events,
	    ask("SELECT count(*) FROM event"));
}

/* An event of a tenant. */
static struct bf_append *
add_for(const char *tenant, unsigned n, uint32_t channels)
{
	struct bf_append *append =
	    add_event(&batch, n, "deploy_failed", channels);

	free(append->event->tenant);
	append->event->tenant = bf_strdup(tenant);
	return append;
}

static void
each_tenant_is_charged_for_its_own(void **state)
{
	int64_t bytes;

	(void)state;
	bytes = bf_append_bytes(add_for("a", 1, 2));
	bytes += bf_append_bytes(add_for("a", 2, 0));
	add_for("b", 3, 1);
	commit(store, &batch);
	assert_int_equal(usage_of("a").events, 2);
	assert_int_equal(usage_of("a").bytes, bytes);
	assert_int_equal(usage_of("b").events, 1);
	assert_int_equal(usage_of("c").tenants, 0);
	assert_counted_right();
	bf_store_close(&store);
	store = open_store(dir);
	assert_int_equal(usage_of("a").bytes, bytes);
}

static void
a_repeat_is_charged_once(void **state)
{
	(void)state;
	add_for("a", 1, 1)->key = bf_strdup("k");
	add_for("a", 2, 1);
	commit(store, &batch);
	add_for("a", 3, 1)->key = bf_strdup("k"); /* of event 1 */
	add_for("a", 2, 1);                       /* there: all one by one */
	add_for("a", 4, 1);
	add_for("a", 4, 1)->resent = true;
	commit(store, &batch);
	assert_int_equal(usage_of("a").events, 3);
	assert_counted_right();
}

static void
what_is_forgotten_is_given_back(void **state)
{
	const struct bf_instant late = { START_MS + HOUR_MS },
				never = { START_MS };
	struct told freed = { .tenant = "a" };
	size_t count;
	int64_t bytes;

	(void)state;
	bytes = bf_append_bytes(add_for("a", 1, 2));
	add_for("a", 2, 1);
	add_for("b", 3, 0);
	commit(store, &batch);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	finish(store, 1, 2, BF_STATE_FAILED);
	/* Something waits for event 2: it is still there, and charged for. */
	succeed(bf_store_prune(store, late, never, 10, &count, note, &freed,
		    &err),
	    &err);
	assert_int_equal(count, 2);
	assert_int_equal(freed.events, 1);
	assert_int_equal(freed.bytes, bytes);
	assert_int_equal(usage_of("a").events, 1);
	assert_int_equal(usage_of("b").tenants, 0); /* not even a row */
	assert_counted_right();
	finish(store, 2, 1, BF_STATE_DELIVERED);
	succeed(bf_store_prune(store, late, never, 10, &count, NULL, NULL,
		    &err),
	    &err);
	assert_int_equal(usage_of(NULL).tenants, 0);
}

static void
an_older_store_is_summed_up_once(void **state)
{
	struct told a, b;

	(void)state;
	add_for("a", 1, 3);
	add_for("a", 2, 0);
	add_for("b", 3, 1);
	commit(store, &batch);
	a = usage_of("a");
	b = usage_of("b");
	bf_store_close(&store);
	ask("DROP TABLE usage");
	ask("PRAGMA user_version = 3");
	store = open_store(dir);
	assert_int_equal(usage_of("a").bytes, a.bytes);
	assert_int_equal(usage_of("a").events, 2);
	assert_int_equal(usage_of("b").bytes, b.bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_tenant_is_charged_for_its_own),
		TEST(a_repeat_is_charged_once),
		TEST(what_is_forgotten_is_given_back),
		TEST(an_older_store_is_summed_up_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
