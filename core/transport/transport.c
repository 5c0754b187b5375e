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
#include <openssl/ssl.h>

#include "core/transport/transcript.h"
#include "core/transport/transport_private.h"

#define BODY_MOST (64 << 10)    /* bytes of an answer that are read */
#define HEADERS_MOST (32 << 10) /* bytes of its headers, of all blocks */

struct transfer {
	struct bf_transport *transport;
	CURL *easy;
	struct curl_slist *headers;
	struct bf_request request;
	struct bf_response response;
	struct bf_duration timeout;
	size_t header_bytes;
	bool cut;   /* the answer was longer than we read */
	bool asked; /* for a client certificate, by the server */
	bool proxied;
	struct transcript *transcript;
	bf_transport_done *done;
	void *context;
	struct transfer *next;   /* in the pool, or in use */
	struct transfer **place; /* in use: what points here */
	char detail[CURL_ERROR_SIZE];
	char refusal[160]; /* by the guard */
};

struct bf_transport {
	CURLM *multi;
	struct sockets *sockets;
	struct transfer *idle;
	struct transfer *busy;
	size_t active;
	bf_transport_guard *guard;
	void *guard_context;
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

static size_t
take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	struct bf_strings *headers = &transfer->response.headers;
	const size_t whole = size * count;
	char *line;

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
	while (size > 0 && strchr(" \t\r\n", bytes[size - 1]))
		size--;
	line = bf_strndup(bytes, size);
	if (strchr(line, ':'))
		bf_strings_add(headers, line);
	free(line);
	/* All was taken: anything less would end the transfer. */
	return whole;
}

static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = context;
	struct bf_transport *transport = transfer->transport;

	(void)purpose;
	if (transport->guard &&
	    transport->guard(transport->guard_context, &address->addr,
		address->addrlen, transfer->refusal,
		sizeof(transfer->refusal)) == -1)
		return CURL_SOCKET_BAD;
	if (transfer->transcript)
		bf_transcript_address(transfer->transcript, &address->addr);
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

/* The server asks for a client certificate; the one that is set, if any, is
 * shown. That it was asked for explains why a connection breaks afterwards. */
static int
note_asked(SSL *ssl, void *context)
{
	struct transfer *transfer = context;

	(void)ssl;
	transfer->asked = true;
	return 1;
}

static CURLcode
set_up_tls(CURL *easy, void *ssl_context, void *context)
{
	const struct transfer *transfer = context;

	(void)easy;
	SSL_CTX_set_cert_cb(ssl_context, note_asked, context);
	if (transfer->transcript)
		bf_transcript_watch_tls(transfer->transcript, ssl_context);
	return CURLE_OK;
}

/* What holds for every request that the handle will make. */
static void
set_up(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Or the thread that looks up a name would be waited for. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	/* Not even the exceptions from a proxy come from the environment. */
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "belfry/" BF_VERSION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, bf_sockets_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA,
	    transfer->transport->sockets);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_up_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer);
	/* A broken or extra body must not spoil the next answer. */
	curl_easy_setopt(easy, CURLOPT_HTTP_TRANSFER_DECODING, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 16384L);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
}

static struct transfer *
take_idle(struct bf_transport *transport)
{
	struct transfer *transfer = transport->idle;

	if (transfer) {
		transport->idle = transfer->next;
	} else {
		transfer = bf_new(struct transfer);
		transfer->transport = transport;
		transfer->easy = curl_easy_init();
		if (!transfer->easy)
			abort();
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
		curl_easy_setopt(transfer->easy, CURLOPT_VERBOSE, 0L);
	bf_transcript_free(&transfer->transcript);
	transfer->header_bytes = 0;
	transfer->cut = false;
	transfer->asked = false;
	transfer->detail[0] = '\0';
	transfer->refusal[0] = '\0';
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
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void
set_tls(CURL *easy, const struct bf_request *request)
{
	const curl_version_info_data *usual =
	    curl_version_info(CURLVERSION_NOW);

	/* One file, whosever it is: libcurl keeps what it read of it, which it
	 * does not with a folder; and an own authority stands in place of the
	 * system's, not beside it. */
	curl_easy_setopt(easy, CURLOPT_CAINFO,
	    request->ca_file ? request->ca_file : usual->cainfo);
	curl_easy_setopt(easy, CURLOPT_CAPATH,
	    request->ca_file || usual->cainfo ? NULL : usual->capath);
	curl_easy_setopt(easy, CURLOPT_SSLCERT, request->client_certificate);
	curl_easy_setopt(easy, CURLOPT_SSLKEY,
	    request->client_key ? request->client_key
				: request->client_certificate);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
	    request->http2 ? (long)CURL_HTTP_VERSION_2TLS
			   : (long)CURL_HTTP_VERSION_1_1);
	/* Streams of one HTTP/2 connection rather than many connections. */
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, request->http2 ? 1L : 0L);
}

