/*
 * scheduler_settings.c - snapshots, toggles and states of channels
 *
 * A snapshot becomes a registry; what the store adds (toggles and channels
 * switched over the API, numbers of channels) is laid over it. A reload swaps
 * the registry as a whole; lanes go on, and those whose channel is gone are
 * removed, and what waits for them is cancelled in steps.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/api_channel.h"
#include "core/process/channel_numbers.h"
#include "core/process/command_private.h"
#include "core/process/scheduler_private.h"

#define CANCEL_STEP 1000 /* deliveries of a deleted channel at once */

/* A setting of the store, read while a registry is prepared. */
struct setting {
	char *name;
	char *value;
	uint32_t number; /* of a channel made over the API */
};

/* What a snapshot needs of the store before it can be taken into use. */
struct overlay {
	struct store_call call;
	struct bf_snapshot *snapshot; /* taken over by the registry */
	char *default_tenant;
	uint32_t *numbers; /* of its channels, in their order */
	struct setting *settings;
	size_t setting_count;
};

static void
note_setting(void *context, const char *name, const char *value)
{
	struct overlay *overlay = context;

	/* Grows at powers of two: count alone tells when it is full. */
	if ((overlay->setting_count & (overlay->setting_count - 1)) == 0)
		overlay->settings = bf_resize(overlay->settings,
		    overlay->setting_count > 0 ? overlay->setting_count * 2 : 1,
		    sizeof(*overlay->settings));
	overlay->settings[overlay->setting_count++] =
	    (struct setting){ bf_strdup(name), bf_strdup(value), 0 };
}

/* Asks for the numbers of the channels that were made over the API. */
static void
number_api_channels(struct bf_channel_numbers *numbers, struct overlay *overlay)
{
	char *tenant, *name;

	for (size_t i = 0; i < overlay->setting_count; i++) {
		struct setting *setting = &overlay->settings[i];
		char *copy;

		if (strncmp(setting->name, BF_API_CHANNEL_PREFIX,
			strlen(BF_API_CHANNEL_PREFIX)) != 0)
			continue;
		copy = bf_strdup(setting->name);
		if (bf_api_channel_split(copy, &tenant, &name))
			bf_channel_numbers_ask(numbers, tenant, name,
			    &setting->number);
		free(copy);
	}
}

/* For those of the conf file. */
static void
number_conf_channels(struct bf_channel_numbers *numbers,
    struct overlay *overlay)
{
	const struct bf_snapshot *snapshot = overlay->snapshot;

	overlay->numbers =
	    bf_zalloc(snapshot->channel_count, sizeof(*overlay->numbers));
	for (size_t i = 0; i < snapshot->channel_count; i++) {
		const struct bf_channel *channel = &snapshot->channels[i];

		bf_channel_numbers_ask(numbers,
		    channel->tenant ? channel->tenant : overlay->default_tenant,
		    channel->name, &overlay->numbers[i]);
	}
}

/* Finds those of both. */
static enum bf_store_result
number_channels(struct bf_store *store, struct overlay *overlay,
    struct bf_error *err)
{
	enum bf_store_result result;
	struct bf_channel_numbers *numbers =
	    bf_channel_numbers_read(store, &result, err);

	if (result == BF_STORE_OK) {
		number_conf_channels(numbers, overlay);
		number_api_channels(numbers, overlay);
		result = bf_channel_numbers_give(numbers, err);
	}
	bf_channel_numbers_free(&numbers);
	return result;
}

/* A random UUID, version 4. Source: RFC 9562, section 5.4. */
static char *
make_uuid(void)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	return bf_strf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		       "%02x%02x%02x%02x%02x%02x",
	    bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5],
	    bytes[6], bytes[7], bytes[8], bytes[9], bytes[10], bytes[11],
	    bytes[12], bytes[13], bytes[14], bytes[15]);
}

/* The default tenant: named by the conf file, or made once and kept. */
static enum bf_store_result
find_default_tenant(struct bf_store *store, struct overlay *overlay,
    struct bf_error *err)
{
	enum bf_store_result result;
	struct bf_batch batch;

