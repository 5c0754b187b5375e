/*
 * store_commit_test.c - what a batch changes, and what it must not
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/memory.h>

#include "tests/unit/store_fixture.h"
#include "tests/unit/store_helpers.h"

static void
open_again(void)
{
	bf_store_close(&store);
	store = open_store(dir);
}

/* ---- append ---- */

static void
count_row(void *context, const struct bf_delivery_row *row)
{
	size_t *count = context;

	assert_non_null(row->event);
	++*count;
}

static void
an_event_comes_back_as_it_was_stored(void **state)
{
	struct bf_event *event;
	size_t count = 0;
	char *reason;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 3);
	open_again();
	succeed(bf_store_get_event(store, event_id(1), &event, &reason,
		    count_row, &count, &err),
	    &err);
	assert_non_null(event);
	assert_null(reason);
	assert_int_equal(count, 3);
	assert_true(event->id == event_id(1));
	assert_string_equal(event->type, "deploy_failed");
	assert_string_equal(event->tenant, TENANT);
	assert_int_equal(event->timestamp_us, 1000000);
	assert_string_equal(bf_buf_text(&event->json),
	    "{\"event\":\"deploy_failed\",\"n\":1,\"subject\":\"s\"}");
	bf_event_unref(&event);
}

static void
an_event_without_deliveries_keeps_its_reason(void **state)
{
	struct bf_event *event;
	size_t count = 0;
	char *reason;

	(void)state;
	add_event(&batch, 1, "deploy_started", 0)->reason =
	    bf_strdup("the type is off");
	commit(store, &batch);
	succeed(bf_store_get_event(store, event_id(1), &event, &reason,
		    count_row, &count, &err),
	    &err);
	assert_string_equal(reason, "the type is off");
	assert_int_equal(count, 0);
	bf_event_unref(&event);
	free(reason);
}

static void
a_new_delivery_is_scheduled_and_untried(void **state)
{
	struct bf_delivery_row row;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	row = row_of(store, 1, 1);
	assert_int_equal(row.state, BF_STATE_SCHEDULED);
	assert_int_equal(row.tries, 0);
	assert_int_equal(row.attempts, 0);
	assert_int_equal(row.due.ms, START_MS + 1000);
	assert_int_equal(row.expires.ms, START_MS + 1000 + HOUR_MS);
	assert_int_equal(row.ended.ms, 0);
}

static void
the_same_event_twice_is_stored_once(void **state)
{
	struct bf_append *append;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	append = add_event(&batch, 1, "deploy_failed", 1);
	append->resent = true;
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(append->result, BF_REPEATED);
	assert_true(append->found == event_id(1));
	assert_int_equal(state_of(store, 1, 1), BF_STATE_DELIVERED);
}

static void
another_event_with_a_taken_id_is_a_conflict(void **state)
{
	struct bf_append *append;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	append = add_event(&batch, 1, "deploy_succeeded", 2);
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(append->result, BF_CONFLICT);
	assert_int_equal(state_of(store, 1, 2), -1);
}

/* ---- idempotency keys ---- */

static struct bf_append *
add_keyed(unsigned n, const char *tenant, const char *key, int digest)
{
	struct bf_append *append = add_event(&batch, n, "deploy_failed", 1);

	free(append->event->tenant);
	append->event->tenant = bf_strdup(tenant);
	append->key = bf_strdup(key);
	memset(append->digest, digest, sizeof(append->digest));
	return append;
}

static void
a_key_of_before_is_a_new_one(void **state)
{
	struct bf_append *second;

	(void)state;
	add_keyed(1, TENANT, "order-7", 0xab);
	commit(store, &batch);
	second = add_keyed(2, TENANT, "order-7", 0xcd);
	second->key_since = event_id(1) + 1;
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(second->result, BF_APPENDED);
	bf_batch_clear(&batch);
	second = add_keyed(3, TENANT, "order-7", 0xcd);
	second->key_since = event_id(1) + 1;
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(second->result, BF_REPEATED);
	assert_true(second->found == event_id(2));
}

static void
a_key_used_again_finds_the_first_event(void **state)
{
	struct bf_append *second;

	(void)state;
	add_keyed(1, TENANT, "order-7", 0xab);
	commit(store, &batch);
	open_again();
	second = add_keyed(2, TENANT, "order-7", 0xab);
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(second->result, BF_REPEATED);
	assert_true(second->found == event_id(1));
	assert_int_equal(state_of(store, 2, 1), -1);
}

