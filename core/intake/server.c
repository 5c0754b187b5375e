/*
 * server.c - listeners: connections let in, and kept out
 *
 * Beyond the limit a connection is answered 503 and closed at once, which
 * costs a descriptor for a moment only; a few are reserved for that, for the
 * store and the link. When the system has none left, accepting pauses.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/intake/intake_private.h"

#define ACCEPT_MOST 64 /* connections taken in one turn of the loop */
#define PAUSE_MS 200   /* when there are no descriptors */

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
	bf_intake_count(intake, BF_COUNT_CONNECTIONS_REFUSED, 1);
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

static void
on_accept(evutil_socket_t listening, short what, void *context)
{
	struct listener *listener = context;
	struct intake *intake = listener->intake;
	const size_t most = (size_t)intake->snapshot->api.max_connections;

	(void)what;
	for (int i = 0; i < ACCEPT_MOST; i++) {
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
		if (intake->connection_count >= most)
			refuse(intake, fd, listener->conf->tls);
		else
			bf_connection_new(intake, fd, listener->conf);
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

void
bf_server_start(struct intake *intake, const struct bf_birth *birth)
{
	const struct bf_api_settings *api = &intake->snapshot->api;

	intake->tls = birth->tls;
	intake->accept_again =
	    event_new(intake->base, -1, 0, on_accept_again, intake);
	intake->listener_count = birth->listener_count;
	intake->listeners =
	    bf_zalloc(birth->listener_count, sizeof(*intake->listeners));
	for (size_t i = 0; i < birth->listener_count; i++) {
		struct listener *listener = &intake->listeners[i];

		listener->intake = intake;
		listener->fd = birth->listeners[i];
		listener->conf = &api->listens[i];
		evutil_make_socket_nonblocking(listener->fd);
		listener->event = event_new(intake->base, listener->fd,
		    EV_READ | EV_PERSIST, on_accept, listener);
		if (!listener->event || event_add(listener->event, NULL) == -1)
			abort();
	}
}

void
bf_server_close(struct intake *intake)
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
bf_server_free(struct intake *intake)
{
	struct connection *connection;

	bf_server_close(intake);
	while ((connection = TAILQ_FIRST(&intake->connections)))
		bf_connection_close(connection);
	if (intake->accept_again)
		event_free(intake->accept_again);
	free(intake->listeners);
	SSL_CTX_free(intake->tls);
}
