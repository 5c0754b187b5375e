/*
 * reply.c - answers
 *
 * Source of problem documents: RFC 9457. Their type is a URN of belfry's own;
 * `field` is a JSON pointer (RFC 6901) to the member that is to blame.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/intake/intake_private.h"

/* "Accepted" for 202, ... */
static const char *
status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}
	return "Unknown";
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", made once a second. */
static const char *
date(struct intake *intake)
{
	const time_t now = time(NULL);
	struct tm tm;

	if (now != intake->date_made) {
		gmtime_r(&now, &tm);
		strftime(intake->date, sizeof(intake->date),
		    "%a, %d %b %Y %H:%M:%S GMT", &tm);
		intake->date_made = now;
	}
	return intake->date;
}

/* What a client must know of the connection. HTTP/1.0 keeps one only when it
 * is told so: RFC 9112, appendix C.2.2. */
static const char *
connection_header(const struct connection *connection)
{
	if (!connection->keep_alive)
		return "Connection: close\r\n";
	return bf_http_request(connection->http)->old
		   ? "Connection: keep-alive\r\n"
		   : "";
}

/* Sends an answer; a 304 has no content, and nothing to say about it (RFC 9110,
 * section 15.4.5). */
static void
reply(struct connection *connection, int status, const char *content_type,
    const char *cache, const char *extra, const char *body, size_t size)
{
	struct intake *intake = connection->intake;
	struct bf_buf out = { 0 };

	bf_intake_count(intake, BF_COUNT_REQUESTS, 1);
	if (status >= 500)
		bf_intake_count(intake, BF_COUNT_REQUESTS_FAILED, 1);
	else if (status >= 400)
		bf_intake_count(intake, BF_COUNT_REQUESTS_BAD, 1);
	if (intake->draining)
		connection->keep_alive = false;
	bf_buf_add_format(&out,
	    "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: belfry\r\n", status,
	    status_text(status), date(intake));
	if (content_type)
		bf_buf_add_format(&out,
		    "Content-Type: %s\r\nContent-Length: %zu\r\n", content_type,
		    size);
	bf_buf_add_format(&out,
	    "Cache-Control: %s\r\nX-Content-Type-Options: nosniff\r\n"
	    "%s%s",
	    cache, extra ? extra : "", connection_header(connection));
	bf_cors_headers(connection, &out);
	bf_buf_add_text(&out, "\r\n");
	if (size > 0 && !bf_connection_asks_head(connection))
		bf_buf_add(&out, body, size);
	bf_connection_answer(connection, &out);
	bf_buf_free(&out);
}

void
bf_reply(struct connection *connection, int status, const char *content_type,
    const char *extra, const char *body, size_t size)
{
	reply(connection, status, content_type, "no-store", extra, body, size);
}

void
bf_reply_cached(struct connection *connection, int status,
    const char *content_type, const char *extra, const char *body, size_t size)
{
	reply(connection, status, content_type, "no-cache", extra, body, size);
}

void
bf_reply_text(struct connection *connection, int status,
    const char *content_type, const char *body)
{
	bf_reply(connection, status, content_type, NULL, body, strlen(body));
}

void
bf_reply_json(struct connection *connection, int status, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	bf_reply_text(connection, status, "application/json", text);
	cJSON_free(text);
	cJSON_Delete(json);
}

cJSON *
bf_problem(int status, const char *slug, const char *field, const char *detail)
{
	cJSON *json = cJSON_CreateObject();
	char type[80];

	snprintf(type, sizeof(type), "urn:belfry:problem:%s", slug);
	cJSON_AddStringToObject(json, "type", type);
	cJSON_AddStringToObject(json, "title", status_text(status));
	cJSON_AddNumberToObject(json, "status", status);
	cJSON_AddStringToObject(json, "detail", detail);
	if (field)
		cJSON_AddStringToObject(json, "field", field);
	return json;
}

void
bf_reply_problem(struct connection *connection, int status, const char *slug,
    const char *field, const char *extra, const char *format, ...)
{
	char detail[600];
	va_list args;
	cJSON *json;
	char *text;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	json = bf_problem(status, slug, field, detail);
	text = cJSON_PrintUnformatted(json);
	bf_reply(connection, status, "application/problem+json", extra, text,
	    strlen(text));
	cJSON_free(text);
	cJSON_Delete(json);
}
