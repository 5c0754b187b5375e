/*
 * command_tenants.c - tenants: shown
 *
 * Whoever may act for one tenant only sees that one: any other is answered as
 * one that does not exist.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/process/command_private.h"

#define PAGE_USUAL 50

/* One limit; none stands for null. */
static void
add_limit(cJSON *json, const char *name, int64_t value, int64_t none)
{
	if (value == none)
		cJSON_AddNullToObject(json, name);
	else
		cJSON_AddNumberToObject(json, name, (double)value);
}

/* Limits with null for those that are none. */
static void
add_limits(cJSON *json, const char *name, const struct bf_limits *limits,
    int64_t none)
{
	cJSON *object = cJSON_AddObjectToObject(json, name);

	add_limit(object, "events_per_second", limits->events_per_second, none);
	add_limit(object, "burst", limits->burst, none);
	add_limit(object, "channels", limits->channels, none);
	add_limit(object, "tokens", limits->tokens, none);
	add_limit(object, "stored_bytes", limits->stored_bytes.bytes, none);
}

static const char *
source_of(const struct bf_registry *registry,
    const struct bf_tenant_state *state)
{
	if (strcmp(state->id, bf_registry_default_tenant(registry)) == 0)
		return "default";
	return state->file ? "conf" : state->version > 0 ? "api" : "implied";
}

static void
add_usage(cJSON *json, const struct scheduler *scheduler,
    const struct bf_tenant_state *state)
{
	const struct bf_tenant_figures figures =
	    bf_tenant_figures(scheduler, state->id);
	cJSON *usage = cJSON_AddObjectToObject(json, "usage");
	struct bf_channel_state *const *channels;
	int64_t waiting = 0;
	size_t count;

	channels =
	    bf_registry_channels_read(scheduler->registry, state->id, &count);
	for (size_t i = 0; i < count; i++) {
		const struct bf_lane_state *lane =
		    bf_lane_state_find(scheduler, channels[i]->channel->number);

		waiting += lane ? bf_lane_state_waiting(lane) : 0;
	}
	cJSON_AddNumberToObject(usage, "channels",
	    (double)state->channel_count);
	cJSON_AddNumberToObject(usage, "tokens",
	    (double)bf_tenant_tokens(scheduler, state->id));
	cJSON_AddNumberToObject(usage, "stored_events", (double)figures.events);
	cJSON_AddNumberToObject(usage, "stored_bytes", (double)figures.bytes);
	cJSON_AddNumberToObject(usage, "waiting", (double)waiting);
}

cJSON *
bf_command_describe_tenant(const struct command *command,
    const struct bf_tenant_state *state)
{
	const struct scheduler *scheduler = command->scheduler;
	const struct bf_limits limits =
	    bf_registry_limits(scheduler->registry, state->id);
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "id", state->id);
	if (state->name)
		cJSON_AddStringToObject(json, "name", state->name);
	else
		cJSON_AddNullToObject(json, "name");
	cJSON_AddStringToObject(json, "source",
	    source_of(scheduler->registry, state));
	cJSON_AddBoolToObject(json, "locked", state->file != NULL);
	add_limits(json, "limits", &state->limits, BF_LIMIT_DEFAULT);
	add_limits(json, "effective_limits", &limits, BF_LIMIT_NONE);
	add_usage(json, scheduler, state);
	if (state->file) {
		cJSON_AddStringToObject(json, "file", state->file);
		cJSON_AddNumberToObject(json, "line", state->line);
	} else if (state->version > 0) {
		cJSON_AddNumberToObject(json, "version",
		    (double)state->version);
		cJSON_AddStringToObject(json, "created_at", state->created_at);
	}
	return json;
}

void
bf_verb_list_tenants(const struct command *command)
{
	const struct bf_tenant_state *states[BF_PAGE_MOST + 1];
	const char *after = bf_command_text(command, "after");
	const size_t limit = bf_command_limit(command, PAGE_USUAL);
	cJSON *json, *tenants;
	size_t count;

	if (limit == 0)
		return;
	/* One more tells whether there is a next page. */
	count = bf_registry_tenants_above(command->scheduler->registry, after,
	    states, limit + 1);
	json = cJSON_CreateObject();
	tenants = cJSON_AddArrayToObject(json, "tenants");
	for (size_t i = 0; i < count && i < limit; i++)
		cJSON_AddItemToArray(tenants,
		    bf_command_describe_tenant(command, states[i]));
	if (count > limit)
		cJSON_AddStringToObject(json, "next", states[limit - 1]->id);
	else
		cJSON_AddNullToObject(json, "next");
	bf_command_json(command, 200, json);
}

void
bf_verb_show_tenant(const struct command *command)
{
	struct bf_registry *registry = command->scheduler->registry;
	const char *id = bf_command_text(command, "id");
	const bool own = command->tenant && strcmp(command->tenant, id) == 0;
	const struct bf_tenant_state *state = NULL;
	char *detail;

	if (own)
		state = bf_registry_note_tenant(registry, id);
	else if (!command->tenant)
		state = bf_registry_tenant(registry, id);
	if (state) {
		bf_command_json(command, 200,
		    bf_command_describe_tenant(command, state));
		return;
	}
	detail = bf_strf("there is no tenant \"%s\"", id);
	bf_command_problem(command, 404, "unknown-tenant", "Unknown tenant",
	    NULL, detail);
	free(detail);
}
