/*
 * rate_limit.c - what the headers of an answer say of the server's limits
 */
#include "core/lib/rate_limit.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MOST (INT64_C(1) << 40) /* beyond it, it is all the same */

/* A number of seconds as large as this is a time since 1970 (it would be a
 * wait of 30 years, or it is later than 2001). */
#define EPOCH_LEAST_MS INT64_C(1000000000000)

int
bf_seconds_parse(const char *text, struct bf_duration *wait)
{
	const size_t whole = strspn(text, "0123456789");
	const char *fraction = text + whole;
	int64_t ms = 0, unit = 100;
	bool rest = false;

	if (whole == 0)
		return -1;
	for (size_t i = 0; i < whole; i++) {
		if (ms < SECONDS_MOST)
			ms = ms * 10 + (text[i] - '0');
	}
	ms *= 1000;
	if (*fraction == '.') {
		const size_t digits = strspn(++fraction, "0123456789");

		if (digits == 0)
			return -1;
		for (size_t i = 0; i < digits; i++, unit /= 10) {
			ms += (fraction[i] - '0') * unit;
			rest |= unit == 0 && fraction[i] != '0';
		}
		fraction += digits;
	}
	if (*fraction != '\0')
		return -1;
	wait->ms = ms + rest;
	return 0;
}

/* The value of a header, in seconds. */
static bool
find_seconds(const struct bf_response *response, const char *name,
    struct bf_duration *value)
{
	const char *text = bf_response_header(response, name);

	return text && bf_seconds_parse(text, value) == 0;
}

bool
bf_rate_limit_used_up(const struct bf_response *response,
    struct bf_duration *wait)
{
	static const struct {
		const char *remaining, *reset_after, *reset;
	} names[] = {
		{ "X-RateLimit-Remaining", "X-RateLimit-Reset-After",
		    "X-RateLimit-Reset" },
		{ "RateLimit-Remaining", "RateLimit-Reset-After",
		    "RateLimit-Reset" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct bf_duration left, reset;

		if (!find_seconds(response, names[i].remaining, &left))
			continue;
		if (left.ms > 0)
			return false;
		if (!find_seconds(response, names[i].reset_after, &reset) &&
		    !find_seconds(response, names[i].reset, &reset))
			continue;
		if (reset.ms >= EPOCH_LEAST_MS)
			reset.ms -= response->now.ms;
		if (reset.ms <= 0)
			return false;
		*wait = reset;
		return true;
	}
	return false;
}
