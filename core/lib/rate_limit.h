#ifndef BELFRY_RATE_LIMIT_H
#define BELFRY_RATE_LIMIT_H

#include <stdbool.h>

#include <belfry/api.h>
#include <belfry/clock.h>
#include <belfry/response.h>

/*
 * Reads a number of seconds with or without a fraction ("1", "0.35"): whole
 * milliseconds, rounded up. Returns 0, or -1 and leaves wait alone when text is
 * anything else.
 */
BF_API int bf_seconds_parse(const char *text, struct bf_duration *wait);

/*
 * Whether the headers of an answer say that it used up what the server takes
 * for now: X-RateLimit-Remaining is 0. wait is set then, to the time until
 * there is more: X-RateLimit-Reset-After in seconds, else X-RateLimit-Reset in
 * seconds from now or since 1970. The same without "X-". False if no header
 * says how long, or the time has passed.
 *
 * Sources: Discord's and GitHub's documentation of their rate limits;
 * draft-ietf-httpapi-ratelimit-headers-07, section 5.
 */
BF_API bool bf_rate_limit_used_up(const struct bf_response *response,
    struct bf_duration *wait);

#endif
