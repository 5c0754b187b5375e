/*
 * scheduler_settings.c - snapshots, toggles and states of channels
 *
 * A reload swaps the registry as a whole; lanes go on, and those whose channel
 * is gone are removed, and what waits for them is cancelled in steps.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/scheduler_overlay.h"
#include "core/process/scheduler_private.h"

/* The channel is gone: so is its lane, if it had one. */
static void
remove_lane(struct scheduler *scheduler, uint32_t number)
{
	struct bf_lane_state *lane = bf_lane_state_find(scheduler, number);

	if (!lane)
		return;
	bf_worker_orphan(scheduler, lane);
	bf_worker_forget(scheduler, number);
	bf_lane_state_remove(scheduler, lane);
}

/* Drops what the old registry had, if the new one has it not. */
static void
drop_old_channel(void *context, uint32_t number)
{
	struct scheduler *scheduler = context;

	if (bf_registry_has_number(scheduler->registry, number))
		return;
	remove_lane(scheduler, number);
	bf_cancel_channel(scheduler, number);
}

/* Lanes go on with the settings of the new registry. Every channel of the conf
 * file has one, so that its figures are there from the start; others get theirs
 * with the first delivery. */
static void
renew_lanes(struct scheduler *scheduler)
{
	struct bf_registry *registry = scheduler->registry;
	struct bf_channel_state *state = NULL;
	struct bf_lane_state *lane;

	for (lane = scheduler->lanes; lane; lane = lane->hh.next)
		bf_lane_state_make(scheduler,
		    bf_registry_channel_numbered(registry, lane->number))
		    ->generation = scheduler->generation;
	while ((state = bf_registry_next_channel(registry, state)) &&
	       bf_channel_is_trusted(state->channel))
		bf_lane_state_make(scheduler, state);
}

static void
swap_registry(struct scheduler *scheduler, struct bf_registry *registry)
{
	struct bf_registry *old = scheduler->registry;

	scheduler->registry = registry;
	bf_tenants_note(scheduler, registry);
	scheduler->generation++;
	if (old)
		bf_registry_each_number(old, drop_old_channel, scheduler);
	renew_lanes(scheduler);
	bf_registry_free(&old);
}

const char *
bf_settings_group(const struct scheduler *scheduler, const char *module)
{
	const struct bf_module_info *info =
	    bf_snapshot_module(bf_registry_snapshot(scheduler->registry),
		module);

	return info && info->isolate ? info->name : "";
}

void
bf_settings_channel_changed(struct scheduler *scheduler,
    struct bf_channel_state *state)
{
	scheduler->generation++;
	if (bf_lane_state_find(scheduler, state->channel->number))
		bf_lane_state_make(scheduler, state)->generation =
		    scheduler->generation;
}

void
bf_settings_channel_remove(struct scheduler *scheduler,
    struct bf_channel_state *state)
{
	const uint32_t number = state->channel->number;

	remove_lane(scheduler, number);
	bf_registry_remove(scheduler->registry, state);
	bf_cancel_channel(scheduler, number);
}

void
bf_settings_tenant_remove(struct scheduler *scheduler, const char *tenant)
{
	struct bf_registry *registry = scheduler->registry;
	struct bf_channel_state *const *states;
	size_t count;

	while ((states = bf_registry_channels(registry, tenant, &count)) &&
	       count > 0) {
		struct bf_channel_state *last = states[count - 1];

		remove_lane(scheduler, last->channel->number);
		bf_registry_remove(registry, last);
	}
	bf_registry_remove_tenant(registry, tenant);
	bf_cancel_tenant(scheduler, tenant);
}

static void
overlay_done(void *owner, struct store_call *call)
{
	struct scheduler *scheduler = owner;
	struct overlay *overlay = (struct overlay *)call;

	if (call->result != BF_STORE_OK) {
		bf_log(BF_LOG_ERROR,
		    "reload: %s; the old configuration stays in use",
		    call->error.text);
	} else {
		swap_registry(scheduler,
		    bf_overlay_registry(overlay, scheduler));
		bf_accept_flush(scheduler);
		bf_log(BF_LOG_INFO, "the new configuration is in use");
	}
	bf_overlay_free(overlay);
	/* With many channels, what the old registry took lies in pieces among
	 * what is in use. */
	malloc_trim(0);
	bf_worker_pump_soon(scheduler);
}

