#ifndef TRANSPORT_FIXTURE_H
#define TRANSPORT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/listener.h>

#include "core/transport/transport.h"

/*
 * A transport, and a server in the same process that answers each request with
 * what the test set, byte for byte, so that it can answer as no server should.
 * One of each at a time, made anew for each test.
 */

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

struct server {
	struct event_base *base;
	struct evconnlistener *listener;
	char url[64];
	const char *answer; /* NULL: none, ever */
	size_t flood;       /* bytes that follow the answer */
	bool close;         /* behind the answer */
	unsigned connections, requests;
	char request[4096]; /* the last one, head and body */
};

extern struct server server;

extern struct bf_transport *transport;

/* What became of a request. */
struct result {
	unsigned ends;
	struct bf_response response; /* copied but for error, which is text */
	struct bf_timings timings;
	char error[256];
	char *transcript;
};

extern const struct bf_transport_options fixture_usual;

/* For cmocka. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* Begins a request; POST and the server's URL are what goes without saying.
 * Takes what is in request. */
void fixture_start(struct bf_request *request,
    const struct bf_transport_options *options, struct result *result);

/* The same, and waits for its end. */
void fixture_perform(struct bf_request *request,
    const struct bf_transport_options *options, struct result *result);

void fixture_clear(struct result *result);

/* Posts to the server with the answer set; checks status and error: a part of
 * its text, "": there is none. */
void fixture_check(const char *answer, bool close, int status,
    const char *error);

#endif
