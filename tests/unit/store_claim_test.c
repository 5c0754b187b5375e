/*
 * store_claim_test.c - what waits is given out in order, expires, is pruned
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/memory.h>

#include "tests/unit/store_helpers.h"

#define ROWS 64
#define ALL_BYTES (1 << 20)

static char *dir;
static struct bf_store *store;
static struct bf_batch batch;
static struct bf_error err;
static struct bf_delivery_row rows[ROWS];
static struct bf_delivery_id ids[ROWS];
static enum bf_delivery_state was[ROWS];
static size_t count;
static bool more;

static int
set_up(void **state)
{
	(void)state;
	dir = make_directory();
	store = open_store(dir);
	bf_batch_init(&batch);
	count = 0;
	return 0;
}

static void
release(void)
{
	while (count > 0)
		bf_event_unref(&rows[--count].event);
}

static int
tear_down(void **state)
{
	(void)state;
	bf_batch_clear(&batch);
	bf_store_close(&store);
	remove_directory(dir);
	return 0;
}

static struct bf_instant
second(unsigned n)
{
	return (struct bf_instant){ START_MS + n * INT64_C(1000) };
}

/* ---- claims ---- */

static void
fresh_ones_come_in_order_of_acceptance(void **state)
{
	(void)state;
	store_events(store, 3, 4, "deploy_failed", 2);
	store_events(store, 1, 2, "deploy_failed", 1);
	succeed(bf_store_claim_fresh(store, 1, 0, ROWS, ALL_BYTES, rows, &count,
		    &more, &err),
	    &err);
	assert_int_equal(count, 4);
	assert_false(more);
	for (unsigned n = 1; n <= 4; n++) {
		assert_true(rows[n - 1].id.event == event_id(n));
		assert_int_equal(rows[n - 1].id.channel, 1);
		assert_string_equal(rows[n - 1].event->type, "deploy_failed");
		assert_true(rows[n - 1].event->json.size > 0);
	}
	release();
}

static void
fresh_ones_begin_above_the_cursor(void **state)
{
	(void)state;
	store_events(store, 1, 5, "deploy_failed", 1);
	succeed(bf_store_claim_fresh(store, 1, event_id(2), 2, ALL_BYTES, rows,
		    &count, &more, &err),
	    &err);
	assert_int_equal(count, 2);
	assert_true(more);
	assert_true(rows[0].id.event == event_id(3));
	assert_true(rows[1].id.event == event_id(4));
	release();
	succeed(bf_store_claim_fresh(store, 1, event_id(4), 1, ALL_BYTES, rows,
		    &count, &more, &err),
	    &err);
	assert_int_equal(count, 1);
	assert_false(more);
	release();
}

static void
a_claim_is_bounded_in_bytes_but_never_empty(void **state)
{
	size_t size;

	(void)state;
	store_events(store, 1, 5, "deploy_failed", 1);
	succeed(bf_store_claim_fresh(store, 1, 0, ROWS, 1, rows, &count, &more,
		    &err),
	    &err);
	assert_int_equal(count, 1);
	assert_true(more);
	size = rows[0].event->json.size;
	release();
	succeed(bf_store_claim_fresh(store, 1, 0, ROWS, 3 * size, rows, &count,
		    &more, &err),
	    &err);
	assert_int_equal(count, 3);
	assert_true(more);
	release();
}

