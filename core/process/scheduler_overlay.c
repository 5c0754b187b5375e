/*
 * scheduler_overlay.c - what the store lays over a snapshot
 *
 * A snapshot becomes a registry: with the channels and tenants that were made
 * over the API, the toggles and switches, and the numbers of all channels.
 */
#include "core/process/scheduler_overlay.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/api_channel.h"
#include "core/process/channel_numbers.h"
#include "core/process/command_private.h"

/* A setting of the store, read while a registry is prepared. */
struct setting {
	char *name;
	char *value;
	uint32_t number; /* of a channel made over the API */
};

struct overlay *
bf_overlay_new(struct bf_snapshot *snapshot)
{
	struct overlay *overlay = bf_new(struct overlay);

	overlay->snapshot = snapshot;
	return overlay;
}

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

enum bf_store_result
bf_overlay_read(struct bf_store *store, struct store_call *call,
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

struct bf_registry *
bf_overlay_registry(struct overlay *overlay, struct scheduler *scheduler)
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

void
bf_overlay_free(struct overlay *overlay)
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
