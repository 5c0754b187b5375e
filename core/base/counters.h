#ifndef BF_COUNTERS_H
#define BF_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/base/gcra.h"

/*
 * What is counted in memory that the master shares among its children: each
 * intake writes its own slot, whoever is asked for metrics adds them up. The
 * rates of tokens are held by all intakes together.
 */
enum bf_counter {
	BF_COUNT_CONNECTIONS,         /* accepted so far */
	BF_COUNT_CONNECTIONS_OPEN,    /* now */
	BF_COUNT_CONNECTIONS_REFUSED, /* over the limit */
	BF_COUNT_REQUESTS,
	BF_COUNT_REQUESTS_BAD,    /* answered 4xx */
	BF_COUNT_REQUESTS_FAILED, /* answered 5xx */
	BF_COUNT_EVENTS_ACCEPTED,
	BF_COUNT_EVENTS_REFUSED,
	BF_COUNTER_KINDS,
};

#define BF_COUNTER_SLOTS 256

struct bf_counters {
	_Atomic uint64_t values[BF_COUNTER_SLOTS][BF_COUNTER_KINDS];
	_Atomic uint64_t log_dropped; /* lines, by all processes */
	struct bf_gcra tokens;        /* what was taken of their rates */
};

#endif
