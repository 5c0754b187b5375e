/*
 * window_test.c - how many attempts are made at once
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/dispatch/window.h"

#define NOW 1000000

/* Attempts under way, in a window. */
struct sender {
	struct bf_window window;
	size_t in_flight;
};

static struct sender
make_sender(size_t bound)
{
	struct sender sender = { .in_flight = 0 };

	bf_window_bound(&sender.window, bound);
	return sender;
}

/* Begins as many as it may, and ends so many of them. */
static void
run(struct sender *sender, size_t count, enum bf_health health)
{
	for (; count > 0; count--) {
		while (bf_window_room(&sender->window, sender->in_flight) > 0)
			bf_window_begin(&sender->window, ++sender->in_flight,
			    NOW);
		sender->in_flight--;
		bf_window_end(&sender->window, health);
	}
}

/* So many rounds of the same outcome. */
static void
rounds(struct sender *sender, int count, enum bf_health health)
{
	for (; count > 0; count--)
		run(sender, sender->window.size, health);
}

static void
it_opens_by_doubling_up_to_its_bound(void **state)
{
	struct sender sender = make_sender(100);

	(void)state;
	assert_int_equal(sender.window.size, 16);
	assert_int_equal(bf_window_room(&sender.window, 0), 16);
	assert_int_equal(bf_window_room(&sender.window, 15), 1);
	assert_int_equal(bf_window_room(&sender.window, 16), 0);
	assert_int_equal(bf_window_room(&sender.window, 17), 0);
	run(&sender, 15, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 16);
	run(&sender, 1, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 32);
	rounds(&sender, 1, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 64);
	rounds(&sender, 5, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 100);
}

static void
a_bound_below_the_first_size_is_the_size(void **state)
{
	struct sender sender = make_sender(3);

	(void)state;
	assert_int_equal(sender.window.size, 3);
	rounds(&sender, 9, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 3);
	bf_window_bound(&sender.window, 3);
	assert_int_equal(sender.window.size, 3);
	bf_window_bound(&sender.window, 64);
	assert_int_equal(sender.window.size, 16);
	rounds(&sender, 2, BF_HEALTH_WELL);
	bf_window_bound(&sender.window, 64);
	assert_int_equal(sender.window.size, 64);
	bf_window_bound(&sender.window, 20);
	assert_int_equal(sender.window.size, 16);
}

static void
one_that_is_not_used_does_not_open(void **state)
{
	struct bf_window window = { 0 };

	(void)state;
	bf_window_bound(&window, 64);
	for (int i = 0; i < 1000; i++) {
		bf_window_begin(&window, 15, NOW);
		bf_window_end(&window, BF_HEALTH_WELL);
	}
	assert_int_equal(window.size, 16);
	bf_window_begin(&window, 16, NOW);
	for (int i = 0; i < 16; i++)
		bf_window_end(&window, BF_HEALTH_WELL);
	assert_int_equal(window.size, 32);
}

static void
a_round_of_failures_halves_it_down_to_one(void **state)
{
	struct sender sender = make_sender(64);

	(void)state;
	rounds(&sender, 2, BF_HEALTH_WELL);
	for (size_t size = 64; size > 1; size /= 2) {
		assert_int_equal(sender.window.size, size);
		rounds(&sender, 1, BF_HEALTH_ILL);
	}
	rounds(&sender, 9, BF_HEALTH_ILL);
	assert_int_equal(sender.window.size, 1);
	assert_int_equal(bf_window_room(&sender.window, 0), 1);
}

static void
a_few_failures_take_half_their_number(void **state)
{
	struct sender sender = make_sender(64);

	(void)state;
	rounds(&sender, 2, BF_HEALTH_WELL);
	run(&sender, 10, BF_HEALTH_ILL);
	run(&sender, 54, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 59);
	run(&sender, 58, BF_HEALTH_WELL);
	run(&sender, 1, BF_HEALTH_ILL);
	assert_int_equal(sender.window.size, 58);
	/* From there by one a round. */
	rounds(&sender, 1, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 59);
	rounds(&sender, 9, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 64);
}

