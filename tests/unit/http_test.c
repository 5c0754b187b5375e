/*
 * http_test.c - requests that must be read, and those that must be refused
 *
 * Every case is fed whole and byte by byte, each piece from memory of exactly
 * its size, so that a sanitizer sees a byte read too many. Both ways must come
 * to the same end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/intake/api_schema.h"
#include "core/intake/entity_tag.h"
#include "core/intake/http.h"
#include "core/intake/uri.h"

#define BODY_MOST 100
#define HEAD_MOST 16384

/* Text with NULs: its size is that of the literal. */
#define BYTES(literal) (literal), sizeof(literal) - 1

#define POST "POST /v1/events HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct bf_http_limits limits = { HEAD_MOST, BODY_MOST };

/*
 * Feeds http until the request ends or the bytes do, in pieces of at most
 * step bytes. Returns the state, and the bytes that were used.
 */
static enum bf_http_state
feed(struct bf_http *http, const char *bytes, size_t size, size_t step,
    size_t *used)
{
	enum bf_http_state state = BF_HTTP_HEAD;
	bool moved = true;

	*used = 0;
	while (moved && state != BF_HTTP_DONE && state != BF_HTTP_ERROR) {
		const enum bf_http_state before = state;
		const size_t left = size - *used;
		const size_t count = left < step ? left : step;
		char *piece = malloc(count ? count : 1);
		size_t took;

		memcpy(piece, bytes + *used, count);
		state = bf_http_read(http, piece, count, &took);
		free(piece);
		assert_in_range(took, 0, count);
		*used += took;
		moved = took > 0 || state != before;
	}
	return state;
}

/* ---- what is refused ---- */

