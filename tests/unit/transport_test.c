/*
 * transport_test.c - requests, connections, failures and answers
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "tests/unit/transport_fixture.h"

#define KEPT (64 << 10) /* bytes of an answer that are kept */

/* ---- what is sent ---- */

static void
a_request_arrives_as_it_was_composed(void **state)
{
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	server.answer = "HTTP/1.1 202 Accepted\r\nX-A:  b \t\r\n"
			"Content-Length: 5\r\n\r\nhello";
	bf_request_header(&request, "Content-Type", "application/json");
	bf_request_header(&request, "X-Team", "ops");
	bf_buf_add_text(&request.body, "{\"event\":1}");
	fixture_perform(&request, &fixture_usual, &result);
	assert_null(request.body.data);

	assert_int_equal(result.response.status, 202);
	assert_string_equal(result.error, "");
	assert_string_equal(result.response.body.data, "hello");
	assert_string_equal(bf_response_header(&result.response, "x-a"), "b");
	assert_null(result.transcript);
	assert_true(result.timings.connect_us > 0);
	assert_true(result.timings.total_us >= result.timings.first_byte_us);
	assert_int_equal(result.timings.tls_us, -1);

	assert_memory_equal(server.request, "POST /in?x=y HTTP/1.1\r\n", 23);
	assert_non_null(
	    strstr(server.request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(server.request, "\r\nX-Team: ops\r\n"));
	assert_non_null(strstr(server.request, "\r\nContent-Length: 11\r\n"));
	assert_non_null(strstr(server.request, "\r\n\r\n{\"event\":1}"));
	assert_null(strstr(server.request, "Expect:"));
	assert_null(strstr(server.request, "Accept-Encoding:"));
	fixture_clear(&result);
}

static void
credentials_are_sent_once_and_methods_as_set(void **state)
{
	char user[] = "user", pass[] = "pass";
	const struct bf_secret username = { user, 4 }, password = { pass, 4 };
	struct bf_request request = { .method = "PUT",
		.username = &username,
		.password = &password };
	struct result result;

	(void)state;
	server.answer = "HTTP/1.1 401 Unauthorized\r\n"
			"WWW-Authenticate: NTLM\r\nSet-Cookie: a=b\r\n"
			"Content-Length: 0\r\n\r\n";
	fixture_perform(&request, &fixture_usual, &result);
	assert_int_equal(result.response.status, 401);
	assert_int_equal(server.requests, 1);
	assert_memory_equal(server.request, "PUT ", 4);
	assert_non_null(strstr(server.request,
	    "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"));
	fixture_clear(&result);

	/* Nothing of it is left for the next request. */
	fixture_check(OK_EMPTY, false, 200, "");
	assert_int_equal(server.connections, 1);
	assert_memory_equal(server.request, "POST ", 5);
	assert_null(strstr(server.request, "Authorization:"));
	assert_null(strstr(server.request, "Cookie:"));
}

/* ---- connections ---- */

static void
a_connection_is_used_again(void **state)
{
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	fixture_check(OK_EMPTY, false, 200, "");
	fixture_perform(&request, &fixture_usual, &result);
	assert_int_equal(server.requests, 2);
	assert_int_equal(server.connections, 1);
	assert_int_equal(result.timings.connect_us, -1);
	fixture_clear(&result);
	request = (struct bf_request){ 0 };
	fixture_perform(&request,
	    &(struct bf_transport_options){ .timeout = { 5000 },
		.fresh = true },
	    &result);
	assert_int_equal(server.connections, 2);
	fixture_clear(&result);
}

static void
a_connection_that_the_server_closed_is_replaced(void **state)
{
	(void)state;
	fixture_check(OK_EMPTY, true, 200, "");
	fixture_check(OK_EMPTY, true, 200, "");
	assert_int_equal(server.connections, 2);
}

static void
many_requests_are_under_way_at_once(void **state)
{
	struct result results[20];

	(void)state;
	server.answer = OK_EMPTY;
	for (size_t i = 0; i < 20; i++) {
		struct bf_request request = { 0 };

		fixture_start(&request, &fixture_usual, &results[i]);
	}
	assert_int_equal(bf_transport_active(transport), 20);
	while (bf_transport_active(transport) > 0)
		event_base_loop(server.base, EVLOOP_ONCE);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(results[i].ends, 1);
		assert_int_equal(results[i].response.status, 200);
		fixture_clear(&results[i]);
	}
}

