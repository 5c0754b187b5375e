#ifndef BF_BACKLOG_H
#define BF_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether the number of deliveries that wait grows so that somebody should
 * know. { 0 } is how it begins.
 */
struct bf_backlog_watch {
	int64_t seen; /* how many waited at the last look */
	int64_t said; /* how many did when it was last worth a word */
};

/*
 * Takes a look, to be taken at even intervals.
 *
 * waiting  deliveries that wait now
 * limit    up to so many are nothing unusual
 *
 * Returns whether it is worth a word: more than limit wait for the second look
 * in a row, more than at the first, and twice as many as when it was last worth
 * one. When no more than limit wait that is forgotten.
 */
bool bf_backlog_grows(struct bf_backlog_watch *watch, int64_t waiting,
    int64_t limit);

#endif
