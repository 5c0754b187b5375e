/*
 * parse_test.c - posted documents become events, or are refused by name
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event/parse.h"

static const struct bf_event_defaults defaults = {
	"550e8400-e29b-41d4-a716-446655440000",
	1775835045123456, /* 2026-04-10T15:30:45.123456Z */
};

static struct bf_event *
parse(const char *text, char *key, struct bf_event_problem *problem)
{
	return bf_event_parse(text, strlen(text), &defaults, key, problem);
}

/* ---- what is refused ---- */

#define EVENT "\"event\":\"deploy_failed\",\"subject\":\"s\""

static const struct refusal {
	const char *text;
	bool parsed;
	const char *field;
	const char *why;
} refusals[] = {
	{ "", false, "", "ends early" },
	{ "   ", false, "", "ends early" },
	{ "{" EVENT "} x", false, "", "something follows" },
	{ "{" EVENT ",\"event\":\"deploy_failed\"}", false, "",
	    "\"event\" is there twice" },
	{ "{" EVENT ",\"metadata\":{\"a\":1,\"a\":1}}", false, "",
	    "\"a\" is there twice" },
	{ "{\"event\":\"deploy_failed\\u0000x\",\"subject\":\"s\"}", false, "",
	    "\\u0000" },

	{ "null", true, "", "expected a JSON object" },
	{ "[]", true, "", "expected a JSON object" },
	{ "\"deploy_failed\"", true, "", "expected a JSON object" },
	{ "5", true, "", "expected a JSON object" },

	{ "{}", true, "/event", "is required" },
	{ "{\"event\":\"x\"}", true, "/subject", "is required" },
	{ "{\"subject\":\"x\"}", true, "/event", "is required" },
	{ "{\"event\":5,\"subject\":\"s\"}", true, "/event",
	    "expected a string" },
	{ "{\"event\":null,\"subject\":\"s\"}", true, "/event",
	    "expected a string" },
	{ "{\"event\":\"\",\"subject\":\"s\"}", true, "/event",
	    "name of an event type" },
	{ "{\"event\":\"x\",\"subject\":{}}", true, "/subject",
	    "expected a string" },
	{ "{" EVENT ",\"body\":[]}", true, "/body", "expected a string" },
	{ "{" EVENT ",\"body\":null}", true, "/body", "expected a string" },
	{ "{" EVENT ",\"metadata\":[]}", true, "/metadata",
	    "expected an object" },
	{ "{" EVENT ",\"metadata\":null}", true, "/metadata",
	    "expected an object" },
	{ "{" EVENT ",\"tenant_id\":1}", true, "/tenant_id",
	    "expected a string" },
	{ "{" EVENT ",\"tenant_id\":\"\"}", true, "/tenant_id",
	    "expected 1 to 64" },
	{ "{" EVENT ",\"tenant_id\":\"a b\"}", true, "/tenant_id",
	    "expected 1 to 64" },
	{ "{" EVENT ",\"tenant_id\":\"a\\nb\"}", true, "/tenant_id",
	    "expected 1 to 64" },
	{ "{" EVENT ",\"tenant_id\":\"../x\"}", true, "/tenant_id",
	    "expected 1 to 64" },
	{ "{" EVENT ",\"timestamp\":1775835045}", true, "/timestamp",
	    "expected a string" },
	{ "{" EVENT ",\"timestamp\":\"yesterday\"}", true, "/timestamp",
	    "RFC 3339" },
	{ "{" EVENT ",\"timestamp\":\"2026-02-29T00:00:00Z\"}", true,
	    "/timestamp", "RFC 3339" },

	{ "{" EVENT ",\"severity\":\"info\"}", true, "/severity",
	    "unknown member" },
	{ "{" EVENT ",\"Event\":\"x\"}", true, "/Event", "unknown member" },
	{ "{" EVENT ",\"idempotency_key\":\"x\"}", true, "/idempotency_key",
	    "unknown member" },
	{ "{" EVENT ",\"a/b~c\":1}", true, "/a~1b~0c", "unknown member" },
};

static void
what_is_no_event_is_refused_with_its_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		struct bf_event_problem problem;

		if (parse(refusal->text, NULL, &problem) ||
		    problem.parsed != refusal->parsed ||
		    strcmp(problem.field, refusal->field) != 0 ||
		    !strstr(problem.error.text, refusal->why))
			fail_msg("%s: %d \"%s\" \"%s\"", refusal->text,
			    problem.parsed, problem.field, problem.error.text);
	}
}

