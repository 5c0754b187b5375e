/*
 * stream.c - connections that libcurl opens, and a module uses
 *
 * libcurl opens the connection (CURLOPT_CONNECT_ONLY) and stays the way in and
 * out of its bytes, TLS included. Each has a multi of its own: in a common one,
 * libcurl would take it for an idle connection, and close it.
 */
#include "core/transport/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <belfry/memory.h>

#include "core/transport/transport_private.h"

struct bf_stream {
	struct easy easy; /* first: libcurl's callbacks get it */
	CURLM *multi;
	struct sockets *sockets;
	curl_socket_t fd; /* CURL_SOCKET_BAD until it is open */
	bool tls;
	bool ended; /* by us, for writing */
	char *url;
	struct transcript *transcript;
	bf_stream_opened *opened; /* NULL: was called */
	void *context;
};

static void
destroy(struct bf_stream *stream)
{
	if (stream->transcript)
		bf_easy_watch(&stream->easy, NULL);
	curl_multi_remove_handle(stream->multi, stream->easy.curl);
	curl_easy_cleanup(stream->easy.curl);
	curl_multi_cleanup(stream->multi);
	bf_sockets_free(&stream->sockets);
	bf_transcript_free(&stream->transcript);
	free(stream->url);
	free(stream);
}

/* Takes the connection over from libcurl; else says why there is none. */
static void
take_over(struct bf_stream *stream, CURLcode code, char *reason, size_t size)
{
	const struct failure failure =
	    bf_easy_failure(&stream->easy, code, stream->url);

	if (code != CURLE_OK) {
		bf_reason(&failure, reason, size);
		return;
	}
	curl_easy_getinfo(stream->easy.curl, CURLINFO_ACTIVESOCKET,
	    &stream->fd);
	if (stream->fd == CURL_SOCKET_BAD)
		snprintf(reason, size, "the connection is gone");
	else
		bf_sockets_release(stream->sockets, stream->fd);
}

/* libcurl is done with opening it, or failed. */
static void
tell(struct bf_stream *stream, CURLcode code)
{
	bf_stream_opened *opened = stream->opened;
	struct bf_response response = { 0 };
	char reason[256] = "";
	char *steps = NULL;

	take_over(stream, code, reason, sizeof(reason));
	if (stream->transcript) {
		const struct failure failure =
		    bf_easy_failure(&stream->easy, code, stream->url);

		response.error = reason[0] ? reason : NULL;
		steps = bf_transcript_finish(stream->transcript, &failure,
		    &response);
	}
	stream->opened = NULL;
	/* Which may close it. */
	opened(stream->context, reason[0] ? reason : NULL, steps);
	free(steps);
}

static void
on_progress(void *context)
{
	struct bf_stream *stream = context;
	CURLMsg *message;
	int left;

	if (!stream->opened)
		return;
	message = curl_multi_info_read(stream->multi, &left);
	if (message && message->msg == CURLMSG_DONE)
		tell(stream, message->data.result);
}

static void
set_up(struct bf_stream *stream, const struct bf_request *request,
    const struct bf_transport_options *options)
{
	CURL *curl = stream->easy.curl;

	bf_easy_set(&stream->easy, request, options);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	/* What is spoken is no HTTP: a proxy must not look at it, nor TLS
	 * negotiate it. */
	curl_easy_setopt(curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
	if (!options->transcript)
		return;
	stream->transcript =
	    bf_transcript_new(request->url, options->proxy != NULL);
	bf_easy_watch(&stream->easy, stream->transcript);
}

struct bf_stream *
bf_stream_open(struct bf_transport *transport, const struct bf_request *request,
    const struct bf_transport_options *options, bf_stream_opened *opened,
    void *context)
{
	struct bf_stream *stream = bf_new(struct bf_stream);

	stream->multi = curl_multi_init();
	if (!stream->multi)
		abort();
	stream->fd = CURL_SOCKET_BAD;
	stream->url = bf_strdup(request->url);
	stream->tls = strncmp(request->url, "https:", 6) == 0;
	stream->opened = opened;
	stream->context = context;
	stream->sockets =
	    bf_sockets_new(transport->base, stream->multi, on_progress, stream);
	bf_easy_init(&stream->easy, transport, stream->sockets);
	set_up(stream, request, options);
	if (curl_multi_add_handle(stream->multi, stream->easy.curl) != CURLM_OK)
		abort();
	return stream;
}

int
bf_stream_socket(const struct bf_stream *stream)
{
	return stream->fd == CURL_SOCKET_BAD ? -1 : (int)stream->fd;
}

/* libcurl's result in the terms of read(2) and write(2). */
static ssize_t
result_of(const struct bf_stream *stream, CURLcode code, size_t done)
{
	long number = errno;

	if (code == CURLE_OK)
		return (ssize_t)done;
	if (code == CURLE_AGAIN) {
		errno = EAGAIN;
		return -1;
	}
	/* libcurl keeps the number, but OpenSSL leaves it in errno. */
	if (!stream->tls)
		curl_easy_getinfo(stream->easy.curl, CURLINFO_OS_ERRNO,
		    &number);
	/* Once we have said that we are done, a peer may leave as it likes. */
	if (number == 0 && stream->ended)
		return 0;
	errno = number > 0 && number != EAGAIN ? (int)number : ECONNRESET;
	return -1;
}

ssize_t
bf_stream_read(struct bf_stream *stream, void *bytes, size_t size)
{
	size_t done = 0;
	CURLcode code;

	errno = 0;
	code = curl_easy_recv(stream->easy.curl, bytes, size, &done);
	return result_of(stream, code, done);
}

ssize_t
bf_stream_write(struct bf_stream *stream, const void *bytes, size_t size)
{
	size_t done = 0;
	CURLcode code;

	errno = 0;
	code = curl_easy_send(stream->easy.curl, bytes, size, &done);
	return result_of(stream, code, done);
}

int
bf_stream_end(struct bf_stream *stream)
{
	const struct curl_tlssessioninfo *session = NULL;

	if (stream->tls &&
	    curl_easy_getinfo(stream->easy.curl, CURLINFO_TLS_SSL_PTR,
		&session) == CURLE_OK &&
	    session && session->backend == CURLSSLBACKEND_OPENSSL &&
	    session->internals)
		SSL_shutdown(session->internals);
	stream->ended = true;
	return shutdown(stream->fd, SHUT_WR);
}

void
bf_stream_close(struct bf_stream **stream)
{
	if (*stream)
		destroy(*stream);
	*stream = NULL;
}
