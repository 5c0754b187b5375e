/*
 * dispatch_test.c - whose turn it is: shares, rates, concurrency, order
 *
 * Time is an argument, so nothing here waits. The event id of a delivery is its
 * number in the order of adding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/dispatch/bucket.h"
#include "core/dispatch/dispatch.h"

#define NOW 1000000

static const struct bf_channel_policy wide = { .concurrency = 10000 };

/* A delivery whose event has size bytes. */
static struct bf_delivery *
make_delivery(uint32_t channel, uint64_t id, size_t size)
{
	struct bf_delivery *delivery = bf_new(struct bf_delivery);
	struct bf_buf json = { 0 };

	memset(bf_buf_reserve(&json, size), ' ', size);
	json.size = size;
	delivery->id = (struct bf_delivery_id){ id, channel };
	delivery->event =
	    bf_event_new(id, "x", "", BF_SEVERITY_INFO, "t", 0, &json);
	return delivery;
}

/* Lets the lane deliver until its window is as wide as it may be; in a group
 * where nobody else has a turn. */
static void
widen(struct bf_dispatch *dispatch, const char *tenant, uint32_t channel,
    const struct bf_channel_policy *policy)
{
	struct bf_lane *lane =
	    bf_dispatch_lane(dispatch, channel, tenant, policy, "apart");
	int64_t wake = INT64_MAX;

	while (bf_lane_window(lane) < (size_t)policy->concurrency) {
		const size_t window = bf_lane_window(lane);

		for (size_t i = 0; i < window; i++)
			bf_lane_add(lane, make_delivery(channel, 1, 1), false);
		for (size_t i = 0; i < window; i++)
			bf_delivery_free(
			    bf_dispatch_next(dispatch, "apart", NOW, &wake));
		for (size_t i = 0; i < window; i++)
			bf_lane_done(lane, BF_HEALTH_WELL);
		assert_true(bf_lane_window(lane) > window);
	}
}

/* A lane of a tenant's channel with count deliveries, numbered from 1. */
static struct bf_lane *
make_lane_of(struct bf_dispatch *dispatch, const char *tenant, uint32_t channel,
    const struct bf_channel_policy *policy, size_t count, size_t size)
{
	struct bf_lane *lane;

	if (policy == &wide)
		widen(dispatch, tenant, channel, policy);
	lane = bf_dispatch_lane(dispatch, channel, tenant, policy, "");
	for (uint64_t id = 1; id <= count; id++)
		bf_lane_add(lane, make_delivery(channel, id, size), false);
	return lane;
}

static struct bf_lane *
make_lane(struct bf_dispatch *dispatch, uint32_t channel,
    const struct bf_channel_policy *policy, size_t count, size_t size)
{
	return make_lane_of(dispatch, "t", channel, policy, count, size);
}

/* Takes the next delivery: its number, 0 if there is none. */
static uint64_t
take_from(struct bf_dispatch *dispatch, const char *group, int64_t now,
    uint32_t *channel, int64_t *wake)
{
	struct bf_delivery *delivery =
	    bf_dispatch_next(dispatch, group, now, wake);
	uint64_t id = 0;

	if (!delivery)
		return 0;
	id = delivery->id.event;
	if (channel)
		*channel = delivery->id.channel;
	bf_delivery_free(delivery);
	return id;
}

static uint64_t
take(struct bf_dispatch *dispatch, int64_t now)
{
	int64_t wake = INT64_MAX;

	return take_from(dispatch, "", now, NULL, &wake);
}

/* ---- order ---- */

static void
deliveries_leave_in_the_order_they_came(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &wide, 100, 50);

	(void)state;
	bf_lane_add(lane, make_delivery(1, 999, 50), true);
	assert_int_equal(bf_lane_queued(lane), 101);
	assert_int_equal(take(dispatch, NOW), 999);
	for (uint64_t id = 1; id <= 100; id++)
		assert_int_equal(take(dispatch, NOW), id);
	assert_int_equal(take(dispatch, NOW), 0);
	assert_int_equal(bf_lane_in_flight(lane), 101);
	/* At the head of an empty queue, then behind it. */
	bf_lane_add(lane, make_delivery(1, 7, 50), true);
	bf_lane_add(lane, make_delivery(1, 8, 50), false);
	assert_int_equal(take(dispatch, NOW), 7);
	assert_int_equal(take(dispatch, NOW), 8);
	bf_dispatch_free(&dispatch);
}

