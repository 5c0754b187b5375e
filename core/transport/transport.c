/*
 * transport.c - requests by libcurl, on the event loop
 *
 * One multi; easy handles are kept and used again, with their connections,
 * DNS entries and TLS sessions in the multi. What is the same for every
 * request is set when a handle is made, what differs each time.
 */
#include "core/transport/transport.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <belfry/memory.h>

#include "core/transport/libraries.h"
#include "core/transport/transport_private.h"

#define BODY_MOST (64 << 10)    /* bytes of an answer that are read */
#define HEADERS_MOST (32 << 10) /* bytes of its headers, of all blocks */

struct transfer {
	struct easy easy;
	struct curl_slist *headers;
	struct bf_request request;
	struct bf_response response;
	size_t header_bytes;
	bool cut; /* the answer was longer than we read */
	struct transcript *transcript;
	bf_transport_done *done;
	void *context;
	struct transfer *next;   /* in the pool, or in use */
	struct transfer **place; /* in use: what points here */
};

/* Reads up to the bound, and then ends the transfer. */
static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	const size_t left = BODY_MOST - transfer->response.body.size;

	size *= count;
	bf_buf_add(&transfer->response.body, bytes, size < left ? size : left);
	if (size <= left)
		return size;
	transfer->cut = true;
	return 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t
take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	struct bf_strings *headers = &transfer->response.headers;
	const size_t whole = size * count;

	size = whole;
	transfer->header_bytes += size;
	if (transfer->header_bytes > HEADERS_MOST)
		return 0;
	/* A status line begins a block: only the last one counts. */
	if (size >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		bf_strings_free(headers);
		return size;
	}
	/* White space behind a value is no part of it. */
	while (size > 0 && is_blank(bytes[size - 1]))
		size--;
	if (memchr(bytes, ':', strnlen(bytes, size)))
		bf_strings_take(headers, bf_strndup(bytes, size));
	/* All was taken: anything less would end the transfer. */
	return whole;
}

/* What holds for every request that the handle will make. */
static void
set_up(struct transfer *transfer)
{
	CURL *curl = transfer->easy.curl;

	curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "belfry/" BF_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
	/* A broken or extra body must not spoil the next answer. */
	curl_easy_setopt(curl, CURLOPT_HTTP_TRANSFER_DECODING, 1L);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 16384L);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
}

static struct transfer *
take_idle(struct bf_transport *transport)
{
	struct transfer *transfer = transport->idle;

	if (transfer) {
		transport->idle = transfer->next;
	} else {
		transfer = bf_new(struct transfer);
		bf_easy_init(&transfer->easy, transport, transport->sockets);
		set_up(transfer);
	}
	transfer->next = transport->busy;
	if (transfer->next)
		transfer->next->place = &transfer->next;
	transport->busy = transfer;
	transfer->place = &transport->busy;
	return transfer;
}

static void
leave_busy(struct transfer *transfer)
{
	*transfer->place = transfer->next;
	if (transfer->next)
		transfer->next->place = transfer->place;
}

static void
clear_transfer(struct transfer *transfer)
{
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	bf_request_free(&transfer->request);
	bf_response_free(&transfer->response);
	transfer->response = (struct bf_response){ 0 };
	if (transfer->transcript)
		bf_easy_watch(&transfer->easy, NULL);
	bf_transcript_free(&transfer->transcript);
	bf_easy_clear(&transfer->easy);
	transfer->header_bytes = 0;
	transfer->cut = false;
}

static void
add_headers(struct transfer *transfer)
{
	const struct bf_strings *headers = &transfer->request.headers;

	/* No waiting for a 100 Continue, and no encodings to expand. */
	transfer->headers = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; i < headers->count; i++)
		transfer->headers =
		    curl_slist_append(transfer->headers, headers->items[i]);
	curl_easy_setopt(transfer->easy.curl, CURLOPT_HTTPHEADER,
	    transfer->headers);
}

static void
set_request(struct transfer *transfer, const struct bf_transport_options *how)
{
	const struct bf_request *request = &transfer->request;
	CURL *curl = transfer->easy.curl;

	bf_easy_set(&transfer->easy, request, how);
	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST,
	    strcmp(request->method, "POST") == 0 ? NULL : request->method);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.size);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, bf_buf_text(&request->body));
	add_headers(transfer);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
	    request->http2 ? (long)CURL_HTTP_VERSION_2TLS
			   : (long)CURL_HTTP_VERSION_1_1);
	/* Streams of one HTTP/2 connection rather than many connections. */
	curl_easy_setopt(curl, CURLOPT_PIPEWAIT, request->http2 ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, how->fresh ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, how->fresh ? 1L : 0L);
	if (how->transcript) {
		transfer->transcript =
		    bf_transcript_new(request->url, how->proxy != NULL);
		bf_easy_watch(&transfer->easy, transfer->transcript);
	}
}

/* Starts an HTTP request. */
static void
start_http(struct bf_transport *transport, struct bf_request *request,
    const struct bf_transport_options *options, bf_transport_done *done,
    void *context)
{
	struct transfer *transfer = take_idle(transport);

	transfer->request = *request;
	*request = (struct bf_request){ 0 };
	transfer->done = done;
	transfer->context = context;
	set_request(transfer, options);
	if (curl_multi_add_handle(transport->multi, transfer->easy.curl) !=
	    CURLM_OK)
		abort();
}

