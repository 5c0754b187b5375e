#ifndef BF_OWN_ADDRESS_H
#define BF_OWN_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "core/registry/snapshot.h"

/* Whether the address is one that belfry's own API listens on, by itself or
 * through a wildcard (0.0.0.0, [::]) or an IPv4-mapped form. */
bool bf_own_address(const struct bf_snapshot *snapshot,
    const struct sockaddr *address);

/* Whether the address is one of this machine. */
bool bf_local_address(const struct sockaddr *address);

#endif
