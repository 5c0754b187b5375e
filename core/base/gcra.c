/*
 * gcra.c - limits on rates, held across processes
 *
 * Keys stand in an open table: within a few slots from where they hash to, in
 * the first that was free. A key that has made up for everything, a minute
 * long, is as good as unknown, and its slot is free for another. Between
 * finding a slot and charging it another process may take it for its own key:
 * that one then waits a little longer, once. Nothing else can go wrong, and
 * that only for a key that wakes up in that very moment.
 */
#include "core/base/gcra.h"

#include <stddef.h>

#define PROBES 32                       /* slots that a key may stand in */
#define REST (INT64_C(60) * 1000000000) /* then a slot is free */

struct bf_gcra_limit
bf_gcra_limit(int64_t count, int64_t period_ms, int64_t burst)
{
	/* Rounded up: never faster than was said. */
	return (
	    struct bf_gcra_limit){ (period_ms * 1000000 + count - 1) / count,
		burst > 0 ? burst : 1 };
}

/* The slot of a key; if it has none, *spare is one that it may have. */
static _Atomic int64_t *
look_up(struct bf_gcra *gcra, uint64_t key, int64_t now, size_t *spare)
{
	*spare = BF_GCRA_SLOTS;
	for (size_t i = 0; i < PROBES; i++) {
		const size_t at = (key + i) % BF_GCRA_SLOTS;
		const uint64_t found = atomic_load(&gcra->slots[at].key);

		if (found == key)
			return &gcra->slots[at].tat;
		if (*spare == BF_GCRA_SLOTS &&
		    (found == 0 ||
			now - atomic_load(&gcra->slots[at].tat) > REST))
			*spare = at;
		if (found == 0)
			break;
	}
	return NULL;
}

/* The slot of a key, which gets one; NULL: all that it may have are in use. */
static _Atomic int64_t *
find(struct bf_gcra *gcra, uint64_t key, int64_t now)
{
	_Atomic int64_t *tat;
	size_t spare;

	while (!(tat = look_up(gcra, key, now, &spare))) {
		uint64_t before;

		if (spare == BF_GCRA_SLOTS)
			return NULL;
		before = atomic_load(&gcra->slots[spare].key);
		if (before == 0 ||
		    now - atomic_load(&gcra->slots[spare].tat) > REST)
			atomic_compare_exchange_strong(&gcra->slots[spare].key,
			    &before, key);
	}
	return tat;
}

/* Takes cost if there is room for so much; returns how long until there is.
 * A table without room limits nobody: it takes thousands of keys that are all
 * being made up for, and those who made them are known. */
static int64_t
charge(struct bf_gcra *gcra, uint64_t key, const struct bf_gcra_limit *limit,
    int64_t cost, int64_t room, int64_t now)
{
	_Atomic int64_t *tat = find(gcra, key, now);
	int64_t before, start, missing;

	if (!tat)
		return 0;
	before = atomic_load(tat);
	do {
		start = before > now ? before : now;
		missing = start - now + room - limit->burst * limit->interval;
		if (missing > 0)
			return missing;
	} while (!atomic_compare_exchange_weak(tat, &before, start + cost));
	return 0;
}

int64_t
bf_gcra_take(struct bf_gcra *gcra, uint64_t key,
    const struct bf_gcra_limit *limit, int64_t now)
{
	return charge(gcra, key, limit, limit->interval, limit->interval, now);
}

int64_t
bf_gcra_take_more(struct bf_gcra *gcra, uint64_t key,
    const struct bf_gcra_limit *limit, int64_t more, int64_t now)
{
	const int64_t most = limit->burst - 1;
	const int64_t room = more < most ? more : most;
	const int64_t wait = charge(gcra, key, limit, more * limit->interval,
	    room * limit->interval, now);

	/* The first is taken anew when all is tried again. */
	return wait > 0 ? wait + limit->interval : 0;
}
