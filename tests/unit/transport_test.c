/*
 * transport_test.c - requests to a server in the same process
 *
 * The server answers each request with what the test set, byte for byte, so
 * that it can answer as no server should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/transport/transport.h"

#define KEPT (64 << 10) /* bytes of an answer that are kept */
#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* ---- the server ---- */

static struct server {
	struct event_base *base;
	struct evconnlistener *listener;
	char url[64];
	const char *answer; /* NULL: none, ever */
	size_t flood;       /* bytes that follow the answer */
	bool close;         /* behind the answer */
	unsigned connections, requests;
	char request[4096]; /* the last one, head and body */
} server;

static void
close_when_written(struct bufferevent *bev, void *context)
{
	(void)context;
	bufferevent_free(bev);
}

static void
on_end(struct bufferevent *bev, short what, void *context)
{
	(void)what;
	(void)context;
	bufferevent_free(bev);
}

static void
on_request(struct bufferevent *bev, void *context)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	const size_t size = evbuffer_get_length(in);
	const char *text = (char *)evbuffer_pullup(in, -1);
	const char *body = memmem(text, size, "\r\n\r\n", 4);
	const char *length = memmem(text, size, "Content-Length: ", 16);
	size_t whole;

	(void)context;
	if (!body || !length)
		return;
	whole = (size_t)(body + 4 - text) + (size_t)atoi(length + 16);
	if (size < whole)
		return;
	assert_in_range(whole, 1, sizeof(server.request) - 1);
	memcpy(server.request, text, whole);
	server.request[whole] = '\0';
	evbuffer_drain(in, whole);
	server.requests++;
	if (!server.answer)
		return;
	bufferevent_write(bev, server.answer, strlen(server.answer));
	if (server.flood > 0) {
		char *bytes = bf_zalloc(server.flood, 1);

		memset(bytes, 'x', server.flood);
		bufferevent_write(bev, bytes, server.flood);
		free(bytes);
	}
	if (server.close && !*server.answer)
		bufferevent_free(bev);
	else if (server.close)
		bufferevent_setcb(bev, NULL, close_when_written, on_end, NULL);
}

