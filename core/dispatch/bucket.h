#ifndef BF_BUCKET_H
#define BF_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/registry/snapshot.h"

/*
 * A token bucket: at most count in each period in the long run, burst at once.
 * Times are monotonic milliseconds. { 0 } is full at its first use.
 */
struct bf_bucket {
	double tokens;
	int64_t filled; /* when tokens was right; 0: never */
	bool spent;     /* saves nothing up until it is idle for a burst */
};

/* Takes a token if there is one. A rate with count 0 has no end of them. */
bool bf_bucket_take(struct bf_bucket *bucket, const struct bf_rate *rate,
    int64_t now);

/* Leaves one token, to which no other comes before the time. From then on they
 * come one by one, until none was wanted for as long as a burst takes. */
void bf_bucket_restart(struct bf_bucket *bucket, int64_t at);

/* When the next token will be there: now or later. */
int64_t bf_bucket_ready(const struct bf_bucket *bucket,
    const struct bf_rate *rate, int64_t now);

#endif
