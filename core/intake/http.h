#ifndef BF_HTTP_H
#define BF_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * One HTTP/1.1 request, read strictly. The head is checked as a block before
 * the parser sees it, so that nothing which intermediaries read in two ways
 * gets through; the body is read by the parser as it comes.
 */

enum bf_http_state {
	BF_HTTP_HEAD,  /* more of the head is needed */
	BF_HTTP_BODY,  /* the head is there: look at it, then read on */
	BF_HTTP_DONE,  /* the request is whole */
	BF_HTTP_ERROR, /* status and error say what is wrong */
};

struct bf_http_request {
	int status; /* with BF_HTTP_ERROR: 400, 413, 414, ... */
	struct bf_error error;
	const char *method; /* "POST"; from a fixed table */
	char *target;       /* as it was sent */
	char *path;         /* decoded */
	char *query;        /* after "?", encoded rightly; or NULL */
	bool old;           /* HTTP/1.0 */
	bool keep_alive;
	bool expects_continue;
	bool has_body;
	size_t content_length; /* 0 with chunks */
	char *authorization;   /* values of these headers, or NULL */
	char *content_type;
	char *content_encoding;
	char *expect;
	char *idempotency_key;
	char *if_match;
	char *if_none_match;
	char *host;
	char *origin;
	char *cookie;
	char *csrf_token;
	char *requested_method; /* of a CORS preflight */
	struct bf_buf body;
};

struct bf_http_limits {
	size_t head; /* bytes of the request line and headers */
	size_t body;
};

struct bf_http;

/* limits is borrowed. */
struct bf_http *bf_http_new(const struct bf_http_limits *limits);

/*
 * Reads from bytes as much as belongs to this request; *used is set. Stops
 * with BF_HTTP_BODY once, when the head is complete, so that the caller can
 * answer before the body comes; goes on when called again.
 */
enum bf_http_state bf_http_read(struct bf_http *http, const char *bytes,
    size_t size, size_t *used);

/* The request so far; valid until bf_http_reset. */
struct bf_http_request *bf_http_request(struct bf_http *http);

/* Whether the request is a HEAD, as far as it was read: what is refused before
 * its method is known for good is answered without content, too (RFC 9110,
 * section 9.3.2). */
bool bf_http_asks_head(const struct bf_http *http);

/* Ready for the next request on the connection. */
void bf_http_reset(struct bf_http *http);

void bf_http_free(struct bf_http **http);

#endif
