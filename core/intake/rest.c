/*
 * rest.c - requests that come in pieces, from whoever has shown no token
 *
 * Each piece wakes the intake up, and a thousand that come at once keep the
 * others waiting for as long as it takes to read them. So only some are read in
 * a while; the connections of the others rest until it is their turn, and what
 * comes meanwhile waits in the kernel, to be read as one piece. A head that
 * comes in one or two never rests unless there is a flood.
 */
#include <stdlib.h>

#include "core/intake/intake_private.h"

#define PIECES_MOST 16 /* read in a while */
#define WHILE_MS 5     /* 3,200 a second in all, some 3 % of a processor */

static void
wake_later(struct intake *intake)
{
	event_add(intake->rest_timer, &(struct timeval){ 0, WHILE_MS * 1000 });
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct intake *intake = context;
	struct connection *connection;

	(void)fd;
	(void)what;
	for (int i = 0; i < PIECES_MOST; i++) {
		connection = TAILQ_FIRST(&intake->resting);
		if (!connection)
			return;
		bf_rest_end(connection);
		if (!connection->answering && !connection->ended)
			bufferevent_enable(connection->bev, EV_READ);
	}
	if (!TAILQ_EMPTY(&intake->resting))
		wake_later(intake);
}

void
bf_rest_init(struct intake *intake)
{
	TAILQ_INIT(&intake->resting);
	intake->rest_timer = event_new(intake->base, -1, 0, on_timer, intake);
	if (!intake->rest_timer)
		abort();
}

void
bf_rest_free(struct intake *intake)
{
	event_free(intake->rest_timer);
}

void
bf_rest_after_piece(struct connection *connection)
{
	struct intake *intake = connection->intake;
	const int64_t now = bf_clock_monotonic_ms();

	if (connection->resting)
		return;
	if (now - intake->pieces_since >= WHILE_MS) {
		intake->pieces_since = now;
		intake->pieces = 0;
	}
	if (intake->pieces++ < PIECES_MOST)
		return;
	if (TAILQ_EMPTY(&intake->resting))
		wake_later(intake);
	connection->resting = true;
	TAILQ_INSERT_TAIL(&intake->resting, connection, rest);
	bufferevent_disable(connection->bev, EV_READ);
}

void
bf_rest_end(struct connection *connection)
{
	if (!connection->resting)
		return;
	connection->resting = false;
	TAILQ_REMOVE(&connection->intake->resting, connection, rest);
}