static void
a_free_ends_requests_without_a_word(void **state)
{
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	fixture_start(&request, &fixture_usual, &result);
	while (server.requests == 0)
		event_base_loop(server.base, EVLOOP_ONCE);
	bf_transport_free(&transport);
	assert_int_equal(result.ends, 0);
	assert_null(transport);
}

/* ---- failures ---- */

static void
a_refused_connection_is_named(void **state)
{
	struct bf_request request = { .url = "http://127.0.0.1:1/" };
	struct result result;

	(void)state;
	fixture_perform(&request, &fixture_usual, &result);
	assert_int_equal(result.response.status, 0);
	assert_non_null(strstr(result.error, "refused"));
	fixture_clear(&result);
}

static void
silence_ends_with_the_time_out(void **state)
{
	const struct bf_transport_options hasty = { .timeout = { 50 } };
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	fixture_perform(&request, &hasty, &result);
	assert_int_equal(result.response.status, 0);
	assert_string_equal(result.error,
	    "timed out after 50 ms while waiting for the answer");
	assert_in_range(result.timings.total_us, 45000, 2000000);
	fixture_clear(&result);
}

static int
refuse(void *context, const struct sockaddr *address, bool proxy,
    struct bf_error *err)
{
	unsigned *asked = context;

	(*asked)++;
	assert_int_equal(address->sa_family, AF_INET);
	assert_false(proxy);
	bf_error_set(err, "127.0.0.1 is where belfry itself listens");
	return -1;
}

static void
the_guard_has_the_last_word(void **state)
{
	unsigned asked = 0;
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	bf_transport_guard_with(transport, refuse, &asked, false);
	fixture_perform(&request, &fixture_usual, &result);
	assert_int_equal(result.response.status, 0);
	assert_string_equal(result.error,
	    "127.0.0.1 is where belfry itself listens");
	assert_int_equal(asked, 1);
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	assert_int_equal(server.connections, 0);
	fixture_clear(&result);
}

/* Lets the first pass, as long as it says so. */
static int
refuse_later(void *context, const struct sockaddr *address, bool proxy,
    struct bf_error *err)
{
	unsigned *left = context;

	assert_int_equal(address->sa_family, AF_INET);
	assert_false(proxy);
	if (*left > 0) {
		(*left)--;
		return 0;
	}
	bf_error_set(err, "not there any more");
	return -1;
}

