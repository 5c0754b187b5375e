#ifndef BF_HASH_H
#define BF_HASH_H

#include <belfry/memory.h>

/* uthash, which by itself leaves silently when there is no memory. */
#define uthash_fatal(message) bf_memory_exhausted()
#include <uthash.h>

#endif
