/*
 * slack_test.c - the module slack-format: its checks, its message, its verdicts
 *
 * The module is loaded as belfry loads it, from where the build put it. What it
 * makes of many events is held against its limits in
 * tests/scenario/test_payloads.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/module_fixture.h"

#define URL                                                                    \
	{                                                                      \
		"url",                                                         \
		{                                                              \
			"https://hooks.example/services/T0/B0/x"               \
		}                                                              \
	}

static struct bf_loader *loader;
static const struct bf_module *module;
static void *conf;

static int
load_module(void **state)
{
	struct bf_error err;

	(void)state;
	loader = bf_loader_new();
	module = bf_loader_open(loader, ".libs/slack-format.so", &err);
	if (module)
		conf = fixture_configure(module,
		    (struct setting[]){ URL, { 0 } }, &err);
	if (!conf)
		print_error("%s\n", err.text);
	return conf ? 0 : -1;
}

static int
unload_module(void **state)
{
	(void)state;
	bf_module_settings_free(module, &conf);
	bf_loader_free(&loader);
	return 0;
}

static struct bf_verdict
judge(int status, const char *body)
{
	return fixture_judge(module, conf, status, body, NULL, NULL);
}

/* ---- verdicts ---- */

static void
ok_is_delivered(void **state)
{
	(void)state;
	assert_int_equal(judge(200, "ok").outcome, BF_DELIVERED);
	assert_int_equal(judge(200, "").outcome, BF_DELIVERED);
	assert_int_equal(judge(204, "").outcome, BF_DELIVERED);
	/* Servers that talk as Slack does may say more. */
	assert_int_equal(judge(200, "{\"success\":true}").outcome,
	    BF_DELIVERED);
}

static void
a_page_is_nothing_that_slack_says(void **state)
{
	static const int statuses[] = { 200, 302, 400, 401, 403, 404, 410, 500,
		503 };

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct bf_verdict verdict =
		    judge(statuses[i], " <html>no_service</html>");

		assert_int_equal(verdict.outcome, BF_RETRY);
		assert_false(verdict.stop_channel);
		assert_int_equal(verdict.not_before.ms, 0);
		verdict = fixture_judge(module, conf, statuses[i], "no service",
		    "Content-Type: text/html", NULL);
		assert_int_equal(verdict.outcome, BF_RETRY);
		assert_false(verdict.stop_channel);
	}
}

static void
what_slack_refuses_is_final_and_explained(void **state)
{
	static const char *const words[] = { "invalid_payload", "no_text",
		"invalid_blocks", "invalid_blocks_format",
		"invalid_attachments", "too_many_attachments", "msg_too_long",
		"msg_blocks_too_long", "a_new_word" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const struct bf_verdict verdict = judge(400, words[i]);

		assert_int_equal(verdict.outcome, BF_FAILED);
		assert_false(verdict.stop_channel);
		assert_non_null(strstr(verdict.why, words[i]));
		assert_true(strlen(verdict.why) > strlen(words[i]) + 10);
	}
	assert_int_equal(judge(400, "nonsense").outcome, BF_RETRY);
	assert_int_equal(judge(400, "two words_here").outcome, BF_RETRY);
	assert_int_equal(judge(400, "").outcome, BF_RETRY);
}

static void
what_slack_says_is_gone_stops_the_channel(void **state)
{
	static const struct {
		int status;
		const char *word;
	} gone[] = { { 404, "no_service" }, { 404, "no_active_hooks" },
		{ 404, "no_team" }, { 403, "team_disabled" },
		{ 403, "invalid_token" }, { 403, "token_revoked" },
		{ 404, "channel_not_found" }, { 410, "channel_is_archived" },
		{ 400, "user_not_found" }, { 403, "action_prohibited" },
		{ 403, "posting_to_general_channel_denied" },
		{ 404, " no_service\r\n" } };

	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++) {
		const struct bf_verdict verdict =
		    judge(gone[i].status, gone[i].word);

		/* The delivery waits with the others. */
		assert_int_equal(verdict.outcome, BF_RETRY);
		assert_true(verdict.stop_channel);
	}
	assert_false(judge(404, "no_service!").stop_channel);
	assert_false(judge(404, "the no_service").stop_channel);
	assert_false(judge(200, "no_service").stop_channel);
	assert_false(judge(500, "rollup_error").stop_channel);
	assert_int_equal(judge(500, "rollup_error").outcome, BF_RETRY);
}