static void
an_ordered_lane_sends_one_at_a_time(void **state)
{
	const struct bf_channel_policy ordered = { .concurrency = 16,
		.ordered = true };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &ordered, 3, 50);
	int64_t wake = INT64_MAX;

	(void)state;
	assert_int_equal(take(dispatch, NOW), 1);
	assert_int_equal(take(dispatch, NOW), 0);
	/* It failed: the others wait for its retry. */
	bf_lane_done(lane, BF_HEALTH_WELL);
	bf_lane_add(lane, make_delivery(1, 1, 50), true);
	bf_lane_block(lane, NOW + 4000);
	assert_int_equal(take_from(dispatch, "", NOW, NULL, &wake), 0);
	assert_int_equal(wake, NOW + 4000);
	assert_int_equal(take(dispatch, NOW + 3999), 0);
	assert_int_equal(take(dispatch, NOW + 4000), 1);
	assert_int_equal(take(dispatch, NOW + 9000), 0);
	bf_lane_done(lane, BF_HEALTH_WELL);
	assert_int_equal(take(dispatch, NOW + 9000), 2);
	bf_dispatch_free(&dispatch);
}

/* ---- shares ---- */

/* How many of count deliveries each of the channels 0 to 3 was given. */
static void
count_turns(struct bf_dispatch *dispatch, size_t count, size_t turns[4])
{
	int64_t wake = INT64_MAX;

	memset(turns, 0, 4 * sizeof(*turns));
	for (size_t i = 0; i < count; i++) {
		uint32_t channel = 0;

		assert_int_not_equal(take_from(dispatch, "", NOW, &channel,
					 &wake),
		    0);
		turns[channel]++;
	}
}

static void
a_flood_takes_no_more_than_its_turn(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	size_t turns[4];

	(void)state;
	make_lane(dispatch, 1, &wide, 3000, 100);
	make_lane(dispatch, 2, &wide, 100, 100);
	make_lane(dispatch, 3, &wide, 10, 100);
	count_turns(dispatch, 230, turns);
	assert_int_equal(turns[3], 10);
	/* Equal, but for one turn of 4 KiB. */
	assert_in_range(turns[2], 90, 100);
	assert_in_range(turns[1], 120, 130);
	bf_dispatch_free(&dispatch);
}

static void
a_tenant_gains_nothing_by_more_channels(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	size_t turns[4];

	(void)state;
	make_lane_of(dispatch, "a", 0, &wide, 1000, 100);
	make_lane_of(dispatch, "a", 1, &wide, 1000, 100);
	make_lane_of(dispatch, "a", 2, &wide, 1000, 100);
	make_lane_of(dispatch, "b", 3, &wide, 1000, 100);
	count_turns(dispatch, 1200, turns);
	/* A half for each tenant, but for a turn of 4 KiB; and within it a
	 * third for each channel. */
	assert_in_range(turns[3], 585, 615);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(turns[i], 185, 215);
	bf_dispatch_free(&dispatch);
}

static void
a_tenant_that_cannot_send_costs_the_others_no_turn(void **state)
{
	const struct bf_channel_policy narrow = { .concurrency = 1 };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane =
	    make_lane_of(dispatch, "a", 1, &narrow, 100, 100);
	size_t turns[4];

	(void)state;
	make_lane_of(dispatch, "b", 2, &wide, 100, 100);
	count_turns(dispatch, 101, turns);
	assert_int_equal(turns[1], 1);
	assert_int_equal(turns[2], 100);
	/* Another tenant's, from now on. */
	bf_lane_done(lane, BF_HEALTH_WELL);
	bf_dispatch_lane(dispatch, 1, "c", &narrow, "");
	assert_int_equal(take(dispatch, NOW), 2);
	bf_dispatch_remove(dispatch, 1);
	assert_int_equal(take(dispatch, NOW), 0);
	bf_dispatch_free(&dispatch);
}

static void
large_events_have_fewer_turns(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	size_t turns[4];

	(void)state;
	make_lane(dispatch, 1, &wide, 100, 100000);
	make_lane(dispatch, 2, &wide, 4000, 256);
	count_turns(dispatch, 2000, turns);
	assert_in_range(turns[1], 9, 11);
	bf_dispatch_free(&dispatch);
}

