#ifndef BF_SNAPSHOT_PRIVATE_H
#define BF_SNAPSHOT_PRIVATE_H

#include "core/registry/snapshot.h"

/* Free what the object owns, secrets wiped, and zero it. */
void bf_channel_clear(struct bf_channel *channel);
void bf_module_info_clear(struct bf_module_info *info);

#endif
