/*
 * registry_tenant.c - tenants and their switches
 *
 * A tenant is there as soon as anything of it is: a block of the conf file,
 * what was said of it over the API, a channel, a toggle, an event.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/registry_private.h"

struct tenant *
bf_registry_tenant_find(const struct bf_registry *registry, const char *id)
{
	struct tenant *tenant;

	HASH_FIND_STR(registry->tenants, id, tenant);
	return tenant;
}

struct tenant *
bf_registry_tenant_make(struct bf_registry *registry, const char *id)
{
	static const struct bf_limits limits = BF_LIMITS_DEFAULT;
	struct tenant *tenant = bf_registry_tenant_find(registry, id);

	if (tenant)
		return tenant;
	tenant = bf_new(struct tenant);
	tenant->state.id = bf_strdup(id);
	tenant->state.limits = limits;
	HASH_ADD_KEYPTR(hh, registry->tenants, tenant->state.id, strlen(id),
	    tenant);
	bf_registry_order_tenant(registry, tenant);
	return tenant;
}

static void
free_tenant(struct bf_registry *registry, struct tenant *tenant)
{
	HASH_DEL(registry->tenants, tenant);
	free(tenant->state.id);
	free(tenant->state.name);
	free(tenant->state.created_at);
	free(tenant->channels);
	free(tenant->sorted);
	bf_registry_takers_free(registry, tenant);
	free(tenant->toggles);
	free(tenant->modules);
	free(tenant);
}

void
bf_registry_tenants_free(struct bf_registry *registry)
{
	struct tenant *tenant, *next;

	HASH_ITER(hh, registry->tenants, tenant, next)
	free_tenant(registry, tenant);
	free(registry->sorted);
	registry->sorted = NULL;
}

/* ---- what is said of a tenant ---- */

const struct bf_tenant_state *
bf_registry_tenant(const struct bf_registry *registry, const char *id)
{
	const struct tenant *tenant = bf_registry_tenant_find(registry, id);

	return tenant ? &tenant->state : NULL;
}

const struct bf_tenant_state *
bf_registry_note_tenant(struct bf_registry *registry, const char *id)
{
	return &bf_registry_tenant_make(registry, id)->state;
}

static void
set_name(struct bf_tenant_state *state, const char *name)
{
	free(state->name);
	state->name = bf_strdup(name);
}

const struct bf_tenant_state *
bf_registry_put_tenant(struct bf_registry *registry, const char *id,
    const struct bf_tenant_said *said)
{
	struct bf_tenant_state *state =
	    &bf_registry_tenant_make(registry, id)->state;

	if (state->file)
		return NULL;
	set_name(state, said->name);
	state->limits = said->limits;
	state->version = said->version;
	free(state->created_at);
	state->created_at = bf_strdup(said->created_at);
	return state;
}

void
bf_registry_remove_tenant(struct bf_registry *registry, const char *id)
{
	struct tenant *tenant = bf_registry_tenant_find(registry, id);

	if (!tenant || tenant->state.file || tenant->state.channel_count > 0 ||
	    strcmp(id, registry->default_tenant) == 0)
		return;
	bf_registry_unorder_tenant(registry, tenant);
	free_tenant(registry, tenant);
}

bool
bf_registry_knows_tenant(const struct bf_registry *registry, const char *id)
{
	const struct bf_snapshot *snapshot = registry->snapshot;
	const struct bf_tenant_state *state = bf_registry_tenant(registry, id);

	if (strcmp(id, registry->default_tenant) == 0 ||
	    (state && (state->file || state->version > 0)))
		return true;
	for (size_t i = 0; i < snapshot->token_count; i++) {
		const char *owner = snapshot->tokens[i].tenant;

		if (owner && strcmp(owner, id) == 0)
			return true;
	}
	return false;
}

bool
bf_registry_takes_tenant(const struct bf_registry *registry, const char *id)
{
	return !registry->snapshot->strict_tenants ||
	       bf_registry_knows_tenant(registry, id);
}

struct bf_limits
bf_registry_limits(const struct bf_registry *registry, const char *id)
{
	static const struct bf_limits own = BF_LIMITS_DEFAULT, none = { 0 };
	const struct bf_tenant_state *state = bf_registry_tenant(registry, id);

	return bf_limits_in_force(state ? &state->limits : &own,
	    strcmp(id, registry->default_tenant) == 0
		? &none
		: &registry->snapshot->tenant_limits);
}

/* ---- toggles ---- */

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

void
bf_registry_tenant_add(struct bf_registry *registry, struct bf_tenant *from)
{
	struct tenant *tenant;

	if (!from->id)
		from->id = bf_strdup(registry->default_tenant);
	tenant = bf_registry_tenant_make(registry, from->id);
	if (from->file) {
		set_name(&tenant->state, from->name);
		tenant->state.limits = from->limits;
		tenant->state.file = from->file;
		tenant->state.line = from->line;
	}
	for (size_t i = 0; i < from->toggle_count; i++) {
		const struct bf_event_type *type =
		    bf_snapshot_type(registry->snapshot, from->toggles[i].type);

		if (type)
			toggle_of(registry, tenant, type)->conf =
			    &from->toggles[i];
	}
}

struct bf_toggle_state
bf_registry_toggle(const struct bf_registry *registry, const char *tenant,
    const struct bf_event_type *type)
{
	const struct tenant *known = bf_registry_tenant_find(registry, tenant);
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
	struct toggle *toggle = toggle_of(registry,
	    bf_registry_tenant_make(registry, tenant), type);

	if (toggle->conf)
		return -1;
	toggle->api = (signed char)(on < 0 ? -1 : on > 0);
	return 0;
}

/* ---- modules ---- */

struct bf_toggle_state
bf_registry_module_toggle(const struct bf_registry *registry,
    const char *tenant, const struct bf_module_info *module)
{
	const struct tenant *known = bf_registry_tenant_find(registry, tenant);
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
	struct tenant *known = bf_registry_tenant_make(registry, tenant);

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
