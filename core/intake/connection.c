/*
 * connection.c - one connection's life: requests in, answers out, in order
 *
 * One request is dealt with at a time; what a peer sends meanwhile waits in
 * the kernel, but for its first bytes: a socket is watched on, and only those
 * end that, since to end it and begin anew would cost each request two system
 * calls. An answer is written at once, and the bufferevent has what the socket
 * doesn't take: that saves two more. Every state has a deadline counted from
 * its beginning, so that a peer who sends a byte a second gains nothing by it.
 * The timer is set once and looks at the deadline when it fires: moving the
 * deadline is an assignment.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <belfry/memory.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>

#include "core/intake/intake_private.h"

#define LINGER_MS 1000           /* for the peer to read a last answer */
#define FORGOTTEN_MOST (4 << 20) /* bytes that a refused client may send on */
#define INPUT_MOST (64 << 10)    /* bytes of input held back */
#define OUTPUT_MOST (64 << 10)   /* of answers unread: then no more are made */
#define HANDLE_MS 600000         /* for a request to be dealt with */
#define BEAT_MS 15000            /* between signs of life in a stream */

static void
set_deadline(struct connection *connection, int64_t ms)
{
	const int64_t now = bf_clock_monotonic_ms();
	const int64_t before = connection->deadline;

	connection->deadline = now + ms;
	/* A timer that fired, or would fire too late, is set anew. */
	if (!event_pending(connection->timer, EV_TIMEOUT, NULL) ||
	    connection->deadline < before)
		event_add(connection->timer,
		    &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
}

void
bf_connection_close(struct connection *connection)
{
	struct intake *intake = connection->intake;

	bf_post_forget(connection);
	bf_command_forget(connection);
	bf_read_forget(connection);
	bf_stream_stop(connection);
	bf_rest_end(connection);
	TAILQ_REMOVE(&intake->connections, connection, entry);
	intake->connection_count--;
	bf_intake_count(intake, BF_COUNT_CONNECTIONS_OPEN, -1);
	event_free(connection->timer);
	bufferevent_free(connection->bev);
	bf_http_free(&connection->http);
	free(connection->parameter);
	free(connection);
	bf_intake_leave_if_done(intake);
}

static size_t
unread(const struct connection *connection)
{
	return evbuffer_get_length(bufferevent_get_input(connection->bev));
}

static size_t
unwritten(const struct connection *connection)
{
	return evbuffer_get_length(bufferevent_get_output(connection->bev));
}

/* Closes for writing and lets the peer read its answer: a close with unread
 * input would reset the connection and take the answer with it. */
static void
linger(struct connection *connection)
{
	SSL *ssl = bufferevent_openssl_get_ssl(connection->bev);

	connection->lingering = true;
	/* The end that TLS has of its own: RFC 8446, section 6.1. */
	if (ssl)
		SSL_shutdown(ssl);
	shutdown(bufferevent_getfd(connection->bev), SHUT_WR);
	set_deadline(connection, LINGER_MS);
	bufferevent_enable(connection->bev, EV_READ);
}

/* The deadline has come. */
static void
expire(struct connection *connection)
{
	if (connection->streaming) {
		if (!bf_auth_goes_on(connection)) {
			bf_connection_close(connection);
			return;
		}
		bf_stream_beat(connection);
		set_deadline(connection, BEAT_MS);
		return;
	}
	/* A request that did not come in time is answered; one that is being
	 * dealt with, or an answer that is not read, is not waited for. */
	if (connection->lingering || connection->answering ||
	    unwritten(connection) > 0 || !connection->begun) {
		bf_connection_close(connection);
		return;
	}
	connection->keep_alive = false;
	connection->answering = true;
	bf_reply_problem(connection, 408, "timeout", NULL, NULL,
	    "the request did not come in time");
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct connection *connection = context;
	const int64_t left = connection->deadline - bf_clock_monotonic_ms();

	(void)fd;
	(void)what;
	if (left > 0)
		event_add(connection->timer,
		    &(struct timeval){ left / 1000, left % 1000 * 1000 });
	else
		expire(connection);
}

/* Reads on; what came meanwhile is looked at in a turn of its own. */
static void
go_on(struct connection *connection)
{
	if (!connection->ended)
		bufferevent_enable(connection->bev, EV_READ);
	if (unread(connection) > 0 || connection->ended)
		bufferevent_trigger(connection->bev, EV_READ,
		    BEV_TRIG_IGNORE_WATERMARKS | BEV_OPT_DEFER_CALLBACKS);
}

/* Whoever asks, or was just answered, is the last to make room. */
static void
count_from_now(struct connection *connection)
{
	struct intake *intake = connection->intake;

	connection->since = bf_clock_monotonic_ms();
	TAILQ_REMOVE(&intake->connections, connection, entry);
	TAILQ_INSERT_TAIL(&intake->connections, connection, entry);
}

/* Writes what the socket takes; the rest, or all after what is not out yet, is
 * left to the bufferevent. So is an error, which it will meet as well. */
static void
write_answer(struct connection *connection, const struct bf_buf *answer)
{
	ssize_t written = -1;

	if (!connection->tls && unwritten(connection) == 0)
		written = send(bufferevent_getfd(connection->bev), answer->data,
		    answer->size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (written < 0)
		written = 0;
	if ((size_t)written < answer->size)
		bufferevent_write(connection->bev, answer->data + written,
		    answer->size - (size_t)written);
}

void
bf_connection_answer(struct connection *connection, const struct bf_buf *answer)
{
	struct intake *intake = connection->intake;

	write_answer(connection, answer);
	connection->answering = false;
	connection->begun = false;
	free(connection->parameter);
	connection->parameter = NULL;
	connection->route = NULL;
	bf_http_reset(connection->http);
	set_deadline(connection, intake->snapshot->api.keepalive_timeout.ms);
	count_from_now(connection);
	if (connection->keep_alive)
		go_on(connection);
	else if (unwritten(connection) == 0)
		linger(connection);
}

bool
bf_connection_is_unproven(const struct connection *connection)
{
	return connection->begun && !connection->answering &&
	       (!connection->route || connection->route->open);
}

bool
bf_connection_asks_head(const struct connection *connection)
{
	return bf_http_asks_head(connection->http);
}

/* An error about the request itself: nothing after it can be understood. */
static void
refuse(struct connection *connection)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);

	connection->keep_alive = false;
	connection->answering = true;
	bf_reply_problem(connection, request->status, "bad-request", NULL, NULL,
	    "%s", request->error.text);
}