static void
on_connection(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int size, void *context)
{
	struct bufferevent *bev =
	    bufferevent_socket_new(server.base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)listener;
	(void)address;
	(void)size;
	(void)context;
	server.connections++;
	bufferevent_setcb(bev, on_request, NULL, on_end, NULL);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/* ---- the client ---- */

static struct bf_transport *transport;

/* What became of a request. */
struct result {
	unsigned ends;
	struct bf_response response; /* copied but for error, which is text */
	struct bf_timings timings;
	char error[256];
	char *transcript;
};

static void
on_done(void *context, const struct bf_response *response,
    const struct bf_timings *timings, const char *transcript)
{
	struct result *result = context;

	result->ends++;
	result->response.status = response->status;
	for (size_t i = 0; i < response->headers.count; i++)
		bf_strings_add(&result->response.headers,
		    response->headers.items[i]);
	bf_buf_add(&result->response.body, response->body.data,
	    response->body.size);
	snprintf(result->error, sizeof(result->error), "%s",
	    response->error ? response->error : "");
	result->timings = *timings;
	result->transcript = bf_strdup(transcript);
}

static const struct bf_transport_options usual = { .timeout = { 5000 } };

static void
start(struct bf_request *request, const struct bf_transport_options *options,
    struct result *result)
{
	if (!request->method)
		request->method = "POST";
	if (!request->url)
		request->url = server.url;
	*result = (struct result){ 0 };
	bf_transport_start(transport, request, options, on_done, result);
}

/* Makes a request and waits for its end. */
static void
perform(struct bf_request *request, const struct bf_transport_options *options,
    struct result *result)
{
	start(request, options, result);
	assert_int_equal(result->ends, 0);
	while (result->ends == 0)
		event_base_loop(server.base, EVLOOP_ONCE);
	assert_int_equal(result->ends, 1);
	assert_int_equal(bf_transport_active(transport), 0);
}

static void
clear_result(struct result *result)
{
	bf_response_free(&result->response);
	free(result->transcript);
}

/* Posts to the server with the answer set; checks status and error. */
static void
check(const char *answer, bool close, int status, const char *error)
{
	struct bf_request request = { 0 };
	struct result result;

	server.answer = answer;
	server.close = close;
	perform(&request, &usual, &result);
	if (result.response.status != status ||
	    (*error ? !strstr(result.error, error) : result.error[0] != '\0'))
		fail_msg("%.60s: %d \"%s\"", answer, result.response.status,
		    result.error);
	clear_result(&result);
}

static int
set_up(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	struct bf_error err;

	(void)state;
	/* A proxy in the environment must not be used. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	server = (struct server){ .base = event_base_new() };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.listener = evconnlistener_new_bind(server.base, on_connection,
	    NULL, LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr *)&address,
	    sizeof(address));
	assert_non_null(server.listener);
	getsockname(evconnlistener_get_fd(server.listener),
	    (struct sockaddr *)&address, &size);
	snprintf(server.url, sizeof(server.url), "http://127.0.0.1:%d/in?x=y",
	    ntohs(address.sin_port));
	transport = bf_transport_new(server.base, 16, &err);
	assert_non_null(transport);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	bf_transport_free(&transport);
	evconnlistener_free(server.listener);
	/* The server sees its connections close, and frees them. */
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	event_base_free(server.base);
	return 0;
}

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
	perform(&request, &usual, &result);
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
	clear_result(&result);
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
	perform(&request, &usual, &result);
	assert_int_equal(result.response.status, 401);
	assert_int_equal(server.requests, 1);
	assert_memory_equal(server.request, "PUT ", 4);
	assert_non_null(strstr(server.request,
	    "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n"));
	clear_result(&result);

	/* Nothing of it is left for the next request. */
	check(OK_EMPTY, false, 200, "");
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
	check(OK_EMPTY, false, 200, "");
	perform(&request, &usual, &result);
	assert_int_equal(server.requests, 2);
	assert_int_equal(server.connections, 1);
	assert_int_equal(result.timings.connect_us, -1);
	clear_result(&result);
	request = (struct bf_request){ 0 };
	perform(&request,
	    &(struct bf_transport_options){ .timeout = { 5000 },
		.fresh = true },
	    &result);
	assert_int_equal(server.connections, 2);
	clear_result(&result);
}

static void
a_connection_that_the_server_closed_is_replaced(void **state)
{
	(void)state;
	check(OK_EMPTY, true, 200, "");
	check(OK_EMPTY, true, 200, "");
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

		start(&request, &usual, &results[i]);
	}
	assert_int_equal(bf_transport_active(transport), 20);
	while (bf_transport_active(transport) > 0)
		event_base_loop(server.base, EVLOOP_ONCE);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(results[i].ends, 1);
		assert_int_equal(results[i].response.status, 200);
		clear_result(&results[i]);
	}
}

static void
a_free_ends_requests_without_a_word(void **state)
{
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	start(&request, &usual, &result);
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
	perform(&request, &usual, &result);
	assert_int_equal(result.response.status, 0);
	assert_non_null(strstr(result.error, "refused"));
	clear_result(&result);
}

