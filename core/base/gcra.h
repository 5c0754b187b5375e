#ifndef BF_GCRA_H
#define BF_GCRA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Limits on rates, held across processes in memory that they share, without a
 * lock: whoever dies in between leaves nothing behind. Zeroed memory is an
 * empty table.
 *
 * A key is known by one number, the theoretical arrival time (TAT): when all
 * that was taken will have been made up for. Source: the virtual scheduling
 * algorithm of ITU-T I.371, appendix A, "generic cell rate algorithm".
 *
 * Times are nanoseconds of one monotonic clock, the same in all processes.
 */

#define BF_GCRA_SLOTS 16384 /* keys that have something to make up for */

struct bf_gcra {
	struct {
		_Atomic uint64_t key; /* 0: never used */
		_Atomic int64_t tat;
	} slots[BF_GCRA_SLOTS];
};

struct bf_gcra_limit {
	int64_t interval; /* nanoseconds that one costs */
	int64_t burst;    /* how many at once, at least 1 */
};

/* The limit of count in each period of so many ms, burst at once. */
struct bf_gcra_limit bf_gcra_limit(int64_t count, int64_t period_ms,
    int64_t burst);

/*
 * Takes one for the key (not 0), if that may be. Returns 0, or how many
 * nanoseconds to wait until it may; then nothing was taken.
 */
int64_t bf_gcra_take(struct bf_gcra *gcra, uint64_t key,
    const struct bf_gcra_limit *limit, int64_t now);

/*
 * Takes more for something of which bf_gcra_take has taken the first, all or
 * nothing. More than a burst are taken too, when nothing else is to be made up
 * for; whoever comes next waits for them all. Returns 0, or how long to wait
 * until the first and these may be taken.
 */
int64_t bf_gcra_take_more(struct bf_gcra *gcra, uint64_t key,
    const struct bf_gcra_limit *limit, int64_t more, int64_t now);

#endif