static void
a_key_with_another_body_is_a_conflict(void **state)
{
	struct bf_append *second;

	(void)state;
	add_keyed(1, TENANT, "order-7", 0xab);
	commit(store, &batch);
	second = add_keyed(2, TENANT, "order-7", 0xcd);
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(second->result, BF_CONFLICT);
	assert_int_equal(state_of(store, 2, 1), -1);
}

static void
a_key_counts_within_one_batch_and_one_tenant(void **state)
{
	struct bf_append *first, *second, *other;

	(void)state;
	first = add_keyed(1, TENANT, "order-7", 1);
	second = add_keyed(2, TENANT, "order-7", 1);
	other = add_keyed(3, "another", "order-7", 2);
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(first->result, BF_APPENDED);
	assert_int_equal(second->result, BF_REPEATED);
	assert_true(second->found == event_id(1));
	assert_int_equal(other->result, BF_APPENDED);
}

/* ---- finish ---- */

static void
keep_attempt(void *context, const struct bf_attempt *attempt)
{
	struct bf_attempt *kept = context;

	*kept = *attempt;
	kept->why = bf_strdup(attempt->why);
	kept->excerpt = attempt->excerpt ? bf_strndup(attempt->excerpt,
					       attempt->excerpt_size)
					 : NULL;
}

static void
an_attempt_comes_back_as_it_was_recorded(void **state)
{
	struct bf_delivery_row row;
	struct bf_attempt kept;
	struct bf_attempt *attempt;
	bool found;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	attempt = add_finish(&batch, 1, 1, 0, BF_STATE_RETRY)->attempt;
	attempt->why = bf_strdup("503 Service Unavailable");
	attempt->excerpt = bf_strndup("a\0b", 3);
	attempt->excerpt_size = 3;
	attempt->outcome = 1;
	commit(store, &batch);
	open_again();
	succeed(bf_store_get_delivery(store, delivery_id(1, 1), &row, &found,
		    keep_attempt, &kept, &err),
	    &err);
	assert_true(found);
	assert_int_equal(kept.number, 1);
	assert_int_equal(kept.at.ms, START_MS + 1400);
	assert_int_equal(kept.took_us, 100000);
	assert_int_equal(kept.resolve_us, -1);
	assert_int_equal(kept.connect_us, 200);
	assert_int_equal(kept.tls_us, -1);
	assert_int_equal(kept.first_byte_us, 90000);
	assert_int_equal(kept.outcome, 1);
	assert_int_equal(kept.status, 503);
	assert_string_equal(kept.why, "503 Service Unavailable");
	assert_int_equal(kept.excerpt_size, 3);
	assert_memory_equal(kept.excerpt, "a\0b", 3);
	bf_event_unref(&row.event);
	free(kept.why);
	free(kept.excerpt);
}

static void
a_retry_waits_with_its_tries_counted(void **state)
{
	struct bf_delivery_row row;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_RETRY);
	row = row_of(store, 1, 1);
	assert_int_equal(row.state, BF_STATE_RETRY);
	assert_int_equal(row.tries, 1);
	assert_int_equal(row.attempts, 1);
	assert_int_equal(row.due.ms, START_MS + 2500);
	assert_int_equal(row.ended.ms, 0);
}

static void
a_delivery_that_ended_says_when(void **state)
{
	struct bf_delivery_row row;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	row = row_of(store, 1, 1);
	assert_int_equal(row.state, BF_STATE_DELIVERED);
	assert_int_equal(row.ended.ms, START_MS + 1500);
	assert_int_equal(row.due.ms, START_MS + 1000);
}

static void
an_attempt_that_does_not_count_leaves_the_tries(void **state)
{
	struct bf_delivery_row row;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	add_finish(&batch, 1, 1, 0, BF_STATE_RETRY)->count = false;
	commit(store, &batch);
	row = row_of(store, 1, 1);
	assert_int_equal(row.tries, 0);
	assert_int_equal(row.attempts, 1);
}

