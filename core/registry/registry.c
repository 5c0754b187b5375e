/*
 * registry.c - what the scheduler routes by
 *
 * Maps over a snapshot that the registry owns: tenants by id, channels by
 * tenant and name, and by number. What has no tenant in the snapshot is given
 * the default one here, so that nobody above has to ask.
 */
#include "core/registry/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/registry/snapshot_wire.h"

/* A tenant and a line feed, which neither may contain, and a name. */
#define KEY_SIZE (BF_TENANT_MAX + 1 + BF_NAME_MAX + 1)

struct channel {
	struct bf_channel_state state; /* first: what callers hold */
	struct bf_channel *own;        /* the same as state.channel */
	char key[KEY_SIZE];
	UT_hash_handle by_key, by_number;
};

/* What is known of one toggle of one tenant. */
struct toggle {
	const struct bf_toggle *conf; /* NULL: not set there */
	signed char api;              /* -1: not set there */
};

struct tenant {
	char *id;
	struct bf_channel_state **channels;
	size_t channel_count;
	struct toggle *toggles; /* by index of the type; NULL: none is set */
	signed char *modules;   /* by index, as set over the API: 1, 0, -1 not;
				 * NULL: none is set */
	UT_hash_handle hh;
};

struct bf_registry {
	struct bf_snapshot *snapshot;
	char *default_tenant;
	struct bf_channel_state **channels; /* all, in order of the file */
	size_t channel_count;
	struct tenant *tenants;
	struct channel *by_key, *by_number;
	struct bf_channel_reader *reader; /* made when it is wanted */
};

static struct tenant *
find_tenant(const struct bf_registry *registry, const char *id)
{
	struct tenant *tenant;

	HASH_FIND_STR(registry->tenants, id, tenant);
	return tenant;
}

static struct tenant *
make_tenant(struct bf_registry *registry, const char *id)
{
	struct tenant *tenant = find_tenant(registry, id);

	if (tenant)
		return tenant;
	tenant = bf_new(struct tenant);
	tenant->id = bf_strdup(id);
	HASH_ADD_KEYPTR(hh, registry->tenants, tenant->id, strlen(tenant->id),
	    tenant);
	return tenant;
}

/* Writes the key of a channel; false if no channel can have it. */
static bool
make_key(char key[KEY_SIZE], const char *tenant, const char *name)
{
	return snprintf(key, KEY_SIZE, "%s\n%s", tenant, name) < KEY_SIZE;
}

/* The toggle of a type, to be changed. */
static struct toggle *
toggle_of(const struct bf_registry *registry, struct tenant *tenant,
    const struct bf_event_type *type)
{
	const struct bf_snapshot *snapshot = registry->snapshot;

	if (!tenant->toggles) {
		tenant->toggles =
		    bf_zalloc(snapshot->type_count, sizeof(struct toggle));
		for (size_t i = 0; i < snapshot->type_count; i++)
			tenant->toggles[i].api = -1;
	}
	return &tenant->toggles[type - snapshot->types];
}

static void
add_tenant(struct bf_registry *registry, struct bf_tenant *from)
{
	struct tenant *tenant;

	if (!from->id)
		from->id = bf_strdup(registry->default_tenant);
	tenant = make_tenant(registry, from->id);
	for (size_t i = 0; i < from->toggle_count; i++) {
		const struct bf_event_type *type =
		    bf_snapshot_type(registry->snapshot, from->toggles[i].type);

		if (type)
			toggle_of(registry, tenant, type)->conf =
			    &from->toggles[i];
	}
}

static void
append(struct bf_channel_state ***list, size_t *count,
    struct bf_channel_state *state)
{
	/* Grows at powers of two: count alone tells when it is full. */
	if ((*count & (*count - 1)) == 0)
		*list = bf_resize(*list, *count > 0 ? *count * 2 : 1,
		    sizeof(**list));
	(*list)[(*count)++] = state;
}

static void
remove_from(struct bf_channel_state **list, size_t *count,
    const struct bf_channel_state *state)
{
	size_t i = 0;

	while (list[i] != state)
		i++;
	(*count)--;
	memmove(&list[i], &list[i + 1], (*count - i) * sizeof(*list));
}

/* Makes the channel known by its key; NULL if there is one already. */
static struct channel *
make_channel(struct bf_registry *registry, struct bf_channel *from)
{
	struct channel *channel = bf_new(struct channel);
	struct tenant *tenant;

	channel->own = from;
	channel->state.channel = from;
	if (!make_key(channel->key, from->tenant, from->name) ||
	    bf_registry_channel(registry, from->tenant, from->name)) {
		free(channel);
		return NULL;
	}
	HASH_ADD_KEYPTR(by_key, registry->by_key, channel->key,
	    strlen(channel->key), channel);
	tenant = make_tenant(registry, from->tenant);
	append(&tenant->channels, &tenant->channel_count, &channel->state);
	append(&registry->channels, &registry->channel_count, &channel->state);
	return channel;
}

