/*
 * command_types.c - event types and their toggles
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/process/command_private.h"

void
bf_command_add_toggle(cJSON *json, const struct bf_toggle_state *toggle)
{
	static const char *const sources[] = { "default", "conf", "api" };

	cJSON_AddBoolToObject(json, "enabled", toggle->enabled);
	cJSON_AddStringToObject(json, "source", sources[toggle->source]);
	cJSON_AddBoolToObject(json, "locked", toggle->source == BF_TOGGLE_CONF);
}

static cJSON *
describe_type(const struct command *command, const char *tenant,
    const struct bf_event_type *type)
{
	const struct bf_toggle_state toggle =
	    bf_registry_toggle(command->scheduler->registry, tenant, type);
	cJSON *json = cJSON_CreateObject();
	cJSON *metadata;

	cJSON_AddStringToObject(json, "name", type->name);
	cJSON_AddStringToObject(json, "category", type->category);
	cJSON_AddStringToObject(json, "severity",
	    bf_severity_name(type->severity));
	cJSON_AddBoolToObject(json, "default", type->enabled);
	bf_command_add_toggle(json, &toggle);
	cJSON_AddStringToObject(json, "description",
	    type->description ? type->description : "");
	metadata = cJSON_AddObjectToObject(json, "metadata");
	for (size_t i = 0; i < type->metadata.count; i++) {
		/* "key  what it holds" */
		const char *item = type->metadata.items[i];
		const size_t length = strcspn(item, " ");
		char *key = bf_strndup(item, length);

		cJSON_AddStringToObject(metadata, key,
		    item + length + strspn(item + length, " "));
		free(key);
	}
	if (toggle.file || type->file) {
		cJSON_AddStringToObject(json, "file",
		    toggle.file ? toggle.file : type->file);
		cJSON_AddNumberToObject(json, "line",
		    toggle.file ? toggle.line : type->line);
	}
	return json;
}

void
bf_verb_list_types(const struct command *command)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(command->scheduler->registry);
	const char *tenant = bf_command_tenant(command);
	cJSON *json, *types;

	if (!tenant)
		return;
	json = cJSON_CreateObject();
	types = cJSON_AddArrayToObject(json, "event_types");
	for (size_t i = 0; i < snapshot->type_count; i++)
		cJSON_AddItemToArray(types,
		    describe_type(command, tenant, &snapshot->types[i]));
	bf_command_json(command, 200, json);
}

void
bf_verb_show_type(const struct command *command)
{
	const char *tenant = bf_command_tenant(command);
	const struct bf_event_type *type =
	    tenant ? bf_command_type(command, "name") : NULL;

	if (type)
		bf_command_json(command, 200,
		    describe_type(command, tenant, type));
}

/* Sets a toggle (on: 1 or 0), or takes it back (-1). */
static void
change_toggle(const struct command *command, int on)
{
	struct scheduler *scheduler = command->scheduler;
	const char *tenant = bf_command_new_tenant(command);
	const struct bf_event_type *type =
	    tenant ? bf_command_type(command, "name") : NULL;
	char *name, *detail;

	if (!type || !bf_command_is_current(command, "event type",
			 describe_type(command, tenant, type)))
		return;
	if (bf_registry_set_toggle(scheduler->registry, tenant, type, on) ==
	    -1) {
		const struct bf_toggle_state toggle =
		    bf_registry_toggle(scheduler->registry, tenant, type);

		detail = bf_strf("the conf file sets it, in %s:%u", toggle.file,
		    toggle.line);
		bf_command_problem(command, 409, "locked", "Locked", NULL,
		    detail);
		free(detail);
		return;
	}
	name = bf_strf("toggle/%s/%s", tenant, type->name);
	bf_settings_put(scheduler, name, on == -1 ? NULL : on ? "on" : "off");
	free(name);
	bf_command_kept(command, 200, describe_type(command, tenant, type));
}

void
bf_verb_set_toggle(const struct command *command)
{
	const cJSON *enabled =
	    cJSON_GetObjectItemCaseSensitive(command->arguments, "enabled");

	if (!cJSON_IsBool(enabled))
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    "/enabled", "expected true or false");
	else
		change_toggle(command, cJSON_IsTrue(enabled));
}

void
bf_verb_reset_toggle(const struct command *command)
{
	change_toggle(command, -1);
}