/* ---- limits ---- */

static void
concurrency_is_never_exceeded(void **state)
{
	const struct bf_channel_policy narrow = { .concurrency = 3 };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &narrow, 10, 50);
	int64_t wake = INT64_MAX;

	(void)state;
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(take(dispatch, NOW), id);
	assert_int_equal(take_from(dispatch, "", NOW, NULL, &wake), 0);
	assert_int_equal(wake, INT64_MAX);
	bf_lane_done(lane, BF_HEALTH_WELL);
	assert_int_equal(take(dispatch, NOW), 4);
	assert_int_equal(take(dispatch, NOW), 0);

	/* A new policy counts what is in flight already. */
	bf_dispatch_lane(dispatch, 1, "t",
	    &(struct bf_channel_policy){ .concurrency = 5 }, "");
	assert_int_equal(take(dispatch, NOW), 5);
	assert_int_equal(take(dispatch, NOW), 6);
	assert_int_equal(take(dispatch, NOW), 0);
	bf_dispatch_lane(dispatch, 1, "t",
	    &(struct bf_channel_policy){ .concurrency = 1 }, "");
	for (int i = 0; i < 4; i++)
		bf_lane_done(lane, BF_HEALTH_WELL);
	assert_int_equal(take(dispatch, NOW), 0);
	bf_lane_done(lane, BF_HEALTH_WELL);
	assert_int_equal(take(dispatch, NOW), 7);
	bf_dispatch_free(&dispatch);
}

static void
a_rate_lets_a_burst_go_and_then_its_pace(void **state)
{
	const struct bf_channel_policy paced = { .concurrency = 1000,
		.rate = { 10, { 1000 }, 3 } };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	int64_t now = NOW, wake = INT64_MAX;
	struct bf_lane *lane;
	uint64_t sent = 0;

	(void)state;
	lane = make_lane(dispatch, 1, &paced, 500, 50);
	/* Another lane is not held back. */
	make_lane(dispatch, 2, &wide, 1, 50);
	for (int i = 0; i < 4; i++)
		assert_int_not_equal(take(dispatch, now), 0);
	while (now < NOW + 10000) {
		wake = INT64_MAX;
		if (take_from(dispatch, "", now, NULL, &wake) != 0) {
			bf_lane_done(lane, BF_HEALTH_WELL);
			sent++;
			continue;
		}
		assert_true(wake > now && wake <= now + 101);
		now = wake;
	}
	assert_in_range(sent, 98, 100);
	/* After a long silence there is a burst again, and no more. */
	now += 3600000;
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(take(dispatch, now), 0);
	assert_int_equal(take(dispatch, now), 0);
	bf_dispatch_free(&dispatch);
}

static void
a_bucket_never_holds_more_than_its_burst(void **state)
{
	const struct bf_rate hourly = { 6, { 3600000 }, 0 };
	const struct bf_rate none = { 0 };
	struct bf_bucket bucket = { 0 };

	(void)state;
	assert_true(bf_bucket_take(&bucket, &hourly, 0));
	assert_false(bf_bucket_take(&bucket, &hourly, 0));
	assert_in_range(bf_bucket_ready(&bucket, &hourly, 0), 600000, 600002);
	assert_false(bf_bucket_take(&bucket, &hourly, 599000));
	assert_true(bf_bucket_take(&bucket, &hourly,
	    bf_bucket_ready(&bucket, &hourly, 599000)));
	/* A clock that stands gives nothing. */
	assert_false(bf_bucket_take(&bucket, &hourly, 1000));
	for (int i = 0; i < 100; i++)
		assert_true(bf_bucket_take(&bucket, &none, 0));
	assert_int_equal(bf_bucket_ready(&bucket, &none, 42), 42);
}

/* A lane whose endpoint has failed for a minute, as fast as it may; wake is
 * when it has its next turn. */
static struct bf_lane *
make_failing(struct bf_dispatch *dispatch, size_t *sent, int64_t *wake)
{
	const struct bf_channel_policy policy = { .concurrency = 64 };
	struct bf_lane *lane = make_lane(dispatch, 1, &policy, 2000, 50);

	for (int64_t now = NOW; now < NOW + 60000; now++) {
		*wake = INT64_MAX;
		while (take_from(dispatch, "", now, NULL, wake) != 0) {
			bf_lane_done(lane, BF_HEALTH_ILL);
			++*sent;
		}
	}
	return lane;
}

