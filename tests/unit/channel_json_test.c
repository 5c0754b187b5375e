/*
 * channel_json_test.c - channels from JSON: what they mean, what is refused,
 * and which secrets stay
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/registry/channel_json.h"
#include "core/registry/snapshot_wire.h"
#include "tests/unit/load_fixture.h"

#define URL "\"url\":\"https://example.com/a\""

struct fixture {
	struct bf_snapshot *snapshot;
	struct bf_channel_reader *reader;
	struct bf_channel_problem problem;
};

static int
set_up(void **state)
{
	static struct fixture fixture;

	fixture.snapshot =
	    load_good("proxy http://proxy.example:1;"
		      "egress { proxy http://proxy.example:3128; }");
	fixture.reader = bf_channel_reader_new(fixture.snapshot);
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	bf_channel_reader_free(&fixture->reader);
	bf_snapshot_free(&fixture->snapshot);
	return 0;
}

/* Reads { "name": "ops", "module": "hook" MORE }. */
static struct bf_channel *
read_as(struct fixture *fixture, const struct bf_channel *saved,
    const char *more)
{
	struct bf_channel *channel;
	char text[2000];
	cJSON *json;

	snprintf(text, sizeof(text), "{\"name\":\"ops\",\"module\":\"hook\"%s}",
	    more);
	json = cJSON_Parse(text);
	assert_non_null(json);
	channel = bf_channel_read(fixture->reader, "acme", json, saved,
	    &fixture->problem);
	cJSON_Delete(json);
	return channel;
}

static const struct bf_setting *
setting(const struct bf_channel *channel, const char *name)
{
	for (size_t i = 0; i < channel->setting_count; i++) {
		if (strcmp(channel->settings[i].name, name) == 0)
			return &channel->settings[i];
	}
	return NULL;
}

static void
a_channel_is_what_the_conf_file_would_make(void **state)
{
	struct fixture *fixture = *state;
	struct bf_channel *channel = read_as(fixture, NULL,
	    ",\"events\":[\"deploy_*\",\"category:incident\"],"
	    "\"retry\":\"1s 2s\",\"timeout\":\"5s\",\"jitter\":10,"
	    "\"rate\":\"10/s burst=5\",\"concurrency\":3,\"ordered\":false,"
	    "\"settings\":{" URL ",\"secret\":\"k\","
	    "\"header\":{\"X-A\":\"1\",\"X-B\":{\"secret\":\"2\"}}}");

	assert_non_null(channel);
	assert_string_equal(channel->tenant, "acme");
	assert_string_equal(channel->name, "ops");
	assert_null(channel->file);
	assert_int_equal(channel->policy.events.count, 2);
	assert_int_equal(channel->policy.retry.count, 2);
	assert_int_equal(channel->policy.retry.jitter, 10);
	assert_int_equal(channel->policy.timeout.ms, 5000);
	assert_int_equal(channel->policy.rate.burst, 5);
	assert_int_equal(channel->policy.concurrency, 3);
	assert_string_equal(channel->policy.proxy, "http://proxy.example:3128");
	assert_int_equal(channel->setting_count, 4);
	assert_false(setting(channel, "url")->secret);
	assert_true(setting(channel, "secret")->secret);
	assert_false(channel->settings[2].secret);
	assert_true(channel->settings[3].secret);
	bf_channel_free(&channel);
}

static void
lists_without_items_mean_all_events_and_no_retries(void **state)
{
	struct fixture *fixture = *state;
	struct bf_channel *channel = read_as(fixture, NULL,
	    ",\"events\":[],\"retry\":[],\"rate\":null,\"settings\":{" URL "}");

	assert_non_null(channel);
	assert_int_equal(channel->policy.events.count, 0);
	assert_int_equal(channel->policy.retry.count, 0);
	bf_channel_free(&channel);
}