	if (overlay->snapshot->default_tenant) {
		overlay->default_tenant =
		    bf_strdup(overlay->snapshot->default_tenant);
		return BF_STORE_OK;
	}
	result = bf_store_get(store, "default_tenant", &overlay->default_tenant,
	    err);
	if (result != BF_STORE_OK || overlay->default_tenant)
		return result;
	overlay->default_tenant = make_uuid();
	bf_batch_init(&batch);
	bf_batch_add(&batch,
	    bf_change_put("default_tenant", overlay->default_tenant));
	result = bf_store_commit(store, &batch, err);
	bf_batch_clear(&batch);
	return result;
}

static enum bf_store_result
run_overlay(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	/* Channels come first, as what follows may be about them. */
	static const char *const prefixes[] = { "tenant/",
		BF_API_CHANNEL_PREFIX, "toggle/", "module/", "channel/" };
	struct overlay *overlay = (struct overlay *)call;
	enum bf_store_result result;

	result = find_default_tenant(store, overlay, err);
	for (size_t i = 0;
	     result == BF_STORE_OK && i < sizeof(prefixes) / sizeof(*prefixes);
	     i++)
		result = bf_store_settings(store, prefixes[i], note_setting,
		    overlay, err);
	if (result == BF_STORE_OK)
		result = number_channels(store, overlay, err);
	return result;
}

static void
free_overlay(struct overlay *overlay)
{
	bf_snapshot_free(&overlay->snapshot);
	for (size_t i = 0; i < overlay->setting_count; i++) {
		free(overlay->settings[i].name);
		free(overlay->settings[i].value);
	}
	free(overlay->settings);
	free(overlay->numbers);
	free(overlay->default_tenant);
	free(overlay);
}

/* Splits "KIND/FIRST/SECOND[/THIRD]" in place; parts that lack are NULL. */
static void
split(char *name, char *parts[4])
{
	for (int i = 0; i < 4; i++) {
		parts[i] = name;
		if (name && (name = strchr(name, '/')))
			*name++ = '\0';
	}
}

/* Lays what the store knows of a channel over its state. */
static void
lay_over_channel(struct bf_channel_state *state, const char *what,
    const char *value)
{
	if (strcmp(what, "disabled") == 0) {
		state->disabled = true;
	} else if (strcmp(what, "stopped") == 0) {
		state->stopped = true;
		free(state->stop_reason);
		state->stop_reason = bf_strdup(value);
	} else if (strcmp(what, "failing") == 0) {
		free(state->failing_since);
		state->failing_since = bf_strdup(value);
	}
}

/* Lays one setting of the store over the registry. */
static void
lay_over(struct bf_registry *registry, struct setting *setting)
{
	const struct bf_module_info *module;
	const struct bf_event_type *type;
	struct bf_channel_state *state;
	char *parts[4];

	split(setting->name, parts);
	if (strcmp(parts[0], "tenant") == 0 && parts[1]) {
		bf_tenant_load(registry, parts[1], setting->value);
		return;
	}
	if (!parts[1] || !parts[2])
		return;
	if (strcmp(parts[0], "api_channel") == 0) {
		if (bf_registry_put_unread(registry, parts[1], parts[2],
			setting->number, setting->value) == -1)
			bf_log(BF_LOG_WARN,
			    "channel %s of tenant %s, which was made over the "
			    "API, is left out: the conf file has one of that "
			    "name",
			    parts[2], parts[1]);
		return;
	}
	if (strcmp(parts[0], "toggle") == 0) {
		type = bf_registry_type(registry, parts[2]);
		if (type)
			bf_registry_set_toggle(registry, parts[1], type,
			    strcmp(setting->value, "on") == 0);
		return;
	}
	if (strcmp(parts[0], "module") == 0) {
		module = bf_snapshot_module(bf_registry_snapshot(registry),
		    parts[2]);
		if (module)
			bf_registry_set_module(registry, parts[1], module,
			    strcmp(setting->value, "on") == 0);
		return;
	}
	state = bf_registry_channel(registry, parts[1], parts[2]);
	if (state && parts[3])
		lay_over_channel(state, parts[3], setting->value);
}

