#ifndef BF_THROTTLE_H
#define BF_THROTTLE_H

#include <stdint.h>

#include "core/conf/ip.h"

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

#define BF_NETWORK_TEXT (BF_IP_TEXT + 3) /* bytes, with its NUL */

/* Whom the tries of an address are counted for: an address of IPv4 itself, of
 * IPv6 the 64 bits that a network has in common ("2001:db8::/64"), as one host
 * there has all the others. Source: RFC 4291, section 2.5.4. What is no address
 * stays as it is. */
void bf_throttle_network(const char *address, char text[BF_NETWORK_TEXT]);

/* Frees it and sets *throttle to NULL. NULL is fine. */
void bf_throttle_free(struct bf_throttle **throttle);

#endif
