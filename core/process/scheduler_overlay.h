#ifndef BF_SCHEDULER_OVERLAY_H
#define BF_SCHEDULER_OVERLAY_H

#include "core/process/scheduler_private.h"

struct setting;

/* What a snapshot needs of the store before it can be taken into use. */
struct overlay {
	struct store_call call;       /* first: the committer hands it back */
	struct bf_snapshot *snapshot; /* taken over by the registry */
	char *default_tenant;
	uint32_t *numbers; /* of its channels, in their order */
	struct setting *settings;
	size_t setting_count;
};

/* Takes the snapshot. */
struct overlay *bf_overlay_new(struct bf_snapshot *snapshot);

/* Reads what the store has, and numbers the channels that have no number yet:
 * on the store's thread, as the run of the call. */
enum bf_store_result bf_overlay_read(struct bf_store *store,
    struct store_call *call, struct bf_error *err);

/* The registry that the snapshot and the store make together; the caller's.
 * Channels made over the API are opened with the keys that the scheduler has
 * when they are first looked at. */
struct bf_registry *bf_overlay_registry(struct overlay *overlay,
    struct scheduler *scheduler);

void bf_overlay_free(struct overlay *overlay);

#endif