static void
add_channel(struct bf_registry *registry, struct bf_channel *from)
{
	if (!from->tenant)
		from->tenant = bf_strdup(registry->default_tenant);
	if (!make_channel(registry, from)) {
		/* Only a block for the tenant that became the default one
		 * after the conf file was written. */
		bf_log(BF_LOG_WARN,
		    "%s:%u: channel %s is left out: the default tenant has one "
		    "of that name",
		    from->file, from->line, from->name);
	}
}

static void
free_channel(struct channel *channel)
{
	/* Those of the conf file are the snapshot's. */
	if (channel->state.version > 0)
		bf_channel_free(&channel->own);
	free(channel->state.stop_reason);
	free(channel->state.failing_since);
	free(channel->state.document);
	free(channel->state.fault);
	free(channel);
}

struct bf_channel_state *
bf_registry_put(struct bf_registry *registry, struct bf_channel *channel,
    uint64_t version, char *document, char *fault)
{
	struct bf_channel_state *state =
	    bf_registry_channel(registry, channel->tenant, channel->name);
	struct channel *own = (struct channel *)state;

	if (!own)
		own = make_channel(registry, channel);
	if (!own || (state && state->version == 0)) {
		bf_channel_free(&channel);
		free(document);
		free(fault);
		return NULL;
	}
	if (state) {
		const uint32_t number = own->own->number;

		/* Its number is the key of a map, and stands in the channel. */
		if (number != 0)
			HASH_DELETE(by_number, registry->by_number, own);
		bf_channel_free(&own->own);
		free(own->state.document);
		free(own->state.fault);
		own->own = channel;
		own->state.channel = channel;
		channel->number = 0;
		if (number != 0)
			bf_registry_number(registry, &own->state, number);
	}
	own->state.version = version;
	own->state.document = document;
	own->state.fault = fault;
	return &own->state;
}

void
bf_registry_remove(struct bf_registry *registry, struct bf_channel_state *state)
{
	struct channel *channel = (struct channel *)state;
	struct tenant *tenant = find_tenant(registry, channel->own->tenant);

	HASH_DELETE(by_key, registry->by_key, channel);
	if (channel->own->number != 0)
		HASH_DELETE(by_number, registry->by_number, channel);
	remove_from(tenant->channels, &tenant->channel_count, state);
	remove_from(registry->channels, &registry->channel_count, state);
	free_channel(channel);
}

struct bf_channel_reader *
bf_registry_reader(struct bf_registry *registry)
{
	if (!registry->reader)
		registry->reader = bf_channel_reader_new(registry->snapshot);
	return registry->reader;
}

struct bf_registry *
bf_registry_new(struct bf_snapshot *snapshot, const char *default_tenant)
{
	struct bf_registry *registry = bf_new(struct bf_registry);

	registry->snapshot = snapshot;
	registry->default_tenant =
	    bf_strdup(snapshot->default_tenant ? snapshot->default_tenant
					       : default_tenant);
	make_tenant(registry, registry->default_tenant);
	for (size_t i = 0; i < snapshot->tenant_count; i++)
		add_tenant(registry, &snapshot->tenants[i]);
	for (size_t i = 0; i < snapshot->channel_count; i++)
		add_channel(registry, &snapshot->channels[i]);
	return registry;
}

void
bf_registry_free(struct bf_registry **registry)
{
	struct bf_registry *old = *registry;
	struct tenant *tenant, *next_tenant;
	struct channel *channel, *next_channel;

	if (!old)
		return;
	HASH_CLEAR(by_number, old->by_number);
	HASH_ITER(by_key, old->by_key, channel, next_channel)
	{
		HASH_DELETE(by_key, old->by_key, channel);
		free_channel(channel);
	}
	HASH_ITER(hh, old->tenants, tenant, next_tenant)
	{
		HASH_DEL(old->tenants, tenant);
		free(tenant->id);
		free(tenant->channels);
		free(tenant->toggles);
		free(tenant->modules);
		free(tenant);
	}
	free(old->channels);
	free(old->default_tenant);
	bf_channel_reader_free(&old->reader);
	bf_snapshot_free(&old->snapshot);
	free(old);
	*registry = NULL;
}

const struct bf_snapshot *
bf_registry_snapshot(const struct bf_registry *registry)
{
	return registry->snapshot;
}

const char *
bf_registry_default_tenant(const struct bf_registry *registry)
{
	return registry->default_tenant;
}

const struct bf_event_type *
bf_registry_type(const struct bf_registry *registry, const char *name)
{
	return bf_snapshot_type(registry->snapshot, name);
}