/* Whether the content type is the route's own, or NDJSON where that may be. */
static bool
takes_content(const struct route *route, const char *content_type)
{
	const size_t length = content_type ? strcspn(content_type, "; \t") : 0;

	if (!content_type)
		return false;
	return (length == strlen("application/json") &&
		   strncasecmp(content_type, "application/json", length) ==
		       0) ||
	       (route->handle == bf_post_events &&
		   length == strlen("application/x-ndjson") &&
		   strncasecmp(content_type, "application/x-ndjson", length) ==
		       0);
}

/* Finds the route of the request; answers and returns -1 if there is none. */
static int
find_route(struct connection *connection)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);
	struct bf_buf allowed = { 0 };
	char *extra;

	connection->route = bf_route_find(request->method, request->path,
	    &connection->parameter, &allowed);
	if (!connection->route && allowed.size > 0 &&
	    bf_cors_preflight(connection, allowed.data)) {
		bf_buf_free(&allowed);
		return -1;
	}
	if (!connection->route && allowed.size == 0)
		connection->route = bf_assets_route(connection->intake,
		    request->method, request->path, &allowed);
	if (!connection->route && allowed.size > 0) {
		extra = bf_strf("Allow: %s\r\n", allowed.data);
		bf_reply_problem(connection, 405, "method-not-allowed", NULL,
		    extra, "%s is not for this resource, but %s",
		    request->method, allowed.data);
		free(extra);
	} else if (!connection->route) {
		bf_reply_problem(connection, 404, "not-found", NULL, NULL,
		    "there is nothing at this path");
	}
	bf_buf_free(&allowed);
	return connection->route ? 0 : -1;
}

