/*
 * server.c - listeners: connections let in, and kept out
 *
 * Beyond the limit one that is idle, or slow to say what it wants, makes room,
 * or else the new one is answered 503 and closed at once, which costs a
 * descriptor for a moment only. The limit leaves descriptors for that, for the
 * store and the link, and Unix sockets have some of their own, so that an
 * operator gets in when the world has filled the rest. When the system has none
 * left, accepting pauses.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/memory.h>
#include <event2/buffer.h>

#include "core/base/log.h"
#include "core/intake/intake_private.h"

#define ACCEPT_MOST 64    /* connections taken in one turn of the loop */
#define PAUSE_MS 200      /* when there are no descriptors */
#define RESERVED 64       /* descriptors for all but connections over TCP */
#define LOCAL_MORE 16     /* connections over Unix sockets beyond the limit */
#define OWN_MS 1000       /* before that no connection makes room */
#define LOOKED_AT_MOST 64 /* connections, for one that makes room */

static const char busy[] =
    "HTTP/1.1 503 Service Unavailable\r\nServer: belfry\r\n"
    "Content-Type: application/problem+json\r\nContent-Length: 118\r\n"
    "Retry-After: 5\r\nConnection: close\r\n\r\n"
    "{\"type\":\"urn:belfry:problem:busy\",\"title\":\"Service Unavailable\","
    "\"status\":503,\"detail\":\"too many connections are open\"}";

/* Says no without making a connection of it. */
static void
refuse(struct intake *intake, int fd, bool tls)
{
	char sink[4096];

	bf_intake_count(intake, BF_COUNT_CONNECTIONS_REFUSED, 1);
	/* Bytes left unread would make of the close a reset, which takes the
	 * answer along. */
	for (int i = 0; i < 8; i++) {
		if (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) <= 0)
			break;
	}
	if (!tls)
		(void)send(fd, busy, sizeof(busy) - 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void
pause_accepting(struct intake *intake, const char *why)
{
	bf_log(BF_LOG_ERROR, "accept: %s; waiting a moment", why);
	for (size_t i = 0; i < intake->listener_count; i++)
		event_del(intake->listeners[i].event);
	event_add(intake->accept_again,
	    &(struct timeval){ 0, PAUSE_MS * 1000 });
}

/* Whether nothing has been asked on it since the last answer. */
static bool
is_idle(const struct connection *connection)
{
	return !connection->begun && !connection->answering &&
	       !connection->lingering &&
	       evbuffer_get_length(bufferevent_get_output(connection->bev)) ==
		   0;
}

/* Whether it waits for a request, or for more of one that has not shown by a
 * token that it is to be waited for. */
static bool
can_make_room(const struct connection *connection)
{
	return is_idle(connection) || bf_connection_is_unproven(connection);
}

/* Closes one that has had its time, so that another can be taken; false if
 * there is none. */
static bool
make_room(struct intake *intake)
{
	const int64_t now = bf_clock_monotonic_ms();
	struct connection *connection;
	int looked_at = 0;

	TAILQ_FOREACH(connection, &intake->connections, entry)
	{
		if (now - connection->since < OWN_MS ||
		    ++looked_at > LOOKED_AT_MOST)
			return false;
		if (can_make_room(connection)) {
			bf_connection_close(connection);
			return true;
		}
	}
	return false;
}

/* Whether one more may come in by a listener. */
static bool
has_room(struct intake *intake, const struct listener *listener)
{
	const bool local = strncmp(listener->conf->address, "unix:", 5) == 0;
	const size_t most = intake->connections_most + (local ? LOCAL_MORE : 0);

	return intake->connection_count < most || make_room(intake);
}

static void
on_accept(evutil_socket_t listening, short what, void *context)
{
	struct listener *listener = context;
	struct intake *intake = listener->intake;
	/* A handshake costs more than any request: others are served between
	 * two of them. */
	const int most = listener->conf->tls ? 1 : ACCEPT_MOST;

	(void)what;
	for (int i = 0; i < most; i++) {
		int fd = accept4(listening, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1 && (errno == EMFILE || errno == ENFILE ||
				    errno == ENOBUFS || errno == ENOMEM)) {
			pause_accepting(intake, strerror(errno));
			return;
		}
		if (fd == -1 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd == -1)
			return;
		bf_intake_count(intake, BF_COUNT_CONNECTIONS, 1);
		if (has_room(intake, listener))
			bf_connection_new(intake, fd, listener->conf);
		else
			refuse(intake, fd, listener->conf->tls);
	}
}

static void
on_accept_again(evutil_socket_t fd, short what, void *context)
{
	struct intake *intake = context;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < intake->listener_count; i++)
		event_add(intake->listeners[i].event, NULL);
}

/* As many connections as the conf file says, or as descriptors allow. */
static size_t
count_room(const struct bf_api_settings *api)
{
	const size_t wanted = (size_t)api->max_connections;
	const size_t others = RESERVED + LOCAL_MORE;
	struct rlimit files;
	size_t room;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    files.rlim_cur == RLIM_INFINITY ||
	    files.rlim_cur >= wanted + others)
		return wanted;
	room = files.rlim_cur > 2 * others ? files.rlim_cur - others
					   : files.rlim_cur / 2;
	bf_log(BF_LOG_WARN,
	    "max_connections %zu: the limit of %llu open files has room for "
	    "%zu",
	    wanted, (unsigned long long)files.rlim_cur, room);
	return room < wanted ? room : wanted;
}

void
bf_server_start(struct intake *intake)
{
	const struct bf_api_settings *api = &intake->snapshot->api;

	intake->connections_most = count_room(api);
	intake->accept_again =
	    event_new(intake->base, -1, 0, on_accept_again, intake);
	intake->listener_count = intake->socket_count;
	intake->listeners =
	    bf_zalloc(intake->listener_count, sizeof(*intake->listeners));
	for (size_t i = 0; i < intake->listener_count; i++) {
		struct listener *listener = &intake->listeners[i];

		listener->intake = intake;
		listener->fd = intake->sockets[i];
		listener->conf = &api->listens[i];
		evutil_make_socket_nonblocking(listener->fd);
		listener->event = event_new(intake->base, listener->fd,
		    EV_READ | EV_PERSIST, on_accept, listener);
		if (!listener->event || event_add(listener->event, NULL) == -1)
			abort();
	}
}

/* Takes no more connections. */
static void
close_listeners(struct intake *intake)
{
	for (size_t i = 0; i < intake->listener_count; i++) {
		event_free(intake->listeners[i].event);
		close(intake->listeners[i].fd);
	}
	intake->listener_count = 0;
	if (intake->accept_again)
		event_del(intake->accept_again);
}

void
bf_server_drain(struct intake *intake, bool idle)
{
	struct connection *connection, *next;

	close_listeners(intake);
	for (connection = TAILQ_FIRST(&intake->connections); connection;
	     connection = next) {
		next = TAILQ_NEXT(connection, entry);
		if (connection->streaming || (idle && is_idle(connection)))
			bf_connection_close(connection);
	}
}

void
bf_server_free(struct intake *intake)
{
	struct connection *connection;

	close_listeners(intake);
	while ((connection = TAILQ_FIRST(&intake->connections)))
		bf_connection_close(connection);
	if (intake->accept_again)
		event_free(intake->accept_again);
	free(intake->listeners);
	SSL_CTX_free(intake->tls);
}
