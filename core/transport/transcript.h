#ifndef BF_TRANSCRIPT_H
#define BF_TRANSCRIPT_H

#include <sys/socket.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include <belfry/response.h>

#include "core/transport/dialogue.h"

/*
 * What a test shows of an exchange, step by step: a JSON array of objects with
 * "step", "at_us" (microseconds from the start) and "text". Steps are resolve,
 * connect, tls, certificate, request, answer and end.
 */
struct transcript;

/* url: of the request, borrowed for the call. proxied: not to be connected to
 * directly. */
struct transcript *bf_transcript_new(const char *url, bool proxied);

/* A step of the caller's own. */
void bf_transcript_add(struct transcript *transcript, const char *step,
    const char *format, ...) BF_PRINTF(3, 4);

/* CURLOPT_DEBUGFUNCTION, with the struct transcript as its data. */
int bf_transcript_debug(CURL *easy, curl_infotype type, char *data, size_t size,
    void *transcript);

/* Lines that were sent or came where libcurl does not see it. */
void bf_transcript_lines(struct transcript *transcript, bool sent,
    const char *data, size_t size);

/* An address is about to be connected to. */
void bf_transcript_address(struct transcript *transcript,
    const struct sockaddr *address);

/* Notes what TLS agrees on, and the certificates that are shown, of every
 * connection that will be made in the context. */
void bf_transcript_watch_tls(struct transcript *transcript, SSL_CTX *context);

/* The transfer has ended, with an answer or the error in it. */
void bf_transcript_end(struct transcript *transcript, CURL *easy,
    const struct bf_response *response);

/* The SMTP dialogue as far as it went; borrowed. */
const struct bf_dialogue *bf_transcript_dialogue(
    const struct transcript *transcript);

/*
 * {"steps": [...], "hint": {"name": ..., "cause": ..., "fix": ...}} in new
 * memory, in ASCII whatever bytes the server sent. symptom NULL: no hint.
 */
char *bf_transcript_json(const struct transcript *transcript,
    const struct bf_symptom *symptom);

void bf_transcript_free(struct transcript **transcript);

#endif