static void
what_was_tried_or_ended_is_fresh_no_more(void **state)
{
	(void)state;
	store_events(store, 1, 3, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	finish(store, 2, 1, BF_STATE_RETRY);
	succeed(bf_store_claim_fresh(store, 1, 0, ROWS, ALL_BYTES, rows, &count,
		    &more, &err),
	    &err);
	assert_int_equal(count, 1);
	assert_true(rows[0].id.event == event_id(3));
	release();
}

static void
add_retry(unsigned n, struct bf_instant due)
{
	add_finish(&batch, n, 1, 0, BF_STATE_RETRY)->due = due;
}

static void
retries_come_in_order_of_their_due_time(void **state)
{
	struct bf_instant next;

	(void)state;
	store_events(store, 1, 5, "deploy_failed", 1);
	add_retry(1, second(30));
	add_retry(2, second(10));
	add_retry(3, second(20));
	add_retry(4, second(10));
	commit(store, &batch);
	succeed(bf_store_claim_retries(store, 1, (struct bf_instant){ 0 }, 0,
		    second(20), ROWS, ALL_BYTES, rows, &count, &next, &err),
	    &err);
	assert_int_equal(count, 3);
	assert_true(rows[0].id.event == event_id(2));
	assert_true(rows[1].id.event == event_id(4));
	assert_true(rows[2].id.event == event_id(3));
	assert_int_equal(rows[2].due.ms, second(20).ms);
	assert_int_equal(rows[2].tries, 1);
	assert_int_equal(next.ms, second(30).ms);
	release();
}

/* Of an attempt that was paced: it uses up nothing, and whoever has the
 * delivery in memory meets it nowhere else. */
static void
what_keeps_its_place_is_claimed_where_it_was(void **state)
{
	struct bf_instant next;
	struct bf_finish *paced;

	(void)state;
	store_events(store, 1, 3, "deploy_failed", 1);
	paced = add_finish(&batch, 1, 1, 0, BF_STATE_SCHEDULED);
	paced->due.ms = 0;
	paced->count = false;
	add_retry(2, second(10));
	add_retry(3, second(20));
	commit(store, &batch);
	paced = add_finish(&batch, 2, 1, 1, BF_STATE_RETRY);
	paced->due.ms = 0;
	paced->count = false;
	commit(store, &batch);
	succeed(bf_store_claim_fresh(store, 1, 0, ROWS, ALL_BYTES, rows, &count,
		    &more, &err),
	    &err);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].tries, 0);
	assert_int_equal(rows[0].attempts, 1);
	release();
	succeed(bf_store_claim_fresh(store, 1, event_id(1), ROWS, ALL_BYTES,
		    rows, &count, &more, &err),
	    &err);
	assert_int_equal(count, 0);
	succeed(bf_store_claim_retries(store, 1, second(10), event_id(2),
		    second(30), ROWS, ALL_BYTES, rows, &count, &next, &err),
	    &err);
	assert_int_equal(count, 1);
	assert_true(rows[0].id.event == event_id(3));
	release();
	assert_int_equal(row_of(store, 2, 1).due.ms, second(10).ms);
	assert_int_equal(row_of(store, 2, 1).tries, 1);
	assert_int_equal(row_of(store, 2, 1).attempts, 2);
}

static void
retries_begin_above_the_cursor(void **state)
{
	struct bf_instant next;

	(void)state;
	store_events(store, 1, 4, "deploy_failed", 1);
	for (unsigned n = 1; n <= 4; n++)
		add_retry(n, second(10));
	commit(store, &batch);
	succeed(bf_store_claim_retries(store, 1, second(10), event_id(1),
		    second(60), 2, ALL_BYTES, rows, &count, &next, &err),
	    &err);
	assert_int_equal(count, 2);
	assert_true(rows[0].id.event == event_id(2));
	assert_int_equal(next.ms, second(10).ms);
	release();
	succeed(bf_store_claim_retries(store, 1, second(10), event_id(4),
		    second(60), 2, ALL_BYTES, rows, &count, &next, &err),
	    &err);
	assert_int_equal(count, 0);
	assert_int_equal(next.ms, 0);
}

static void
the_backlog_is_told_by_channel(void **state)
{
	struct bf_backlog *backlog;
	size_t channels;

	(void)state;
	succeed(bf_store_backlog(store, &backlog, &channels, &err), &err);
	assert_int_equal(channels, 0);
	free(backlog);
	store_events(store, 1, 5, "deploy_failed", 3);
	finish(store, 1, 1, BF_STATE_RETRY);
	finish(store, 2, 1, BF_STATE_RETRY);
	finish(store, 3, 2, BF_STATE_DELIVERED);
	add_select(&batch, BF_CHANGE_CANCEL)->select.selector.id.channel = 3;
	commit(store, &batch);
	bf_store_close(&store);
	store = open_store(dir);
	succeed(bf_store_backlog(store, &backlog, &channels, &err), &err);
	assert_int_equal(channels, 2);
	assert_int_equal(backlog[0].channel, 1);
	assert_int_equal(backlog[0].fresh, 3);
	assert_int_equal(backlog[0].retries, 2);
	assert_int_equal(backlog[0].next_due.ms, START_MS + 2500);
	assert_int_equal(backlog[1].channel, 2);
	assert_int_equal(backlog[1].fresh, 4);
	assert_int_equal(backlog[1].retries, 0);
	free(backlog);
}

/* ---- expiry ---- */

static struct bf_instant
expiry_of(unsigned n)
{
	return (struct bf_instant){ second(n).ms + HOUR_MS };
}

static void
what_waited_too_long_has_failed(void **state)
{
	(void)state;
	store_events(store, 1, 4, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_RETRY);
	finish(store, 2, 1, BF_STATE_DELIVERED);
	succeed(bf_store_expire(store, expiry_of(3), ROWS, ids, was, &count,
		    &err),
	    &err);
	assert_int_equal(count, 2);
	assert_true(ids[0].event == event_id(1));
	assert_true(ids[1].event == event_id(3));
	assert_int_equal(was[0], BF_STATE_RETRY);
	assert_int_equal(was[1], BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_FAILED);
	assert_int_equal(row_of(store, 3, 1).ended.ms, expiry_of(3).ms);
	assert_int_equal(state_of(store, 4, 1), BF_STATE_SCHEDULED);
	count = 0;
}

