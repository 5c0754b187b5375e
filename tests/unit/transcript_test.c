/*
 * transcript_test.c - what a test of a channel shows of its request
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <belfry/json.h>

#include "tests/unit/transport_fixture.h"

static void
a_transcript_shows_no_secret(void **state)
{
	const struct bf_transport_options test = { .timeout = { 5000 },
		.transcript = true,
		.fresh = true };
	char text[] = "sesame";
	const struct bf_secret name = { text, 6 };
	struct bf_request request = { 0 };
	struct result result;
	struct bf_error err;
	cJSON *steps;

	(void)state;
	server.answer = "HTTP/1.1 200 OK\r\nSet-Cookie: sesame\r\n"
			"X-Broken: \xff\xc3(\r\nContent-Length: 0\r\n\r\n";
	bf_request_header(&request, "Authorization", "Bearer sesame");
	bf_request_header(&request, "X-Api-Key", "sesame");
	request.username = &name;
	bf_request_header(&request, "Content-Type", "application/json");
	fixture_perform(&request, &test, &result);
	assert_non_null(strstr(server.request, "X-Api-Key: sesame"));
	assert_non_null(result.transcript);
	steps =
	    bf_json_parse(result.transcript, strlen(result.transcript), &err);
	if (!steps)
		fail_msg("%s: %s", err.text, result.transcript);
	assert_null(strstr(result.transcript, "sesame"));
	assert_non_null(strstr(result.transcript, "Authorization: ***"));
	assert_non_null(strstr(result.transcript, "X-Api-Key: ***"));
	assert_non_null(
	    strstr(result.transcript, "Content-Type: application/json"));
	assert_non_null(strstr(result.transcript, "HTTP/1.1 200 OK"));
	cJSON_Delete(steps);
	fixture_clear(&result);
}

/* A test of a request that gets the answer: what its transcript says. */
static void
check_transcript(const char *answer, const char *const *has)
{
	struct bf_request request = { 0 };
	struct result result;

	server.answer = answer;
	fixture_perform(&request,
	    &(struct bf_transport_options){ .timeout = { 5000 },
		.transcript = true,
		.fresh = true },
	    &result);
	for (; *has; has++) {
		if (!strstr(result.transcript, *has))
			fail_msg("no %s in %s", *has, result.transcript);
	}
	fixture_clear(&result);
}

static void
a_transcript_goes_step_by_step_and_ends_in_a_hint(void **state)
{
	static const char *const moved[] = { "\"step\":\"connect\"",
		"\"text\":\"to 127.0.0.1 port ", "\"text\":\"connected\"",
		"\"text\":\"POST /in?x=*** HTTP/1.1\"",
		"\"text\":\"Location: http://other.example/in?y=***\"",
		"\"text\":\"status 302\"", "\"name\":\"redirect\"",
		"moved to http://other.example, ", NULL };
	static const char *const skewed[] = { "\"name\":\"clock-skew\"", NULL };
	static const char *const page[] = { "\"name\":\"web-page\"", NULL };
	static const char *const slack[] = { "\"text\":\"status 200\"}]}",
		NULL };
	static const char *const fine[] = { "\"text\":\"status 204\"}]}",
		NULL };

	(void)state;
	check_transcript("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
			 "Location: http://other.example/in?y=secret\r\n\r\n",
	    moved);
	check_transcript("HTTP/1.1 401 No\r\nContent-Length: 0\r\n"
			 "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n\r\n",
	    skewed);
	check_transcript("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n"
			 "Content-Type: text/html; charset=utf-8\r\n\r\n\n "
			 "<html>",
	    page);
	check_transcript("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
			 "Content-Type: text/html\r\n\r\nok",
	    slack);
	check_transcript("HTTP/1.1 204 No Content\r\n\r\n", fine);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_transcript_shows_no_secret),
		TEST(a_transcript_goes_step_by_step_and_ends_in_a_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