static void
a_failing_lane_is_slowed_and_let_go_again(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	size_t sent = 0;
	int64_t wake;
	struct bf_lane *lane = make_failing(dispatch, &sent, &wake);

	(void)state;
	/* Slower by a millisecond each, once the window has closed: in 20 s
	 * it is at one in 200 ms. */
	assert_in_range(sent, 400, 440);
	assert_int_equal(bf_lane_window(lane), 1);
	assert_in_range(wake, NOW + 60000, NOW + 60200);
	assert_int_equal(take(dispatch, wake - 1), 0);
	assert_int_not_equal(take(dispatch, wake), 0);
	assert_int_equal(take(dispatch, wake), 0);
	/* The first success lifts that, and opens it again. */
	bf_lane_done(lane, BF_HEALTH_WELL);
	while (take(dispatch, wake) != 0) {
		bf_lane_done(lane, BF_HEALTH_WELL);
		sent++;
	}
	assert_int_equal(sent, 1999);
	bf_dispatch_free(&dispatch);
}

static void
a_lane_that_waits_goes_on_at_the_first_success(void **state)
{
	const struct bf_channel_policy policy = { .concurrency = 64 };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &policy, 100, 50);
	int64_t wake = INT64_MAX;

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_not_equal(take(dispatch, NOW), 0);
	for (int i = 0; i < 16; i++)
		bf_lane_done(lane, BF_HEALTH_REFUSES);
	assert_int_equal(take(dispatch, NOW + 9), 0);
	assert_int_not_equal(take(dispatch, NOW + 10), 0);
	assert_int_equal(take_from(dispatch, "", NOW + 10, NULL, &wake), 0);
	assert_int_equal(wake, NOW + 20);
	bf_lane_done(lane, BF_HEALTH_WELL);
	assert_int_not_equal(take(dispatch, NOW + 10), 0);
	bf_dispatch_free(&dispatch);
}

static void
another_endpoint_and_a_start_have_a_new_window(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	size_t sent = 0;
	int64_t wake;
	struct bf_lane *lane = make_failing(dispatch, &sent, &wake);

	(void)state;
	bf_lane_share(lane, "http://other", NULL);
	assert_int_equal(bf_lane_window(lane), 16);
	for (int i = 0; i < 16; i++)
		assert_int_not_equal(take(dispatch, NOW + 60000), 0);
	for (int i = 0; i < 16; i++)
		bf_lane_done(lane, BF_HEALTH_ILL);
	assert_int_equal(bf_lane_window(lane), 8);
	bf_lane_share(lane, "http://other", NULL);
	assert_int_equal(bf_lane_window(lane), 8);
	bf_lane_hold(lane, true);
	bf_lane_hold(lane, false);
	assert_int_equal(bf_lane_window(lane), 16);
	bf_dispatch_free(&dispatch);
}

static void
a_held_lane_has_no_turn_and_loses_nothing(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &wide, 2, 50);

	(void)state;
	bf_lane_hold(lane, true);
	assert_true(bf_lane_held(lane));
	bf_lane_add(lane, make_delivery(1, 3, 50), false);
	assert_int_equal(take(dispatch, NOW), 0);
	assert_int_equal(bf_lane_queued(lane), 3);
	bf_lane_hold(lane, false);
	assert_int_equal(take(dispatch, NOW), 1);
	bf_dispatch_free(&dispatch);
}

/* ---- groups ---- */

static void
a_group_gets_its_own_lanes_only(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane =
	    bf_dispatch_lane(dispatch, 1, "t", &wide, "untrusted");
	int64_t wake = INT64_MAX;

	(void)state;
	bf_lane_add(lane, make_delivery(1, 1, 50), false);
	bf_lane_add(lane, make_delivery(1, 2, 50), false);
	assert_int_equal(take(dispatch, NOW), 0);
	assert_int_equal(take_from(dispatch, "other", NOW, NULL, &wake), 0);
	assert_int_equal(take_from(dispatch, "untrusted", NOW, NULL, &wake), 1);
	/* A reload may trust the module: its queue moves with it. */
	assert_ptr_equal(bf_dispatch_lane(dispatch, 1, "t", &wide, ""), lane);
	assert_int_equal(take_from(dispatch, "untrusted", NOW, NULL, &wake), 0);
	assert_int_equal(take(dispatch, NOW), 2);
	bf_dispatch_free(&dispatch);
}

