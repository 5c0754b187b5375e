/*
 * retry_test.c - the schedule of retries, and things in the order they are due
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "core/scheduler/due.h"
#include "core/scheduler/retry.h"

/* ---- the schedule ---- */

static void
retries_follow_the_schedule_and_then_end(void **state)
{
	const struct bf_retry retry = { 3, { { 1000 }, { 2000 }, { 4000 } },
		0 };
	struct bf_duration wait = { -1 };

	(void)state;
	for (uint32_t random = 0; random < 3; random++) {
		const uint32_t drawn = random * 0x7fffffffu;

		assert_true(bf_retry_next(&retry, 1, drawn, &wait));
		assert_int_equal(wait.ms, 1000);
		assert_true(bf_retry_next(&retry, 2, drawn, &wait));
		assert_int_equal(wait.ms, 2000);
		assert_true(bf_retry_next(&retry, 3, drawn, &wait));
		assert_int_equal(wait.ms, 4000);
		wait.ms = -1;
		assert_false(bf_retry_next(&retry, 4, drawn, &wait));
		assert_int_equal(wait.ms, -1);
	}
}

static void
no_schedule_means_no_retry(void **state)
{
	const struct bf_retry none = { 0 };
	struct bf_duration wait;

	(void)state;
	assert_false(bf_retry_next(&none, 1, 0, &wait));
	assert_false(bf_retry_next(&none, 0, 0, &wait));
	assert_false(bf_retry_next(&none, -1, 0, &wait));
}

static void
jitter_only_adds_and_at_most_its_share(void **state)
{
	const struct bf_retry retry = { 2, { { 1000 }, { 3600000 } }, 20 };
	struct bf_duration wait;

	(void)state;
	assert_true(bf_retry_next(&retry, 1, 0, &wait));
	assert_int_equal(wait.ms, 1000);
	assert_true(bf_retry_next(&retry, 1, UINT32_C(1) << 31, &wait));
	assert_int_equal(wait.ms, 1100);
	assert_true(bf_retry_next(&retry, 1, UINT32_MAX, &wait));
	assert_int_equal(wait.ms, 1199);
	for (uint32_t random = 0; random < UINT32_MAX - 99999999;
	     random += 99999999) {
		assert_true(bf_retry_next(&retry, 2, random, &wait));
		assert_in_range(wait.ms, 3600000, 4320000);
	}
}

static void
the_longest_schedule_is_followed_to_its_end(void **state)
{
	struct bf_retry retry = { .count = BF_RETRY_MAX, .jitter = 100 };
	struct bf_duration wait;

	(void)state;
	for (int i = 0; i < BF_RETRY_MAX; i++)
		retry.delays[i].ms = i;
	assert_true(bf_retry_next(&retry, BF_RETRY_MAX, UINT32_MAX, &wait));
	assert_in_range(wait.ms, BF_RETRY_MAX - 1, 2 * (BF_RETRY_MAX - 1));
	assert_false(bf_retry_next(&retry, BF_RETRY_MAX + 1, 0, &wait));
}

/* ---- the heap ---- */

#define THINGS 1000

/* A sequence that looks random and is the same each time. */
static uint32_t
draw(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void
check_heap(const struct bf_due_heap *heap)
{
	for (size_t place = 1; place <= heap->count; place++) {
		assert_int_equal(heap->items[place]->place, place);
		if (place > 1)
			assert_true(heap->items[place / 2]->at.ms <=
				    heap->items[place]->at.ms);
	}
}

static void
things_come_out_in_the_order_they_are_due(void **state)
{
	struct bf_due things[THINGS] = { 0 };
	struct bf_due_heap heap = { 0 };
	uint32_t seed = 1;
	int64_t last = INT64_MIN;

	(void)state;
	assert_null(bf_due_first(&heap));
	for (size_t i = 0; i < THINGS; i++)
		bf_due_set(&heap, &things[i],
		    (struct bf_instant){ (int64_t)draw(&seed) % 500 - 250 });
	check_heap(&heap);
	for (size_t i = 0; i < THINGS; i++) {
		struct bf_due *first = bf_due_first(&heap);

		assert_true(first->at.ms >= last);
		last = first->at.ms;
		bf_due_remove(&heap, first);
		assert_int_equal(first->place, 0);
	}
	assert_null(bf_due_first(&heap));
	bf_due_free(&heap);
}

static void
things_can_be_moved_and_taken_out_anywhere(void **state)
{
	struct bf_due things[THINGS] = { 0 };
	struct bf_due_heap heap = { 0 };
	uint32_t seed = 2;

	(void)state;
	for (size_t i = 0; i < 20 * THINGS; i++) {
		struct bf_due *thing = &things[draw(&seed) % THINGS];

		if (draw(&seed) % 3 == 0)
			bf_due_remove(&heap, thing);
		else
			bf_due_set(&heap, thing,
			    (struct bf_instant){ draw(&seed) % 500 });
		if (i % 100 == 0)
			check_heap(&heap);
	}
	check_heap(&heap);
	for (size_t i = 0; i < THINGS; i++)
		bf_due_remove(&heap, &things[i]);
	assert_int_equal(heap.count, 0);
	bf_due_remove(&heap, &things[0]);
	bf_due_free(&heap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(retries_follow_the_schedule_and_then_end),
		cmocka_unit_test(no_schedule_means_no_retry),
		cmocka_unit_test(jitter_only_adds_and_at_most_its_share),
		cmocka_unit_test(the_longest_schedule_is_followed_to_its_end),
		cmocka_unit_test(things_come_out_in_the_order_they_are_due),
		cmocka_unit_test(things_can_be_moved_and_taken_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
