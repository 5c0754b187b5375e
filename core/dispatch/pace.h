#ifndef BF_PACE_H
#define BF_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/hash.h"
#include "core/dispatch/bucket.h"

/*
 * What holds lanes back together: an endpoint, a platform, or a rate that
 * several have in common. Each is found by its name, and is there as long as a
 * lane uses it: however many pauses there are, none takes memory of its own.
 */
struct bf_pace {
	char *name;
	unsigned users;
	int64_t paused_until; /* monotonic ms; past or 0: not paused */
	struct bf_bucket bucket;
	UT_hash_handle hh;
};

/* Puts the pace of that name, which is made if it is not there, in the place of
 * *pace, which may be NULL. Returns whether that is another one. */
bool bf_pace_change(struct bf_pace **paces, struct bf_pace **pace,
    const char *name);

/* One user less; sets *pace to NULL. A NULL *pace is fine. */
void bf_pace_release(struct bf_pace **paces, struct bf_pace **pace);

#endif
