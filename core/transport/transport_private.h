#ifndef BF_TRANSPORT_PRIVATE_H
#define BF_TRANSPORT_PRIVATE_H

#include <curl/curl.h>

#include "core/transport/transport.h"

/* The sockets of the multi on the event loop. */
struct sockets;

struct sockets *bf_sockets_new(struct event_base *base, CURLM *multi,
    void (*progress)(void *context), void *context);

/* CURLOPT_CLOSESOCKETFUNCTION, with the struct sockets as its data. */
int bf_sockets_close(void *sockets, curl_socket_t fd);

void bf_sockets_free(struct sockets **sockets);

/* What an exchange is about, as libcurl reports it: for a transcript. */
struct transcript;

struct transcript *bf_transcript_new(void);

/* CURLOPT_DEBUGFUNCTION, with the struct transcript as its data. */
int bf_transcript_debug(CURL *easy, curl_infotype type, char *data, size_t size,
    void *transcript);

/* The steps as a JSON array, with the times of the finished transfer; new
 * memory. */
char *bf_transcript_json(struct transcript *transcript, CURL *easy);

void bf_transcript_free(struct transcript **transcript);

/* What is known of a transfer that failed. */
struct failure {
	CURL *easy;
	CURLcode code;
	const char *detail; /* libcurl's own words, or "" */
	struct bf_duration timeout;
	bool asked;   /* the server asked for a client certificate */
	bool proxied; /* it was to go by a proxy */
};

/* Why it failed, as a sentence. */
void bf_reason(const struct failure *failure, char *text, size_t size);

#endif