static void
what_is_wrong_is_named_with_its_place(void **state)
{
	static const struct {
		const char *more, *field, *detail;
	} wrong[] = {
		{ "", "/settings/url", "missing" },
		{ ",\"settings\":[]", "/settings", "expected an object" },
		{ ",\"settings\":{\"url\":\"ftp://x\"}", "/settings/url",
		    "not an absolute URL" },
		{ ",\"settings\":{" URL ",\"sekret\":\"x\"}",
		    "/settings/sekret", "did you mean \"secret\"" },
		{ ",\"settings\":{" URL ",\"secret\":[\"a\",\"b\"]}",
		    "/settings/secret", "expected one secret" },
		{ ",\"settings\":{" URL ",\"secret\":{\"x\":1}}",
		    "/settings/secret", "expected a text" },
		{ ",\"settings\":{" URL ",\"secret\":\"env:KEY\"}",
		    "/settings/secret", "for the conf file" },
		{ ",\"settings\":{\"url\":\"env:HOOK\"}", "/settings/url",
		    "for the conf file" },
		{ ",\"settings\":{" URL ",\"header\":{\"A\":\"file:/b\"}}",
		    "/settings/header", "for the conf file" },
		{ ",\"settings\":{" URL ",\"ca_file\":\"/etc/passwd\"}",
		    "/settings/ca_file", "conf file only" },
		{ ",\"settings\":{" URL ",\"header\":\"A b\"}",
		    "/settings/header", "names and values" },
		{ ",\"settings\":{" URL ",\"header\":[[\"A\"]]}",
		    "/settings/header", "names and values" },
		{ ",\"settings\":{" URL ",\"header\":{\"A\":\"b\\nc: d\"}}",
		    "/settings/header", "control character" },
		{ ",\"proxy\":\"http://x\",\"settings\":{" URL "}", "/proxy",
		    "conf file only" },
		{ ",\"retri\":\"1s\",\"settings\":{" URL "}", "/retri",
		    "did you mean \"retry\"" },
		{ ",\"retry\":[\"1x\"],\"settings\":{" URL "}", "/retry",
		    "unknown unit" },
		{ ",\"timeout\":\"99d\",\"settings\":{" URL "}", "/timeout",
		    "out of range" },
		{ ",\"events\":[\"nothing\"],\"settings\":{" URL "}", "/events",
		    "nothing" },
		{ ",\"a/b~\":1,\"settings\":{" URL "}", "/a~1b~0", "unknown" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_null(read_as(fixture, NULL, wrong[i].more));
		assert_string_equal(fixture->problem.field, wrong[i].field);
		if (!strstr(fixture->problem.error.text, wrong[i].detail))
			fail_msg("%s: %s", wrong[i].more,
			    fixture->problem.error.text);
	}
}

static void
a_name_that_is_too_long_leaves_room_for_what_is_wrong(void **state)
{
	static const struct {
		const char *format, *field;
	} wrong[] = {
		{ ",\"%s\":1,\"settings\":{" URL "}", "" },
		{ ",\"settings\":{" URL ",\"%s\":1}", "/settings" },
	};
	struct fixture *fixture = *state;
	char name[600], more[1000];

	memset(name, 'n', sizeof(name));
	for (size_t size = 60; size < sizeof(name); size++) {
		name[size] = '\0';
		for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
			snprintf(more, sizeof(more), wrong[i].format, name);
			assert_null(read_as(fixture, NULL, more));
			assert_non_null(strstr(fixture->problem.error.text,
			    "unknown directive"));
			if (size > 64)
				assert_string_equal(fixture->problem.field,
				    wrong[i].field);
		}
		name[size] = 'n';
	}
}