static void
a_long_name_is_cut_between_characters(void **state)
{
	struct bf_event_problem problem;
	char text[1000];
	const char *last;

	(void)state;
	for (int pad = 110; pad < 130; pad++) {
		snprintf(text, sizeof(text), "{\"%0*d\xf0\x9f\x98\x80\":1}",
		    pad, 0);
		assert_null(parse(text, NULL, &problem));
		last = problem.field + strlen(problem.field) - 1;
		assert_true(*last == '0' || *last == '\x80');
		assert_in_range(strlen(problem.field), 111, 127);
	}
	snprintf(text, sizeof(text), "{\"%.*s\":1}", 200,
	    "////////////////////////////////////////////////////////////"
	    "////////////////////////////////////////////////////////////"
	    "////////////////////////////////////////////////////////////"
	    "////////////////////");
	assert_null(parse(text, NULL, &problem));
	assert_string_equal(problem.field + strlen(problem.field) - 2, "~1");
}

/* ---- what is taken ---- */

static void
check_taken(const char *text, const char *canonical)
{
	struct bf_event_problem problem;
	struct bf_event *event = parse(text, NULL, &problem);
	struct bf_buf json = { 0 };

	if (!event)
		fail_msg("%s: %s %s", text, problem.field, problem.error.text);
	assert_int_equal(bf_event_json(event, &json, NULL), 0);
	assert_string_equal(json.data, canonical);
	bf_buf_free(&json);
	bf_event_unref(&event);
	assert_null(event);
}

static void
members_are_sorted_and_complete(void **state)
{
	(void)state;
	check_taken("{" EVENT "}",
	    "{\"body\":\"\",\"event\":\"deploy_failed\",\"metadata\":{},"
	    "\"subject\":\"s\",\"tenant_id\":"
	    "\"550e8400-e29b-41d4-a716-446655440000\","
	    "\"timestamp\":\"2026-04-10T15:30:45.123456+00:00\"}");
	check_taken(
	    " {\"timestamp\":\"2026-04-10T17:30:45.5+02:00\",\n"
	    "\"tenant_id\":\"acme\",\"subject\":\"\xc3\xa9/\",\"metadata\":"
	    "{\"b\":1.0,\"a\":[1e2,{\"d\":0,\"c\":-0}]},\"event\":\"x\","
	    "\"body\":\"<p>\x7f</p>\"}",
	    "{\"body\":\"<p>\\u007f</p>\",\"event\":\"x\",\"metadata\":"
	    "{\"a\":[100.0,{\"c\":0,\"d\":0}],\"b\":1.0},"
	    "\"subject\":\"\\u00e9/\",\"tenant_id\":\"acme\","
	    "\"timestamp\":\"2026-04-10T15:30:45.500000+00:00\"}");
	/* The sender's metadata may be called as our own members are. */
	check_taken("{\"event\":\"x\",\"subject\":\"\",\"tenant_id\":\"t\","
		    "\"metadata\":{\"tenant_id\":\"other\",\"event\":null}}",
	    "{\"body\":\"\",\"event\":\"x\",\"metadata\":{\"event\":null,"
	    "\"tenant_id\":\"other\"},\"subject\":\"\",\"tenant_id\":\"t\","
	    "\"timestamp\":\"2026-04-10T15:30:45.123456+00:00\"}");
}

static void
accessors_give_back_what_was_sent(void **state)
{
	struct bf_event_problem problem;
	struct bf_event *event =
	    parse("{\"event\":\"x\",\"subject\":\"S \xf0\x9f\x98\x80\","
		  "\"body\":\"<b>&amp;</b>\\n\",\"metadata\":{\"n\":"
		  "9007199254740993,\"t\":\"text\",\"o\":{\"b\":[],\"a\":true}}"
		  "}",
		NULL, &problem);

	(void)state;
	assert_non_null(event);
	assert_string_equal(bf_event_type(event), "x");
	assert_string_equal(bf_event_subject(event), "S \xf0\x9f\x98\x80");
	assert_string_equal(bf_event_body(event), "<b>&amp;</b>\n");
	assert_string_equal(bf_event_tenant(event), defaults.tenant);
	assert_string_equal(bf_event_timestamp(event),
	    "2026-04-10T15:30:45.123456+00:00");
	assert_int_equal(bf_event_instant(event).ms, 1775835045123);
	assert_string_equal(bf_event_metadata(event, "n"), "9007199254740993");
	assert_string_equal(bf_event_metadata(event, "t"), "text");
	assert_string_equal(bf_event_metadata(event, "o"),
	    "{\"a\":true,\"b\":[]}");
	assert_null(bf_event_metadata(event, "T"));
	event->id = 0xabc;
	assert_string_equal(bf_event_id(event), "evt_0000000000000abc");
	bf_event_unref(&event);
}

static void
an_event_lives_as_long_as_its_last_reference(void **state)
{
	struct bf_event_problem problem;
	struct bf_event *event = parse("{" EVENT "}", NULL, &problem);
	struct bf_event *other = bf_event_ref(event);

	(void)state;
	assert_ptr_equal(event, other);
	bf_event_unref(&event);
	assert_null(event);
	assert_string_equal(bf_event_type(other), "deploy_failed");
	bf_event_unref(&other);
	bf_event_unref(&other);
}

