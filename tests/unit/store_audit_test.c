/*
 * store_audit_test.c - who did what: kept with the change, found, forgotten
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/memory.h>

#include "tests/unit/store_fixture.h"
#include "tests/unit/store_helpers.h"

/* The actions that a list gave, "c b a ", and the last row's facts. */
struct seen {
	char actions[4096];
	uint64_t id;
	int64_t at_ms;
	char facts[256];
};

static void
note(void *context, const struct bf_audit *row)
{
	struct seen *seen = context;
	const size_t size = strlen(seen->actions);

	snprintf(seen->actions + size, sizeof(seen->actions) - size, "%s ",
	    row->action);
	if (seen->id != 0)
		assert_true(row->id < seen->id);
	seen->id = row->id;
	seen->at_ms = row->at.ms;
	snprintf(seen->facts, sizeof(seen->facts), "%s|%s|%s|%s|%s|%s",
	    row->actor, row->address, row->tenant ? row->tenant : "(none)",
	    row->action, row->object, row->detail);
}

/* Lists what the query means and says where it would go on. */
static uint64_t
list(const struct bf_audit_query *query, struct seen *seen)
{
	uint64_t next;

	*seen = (struct seen){ .actions = "" };
	succeed(bf_store_list_audit(store, query, note, seen, &next, &err),
	    &err);
	return next;
}

static void
assert_list(const struct bf_audit_query *query, const char *actions)
{
	struct seen seen;

	assert_int_equal(list(query, &seen), 0);
	assert_string_equal(seen.actions, actions);
}

static void
a_row_is_read_as_it_was_written(void **state)
{
	struct seen seen;

	(void)state;
	add_audit(&batch, 5, TENANT, "channel-put");
	commit(store, &batch);
	list(&(struct bf_audit_query){ .limit = 10 }, &seen);
	assert_string_equal(seen.facts,
	    "token ci|127.0.0.1|" TENANT "|channel-put|ops|enabled=true");
	assert_int_equal(seen.at_ms, START_MS + 5000);
	add_audit(&batch, 6, NULL, "rotate");
	commit(store, &batch);
	list(&(struct bf_audit_query){ .limit = 1 }, &seen);
	assert_string_equal(seen.facts,
	    "token ci|127.0.0.1|(none)|rotate|ops|enabled=true");
}

static void
filters_narrow_the_list(void **state)
{
	struct bf_audit *other;

	(void)state;
	add_audit(&batch, 1, "acme", "a");
	add_audit(&batch, 2, "zeta", "b");
	other = add_audit(&batch, 3, "acme", "c");
	free(other->actor);
	other->actor = bf_strdup("user ann");
	add_audit(&batch, 4, NULL, "d");
	commit(store, &batch);
	assert_list(&(struct bf_audit_query){ .limit = 9 }, "d c b a ");
	assert_list(&(struct bf_audit_query){ .tenant = "acme", .limit = 9 },
	    "c a ");
	assert_list(&(struct bf_audit_query){ .tenant = "", .limit = 9 }, "");
	assert_list(&(struct bf_audit_query){ .actor = "user ann", .limit = 9 },
	    "c ");
	assert_list(&(struct bf_audit_query){ .action = "b", .limit = 9 },
	    "b ");
	assert_list(&(struct bf_audit_query){ .tenant = "acme",
			.action = "b",
			.limit = 9 },
	    "");
	assert_list(&(struct bf_audit_query){ .since =
						  bf_id_at((struct bf_instant){
						      START_MS + 2000 }),
			.until =
			    bf_id_at((struct bf_instant){ START_MS + 4000 }),
			.limit = 9 },
	    "c b ");
}

static void
a_list_goes_on_where_it_ended(void **state)
{
	struct bf_audit_query query = { .tenant = "acme", .limit = 2 };
	struct seen seen;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		const char name[] = { (char)('a' + (int)i), '\0' };

		add_audit(&batch, 1, "acme", name);
		add_audit(&batch, 1, "zeta", "other");
	}
	commit(store, &batch);
	query.before = list(&query, &seen);
	assert_string_equal(seen.actions, "e d ");
	query.before = list(&query, &seen);
	assert_string_equal(seen.actions, "c b ");
	assert_int_not_equal(query.before, 0);
	query.before = list(&query, &seen);
	assert_string_equal(seen.actions, "a ");
	assert_int_equal(query.before, 0);
}

static void
a_batch_that_is_committed_again_adds_no_row(void **state)
{
	(void)state;
	add_audit(&batch, 1, "acme", "once");
	succeed(bf_store_commit(store, &batch, &err), &err);
	add_setting(&batch, "k", "v");
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_list(&(struct bf_audit_query){ .limit = 9 }, "once ");
}

static void
no_two_rows_have_one_id_though_the_clock_steps_back(void **state)
{
	(void)state;
	add_audit(&batch, 100, "acme", "a");
	commit(store, &batch);
	bf_store_close(&store);
	store = open_store(dir);
	add_audit(&batch, 1, "acme", "b");
	add_audit(&batch, 100, "acme", "c");
	commit(store, &batch);
	assert_list(&(struct bf_audit_query){ .limit = 9 }, "c b a ");
}

static void
a_clash_of_events_does_not_double_a_row(void **state)
{
	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	/* The batch is begun again: one of its events is there. */
	add_audit(&batch, 1, "acme", "once");
	add_event(&batch, 1, "deploy_failed", 1);
	add_event(&batch, 2, "deploy_failed", 1);
	commit(store, &batch);
	assert_list(&(struct bf_audit_query){ .limit = 9 }, "once ");
}

static void
what_is_old_is_forgotten_in_steps(void **state)
{
	const struct bf_instant before = { START_MS + 4000 };
	size_t count;

	(void)state;
	for (unsigned i = 1; i <= 5; i++) {
		const char name[] = { (char)('a' + (int)i), '\0' };

		add_audit(&batch, i, i % 2 ? "acme" : NULL, name);
	}
	commit(store, &batch);
	succeed(bf_store_prune_audit(store, before, 2, &count, &err), &err);
	assert_int_equal(count, 2);
	assert_list(&(struct bf_audit_query){ .limit = 9 }, "f e d ");
	succeed(bf_store_prune_audit(store, before, 2, &count, &err), &err);
	assert_int_equal(count, 1);
	succeed(bf_store_prune_audit(store, before, 2, &count, &err), &err);
	assert_int_equal(count, 0);
	assert_list(&(struct bf_audit_query){ .limit = 9 }, "f e ");
	succeed(bf_store_check(store, &err), &err);
}

static void
a_list_that_finds_nothing_says_how_far_it_came(void **state)
{
	const struct bf_audit_query wanted = { .action = "none", .limit = 9 };
	struct bf_audit_query query = wanted;
	struct seen seen;
	size_t rounds = 0;

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		add_audit(&batch, i, "acme", "a");
	commit(store, &batch);
	/* However little a call gets done in its time, the rounds end. */
	bf_store_deadline(store, (struct bf_duration){ 1 });
	do {
		query.before = list(&query, &seen);
		assert_string_equal(seen.actions, "");
		assert_true(++rounds <= 2000);
	} while (query.before != 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_row_is_read_as_it_was_written),
		TEST(filters_narrow_the_list),
		TEST(a_list_goes_on_where_it_ended),
		TEST(a_batch_that_is_committed_again_adds_no_row),
		TEST(no_two_rows_have_one_id_though_the_clock_steps_back),
		TEST(a_clash_of_events_does_not_double_a_row),
		TEST(what_is_old_is_forgotten_in_steps),
		TEST(a_list_that_finds_nothing_says_how_far_it_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
