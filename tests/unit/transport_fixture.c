/*
 * transport_fixture.c - a server and a client for tests of the transport
 */
#include "tests/unit/transport_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

/* ---- the server ---- */

struct server server;

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

struct bf_transport *transport;
const struct bf_transport_options fixture_usual = { .timeout = { 5000 } };

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

void
fixture_start(struct bf_request *request,
    const struct bf_transport_options *options, struct result *result)
{
	if (!request->method)
		request->method = "POST";
	if (!request->url)
		request->url = server.url;
	*result = (struct result){ 0 };
	bf_transport_start(transport, request, options, on_done, result);
}

void
fixture_perform(struct bf_request *request,
    const struct bf_transport_options *options, struct result *result)
{
	fixture_start(request, options, result);
	assert_int_equal(result->ends, 0);
	while (result->ends == 0)
		event_base_loop(server.base, EVLOOP_ONCE);
	assert_int_equal(result->ends, 1);
	assert_int_equal(bf_transport_active(transport), 0);
}

void
fixture_clear(struct result *result)
{
	bf_response_free(&result->response);
	free(result->transcript);
}

void
fixture_check(const char *answer, bool close, int status, const char *error)
{
	struct bf_request request = { 0 };
	struct result result;

	server.answer = answer;
	server.close = close;
	fixture_perform(&request, &fixture_usual, &result);
	if (result.response.status != status ||
	    (*error ? !strstr(result.error, error) : result.error[0] != '\0'))
		fail_msg("%.60s: %d \"%s\"", answer, result.response.status,
		    result.error);
	fixture_clear(&result);
}

int
fixture_set_up(void **state)
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

int
fixture_tear_down(void **state)
{
	(void)state;
	bf_transport_free(&transport);
	evconnlistener_free(server.listener);
	/* The server sees its connections close, and frees them. */
	event_base_loop(server.base, EVLOOP_NONBLOCK);
	event_base_free(server.base);
	return 0;
}
