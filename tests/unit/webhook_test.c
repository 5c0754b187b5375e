/*
 * webhook_test.c - the webhook module: its headers, its checks, its verdicts
 *
 * The module is loaded as belfry loads it, from where the build put it. The
 * signatures were computed with OpenSSL's command line and with Python.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/module/loader.h"
#include "tests/unit/module_fixture.h"

#define MODULE ".libs/webhook.so"
#define URL                                                                    \
	{                                                                      \
		"url",                                                         \
		{                                                              \
			"https://hooks.example/in"                             \
		}                                                              \
	}

/* A directive and its words. */
static const char body[] =
    "{\"body\":\"<p>Deployment for MyApp succeeded.</p>\","
    "\"event\":\"deploy_succeeded\",\"metadata\":{\"application_id\":"
    "\"app-xyz789\",\"application_name\":\"MyApp\",\"deployment_id\":"
    "\"dep-abc123\"},\"subject\":\"Deployment succeeded\",\"tenant_id\":"
    "\"550e8400-e29b-41d4-a716-446655440000\",\"timestamp\":"
    "\"2026-04-10T15:30:45.123456+00:00\"}";

static struct bf_loader *loader;
static const struct bf_module *module;

static int
load_module(void **state)
{
	struct bf_error err;

	(void)state;
	loader = bf_loader_new();
	module = bf_loader_open(loader, MODULE, &err);
	if (!module)
		print_error("%s\n", err.text);
	return module ? 0 : -1;
}

static int
unload_module(void **state)
{
	(void)state;
	bf_loader_free(&loader);
	return 0;
}

/* Composes the request of an attempt at the time. */
static void
compose(const void *conf, int64_t now_ms, struct bf_request *request)
{
	const struct bf_event_defaults defaults = { "unused", 0 };
	struct bf_event_problem problem;
	struct bf_event *event =
	    bf_event_parse(body, strlen(body), &defaults, NULL, &problem);
	struct bf_error err;

	*request = (struct bf_request){
		.delivery_id = "dlv_0123456789abcdef0000002a",
		.attempt = 1,
		.now = { now_ms },
	};
	assert_non_null(event);
	assert_int_equal(module->compose(conf, event, request, &err), 0);
	bf_event_unref(&event);
	assert_string_equal(request->body.data, body);
	assert_string_equal(request->url, "https://hooks.example/in");
}

/* Compares all headers, in their order; expected ends with NULL. */
static void
check_headers(const struct setting *settings, int64_t now_ms,
    const char *const *expected)
{
	struct bf_request request;
	struct bf_error err;
	void *conf = fixture_configure(module, settings, &err);
	size_t count = 0;

	if (!conf)
		fail_msg("%s", err.text);
	compose(conf, now_ms, &request);
	for (; expected[count]; count++) {
		assert_in_range(count, 0, request.headers.count - 1);
		assert_string_equal(request.headers.items[count],
		    expected[count]);
	}
	assert_int_equal(request.headers.count, count);
	bf_request_free(&request);
	bf_module_settings_free(module, &conf);
}

/* ---- headers ---- */

#define AT 1775835045123 /* 2026-04-10T15:30:45.123Z */
#define PLAIN                                                                  \
	"Content-Type: application/json",                                      \
	    "webhook-id: dlv_0123456789abcdef0000002a",                        \
	    "webhook-timestamp: 1775835045"

static void
without_a_secret_nothing_is_signed(void **state)
{
	(void)state;
	check_headers((struct setting[]){ URL, { 0 } }, AT,
	    (const char *[]){ PLAIN, NULL });
}

static void
a_secret_signs_twice(void **state)
{
	(void)state;
	check_headers((struct setting[]){ URL, { "secret", { "pager-secret" } },
			  { 0 } },
	    AT,
	    (const char *[]){ PLAIN,
		"X-Reoclo-Signature-256: sha256="
		"1bcf2faf33331181ee924bc92d51f256"
		"c015d0af8353ee880a0c17c1baadb3f3",
		"webhook-signature: "
		"v1,J0xqg0WMbDFu/B4SicLEOV6jPKmKtg3UJ5+A82NAV1g=",
		NULL });
}