static void
silence_ends_with_the_time_out(void **state)
{
	const struct bf_transport_options hasty = { .timeout = { 50 } };
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	perform(&request, &hasty, &result);
	assert_int_equal(result.response.status, 0);
	assert_string_equal(result.error,
	    "timed out after 50 ms while waiting for the answer");
	assert_in_range(result.timings.total_us, 45000, 2000000);
	clear_result(&result);
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
	perform(&request, &usual, &result);
	assert_int_equal(result.response.status, 0);
	assert_string_equal(result.error,
	    "127.0.0.1 is where belfry itself listens");
	assert_int_equal(asked, 1);
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	assert_int_equal(server.connections, 0);
	clear_result(&result);
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
	check("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
	check("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
	assert_int_equal(left, 0);
	check("HTTP/1.1 204 No Content\r\n\r\n", false, 0,
	    "not there any more");
	assert_int_equal(server.connections, 1);
}

static void
a_url_of_another_kind_is_not_fetched(void **state)
{
	struct bf_request request = { .url = "file:///etc/hostname" };
	struct result result;

	(void)state;
	perform(&request, &usual, &result);
	assert_int_equal(result.response.status, 0);
	assert_int_equal(result.response.body.size, 0);
	assert_int_not_equal(result.error[0], '\0');
	clear_result(&result);
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
	check(answer, false, 302, "");
	check("HTTP/1.1 307 Temporary\r\nLocation: file:///etc/passwd\r\n"
	      "Content-Length: 0\r\n\r\n",
	    false, 307, "");
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	assert_int_equal(server.requests, 2);
}

static void
what_is_no_answer_is_a_failure(void **state)
{
	(void)state;
	check("", true, 0, "closed the connection without an answer");
	check("garbage\r\n\r\n", true, 0, "HTTP");
	check("HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", true, 0,
	    "status 999");
	check("HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n", true, 0,
	    "status 600");
	check("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", true, 200,
	    "Invalid Content-Length");
	check("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
}

/* The status line decides; that the rest is missing is told all the same. */
static void
a_broken_body_leaves_the_status(void **state)
{
	(void)state;
	check("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", true, 200,
	    "ended early");
	check("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	    true, 500, "before the answer was whole");
}

static void
a_body_too_many_does_not_spoil_the_next_answer(void **state)
{
	(void)state;
	check("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 No\r\n\r\n", false,
	    204, "");
	check(OK_EMPTY, false, 200, "");
	check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No"
	      "\r\nContent-Length: 0\r\n\r\n",
	    false, 200, "");
	check(OK_EMPTY, false, 200, "");
}

static void
only_the_last_block_of_headers_counts(void **state)
{
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	server.answer = "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
			"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
	perform(&request, &usual, &result);
	assert_int_equal(result.response.status, 503);
	assert_null(bf_response_header(&result.response, "Retry-After"));
	clear_result(&result);
}

static void
an_answer_is_cut_at_its_limit(void **state)
{
	struct bf_request request = { 0 };
	struct result result;

	(void)state;
	server.answer = "HTTP/1.1 500 No\r\nContent-Length: 9999999999\r\n\r\n";
	server.flood = 4 << 20;
	perform(&request, &usual, &result);
	assert_int_equal(result.response.status, 500);
	assert_string_equal(result.error, "");
	assert_int_equal(result.response.body.size, KEPT);
	clear_result(&result);
	server.flood = 0;
	check(OK_EMPTY, false, 200, "");
}

static void
headers_without_end_are_a_failure(void **state)
{
	struct bf_buf answer = { 0 };

	(void)state;
	bf_buf_add_text(&answer, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 2000; i++)
		bf_buf_add_format(&answer, "X-Header-%d: some value\r\n", i);
	check(answer.data, false, 200, "headers are larger");
	bf_buf_free(&answer);
}

/* ---- transcripts ---- */

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
	perform(&request, &test, &result);
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
	clear_result(&result);
}

/* A test of a request that gets the answer: what its transcript says. */
static void
check_transcript(const char *answer, const char *const *has)
{
	struct bf_request request = { 0 };
	struct result result;

	server.answer = answer;
	perform(&request,
	    &(struct bf_transport_options){ .timeout = { 5000 },
		.transcript = true,
		.fresh = true },
	    &result);
	for (; *has; has++) {
		if (!strstr(result.transcript, *has))
			fail_msg("no %s in %s", *has, result.transcript);
	}
	clear_result(&result);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
		TEST(a_transcript_shows_no_secret),
		TEST(a_transcript_goes_step_by_step_and_ends_in_a_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
