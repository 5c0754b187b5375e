#ifndef BF_RETRY_H
#define BF_RETRY_H

#include <stdbool.h>

#include "core/registry/snapshot.h"

/*
 * How long to wait after the n-th failed attempt (1 for the first).
 *
 * random  a number to draw the jitter from: any value, evenly spread
 * wait    set if there is another try: the delay of the schedule, longer by
 *         at most jitter per cent, never shorter
 *
 * Returns false when the schedule is used up.
 */
bool bf_retry_next(const struct bf_retry *retry, int failures, uint32_t random,
    struct bf_duration *wait);

#endif
