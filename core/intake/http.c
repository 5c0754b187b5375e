/*
 * http.c - one HTTP/1.1 request, read strictly
 *
 * The parser (http_parser) is lenient where RFC 9112 lets it be: it takes
 * folded headers and bare line feeds, and does not mind a missing Host. What
 * two readers could understand differently is refused here first. Debian has no
 * newer parser that calls back on headers as a library of its own.
 */
#include "core/intake/http.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <belfry/memory.h>

#include "core/intake/uri.h"

#define HEADERS_MOST 100         /* header fields of a request */
#define TARGET_MOST 8192         /* bytes of a request target */
#define SKIPPED_MOST 4           /* bytes of empty lines in front */
#define OVERHEAD_MOST (64 << 10) /* bytes of chunk framing and trailers */

struct bf_http {
	http_parser parser;
	const struct bf_http_limits *limits;
	struct bf_http_request request;
	struct bf_buf head;
	enum bf_http_state state;
	bool head_done;
	struct bf_buf name, value; /* the header being read */
	bool in_value;
	size_t headers, hosts, lengths, encodings;
	bool bad_host;
	bool other_encoding; /* than chunked */
	bool repeated;       /* a header of which only one can be meant */
	size_t skipped;      /* bytes of empty lines in front */
	size_t body_bytes;   /* of the body as framed */
	const char *framing; /* of the piece being read: not looked at yet */
	bool after_cr;       /* what stands before it is a CR of the framing */
};

static enum bf_http_state
fail(struct bf_http *http, int status, const char *what)
{
	http->request.status = status;
	bf_error_set(&http->request.error, "%s", what);
	http->state = BF_HTTP_ERROR;
	return BF_HTTP_ERROR;
}

/* ---- what the parser calls ---- */

static int
on_url(http_parser *parser, const char *at, size_t length)
{
	struct bf_http *http = parser->data;
	char *target = http->request.target;
	const size_t had = target ? strlen(target) : 0;

	http->request.target = bf_resize(target, had + length + 1, 1);
	memcpy(http->request.target + had, at, length);
	http->request.target[had + length] = '\0';
	return 0;
}

/* The headers that are looked at. */
static const struct {
	const char *name;
	size_t offset;
} wanted[] = {
	{ "Authorization", offsetof(struct bf_http_request, authorization) },
	{ "Content-Type", offsetof(struct bf_http_request, content_type) },
	{ "Content-Encoding",
	    offsetof(struct bf_http_request, content_encoding) },
	{ "Expect", offsetof(struct bf_http_request, expect) },
	{ "Idempotency-Key",
	    offsetof(struct bf_http_request, idempotency_key) },
	{ "If-Match", offsetof(struct bf_http_request, if_match) },
	{ "If-None-Match", offsetof(struct bf_http_request, if_none_match) },
	{ "Host", offsetof(struct bf_http_request, host) },
	{ "Origin", offsetof(struct bf_http_request, origin) },
	{ "Cookie", offsetof(struct bf_http_request, cookie) },
	{ "X-CSRF-Token", offsetof(struct bf_http_request, csrf_token) },
	{ "Access-Control-Request-Method",
	    offsetof(struct bf_http_request, requested_method) },
};

/* Takes off the white space behind a value, which is not part of it. */
static const char *
trim(struct bf_buf *value)
{
	while (value->size > 0 && (value->data[value->size - 1] == ' ' ||
				      value->data[value->size - 1] == '\t'))
		value->data[--value->size] = '\0';
	return bf_buf_text(value);
}

/* Whether a host, perhaps with a port, may be called so. Source: RFC 3986,
 * section 3.2.2: the characters of a name, an address, and a port. */