/* Answers what can be answered from the head alone; 0: read on. */
static int
check_head(struct connection *connection)
{
	struct bf_http_request *request = bf_http_request(connection->http);

	connection->answering = true;
	/* Until the body is read, the next request can't be. */
	connection->keep_alive = request->keep_alive && !request->has_body;
	if (find_route(connection) == -1)
		return -1;
	if (!connection->route->open && bf_auth(connection) == -1)
		return -1;
	if (request->expect && !request->expects_continue) {
		bf_reply_problem(connection, 417, "expectation", NULL, NULL,
		    "the only expectation that is met is 100-continue");
		return -1;
	}
	if (request->content_encoding) {
		bf_reply_problem(connection, 415, "encoded", NULL, NULL,
		    "the body must not be compressed");
		return -1;
	}
	if (request->has_body && connection->route->body &&
	    !takes_content(connection->route, request->content_type)) {
		bf_reply_problem(connection, 415, "content-type", NULL, NULL,
		    "expected Content-Type %s", connection->route->body);
		return -1;
	}
	connection->answering = false;
	connection->keep_alive = request->keep_alive;
	if (request->has_body && request->expects_continue)
		evbuffer_add_printf(bufferevent_get_output(connection->bev),
		    "HTTP/1.1 100 Continue\r\n\r\n");
	return 0;
}

/* Hands a whole request to its route. */
static void
dispatch(struct connection *connection)
{
	connection->answering = true;
	/* The end of a TLS session is that of both ways, and is not looked for
	 * before the answer is out. */
	if (connection->tls)
		bufferevent_disable(connection->bev, EV_READ);
	set_deadline(connection, HANDLE_MS);
	if (!bf_check_query(connection))
		return;
	if (connection->route->handle)
		connection->route->handle(connection);
	else
		bf_command_request(connection);
	if (connection->streaming)
		set_deadline(connection, BEAT_MS);
}

/* Feeds the request with what came. Returns whether to go on. */
static bool
feed(struct connection *connection)
{
	struct evbuffer *in = bufferevent_get_input(connection->bev);
	const size_t size = evbuffer_get_contiguous_space(in);
	const bool fresh = !bf_http_request(connection->http)->target;
	enum bf_http_state state;
	size_t used;

	state = bf_http_read(connection->http,
	    size > 0 ? (char *)evbuffer_pullup(in, (ev_ssize_t)size) : "", size,
	    &used);
	evbuffer_drain(in, used);
	if (state == BF_HTTP_ERROR) {
		refuse(connection);
		return false;
	}
	if (state == BF_HTTP_BODY && fresh)
		return check_head(connection) == 0;
	if (state == BF_HTTP_DONE) {
		dispatch(connection);
		return false;
	}
	return evbuffer_get_length(in) > 0;
}

/* The peer has begun a request: from now on it has its time. */
static void
begin_request(struct connection *connection)
{
	connection->keep_alive = true;
	count_from_now(connection);
	set_deadline(connection,
	    connection->intake->snapshot->api.request_timeout.ms);
}

/* Whether its last answer is on its way: what still comes is not for us. */
static bool
is_closing(const struct connection *connection)
{
	return connection->lingering ||
	       (!connection->keep_alive && !connection->begun &&
		   !connection->answering);
}

/* Whether the peer has sent all it will, and has all that it gets. */
static bool
is_over(const struct connection *connection)
{
	return connection->ended && !connection->answering &&
	       unread(connection) == 0 && unwritten(connection) == 0;
}