static const struct refusal {
	const char *name;
	const char *bytes;
	size_t size;
	int status;
} refusals[] = {
	/* Lengths that two readers could understand differently. */
	{ "negative length", BYTES(POST "Content-Length: -1\r\n\r\n"), 400 },
	{ "length with a sign", BYTES(POST "Content-Length: +5\r\n\r\nabcde"),
	    400 },
	{ "hexadecimal length", BYTES(POST "Content-Length: 0x5\r\n\r\nabcde"),
	    400 },
	{ "length of 20 digits",
	    BYTES(POST "Content-Length: 99999999999999999999\r\n\r\n"), 400 },
	{ "length 2^64 + 1",
	    BYTES(POST "Content-Length: 18446744073709551617\r\n\r\n"), 400 },
	{ "length twice",
	    BYTES(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde"),
	    400 },
	{ "same length twice",
	    BYTES(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde"),
	    400 },
	{ "list of lengths", BYTES(POST "Content-Length: 5, 6\r\n\r\nabcde"),
	    400 },
	{ "two lengths and a space",
	    BYTES(POST "Content-Length: 5 6\r\n\r\nabcde"), 400 },
	{ "empty length", BYTES(POST "Content-Length: \r\n\r\n"), 400 },

	/* Transfer encodings. */
	{ "length and chunks",
	    BYTES(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "0\r\n\r\n"),
	    400 },
	{ "chunks and length",
	    BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
		       "0\r\n\r\n"),
	    400 },
	{ "chunked twice",
	    BYTES(POST "Transfer-Encoding: chunked\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	    501 },
	{ "chunked in a list twice",
	    BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 501 },
	{ "unknown encoding", BYTES(POST "Transfer-Encoding: br\r\n\r\n"),
	    501 },
	{ "gzip, chunked",
	    BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501 },
	{ "chunked, identity",
	    BYTES(POST "Transfer-Encoding: chunked, identity\r\n\r\n"), 501 },
	{ "obfuscated: vertical tab",
	    BYTES(POST "Transfer-Encoding: \vchunked\r\n\r\n"), 501 },
	{ "obfuscated: quoted",
	    BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 501 },
	{ "obfuscated: xchunked",
	    BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501 },
	{ "empty encoding", BYTES(POST "Transfer-Encoding:\r\n\r\n"), 501 },
	{ "chunked in HTTP/1.0",
	    BYTES("POST / HTTP/1.0\r\nHost: x\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	    501 },

	/* Chunk sizes. */
	{ "negative chunk", BYTES(CHUNKED "-1\r\nab\r\n0\r\n\r\n"), 400 },
	{ "chunk of 17 F", BYTES(CHUNKED "FFFFFFFFFFFFFFFFF\r\nab"), 400 },
	{ "chunk 2^64 + 1", BYTES(CHUNKED "10000000000000001\r\na\r\n"), 400 },
	{ "chunk 2^63, refused by its size",
	    BYTES(CHUNKED "8000000000000000\r\na"), 413 },
	{ "chunk size of text", BYTES(CHUNKED "zz\r\nab\r\n"), 400 },
	{ "chunk size with 0x", BYTES(CHUNKED "0x2\r\nab\r\n0\r\n\r\n"), 400 },
	{ "empty chunk size", BYTES(CHUNKED "\r\nab\r\n"), 400 },
	{ "chunk without its CRLF", BYTES(CHUNKED "2\r\nabcd\r\n"), 400 },
	{ "chunk with LF only", BYTES(CHUNKED "2\nab\n0\n\n"), 400 },
	{ "chunk size with a byte that is no digit",
	    BYTES(CHUNKED "\xff"
			  "2\r\nab\r\n0\r\n\r\n"),
	    400 },
	{ "bare LF behind a chunk size that is too large",
	    BYTES(CHUNKED "100000;a=b\n5"), 400 },
	{ "bare LF in a chunk extension",
	    BYTES(CHUNKED "2;\nab\r\n03\r\n0\r\n\r\n"), 400 },
	{ "bare LF in the extension of the last chunk",
	    BYTES(CHUNKED "0;\n\r\n\r\n"), 400 },
	{ "bare LF ends a trailer", BYTES(CHUNKED "0\r\nX: a\n\r\n"), 400 },
	{ "bare LF ends the trailers", BYTES(CHUNKED "0\r\nX: a\r\n\n"), 400 },
	{ "bare LF in place of trailers", BYTES(CHUNKED "0\r\n\n"), 400 },
	{ "chunk larger than the limit",
	    BYTES(CHUNKED "65\r\n"
			  "0123456789012345678901234567890123456789012345678901"
			  "234567890123456789"
			  "0123456789012345678901234567890\r\n0\r\n\r\n"),
	    413 },

	/* The size of the body. */
	{ "1 GB, refused by its head",
	    BYTES(POST "Content-Length: 1073741824\r\n\r\n"), 413 },
	{ "one byte over the limit", BYTES(POST "Content-Length: 101\r\n\r\n"),
	    413 },

	/* Header lines. */
	{ "no Host", BYTES("GET / HTTP/1.1\r\nAccept: x\r\n\r\n"), 400 },
	{ "two Hosts", BYTES("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
	    400 },
	{ "space before the colon",
	    BYTES(POST "Content-Length : 5\r\n\r\nabcde"), 400 },
	{ "no colon", BYTES(POST "Nonsense\r\n\r\n"), 400 },
	{ "no name", BYTES(POST ": x\r\n\r\n"), 400 },
	{ "NUL in a value", BYTES(POST "X: a\0b\r\n\r\n"), 400 },
	{ "NUL in a name", BYTES(POST "X\0Y: a\r\n\r\n"), 400 },
	{ "NUL in the target", BYTES("GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"),
	    400 },
	{ "bare CR in a value", BYTES(POST "X: a\rY: b\r\n\r\n"), 400 },
	{ "bare LF ends a line", BYTES("GET / HTTP/1.1\nHost: x\r\n\r\n"),
	    400 },
	{ "bare LF ends the head", BYTES("GET / HTTP/1.1\r\nHost: x\n\n"),
	    400 },
	{ "folded header", BYTES(POST "X: a\r\n b\r\n\r\n"), 400 },
	{ "space in front of the first header",
	    BYTES("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), 400 },
	{ "Authorization twice",
	    BYTES(POST "Authorization: a\r\nAuthorization: b\r\n\r\n"), 400 },
	{ "Host of two words", BYTES("GET / HTTP/1.1\r\nHost: x y\r\n\r\n"),
	    400 },
	{ "Host with a user", BYTES("GET / HTTP/1.1\r\nHost: u@x\r\n\r\n"),
	    400 },

	/* The request line. */
	{ "broken percent-encoding",
	    BYTES("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "percent at the end", BYTES("GET /a% HTTP/1.1\r\nHost: x\r\n\r\n"),
	    400 },
	{ "broken percent-encoding in the query",
	    BYTES("GET /?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "encoded NUL in the query",
	    BYTES("GET /?a=%00 HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "encoded NUL", BYTES("GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "two blanks", BYTES("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "absolute target of another host",
	    BYTES("GET http://y/v1 HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "absolute target of a longer host",
	    BYTES("GET http://xy/v1 HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "absolute target with a user",
	    BYTES("GET http://u@x/v1 HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "absolute target without a host",
	    BYTES("GET http:///v1 HTTP/1.1\r\nHost:\r\n\r\n"), 400 },
	{ "absolute target of another scheme",
	    BYTES("GET ftp://x/v1 HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "asterisk", BYTES("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "CONNECT", BYTES("CONNECT y:1 HTTP/1.1\r\nHost: x\r\n\r\n"), 400 },
	{ "unknown method", BYTES("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501 },
	{ "HTTP/1.2", BYTES("GET / HTTP/1.2\r\nHost: x\r\n\r\n"), 505 },
	{ "HTTP/2.0", BYTES("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505 },
	{ "HTTP/9.9", BYTES("GET / HTTP/9.9\r\nHost: x\r\n\r\n"), 505 },

	/* What is not HTTP/1.1 at all. */
	{ "TLS hello", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	    400 },
	{ "preface of HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 501 },
	{ "binary", BYTES("\xff\xfe\x00\x80"), 400 },
	{ "HTTP/0.9", BYTES("GET /\r\n\r\n"), 505 },
	{ "empty lines without end", BYTES("\r\n\r\n\r\n\r\n\r\n\r\n"), 400 },
};

static void
what_is_ambiguous_is_refused_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		const size_t steps[] = { refusal->size, 1, 7 };

		for (size_t j = 0; j < 3; j++) {
			struct bf_http *http = bf_http_new(&limits);
			size_t used;

			if (feed(http, refusal->bytes, refusal->size, steps[j],
				&used) != BF_HTTP_ERROR ||
			    bf_http_request(http)->status != refusal->status)
				fail_msg("%s, by %zu bytes: status %d",
				    refusal->name, steps[j],
				    bf_http_request(http)->status);
			assert_int_not_equal(bf_http_request(http)
						 ->error.text[0],
			    '\0');
			bf_http_free(&http);
		}
	}
}

/* ---- what is taken ---- */

static const struct taken {
	const char *name;
	const char *bytes;
	const char *path, *query, *body;
	bool keep_alive;
} taken[] = {
	{ "no body", "GET /v1/events?limit=5&x HTTP/1.1\r\nHost: x\r\n\r\n",
	    "/v1/events", "limit=5&x", "", true },
	{ "length", POST "Content-Length: 5\r\n\r\nabcde", "/v1/events", NULL,
	    "abcde", true },
	{ "length 0", POST "Content-Length: 0\r\n\r\n", "/v1/events", NULL, "",
	    true },
	{ "chunks", CHUNKED "2\r\nab\r\n3;name=value\r\ncde\r\n0\r\n\r\n",
	    "/v1/events", NULL, "abcde", true },
	{ "chunks with trailers",
	    CHUNKED "2\r\nab\r\n0\r\nX-Trailer: y\r\n\r\n", "/v1/events", NULL,
	    "ab", true },
	{ "names in any case",
	    "POST / HTTP/1.1\r\nHOST: x\r\ncontent-LENGTH: 2\r\n\r\nab", "/",
	    NULL, "ab", true },
	{ "decoded path", "GET /a%20b%2Fc HTTP/1.1\r\nHost: x\r\n\r\n",
	    "/a b/c", NULL, "", true },
	{ "to be closed",
	    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "\r\n",
	    "/", NULL, "", false },
	{ "HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "/", NULL, "", false },
	{ "empty line in front", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "/",
	    NULL, "", true },
	/* RFC 9110, section 7.8: an upgrade that is not offered is ignored.
	 * Java's client and curl --http2 ask with every request. */
	{ "upgrade asked for",
	    POST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		 "HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 2\r\n"
		 "\r\nab",
	    "/v1/events", NULL, "ab", true },
	{ "upgrade asked for without a body",
	    "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
	    "Upgrade: h2c\r\n\r\n",
	    "/", NULL, "", true },
};

static void
check_taken(const struct taken *expected, size_t step)
{
	struct bf_http *http = bf_http_new(&limits);
	const struct bf_http_request *request = bf_http_request(http);
	const size_t size = strlen(expected->bytes);
	size_t used;

	if (feed(http, expected->bytes, size, step, &used) != BF_HTTP_DONE)
		fail_msg("%s, by %zu bytes: %d %s", expected->name, step,
		    request->status, request->error.text);
	assert_int_equal(used, size);
	assert_string_equal(request->path, expected->path);
	assert_string_equal(bf_buf_text(&request->body), expected->body);
	if (expected->query)
		assert_string_equal(request->query, expected->query);
	else
		assert_null(request->query);
	assert_int_equal(request->keep_alive, expected->keep_alive);
	bf_http_free(&http);
}

static void
what_is_clear_is_taken_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		check_taken(&taken[i], strlen(taken[i].bytes));
		check_taken(&taken[i], 1);
		check_taken(&taken[i], 3);
	}
}

static void
the_headers_that_matter_are_kept(void **state)
{
	static const char bytes[] = POST
	    "Authorization: Bearer t\r\nContent-Type: application/json \r\n"
	    "Content-Encoding: gzip\r\nExpect: 100-Continue\r\n"
	    "Idempotency-Key: k\r\nContent-Length: 2\r\n\r\n";
	struct bf_http *http = bf_http_new(&limits);
	const struct bf_http_request *request = bf_http_request(http);
	size_t used;

	(void)state;
	assert_int_equal(feed(http, bytes, sizeof(bytes) - 1, 1000, &used),
	    BF_HTTP_BODY);
	assert_string_equal(request->method, "POST");
	assert_string_equal(request->authorization, "Bearer t");
	assert_string_equal(request->content_type, "application/json");
	assert_string_equal(request->content_encoding, "gzip");
	assert_string_equal(request->idempotency_key, "k");
	assert_true(request->expects_continue);
	assert_true(request->has_body);
	assert_int_equal(request->content_length, 2);
	bf_http_free(&http);
}

/* A head may come alone: the caller looks at it, and asks for more. */
static void
a_body_may_come_later_than_its_head(void **state)
{
	static const char head[] = POST "Content-Length: 2\r\n\r\n";
	struct bf_http *http = bf_http_new(&limits);
	size_t used;

	(void)state;
	assert_int_equal(bf_http_read(http, head, sizeof(head) - 1, &used),
	    BF_HTTP_BODY);
	assert_int_equal(used, sizeof(head) - 1);
	assert_int_equal(bf_http_read(http, "", 0, &used), BF_HTTP_BODY);
	assert_int_equal(used, 0);
	assert_int_equal(bf_http_read(http, "a", 1, &used), BF_HTTP_BODY);
	assert_int_equal(bf_http_read(http, "", 0, &used), BF_HTTP_BODY);
	assert_int_equal(bf_http_read(http, "b", 1, &used), BF_HTTP_DONE);
	bf_http_free(&http);
}

static void
a_request_ends_where_the_next_begins(void **state)
{
	static const char bytes[] =
	    POST "Content-Length: 2\r\n\r\nab" CHUNKED "1\r\nc\r\n0\r\n\r\n"
		 "GET /last HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char *const paths[] = { "/v1/events", "/v1/events",
		"/last" };
	static const char *const bodies[] = { "ab", "c", "" };
	const size_t steps[] = { sizeof(bytes), 1 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bf_http *http = bf_http_new(&limits);
		size_t at = 0, used;

		for (size_t j = 0; j < 3; j++) {
			struct bf_http_request *request = bf_http_request(http);

			assert_int_equal(feed(http, bytes + at,
					     sizeof(bytes) - 1 - at, steps[i],
					     &used),
			    BF_HTTP_DONE);
			at += used;
			assert_string_equal(request->path, paths[j]);
			assert_string_equal(bf_buf_text(&request->body),
			    bodies[j]);
			bf_http_reset(http);
		}
		assert_int_equal(at, sizeof(bytes) - 1);
		bf_http_free(&http);
	}
}

/* ---- what has no end ---- */

/*
 * Feeds start, then piece again and again until it is refused; returns the
 * status, and in *fed how many bytes were read by then.
 */
static int
feed_endlessly(const char *start, const char *piece, size_t *fed)
{
	struct bf_http *http = bf_http_new(&limits);
	enum bf_http_state state;
	size_t used;
	int status;

	state = feed(http, start, strlen(start), strlen(start), &used);
	*fed = used;
	while (state != BF_HTTP_ERROR && *fed < 10 << 20) {
		const size_t size = strlen(piece);
		size_t at = 0;

		while (at < size && state != BF_HTTP_ERROR) {
			state =
			    bf_http_read(http, piece + at, size - at, &used);
			at += used;
		}
		assert_int_not_equal(state, BF_HTTP_DONE);
		*fed += at;
	}
	status = bf_http_request(http)->status;
	bf_http_free(&http);
	return status;
}

static void
what_has_no_end_is_cut_off_early(void **state)
{
	static const struct {
		const char *start, *piece;
		int status;
		size_t most;
	} cases[] = {
		{ CHUNKED, "1\r\na\r\n", 413, 1000 },
		{ CHUNKED "1;", "extension=value;", 400, 128 << 10 },
		{ CHUNKED "0\r\n", "Trailer: value\r\n", 400, 128 << 10 },
		{ CHUNKED "0\r\nT: ", "value ", 400, 128 << 10 },
		{ CHUNKED, "0", 400, 128 << 10 },
		{ POST "X: ", "value ", 431, HEAD_MOST + 100 },
		{ POST, "X: y\r\n", 431, HEAD_MOST + 100 },
		{ "GET /", "path", 431, HEAD_MOST + 100 },
		{ "POST", "POST", 431, HEAD_MOST + 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t fed;

		assert_int_equal(feed_endlessly(cases[i].start, cases[i].piece,
				     &fed),
		    cases[i].status);
		assert_in_range(fed, 1, cases[i].most);
	}
}

static int
status_of(const struct bf_buf *bytes)
{
	struct bf_http *http = bf_http_new(&limits);
	size_t used;
	int status;

	(void)feed(http, bytes->data, bytes->size, bytes->size, &used);
	status = bf_http_request(http)->status;
	bf_http_free(&http);
	return status;
}

static void
headers_and_targets_have_their_limits(void **state)
{
	struct bf_buf bytes = { 0 };

	(void)state;
	bf_buf_add_text(&bytes, POST);
	for (int i = 0; i < 99; i++)
		bf_buf_add_text(&bytes, "X: y\r\n");
	bf_buf_add_text(&bytes, "\r\n");
	assert_int_equal(status_of(&bytes), 0);

	bytes.size -= 2;
	bf_buf_add_text(&bytes, "X: y\r\n\r\n");
	assert_int_equal(status_of(&bytes), 431);

	bf_buf_clear(&bytes);
	bf_buf_add_format(&bytes, "GET /%08191d HTTP/1.1\r\nHost: x\r\n\r\n",
	    0);
	assert_int_equal(status_of(&bytes), 0);
	bf_buf_clear(&bytes);
	bf_buf_add_format(&bytes, "GET /%08192d HTTP/1.1\r\nHost: x\r\n\r\n",
	    0);
	assert_int_equal(status_of(&bytes), 414);
	bf_buf_free(&bytes);
}

static void
a_body_of_exactly_the_limit_is_taken(void **state)
{
	struct bf_buf bytes = { 0 };

	(void)state;
	bf_buf_add_format(&bytes, POST "Content-Length: 100\r\n\r\n%0100d", 0);
	assert_int_equal(status_of(&bytes), 0);
	bf_buf_clear(&bytes);
	bf_buf_add_format(&bytes, CHUNKED "64\r\n%0100d\r\n0\r\n\r\n", 0);
	assert_int_equal(status_of(&bytes), 0);
	bf_buf_clear(&bytes);
	bf_buf_add_format(&bytes, CHUNKED "64\r\n%0100d\r\n1\r\n", 0);
	bf_buf_add_text(&bytes, "x\r\n");
	assert_int_equal(status_of(&bytes), 413);
	bf_buf_free(&bytes);
}

/* ---- the query ---- */

static void
check_parameter(const char *query, const char *name, const char *expected)
{
	char *value = bf_uri_parameter(query, name);

	if (expected)
		assert_string_equal(value, expected);
	else
		assert_null(value);
	free(value);
}

static void
parameters_are_found_whole_and_decoded(void **state)
{
	(void)state;
	check_parameter("a=1&limit=20", "limit", "20");
	check_parameter("a=1&limit=20", "a", "1");
	check_parameter("xlimit=1&limit=2", "limit", "2");
	check_parameter("limit", "limit", NULL);
	check_parameter("limit=", "limit", "");
	check_parameter("since=2026-04-10T15%3A30+x", "since",
	    "2026-04-10T15:30 x");
	check_parameter("a=%7e%2F+", "a", "~/ ");
	check_parameter("&&a=1", "a", "1");
	check_parameter("", "a", NULL);
	check_parameter(NULL, "a", NULL);
}

/* What is shown, and its tag. */
static void
check_tag(const char *shown, const char *expected)
{
	cJSON *json = cJSON_Parse(shown);
	char tag[BF_ENTITY_TAG];

	bf_entity_tag(json, tag);
	assert_string_equal(tag, expected);
	cJSON_Delete(json);
}

static void
a_tag_is_of_what_is_set(void **state)
{
	(void)state;
	check_tag("{}", "");
	check_tag("{\"enabled\":true,\"source\":\"api\"}", "\"on-api\"");
	check_tag("{\"version\":7}", "\"7\"");
	check_tag("{\"version\":7,\"state\":\"running\",\"waiting\":9,"
		  "\"disabled\":false,"
		  "\"created_at\":\"2026-04-10T15:30:45.123456+00:00\"}",
	    "\"7-20260410153045123456\"");
	check_tag("{\"version\":18446744073709551615,\"state\":\"stopped\","
		  "\"disabled\":true,"
		  "\"created_at\":\"2026-04-10T15:30:45.123456+00:00\"}",
	    "\"18446744073709551616-20260410153045123456-disabled-stopped\"");
	check_tag("{\"version\":1,\"created_at\":\"soon\"}", "\"1\"");
}

static void
a_tag_is_found_in_a_list_of_tags(void **state)
{
	static const struct {
		const char *if_match, *tag;
		bool matches;
	} cases[] = {
		{ "\"1\"", "\"1\"", true },
		{ "\"1\"", "\"12\"", false },
		{ "\"12\"", "\"1\"", false },
		{ " \"a\" ,, \"1\",", "\"1\"", true },
		{ "*", "\"1\"", true },
		{ "*", "", false },
		{ "\"1\"", "", false },
		{ "W/\"1\"", "\"1\"", false },
		{ "W/\"1\", \"1\"", "\"1\"", true },
		{ "\"W/\", \"1\"", "\"1\"", true },
		{ "\"a\"1\"b\"", "\"1\"", false },
		{ "\"a\"\"1\"", "\"1\"", false },
		{ "1, \"1\"", "\"1\"", false },
		{ "\"1", "\"1\"", false },
		{ "", "\"1\"", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (bf_entity_tag_matches(cases[i].if_match, cases[i].tag) !=
		    cases[i].matches)
			fail_msg("%s against %s", cases[i].if_match,
			    cases[i].tag);
	}
}

/* Where there is a bound, a number is held against it; where there is none, it
 * is not converted to what can't hold it. */
static void
numbers_are_whole_however_large(void **state)
{
	static const struct api_member members[] = {
		{ "bounded", API_INTEGER, .min = 1, .max = 10 },
		{ "any", API_INTEGER, .min = 0 },
		{ 0 },
	};
	static const struct api_schema schema = { .members = members };
	static const struct {
		const char *body;
		bool fits;
	} cases[] = {
		{ "{\"bounded\":10}", true },
		{ "{\"bounded\":11}", false },
		{ "{\"bounded\":1.5}", false },
		{ "{\"bounded\":1e300}", false },
		{ "{\"bounded\":-1e300}", false },
		{ "{\"any\":1e300}", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bf_buf field = { 0 }, detail = { 0 };
		cJSON *body = cJSON_Parse(cases[i].body);

		if (bf_api_schema_fits(&schema, body, &field, &detail) !=
		    cases[i].fits)
			fail_msg("%s", cases[i].body);
		cJSON_Delete(body);
		bf_buf_free(&field);
		bf_buf_free(&detail);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_ambiguous_is_refused_however_it_is_cut),
		cmocka_unit_test(what_is_clear_is_taken_however_it_is_cut),
		cmocka_unit_test(the_headers_that_matter_are_kept),
		cmocka_unit_test(a_body_may_come_later_than_its_head),
		cmocka_unit_test(a_request_ends_where_the_next_begins),
		cmocka_unit_test(what_has_no_end_is_cut_off_early),
		cmocka_unit_test(headers_and_targets_have_their_limits),
		cmocka_unit_test(a_body_of_exactly_the_limit_is_taken),
		cmocka_unit_test(parameters_are_found_whole_and_decoded),
		cmocka_unit_test(a_tag_is_of_what_is_set),
		cmocka_unit_test(a_tag_is_found_in_a_list_of_tags),
		cmocka_unit_test(numbers_are_whole_however_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
