#ifndef BF_SNAPSHOT_PRIVATE_H
#define BF_SNAPSHOT_PRIVATE_H

#include "core/registry/snapshot.h"

/* Frees what the channel owns, secrets wiped, and zeroes it. */
void bf_channel_clear(struct bf_channel *channel);

#endif