struct bf_toggle_state
bf_registry_toggle(const struct bf_registry *registry, const char *tenant,
    const struct bf_event_type *type)
{
	const struct tenant *known = find_tenant(registry, tenant);
	struct bf_toggle_state state = { .enabled = type->enabled };
	const struct toggle *toggle;

	if (!known || !known->toggles)
		return state;
	toggle = &known->toggles[type - registry->snapshot->types];
	if (toggle->conf) {
		state.enabled = toggle->conf->enabled;
		state.source = BF_TOGGLE_CONF;
		state.file = toggle->conf->file;
		state.line = toggle->conf->line;
	} else if (toggle->api != -1) {
		state.enabled = toggle->api == 1;
		state.source = BF_TOGGLE_API;
	}
	return state;
}

int
bf_registry_set_toggle(struct bf_registry *registry, const char *tenant,
    const struct bf_event_type *type, int on)
{
	struct toggle *toggle =
	    toggle_of(registry, make_tenant(registry, tenant), type);

	if (toggle->conf)
		return -1;
	toggle->api = (signed char)(on < 0 ? -1 : on > 0);
	return 0;
}

struct bf_toggle_state
bf_registry_module_toggle(const struct bf_registry *registry,
    const char *tenant, const struct bf_module_info *module)
{
	const struct tenant *known = find_tenant(registry, tenant);
	struct bf_toggle_state state = { .enabled = true };
	signed char api;

	if (module->disabled)
		return (struct bf_toggle_state){ .source = BF_TOGGLE_CONF,
			.file = module->file,
			.line = module->line };
	if (!known || !known->modules)
		return state;
	api = known->modules[module - registry->snapshot->modules];
	if (api != -1) {
		state.enabled = api == 1;
		state.source = BF_TOGGLE_API;
	}
	return state;
}

int
bf_registry_set_module(struct bf_registry *registry, const char *tenant,
    const struct bf_module_info *module, int on)
{
	const struct bf_snapshot *snapshot = registry->snapshot;
	struct tenant *known = make_tenant(registry, tenant);

	if (module->disabled)
		return -1;
	if (!known->modules) {
		known->modules = bf_zalloc(snapshot->module_count, 1);
		memset(known->modules, -1, snapshot->module_count);
	}
	known->modules[module - snapshot->modules] =
	    (signed char)(on < 0 ? -1 : on > 0);
	return 0;
}

struct bf_channel_state *const *
bf_registry_channels(const struct bf_registry *registry, const char *tenant,
    size_t *count)
{
	const struct tenant *known = find_tenant(registry, tenant);

	*count = known ? known->channel_count : 0;
	return known ? known->channels : NULL;
}

struct bf_channel_state *
bf_registry_channel(const struct bf_registry *registry, const char *tenant,
    const char *name)
{
	struct channel *channel = NULL;
	char key[KEY_SIZE];

	if (make_key(key, tenant, name))
		HASH_FIND(by_key, registry->by_key, key, strlen(key), channel);
	return channel ? &channel->state : NULL;
}

struct bf_channel_state *
bf_registry_channel_numbered(const struct bf_registry *registry,
    uint32_t number)
{
	struct channel *channel;

	HASH_FIND(by_number, registry->by_number, &number, sizeof(number),
	    channel);
	return channel ? &channel->state : NULL;
}

struct bf_channel_state *const *
bf_registry_all_channels(const struct bf_registry *registry, size_t *count)
{
	*count = registry->channel_count;
	return registry->channels;
}

void
bf_registry_number(struct bf_registry *registry, struct bf_channel_state *state,
    uint32_t number)
{
	struct channel *channel = (struct channel *)state;

	if (channel->own->number != 0)
		HASH_DELETE(by_number, registry->by_number, channel);
	channel->own->number = number;
	HASH_ADD_KEYPTR(by_number, registry->by_number, &channel->own->number,
	    sizeof(number), channel);
}

bool
bf_registry_channel_runs(const struct bf_registry *registry,
    const struct bf_channel_state *state, const char **why_not)
{
	const struct bf_channel *channel = state->channel;
	const struct bf_module_info *module =
	    bf_snapshot_module(registry->snapshot, channel->module);
	const char *why = NULL;

	if (!module)
		why = "its module is not loaded";
	else if (module->disabled)
		why = "its module is disabled in the conf file";
	else if (!bf_registry_module_toggle(registry, channel->tenant, module)
		      .enabled)
		why = "its module was switched off over the API";
	else if (state->fault)
		why = state->fault;
	else if (!channel->policy.enabled)
		why = state->version > 0 ? "it is disabled in its settings"
					 : "it is disabled in the conf file";
	else if (state->disabled)
		why = "it was disabled over the API";
	else if (state->stopped)
		why = state->stop_reason ? state->stop_reason
					 : "its endpoint is gone";
	if (why_not)
		*why_not = why;
	return !why;
}