void
bf_settings_take(struct scheduler *scheduler, struct bf_snapshot *snapshot)
{
	struct overlay *overlay = bf_overlay_new(snapshot);

	overlay->call.run = bf_overlay_read;
	overlay->call.done = overlay_done;
	bf_committer_call(scheduler->committer, &overlay->call);
}

/* Takes note of what waits in the store from before. */
static enum bf_store_result
load_backlog(struct scheduler *scheduler, struct bf_store *store,
    struct bf_error *err)
{
	struct bf_backlog *backlog = NULL;
	enum bf_store_result result;
	size_t count = 0;

	result = bf_store_backlog(store, &backlog, &count, err);
	for (size_t i = 0; result == BF_STORE_OK && i < count; i++) {
		struct bf_lane_state *lane =
		    bf_lane_state_of(scheduler, backlog[i].channel);

		if (!lane) {
			scheduler->orphans = bf_resize(scheduler->orphans,
			    scheduler->orphan_count + 1,
			    sizeof(*scheduler->orphans));
			scheduler->orphans[scheduler->orphan_count++] =
			    backlog[i].channel;
			continue;
		}
		lane->fresh_stored = backlog[i].fresh;
		for (int64_t left = backlog[i].retries; left > 0; left--)
			bf_lane_state_retrying(scheduler, lane);
		if (backlog[i].retries > 0)
			bf_lane_state_retry(scheduler, lane,
			    backlog[i].next_due);
		bf_lane_state_wanted(scheduler, lane);
		bf_retain_waiting(scheduler);
	}
	free(backlog);
	return result;
}

int
bf_settings_start(struct scheduler *scheduler, struct bf_store *store,
    struct bf_snapshot *snapshot, struct bf_error *err)
{
	struct overlay *overlay = bf_overlay_new(snapshot);
	enum bf_store_result result;

	result = bf_overlay_read(store, &overlay->call, err);
	if (result == BF_STORE_OK)
		swap_registry(scheduler,
		    bf_overlay_registry(overlay, scheduler));
	bf_overlay_free(overlay);
	if (result == BF_STORE_OK)
		result = bf_tenants_start(scheduler, store, err);
	if (result == BF_STORE_OK)
		result = bf_cancel_start(scheduler, store, err);
	if (result == BF_STORE_OK)
		result = load_backlog(scheduler, store, err);
	return result == BF_STORE_OK ? 0 : -1;
}

void
bf_settings_cancel_orphans(struct scheduler *scheduler)
{
	for (size_t i = 0; i < scheduler->orphan_count; i++)
		bf_cancel_channel(scheduler, scheduler->orphans[i]);
	free(scheduler->orphans);
	scheduler->orphans = NULL;
	scheduler->orphan_count = 0;
}

void
bf_settings_put(struct scheduler *scheduler, const char *name,
    const char *value)
{
	bf_committer_add(scheduler->committer, bf_change_put(name, value),
	    true);
}

void
bf_settings_committed(struct scheduler *scheduler, const char *name,
    const char *value)
{
	/* Not before: an intake could look the token up once more, find it as
	 * it was, and keep that. */
	if (strncmp(name, BF_TOKEN_PREFIX, strlen(BF_TOKEN_PREFIX)) == 0 ||
	    (!value && strncmp(name, "session/", 8) == 0))
		bf_accept_flush(scheduler);
}

void
bf_settings_channel_put(struct scheduler *scheduler,
    const struct bf_channel *channel, const char *what, const char *value)
{
	char *name = bf_strf("channel/%s/%s/%s",
	    channel->tenant ? channel->tenant
			    : bf_registry_default_tenant(scheduler->registry),
	    channel->name, what);

	bf_settings_put(scheduler, name, value);
	free(name);
}

void
bf_settings_stop_channel(struct scheduler *scheduler,
    struct bf_lane_state *lane, const char *reason)
{
	struct bf_channel_state *state = lane->state;

	if (state->stopped)
		return;
	state->stopped = true;
	state->stop_reason = bf_strdup(*reason ? reason : "endpoint gone");
	bf_settings_channel_put(scheduler, state->channel, "stopped",
	    state->stop_reason);
	bf_lane_state_refresh(scheduler, lane);
	bf_log(BF_LOG_ERROR, "channel %s is stopped: %s", state->channel->name,
	    state->stop_reason);
	bf_notice_stopped(scheduler, lane, state->stop_reason);
}