static void
nothing_expires_before_its_time(void **state)
{
	const struct bf_instant early = { expiry_of(1).ms - 1 };

	(void)state;
	store_events(store, 1, 2, "deploy_failed", 1);
	succeed(bf_store_expire(store, early, ROWS, ids, was, &count, &err),
	    &err);
	assert_int_equal(count, 0);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_SCHEDULED);
	succeed(bf_store_expire(store, expiry_of(1), ROWS, ids, was, &count,
		    &err),
	    &err);
	assert_int_equal(count, 1);
	count = 0;
}

static void
expiry_goes_on_where_its_limit_ended(void **state)
{
	size_t sum = 0;

	(void)state;
	store_events(store, 1, 10, "deploy_failed", 3);
	for (int calls = 0; calls < 8; calls++) {
		succeed(bf_store_expire(store, expiry_of(10), 4, ids, was,
			    &count, &err),
		    &err);
		sum += count;
	}
	assert_int_equal(sum, 30);
	count = 0;
}

/* A replay of an old event comes behind the place that a round has reached. */
static void
what_comes_during_a_round_is_met_on_the_next(void **state)
{
	struct bf_change *replay;

	(void)state;
	store_events(store, 1, 9, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_FAILED);
	succeed(bf_store_expire(store, expiry_of(9), 2, ids, was, &count, &err),
	    &err);
	assert_int_equal(count, 2);
	replay = add_select(&batch, BF_CHANGE_REPLAY);
	replay->select.selector.id = delivery_id(1, 1);
	replay->select.now = expiry_of(9);
	replay->select.max_age.ms = 1000;
	commit(store, &batch);
	while (count > 0)
		succeed(bf_store_expire(store, expiry_of(9), 2, ids, was,
			    &count, &err),
		    &err);
	assert_int_equal(state_of(store, 9, 1), BF_STATE_FAILED);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_RETRY);
	succeed(bf_store_expire(store, expiry_of(10), ROWS, ids, was, &count,
		    &err),
	    &err);
	assert_int_equal(count, 1);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_FAILED);
	count = 0;
}

/* ---- pruning ---- */

static bool
event_is_there(unsigned n)
{
	struct bf_event *event;
	char *reason;
	bool there;

	succeed(bf_store_get_event(store, event_id(n), &event, &reason, NULL,
		    NULL, &err),
	    &err);
	there = event != NULL;
	bf_event_unref(&event);
	free(reason);
	return there;
}

static void
old_events_are_forgotten_with_all_they_had(void **state)
{
	struct bf_delivery_row row;
	bool found;

	(void)state;
	store_events(store, 1, 4, "deploy_failed", 1);
	for (unsigned n = 1; n <= 4; n++)
		finish(store, n, 1, BF_STATE_DELIVERED);
	add_event(&batch, 5, "deploy_started", 0);
	commit(store, &batch);
	succeed(bf_store_prune(store, second(3), second(0), ROWS, &count, NULL,
		    NULL, &err),
	    &err);
	assert_int_equal(count, 2);
	assert_false(event_is_there(1));
	assert_false(event_is_there(2));
	assert_true(event_is_there(3));
	succeed(bf_store_get_delivery(store, delivery_id(1, 1), &row, &found,
		    NULL, NULL, &err),
	    &err);
	assert_false(found);
	succeed(bf_store_prune(store, second(9), second(0), ROWS, &count, NULL,
		    NULL, &err),
	    &err);
	assert_int_equal(count, 3);
	assert_false(event_is_there(5));
	succeed(bf_store_check(store, &err), &err);
	count = 0;
}

static void
an_old_event_that_something_waits_for_stays(void **state)
{
	(void)state;
	store_events(store, 1, 3, "deploy_failed", 2);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	finish(store, 1, 2, BF_STATE_DELIVERED);
	finish(store, 2, 1, BF_STATE_DELIVERED);
	finish(store, 3, 1, BF_STATE_RETRY);
	finish(store, 3, 2, BF_STATE_FAILED);
	succeed(bf_store_prune(store, second(9), second(0), ROWS, &count, NULL,
		    NULL, &err),
	    &err);
	assert_int_equal(count, 1);
	assert_int_equal(state_of(store, 2, 1), BF_STATE_DELIVERED);
	assert_int_equal(row_of(store, 3, 2).attempts, 1);
	finish(store, 2, 2, BF_STATE_DELIVERED);
	succeed(bf_store_prune(store, second(9), second(0), ROWS, &count, NULL,
		    NULL, &err),
	    &err);
	assert_int_equal(count, 1);
	assert_false(event_is_there(2));
	count = 0;
}

