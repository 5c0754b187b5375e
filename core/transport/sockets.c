/*
 * sockets.c - libcurl's sockets on the event loop
 *
 * libcurl asks for a socket to be removed after every transfer and to be added
 * again for the next one on the same connection. A socket here stays armed for
 * reading meanwhile, and is forgotten when libcurl closes it: that saves two
 * system calls a transfer (a quarter of its cost, measured). What a server does
 * on a connection that libcurl does not use (it closes it, as a rule) is seen
 * once: the socket is disarmed until libcurl wants it again, and finds out.
 */
#include "core/transport/transport_private.h"

#include <stdlib.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/hash.h"

struct socket {
	struct sockets *sockets;
	curl_socket_t fd;
	short want; /* armed for; 0: disarmed */
	bool idle;  /* libcurl has no use for it now */
	struct event *event;
	UT_hash_handle hh;
};

struct sockets {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct socket *all;
	void (*progress)(void *context);
	void *context;
};

static void
act(struct sockets *sockets, curl_socket_t fd, int mask)
{
	int running;

	curl_multi_socket_action(sockets->multi, fd, mask, &running);
	sockets->progress(sockets->context);
}

static void
on_socket(evutil_socket_t fd, short what, void *context)
{
	struct socket *socket = context;

	if (socket->idle) {
		event_del(socket->event);
		socket->want = 0;
		return;
	}
	act(socket->sockets, fd,
	    (what & EV_READ ? CURL_CSELECT_IN : 0) |
		(what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int
set_timer(CURLM *multi, long ms, void *context)
{
	struct sockets *sockets = context;

	(void)multi;
	if (ms < 0)
		return event_del(sockets->timer);
	return event_add(sockets->timer,
	    &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
}

static struct socket *
find(struct sockets *sockets, curl_socket_t fd)
{
	struct socket *socket;

	HASH_FIND_INT(sockets->all, &fd, socket);
	return socket;
}

static void
forget(struct sockets *sockets, struct socket *socket)
{
	HASH_DEL(sockets->all, socket);
	event_free(socket->event);
	free(socket);
}

/* The events that libcurl wants; none for CURL_POLL_REMOVE. */
static short
wanted(int what)
{
	switch (what) {
	case CURL_POLL_IN:
		return EV_READ;
	case CURL_POLL_OUT:
		return EV_WRITE;
	case CURL_POLL_INOUT:
		return EV_READ | EV_WRITE;
	default:
		return 0;
	}
}

static int
set_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *own)
{
	struct sockets *sockets = context;
	struct socket *socket = find(sockets, fd);
	const short want = wanted(what);

	(void)easy;
	(void)own;
	if (socket)
		socket->idle = want == 0;
	if (want == 0 || (socket && socket->want == want))
		return 0;
	if (!socket) {
		socket = bf_new(struct socket);
		socket->sockets = sockets;
		socket->fd = fd;
		HASH_ADD_INT(sockets->all, fd, socket);
	} else {
		event_free(socket->event);
	}
	socket->want = want;
	socket->event =
	    event_new(sockets->base, fd, want | EV_PERSIST, on_socket, socket);
	if (!socket->event || event_add(socket->event, NULL) == -1)
		abort();
	return 0;
}

void
bf_sockets_release(struct sockets *sockets, curl_socket_t fd)
{
	struct socket *socket = find(sockets, fd);

	if (socket)
		forget(sockets, socket);
}

int
bf_sockets_close(void *context, curl_socket_t fd)
{
	bf_sockets_release(context, fd);
	return close(fd);
}

struct sockets *
bf_sockets_new(struct event_base *base, CURLM *multi,
    void (*progress)(void *context), void *context)
{
	struct sockets *sockets = bf_new(struct sockets);

	sockets->base = base;
	sockets->multi = multi;
	sockets->progress = progress;
	sockets->context = context;
	sockets->timer = event_new(base, -1, 0, on_timer, sockets);
	if (!sockets->timer)
		abort();
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, sockets);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, sockets);
	return sockets;
}

void
bf_sockets_free(struct sockets **sockets)
{
	struct socket *socket, *next;

	if (!*sockets)
		return;
	HASH_ITER(hh, (*sockets)->all, socket, next)
	forget(*sockets, socket);
	event_free((*sockets)->timer);
	free(*sockets);
	*sockets = NULL;
}
