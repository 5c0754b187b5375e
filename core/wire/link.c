/*
 * link.c - messages in, messages out, over a stream socket on an event loop
 *
 * What is sent is gathered and written when the loop comes round, so that a
 * turn's messages leave in one write. A write that the peer does not take
 * whole goes on when the socket is writable again. Frames are decoded in place
 * from the read buffer.
 */
#include "core/wire/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/util.h>

#include <belfry/memory.h>

#include "core/wire/codec.h"

#define READ_SIZE (256u << 10) /* bytes read at once */
#define LENGTH_SIZE 4          /* bytes of a frame's length */

struct bf_link {
	int fd;
	struct event *readable;
	struct event *writable;
	struct event *flush; /* made active when something was sent */
	const struct bf_link_handler *handler;
	void *context;
	struct bf_buf in;
	struct bf_buf out;
	size_t written; /* of out */
	bool paused;
	bool busy; /* inside a handler: free later */
	bool gone; /* freed inside a handler */
};

static void
destroy(struct bf_link *link)
{
	event_free(link->readable);
	event_free(link->writable);
	event_free(link->flush);
	close(link->fd);
	bf_buf_free(&link->in);
	bf_buf_free(&link->out);
	free(link);
}

/* Tells the owner that the link is no more; it will free it, now or later. */
static void
lose(struct bf_link *link, const char *why)
{
	event_del(link->readable);
	event_del(link->writable);
	link->handler->closed(link->context, why);
}

/* Hands one frame's message to the owner. -1: the link is to be lost. */
static int
deliver(struct bf_link *link, const char *frame, size_t size)
{
	struct bf_message message;

	if (bf_message_decode(frame, size, &message) == -1) {
		lose(link, "a message that belfry does not know");
		return -1;
	}
	link->handler->message(link->context, &message);
	bf_message_clear(&message);
	return link->gone || link->paused ? -1 : 0;
}

/* Decodes every whole frame, until the owner pauses or frees the link. */
static void
decode(struct bf_link *link)
{
	size_t used = 0;

	link->busy = true;
	while (link->in.size - used >= LENGTH_SIZE) {
		struct bf_reader reader = { link->in.data + used, LENGTH_SIZE,
			false };
		const uint32_t size = bf_get_u32(&reader);
		const char *frame = link->in.data + used + LENGTH_SIZE;

		if (size == 0 || size > BF_FRAME_MAX) {
			lose(link, "a frame of an impossible length");
			break;
		}
		if (link->in.size - used - LENGTH_SIZE < size)
			break;
		used += LENGTH_SIZE + size;
		if (deliver(link, frame, size) == -1)
			break;
	}
	link->busy = false;
	if (link->gone) {
		destroy(link);
		return;
	}
	if (used > 0) {
		memmove(link->in.data, link->in.data + used,
		    link->in.size - used);
		link->in.size -= used;
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct bf_link *link = context;
	char *space = bf_buf_reserve(&link->in, READ_SIZE);
	ssize_t got = read(fd, space, READ_SIZE);

	(void)what;
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		lose(link, NULL);
		return;
	}
	link->in.size += (size_t)got;
	decode(link);
}

/* Writes what is gathered; what is left waits for the socket. */
static void
write_out(struct bf_link *link)
{
	ssize_t sent;

	while (link->written < link->out.size) {
		sent = send(link->fd, link->out.data + link->written,
		    link->out.size - link->written, MSG_NOSIGNAL);
		if (sent == -1 && errno == EINTR)
			continue;
		if (sent == -1 && errno == EAGAIN) {
			event_add(link->writable, NULL);
			return;
		}
		if (sent == -1) {
			/* The reader sees the end of the link and reports it.
			 */
			bf_buf_clear(&link->out);
			link->written = 0;
			return;
		}
		link->written += (size_t)sent;
	}
	/* One large burst must not be held for good. */
	if (link->out.capacity > 4 * READ_SIZE)
		bf_buf_free(&link->out);
	bf_buf_clear(&link->out);
	link->written = 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	write_out(context);
}

/* Frames that were left when the link was paused, and what was sent. */
static void
on_flush(evutil_socket_t fd, short what, void *context)
{
	struct bf_link *link = context;

	(void)fd;
	(void)what;
	if (!event_pending(link->writable, EV_WRITE, NULL))
		write_out(link);
	if (!link->paused && link->in.size > 0)
		decode(link);
}

struct bf_link *
bf_link_new(struct event_base *base, int fd,
    const struct bf_link_handler *handler, void *context)
{
	struct bf_link *link = bf_new(struct bf_link);

	evutil_make_socket_nonblocking(fd);
	link->fd = fd;
	link->handler = handler;
	link->context = context;
	link->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(base, fd, EV_WRITE, on_writable, link);
	link->flush = event_new(base, -1, 0, on_flush, link);
	if (!link->readable || !link->writable || !link->flush ||
	    event_add(link->readable, NULL) == -1)
		abort();
	return link;
}

void
bf_link_send(struct bf_link *link, const struct bf_message *message)
{
	if (link->out.size == link->written)
		event_active(link->flush, EV_TIMEOUT, 0);
	bf_message_encode(message, &link->out);
}

size_t
bf_link_pending(const struct bf_link *link)
{
	return link->out.size - link->written;
}

void
bf_link_pause(struct bf_link *link)
{
	link->paused = true;
	event_del(link->readable);
}

void
bf_link_resume(struct bf_link *link)
{
	if (!link->paused)
		return;
	link->paused = false;
	event_add(link->readable, NULL);
	event_active(link->flush, EV_TIMEOUT, 0);
}

void
bf_link_free(struct bf_link **link)
{
	if (!*link)
		return;
	if ((*link)->busy)
		(*link)->gone = true;
	else
		destroy(*link);
	*link = NULL;
}
