/*
 * backlog.c - whether more and more deliveries wait
 */
#include "core/scheduler/backlog.h"

bool
bf_backlog_grows(struct bf_backlog_watch *watch, int64_t waiting, int64_t limit)
{
	const int64_t seen = watch->seen;

	watch->seen = waiting;
	if (waiting <= limit)
		watch->said = 0;
	if (waiting <= limit || seen <= limit || waiting <= seen ||
	    waiting / 2 < watch->said)
		return false;
	watch->said = waiting;
	return true;
}
