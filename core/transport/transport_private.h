#ifndef BF_TRANSPORT_PRIVATE_H
#define BF_TRANSPORT_PRIVATE_H

#include <curl/curl.h>

#include "core/transport/dialogue.h"
#include "core/transport/transcript.h"
#include "core/transport/transport.h"

struct smtp; /* deliveries to mail servers, and their sessions */

struct bf_transport {
	struct event_base *base;
	CURLM *multi; /* for HTTP */
	struct sockets *sockets;
	struct transfer *idle;
	struct transfer *busy;
	struct smtp *smtp;
	size_t active;
	bf_transport_guard *guard;
	void *guard_context;
	bool guards_requests; /* not only connections */
	size_t threads_most;  /* 0: any number */
};

/* ---- sockets.c ---- */

/* The sockets of a multi on the event loop. */
struct sockets;

struct sockets *bf_sockets_new(struct event_base *base, CURLM *multi,
    void (*progress)(void *context), void *context);

/* CURLOPT_CLOSESOCKETFUNCTION, with the struct sockets as its data. */
int bf_sockets_close(void *sockets, curl_socket_t fd);

/* Watches the socket no more: libcurl has handed it over to its user. */
void bf_sockets_release(struct sockets *sockets, curl_socket_t fd);

void bf_sockets_free(struct sockets **sockets);

/* ---- easy.c ---- */

/*
 * A handle of libcurl, and what its callbacks tell of the connection: the
 * first member of what performs an HTTP request or makes an SMTP session.
 */
struct easy {
	CURL *curl;
	struct bf_transport *transport;
	const curl_version_info_data *libcurl; /* asked once: that is dear */
	bool asked;   /* for a client certificate, by the server */
	bool proxied; /* it is to go by a proxy */
	bool named;   /* what is connected to is looked up */
	struct bf_duration timeout;
	struct transcript *transcript; /* of a test; else NULL */
	char detail[CURL_ERROR_SIZE];  /* libcurl's own words, or "" */
	struct bf_error refusal;       /* by us: the guard, or a bound; or "" */
};

/* Makes the handle and sets what holds for whatever it will do. */
void bf_easy_init(struct easy *easy, struct bf_transport *transport,
    struct sockets *sockets);

/* Sets what a request asks of its connection. */
void bf_easy_set(struct easy *easy, const struct bf_request *request,
    const struct bf_transport_options *options);

/* Whether the guard lets another request pass on the connection. */
bool bf_easy_may_continue(struct easy *easy);

/* When the steps of the connection were done; in a reused one, none were. */
void bf_easy_timings(const struct easy *easy, bool reused,
    struct bf_timings *timings);

/* Forgets what was told of the last connection. */
void bf_easy_clear(struct easy *easy);

/* Collects a transcript from now on; NULL: no longer. */
void bf_easy_watch(struct easy *easy, struct transcript *transcript);

/* What is known of a transfer that ended. */
struct failure {
	CURL *easy;
	CURLcode code;
	const char *url;    /* of the request */
	const char *detail; /* libcurl's own words, or "" */
	struct bf_duration timeout;
	bool asked;          /* the server asked for a client certificate */
	bool proxied;        /* it was to go by a proxy */
	const char *refusal; /* by the guard, or "" */
};

struct failure bf_easy_failure(const struct easy *easy, CURLcode code,
    const char *url);

/* ---- reason.c ---- */

/* Why it failed, as a sentence: HTTP, or the beginning of an SMTP session,
 * reply being the server's last one ("" if none came). */
void bf_reason(const struct failure *failure, char *text, size_t size);
void bf_reason_smtp(const struct failure *failure, const char *reply,
    char *text, size_t size);

/* ---- symptom.c ---- */

/* Ends the transcript of a transfer, with a hint if one fits; new memory. */
char *bf_transcript_finish(struct transcript *transcript,
    const struct failure *failure, const struct bf_response *response);

/* ---- smtp.c ---- */

struct smtp *bf_smtp_new(struct bf_transport *transport);
void bf_smtp_start(struct smtp *smtp, struct bf_request *request,
    const struct bf_transport_options *options, bf_transport_done *done,
    void *context);
void bf_smtp_free(struct smtp **smtp);

#endif
