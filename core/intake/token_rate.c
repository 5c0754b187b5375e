/*
 * token_rate.c - how fast requests may be made with one token
 *
 * What a token has taken is known to all intakes, so that neither their number
 * nor that of connections matters. It outlives a reload, but not another rate:
 * that begins anew.
 */
#include <inttypes.h>
#include <string.h>

#include <belfry/clock.h>

#include "core/intake/intake_private.h"

#define SECOND INT64_C(1000000000)

static struct bf_gcra_limit
limit_of(const struct bf_rate *rate)
{
	return bf_gcra_limit(rate->count, rate->period.ms, rate->burst);
}

static int64_t
now(void)
{
	return bf_clock_monotonic_us() * 1000;
}

uint64_t
bf_token_rate_key(const unsigned char hash[BF_TOKEN_HASH_SIZE],
    const struct bf_rate *rate)
{
	const struct bf_gcra_limit limit = limit_of(rate);
	uint64_t key;

	memcpy(&key, hash, sizeof(key));
	key ^= (uint64_t)limit.interval * UINT64_C(0x9e3779b97f4a7c15) +
	       (uint64_t)limit.burst;
	return key ? key : 1;
}

/*
 * Source of the fields: draft-ietf-httpapi-ratelimit-headers-10. The quota is
 * that of the rate's period; nothing is left of it now.
 */
static int
refuse(struct connection *connection, int64_t wait)
{
	const struct bf_rate *rate = &connection->caller.rate;
	const int64_t seconds = (wait + SECOND - 1) / SECOND;
	char headers[200];

	snprintf(headers, sizeof(headers),
	    "Retry-After: %" PRId64 "\r\n"
	    "RateLimit-Policy: \"token\";q=%" PRId64 ";w=%" PRId64 "\r\n"
	    "RateLimit: \"token\";r=0;t=%" PRId64 "\r\n",
	    seconds, rate->count, rate->period.ms / 1000, seconds);
	bf_reply_problem(connection, 429, "token-rate", NULL, headers,
	    "faster than the token may be used; try again in %" PRId64 " s",
	    seconds);
	return -1;
}

int
bf_token_rate_take(struct connection *connection)
{
	const struct caller *caller = &connection->caller;
	struct bf_gcra_limit limit;
	int64_t wait;

	if (caller->rate.count == 0)
		return 0;
	limit = limit_of(&caller->rate);
	wait = bf_gcra_take(&connection->intake->counters->tokens,
	    caller->rate_key, &limit, now());
	return wait > 0 ? refuse(connection, wait) : 0;
}

int
bf_token_rate_take_lines(struct connection *connection, size_t lines)
{
	const struct caller *caller = &connection->caller;
	struct bf_gcra_limit limit;
	int64_t wait;

	if (caller->rate.count == 0 || lines < 2)
		return 0;
	limit = limit_of(&caller->rate);
	wait = bf_gcra_take_more(&connection->intake->counters->tokens,
	    caller->rate_key, &limit, (int64_t)lines - 1, now());
	return wait > 0 ? refuse(connection, wait) : 0;
}
