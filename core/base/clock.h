#ifndef BELFRY_CLOCK_H
#define BELFRY_CLOCK_H

#include <stdint.h>

#include <belfry/api.h>

/*
 * Times. A duration and an instant are different types, so that the compiler
 * keeps them apart and their unit is always in sight.
 */

/* A length of time in milliseconds. */
struct bf_duration {
	int64_t ms;
};

/* A point in time: milliseconds since 1970-01-01T00:00:00Z, wall clock. */
struct bf_instant {
	int64_t ms;
};

/* The wall clock now. What is stored on disk is measured with it. */
BF_API struct bf_instant bf_clock_wall(void);

/* The wall clock now, in microseconds since 1970-01-01T00:00:00Z. */
BF_API int64_t bf_clock_wall_us(void);

/*
 * Milliseconds of a clock that never steps and has no meaning but by
 * difference (CLOCK_MONOTONIC). Timers and time-outs are measured with it.
 */
BF_API int64_t bf_clock_monotonic_ms(void);

/* The same clock in microseconds. */
BF_API int64_t bf_clock_monotonic_us(void);

#endif