/* ---- what is held in memory ---- */

static bool
is_even(void *context, const struct bf_delivery *delivery)
{
	(void)context;
	return delivery->id.event % 2 == 0;
}

static void
what_is_queued_is_counted(void **state)
{
	const struct bf_channel_policy narrow = { .concurrency = 2 };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &narrow, 10, 50);
	struct bf_lane *other = make_lane(dispatch, 2, &wide, 1, 7);

	(void)state;
	assert_int_equal(bf_lane_capacity(lane), 512);
	assert_int_equal(bf_lane_capacity(other), 20000);
	assert_int_equal(bf_lane_room(lane), 502);
	assert_int_equal(bf_dispatch_queued(dispatch), 11);
	assert_int_equal(bf_dispatch_bytes(dispatch), 507);
	take(dispatch, NOW);
	assert_int_equal(bf_dispatch_bytes(dispatch), 457);
	for (uint64_t id = 0; id < 503; id++)
		bf_lane_add(lane, make_delivery(1, id + 100, 1), false);
	assert_int_equal(bf_lane_room(lane), 0);
	bf_dispatch_remove(dispatch, 2);
	bf_dispatch_remove(dispatch, 2);
	assert_int_equal(bf_dispatch_queued(dispatch), 512);
	bf_dispatch_free(&dispatch);
	bf_dispatch_free(&dispatch);
}

static void
large_events_leave_less_room(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &wide, 1, 255 << 10);

	(void)state;
	assert_true(bf_lane_room(lane) > 0);
	bf_lane_add(lane, make_delivery(1, 2, 1 << 10), false);
	assert_int_equal(bf_lane_room(lane), 0);
	take(dispatch, NOW);
	assert_true(bf_lane_room(lane) > 0);
	bf_dispatch_free(&dispatch);
}

static void
a_lane_is_idle_while_it_could_send_and_has_nothing(void **state)
{
	const struct bf_channel_policy narrow = { .concurrency = 2 };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &narrow, 2, 50);

	(void)state;
	assert_int_equal(bf_lane_idle(lane), 0);
	take(dispatch, NOW);
	take(dispatch, NOW);
	assert_int_equal(bf_lane_idle(lane), 0);
	bf_lane_done(lane, BF_HEALTH_WELL);
	assert_int_equal(bf_lane_idle(lane), 1);
	bf_lane_done(lane, BF_HEALTH_WELL);
	assert_int_equal(bf_lane_idle(lane), 2);
	bf_dispatch_free(&dispatch);
}

static void
what_is_dropped_is_gone_and_the_rest_keeps_its_order(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &wide, 9, 50);

	(void)state;
	assert_int_equal(bf_lane_drop(lane, is_even, NULL), 4);
	assert_int_equal(bf_dispatch_bytes(dispatch), 5 * 50);
	for (uint64_t id = 1; id <= 9; id += 2)
		assert_int_equal(take(dispatch, NOW), id);
	assert_int_equal(take(dispatch, NOW), 0);
	assert_int_equal(bf_lane_drop(lane, is_even, NULL), 0);
	bf_dispatch_free(&dispatch);
}

/* ---- pauses ---- */

/* The lane of a delivery that can be taken now; 0: none. */
static uint32_t
take_lane(struct bf_dispatch *dispatch, int64_t now, int64_t *wake)
{
	uint32_t channel = 0;

	*wake = INT64_MAX;
	take_from(dispatch, "", now, &channel, wake);
	return channel;
}