static void
process(struct connection *connection)
{
	/* Who does not read its answers is not given more of them. */
	if (unwritten(connection) > OUTPUT_MOST) {
		bufferevent_disable(connection->bev, EV_READ);
		return;
	}
	if (!connection->begun) {
		connection->begun = true;
		begin_request(connection);
	}
	while (feed(connection))
		continue;
	if (is_over(connection))
		bf_connection_close(connection);
	else if (bf_connection_is_unproven(connection))
		bf_rest_after_piece(connection);
}

/* Who closes while more comes, resets, and the peer may lose the answer: so
 * what was on its way is read, and forgotten. A body without end is not: the
 * peer is left to wait until the deadline. */
static void
forget_input(struct connection *connection, struct evbuffer *in)
{
	connection->forgotten += evbuffer_get_length(in);
	evbuffer_drain(in, evbuffer_get_length(in));
	if (connection->forgotten > FORGOTTEN_MOST)
		bufferevent_disable(connection->bev, EV_READ);
}

static void
on_read(struct bufferevent *bev, void *context)
{
	struct connection *connection = context;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (is_over(connection))
		bf_connection_close(connection);
	else if (is_closing(connection) || connection->streaming)
		forget_input(connection, in);
	else if (connection->answering)
		bufferevent_disable(bev, EV_READ);
	else if (evbuffer_get_length(in) > 0)
		process(connection);
}

/* The output is out. */
static void
on_written(struct bufferevent *bev, void *context)
{
	struct connection *connection = context;

	(void)bev;
	if (is_over(connection))
		bf_connection_close(connection);
	else if (connection->answering || connection->streaming ||
		 connection->lingering)
		return;
	else if (is_closing(connection))
		linger(connection);
	else
		go_on(connection);
}

static void
on_event(struct bufferevent *bev, short what, void *context)
{
	struct connection *connection = context;

	if (what & BEV_EVENT_CONNECTED)
		return;
	/* A peer that has said all it will may still wait for its answers. In
	 * TLS the end is that of both ways. */
	if (what & BEV_EVENT_EOF && !connection->lingering &&
	    !bufferevent_openssl_get_ssl(bev)) {
		connection->ended = true;
		bufferevent_disable(bev, EV_READ);
		if (!is_over(connection))
			return;
	}
	bf_connection_close(connection);
}

static struct bufferevent *
make_bufferevent(struct intake *intake, int fd, const struct bf_listen *listen)
{
	const int options = BEV_OPT_CLOSE_ON_FREE;

	if (!listen->tls)
		return bufferevent_socket_new(intake->base, fd, options);
	return bufferevent_openssl_socket_new(intake->base, fd,
	    SSL_new(intake->tls), BUFFEREVENT_SSL_ACCEPTING, options);
}

void
bf_connection_new(struct intake *intake, int fd, const struct bf_listen *listen)
{
	struct connection *connection = bf_new(struct connection);
	const int on = 1;

	connection->intake = intake;
	connection->keep_alive = true;
	connection->tls = listen->tls;
	connection->local = strncmp(listen->address, "unix:", 5) == 0;
	bf_auth_peer(connection, fd);
	if (!connection->local) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	connection->http = bf_http_new(&intake->limits);
	connection->bev = make_bufferevent(intake, fd, listen);
	connection->timer =
	    event_new(intake->base, -1, 0, on_timer, connection);
	if (!connection->bev || !connection->timer)
		abort();
	bufferevent_setcb(connection->bev, on_read, on_written, on_event,
	    connection);
	bufferevent_setwatermark(connection->bev, EV_READ, 0, INPUT_MOST);
	connection->since = bf_clock_monotonic_ms();
	TAILQ_INSERT_TAIL(&intake->connections, connection, entry);
	intake->connection_count++;
	bf_intake_count(intake, BF_COUNT_CONNECTIONS_OPEN, 1);
	/* A silent peer, or a handshake, has the time of a request. */
	set_deadline(connection, intake->snapshot->api.request_timeout.ms);
	bufferevent_enable(connection->bev, EV_READ | EV_WRITE);
}