static void
names_and_modules_are_checked(void **state)
{
	static const struct {
		const char *text, *field;
	} wrong[] = {
		{ "{}", "/name" },
		{ "{\"name\":\"a b\",\"module\":\"hook\"}", "/name" },
		{ "{\"name\":\"a\"}", "/module" },
		{ "{\"name\":\"a\",\"module\":\"hok\"}", "/module" },
		{ "{\"name\":1,\"module\":\"hook\"}", "/name" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cJSON *json = cJSON_Parse(wrong[i].text);

		assert_null(bf_channel_read(fixture->reader, "acme", json, NULL,
		    &fixture->problem));
		assert_string_equal(fixture->problem.field, wrong[i].field);
		cJSON_Delete(json);
	}
}

/* A channel with a secret and a secret header. */
static struct bf_channel *
saved_channel(struct fixture *fixture)
{
	struct bf_channel *saved = read_as(fixture, NULL,
	    ",\"settings\":{" URL ",\"secret\":\"k\","
	    "\"header\":{\"A\":{\"secret\":\"s\"}}}");

	assert_non_null(saved);
	return saved;
}

static void
secrets_that_are_left_out_stay(void **state)
{
	struct fixture *fixture = *state;
	struct bf_channel *saved = saved_channel(fixture);
	struct bf_channel *channel =
	    read_as(fixture, saved, ",\"settings\":{" URL "}");

	assert_non_null(channel);
	assert_string_equal(setting(channel, "secret")->words.items[0], "k");
	assert_string_equal(setting(channel, "header")->words.items[1], "s");
	assert_true(setting(channel, "header")->secret);
	bf_channel_free(&channel);
	channel = read_as(fixture, saved,
	    ",\"settings\":{" URL ",\"secret\":null,\"header\":{\"A\":null}}");
	assert_non_null(channel);
	assert_null(setting(channel, "secret"));
	assert_null(setting(channel, "header"));
	bf_channel_free(&channel);
	bf_channel_free(&saved);
}

static void
secrets_do_not_follow_to_another_place(void **state)
{
	static const char other[] = "\"url\":\"https://evil.example/\"";
	struct fixture *fixture = *state;
	struct bf_channel *saved = saved_channel(fixture);
	struct bf_channel *channel;
	char more[200];

	snprintf(more, sizeof(more), ",\"settings\":{%s,\"header\":null}",
	    other);
	assert_null(read_as(fixture, saved, more));
	assert_string_equal(fixture->problem.field, "/settings/secret");
	assert_non_null(strstr(fixture->problem.error.text, "anew"));
	snprintf(more, sizeof(more), ",\"settings\":{%s,\"secret\":\"new\"}",
	    other);
	assert_null(read_as(fixture, saved, more));
	assert_string_equal(fixture->problem.field, "/settings/header");
	snprintf(more, sizeof(more),
	    ",\"settings\":{%s,\"secret\":\"new\",\"header\":null}", other);
	channel = read_as(fixture, saved, more);
	assert_non_null(channel);
	assert_string_equal(setting(channel, "secret")->words.items[0], "new");
	bf_channel_free(&channel);
	bf_channel_free(&saved);
}

static void
a_secret_url_stays_too(void **state)
{
	struct fixture *fixture = *state;
	struct bf_channel *saved = read_as(fixture, NULL,
	    ",\"settings\":{\"url\":{\"secret\":\"https://example.com/k\"},"
	    "\"secret\":\"k\"}");
	struct bf_channel *channel = read_as(fixture, saved, "");

	assert_non_null(channel);
	assert_string_equal(setting(channel, "url")->words.items[0],
	    "https://example.com/k");
	assert_true(setting(channel, "url")->secret);
	assert_string_equal(setting(channel, "secret")->words.items[0], "k");
	bf_channel_free(&channel);
	bf_channel_free(&saved);
}

static void
a_saved_secret_can_become_another(void **state)
{
	static const struct {
		const char *more, *field, *text;
	} wrong[] = {
		{ URL ",\"secret\":\"n\",\"password\":{\"saved\":\"none\"}",
		    "/settings/password", "no secret \"none\" is saved" },
		{ URL ",\"secret\":\"n\",\"password\":{\"saved\":\"url\"}",
		    "/settings/password", "no secret \"url\" is saved" },
		{ "\"url\":\"https://evil.example/\",\"header\":null,"
		  "\"secret\":\"n\",\"password\":{\"saved\":\"secret\"}",
		    "/settings/password", "url is another one now" },
		{ "\"url\":{\"saved\":\"secret\"}", "/settings/url",
		    "url: no secret" },
		{ URL ",\"header\":{\"A\":{\"saved\":\"secret\"}}",
		    "/settings/header", "expected an object" },
		{ URL ",\"secret\":[{\"saved\":\"secret\"}]",
		    "/settings/secret", "expected a text" },
		{ URL ",\"secret\":{\"saved\":1}", "/settings/secret",
		    "expected a text" },
	};
	struct fixture *fixture = *state;
	struct bf_channel *saved = saved_channel(fixture);
	struct bf_channel *channel = read_as(fixture, saved,
	    ",\"settings\":{" URL
	    ",\"secret\":\"n\",\"password\":{\"saved\":\"secret\"}}");
	char more[400];

	assert_non_null(channel);
	assert_string_equal(setting(channel, "secret")->words.items[0], "n");
	assert_string_equal(setting(channel, "password")->words.items[0], "k");
	assert_true(setting(channel, "password")->secret);
	bf_channel_free(&channel);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(more, sizeof(more), ",\"settings\":{%s}",
		    wrong[i].more);
		assert_null(read_as(fixture, saved, more));
		assert_string_equal(fixture->problem.field, wrong[i].field);
		assert_non_null(
		    strstr(fixture->problem.error.text, wrong[i].text));
	}
	assert_null(read_as(fixture, NULL,
	    ",\"settings\":{" URL ",\"secret\":{\"saved\":\"secret\"}}"));
	assert_string_equal(fixture->problem.field, "/settings/secret");
	bf_channel_free(&saved);
}

static cJSON *
stars(void *context, const char *directive, const char *word)
{
	(void)context;
	(void)word;
	return cJSON_CreateString(directive);
}

static void
settings_are_shown_without_secrets(void **state)
{
	struct fixture *fixture = *state;
	struct bf_channel *channel = read_as(fixture, NULL,
	    ",\"settings\":{" URL ",\"secret\":\"k\","
	    "\"header\":[[\"A\",\"1\"],[\"B\",{\"secret\":\"2\"}]]}");
	cJSON *json = bf_channel_settings(fixture->reader, channel, NULL, NULL);
	char *text = cJSON_PrintUnformatted(json);

	assert_string_equal(text,
	    "{\"url\":\"https://example.com/a\",\"header\":[[\"A\",\"1\"]]}");
	cJSON_free(text);
	cJSON_Delete(json);
	json = bf_channel_settings(fixture->reader, channel, stars, NULL);
	text = cJSON_PrintUnformatted(json);
	assert_string_equal(text,
	    "{\"url\":\"https://example.com/a\",\"secret\":\"secret\","
	    "\"header\":[[\"A\",\"1\"],[\"B\",\"header B\"]]}");
	cJSON_free(text);
	cJSON_Delete(json);
	bf_channel_free(&channel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_channel_is_what_the_conf_file_would_make, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    lists_without_items_mean_all_events_and_no_retries, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    what_is_wrong_is_named_with_its_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_name_that_is_too_long_leaves_room_for_what_is_wrong,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_and_modules_are_checked,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(secrets_that_are_left_out_stay,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    secrets_do_not_follow_to_another_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_saved_secret_can_become_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_secret_url_stays_too, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    settings_are_shown_without_secrets, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