static void
a_pause_holds_back_all_lanes_of_the_endpoint(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *one = make_lane(dispatch, 1, &wide, 2, 50);
	struct bf_lane *two = make_lane(dispatch, 2, &wide, 1, 50);
	struct bf_lane *other = make_lane(dispatch, 3, &wide, 1, 50);
	int64_t wake;

	(void)state;
	bf_lane_share(one, "e", "p");
	bf_lane_share(two, "e", "p");
	bf_lane_share(other, "f", "p");
	bf_lane_pause(one, BF_PAUSE_ENDPOINT, NOW + 1000);
	assert_int_equal(bf_lane_paused_until(two), NOW + 1000);
	assert_int_equal(bf_lane_paused_until(other), 0);
	assert_int_equal(take_lane(dispatch, NOW, &wake), 3);
	assert_int_equal(take_lane(dispatch, NOW + 999, &wake), 0);
	assert_int_equal(wake, NOW + 1000);
	/* A longer one counts, a shorter one does not. */
	bf_lane_pause(two, BF_PAUSE_ENDPOINT, NOW + 2000);
	bf_lane_pause(two, BF_PAUSE_ENDPOINT, NOW + 10);
	assert_int_equal(take_lane(dispatch, NOW + 1999, &wake), 0);
	assert_int_equal(wake, NOW + 2000);
	assert_int_not_equal(take_lane(dispatch, NOW + 2000, &wake), 0);
	assert_int_not_equal(take_lane(dispatch, NOW + 2000, &wake), 0);
	bf_dispatch_free(&dispatch);
}

static void
a_platform_pauses_all_its_endpoints(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *one = make_lane(dispatch, 1, &wide, 1, 50);
	struct bf_lane *two = make_lane(dispatch, 2, &wide, 1, 50);
	struct bf_lane *other = make_lane(dispatch, 3, &wide, 1, 50);
	int64_t wake;

	(void)state;
	bf_lane_share(one, "e", "p");
	bf_lane_share(two, NULL, "p");
	bf_lane_share(other, "e", "q");
	bf_lane_pause(one, BF_PAUSE_PLATFORM, NOW + 1000);
	assert_int_equal(take_lane(dispatch, NOW, &wake), 3);
	assert_int_equal(take_lane(dispatch, NOW, &wake), 0);
	assert_int_equal(bf_lane_paused_until(two), NOW + 1000);
	/* The pause is the platform's, whoever comes and goes. */
	bf_dispatch_remove(dispatch, 1);
	assert_int_equal(take_lane(dispatch, NOW + 999, &wake), 0);
	assert_int_equal(take_lane(dispatch, NOW + 1000, &wake), 2);
	bf_dispatch_free(&dispatch);
}

static void
a_lane_that_shares_nothing_pauses_alone(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *one = make_lane(dispatch, 1, &wide, 1, 50);
	int64_t wake;

	(void)state;
	make_lane(dispatch, 2, &wide, 1, 50);
	bf_lane_pause(one, BF_PAUSE_PLATFORM, NOW + 10);
	bf_lane_pause(one, BF_PAUSE_ENDPOINT, NOW + 5);
	assert_int_equal(bf_lane_paused_until(one), NOW + 10);
	assert_int_equal(take_lane(dispatch, NOW, &wake), 2);
	assert_int_equal(take_lane(dispatch, NOW + 9, &wake), 0);
	assert_int_equal(take_lane(dispatch, NOW + 10, &wake), 1);
	bf_dispatch_free(&dispatch);
}

static void
after_a_pause_the_rate_goes_by_single_steps(void **state)
{
	const struct bf_channel_policy rated = { .concurrency = 100,
		.rate = { 1, { 1000 }, 5 } };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &rated, 9, 50);

	(void)state;
	assert_int_equal(take(dispatch, NOW), 1);
	/* Four are left of the burst, but the endpoint knows better. */
	bf_lane_pause(lane, BF_PAUSE_ENDPOINT, NOW + 3000);
	assert_int_equal(take(dispatch, NOW + 2999), 0);
	/* However late one is, the next one keeps its distance. */
	assert_int_equal(take(dispatch, NOW + 3400), 2);
	assert_int_equal(take(dispatch, NOW + 4399), 0);
	assert_int_equal(take(dispatch, NOW + 4401), 3);
	assert_int_equal(take(dispatch, NOW + 7000), 4);
	assert_int_equal(take(dispatch, NOW + 7000), 0);
	/* After a rest it may have its burst again. */
	for (uint64_t id = 5; id <= 9; id++)
		assert_int_equal(take(dispatch, NOW + 12000), id);
	bf_dispatch_free(&dispatch);
}

