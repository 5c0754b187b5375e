#ifndef BF_SNAPSHOT_WIRE_H
#define BF_SNAPSHOT_WIRE_H

#include <stdbool.h>

#include <belfry/buf.h>

#include "core/registry/snapshot.h"

/*
 * Appends a snapshot as bytes. Without secrets, settings that are secret are
 * written as present but empty: what every process but the scheduler gets.
 */
void bf_snapshot_encode(
    const struct bf_snapshot *snapshot, bool secrets, struct bf_buf *out);

/* The reverse; NULL if the bytes are no snapshot. */
struct bf_snapshot *bf_snapshot_decode(
    const char *bytes, size_t size, struct bf_error *err);

/* One channel alone, as a worker gets it: always with its secrets. */
void bf_channel_encode(const struct bf_channel *channel, struct bf_buf *out);
struct bf_channel *bf_channel_decode(
    const char *bytes, size_t size, struct bf_error *err);
void bf_channel_free(struct bf_channel **channel);

#endif