static void
after_an_outage_it_doubles_up_to_where_that_found_it(void **state)
{
	struct sender sender = make_sender(64);

	(void)state;
	rounds(&sender, 2, BF_HEALTH_WELL);
	rounds(&sender, 100, BF_HEALTH_ILL);
	assert_int_equal(sender.window.size, 1);
	for (size_t size = 2; size <= 32; size *= 2) {
		rounds(&sender, 1, BF_HEALTH_WELL);
		assert_int_equal(sender.window.size, size);
	}
	rounds(&sender, 1, BF_HEALTH_WELL);
	assert_int_equal(sender.window.size, 33);
}

/* An endpoint that takes so many at once, and turns away what is beyond. */
static void
it_settles_at_what_the_endpoint_takes(void **state)
{
	struct sender sender = make_sender(1024);
	size_t turned_away = 0, total = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		const size_t size = sender.window.size;
		const size_t beyond = size > 40 ? size - 40 : 0;

		run(&sender, beyond, BF_HEALTH_ILL);
		run(&sender, size - beyond, BF_HEALTH_WELL);
		turned_away += i >= 100 ? beyond : 0;
		total += i >= 100 ? size : 0;
	}
	assert_in_range(sender.window.size, 36, 44);
	assert_true(turned_away * 20 < total);
}

static void
failures_at_one_at_once_make_a_gap_that_a_success_ends(void **state)
{
	struct sender sender = make_sender(1);

	(void)state;
	assert_true(bf_window_ready(&sender.window) <= 0);
	run(&sender, 1, BF_HEALTH_ILL);
	assert_int_equal(bf_window_ready(&sender.window), NOW + 10);
	run(&sender, 1, BF_HEALTH_ILL);
	assert_int_equal(bf_window_ready(&sender.window), NOW + 11);
	run(&sender, 1, BF_HEALTH_UNKNOWN);
	assert_int_equal(bf_window_ready(&sender.window), NOW + 11);
	run(&sender, 188, BF_HEALTH_ILL);
	assert_int_equal(bf_window_ready(&sender.window), NOW + 199);
	run(&sender, 100, BF_HEALTH_ILL);
	assert_int_equal(bf_window_ready(&sender.window), NOW + 200);
	/* One that refuses is up. */
	run(&sender, 1, BF_HEALTH_REFUSES);
	assert_int_equal(bf_window_ready(&sender.window), NOW + 10);
	run(&sender, 1, BF_HEALTH_WELL);
	assert_true(bf_window_ready(&sender.window) <= NOW);
}

static void
refusals_leave_the_size_and_make_a_gap_after_sixteen(void **state)
{
	struct sender sender = make_sender(64);

	(void)state;
	for (int i = 0; i < 20; i++) {
		run(&sender, 15, BF_HEALTH_REFUSES);
		assert_true(bf_window_ready(&sender.window) <= NOW);
		run(&sender, 1, BF_HEALTH_WELL);
	}
	assert_true(sender.window.size > 16);
	run(&sender, 16, BF_HEALTH_REFUSES);
	assert_int_equal(bf_window_ready(&sender.window), NOW + 10);
	run(&sender, 1000, BF_HEALTH_REFUSES);
	assert_int_equal(bf_window_ready(&sender.window), NOW + 10);
	assert_true(sender.window.size > 16);
	run(&sender, 1, BF_HEALTH_WELL);
	assert_true(bf_window_ready(&sender.window) <= NOW);
}

/* Whatever comes, one attempt may always be made, within the longest gap. */
static void
it_never_closes(void **state)
{
	struct sender sender = make_sender(7);
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		random = random * 1664525 + 1013904223;
		run(&sender, 1, (enum bf_health)(random >> 30));
		assert_in_range(sender.window.size, 1, 7);
		assert_true(bf_window_room(&sender.window, 0) > 0);
		assert_true(bf_window_ready(&sender.window) <= NOW + 200);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_opens_by_doubling_up_to_its_bound),
		cmocka_unit_test(a_bound_below_the_first_size_is_the_size),
		cmocka_unit_test(one_that_is_not_used_does_not_open),
		cmocka_unit_test(a_round_of_failures_halves_it_down_to_one),
		cmocka_unit_test(a_few_failures_take_half_their_number),
		cmocka_unit_test(
		    after_an_outage_it_doubles_up_to_where_that_found_it),
		cmocka_unit_test(it_settles_at_what_the_endpoint_takes),
		cmocka_unit_test(
		    failures_at_one_at_once_make_a_gap_that_a_success_ends),
		cmocka_unit_test(
		    refusals_leave_the_size_and_make_a_gap_after_sixteen),
		cmocka_unit_test(it_never_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