/* With the keys that there are then. */
static void
open_channel(void *context, struct bf_registry *registry, const char *tenant,
    const char *name, const char *value)
{
	const struct scheduler *scheduler = context;

	bf_api_channel_load(registry, scheduler->keyring, tenant, name, value);
}

/* The registry that the snapshot and the store make together. */
static struct bf_registry *
make_registry(struct scheduler *scheduler, struct overlay *overlay)
{
	const struct bf_snapshot *snapshot = overlay->snapshot;
	struct bf_registry *registry =
	    bf_registry_new(overlay->snapshot, overlay->default_tenant);
	struct bf_channel_state *state;

	overlay->snapshot = NULL;
	bf_registry_open_with(registry, open_channel, scheduler);
	/* One may have been left out. */
	for (size_t i = 0; i < snapshot->channel_count; i++) {
		const struct bf_channel *channel = &snapshot->channels[i];

		state = bf_registry_channel(registry, channel->tenant,
		    channel->name);
		if (state && state->channel == channel)
			bf_registry_number(registry, state,
			    overlay->numbers[i]);
	}
	for (size_t i = 0; i < overlay->setting_count; i++)
		lay_over(registry, &overlay->settings[i]);
	return registry;
}

/* Cancels what waits for a channel or a tenant that is gone, a step at a time.
 * Takes what selector owns. */
static void
cancel_step(struct scheduler *scheduler, const struct bf_selector *selector)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = BF_CHANGE_CANCEL;
	change->select.selector = *selector;
	change->select.now = bf_scheduler_now(scheduler);
	change->select.limit = CANCEL_STEP;
	bf_committer_add(scheduler->committer, change, false);
}

/* Of what came until now: another channel of that name may follow before the
 * last step. */
static void
cancel_channel(struct scheduler *scheduler, uint32_t number)
{
	cancel_step(scheduler, &(struct bf_selector){ .id.channel = number,
				   .until = scheduler->latest_event + 1 });
}

void
bf_settings_cancelled(struct scheduler *scheduler, struct bf_change *change)
{
	const struct bf_selector rest = change->select.selector;

	scheduler->metrics.cancelled += change->select.count;
	if (!change->select.more)
		return;
	change->select.selector = (struct bf_selector){ 0 };
	cancel_step(scheduler, &rest);
}

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
	cancel_channel(scheduler, number);
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
	cancel_channel(scheduler, number);
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
	cancel_step(scheduler,
	    &(struct bf_selector){ .tenant = bf_strdup(tenant),
		.until = scheduler->latest_event + 1 });
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
		swap_registry(scheduler, make_registry(scheduler, overlay));
		bf_accept_flush(scheduler);
		bf_log(BF_LOG_INFO, "the new configuration is in use");
	}
	free_overlay(overlay);
	/* With many channels, what the old registry took lies in pieces among
	 * what is in use. */
	malloc_trim(0);
	bf_worker_pump_soon(scheduler);
}

void
bf_settings_take(struct scheduler *scheduler, struct bf_snapshot *snapshot)
{
	struct overlay *overlay = bf_new(struct overlay);

	overlay->call.run = run_overlay;
	overlay->call.done = overlay_done;
	overlay->snapshot = snapshot;
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
	struct overlay *overlay = bf_new(struct overlay);
	enum bf_store_result result;

	overlay->snapshot = snapshot;
	result = run_overlay(store, &overlay->call, err);
	if (result == BF_STORE_OK)
		swap_registry(scheduler, make_registry(scheduler, overlay));
	free_overlay(overlay);
	if (result == BF_STORE_OK)
		result = bf_tenants_start(scheduler, store, err);
	if (result == BF_STORE_OK)
		result = load_backlog(scheduler, store, err);
	return result == BF_STORE_OK ? 0 : -1;
}

void
bf_settings_cancel_orphans(struct scheduler *scheduler)
{
	for (size_t i = 0; i < scheduler->orphan_count; i++)
		cancel_channel(scheduler, scheduler->orphans[i]);
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
