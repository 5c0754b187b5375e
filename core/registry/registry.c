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

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/registry/registry_private.h"
#include "core/registry/snapshot_wire.h"

/* A tenant and a line feed, which neither may contain, and a name. */
#define KEY_SIZE (BF_TENANT_MAX + 1 + BF_NAME_MAX + 1)

struct channel {
	struct bf_channel_state state; /* first: what callers hold */
	struct bf_channel *own;        /* the same as state.channel */
	char key[KEY_SIZE];
	UT_hash_handle by_key, by_number;
};

/* Writes the key of a channel; false if no channel can have it. */
static bool
make_key(char key[KEY_SIZE], const char *tenant, const char *name)
{
	return snprintf(key, KEY_SIZE, "%s\n%s", tenant, name) < KEY_SIZE;
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
	    bf_registry_channel_find(registry, from->tenant, from->name)) {
		free(channel);
		return NULL;
	}
	HASH_ADD_KEYPTR(by_key, registry->by_key, channel->key,
	    strlen(channel->key), channel);
	tenant = bf_registry_tenant_make(registry, from->tenant);
	channel->state.place = registry->places++;
	append(&tenant->channels, &tenant->read_count, &channel->state);
	tenant->state.channel_count++;
	bf_registry_unorder_channels(tenant);
	bf_registry_takers_add(registry, tenant, &channel->state);
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

/* Puts a channel in place of another that was made over the API. */
static void
replace(struct bf_registry *registry, struct channel *old,
    struct bf_channel *channel)
{
	struct tenant *tenant =
	    bf_registry_tenant_find(registry, channel->tenant);
	const uint32_t number = old->own->number;

	bf_registry_takers_remove(registry, tenant, &old->state);
	/* Its number is the key of a map, and stands in the channel. */
	if (number != 0)
		HASH_DELETE(by_number, registry->by_number, old);
	bf_channel_free(&old->own);
	free(old->state.document);
	free(old->state.fault);
	old->own = channel;
	old->state.channel = channel;
	channel->number = 0;
	if (number != 0)
		bf_registry_number(registry, &old->state, number);
	bf_registry_takers_add(registry, tenant, &old->state);
}

struct bf_channel_state *
bf_registry_put(struct bf_registry *registry, struct bf_channel *channel,
    uint64_t version, char *document, char *fault)
{
	struct bf_channel_state *state =
	    bf_registry_channel_find(registry, channel->tenant, channel->name);
	struct channel *own = (struct channel *)state;

	if (!own)
		own = make_channel(registry, channel);
	if (!own || (state && state->version == 0)) {
		bf_channel_free(&channel);
		free(document);
		free(fault);
		return NULL;
	}
	if (state)
		replace(registry, own, channel);
	own->state.version = version;
	own->state.document = document;
	own->state.fault = fault;
	return &own->state;
}

void
bf_registry_remove(struct bf_registry *registry, struct bf_channel_state *state)
{
	struct channel *channel = (struct channel *)state;
	struct tenant *tenant =
	    bf_registry_tenant_find(registry, channel->own->tenant);

	HASH_DELETE(by_key, registry->by_key, channel);
	if (channel->own->number != 0)
		HASH_DELETE(by_number, registry->by_number, channel);
	remove_from(tenant->channels, &tenant->read_count, state);
	tenant->state.channel_count--;
	bf_registry_unorder_channels(tenant);
	bf_registry_takers_remove(registry, tenant, state);
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
	bf_registry_tenant_make(registry, registry->default_tenant);
	for (size_t i = 0; i < snapshot->tenant_count; i++)
		bf_registry_tenant_add(registry, &snapshot->tenants[i]);
	for (size_t i = 0; i < snapshot->channel_count; i++)
		add_channel(registry, &snapshot->channels[i]);
	return registry;
}

void
bf_registry_free(struct bf_registry **registry)
{
	struct bf_registry *old = *registry;
	struct channel *channel, *next_channel;

	if (!old)
		return;
	bf_registry_unread_free(old);
	HASH_CLEAR(by_number, old->by_number);
	HASH_ITER(by_key, old->by_key, channel, next_channel)
	{
		HASH_DELETE(by_key, old->by_key, channel);
		free_channel(channel);
	}
	bf_registry_tenants_free(old);
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

struct bf_channel_state *const *
bf_registry_channels(const struct bf_registry *registry, const char *tenant,
    size_t *count)
{
	struct tenant *known = bf_registry_tenant_find(registry, tenant);

	if (known)
		bf_registry_read_tenant(registry, known);
	*count = known ? known->read_count : 0;
	return known ? known->channels : NULL;
}

struct bf_channel_state *const *
bf_registry_channels_read(const struct bf_registry *registry,
    const char *tenant, size_t *count)
{
	const struct tenant *known = bf_registry_tenant_find(registry, tenant);

	*count = known ? known->read_count : 0;
	return known ? known->channels : NULL;
}

struct bf_channel_state *
bf_registry_channel_find(const struct bf_registry *registry, const char *tenant,
    const char *name)
{
	struct channel *channel = NULL;
	char key[KEY_SIZE];

	if (make_key(key, tenant, name))
		HASH_FIND(by_key, registry->by_key, key, strlen(key), channel);
	return channel ? &channel->state : NULL;
}

struct bf_channel_state *
bf_registry_channel(const struct bf_registry *registry, const char *tenant,
    const char *name)
{
	struct bf_channel_state *state =
	    bf_registry_channel_find(registry, tenant, name);
	struct tenant *known;

	if (state)
		return state;
	known = bf_registry_tenant_find(registry, tenant);
	if (!known || !known->unread)
		return NULL;
	bf_registry_read_tenant(registry, known);
	return bf_registry_channel_find(registry, tenant, name);
}

static struct channel *
find_numbered(const struct bf_registry *registry, uint32_t number)
{
	struct channel *channel;

	HASH_FIND(by_number, registry->by_number, &number, sizeof(number),
	    channel);
	return channel;
}

struct bf_channel_state *
bf_registry_channel_numbered(const struct bf_registry *registry,
    uint32_t number)
{
	struct channel *channel = find_numbered(registry, number);

	if (!channel) {
		bf_registry_read_numbered(registry, number);
		channel = find_numbered(registry, number);
	}
	return channel ? &channel->state : NULL;
}

bool
bf_registry_has_number(const struct bf_registry *registry, uint32_t number)
{
	return find_numbered(registry, number) ||
	       bf_registry_has_unread(registry, number);
}

void
bf_registry_each_number(const struct bf_registry *registry,
    void (*each)(void *context, uint32_t number), void *context)
{
	const struct channel *channel = registry->by_number;

	for (; channel; channel = channel->by_number.next)
		each(context, channel->own->number);
	bf_registry_each_unread(registry, each, context);
}

struct bf_channel_state *
bf_registry_next_channel(const struct bf_registry *registry,
    const struct bf_channel_state *after)
{
	const struct channel *next =
	    after ? ((const struct channel *)after)->by_key.next
		  : registry->by_key;

	return next ? &((struct channel *)next)->state : NULL;
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
