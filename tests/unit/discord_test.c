/*
 * discord_test.c - the module discord-embed: its checks, its message, its
 * verdicts
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

#include "core/event/parse.h"
#include "tests/unit/module_fixture.h"

#define URL                                                                    \
	{                                                                      \
		"url",                                                         \
		{                                                              \
			"https://discord.example/api/webhooks/1/x"             \
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
	module = bf_loader_open(loader, ".libs/discord-embed.so", &err);
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
a_message_that_was_made_is_delivered(void **state)
{
	struct bf_verdict verdict;

	(void)state;
	assert_int_equal(judge(204, "").outcome, BF_DELIVERED);
	assert_int_equal(judge(200, "{\"id\":\"1\"}").outcome, BF_DELIVERED);
	assert_int_equal(judge(200, "<html>").outcome, BF_RETRY);
	/* The last one of its bucket. */
	verdict = fixture_judge(module, conf, 200, "{}",
	    "X-RateLimit-Remaining: 0", "X-RateLimit-Reset-After: 1.25");
	assert_int_equal(verdict.outcome, BF_DELIVERED);
	assert_int_equal(verdict.not_before.ms, 1250);
	assert_int_equal(verdict.scope, BF_PAUSE_ENDPOINT);
}

static void
discord_s_own_proof_stops_the_channel(void **state)
{
	static const struct {
		int status;
		const char *body, *why;
	} gone[] = {
		{ 404, "{\"message\":\"Unknown Webhook\",\"code\":10015}",
		    "make a new one" },
		{ 401, "{\"message\":\"Invalid Webhook Token\",\"code\":50027}",
		    "copy the URL again" },
		{ 403, "{\"message\":\"Missing Permissions\",\"code\":50013}",
		    "may not post" },
		{ 404, "{\"message\":\"Unknown Thing\",\"code\":10999}",
		    "Unknown Thing (code 10999)" },
		{ 401, "{\"message\":\"401: Unauthorized\",\"code\":0}",
		    "401: Unauthorized" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++) {
		const struct bf_verdict verdict =
		    judge(gone[i].status, gone[i].body);

		assert_int_equal(verdict.outcome, BF_RETRY);
		assert_true(verdict.stop_channel);
		assert_non_null(strstr(verdict.why, gone[i].why));
	}
}

static void
another_s_word_stops_nothing(void **state)
{
	static const char *const bodies[] = { "", "<html>404</html>",
		"Unknown Webhook", "10015", "null", "[]", "{}",
		"{\"code\":10015}", "{\"message\":\"Unknown Webhook\"}",
		"{\"message\":\"Not found\",\"code\":404}",
		"{\"message\":\"Unauthorized\",\"code\":0}",
		"{\"message\":5,\"code\":10015}",
		"{\"message\":\"x\",\"code\":\"10015\"}",
		"{\"message\":\"Unknown Webhook\",\"code\":10015" };
	static const int statuses[] = { 400, 401, 403, 404, 405, 410 };

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		for (size_t j = 0; j < 6; j++) {
			const struct bf_verdict verdict =
			    judge(statuses[j], bodies[i]);

			assert_int_equal(verdict.outcome, BF_RETRY);
			assert_false(verdict.stop_channel);
			assert_int_equal(verdict.not_before.ms, 0);
		}
	}
}

static void
what_discord_refuses_is_final_with_its_message(void **state)
{
	struct bf_verdict verdict = judge(400,
	    "{\"message\":\"Invalid Form Body\",\"code\":50035,\"errors\":"
	    "{\"embeds\":{\"0\":{\"title\":{\"_errors\":[{\"code\":\"X\","
	    "\"message\":\"Must be 256 or fewer in length.\"}]}}}}}");

	(void)state;
	assert_int_equal(verdict.outcome, BF_FAILED);
	assert_false(verdict.stop_channel);
	assert_non_null(strstr(verdict.why, "Must be 256 or fewer"));
	assert_non_null(strstr(verdict.why, "50035"));
	assert_int_equal(judge(400, "{\"embeds\":[\"0\"]}").outcome, BF_FAILED);
	assert_int_equal(judge(400,
			     "{\"message\":\"Cannot send an empty message\","
			     "\"code\":50006}")
			     .outcome,
	    BF_FAILED);
	assert_int_equal(judge(413, "{\"message\":\"Request entity too large\","
				    "\"code\":40005}")
			     .outcome,
	    BF_FAILED);
	assert_int_equal(judge(500, "{\"message\":\"x\",\"code\":50035}")
			     .outcome,
	    BF_RETRY);
}