void
bf_transport_start(struct bf_transport *transport, struct bf_request *request,
    const struct bf_transport_options *options, bf_transport_done *done,
    void *context)
{
	transport->active++;
	if (request->sender)
		bf_smtp_start(transport->smtp, request, options, done, context);
	else
		start_http(transport, request, options, done, context);
}

static void
read_timings(const struct easy *easy, struct bf_timings *timings)
{
	curl_off_t first_byte = 0, total = 0;
	long connections = 0;

	curl_easy_getinfo(easy->curl, CURLINFO_NUM_CONNECTS, &connections);
	bf_easy_timings(easy, connections == 0, timings);
	curl_easy_getinfo(easy->curl, CURLINFO_STARTTRANSFER_TIME_T,
	    &first_byte);
	curl_easy_getinfo(easy->curl, CURLINFO_TOTAL_TIME_T, &total);
	timings->first_byte_us = first_byte > 0 ? first_byte : -1;
	timings->total_us = total;
}

/* Fills in the answer, or why there is none. */
static void
read_response(struct transfer *transfer, CURLcode code,
    const struct bf_timings *timings, char *reason, size_t size)
{
	struct bf_response *response = &transfer->response;
	long status = 0;

	curl_easy_getinfo(transfer->easy.curl, CURLINFO_RESPONSE_CODE, &status);
	response->now = bf_clock_wall();
	response->took.ms = timings->total_us / 1000;
	if (code != CURLE_OK && !transfer->cut) {
		const struct failure failure = bf_easy_failure(&transfer->easy,
		    code, transfer->request.url);

		bf_reason(&failure, reason, size);
	}
	response->error = reason[0] ? reason : NULL;
	/* Informational answers, and codes outside HTTP's, are none. */
	response->status = status >= 200 && status <= 599 ? (int)status : 0;
	if (response->status == 0 && !response->error) {
		snprintf(reason, size,
		    "the answer has the status %ld, which "
		    "HTTP does not know",
		    status);
		response->error = reason;
	}
}

static void
end_transfer(struct transfer *transfer, CURLcode code)
{
	struct bf_transport *transport = transfer->easy.transport;
	struct bf_timings timings;
	char reason[256] = "";
	char *steps = NULL;

	read_timings(&transfer->easy, &timings);
	read_response(transfer, code, &timings, reason, sizeof(reason));
	if (transfer->transcript) {
		const struct failure failure = bf_easy_failure(&transfer->easy,
		    code, transfer->request.url);

		steps = bf_transcript_finish(transfer->transcript, &failure,
		    &transfer->response);
	}
	curl_multi_remove_handle(transport->multi, transfer->easy.curl);
	leave_busy(transfer);
	transport->active--;
	transfer->done(transfer->context, &transfer->response, &timings, steps);
	free(steps);
	clear_transfer(transfer);
	transfer->next = transport->idle;
	transport->idle = transfer;
}

static void
reap(void *context)
{
	struct bf_transport *transport = context;
	struct transfer *transfer;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(transport->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
		    &transfer);
		end_transfer(transfer, message->data.result);
	}
}

struct bf_transport *
bf_transport_new(struct event_base *base, long max_connections,
    struct bf_error *err)
{
	struct bf_transport *transport = bf_new(struct bf_transport);

	if (bf_libraries_curl() == -1 ||
	    !(transport->multi = curl_multi_init())) {
		bf_error_set(err, "libcurl does not start");
		free(transport);
		return NULL;
	}
	transport->base = base;
	/* The default follows the transfers of the moment, and would close
	 * idle connections at low load. */
	curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS,
	    max_connections);
	curl_multi_setopt(transport->multi, CURLMOPT_PIPELINING,
	    (long)CURLPIPE_MULTIPLEX);
	transport->sockets =
	    bf_sockets_new(base, transport->multi, reap, transport);
	transport->smtp = bf_smtp_new(transport);
	return transport;
}

void
bf_transport_guard_with(struct bf_transport *transport,
    bf_transport_guard *guard, void *context, bool each_request)
{
	transport->guard = guard;
	transport->guard_context = context;
	transport->guards_requests = each_request;
}

void
bf_transport_limit_threads(struct bf_transport *transport, size_t most)
{
	transport->threads_most = most;
}

size_t
bf_transport_active(const struct bf_transport *transport)
{
	return transport->active;
}

void
bf_transport_free(struct bf_transport **transport)
{
	struct bf_transport *own = *transport;
	struct transfer *transfer;

	if (!own)
		return;
	while ((transfer = own->busy)) {
		curl_multi_remove_handle(own->multi, transfer->easy.curl);
		leave_busy(transfer);
		clear_transfer(transfer);
		transfer->next = own->idle;
		own->idle = transfer;
	}
	while ((transfer = own->idle)) {
		own->idle = transfer->next;
		curl_easy_cleanup(transfer->easy.curl);
		free(transfer);
	}
	bf_smtp_free(&own->smtp);
	curl_multi_cleanup(own->multi);
	bf_sockets_free(&own->sockets);
	free(own);
	*transport = NULL;
	curl_global_cleanup();
}