static void
a_late_finish_changes_nothing(void **state)
{
	struct bf_delivery_row row;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_RETRY);
	add_finish(&batch, 1, 1, 0, BF_STATE_DELIVERED); /* of 0 tries */
	add_finish(&batch, 1, 1, 5, BF_STATE_DELIVERED);
	add_finish(&batch, 1, 9, 0, BF_STATE_DELIVERED); /* no such channel */
	add_finish(&batch, 9, 1, 0, BF_STATE_DELIVERED); /* no such event */
	commit(store, &batch);
	row = row_of(store, 1, 1);
	assert_int_equal(row.state, BF_STATE_RETRY);
	assert_int_equal(row.tries, 1);
	assert_int_equal(row.attempts, 1);
	assert_int_equal(state_of(store, 1, 9), -1);
}

static void
a_finish_after_the_end_changes_nothing(void **state)
{
	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	add_finish(&batch, 1, 1, 1, BF_STATE_FAILED);
	commit(store, &batch);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_DELIVERED);
}

static void
a_finish_recorded_twice_counts_once(void **state)
{
	struct bf_delivery_row row;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	add_finish(&batch, 1, 1, 0, BF_STATE_RETRY)->count = false;
	succeed(bf_store_commit(store, &batch, &err), &err);
	succeed(bf_store_commit(store, &batch, &err), &err);
	row = row_of(store, 1, 1);
	assert_int_equal(row.attempts, 1);
}

static void
an_end_without_an_attempt_keeps_the_crashes(void **state)
{
	struct bf_delivery_row row;
	struct bf_finish *end;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	end = add_finish(&batch, 1, 1, 0, BF_STATE_FAILED);
	bf_attempt_free(end->attempt);
	end->attempt = NULL;
	end->crashes = 3;
	commit(store, &batch);
	row = row_of(store, 1, 1);
	assert_int_equal(row.state, BF_STATE_FAILED);
	assert_int_equal(row.crashes, 3);
	assert_int_equal(row.attempts, 0);
}

/* ---- cancel and replay ---- */

static void
cancel_ends_what_waits_and_nothing_else(void **state)
{
	struct bf_change *change;

	(void)state;
	store_events(store, 1, 3, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	finish(store, 2, 1, BF_STATE_RETRY);
	change = add_select(&batch, BF_CHANGE_CANCEL);
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(change->select.count, 2);
	assert_true(change->select.changed[0].event == event_id(2));
	assert_true(change->select.changed[1].event == event_id(3));
	assert_false(change->select.more);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_DELIVERED);
	assert_int_equal(state_of(store, 2, 1), BF_STATE_CANCELLED);
	assert_int_equal(state_of(store, 3, 1), BF_STATE_CANCELLED);
	assert_int_equal(row_of(store, 3, 1).ended.ms, change->select.now.ms);
}

static void
channels_are_numbered_at_first_sight_and_for_good(void **state)
{
	struct bf_numbered_channel channels[] = { { TENANT, "ops", 9 },
		{ "other", "ops", 9 }, { TENANT, "ops", 9 },
		{ "o", "mail", 9 } };
	uint32_t number;

	(void)state;
	succeed(bf_store_number_channels(store, channels, 0, &err), &err);
	succeed(bf_store_number_channels(store, channels, 3, &err), &err);
	assert_int_equal(channels[0].number, 1);
	assert_int_equal(channels[1].number, 2);
	assert_int_equal(channels[2].number, 1);
	succeed(bf_store_number_channels(store, channels, 4, &err), &err);
	assert_int_equal(channels[1].number, 2);
	assert_int_equal(channels[3].number, 3);
	succeed(bf_store_channel_number(store, "other", "ops", &number, &err),
	    &err);
	assert_int_equal(number, 2);
}

static void
a_selector_means_what_fits_all_its_members(void **state)
{
	struct bf_change *change;
	uint32_t number;

	(void)state;
	succeed(bf_store_channel_number(store, TENANT, "ops", &number, &err),
	    &err);
	assert_int_equal(number, 1);
	succeed(bf_store_channel_number(store, "other", "ops", &number, &err),
	    &err);
	assert_int_equal(number, 2);
	store_events(store, 1, 4, "deploy_failed", 2);
	store_events(store, 5, 8, "deploy_succeeded", 2);
	change = add_select(&batch, BF_CHANGE_CANCEL);
	change->select.selector = (struct bf_selector){
		.tenant = bf_strdup(TENANT),
		.type = bf_strdup("deploy_succeeded"),
		.since = event_id(6),
		.until = event_id(8),
	};
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(change->select.count, 2);
	assert_int_equal(state_of(store, 5, 1), BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, 6, 1), BF_STATE_CANCELLED);
	assert_int_equal(state_of(store, 6, 2), BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, 7, 1), BF_STATE_CANCELLED);
	assert_int_equal(state_of(store, 8, 1), BF_STATE_SCHEDULED);
}

