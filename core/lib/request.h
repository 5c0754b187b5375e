#ifndef BELFRY_REQUEST_H
#define BELFRY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/api.h>
#include <belfry/buf.h>
#include <belfry/clock.h>
#include <belfry/outcome.h>
#include <belfry/strings.h>
#include <belfry/value.h>

/*
 * A request, as a module composes it for one attempt at one delivery: an HTTP
 * request, or a message with its envelope for a mail server (RFC 5321).
 * The core makes it, fills in the first group and performs it; the module
 * fills in the rest. It owns what it holds but for the borrowed members, which
 * must live as long as the module's settings.
 */
struct bf_request {
	/* Filled in by the core before compose. */
	const char
	    *delivery_id;      /* "dlv_" and 24 hex digits, the same each try */
	int attempt;           /* 1 for the first */
	struct bf_instant now; /* when this attempt is made */
	const struct bf_recipients
	    *settled; /* by the attempts before; borrowed */

	/* The request proper. */
	const char *method;        /* borrowed; "POST" unless changed */
	const char *url;           /* borrowed */
	struct bf_strings headers; /* "Name: value" */
	struct bf_buf body;

	/* How to make it; zero or NULL means the usual. All borrowed. */
	bool http2;                     /* try HTTP/2 by ALPN over TLS */
	const char *ca_file;            /* PEM; the system's store if NULL */
	const char *client_certificate; /* PEM */
	const char *client_key; /* PEM; in the certificate's file if NULL */
	const struct bf_secret *username; /* HTTP basic authentication; SASL */
	const struct bf_secret *password;

	/*
	 * The envelope. With a sender this is a mail: the URL is
	 * smtp://HOST:PORT/NAME or, for implicit TLS, smtps://..., NAME being
	 * what EHLO says; the body is the message, its lines ended by CRLF;
	 * method and headers are not used. Borrowed but for the recipients.
	 */
	const char *sender; /* the reverse-path, without brackets */
	struct bf_recipients recipients; /* by bf_request_recipient */
	bool starttls;                   /* required; never without */
	const char *mechanisms;          /* SASL mechanisms that may be used:
					  * "AUTH=PLAIN;AUTH=LOGIN" */
	const char *token_file; /* OAuth 2.0 bearer token, read each time */
};

/* Sets method POST, the URL (borrowed) and the Content-Type header. */
BF_API void bf_request_post(struct bf_request *request,
    const struct bf_url *url, const char *content_type);

/*
 * Adds a header. CR, LF and NUL can't get in: a value that has one is refused
 * with -1 (RFC 9110, section 5.5), as is a name that is no token.
 */
BF_API int bf_request_header(struct bf_request *request, const char *name,
    const char *value);

/* Adds "Authorization: Bearer <token>" (RFC 6750); nothing if not set. */
BF_API void bf_request_bearer(struct bf_request *request,
    const struct bf_secret *token);

/*
 * Adds a recipient, unless it is settled or there already. -1: it is no
 * forward-path; it has something else than printable ASCII, a space or an angle
 * bracket in it, or more than 254 bytes, or none (RFC 5321, sections 4.1.2 and
 * 4.5.3.1.3).
 */
BF_API int bf_request_recipient(struct bf_request *request,
    const char *address);

/* Frees what the request owns. */
BF_API void bf_request_free(struct bf_request *request);

#endif
