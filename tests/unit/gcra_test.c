/*
 * gcra_test.c - limits on rates, held across processes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/gcra.h"

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define NOON (SECOND * 100000)
#define KEY 7

static int
set_up(void **state)
{
	*state = bf_new(struct bf_gcra);
	return 0;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

/* How many of tries are taken at the time. */
static int
take(struct bf_gcra *gcra, uint64_t key, const struct bf_gcra_limit *limit,
    int64_t now, int tries)
{
	int taken = 0;

	for (int i = 0; i < tries; i++)
		taken += bf_gcra_take(gcra, key, limit, now) == 0;
	return taken;
}

static void
a_burst_is_taken_at_once_and_then_one_each_interval(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(10, 1000, 5);
	struct bf_gcra *gcra = *state;

	assert_int_equal(limit.interval, 100 * MS);
	assert_int_equal(take(gcra, KEY, &limit, NOON, 100), 5);
	assert_int_equal(take(gcra, KEY, &limit, NOON + 99 * MS, 9), 0);
	assert_int_equal(take(gcra, KEY, &limit, NOON + 100 * MS, 9), 1);
	assert_int_equal(take(gcra, KEY, &limit, NOON + 350 * MS, 9), 2);
	assert_int_equal(take(gcra, KEY, &limit, NOON + SECOND, 100), 5);
}

static void
the_wait_is_exactly_as_long_as_is_needed(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 60000, 1);
	struct bf_gcra *gcra = *state;
	int64_t wait;

	assert_int_equal(bf_gcra_take(gcra, KEY, &limit, NOON), 0);
	wait = bf_gcra_take(gcra, KEY, &limit, NOON + 20 * SECOND);
	assert_int_equal(wait, 40 * SECOND);
	assert_int_equal(bf_gcra_take(gcra, KEY, &limit,
			     NOON + 20 * SECOND + wait - 1),
	    1);
	assert_int_equal(bf_gcra_take(gcra, KEY, &limit,
			     NOON + 20 * SECOND + wait),
	    0);
}

static void
what_is_refused_costs_nothing(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 1000, 2);
	struct bf_gcra *gcra = *state;

	assert_int_equal(take(gcra, KEY, &limit, NOON, 1000), 2);
	assert_int_equal(take(gcra, KEY, &limit, NOON + SECOND, 1000), 1);
}

static void
idleness_saves_up_no_more_than_a_burst(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 1000, 3);
	struct bf_gcra *gcra = *state;

	assert_int_equal(take(gcra, KEY, &limit, NOON, 9), 3);
	assert_int_equal(take(gcra, KEY, &limit, NOON * 2, 9), 3);
}

static void
the_long_run_is_never_faster_than_was_said(void **state)
{
	/* 7 does not divide a second. */
	const struct bf_gcra_limit limit = bf_gcra_limit(7, 1000, 1);
	struct bf_gcra *gcra = *state;
	int taken = 0;

	for (int64_t at = 0; at < 1000 * SECOND; at += 10 * MS)
		taken += take(gcra, KEY, &limit, NOON + at, 1);
	assert_in_range(taken, 6600, 7000);
}

static void
more_is_taken_as_a_whole_or_not_at_all(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 1000, 10);
	struct bf_gcra *gcra = *state;

	assert_int_equal(take(gcra, KEY, &limit, NOON, 4), 4);
	assert_int_equal(bf_gcra_take_more(gcra, KEY, &limit, 7, NOON),
	    2 * SECOND);
	assert_int_equal(bf_gcra_take_more(gcra, KEY, &limit, 6, NOON), 0);
	assert_int_equal(take(gcra, KEY, &limit, NOON, 9), 0);
}

static void
who_waits_as_told_gets_the_whole(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 1000, 10);
	struct bf_gcra *gcra = *state;
	int64_t now = NOON, wait;

	assert_int_equal(take(gcra, KEY, &limit, now, 8), 8);
	wait = bf_gcra_take_more(gcra, KEY, &limit, 5, now);
	assert_true(wait > 0);
	now += wait;
	assert_int_equal(bf_gcra_take(gcra, KEY, &limit, now), 0);
	assert_int_equal(bf_gcra_take_more(gcra, KEY, &limit, 5, now), 0);
}

