/*
 * id_test.c - ids of events: their order, their floor, their text
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/event/id.h"

static const struct bf_instant noon = { 1775822400000 };

static void
ids_grow_whatever_the_clock_does(void **state)
{
	struct bf_id_maker maker = { .slot = 3 };
	uint64_t last = 0;

	(void)state;
	/* More in a millisecond than the counter holds; then an hour back. */
	for (int i = 0; i < 40000; i++) {
		const struct bf_instant now = { noon.ms -
						(i > 20000 ? 3600000 : 0) };
		const uint64_t id = bf_id_next(&maker, now);

		assert_true(id > last);
		assert_int_equal(id >> 14 & 0xff, 3);
		last = id;
	}
	assert_true(
	    bf_id_next(&maker, (struct bf_instant){ noon.ms + 1000 }) > last);
}

static void
makers_with_other_slots_make_other_ids(void **state)
{
	struct bf_id_maker one = { .slot = 0 }, other = { .slot = 255 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_not_equal(bf_id_next(&one, noon),
		    bf_id_next(&other, noon));
}

static void
ids_are_above_the_floor(void **state)
{
	struct bf_id_maker high = { .slot = 255 }, low = { .slot = 0 };
	uint64_t id = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		id = bf_id_next(&high, noon);
	bf_id_floor(&low, id);
	assert_true(bf_id_next(&low, noon) > id);
	/* A lower floor changes nothing, and 0 is none. */
	bf_id_floor(&low, 1);
	bf_id_floor(&low, 0);
	assert_true(bf_id_next(&low, noon) > id);
}

static void
an_id_tells_its_time(void **state)
{
	struct bf_id_maker maker = { .slot = 7 };
	const uint64_t id = bf_id_next(&maker, noon);

	(void)state;
	assert_int_equal(bf_id_instant(id).ms, noon.ms);
	assert_true(bf_id_at(noon) <= id);
	assert_true(bf_id_at((struct bf_instant){ noon.ms + 1 }) > id);
	assert_int_equal(bf_id_at((struct bf_instant){ 0 }), 0);
	/* Positive as a signed number of 64 bits until 2093. */
	assert_true(
	    (int64_t)bf_id_at((struct bf_instant){ 3881520000000 }) > 0);
}

static void
ids_survive_as_text(void **state)
{
	static const uint64_t ids[] = { 0, 1, 0x0123456789abcdef, INT64_MAX,
		UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		const struct bf_delivery_id id = { ids[i], 0xfedcba98 };
		struct bf_delivery_id read;
		char text[BF_DELIVERY_ID_TEXT];
		uint64_t event;

		bf_event_id_format(ids[i], text);
		assert_int_equal(strlen(text), BF_EVENT_ID_TEXT - 1);
		assert_int_equal(bf_event_id_parse(text, &event), 0);
		assert_int_equal(event, ids[i]);
		bf_delivery_id_format(id, text);
		assert_int_equal(strlen(text), BF_DELIVERY_ID_TEXT - 1);
		assert_int_equal(bf_delivery_id_parse(text, &read), 0);
		assert_int_equal(read.event, id.event);
		assert_int_equal(read.channel, id.channel);
	}
}

static void
texts_are_written_as_documented(void **state)
{
	char text[BF_DELIVERY_ID_TEXT];

	(void)state;
	bf_event_id_format(0x0123456789abcdef, text);
	assert_string_equal(text, "evt_0123456789abcdef");
	bf_delivery_id_format((struct bf_delivery_id){ 0x0123456789abcdef,
				  0x2a },
	    text);
	assert_string_equal(text, "dlv_0123456789abcdef0000002a");
}

static void
what_is_no_id_is_refused(void **state)
{
	static const char *const cases[] = { "", "evt_", "evt_0123456789abcde",
		"evt_0123456789abcdef0", "EVT_0123456789abcdef",
		"evt_0123456789ABCDEF", "evt_0123456789abcdeg",
		"evt_+123456789abcdef", "evt_ 123456789abcdef",
		"evt-0123456789abcdef", "dlv_0123456789abcdef",
		"dlv_0123456789abcdef0000002", "dlv_0123456789abcdef0000002a0",
		"dlv_0123456789abcdef0000002A", "evt_0123456789abcdef0000002a",
		"dlv_0123456789abcdef-000002a", "0123456789abcdef" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bf_delivery_id delivery;
		uint64_t event;

		assert_int_equal(bf_event_id_parse(cases[i], &event), -1);
		assert_int_equal(bf_delivery_id_parse(cases[i], &delivery), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_grow_whatever_the_clock_does),
		cmocka_unit_test(makers_with_other_slots_make_other_ids),
		cmocka_unit_test(ids_are_above_the_floor),
		cmocka_unit_test(an_id_tells_its_time),
		cmocka_unit_test(ids_survive_as_text),
		cmocka_unit_test(texts_are_written_as_documented),
		cmocka_unit_test(what_is_no_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
