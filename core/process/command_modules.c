/*
 * command_modules.c - modules, and the switch that each tenant has for all of
 * its channels of one
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/describe.h"
#include "core/conf/schema.h"
#include "core/process/command_private.h"

static void
add_name(cJSON *names, const struct bf_channel *channel,
    const struct bf_module_info *module)
{
	if (strcmp(channel->module, module->name) == 0)
		cJSON_AddItemToArray(names, cJSON_CreateString(channel->name));
}

/* The channels of the module: the tenant's, or those of the conf file for who
 * may see every tenant and names none. */
static void
add_channels(cJSON *json, const struct command *command, const char *tenant,
    const struct bf_module_info *module)
{
	const struct bf_registry *registry = command->scheduler->registry;
	const struct bf_snapshot *snapshot = bf_registry_snapshot(registry);
	cJSON *names = cJSON_AddArrayToObject(json, "channels");
	struct bf_channel_state *const *states;
	size_t count;

	if (!command->tenant && !bf_command_text(command, "tenant_id")) {
		for (size_t i = 0; i < snapshot->channel_count; i++)
			add_name(names, &snapshot->channels[i], module);
		return;
	}
	states = bf_registry_channels(registry, tenant, &count);
	for (size_t i = 0; i < count; i++)
		add_name(names, states[i]->channel, module);
}

static cJSON *
describe_module(const struct command *command, const char *tenant,
    const struct bf_module_info *module)
{
	const struct bf_toggle_state toggle =
	    bf_registry_module_toggle(command->scheduler->registry, tenant,
		module);
	cJSON *json = cJSON_CreateObject();
	cJSON *directives;

	cJSON_AddStringToObject(json, "name", module->name);
	cJSON_AddStringToObject(json, "version",
	    module->version ? module->version : "");
	cJSON_AddNumberToObject(json, "abi", module->abi);
	cJSON_AddStringToObject(json, "license",
	    module->license ? module->license : "");
	cJSON_AddStringToObject(json, "summary",
	    module->summary ? module->summary : "");
	cJSON_AddStringToObject(json, "path", module->path);
	cJSON_AddBoolToObject(json, "isolate", module->isolate);
	bf_command_add_toggle(json, &toggle);
	if (toggle.file) {
		cJSON_AddStringToObject(json, "file", toggle.file);
		cJSON_AddNumberToObject(json, "line", toggle.line);
	}
	add_channels(json, command, tenant, module);
	directives =
	    module->directives ? cJSON_Parse(module->directives) : NULL;
	if (directives)
		cJSON_AddItemToObject(json, "directives", directives);
	return json;
}

/* The module of the argument "name"; NULL after a 404. */
static const struct bf_module_info *
find_module(const struct command *command)
{
	const char *name = bf_command_text(command, "name");
	const struct bf_module_info *module =
	    name ? bf_snapshot_module(bf_registry_snapshot(
					  command->scheduler->registry),
		       name)
		 : NULL;

	if (!module) {
		char *detail =
		    bf_strf("no module \"%s\" is loaded", name ? name : "");

		bf_command_problem(command, 404, "unknown-module",
		    "Unknown module", NULL, detail);
		free(detail);
	}
	return module;
}

/* GET /v1/modules/NAME: with the schema of its settings. */
void
bf_verb_show_module(const struct command *command)
{
	const char *tenant = bf_command_tenant(command);
	const struct bf_module_info *module =
	    tenant ? find_module(command) : NULL;
	struct bf_directive *table;
	cJSON *json;

	if (!module)
		return;
	json = describe_module(command, tenant, module);
	table = bf_described_directives(module->directives);
	if (table)
		cJSON_AddItemToObject(json, "settings_schema",
		    bf_settings_schema(table, module->name, module->summary));
	bf_described_free(&table);
	bf_command_json(command, 200, json);
}

void
bf_verb_list_modules(const struct command *command)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(command->scheduler->registry);
	const char *tenant = bf_command_tenant(command);
	cJSON *json, *modules;

	if (!tenant)
		return;
	json = cJSON_CreateObject();
	modules = cJSON_AddArrayToObject(json, "modules");
	for (size_t i = 0; i < snapshot->module_count; i++)
		cJSON_AddItemToArray(modules,
		    describe_module(command, tenant, &snapshot->modules[i]));
	bf_command_json(command, 200, json);
}

/* Holds the tenant's channels of the module, or lets them go. */
static void
refresh_channels(struct scheduler *scheduler, const char *tenant,
    const struct bf_module_info *module)
{
	struct bf_channel_state *const *states;
	struct bf_lane_state *lane;
	size_t count;

	states = bf_registry_channels(scheduler->registry, tenant, &count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(states[i]->channel->module, module->name) != 0)
			continue;
		lane =
		    bf_lane_state_find(scheduler, states[i]->channel->number);
		if (lane)
			bf_lane_state_refresh(scheduler, lane);
	}
	bf_worker_pump_soon(scheduler);
}

/* Switches the tenant's channels of a module (on: 1 or 0), or takes that back
 * (-1). */
static void
change_toggle(const struct command *command, int on)
{
	struct scheduler *scheduler = command->scheduler;
	const char *tenant = bf_command_new_tenant(command);
	const struct bf_module_info *module =
	    tenant ? find_module(command) : NULL;
	char *name, *detail;

	if (!module || !bf_command_is_current(command, "module",
			   describe_module(command, tenant, module)))
		return;
	if (bf_registry_set_module(scheduler->registry, tenant, module, on) ==
	    -1) {
		detail = bf_strf("the conf file disables it, in %s:%u",
		    module->file, module->line);
		bf_command_problem(command, 409, "locked", "Locked", NULL,
		    detail);
		free(detail);
		return;
	}
	name = bf_strf("module/%s/%s", tenant, module->name);
	bf_settings_put(scheduler, name, on == -1 ? NULL : on ? "on" : "off");
	free(name);
	refresh_channels(scheduler, tenant, module);
	bf_command_kept(command, 200, describe_module(command, tenant, module));
}

void
bf_verb_set_module(const struct command *command)
{
	const cJSON *enabled =
	    cJSON_GetObjectItemCaseSensitive(command->arguments, "enabled");

	if (!cJSON_IsBool(enabled))
		bf_command_bad_member(command, "enabled",
		    "expected true or false");
	else
		change_toggle(command, cJSON_IsTrue(enabled));
}

void
bf_verb_reset_module(const struct command *command)
{
	change_toggle(command, -1);
}