static bool
is_host(const char *value)
{
	return value[strspn(value,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789-._~!$&'()*+,;=%:[]")] == '\0';
}

/* Keeps the value of a header that is looked at. */
static void
keep_header(struct bf_http *http, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		char **member =
		    (char **)((char *)&http->request + wanted[i].offset);

		if (strcasecmp(name, wanted[i].name) != 0)
			continue;
		if (*member)
			http->repeated = true;
		else
			*member = bf_strdup(value);
	}
}

/* Takes note of one whole header. */
static void
end_header(struct bf_http *http)
{
	const char *name = bf_buf_text(&http->name);
	const char *value = trim(&http->value);

	if (http->name.size == 0)
		return;
	http->headers++;
	if (strcasecmp(name, "Host") == 0) {
		http->hosts++;
		http->bad_host = http->bad_host || !is_host(value);
		keep_header(http, name, value);
	} else if (strcasecmp(name, "Content-Length") == 0) {
		http->lengths++;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		http->encodings++;
		http->other_encoding =
		    http->other_encoding || strcasecmp(value, "chunked") != 0;
	} else {
		keep_header(http, name, value);
	}
	bf_buf_clear(&http->name);
	bf_buf_clear(&http->value);
}

static int
on_header_field(http_parser *parser, const char *at, size_t length)
{
	struct bf_http *http = parser->data;

	/* Trailers are bounded and not looked at. */
	if (http->head_done)
		return 0;
	if (http->in_value)
		end_header(http);
	http->in_value = false;
	bf_buf_add(&http->name, at, length);
	return 0;
}

static int
on_header_value(http_parser *parser, const char *at, size_t length)
{
	struct bf_http *http = parser->data;

	if (http->head_done)
		return 0;
	http->in_value = true;
	bf_buf_add(&http->value, at, length);
	return 0;
}

static int
on_headers_complete(http_parser *parser)
{
	struct bf_http *http = parser->data;

	end_header(http);
	http->head_done = true;
	return 0;
}

/* A size is judged before the chunk comes. */
static int
on_chunk_header(http_parser *parser)
{
	struct bf_http *http = parser->data;

	if (parser->content_length <=
	    http->limits->body - http->request.body.size)
		return 0;
	fail(http, 413, "the body is larger than the limit");
	return -1;
}

/*
 * Checks the lines around the body's data (chunk sizes with their extensions,
 * trailers) up to end: the parser lets an extension go on behind a line feed,
 * where others see its end, and a trailer end with one, where others do not;
 * and it takes a byte beyond ASCII for the digit 0 of a size. No client needs
 * such a byte in an extension or a trailer, either.
 * Source: RFC 9112, section 7.1.
 */
static int
check_framing(struct bf_http *http, const char *end)
{
	const char *wrong = NULL;

	for (; http->framing < end && !wrong; http->framing++) {
		if (*http->framing == '\n' && !http->after_cr)
			wrong = "a line of a chunk or a trailer that does not "
				"end with CRLF";
		else if (*http->framing & 0x80)
			wrong = "a byte beyond ASCII in a line of a chunk or "
				"a trailer";
		http->after_cr = *http->framing == '\r';
	}
	if (wrong)
		fail(http, 400, wrong);
	return wrong ? -1 : 0;
}

static int
on_body(http_parser *parser, const char *at, size_t length)
{
	struct bf_http *http = parser->data;

	if (check_framing(http, at) == -1)
		return -1;
	http->framing = at + length;
	http->after_cr = false;
	if (http->request.body.size + length > http->limits->body) {
		fail(http, 413, "the body is larger than the limit");
		return -1;
	}
	bf_buf_add(&http->request.body, at, length);
	return 0;
}

static int
on_message_complete(http_parser *parser)
{
	struct bf_http *http = parser->data;

	http->state = BF_HTTP_DONE;
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_chunk_header = on_chunk_header,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* ---- the head ---- */

/*
 * Checks a line of the head for what the parser would let pass. Source: RFC
 * 9112, sections 2.2, 3 and 5.
 */
static const char *
check_line(const char *line, size_t length, bool first)
{
	if (length == 0)
		return NULL;
	if (memchr(line, '\0', length) || memchr(line, '\r', length))
		return "a NUL or a bare CR in the head";
	if (first)
		return memmem(line, length, "  ", 2)
			   ? "more than one blank in the request line"
			   : NULL;
	if (line[0] == ' ' || line[0] == '\t')
		return "a folded header line";
	for (size_t i = 0; i < length; i++) {
		if (line[i] == ':')
			return i == 0 ? "a header without a name" : NULL;
		if (line[i] == ' ' || line[i] == '\t')
			return "white space in a header's name";
	}
	return "a header line without a colon";
}

static const char *
check_head(const char *head, size_t size)
{
	const char *wrong = NULL;
	bool first = true;

	while (size > 0 && !wrong) {
		const char *end = memchr(head, '\n', size);
		const size_t length = end ? (size_t)(end - head) : size;

		if (!end || length == 0 || head[length - 1] != '\r')
			return "a line of the head that does not end with "
			       "CRLF";
		wrong = check_line(head, length - 1, first);
		size -= length + 1;
		head = end + 1;
		first = false;
	}
	return wrong;
}

/* The path of a target, with its query. In absolute form it stands behind the
 * host, which has to be that of Host: RFC 9112, section 3.2.2. */
static const char *
path_of(const struct bf_http_request *request)
{
	const char *target = request->target ? request->target : "";
	const size_t length = request->host ? strlen(request->host) : 0;

	if (strncasecmp(target, "http://", 7) == 0)
		target += 7;
	else if (strncasecmp(target, "https://", 8) == 0)
		target += 8;
	else
		return target;
	if (length == 0 || strncasecmp(target, request->host, length) != 0)
		return "";
	return target[length] == '\0' ? "/" : target + length;
}

static enum bf_http_state
split_target(struct bf_http *http)
{
	struct bf_http_request *request = &http->request;
	const char *path = path_of(request);
	char *query;

	if (*path != '/')
		return fail(http, 400,
		    "the request target must be a path, alone or behind the "
		    "host that Host names");
	if (strlen(request->target) > TARGET_MOST)
		return fail(http, 414, "the request target is too long");
	if (!bf_uri_is_encoded(request->target))
		return fail(http, 400,
		    "broken percent-encoding in the request target");
	request->path = bf_strdup(path);
	query = strchr(request->path, '?');
	if (query) {
		*query = '\0';
		request->query = bf_strdup(query + 1);
	}
	bf_uri_decode(request->path);
	return BF_HTTP_BODY;
}

/*
 * What is wrong with the head as a whole, or NULL; *status is then set. Source:
 * RFC 9112, sections 3.2 and 6.
 */
static const char *
judge_head(const struct bf_http *http, int *status)
{
	const http_parser *parser = &http->parser;
	const bool old = parser->http_major == 1 && parser->http_minor == 0;

	*status = 505;
	if (parser->http_major != 1 || parser->http_minor > 1)
		return "only HTTP/1.1 is spoken here";
	*status = 431;
	if (http->headers > HEADERS_MOST)
		return "too many headers";
	*status = 501;
	if (http->other_encoding || http->encodings > 1 ||
	    (http->encodings > 0 && old))
		return "the only transfer encoding is chunked, once, in "
		       "HTTP/1.1";
	*status = 400;
	if (http->hosts > 1 || (http->hosts == 0 && !old) || http->bad_host)
		return "expected one Host header, with the name of a host";
	if (http->lengths > 1 || (http->lengths > 0 && http->encodings > 0))
		return "the length of the body is given twice";
	if (http->repeated)
		return "a header that may be given once is given twice";
	/* An upgrade that is asked for is ignored, but a tunnel can't be: RFC
	 * 9110, section 7.8. */
	if (parser->method == HTTP_CONNECT)
		return "no tunnel is offered";
	return NULL;
}

/* Notes what the head, which is right, says of the request. */
static enum bf_http_state
take_head(struct bf_http *http)
{
	const http_parser *parser = &http->parser;
	struct bf_http_request *request = &http->request;

	request->method = http_method_str((enum http_method)parser->method);
	request->old = parser->http_minor == 0;
	request->keep_alive = http_should_keep_alive(parser) != 0;
	request->content_length =
	    http->lengths ? (size_t)parser->content_length : 0;
	request->has_body = http->encodings > 0 || request->content_length > 0;
	/* RFC 9110, section 10.1.1: in HTTP/1.0 nothing is expected. */
	if (request->old) {
		free(request->expect);
		request->expect = NULL;
	}
	request->expects_continue =
	    request->expect && strcasecmp(request->expect, "100-continue") == 0;
	if (request->content_length > http->limits->body)
		return fail(http, 413, "the body is larger than the limit");
	return split_target(http);
}

/* The length of the head in bytes, with its empty line; 0: not whole. What
 * was looked at before is not looked at again. */
static size_t
head_length(const struct bf_buf *head, size_t looked_at)
{
	const char *bytes = bf_buf_text(head);
	const char *end = bytes + head->size;
	const char *next = bytes + (looked_at > 2 ? looked_at - 2 : 0);

	while ((next = memchr(next, '\n', (size_t)(end - next)))) {
		next++;
		/* Ended by bare line feeds: complete, and about to be refused.
		 */
		if (next < end && *next == '\n')
			return (size_t)(next - bytes) + 1;
		if (end - next >= 2 && memcmp(next, "\r\n", 2) == 0)
			return (size_t)(next - bytes) + 2;
	}
	return 0;
}

/* Parses the head, which is whole. */
static enum bf_http_state
parse_head(struct bf_http *http)
{
	const char *wrong = check_head(http->head.data, http->head.size);
	int status = 400;

	if (wrong)
		return fail(http, status, wrong);
	http_parser_execute(&http->parser, &settings, http->head.data,
	    http->head.size);
	if (!http->head_done) {
		const enum http_errno code = HTTP_PARSER_ERRNO(&http->parser);

		return fail(http, code == HPE_INVALID_METHOD ? 501 : 400,
		    http_errno_description(code));
	}
	wrong = judge_head(http, &status);
	return wrong ? fail(http, status, wrong) : take_head(http);
}

static enum bf_http_state
read_head(struct bf_http *http, const char *bytes, size_t size, size_t *used)
{
	const size_t had = http->head.size;
	size_t length, skipped = 0;

	/* Empty lines in front of a request are left over from the one before
	 * (RFC 9112, section 2.2). */
	while (had == 0 && size > skipped &&
	       (bytes[skipped] == '\r' || bytes[skipped] == '\n') &&
	       http->skipped + skipped < SKIPPED_MOST)
		skipped++;
	http->skipped += skipped;
	if (size - skipped > http->limits->head + 4 - had)
		size = http->limits->head + 4 - had + skipped;
	*used = size;
	if (had == 0 && size > skipped &&
	    (bytes[skipped] < 'A' || bytes[skipped] > 'Z'))
		return fail(http, 400, "that is no HTTP request");
	bf_buf_add(&http->head, bytes + skipped, size - skipped);
	length = head_length(&http->head, had);
	if (length == 0 && http->head.size <= http->limits->head)
		return BF_HTTP_HEAD;
	if (length == 0 || length > http->limits->head)
		return fail(http, 431, "the head is larger than the limit");
	*used = length - had + skipped;
	http->head.size = length;
	http->state = parse_head(http);
	return http->state;
}

/* ---- the body ---- */

static enum bf_http_state
read_body(struct bf_http *http, const char *bytes, size_t size, size_t *used)
{
	size_t parsed;

	/* No bytes would mean the end of the connection to the parser. */
	if (size == 0)
		return BF_HTTP_BODY;
	http->framing = bytes;
	parsed = http_parser_execute(&http->parser, &settings, bytes, size);
	*used = parsed;
	http->body_bytes += parsed;
	/* Whatever else is wrong, in however many pieces it came. */
	(void)check_framing(http, bytes + parsed);
	if (http->state == BF_HTTP_ERROR || http->state == BF_HTTP_DONE)
		return http->state;
	if (HTTP_PARSER_ERRNO(&http->parser) != HPE_OK)
		return fail(http, 400,
		    http_errno_description(HTTP_PARSER_ERRNO(&http->parser)));
	if (http->body_bytes > 2 * http->request.body.size + OVERHEAD_MOST)
		return fail(http, 400, "too much framing for so little body");
	return BF_HTTP_BODY;
}

enum bf_http_state
bf_http_read(struct bf_http *http, const char *bytes, size_t size, size_t *used)
{
	*used = 0;
	if (http->state == BF_HTTP_DONE || http->state == BF_HTTP_ERROR)
		return http->state;
	if (!http->head_done)
		return read_head(http, bytes, size, used);
	if (!http->request.has_body) {
		http->state = BF_HTTP_DONE;
		return BF_HTTP_DONE;
	}
	return read_body(http, bytes, size, used);
}

struct bf_http_request *
bf_http_request(struct bf_http *http)
{
	return &http->request;
}

bool
bf_http_asks_head(const struct bf_http *http)
{
	static const char method[] = "HEAD ";
	const size_t size = sizeof(method) - 1;

	return http->head.size >= size &&
	       memcmp(http->head.data, method, size) == 0;
}

static void
clear_request(struct bf_http_request *request)
{
	free(request->target);
	free(request->path);
	free(request->query);
	if (request->authorization)
		explicit_bzero(request->authorization,
		    strlen(request->authorization));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		free(*(char **)((char *)request + wanted[i].offset));
}

void
bf_http_reset(struct bf_http *http)
{
	struct bf_buf body = http->request.body;

	/* The memory of a body of usual size is used again. */
	clear_request(&http->request);
	if (body.capacity > 64 << 10)
		bf_buf_free(&body);
	bf_buf_clear(&body);
	http->request = (struct bf_http_request){ .body = body };
	bf_buf_clear(&http->head);
	bf_buf_clear(&http->name);
	bf_buf_clear(&http->value);
	http->state = BF_HTTP_HEAD;
	http->head_done = http->in_value = false;
	http->headers = http->hosts = http->lengths = http->encodings = 0;
	http->bad_host = http->other_encoding = http->repeated = false;
	http->skipped = http->body_bytes = 0;
	http->after_cr = false;
	http_parser_init(&http->parser, HTTP_REQUEST);
	http->parser.data = http;
}

struct bf_http *
bf_http_new(const struct bf_http_limits *limits)
{
	struct bf_http *http = bf_new(struct bf_http);

	http->limits = limits;
	bf_http_reset(http);
	return http;
}

void
bf_http_free(struct bf_http **http)
{
	if (!*http)
		return;
	clear_request(&(*http)->request);
	bf_buf_free(&(*http)->request.body);
	bf_buf_wipe(&(*http)->head);
	bf_buf_free(&(*http)->name);
	bf_buf_wipe(&(*http)->value);
	free(*http);
	*http = NULL;
}