static void
the_guard_is_asked_again_on_a_connection_that_stands(void **state)
{
	unsigned left = 3; /* connecting, and two requests */

	(void)state;
	bf_transport_guard_with(transport, refuse_later, &left, true);
	fixture_check("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
	fixture_check("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
	assert_int_equal(left, 0);
	fixture_check("HTTP/1.1 204 No Content\r\n\r\n", false, 0,
	    "not there any more");
	assert_int_equal(server.connections, 1);
}

static void
a_url_of_another_kind_is_not_fetched(void **state)
{
	struct bf_request request = { .url = "file:///etc/hostname" };
	struct result result;

	(void)state;
	fixture_perform(&request, &fixture_usual, &result);
	assert_int_equal(result.response.status, 0);
	assert_int_equal(result.response.body.size, 0);
	assert_int_not_equal(result.error[0], '\0');
	fixture_clear(&result);
}

/* ---- answers ---- */

static void
a_redirect_is_an_answer_like_any_other(void **state)
{
	char answer[200];

	(void)state;
	snprintf(answer, sizeof(answer),
	    "HTTP/1.1 302 Found\r\nLocation: %s\r\n"
	    "Content-Length: 0\r\n\r\n",
	    server.url);
	fixture_check(answer, false, 302, "");
	fixture_check("HTTP/1.1 307 Temporary\r\nLocation: "
		      "file:///etc/passwd\r\n"
		      "Content-Length: 0\r\n\r\n",
	    false, 307, "");
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	assert_int_equal(server.requests, 2);
}

static void
what_is_no_answer_is_a_failure(void **state)
{
	(void)state;
	fixture_check("", true, 0, "closed the connection without an answer");
	fixture_check("garbage\r\n\r\n", true, 0, "HTTP");
	fixture_check("HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", true, 0,
	    "status 999");
	fixture_check("HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n", true, 0,
	    "status 600");
	fixture_check("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", true,
	    200, "Invalid Content-Length");
	fixture_check("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
}

/* The status line decides; that the rest is missing is told all the same. */
static void
a_broken_body_leaves_the_status(void **state)
{
	(void)state;
	fixture_check("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", true,
	    200, "ended early");
	fixture_check("HTTP/1.1 500 No\r\nTransfer-Encoding: "
		      "chunked\r\n\r\nzz\r\n",
	    true, 500, "before the answer was whole");
}

static void
a_body_too_many_does_not_spoil_the_next_answer(void **state)
{
	(void)state;
	fixture_check("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 No\r\n\r\n",
	    false, 204, "");
	fixture_check(OK_EMPTY, false, 200, "");
	fixture_check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 "
		      "500 No"
		      "\r\nContent-Length: 0\r\n\r\n",
	    false, 200, "");
	fixture_check(OK_EMPTY, false, 200, "");
}

static void
only_the_last_block_of_headers_counts(void **state)
{
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	server.answer = "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
			"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
	fixture_perform(&request, &fixture_usual, &result);
	assert_int_equal(result.response.status, 503);
	assert_null(bf_response_header(&result.response, "Retry-After"));
	fixture_clear(&result);
}

static void
an_answer_is_cut_at_its_limit(void **state)
{
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	server.answer = "HTTP/1.1 500 No\r\nContent-Length: 9999999999\r\n\r\n";
	server.flood = 4 << 20;
	fixture_perform(&request, &fixture_usual, &result);
	assert_int_equal(result.response.status, 500);
	assert_string_equal(result.error, "");
	assert_int_equal(result.response.body.size, KEPT);
	fixture_clear(&result);
	server.flood = 0;
	fixture_check(OK_EMPTY, false, 200, "");
}

static void
headers_without_end_are_a_failure(void **state)
{
	struct bf_buf answer = { 0 };

	(void)state;
	bf_buf_add_text(&answer, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 2000; i++)
		bf_buf_add_format(&answer, "X-Header-%d: some value\r\n", i);
	fixture_check(answer.data, false, 200, "headers are larger");
	bf_buf_free(&answer);
}

int
main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_request_arrives_as_it_was_composed),
		TEST(credentials_are_sent_once_and_methods_as_set),
		TEST(a_connection_is_used_again),
		TEST(a_connection_that_the_server_closed_is_replaced),
		TEST(many_requests_are_under_way_at_once),
		TEST(a_free_ends_requests_without_a_word),
		TEST(a_refused_connection_is_named),
		TEST(silence_ends_with_the_time_out),
		TEST(the_guard_has_the_last_word),
		TEST(the_guard_is_asked_again_on_a_connection_that_stands),
		TEST(a_url_of_another_kind_is_not_fetched),
		TEST(a_redirect_is_an_answer_like_any_other),
		TEST(what_is_no_answer_is_a_failure),
		TEST(a_broken_body_leaves_the_status),
		TEST(a_body_too_many_does_not_spoil_the_next_answer),
		TEST(only_the_last_block_of_headers_counts),
		TEST(an_answer_is_cut_at_its_limit),
		TEST(headers_without_end_are_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