static void
more_than_a_burst_is_made_up_for_afterwards(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 1000, 1);
	struct bf_gcra *gcra = *state;

	assert_int_equal(bf_gcra_take(gcra, KEY, &limit, NOON), 0);
	assert_int_equal(bf_gcra_take_more(gcra, KEY, &limit, 99, NOON), 0);
	assert_int_equal(bf_gcra_take(gcra, KEY, &limit, NOON), 100 * SECOND);
	assert_true(bf_gcra_take_more(gcra, KEY, &limit, 99, NOON) > 0);
	assert_int_equal(take(gcra, KEY, &limit, NOON + 99 * SECOND, 9), 0);
	assert_int_equal(take(gcra, KEY, &limit, NOON + 100 * SECOND, 9), 1);
}

static void
the_slowest_and_the_fastest_stay_within_numbers(void **state)
{
	const struct bf_gcra_limit slow = bf_gcra_limit(1, 3600000, 1000000);
	const struct bf_gcra_limit fast = bf_gcra_limit(1000000, 1000, 1);
	struct bf_gcra *gcra = *state;

	assert_int_equal(take(gcra, KEY, &slow, NOON, 1000), 1000);
	assert_int_equal(bf_gcra_take_more(gcra, KEY, &slow, 998999, NOON), 0);
	assert_true(bf_gcra_take_more(gcra, KEY, &slow, 9999, NOON) > 0);
	assert_int_equal(bf_gcra_take(gcra, KEY, &slow, NOON), 0);
	assert_int_equal(bf_gcra_take(gcra, KEY, &slow, NOON), 3600 * SECOND);
	assert_int_equal(take(gcra, 8, &fast, NOON, 9), 1);
	assert_int_equal(take(gcra, 8, &fast, NOON + 1000, 9), 1);
}

static void
keys_that_meet_in_the_table_do_not_limit_each_other(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 3600000, 2);
	struct bf_gcra *gcra = *state;

	for (uint64_t i = 0; i < 30; i++)
		assert_int_equal(take(gcra, KEY + i * BF_GCRA_SLOTS, &limit,
				     NOON, 9),
		    2);
	for (uint64_t i = 0; i < 30; i++)
		assert_int_equal(take(gcra, KEY + i * BF_GCRA_SLOTS, &limit,
				     NOON, 9),
		    0);
}

static void
slots_of_keys_at_rest_are_used_again(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 1000, 1);
	struct bf_gcra *gcra = *state;
	int64_t now = NOON;

	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(take(gcra, KEY + i * BF_GCRA_SLOTS, &limit,
				     now, 9),
		    1);
		now += 120 * SECOND;
	}
}

static void
a_table_without_room_limits_nobody(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 3600000, 1);
	struct bf_gcra *gcra = *state;

	for (uint64_t i = 0; i < 32; i++)
		take(gcra, KEY + i * BF_GCRA_SLOTS, &limit, NOON, 1);
	assert_int_equal(take(gcra, KEY + 32 * BF_GCRA_SLOTS, &limit, NOON, 9),
	    9);
	assert_int_equal(take(gcra, KEY, &limit, NOON, 9), 0);
}

/* Several processes at once take no more than one would. */
static void
processes_share_what_there_is(void **state)
{
	const struct bf_gcra_limit limit = bf_gcra_limit(1, 3600000, 5000);
	struct bf_gcra *gcra = mmap(NULL, sizeof(*gcra), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	_Atomic int *taken = mmap(NULL, sizeof(*taken), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	(void)state;
	assert_true(gcra != MAP_FAILED && taken != MAP_FAILED);
	for (int i = 0; i < 4; i++) {
		const pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			atomic_fetch_add(taken,
			    take(gcra, KEY, &limit, NOON, 2000));
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(*taken, 5000);
	munmap(gcra, sizeof(*gcra));
	munmap((void *)taken, sizeof(*taken));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_burst_is_taken_at_once_and_then_one_each_interval),
		TEST(the_wait_is_exactly_as_long_as_is_needed),
		TEST(what_is_refused_costs_nothing),
		TEST(idleness_saves_up_no_more_than_a_burst),
		TEST(the_long_run_is_never_faster_than_was_said),
		TEST(more_is_taken_as_a_whole_or_not_at_all),
		TEST(who_waits_as_told_gets_the_whole),
		TEST(more_than_a_burst_is_made_up_for_afterwards),
		TEST(the_slowest_and_the_fastest_stay_within_numbers),
		TEST(keys_that_meet_in_the_table_do_not_limit_each_other),
		TEST(slots_of_keys_at_rest_are_used_again),
		TEST(a_table_without_room_limits_nobody),
		TEST(processes_share_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
