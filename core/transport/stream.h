#ifndef BF_STREAM_H
#define BF_STREAM_H

#include <sys/types.h>

#include "core/transport/transport.h"

/*
 * A connection on which a module speaks a protocol of its own: resolved,
 * connected, through the proxy and past the guard as every request is, with
 * TLS verified if the URL is https://. Nothing here blocks.
 */
struct bf_stream;

/* Whether it is open, once: reason NULL, or why not. transcript as in
 * bf_transport_done. Both are borrowed for the call, in which the stream may be
 * closed. */
typedef void bf_stream_opened(void *context, const char *reason,
    const char *transcript);

/*
 * Opens a stream. Of request, url says where to (http:// is a plain
 * connection), the members about certificates are used, and all is borrowed for
 * the call; of options, timeout is for opening it. opened is called later, from
 * the loop.
 */
struct bf_stream *bf_stream_open(struct bf_transport *transport,
    const struct bf_request *request,
    const struct bf_transport_options *options, bf_stream_opened *opened,
    void *context);

/* Its socket, to be watched and no more. -1: it is not open. */
int bf_stream_socket(const struct bf_stream *stream);

/* As read(2) and write(2) on a non-blocking socket: EAGAIN, and EPIPE or
 * ECONNRESET when it broke. What TLS has read ahead does not make the socket
 * readable: it is to be read until EAGAIN. */
ssize_t bf_stream_read(struct bf_stream *stream, void *bytes, size_t size);
ssize_t bf_stream_write(struct bf_stream *stream, const void *bytes,
    size_t size);

/* As shutdown(2) with SHUT_WR, with a close_notify before it where there is
 * TLS (RFC 8446, section 6.1). 0, or -1 with errno. */
int bf_stream_end(struct bf_stream *stream);

/* Closes it and sets *stream to NULL. A NULL *stream is fine. Every stream is
 * to be closed before its transport is. */
void bf_stream_close(struct bf_stream **stream);

#endif
