#ifndef BF_WINDOW_H
#define BF_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many attempts are made at once: as many as the endpoint turns out to
 * bear, up to a bound. A window lives in rounds, each of as many attempts as it
 * allows. After a round without a failure that it made full use of, it is one
 * larger; after one with failures, smaller by half their number, which halves
 * it when all failed (additive increase and multiplicative decrease in
 * proportion: RFC 5681, section 3.1, and RFC 8257, section 3.3). It doubles
 * until it meets the first failure, and after an outage up to where that found
 * it. At one attempt at once, which it always allows, each further failure
 * makes the time between two of them longer, and a success ends that.
 *
 * Pure arithmetic: times are monotonic milliseconds that the caller gives.
 */
struct bf_window {
	size_t bound;     /* it grows no further */
	size_t size;      /* attempts at once now: 1 to bound */
	size_t threshold; /* up to which it doubles */
	size_t left;      /* outcomes until the end of the round ... */
	size_t failures;  /* ... and how many said that the endpoint is ill */
	bool full;        /* the round made full use of it */
	bool shrinking;   /* by the round before */
	unsigned refused; /* deliveries in a row */
	int64_t gap_ms;   /* least time between two attempts; 0: none */
	int64_t began;    /* the last attempt */
};

/* What the end of an attempt says of its endpoint. */
enum bf_health {
	BF_HEALTH_UNKNOWN, /* nothing: it was not tried, or its worker died */
	BF_HEALTH_WELL,
	BF_HEALTH_REFUSES, /* it answers, and would not have this delivery */
	BF_HEALTH_ILL,     /* no answer in time, or that it can't do it now */
};

/* Sets the bound, at least 1. Begins anew if it is another one. */
void bf_window_bound(struct bf_window *window, size_t bound);

/* Forgets what was learned: the endpoint is another one, or was mended. */
void bf_window_restart(struct bf_window *window);

/* How many more attempts may begin beside those in flight, if it is time. */
size_t bf_window_room(const struct bf_window *window, size_t in_flight);

/* When the next attempt may begin; in the past: now. */
int64_t bf_window_ready(const struct bf_window *window);

/* An attempt begins; in_flight has it. */
void bf_window_begin(struct bf_window *window, size_t in_flight, int64_t now);

/* An attempt has ended. */
void bf_window_end(struct bf_window *window, enum bf_health health);

#endif
