/*
 * cors.c - pages of other sites, and what browsers let them do here
 *
 * Such a page may use the API with a token that it has, and with nothing that
 * the browser has of its own: requests by cookie and by the peer of a Unix
 * socket are answered without these headers, and credentials are never allowed.
 *
 * Source: WHATWG Fetch, section 3.2 "HTTP CORS protocol".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/intake/intake_private.h"

#define PREFLIGHT_SECONDS 600 /* for which browsers may keep an answer */

static bool
is_on(const struct connection *connection)
{
	return connection->intake->snapshot->api.cors_origins.count > 0;
}

static bool
is_listed(const struct bf_strings *origins, const char *origin)
{
	for (size_t i = 0; i < origins->count; i++) {
		if (strcmp(origins->items[i], origin) == 0)
			return true;
	}
	return false;
}

/* Whether the path is of the API, and not about sessions, which are the
 * dashboard's. */
static bool
is_for_tokens(const char *path)
{
	static const char sessions[] = "/v1/session";

	if (!path || strncmp(path, sessions, strlen(sessions)) == 0)
		return false;
	return strncmp(path, "/v1/", 4) == 0 || strcmp(path, "/metrics") == 0 ||
	       strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0;
}

/* Whether the page that made the request may have its answer. */
static bool
is_allowed(struct connection *connection)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);

	return request->origin &&
	       (request->authorization ||
		   (!request->cookie && !connection->trusted)) &&
	       is_for_tokens(request->path) &&
	       is_listed(&connection->intake->snapshot->api.cors_origins,
		   request->origin);
}

void
bf_cors_headers(struct connection *connection, struct bf_buf *out)
{
	if (!is_on(connection))
		return;
	bf_buf_add_text(out, "Vary: Origin\r\n");
	if (is_allowed(connection))
		bf_buf_add_format(out,
		    "Access-Control-Allow-Origin: %s\r\n"
		    "Access-Control-Expose-Headers: ETag, Retry-After, "
		    "RateLimit, RateLimit-Policy\r\n",
		    bf_http_request(connection->http)->origin);
}

bool
bf_cors_preflight(struct connection *connection, const char *methods)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);
	char *headers;

	if (!is_on(connection) || strcmp(request->method, "OPTIONS") != 0 ||
	    !request->requested_method || !is_allowed(connection))
		return false;
	headers = bf_strf("Access-Control-Allow-Methods: %s\r\n"
			  "Access-Control-Allow-Headers: Authorization, "
			  "Content-Type, If-Match, Idempotency-Key\r\n"
			  "Access-Control-Max-Age: %d\r\n",
	    methods, PREFLIGHT_SECONDS);
	bf_reply(connection, 204, NULL, headers, NULL, 0);
	free(headers);
	return true;
}