static void
lanes_of_an_endpoint_share_an_equal_rate(void **state)
{
	const struct bf_channel_policy slow = { .concurrency = 9,
		.rate = { 1, { 1000 }, 2 } };
	const struct bf_channel_policy fast = { .concurrency = 9,
		.rate = { 5, { 1000 }, 3 } };
	struct bf_dispatch *dispatch = bf_dispatch_new();
	int64_t wake;

	(void)state;
	bf_lane_share(make_lane(dispatch, 1, &slow, 3, 50), "e", "p");
	bf_lane_share(make_lane(dispatch, 2, &slow, 3, 50), "e", "p");
	for (int i = 0; i < 2; i++)
		assert_int_not_equal(take_lane(dispatch, NOW, &wake), 0);
	assert_int_equal(take_lane(dispatch, NOW, &wake), 0);
	/* One that is to be faster has a rate of its own. */
	bf_lane_share(make_lane(dispatch, 3, &fast, 9, 50), "e", "p");
	for (int i = 0; i < 3; i++)
		assert_int_equal(take_lane(dispatch, NOW, &wake), 3);
	assert_int_equal(take_lane(dispatch, NOW, &wake), 0);
	bf_dispatch_free(&dispatch);
}

static void
what_is_returned_goes_to_where_it_stood(void **state)
{
	struct bf_dispatch *dispatch = bf_dispatch_new();
	struct bf_lane *lane = make_lane(dispatch, 1, &wide, 4, 50);
	struct bf_delivery *taken[4];
	int64_t wake = INT64_MAX;

	(void)state;
	for (int i = 0; i < 4; i++)
		taken[i] = bf_dispatch_next(dispatch, "", NOW, &wake);
	bf_lane_add(lane, make_delivery(1, 5, 50), false);
	bf_lane_return(lane, taken[2]);
	bf_lane_return(lane, taken[0]);
	bf_lane_return(lane, taken[3]);
	bf_lane_return(lane, taken[1]);
	assert_int_equal(bf_lane_queued(lane), 5);
	for (uint64_t id = 1; id <= 5; id++)
		assert_int_equal(take(dispatch, NOW), id);
	/* Into an empty queue; others come behind it. */
	bf_lane_return(lane, make_delivery(1, 4, 50));
	bf_lane_add(lane, make_delivery(1, 6, 50), false);
	assert_int_equal(take(dispatch, NOW), 4);
	assert_int_equal(take(dispatch, NOW), 6);
	bf_dispatch_free(&dispatch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deliveries_leave_in_the_order_they_came),
		cmocka_unit_test(an_ordered_lane_sends_one_at_a_time),
		cmocka_unit_test(a_flood_takes_no_more_than_its_turn),
		cmocka_unit_test(a_tenant_gains_nothing_by_more_channels),
		cmocka_unit_test(
		    a_tenant_that_cannot_send_costs_the_others_no_turn),
		cmocka_unit_test(large_events_have_fewer_turns),
		cmocka_unit_test(concurrency_is_never_exceeded),
		cmocka_unit_test(a_rate_lets_a_burst_go_and_then_its_pace),
		cmocka_unit_test(a_bucket_never_holds_more_than_its_burst),
		cmocka_unit_test(a_failing_lane_is_slowed_and_let_go_again),
		cmocka_unit_test(
		    a_lane_that_waits_goes_on_at_the_first_success),
		cmocka_unit_test(
		    another_endpoint_and_a_start_have_a_new_window),
		cmocka_unit_test(a_held_lane_has_no_turn_and_loses_nothing),
		cmocka_unit_test(a_group_gets_its_own_lanes_only),
		cmocka_unit_test(what_is_queued_is_counted),
		cmocka_unit_test(large_events_leave_less_room),
		cmocka_unit_test(
		    a_lane_is_idle_while_it_could_send_and_has_nothing),
		cmocka_unit_test(
		    what_is_dropped_is_gone_and_the_rest_keeps_its_order),
		cmocka_unit_test(a_pause_holds_back_all_lanes_of_the_endpoint),
		cmocka_unit_test(a_platform_pauses_all_its_endpoints),
		cmocka_unit_test(a_lane_that_shares_nothing_pauses_alone),
		cmocka_unit_test(after_a_pause_the_rate_goes_by_single_steps),
		cmocka_unit_test(lanes_of_an_endpoint_share_an_equal_rate),
		cmocka_unit_test(what_is_returned_goes_to_where_it_stood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
