#ifndef BF_SANDBOX_H
#define BF_SANDBOX_H

#include <belfry/value.h>

/* A thread looks each name up: with the usual 8 MiB of stack, a few hundred
 * would use up the memory that the worker may have. */
#define BF_THREAD_STACK ((size_t)1 << 20) /* bytes */

/*
 * What a process that runs modules gives up for good: see sandbox.c for the
 * list, and doc/manual/modules.md for what it means to modules. To be called
 * after the change of user and before there are threads.
 *
 * data  bytes of private memory that the process may have (RLIMIT_DATA)
 *
 * A kernel that knows no filters is a warning in the log, and the rest holds.
 */
void bf_sandbox_enter(struct bf_size data);

#endif
