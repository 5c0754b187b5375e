/*
 * stream.c - deliveries as they happen, as server-sent events
 *
 * Source: WHATWG HTML, section 9.2. A client that does not read is dropped when
 * a bounded amount waits for it; it can list what it missed.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "core/intake/intake_private.h"

#define WAITING_MOST (256 << 10) /* bytes that a client has not read */
#define STREAMS_MOST 128         /* of one intake: 32 MiB at most wait */
#define STREAMS_OF_TENANT 32     /* so that none takes them all */

static void
watch(struct intake *intake, bool on)
{
	if (intake->link)
		bf_link_send(intake->link,
		    &(struct bf_message){ .kind = BF_MSG_WATCH,
			.watch = { on } });
}

/* Whether there is room for one more; answers if not. */
static bool
is_room(struct connection *connection)
{
	const struct connection *other;
	size_t all = 0, own = 0;

	TAILQ_FOREACH(other, &connection->intake->streams, stream)
	{
		all++;
		own += strcmp(other->caller.tenant,
			   connection->caller.tenant) == 0;
	}
	if (own >= STREAMS_OF_TENANT)
		bf_reply_problem(connection, 429, "limit", NULL,
		    "Retry-After: 5\r\n", "the tenant has %d streams open",
		    STREAMS_OF_TENANT);
	else if (all >= STREAMS_MOST)
		bf_reply_problem(connection, 503, "busy", NULL,
		    "Retry-After: 5\r\n", "%d streams are open", STREAMS_MOST);
	else
		return true;
	return false;
}

void
bf_stream_start(struct connection *connection)
{
	struct intake *intake = connection->intake;
	struct bf_buf out = { 0 };

	if (bf_connection_asks_head(connection)) {
		connection->keep_alive = false;
		bf_reply_text(connection, 200, "text/event-stream", "");
		return;
	}
	if (!is_room(connection))
		return;
	bf_intake_count(intake, BF_COUNT_REQUESTS, 1);
	if (TAILQ_EMPTY(&intake->streams))
		watch(intake, true);
	connection->streaming = true;
	connection->answering = false;
	TAILQ_INSERT_TAIL(&intake->streams, connection, stream);
	bf_buf_add_text(&out,
	    "HTTP/1.1 200 OK\r\nServer: belfry\r\n"
	    "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\nConnection: close\r\n");
	bf_cors_headers(connection, &out);
	bf_buf_add_text(&out, "\r\n: deliveries as they change\n\n");
	bufferevent_write(connection->bev, out.data, out.size);
	bf_buf_free(&out);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}

void
bf_stream_notice(struct intake *intake, struct bf_msg_notice *notice)
{
	struct connection *connection, *next;

	for (connection = TAILQ_FIRST(&intake->streams); connection;
	     connection = next) {
		struct evbuffer *out = bufferevent_get_output(connection->bev);

		next = TAILQ_NEXT(connection, stream);
		if (!connection->caller.any_tenant &&
		    strcmp(connection->caller.tenant, notice->tenant) != 0)
			continue;
		if (evbuffer_get_length(out) > WAITING_MOST)
			bf_connection_close(connection);
		else
			evbuffer_add_printf(out, "data: %s\n\n", notice->body);
	}
}

void
bf_stream_review(struct intake *intake)
{
	struct connection *connection, *next;

	for (connection = TAILQ_FIRST(&intake->streams); connection;
	     connection = next) {
		next = TAILQ_NEXT(connection, stream);
		if (!bf_auth_goes_on(connection))
			bf_connection_close(connection);
	}
}

void
bf_stream_beat(struct connection *connection)
{
	evbuffer_add_printf(bufferevent_get_output(connection->bev), ":\n\n");
}

void
bf_stream_stop(struct connection *connection)
{
	if (!connection->streaming)
		return;
	TAILQ_REMOVE(&connection->intake->streams, connection, stream);
	connection->streaming = false;
	if (TAILQ_EMPTY(&connection->intake->streams))
		watch(connection->intake, false);
}
