/*
 * bucket.c - a token bucket
 */
#include "core/dispatch/bucket.h"

static double
per_ms(const struct bf_rate *rate)
{
	return (double)rate->count / (double)rate->period.ms;
}

static double
burst_of(const struct bf_rate *rate)
{
	return rate->burst > 0 ? (double)rate->burst : 1;
}

/* How many tokens came since the bucket was last touched. */
static double
gained(const struct bf_bucket *bucket, const struct bf_rate *rate, int64_t now)
{
	return now > bucket->filled
		   ? (double)(now - bucket->filled) * per_ms(rate)
		   : 0;
}

static bool
is_spent(const struct bf_bucket *bucket, const struct bf_rate *rate,
    int64_t now)
{
	return bucket->spent && gained(bucket, rate, now) < burst_of(rate);
}

/* How many tokens there are at the time. */
static double
level(const struct bf_bucket *bucket, const struct bf_rate *rate, int64_t now)
{
	const double burst = burst_of(rate);
	const double most = is_spent(bucket, rate, now) ? 1 : burst;
	const double tokens = bucket->tokens + gained(bucket, rate, now);

	if (bucket->filled == 0)
		return burst;
	return tokens < most ? tokens : most;
}

bool
bf_bucket_take(struct bf_bucket *bucket, const struct bf_rate *rate,
    int64_t now)
{
	double tokens;

	if (rate->count == 0)
		return true;
	tokens = level(bucket, rate, now);
	/* The sum of many small fillings may fall short of a whole by a hair.
	 */
	if (tokens < 1 - 1e-6)
		return false;
	bucket->spent = is_spent(bucket, rate, now);
	bucket->tokens = tokens - 1;
	bucket->filled = now > 0 ? now : 1;
	return true;
}

void
bf_bucket_restart(struct bf_bucket *bucket, int64_t at)
{
	bucket->tokens = 1;
	bucket->spent = true;
	bucket->filled = at > 0 ? at : 1;
}

int64_t
bf_bucket_ready(const struct bf_bucket *bucket, const struct bf_rate *rate,
    int64_t now)
{
	double missing;

	if (rate->count == 0)
		return now;
	missing = 1 - level(bucket, rate, now);
	return missing <= 1e-6 ? now
			       : now + (int64_t)(missing / per_ms(rate)) + 1;
}