static void
slack_is_left_alone_for_as_long_as_it_says(void **state)
{
	static const struct {
		int status;
		const char *header;
		int64_t ms;
	} limits[] = { { 429, "Retry-After: 30", 30000 },
		{ 429, "Retry-After: 1.5", 1500 }, { 429, NULL, 1000 },
		{ 429, "Retry-After: soon", 1000 },
		{ 429, "Retry-After: 0", 100 },
		{ 429, "Retry-After: Fri, 10 Apr 2026 15:30:50 GMT", 4877 },
		{ 403, "Retry-After: 2", 2000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		const struct bf_verdict verdict = fixture_judge(module, conf,
		    limits[i].status, "rate_limited", limits[i].header, NULL);

		assert_int_equal(verdict.outcome, BF_RETRY);
		assert_int_equal(verdict.not_before.ms, limits[i].ms);
		assert_int_equal(verdict.scope, BF_PAUSE_ENDPOINT);
		assert_int_equal(verdict.wait.ms, 0);
	}
}

static void
a_body_is_read_no_further_than_it_goes(void **state)
{
	char *long_word = malloc(100001);

	(void)state;
	memset(long_word, 'a', 100000);
	long_word[100000] = '\0';
	assert_int_equal(judge(400, long_word).outcome, BF_RETRY);
	free(long_word);
}

/* ---- checks ---- */

static void
check_refused(const char *severity, const char *mention, const char *why)
{
	struct bf_error err = { "" };

	assert_null(fixture_configure(module,
	    (struct setting[]){ URL, { "mention", { severity, mention } },
		{ 0 } },
	    &err));
	if (!strstr(err.text, why))
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, why);
}

static void
mentions_are_checked(void **state)
{
	static const char *const good[] = { "<!here>", "<!channel>",
		"<!everyone>", "<@U024BE7LH>", "<@W024BE7LH>",
		"<!subteam^SAZ94GDB8>" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct bf_error err;
		void *settings = fixture_configure(module,
		    (struct setting[]){ URL,
			{ "mention", { "critical", good[i] } }, { 0 } },
		    &err);

		assert_non_null(settings);
		bf_module_settings_free(module, &settings);
	}
	check_refused("loud", "<!here>", "expected info, success");
	check_refused("critical", "@here", "expected <!here>");
	check_refused("critical", "<!here> all", "expected <!here>");
	check_refused("critical", "<!here", "expected <!here>");
	check_refused("critical", "<@U1><@U2>", "expected <!here>");
	check_refused("critical", "<https://example.com>", "expected <!here>");
	check_refused("critical", "", "expected <!here>");
}

/* ---- the message ---- */

static void
a_message_is_what_it_is(void **state)
{
	char *body = fixture_compose(module, conf,
	    "{\"event\":\"deploy_failed\",\"subject\":\"R&D\","
	    "\"body\":\"<p>It <b>failed</b></p>\","
	    "\"metadata\":{\"b\":1,\"deployment_id\":\"dep-1\"},"
	    "\"timestamp\":\"2026-04-10T15:30:45.123456+00:00\"}",
	    BF_SEVERITY_ERROR);

	(void)state;
	assert_string_equal(body,
	    "{\"text\":\"R&amp;D\",\"attachments\":[{\"color\":\"#e01e5a\","
	    "\"blocks\":[{\"type\":\"header\",\"text\":{\"type\":"
	    "\"plain_text\",\"text\":\"R&amp;D\",\"emoji\":false}},"
	    "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":"
	    "\"It *failed*\",\"verbatim\":true}},"
	    "{\"type\":\"section\",\"fields\":[{\"type\":\"plain_text\","
	    "\"text\":\"deployment_id\\ndep-1\",\"emoji\":false},"
	    "{\"type\":\"plain_text\",\"text\":\"b\\n1\",\"emoji\":false}]},"
	    "{\"type\":\"context\",\"elements\":[{\"type\":\"plain_text\","
	    "\"text\":\"deploy_failed\",\"emoji\":false},{\"type\":"
	    "\"plain_text\",\"text\":\"acme\",\"emoji\":false},{\"type\":"
	    "\"mrkdwn\",\"text\":\"<!date^1775835045^{date_short_pretty} "
	    "{time_secs}|2026-04-10 15:30:45 UTC>\",\"verbatim\":true}]}]}]}");
	free(body);
}

static void
an_event_without_words_is_called_by_its_type(void **state)
{
	char *body = fixture_compose(module, conf,
	    "{\"event\":\"deploy_failed\",\"subject\":\" \\u200b\"}",
	    BF_SEVERITY_INFO);

	(void)state;
	assert_non_null(strstr(body, "{\"text\":\"deploy_failed\""));
	assert_null(strstr(body, "\"section\""));
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ok_is_delivered),
		cmocka_unit_test(a_page_is_nothing_that_slack_says),
		cmocka_unit_test(what_slack_refuses_is_final_and_explained),
		cmocka_unit_test(what_slack_says_is_gone_stops_the_channel),
		cmocka_unit_test(slack_is_left_alone_for_as_long_as_it_says),
		cmocka_unit_test(a_body_is_read_no_further_than_it_goes),
		cmocka_unit_test(mentions_are_checked),
		cmocka_unit_test(a_message_is_what_it_is),
		cmocka_unit_test(an_event_without_words_is_called_by_its_type),
	};

	return cmocka_run_group_tests(tests, load_module, unload_module);
}