static void
a_429_says_who_is_to_wait_and_how_long(void **state)
{
	static const struct {
		const char *body, *first, *second;
		int64_t ms;
		enum bf_pause_scope scope;
	} limits[] = {
		{ "{\"message\":\"x\",\"retry_after\":64.57,\"global\":false}",
		    "Retry-After: 65", "X-RateLimit-Scope: user", 64570,
		    BF_PAUSE_ENDPOINT },
		{ "{\"message\":\"x\",\"retry_after\":0.5,\"global\":false}",
		    "X-RateLimit-Scope: shared", NULL, 501, BF_PAUSE_ENDPOINT },
		{ "{\"message\":\"x\",\"retry_after\":2,\"global\":true}", NULL,
		    NULL, 2001, BF_PAUSE_PLATFORM },
		{ "{\"message\":\"x\",\"retry_after\":2,\"global\":false}",
		    "X-RateLimit-Global: true", NULL, 2001, BF_PAUSE_PLATFORM },
		{ "{\"message\":\"x\",\"retry_after\":0,\"global\":false}",
		    NULL, NULL, 100, BF_PAUSE_ENDPOINT },
		{ "{\"message\":\"x\",\"retry_after\":1e300}", NULL, NULL,
		    INT64_C(2592000001), BF_PAUSE_ENDPOINT },
		{ "{\"message\":\"x\",\"retry_after\":-1}", NULL, NULL, 60000,
		    BF_PAUSE_PLATFORM },
		{ "error code: 1015", "Retry-After: 120", NULL, 120000,
		    BF_PAUSE_PLATFORM },
		{ "<html>", "Retry-After: 2.5", NULL, 2500, BF_PAUSE_PLATFORM },
		{ "", NULL, NULL, 60000, BF_PAUSE_PLATFORM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		const struct bf_verdict verdict = fixture_judge(module, conf,
		    429, limits[i].body, limits[i].first, limits[i].second);

		assert_int_equal(verdict.outcome, BF_RETRY);
		assert_int_equal(verdict.not_before.ms, limits[i].ms);
		assert_int_equal(verdict.scope, limits[i].scope);
		assert_false(verdict.stop_channel);
		assert_int_equal(verdict.wait.ms, 0);
	}
}

/* ---- checks ---- */

static void
check_refused(struct setting setting, const char *why)
{
	struct bf_error err = { "" };

	assert_null(fixture_configure(module,
	    (struct setting[]){ URL, setting, { 0 } }, &err));
	if (!strstr(err.text, why))
		fail_msg("\"%s\" says nothing of \"%s\"", err.text, why);
}

static void
settings_are_checked(void **state)
{
	char name[82];

	(void)state;
	memset(name, 'x', 81);
	name[81] = '\0';
	check_refused((struct setting){ "mention", { "loud", "@here" } },
	    "expected info, success");
	check_refused((struct setting){ "mention", { "error", "here" } },
	    "expected @here");
	check_refused((struct setting){ "mention", { "error", "<@&12>" } },
	    "expected @here");
	check_refused((struct setting){ "mention",
			  { "error", "<@165511591545143296" } },
	    "expected @here");
	check_refused((struct setting){ "mention",
			  { "error", "<@165511591545143296> @here" } },
	    "expected @here");
	check_refused((struct setting){ "thread_id", { "general" } },
	    "expected the thread's id");
	check_refused((struct setting){ "username", { name } },
	    "expected 1 to 80");
	check_refused((struct setting){ "username", { "My Discord" } },
	    "Discord refuses");
}

/* ---- the message ---- */

static void
a_message_is_what_it_is(void **state)
{
	char *body = fixture_compose(module, conf,
	    "{\"event\":\"deploy_failed\",\"subject\":\"my_app\","
	    "\"body\":\"<p>It <b>failed</b></p>\","
	    "\"metadata\":{\"b\":\"\",\"deployment_id\":\"dep-1\"},"
	    "\"timestamp\":\"2026-04-10T15:30:45.123456+00:00\"}",
	    BF_SEVERITY_ERROR);

	(void)state;
	assert_string_equal(body,
	    "{\"embeds\":[{\"title\":\"my\\\\_app\",\"description\":"
	    "\"It **failed**\",\"footer\":{\"text\":"
	    "\"deploy_failed \xc2\xb7 acme\"},\"color\":15158332,"
	    "\"timestamp\":\"2026-04-10T15:30:45.123456+00:00\",\"fields\":["
	    "{\"name\":\"deployment\\\\_id\",\"value\":\"dep-1\",\"inline\":"
	    "true},{\"name\":\"b\",\"value\":\"\xe2\x80\x8b\",\"inline\":true}"
	    "]}],\"allowed_mentions\":{\"parse\":[]}}");
	free(body);
}

static void
an_event_without_words_is_called_by_its_type(void **state)
{
	char *body = fixture_compose(module, conf,
	    "{\"event\":\"deploy_failed\",\"subject\":\"\\u3000\"}",
	    BF_SEVERITY_INFO);

	(void)state;
	assert_non_null(strstr(body, "\"title\":\"deploy\\\\_failed\""));
	assert_null(strstr(body, "\"description\""));
	assert_null(strstr(body, "\"fields\""));
	free(body);
}

/* The URL of the request that is composed with a setting. */
static void
check_target(struct setting setting, const char *expected)
{
	static const char posted[] =
	    "{\"event\":\"deploy_failed\",\"subject\":\"s\"}";
	const struct bf_event_defaults defaults = { "acme", 0 };
	struct bf_request request = { .attempt = 1 };
	struct bf_event_problem problem;
	struct bf_event *event =
	    bf_event_parse(posted, strlen(posted), &defaults, NULL, &problem);
	struct bf_error err;
	void *own = fixture_configure(module,
	    setting.name && strcmp(setting.name, "url") == 0
		? (struct setting[]){ setting, { 0 } }
		: (struct setting[]){ URL, setting, { 0 } },
	    &err);

	assert_non_null(own);
	assert_int_equal(module->compose(own, event, &request, &err), 0);
	assert_string_equal(request.url, expected);
	assert_string_equal(request.method, "POST");
	bf_request_free(&request);
	bf_event_unref(&event);
	bf_module_settings_free(module, &own);
}

static void
the_answer_is_waited_for(void **state)
{
	(void)state;
	check_target((struct setting){ 0 },
	    "https://discord.example/api/webhooks/1/x?wait=true");
	check_target((struct setting){ "thread_id", { "165511591545143296" } },
	    "https://discord.example/api/webhooks/1/x?wait=true"
	    "&thread_id=165511591545143296");
	check_target((struct setting){ "url",
			 { "https://d.example/w?with_x=1" } },
	    "https://d.example/w?with_x=1&wait=true");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_that_was_made_is_delivered),
		cmocka_unit_test(discord_s_own_proof_stops_the_channel),
		cmocka_unit_test(another_s_word_stops_nothing),
		cmocka_unit_test(
		    what_discord_refuses_is_final_with_its_message),
		cmocka_unit_test(a_429_says_who_is_to_wait_and_how_long),
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(a_message_is_what_it_is),
		cmocka_unit_test(an_event_without_words_is_called_by_its_type),
		cmocka_unit_test(the_answer_is_waited_for),
	};

	return cmocka_run_group_tests(tests, load_module, unload_module);
}
