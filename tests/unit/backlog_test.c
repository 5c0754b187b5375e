/*
 * backlog_test.c - when a growing backlog is worth a word
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/scheduler/backlog.h"

/* Looks at each number in turn; the looks that were worth a word, as bits. */
static unsigned
looks(const int64_t *waiting, size_t count)
{
	struct bf_backlog_watch watch = { 0 };
	unsigned worth = 0;

	for (size_t i = 0; i < count; i++)
		worth |= (unsigned)bf_backlog_grows(&watch, waiting[i], 100)
			 << i;
	return worth;
}

#define LOOKS(...)                                                             \
	looks((const int64_t[]){ __VA_ARGS__ },                                \
	    sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static void
what_grows_beyond_the_limit_is_said_once_until_it_doubles(void **state)
{
	(void)state;
	assert_int_equal(LOOKS(50, 101, 150), 1 << 2);
	assert_int_equal(LOOKS(101, 150, 200, 299), 1 << 1);
	assert_int_equal(LOOKS(101, 150, 200, 300, 599, 600),
	    1 << 1 | 1 << 3 | 1 << 5);
}

static void
burst_that_is_gone_at_the_next_look_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(LOOKS(0, 5000, 10, 5000, 0), 0);
}

static void
what_stays_or_shrinks_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(LOOKS(100, 100, 100), 0);
	assert_int_equal(LOOKS(5000, 5000, 4000, 4000), 0);
}

static void
once_it_was_small_again_it_begins_anew(void **state)
{
	(void)state;
	assert_int_equal(LOOKS(200, 5000, 100, 200, 300), 1 << 1 | 1 << 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_grows_beyond_the_limit_is_said_once_until_it_doubles),
		cmocka_unit_test(
		    burst_that_is_gone_at_the_next_look_is_nothing),
		cmocka_unit_test(what_stays_or_shrinks_is_nothing),
		cmocka_unit_test(once_it_was_small_again_it_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