static void
pruning_goes_in_steps_past_what_stays(void **state)
{
	size_t sum = 0;

	(void)state;
	store_events(store, 1, 10, "deploy_failed", 1);
	for (unsigned n = 4; n <= 10; n++)
		finish(store, n, 1, BF_STATE_DELIVERED);
	for (int calls = 0; calls < 6; calls++) {
		succeed(bf_store_prune(store, second(99), second(0), 2, &count,
			    NULL, NULL, &err),
		    &err);
		sum += count;
	}
	assert_int_equal(sum, 7);
	assert_true(event_is_there(3));
	count = 0;
}

static void
old_keys_are_forgotten(void **state)
{
	struct bf_append *append;

	(void)state;
	add_event(&batch, 1, "deploy_failed", 1)->key = bf_strdup("k");
	add_event(&batch, 5, "deploy_failed", 1)->key = bf_strdup("l");
	commit(store, &batch);
	succeed(bf_store_prune(store, second(0), second(3), ROWS, &count, NULL,
		    NULL, &err),
	    &err);
	assert_int_equal(count, 1);
	add_event(&batch, 6, "deploy_failed", 1)->key = bf_strdup("k");
	append = add_event(&batch, 7, "deploy_failed", 1);
	append->key = bf_strdup("l");
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(state_of(store, 6, 1), BF_STATE_SCHEDULED);
	assert_int_equal(append->result, BF_REPEATED);
}

static void
put_past(const char *tenant, unsigned n)
{
	char *name = bf_strf(BF_TENANT_PAST "%s", tenant);
	char *value = bf_strf("%llu", (unsigned long long)bf_id_at(second(n)));

	bf_batch_add(&batch, bf_change_put(name, value));
	commit(store, &batch);
	free(name);
	free(value);
}

static bool
has_past(const char *tenant)
{
	char *name = bf_strf(BF_TENANT_PAST "%s", tenant);
	char *value;
	bool has;

	succeed(bf_store_get(store, name, &value, &err), &err);
	has = value != NULL;
	free(name);
	free(value);
	return has;
}

static void
prune_until(unsigned before, unsigned keys_before)
{
	succeed(bf_store_prune(store, second(before), second(keys_before), ROWS,
		    &count, NULL, NULL, &err),
	    &err);
}

/* Its people must not see what another of their id had. */
static void
a_deleted_tenant_is_known_as_long_as_its_history(void **state)
{
	struct bf_change *row = bf_new(struct bf_change);

	(void)state;
	store_events(store, 2, 2, "deploy_failed", 1);
	finish(store, 2, 1, BF_STATE_DELIVERED);
	row->kind = BF_CHANGE_AUDIT;
	row->audit.id = bf_id_at(second(4));
	row->audit.actor = bf_strdup("signal");
	row->audit.address = bf_strdup("");
	row->audit.action = bf_strdup("start");
	row->audit.object = bf_strdup("");
	row->audit.detail = bf_strdup("");
	bf_batch_add(&batch, row);
	commit(store, &batch);
	put_past("a", 1);
	put_past("b", 3);
	put_past("c", 5);
	put_past("d", 8);
	/* Nothing of a is left; of b there is an event. */
	prune_until(2, 9);
	assert_int_equal(count, 1);
	assert_false(has_past("a"));
	assert_true(has_past("b"));
	/* Keys may be of b. */
	prune_until(9, 2);
	assert_true(has_past("b"));
	prune_until(9, 9);
	assert_false(has_past("b"));
	/* The audit log goes back to c. */
	assert_true(has_past("c"));
	succeed(bf_store_prune_audit(store, second(9), ROWS, &count, &err),
	    &err);
	prune_until(7, 7);
	assert_false(has_past("c"));
	assert_true(has_past("d"));
	prune_until(9, 9);
	assert_false(has_past("d"));
	count = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fresh_ones_come_in_order_of_acceptance),
		TEST(fresh_ones_begin_above_the_cursor),
		TEST(a_claim_is_bounded_in_bytes_but_never_empty),
		TEST(what_was_tried_or_ended_is_fresh_no_more),
		TEST(retries_come_in_order_of_their_due_time),
		TEST(what_keeps_its_place_is_claimed_where_it_was),
		TEST(retries_begin_above_the_cursor),
		TEST(the_backlog_is_told_by_channel),
		TEST(what_waited_too_long_has_failed),
		TEST(nothing_expires_before_its_time),
		TEST(expiry_goes_on_where_its_limit_ended),
		TEST(what_comes_during_a_round_is_met_on_the_next),
		TEST(old_events_are_forgotten_with_all_they_had),
		TEST(an_old_event_that_something_waits_for_stays),
		TEST(pruning_goes_in_steps_past_what_stays),
		TEST(old_keys_are_forgotten),
		TEST(a_deleted_tenant_is_known_as_long_as_its_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