static void
set_request(struct transfer *transfer, const struct bf_transport_options *how)
{
	const struct bf_request *request = &transfer->request;
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
	    strcmp(request->method, "POST") == 0 ? NULL : request->method);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->body.size);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bf_buf_text(&request->body));
	curl_easy_setopt(easy, CURLOPT_USERNAME,
	    request->username ? request->username->bytes : NULL);
	curl_easy_setopt(easy, CURLOPT_PASSWORD,
	    request->password && request->password->bytes
		? request->password->bytes
	    : request->username ? ""
				: NULL);
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	set_tls(easy, request);
	add_headers(transfer);
	curl_easy_setopt(easy, CURLOPT_PROXY, how->proxy ? how->proxy : "");
	curl_easy_setopt(easy, CURLOPT_INTERFACE, how->bind_address);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)how->timeout.ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)how->timeout.ms);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, how->fresh ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, how->fresh ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, how->transcript ? 1L : 0L);
	if (how->transcript) {
		transfer->transcript =
		    bf_transcript_new(request->url, how->proxy != NULL);
		curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION,
		    bf_transcript_debug);
		curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer->transcript);
	}
}

void
bf_transport_start(struct bf_transport *transport, struct bf_request *request,
    const struct bf_transport_options *options, bf_transport_done *done,
    void *context)
{
	struct transfer *transfer = take_idle(transport);

	transfer->request = *request;
	*request = (struct bf_request){ 0 };
	transfer->timeout = options->timeout;
	transfer->proxied = options->proxy != NULL;
	transfer->done = done;
	transfer->context = context;
	set_request(transfer, options);
	transport->active++;
	if (curl_multi_add_handle(transport->multi, transfer->easy) != CURLM_OK)
		abort();
}

/* Microseconds from the start to a step; -1 if this transfer did not take it,
 * as on a connection that was there already. */
static int64_t
time_of(CURL *easy, CURLINFO info, bool reused)
{
	curl_off_t us = 0;

	curl_easy_getinfo(easy, info, &us);
	return us > 0 && !reused ? us : -1;
}

static void
read_timings(CURL *easy, struct bf_timings *timings)
{
	long connections = 0;
	bool reused;

	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	reused = connections == 0;
	timings->resolve_us = time_of(easy, CURLINFO_NAMELOOKUP_TIME_T, reused);
	timings->connect_us = time_of(easy, CURLINFO_CONNECT_TIME_T, reused);
	timings->tls_us = time_of(easy, CURLINFO_APPCONNECT_TIME_T, reused);
	timings->first_byte_us =
	    time_of(easy, CURLINFO_STARTTRANSFER_TIME_T, false);
	timings->total_us = time_of(easy, CURLINFO_TOTAL_TIME_T, false);
	if (timings->total_us < 0)
		timings->total_us = 0;
}

/* Fills in the answer, or why there is none. */
static void
read_response(struct transfer *transfer, CURLcode code,
    const struct bf_timings *timings, char *reason, size_t size)
{
	struct bf_response *response = &transfer->response;
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	response->now = bf_clock_wall();
	response->took.ms = timings->total_us / 1000;
	if (transfer->refusal[0])
		snprintf(reason, size, "%s", transfer->refusal);
	else if (code != CURLE_OK && !transfer->cut)
		bf_reason(&(struct failure){ transfer->easy, code,
			      transfer->request.url, transfer->detail,
			      transfer->timeout, transfer->asked,
			      transfer->proxied },
		    reason, size);
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

/* The transcript with a hint, if one fits. */
static char *
end_transcript(struct transfer *transfer, CURLcode code)
{
	const struct failure failure = { transfer->easy, code,
		transfer->request.url, transfer->detail, transfer->timeout,
		transfer->asked, transfer->proxied };
	struct symptom symptom;
	bool failed;

	bf_transcript_end(transfer->transcript, transfer->easy,
	    &transfer->response);
	failed = bf_symptom_read(&failure, &transfer->response,
	    bf_transcript_dialogue(transfer->transcript), &symptom);
	return bf_transcript_json(transfer->transcript,
	    failed ? &symptom.symptom : NULL);
}

static void
end_transfer(struct transfer *transfer, CURLcode code)
{
	struct bf_transport *transport = transfer->transport;
	struct bf_timings timings;
	char reason[256] = "";
	char *steps = NULL;

	read_timings(transfer->easy, &timings);
	read_response(transfer, code, &timings, reason, sizeof(reason));
	if (transfer->transcript)
		steps = end_transcript(transfer, code);
	curl_multi_remove_handle(transport->multi, transfer->easy);
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

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    !(transport->multi = curl_multi_init())) {
		bf_error_set(err, "libcurl does not start");
		free(transport);
		return NULL;
	}
	/* The default follows the transfers of the moment, and would close
	 * idle connections at low load. */
	curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS,
	    max_connections);
	curl_multi_setopt(transport->multi, CURLMOPT_PIPELINING,
	    (long)CURLPIPE_MULTIPLEX);
	transport->sockets =
	    bf_sockets_new(base, transport->multi, reap, transport);
	return transport;
}

void
bf_transport_guard_with(struct bf_transport *transport,
    bf_transport_guard *guard, void *context)
{
	transport->guard = guard;
	transport->guard_context = context;
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
		curl_multi_remove_handle(own->multi, transfer->easy);
		leave_busy(transfer);
		clear_transfer(transfer);
		transfer->next = own->idle;
		own->idle = transfer;
	}
	while ((transfer = own->idle)) {
		own->idle = transfer->next;
		curl_easy_cleanup(transfer->easy);
		free(transfer);
	}
	curl_multi_cleanup(own->multi);
	bf_sockets_free(&own->sockets);
	free(own);
	*transport = NULL;
	curl_global_cleanup();
}
