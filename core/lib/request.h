#ifndef BELFRY_REQUEST_H
#define BELFRY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/api.h>
#include <belfry/buf.h>
#include <belfry/clock.h>
#include <belfry/strings.h>
#include <belfry/value.h>

/*
 * An HTTP request, as a module composes it for one attempt at one delivery.
 * The core makes it, fills in the first group and performs it; the module
 * fills in the rest. It owns what it holds but for the borrowed members, which
 * must live as long as the module's settings.
 */
struct bf_request {
	/* Filled in by the core before compose. */
	const char *delivery_id;  /* "dlv_" and 24 hex digits, the same each try */
	int attempt;              /* 1 for the first */
	struct bf_instant now;    /* when this attempt is made */

	/* The request proper. */
	const char *method;       /* borrowed; "POST" unless changed */
	const char *url;          /* borrowed */
	struct bf_strings headers; /* "Name: value" */
	struct bf_buf body;

	/* How to make it; zero or NULL means the usual. All borrowed. */
	bool http2;                /* try HTTP/2 by ALPN over TLS */
	const char *ca_file;       /* PEM; the system's store if NULL */
	const char *client_certificate; /* PEM */
	const char *client_key;    /* PEM; in the certificate's file if NULL */
	const struct bf_secret *username; /* HTTP basic authentication */
	const struct bf_secret *password;
};

/* Sets method POST, the URL (borrowed) and the Content-Type header. */
BF_API void bf_request_post(struct bf_request *request,
    const struct bf_url *url, const char *content_type);

/*
 * Adds a header. CR, LF and NUL can't get in: a value that has one is refused
 * with -1 (RFC 9110, section 5.5), as is a name that is no token.
 */
BF_API int bf_request_header(
    struct bf_request *request, const char *name, const char *value);

/* Adds "Authorization: Bearer <token>" (RFC 6750); nothing if not set. */
BF_API void bf_request_bearer(
    struct bf_request *request, const struct bf_secret *token);

/* Frees what the request owns. */
BF_API void bf_request_free(struct bf_request *request);

#endif
