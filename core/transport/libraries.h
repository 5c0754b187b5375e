#ifndef BF_LIBRARIES_H
#define BF_LIBRARIES_H

/*
 * cJSON, OpenSSL and libcurl without memory end the process, as belfry's own
 * code does (core/base/memory.h): a call that fails half-way would leave out a
 * header, a member or a certificate authority, and nobody asks each of them.
 * (The daemon has libevent do the same. SQLite is let alone: it rolls back and
 * says so.)
 */

/* To be called first in main(), before the libraries have any memory. */
void bf_libraries_start(void);

/* Starts libcurl, in each process that uses it. 0, or -1 if it can't. */
int bf_libraries_curl(void);

#endif
