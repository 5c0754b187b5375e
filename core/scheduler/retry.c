/*
 * retry.c - how long to wait after a failed attempt
 */
#include "core/scheduler/retry.h"

bool
bf_retry_next(const struct bf_retry *retry, int failures, uint32_t random,
    struct bf_duration *wait)
{
	int64_t delay;

	if (failures < 1 || (size_t)failures > retry->count)
		return false;
	delay = retry->delays[failures - 1].ms;
	/* random / 2^32 of the jitter: never shorter than the schedule. */
	wait->ms = delay + (int64_t)((double)delay * retry->jitter / 100 *
				     ((double)random / 4294967296.0));
	return true;
}