static void
a_line_of_a_batch_may_carry_a_key(void **state)
{
	char key[BF_EVENT_KEY_MAX + 1], text[400];
	struct bf_event_problem problem;
	struct bf_event *event;

	(void)state;
	event = parse("{" EVENT "}", key, &problem);
	assert_string_equal(key, "");
	bf_event_unref(&event);
	event = parse("{" EVENT ",\"idempotency_key\":\"k-1\"}", key, &problem);
	assert_string_equal(key, "k-1");
	assert_null(strstr(event->json.data, "idempotency"));
	bf_event_unref(&event);

	snprintf(text, sizeof(text),
	    "{" EVENT ",\"idempotency_key\":\"%0255d\"}", 0);
	event = parse(text, key, &problem);
	assert_int_equal(strlen(key), BF_EVENT_KEY_MAX);
	bf_event_unref(&event);
	snprintf(text, sizeof(text),
	    "{" EVENT ",\"idempotency_key\":\"%0256d\"}", 0);
	assert_null(parse(text, key, &problem));
	assert_string_equal(problem.field, "/idempotency_key");
	assert_null(
	    parse("{" EVENT ",\"idempotency_key\":\"\"}", key, &problem));
	assert_null(parse("{" EVENT ",\"idempotency_key\":7}", key, &problem));
}

/* ---- times ---- */

static void
times_are_read_to_the_microsecond(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
		const char *written;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0,
		    "1970-01-01T00:00:00.000000+00:00" },
		{ "2026-04-10T15:30:45.123456+00:00", 1775835045123456,
		    "2026-04-10T15:30:45.123456+00:00" },
		{ "2026-04-10t15:30:45.1z", 1775835045100000,
		    "2026-04-10T15:30:45.100000+00:00" },
		{ "2026-04-10 15:30:45Z", 1775835045000000,
		    "2026-04-10T15:30:45.000000+00:00" },
		{ "2026-04-10T15:30:45.123456999Z", 1775835045123456,
		    "2026-04-10T15:30:45.123456+00:00" },
		{ "2026-04-11T01:00:45+09:30", 1775835045000000,
		    "2026-04-10T15:30:45.000000+00:00" },
		{ "2026-04-10T10:30:45-05:00", 1775835045000000,
		    "2026-04-10T15:30:45.000000+00:00" },
		{ "2024-02-29T23:59:59-00:00", 1709251199000000,
		    "2024-02-29T23:59:59.000000+00:00" },
		{ "1969-12-31T23:59:59.999999Z", -1,
		    "1969-12-31T23:59:59.999999+00:00" },
		{ "0001-01-01T00:00:00Z", -62135596800000000,
		    "0001-01-01T00:00:00.000000+00:00" },
		{ "9999-12-31T23:59:59.999999Z", 253402300799999999,
		    "9999-12-31T23:59:59.999999+00:00" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[40];
		int64_t us = 1;

		if (bf_timestamp_parse(cases[i].text, &us) == -1)
			fail_msg("%s", cases[i].text);
		assert_int_equal(us, cases[i].us);
		bf_timestamp_format(us, text);
		assert_string_equal(text, cases[i].written);
	}
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const cases[] = { "", "2026", "2026-04-10",
		"2026-04-10T15:30Z", "2026-04-10T15:30:45",
		"2026-04-10T15:30:45+0200", "2026-04-10T15:30:45+02",
		"2026-04-10T15:30:45+24:00", "2026-04-10T15:30:45+02:60",
		"2026-04-10T15:30:45.Z", "2026-04-10T15:30:45.1234567890Z",
		"2026-04-10T15:30:45,5Z", "2026-04-10T15:30:45Z ",
		" 2026-04-10T15:30:45Z", "2026-04-10T24:00:00Z",
		"2026-04-10T15:60:00Z", "2026-12-31T23:59:60Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-04-31T00:00:00Z", "2026-04-00T00:00:00Z",
		"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01", "12026-04-10T15:30:45Z",
		"+2026-04-10T15:30:45Z", "2026-4-10T15:30:45Z" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t us;

		if (bf_timestamp_parse(cases[i], &us) == 0)
			fail_msg("%s was taken", cases[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_event_is_refused_with_its_field),
		cmocka_unit_test(a_long_name_is_cut_between_characters),
		cmocka_unit_test(members_are_sorted_and_complete),
		cmocka_unit_test(accessors_give_back_what_was_sent),
		cmocka_unit_test(an_event_lives_as_long_as_its_last_reference),
		cmocka_unit_test(a_line_of_a_batch_may_carry_a_key),
		cmocka_unit_test(times_are_read_to_the_microsecond),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
