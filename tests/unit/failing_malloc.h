#ifndef BF_FAILING_MALLOC_H
#define BF_FAILING_MALLOC_H

#include <stdbool.h>

/*
 * Allocations made to fail, each in turn. A program with failing_malloc.c in it
 * has its own malloc(), which all libraries call too.
 */

/*
 * Runs something once, and at each allocation on the way makes two processes
 * more that go on from there: in one this allocation fails, in the other this
 * and all that follow.
 *
 * run   borrowed; returns whether the outcome is a right one: done as with
 *       memory, or refused with a reason, and nothing in between
 *
 * Returns how many allocations were made to fail, or -1 (having said why on
 * stderr) when one of the processes neither had a right outcome nor ended with
 * SIGABRT and the words "out of memory", or when run was wrong by itself.
 */
int failing_malloc_each(bool (*run)(void));

#endif