static void
a_selector_can_name_one_delivery_or_event_or_channel(void **state)
{
	(void)state;
	store_events(store, 1, 3, "deploy_failed", 3);
	add_select(&batch, BF_CHANGE_CANCEL)->select.selector.id =
	    delivery_id(1, 2);
	add_select(&batch, BF_CHANGE_CANCEL)->select.selector.id.event =
	    event_id(2);
	add_select(&batch, BF_CHANGE_CANCEL)->select.selector.id.channel = 3;
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, 1, 2), BF_STATE_CANCELLED);
	assert_int_equal(state_of(store, 2, 1), BF_STATE_CANCELLED);
	assert_int_equal(state_of(store, 3, 1), BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, 3, 3), BF_STATE_CANCELLED);
}

static void
a_selector_of_an_unknown_type_means_nothing(void **state)
{
	struct bf_change *change;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	change = add_select(&batch, BF_CHANGE_CANCEL);
	change->select.selector.type = bf_strdup("never_seen");
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(change->select.count, 0);
	assert_false(change->select.more);
}

static void
a_cancel_goes_on_in_steps_until_the_end(void **state)
{
	struct bf_change *change;
	size_t steps = 0, sum = 0;

	(void)state;
	store_events(store, 1, 10, "deploy_failed", 3);
	change = add_select(&batch, BF_CHANGE_CANCEL);
	change->select.limit = 7;
	do {
		succeed(bf_store_commit(store, &batch, &err), &err);
		sum += change->select.count;
		assert_in_range(change->select.count, 1, 7);
		steps++;
	} while (change->select.more);
	assert_int_equal(sum, 30);
	assert_int_equal(steps, 5);
	assert_int_equal(state_of(store, 10, 3), BF_STATE_CANCELLED);
}

/* Many rows that do not fit stand before one that does. */
static void
a_step_that_finds_nothing_still_moves_on(void **state)
{
	struct bf_change *change;
	size_t steps = 0, sum = 0;

	(void)state;
	for (unsigned n = 1; n < 250; n++)
		add_event(&batch, n, "deploy_failed", 200);
	add_event(&batch, 250, "deploy_succeeded", 1);
	commit(store, &batch);
	change = add_select(&batch, BF_CHANGE_CANCEL);
	change->select.selector.type = bf_strdup("deploy_succeeded");
	do {
		succeed(bf_store_commit(store, &batch, &err), &err);
		sum += change->select.count;
		steps++;
	} while (change->select.more && steps < 100);
	assert_int_equal(sum, 1);
	assert_in_range(steps, 2, 4);
	assert_int_equal(state_of(store, 250, 1), BF_STATE_CANCELLED);
}

