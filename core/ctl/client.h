#ifndef BF_CTL_CLIENT_H
#define BF_CTL_CLIENT_H

#include <cjson/cJSON.h>

#include <belfry/error.h>

/*
 * Talks to a running belfry: over its Unix socket, or over HTTP with a bearer
 * token. One request at a time.
 */
struct bf_client;

/* What a request came to. */
struct bf_answer {
	long status; /* HTTP status code */
	cJSON *json; /* the document; NULL if the answer was none */
	char *text;  /* the answer as it came */
};

/*
 * socket  path of the Unix socket; used unless url is given
 * url     base URL ("https://host:8420"), or NULL
 * token   bearer token, or NULL
 */
struct bf_client *bf_client_new(const char *socket, const char *url,
    const char *token);

/*
 * Makes a request and waits for the answer. query (may be NULL) is an object
 * of strings that becomes the query string; body (may be NULL) an object that
 * is sent as JSON. Borrows both. Returns 0 with any answer, whatever its
 * status; -1 when the daemon can't be reached.
 */
int bf_client_request(struct bf_client *client, const char *method,
    const char *path, const cJSON *query, const cJSON *body,
    struct bf_answer *answer, struct bf_error *err);

/* Posts text of any type, with an Idempotency-Key if key is not NULL. */
int bf_client_post(struct bf_client *client, const char *path,
    const char *content_type, const char *key, const char *text, size_t size,
    struct bf_answer *answer, struct bf_error *err);

/*
 * Follows a stream of server-sent events: calls item with the JSON document
 * of each until it returns -1 or the daemon ends the stream. Returns the HTTP
 * status of the answer, or -1.
 */
typedef int bf_client_item(void *context, const cJSON *json);
long bf_client_stream(struct bf_client *client, const char *path,
    bf_client_item *item, void *context, struct bf_error *err);

void bf_answer_free(struct bf_answer *answer);
void bf_client_free(struct bf_client **client);

#endif
