/*
 * store_recipient_test.c - recipients with outcomes of their own
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "store_helpers.h"

static char *dir;
static struct bf_store *store;

static int
set_up(void **state)
{
	(void)state;
	dir = make_directory();
	store = open_store(dir);
	store_events(store, 1, 1, "deploy_failed", 1);
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

/* Ends an attempt: outcomes has a letter for each recipient, from a@ on: d, r,
 * f, or - for one that was not tried. */
static void
attempt(int tries, enum bf_delivery_state state, const char *outcomes)
{
	struct bf_batch batch;
	struct bf_finish *end;

	bf_batch_init(&batch);
	end = add_finish(&batch, 1, 1, tries, state);
	for (size_t i = 0; outcomes[i]; i++) {
		char address[] = { (char)('a' + i), '@', 'x', '\0' };
		struct bf_recipient *one;

		if (outcomes[i] == '-')
			continue;
		one = bf_recipients_add(&end->attempt->recipients, address);
		one->outcome = outcomes[i] == 'd'   ? BF_DELIVERED
			       : outcomes[i] == 'r' ? BF_RETRY
						    : BF_FAILED;
		bf_recipient_answer(one, 200 + (int)i, "reply");
	}
	commit(store, &batch);
}

static void
replay(void)
{
	struct bf_batch batch;

	bf_batch_init(&batch);
	add_select(&batch, BF_CHANGE_REPLAY);
	commit(store, &batch);
}

/* Who is settled when the delivery is claimed: "a" for a@x. */
static void
assert_settled(const char *expected)
{
	struct bf_delivery_row row = { 0 };
	struct bf_instant next;
	struct bf_error err;
	char found[8] = "";
	size_t count;

	succeed(bf_store_claim_retries(store, 1, (struct bf_instant){ 0 }, 0,
		    (struct bf_instant){ INT64_MAX }, 1, 1 << 20, &row, &count,
		    &next, &err),
	    &err);
	assert_int_equal(count, 1);
	for (size_t i = 0; i < row.settled.count; i++)
		found[i] = row.settled.items[i].address[0];
	assert_string_equal(found, expected);
	bf_event_unref(&row.event);
	bf_recipients_free(&row.settled);
}

struct history {
	char text[64];
};

static void
note_attempt(void *context, const struct bf_attempt *one)
{
	struct history *history = context;
	char *end = history->text + strlen(history->text);

	for (size_t i = 0; i < one->recipients.count; i++) {
		const struct bf_recipient *recipient =
		    &one->recipients.items[i];

		assert_string_equal(recipient->reply, "reply");
		*end++ = recipient->address[0];
		*end++ = "drf"[recipient->outcome];
	}
	*end++ = ' ';
}

static void
what_is_settled_is_told_to_the_next_attempt(void **state)
{
	(void)state;
	attempt(0, BF_STATE_RETRY, "dfr");
	assert_settled("ab");
	attempt(1, BF_STATE_RETRY, "--r");
	assert_settled("ab");
}

static void
the_history_has_each_recipient_of_each_attempt(void **state)
{
	struct history history = { "" };
	struct bf_delivery_row row = { 0 };
	struct bf_error err;
	bool found;

	(void)state;
	attempt(0, BF_STATE_RETRY, "dfr");
	attempt(1, BF_STATE_FAILED, "--d");
	succeed(bf_store_get_delivery(store, delivery_id(1, 1), &row, &found,
		    note_attempt, &history, &err),
	    &err);
	assert_true(found);
	bf_event_unref(&row.event);
	assert_string_equal(history.text, "adbfcr cd ");
}

static void
a_replay_tries_who_failed_and_spares_who_got_it(void **state)
{
	(void)state;
	attempt(0, BF_STATE_FAILED, "dfd");
	replay();
	assert_settled("ac");
	attempt(0, BF_STATE_FAILED, "-f-");
	replay();
	assert_settled("ac");
}

static void
a_replay_of_what_all_got_is_for_all(void **state)
{
	(void)state;
	attempt(0, BF_STATE_DELIVERED, "ddd");
	replay();
	assert_settled("");
}

static void
a_late_end_settles_nobody(void **state)
{
	(void)state;
	attempt(0, BF_STATE_RETRY, "rr");
	attempt(0, BF_STATE_DELIVERED, "dd");
	assert_settled("");
}

static void
count_attempt(void *context, const struct bf_attempt *one)
{
	int *range = context;

	range[range[0] != 0] = one->number;
}

static void
attempts_are_kept_up_to_a_number_and_who_is_settled_on(void **state)
{
	int range[2] = { 0, 0 };
	struct bf_delivery_row row = { 0 };
	struct bf_error err;
	bool found;

	(void)state;
	attempt(0, BF_STATE_RETRY, "dr");
	for (int tries = 1; tries < BF_ATTEMPTS_KEPT + 5; tries++)
		attempt(tries, BF_STATE_RETRY, "-r");
	succeed(bf_store_get_delivery(store, delivery_id(1, 1), &row, &found,
		    count_attempt, range, &err),
	    &err);
	bf_event_unref(&row.event);
	assert_int_equal(range[0], 6);
	assert_int_equal(range[1], BF_ATTEMPTS_KEPT + 5);
	assert_int_equal(row.attempts, BF_ATTEMPTS_KEPT + 5);
	assert_settled("a");
}

static void
recipients_are_forgotten_with_their_event(void **state)
{
	struct bf_error err;
	size_t count;

	(void)state;
	attempt(0, BF_STATE_DELIVERED, "d");
	succeed(bf_store_prune(store, (struct bf_instant){ START_MS + HOUR_MS },
		    (struct bf_instant){ 0 }, 10, &count, NULL, NULL, &err),
	    &err);
	assert_int_equal(count, 1);
	/* The same id once more: nothing is left of the first. */
	store_events(store, 1, 1, "deploy_failed", 1);
	attempt(0, BF_STATE_RETRY, "r");
	assert_settled("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_settled_is_told_to_the_next_attempt),
		TEST(the_history_has_each_recipient_of_each_attempt),
		TEST(a_replay_tries_who_failed_and_spares_who_got_it),
		TEST(a_replay_of_what_all_got_is_for_all),
		TEST(a_late_end_settles_nobody),
		TEST(attempts_are_kept_up_to_a_number_and_who_is_settled_on),
		TEST(recipients_are_forgotten_with_their_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