static void
replay_makes_what_ended_due_at_once(void **state)
{
	struct bf_delivery_row row;
	struct bf_change *change;

	(void)state;
	store_events(store, 1, 4, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	finish(store, 2, 1, BF_STATE_FAILED);
	finish(store, 3, 1, BF_STATE_RETRY);
	change = add_select(&batch, BF_CHANGE_REPLAY);
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(change->select.count, 2);
	row = row_of(store, 1, 1);
	assert_int_equal(row.state, BF_STATE_RETRY);
	assert_int_equal(row.tries, 0);
	assert_int_equal(row.attempts, 1);
	assert_int_equal(row.due.ms, change->select.now.ms);
	assert_int_equal(row.expires.ms, change->select.now.ms + HOUR_MS);
	assert_int_equal(state_of(store, 2, 1), BF_STATE_RETRY);
	assert_int_equal(row_of(store, 3, 1).tries, 1);
	assert_int_equal(state_of(store, 4, 1), BF_STATE_SCHEDULED);
}

static void
replay_of_what_failed_leaves_what_was_delivered(void **state)
{
	struct bf_change *change;

	(void)state;
	store_events(store, 1, 3, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	finish(store, 2, 1, BF_STATE_FAILED);
	finish(store, 3, 1, BF_STATE_CANCELLED);
	change = add_select(&batch, BF_CHANGE_REPLAY);
	change->select.failed_only = true;
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(change->select.count, 1);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_DELIVERED);
	assert_int_equal(state_of(store, 2, 1), BF_STATE_RETRY);
	assert_int_equal(state_of(store, 3, 1), BF_STATE_CANCELLED);
}

static void
attempts_after_a_replay_go_on_with_their_numbers(void **state)
{
	struct bf_finish *again;
	struct bf_delivery_row row;

	(void)state;
	store_events(store, 1, 1, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_FAILED);
	add_select(&batch, BF_CHANGE_REPLAY);
	again = add_finish(&batch, 1, 1, 0, BF_STATE_DELIVERED);
	again->attempt->number = 2;
	commit(store, &batch);
	row = row_of(store, 1, 1);
	assert_int_equal(row.state, BF_STATE_DELIVERED);
	assert_int_equal(row.tries, 1);
	assert_int_equal(row.attempts, 2);
}

/* ---- settings and the batch ---- */

static void
a_setting_is_put_changed_and_forgotten(void **state)
{
	char *value;

	(void)state;
	add_setting(&batch, "default_tenant", TENANT);
	commit(store, &batch);
	succeed(bf_store_get(store, "default_tenant", &value, &err), &err);
	assert_string_equal(value, TENANT);
	free(value);
	add_setting(&batch, "default_tenant", "x");
	commit(store, &batch);
	open_again();
	succeed(bf_store_get(store, "default_tenant", &value, &err), &err);
	assert_string_equal(value, "x");
	free(value);
	add_setting(&batch, "default_tenant", NULL);
	commit(store, &batch);
	succeed(bf_store_get(store, "default_tenant", &value, &err), &err);
	assert_null(value);
}

static void
a_batch_made_again_has_the_same_effect(void **state)
{
	struct bf_append *append;

	(void)state;
	append = add_event(&batch, 1, "deploy_failed", 2);
	add_finish(&batch, 1, 1, 0, BF_STATE_RETRY);
	add_setting(&batch, "a", "b");
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(append->result, BF_APPENDED);
	succeed(bf_store_commit(store, &batch, &err), &err);
	assert_int_equal(append->result, BF_REPEATED);
	assert_true(append->found == event_id(1));
	assert_int_equal(row_of(store, 1, 1).attempts, 1);
	assert_int_equal(state_of(store, 1, 2), BF_STATE_SCHEDULED);
}

static void
an_empty_batch_is_committed(void **state)
{
	(void)state;
	succeed(bf_store_commit(store, &batch, &err), &err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_comes_back_as_it_was_stored),
		TEST(an_event_without_deliveries_keeps_its_reason),
		TEST(a_new_delivery_is_scheduled_and_untried),
		TEST(the_same_event_twice_is_stored_once),
		TEST(another_event_with_a_taken_id_is_a_conflict),
		TEST(a_key_of_before_is_a_new_one),
		TEST(a_key_used_again_finds_the_first_event),
		TEST(a_key_with_another_body_is_a_conflict),
		TEST(a_key_counts_within_one_batch_and_one_tenant),
		TEST(an_attempt_comes_back_as_it_was_recorded),
		TEST(a_retry_waits_with_its_tries_counted),
		TEST(a_delivery_that_ended_says_when),
		TEST(an_attempt_that_does_not_count_leaves_the_tries),
		TEST(a_late_finish_changes_nothing),
		TEST(a_finish_after_the_end_changes_nothing),
		TEST(a_finish_recorded_twice_counts_once),
		TEST(an_end_without_an_attempt_keeps_the_crashes),
		TEST(cancel_ends_what_waits_and_nothing_else),
		TEST(channels_are_numbered_at_first_sight_and_for_good),
		TEST(a_selector_means_what_fits_all_its_members),
		TEST(a_selector_can_name_one_delivery_or_event_or_channel),
		TEST(a_selector_of_an_unknown_type_means_nothing),
		TEST(a_cancel_goes_on_in_steps_until_the_end),
		TEST(a_step_that_finds_nothing_still_moves_on),
		TEST(replay_makes_what_ended_due_at_once),
		TEST(replay_of_what_failed_leaves_what_was_delivered),
		TEST(attempts_after_a_replay_go_on_with_their_numbers),
		TEST(a_setting_is_put_changed_and_forgotten),
		TEST(a_batch_made_again_has_the_same_effect),
		TEST(an_empty_batch_is_committed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
