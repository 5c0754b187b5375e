#ifndef BF_LISTEN_H
#define BF_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <belfry/error.h>

#include "core/registry/snapshot.h"

/* The sockets that the API listens on, held by the master across reloads and
 * binary upgrades: an address that is there already keeps its socket. */
struct bf_listeners {
	char **addresses;
	int *fds;
	size_t count;
};

/*
 * Opens what the snapshot names, in its order, taking over from before what
 * has the same address. owner and group get the files of Unix sockets (-1: as
 * they are). On failure nothing has changed.
 */
int bf_listen_open(const struct bf_snapshot *snapshot, uid_t owner, gid_t group,
    const struct bf_listeners *before, struct bf_listeners *listeners,
    struct bf_error *err);

/* Closes those of before that listeners does not have, and frees before. */
void bf_listen_replace(struct bf_listeners *before,
    const struct bf_listeners *listeners);

/* Closes them all, and removes the files of Unix sockets if told to. */
void bf_listen_close(struct bf_listeners *listeners, bool remove_files);

/* Adds a socket that another master handed over. */
void bf_listen_add(struct bf_listeners *listeners, const char *address, int fd);

#endif
