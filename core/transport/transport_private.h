#ifndef BF_TRANSPORT_PRIVATE_H
#define BF_TRANSPORT_PRIVATE_H

#include <curl/curl.h>

#include "core/transport/dialogue.h"
#include "core/transport/transport.h"

/* The sockets of the multi on the event loop. */
struct sockets;

struct sockets *bf_sockets_new(struct event_base *base, CURLM *multi,
    void (*progress)(void *context), void *context);

/* CURLOPT_CLOSESOCKETFUNCTION, with the struct sockets as its data. */
int bf_sockets_close(void *sockets, curl_socket_t fd);

void bf_sockets_free(struct sockets **sockets);

/* What is known of a transfer that ended. */
struct failure {
	CURL *easy;
	CURLcode code;
	const char *url;    /* of the request */
	const char *detail; /* libcurl's own words, or "" */
	struct bf_duration timeout;
	bool asked;   /* the server asked for a client certificate */
	bool proxied; /* it was to go by a proxy */
};

/* Why it failed, as a sentence. */
void bf_reason(const struct failure *failure, char *text, size_t size);

#define SYMPTOM_LOCATION 300

/* A symptom, and room for what it points to. */
struct symptom {
	struct bf_symptom symptom;
	char location[SYMPTOM_LOCATION];
};

/*
 * Reads what a transfer suffers from: the rest of what symptom points to is
 * borrowed. dialogue: of SMTP, as far as it went. False: it went well.
 */
bool bf_symptom_read(const struct failure *failure,
    const struct bf_response *response, const struct bf_dialogue *dialogue,
    struct symptom *symptom);

#endif