static void
each_attempt_is_signed_with_its_own_time(void **state)
{
	(void)state;
	check_headers((struct setting[]){ URL, { "secret", { "pager-secret" } },
			  { 0 } },
	    AT + 2000,
	    (const char *[]){ "Content-Type: application/json",
		"webhook-id: dlv_0123456789abcdef0000002a",
		"webhook-timestamp: 1775835047",
		"X-Reoclo-Signature-256: sha256="
		"1bcf2faf33331181ee924bc92d51f256"
		"c015d0af8353ee880a0c17c1baadb3f3",
		"webhook-signature: "
		"v1,VyzjrNJv3joHa2Qp/teJx6cIw7bvieweESiPf17xUcM=",
		NULL });
}

/* The key of Standard Webhooks is what whsec_ stands for; that of the other
 * header is the text as it is. */
static void
a_secret_of_standard_webhooks_is_base64(void **state)
{
	(void)state;
	check_headers((struct setting[]){ URL,
			  { "secret",
			      { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" } },
			  { 0 } },
	    AT,
	    (const char *[]){ PLAIN,
		"X-Reoclo-Signature-256: sha256="
		"013c49008300fe2d913e869fee379a9c"
		"61c67d1965865407f1ce0f5422afe853",
		"webhook-signature: "
		"v1,oJMqtWY3sU5ZHdYz1Iy8W7OZyoG9y3ZBDE/BzQWKfI4=",
		NULL });
}

static const struct setting rotating[] = { URL,
	{ "secret", { "pager-secret" } },
	{ "previous_secret", { "old-secret" } },
	{ "previous_secret_until", { "2026-04-10T15:30:45.200Z" } }, { 0 } };

static void
while_secrets_overlap_both_sign(void **state)
{
	(void)state;
	check_headers(rotating, AT,
	    (const char *[]){ PLAIN,
		"X-Reoclo-Signature-256: sha256="
		"3942102e5e0191f28432e51c99b0b945"
		"085f623c7c385f7be92aa0018b9e0a8c",
		"webhook-signature: "
		"v1,J0xqg0WMbDFu/B4SicLEOV6jPKmKtg3UJ5+A82NAV1g= "
		"v1,XrWLHp5QLIhw++loRVzuV2Oy5Xcsj8OdZDQCyaB5J+M=",
		NULL });
}

static void
after_the_overlap_the_new_secret_signs(void **state)
{
	(void)state;
	check_headers(rotating, AT + 77,
	    (const char *[]){ PLAIN,
		"X-Reoclo-Signature-256: sha256="
		"1bcf2faf33331181ee924bc92d51f256"
		"c015d0af8353ee880a0c17c1baadb3f3",
		"webhook-signature: "
		"v1,J0xqg0WMbDFu/B4SicLEOV6jPKmKtg3UJ5+A82NAV1g=",
		NULL });
}

static void
headers_and_their_names_can_be_set(void **state)
{
	(void)state;
	check_headers((struct setting[]){ URL, { "bearer", { "t0ken" } },
			  { "header", { "X-Team", "ops, all" } },
			  { "header", { "X-Empty", "" } },
			  { "secret", { "pager-secret" } },
			  { "signature_header", { "X-Hub-Signature-256" } },
			  { 0 } },
	    AT,
	    (const char *[]){ "Content-Type: application/json",
		"Authorization: Bearer t0ken", "X-Team: ops, all",
		"X-Empty: ", "webhook-id: dlv_0123456789abcdef0000002a",
		"webhook-timestamp: 1775835045",
		"X-Hub-Signature-256: sha256="
		"1bcf2faf33331181ee924bc92d51f256"
		"c015d0af8353ee880a0c17c1baadb3f3",
		"webhook-signature: "
		"v1,J0xqg0WMbDFu/B4SicLEOV6jPKmKtg3UJ5+A82NAV1g=",
		NULL });
}

static void
what_the_transport_is_to_do_is_passed_on(void **state)
{
	const struct setting settings[] = { URL, { "method", { "PUT" } },
		{ "username", { "user" } }, { "password", { "pass" } },
		{ "http2", { "on" } }, { 0 } };
	struct bf_request request;
	struct bf_error err;
	void *conf = fixture_configure(module, settings, &err);

	(void)state;
	assert_non_null(conf);
	compose(conf, AT, &request);
	assert_string_equal(request.method, "PUT");
	assert_string_equal(request.username->bytes, "user");
	assert_string_equal(request.password->bytes, "pass");
	assert_true(request.http2);
	assert_null(request.ca_file);
	assert_null(request.client_certificate);
	bf_request_free(&request);
	bf_module_settings_free(module, &conf);
}

/* ---- checks ---- */

static void
settings_that_do_not_fit_are_refused(void **state)
{
	static const struct {
		struct setting settings[5];
		const char *why;
	} cases[] = {
		{ { { "secret", { "x" } }, { 0 } }, "url" },
		{ { { "url", { "ftp://x/" } }, { 0 } }, "url" },
		{ { URL, { "method", { "GET" } }, { 0 } }, "method" },
		{ { URL, { "previous_secret", { "x" } }, { 0 } },
		    "previous_secret needs secret" },
		{ { URL, { "secret", { "x" } }, { "previous_secret", { "y" } },
		      { 0 } },
		    "previous_secret needs secret" },
		{ { URL, { "secret", { "whsec_***" } }, { 0 } }, "base64" },
		{ { URL, { "secret", { "whsec_" } }, { 0 } }, "base64" },
		{ { URL, { "bearer", { "x" } }, { "username", { "y" } },
		      { 0 } },
		    "either bearer, or username" },
		{ { URL, { "header", { "Host", "x" } }, { 0 } },
		    "Host is set by belfry" },
		{ { URL, { "header", { "Webhook-ID", "x" } }, { 0 } },
		    "Webhook-ID is set by belfry" },
		{ { URL, { "header", { "content-length", "5" } }, { 0 } },
		    "content-length is set by belfry" },
		{ { URL, { "header", { "X-A", "a\r\nX-B: b" } }, { 0 } },
		    "header X-A" },
		{ { URL, { "header", { "X A", "a" } }, { 0 } }, "header X A" },
		{ { URL, { "signature_header", { "X:" } }, { 0 } },
		    "signature_header X:" },
		{ { URL, { "signature_header", { "Transfer-Encoding" } },
		      { 0 } },
		    "signature_header Transfer-Encoding is set by belfry" },
		{ { URL, { "gone", { "maybe" } }, { 0 } }, "gone" },
		{ { URL, { "sekret", { "x" } }, { 0 } }, "secret" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bf_error err = { "" };
		void *conf = fixture_configure(module, cases[i].settings, &err);

		if (conf || !strstr(err.text, cases[i].why) ||
		    !strstr(err.text, "belfry.conf:"))
			fail_msg("%s: \"%s\"", cases[i].why, err.text);
	}
}

/* ---- verdicts ---- */

static struct bf_verdict
judge(const char *gone, int status, const char *header)
{
	const struct setting settings[] = { URL, { "gone", { gone } }, { 0 } };
	struct bf_response response = { .status = status, .now = { AT } };
	struct bf_verdict verdict = { 0 };
	struct bf_error err;
	void *conf = fixture_configure(module, settings, &err);

	assert_non_null(conf);
	if (header)
		bf_strings_add(&response.headers, header);
	module->judge(conf, &response, &verdict);
	bf_response_free(&response);
	bf_module_settings_free(module, &conf);
	return verdict;
}

static void
only_a_410_stops_a_channel_and_only_if_told_to(void **state)
{
	static const int statuses[] = { 301, 400, 401, 403, 404, 429, 500 };
	struct bf_verdict verdict;

	(void)state;
	assert_int_equal(judge("stop", 200, NULL).outcome, BF_DELIVERED);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		verdict = judge("stop", statuses[i], NULL);
		assert_int_equal(verdict.outcome, BF_RETRY);
		assert_false(verdict.stop_channel);
	}
	verdict = judge("retry", 410, NULL);
	assert_int_equal(verdict.outcome, BF_RETRY);
	assert_false(verdict.stop_channel);
	verdict = judge("stop", 410, NULL);
	assert_true(verdict.stop_channel);
	assert_string_equal(verdict.why, "the endpoint answered 410 Gone");
	assert_int_equal(judge("retry", 503, "Retry-After: 7").wait.ms, 7000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_secret_nothing_is_signed),
		cmocka_unit_test(a_secret_signs_twice),
		cmocka_unit_test(each_attempt_is_signed_with_its_own_time),
		cmocka_unit_test(a_secret_of_standard_webhooks_is_base64),
		cmocka_unit_test(while_secrets_overlap_both_sign),
		cmocka_unit_test(after_the_overlap_the_new_secret_signs),
		cmocka_unit_test(headers_and_their_names_can_be_set),
		cmocka_unit_test(what_the_transport_is_to_do_is_passed_on),
		cmocka_unit_test(settings_that_do_not_fit_are_refused),
		cmocka_unit_test(
		    only_a_410_stops_a_channel_and_only_if_told_to),
	};

	return cmocka_run_group_tests(tests, load_module, unload_module);
}
