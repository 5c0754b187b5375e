/*
 * rates_test.c - what happened in each minute of the last hour
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/scheduler/rates.h"

#define NOON ((int64_t)1800000000000) /* the beginning of a minute */

static struct bf_instant
minute(int64_t after)
{
	return (struct bf_instant){ NOON + after * 60000 };
}

static void
what_happens_is_counted_for_channel_tenant_and_all(void **state)
{
	struct bf_rates *rates = bf_rates_new();
	struct bf_rate_minute read[BF_RATES_MINUTES];

	(void)state;
	bf_rates_accepted(rates, "acme", 1, minute(0));
	bf_rates_accepted(rates, "acme", 2, minute(0));
	bf_rates_accepted(rates, "other", 3, minute(0));
	bf_rates_failed(rates, "acme", 2, minute(1));
	bf_rates_delivered(rates, "other", 3, minute(1),
	    (struct bf_duration){ 70 });

	assert_true(bf_rates_read(rates, NULL, 2, minute(1), read));
	assert_int_equal(read[58].accepted, 1);
	assert_int_equal(read[59].failed, 1);
	assert_int_equal(read[59].minute, minute(1).ms / 60000);
	assert_true(bf_rates_read(rates, "acme", 0, minute(1), read));
	assert_int_equal(read[58].accepted, 2);
	assert_int_equal(read[59].failed, 1);
	assert_int_equal(read[59].delivered, 0);
	assert_true(bf_rates_read(rates, NULL, 0, minute(1), read));
	assert_int_equal(read[58].accepted, 3);
	assert_int_equal(read[59].delivered, 1);
	assert_int_equal(read[59].waited_most_ms, 70);
	bf_rates_free(&rates);
}

static void
one_tenant_sees_nothing_of_another(void **state)
{
	struct bf_rates *rates = bf_rates_new();
	struct bf_rate_minute read[BF_RATES_MINUTES];

	(void)state;
	bf_rates_accepted(rates, "acme", 1, minute(0));
	bf_rates_read(rates, "acm", 0, minute(0), read);
	assert_int_equal(read[59].accepted, 0);
	bf_rates_read(rates, NULL, 2, minute(0), read);
	assert_int_equal(read[59].accepted, 0);
	bf_rates_free(&rates);
}

static void
minutes_leave_after_an_hour(void **state)
{
	struct bf_rates *rates = bf_rates_new();
	struct bf_rate_minute read[BF_RATES_MINUTES];
	int seen = 0;

	(void)state;
	for (int i = 0; i < 200; i++)
		bf_rates_accepted(rates, "acme", 1, minute(i));
	bf_rates_read(rates, NULL, 1, minute(199), read);
	for (int i = 0; i < BF_RATES_MINUTES; i++)
		seen += (int)read[i].accepted;
	assert_int_equal(seen, 60);
	bf_rates_read(rates, NULL, 1, minute(229), read);
	assert_int_equal(read[29].accepted, 1);
	assert_int_equal(read[30].accepted, 0);
	/* Another's turn sweeps what was idle for an hour. */
	bf_rates_accepted(rates, "other", 2, minute(400));
	bf_rates_read(rates, NULL, 1, minute(199), read);
	assert_int_equal(read[59].accepted, 0);
	bf_rates_free(&rates);
}

static int64_t
median(const int64_t *waits, size_t count)
{
	struct bf_rates *rates = bf_rates_new();
	struct bf_rate_minute read[BF_RATES_MINUTES];

	for (size_t i = 0; i < count; i++)
		bf_rates_delivered(rates, "acme", 1, minute(0),
		    (struct bf_duration){ waits[i] });
	bf_rates_read(rates, NULL, 1, minute(0), read);
	bf_rates_free(&rates);
	return bf_rate_waited_median(&read[59]).ms;
}

#define MEDIAN(...)                                                            \
	median((const int64_t[]){ __VA_ARGS__ },                               \
	    sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static void
median_is_within_its_class(void **state)
{
	(void)state;
	assert_int_equal(MEDIAN(0), 0);
	assert_int_equal(MEDIAN(0, 0, 0, 500000), 0);
	assert_in_range(MEDIAN(3), 2, 3);
	assert_in_range(MEDIAN(1, 1, 100, 100, 100, 5000, 5000), 64, 128);
	assert_in_range(MEDIAN(5LL * 86400000), 1LL << 28, 5LL * 86400000);
	/* Longer than any class, and a clock that was wrong. */
	assert_true(MEDIAN((int64_t)1 << 40) > 0);
	assert_int_equal(MEDIAN(-5), 0);
}

static void
busy_minute_keeps_its_median(void **state)
{
	struct bf_rates *rates = bf_rates_new();
	struct bf_rate_minute read[BF_RATES_MINUTES];

	(void)state;
	for (int i = 0; i < 300000; i++)
		bf_rates_delivered(rates, "acme", 1, minute(0),
		    (struct bf_duration){ i % 3 == 0 ? 5000 : 10 });
	bf_rates_read(rates, NULL, 1, minute(0), read);
	assert_int_equal(read[59].delivered, 300000);
	assert_in_range(bf_rate_waited_median(&read[59]).ms, 8, 16);
	bf_rates_free(&rates);
}

static void
crowd_of_channels_is_left_out_beyond_the_bound(void **state)
{
	struct bf_rates *rates = bf_rates_new();
	struct bf_rate_minute read[BF_RATES_MINUTES];

	(void)state;
	for (uint32_t n = 1; n <= 500000; n++)
		bf_rates_accepted(rates, "acme", n, minute(0));
	assert_true(bf_rates_read(rates, "acme", 0, minute(0), read));
	assert_int_equal(read[59].accepted, 500000);
	assert_false(bf_rates_read(rates, NULL, 500000, minute(0), read));
	assert_int_equal(read[59].accepted, 0);
	/* An hour later there is room again. */
	bf_rates_accepted(rates, "acme", 500000, minute(60));
	assert_true(bf_rates_read(rates, NULL, 500000, minute(60), read));
	assert_int_equal(read[59].accepted, 1);
	bf_rates_free(&rates);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_happens_is_counted_for_channel_tenant_and_all),
		cmocka_unit_test(one_tenant_sees_nothing_of_another),
		cmocka_unit_test(minutes_leave_after_an_hour),
		cmocka_unit_test(median_is_within_its_class),
		cmocka_unit_test(busy_minute_keeps_its_median),
		cmocka_unit_test(
		    crowd_of_channels_is_left_out_beyond_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
