/*
 * request_fuzz.c - arbitrary bytes as a request, whole and cut into pieces
 *
 * However the bytes are cut, the outcome must be the same: what one reader
 * takes for the end of a request, another must not take for its middle.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/intake/http.h"
#include "core/intake/uri.h"

static const struct bf_http_limits limits = { 2048, 1024 };

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

/* Reads a request in pieces of at most step bytes; *at: where it ended. */
static enum bf_http_state
read_request(struct bf_http *http, const unsigned char *bytes, size_t size,
    size_t step, size_t *at)
{
	enum bf_http_state state = BF_HTTP_HEAD;
	bool moved = true;

	*at = 0;
	while (moved && state != BF_HTTP_DONE && state != BF_HTTP_ERROR) {
		const enum bf_http_state before = state;
		const size_t left = size - *at;
		const size_t count = left < step ? left : step;
		char *piece = malloc(count ? count : 1);
		size_t used;

		memcpy(piece, bytes + *at, count);
		state = bf_http_read(http, piece, count, &used);
		free(piece);
		assert(used <= count);
		*at += used;
		moved = used > 0 || state != before;
	}
	return state;
}

static void
compare(const struct bf_http_request *a, const struct bf_http_request *b)
{
	assert(strcmp(a->path, b->path) == 0);
	assert(!a->query == !b->query);
	assert(a->body.size == b->body.size);
	assert(a->body.size == 0 ||
	       memcmp(a->body.data, b->body.data, a->body.size) == 0);
	assert(a->body.size <= limits.body);
	assert(a->keep_alive == b->keep_alive);
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct bf_http *whole = bf_http_new(&limits);
	struct bf_http *cut = bf_http_new(&limits);
	enum bf_http_state state, other;
	const size_t step = size > 0 ? 1 + bytes[size - 1] % 16 : 1;
	size_t at, end;

	state = read_request(whole, bytes, size, size, &at);
	other = read_request(cut, bytes, size, step, &end);
	assert(state == other);
	if (state == BF_HTTP_DONE) {
		assert(at == end);
		compare(bf_http_request(whole), bf_http_request(cut));
		free(bf_uri_parameter(bf_http_request(whole)->query, "a"));
	}
	if (state == BF_HTTP_ERROR)
		assert(bf_http_request(whole)->status ==
		       bf_http_request(cut)->status);
	bf_http_free(&whole);
	bf_http_free(&cut);
	return 0;
}
