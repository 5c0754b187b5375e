#ifndef BF_THROTTLE_H
#define BF_THROTTLE_H

#include <stdint.h>

/*
 * Guessing of passwords, slowed down: after some failures each further one
 * makes whoever it was wait, twice as long each time. What is counted is up to
 * the caller: an address, a user's name. Bounded in memory: the oldest is
 * forgotten for a new one. Times are milliseconds of the monotonic clock.
 */

struct bf_throttle;

struct bf_throttle_policy {
	unsigned free;     /* failures that cost nothing */
	int64_t first_ms;  /* the wait after the one that follows */
	int64_t most_ms;   /* the longest wait */
	int64_t forget_ms; /* after so long without a failure all is well */
};

struct bf_throttle *bf_throttle_new(const struct bf_throttle_policy *policy);

/* How long is left until who may try again; 0: now. */
int64_t bf_throttle_wait(const struct bf_throttle *throttle, const char *who,
    int64_t now_ms);

/* A try: it counts as a failure until it is forgiven, so that many at once gain
 * nothing. */
void bf_throttle_count(struct bf_throttle *throttle, const char *who,
    int64_t now_ms);

/* The try was right: nothing is held against who. */
void bf_throttle_forgive(struct bf_throttle *throttle, const char *who);

/* Frees it and sets *throttle to NULL. NULL is fine. */
void bf_throttle_free(struct bf_throttle **throttle);

#endif
