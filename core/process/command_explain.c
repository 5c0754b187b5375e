/*
 * command_explain.c - why a channel gets an event, and what modules there are
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/describe.h"
#include "core/conf/schema.h"
#include "core/process/command_private.h"

static void
add_decision(void *context, const struct bf_decision *decision)
{
	const struct bf_channel *channel = decision->channel->channel;
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "channel", channel->name);
	cJSON_AddStringToObject(json, "module", channel->module);
	cJSON_AddBoolToObject(json, "receives",
	    decision->rule == BF_RULE_ACCEPTED);
	cJSON_AddStringToObject(json, "rule", bf_rule_name(decision->rule));
	cJSON_AddStringToObject(json, "reason", decision->reason);
	cJSON_AddItemToArray(context, json);
}

void
bf_verb_explain(const struct command *command)
{
	struct scheduler *scheduler = command->scheduler;
	const char *tenant = bf_command_tenant(command);
	const struct bf_event_type *type =
	    tenant ? bf_command_type(command, "event") : NULL;
	cJSON *json, *channels;

	if (!type)
		return;
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "event", type->name);
	cJSON_AddStringToObject(json, "tenant_id", tenant);
	channels = cJSON_AddArrayToObject(json, "channels");
	bf_route_event(scheduler->registry, tenant, type, NULL,
	    &scheduler->route, add_decision, channels);
	cJSON_AddStringToObject(json, "reason", scheduler->route.reason);
	bf_command_json(command, 200, json);
}

static cJSON *
describe_module(const struct command *command,
    const struct bf_module_info *module)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(command->scheduler->registry);
	cJSON *json = cJSON_CreateObject();
	cJSON *channels, *directives;

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
	cJSON_AddBoolToObject(json, "enabled", !module->disabled);
	channels = cJSON_AddArrayToObject(json, "channels");
	for (size_t i = 0; i < snapshot->channel_count; i++) {
		const struct bf_channel *channel = &snapshot->channels[i];

		if (strcmp(channel->module, module->name) == 0 &&
		    (!command->tenant || !channel->tenant ||
			strcmp(channel->tenant, command->tenant) == 0))
			cJSON_AddItemToArray(channels,
			    cJSON_CreateString(channel->name));
	}
	directives =
	    module->directives ? cJSON_Parse(module->directives) : NULL;
	if (directives)
		cJSON_AddItemToObject(json, "directives", directives);
	return json;
}

/* GET /v1/modules/NAME: with the schema of its settings. */
void
bf_verb_show_module(const struct command *command)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(command->scheduler->registry);
	const char *name = bf_command_text(command, "name");
	const struct bf_module_info *module =
	    name ? bf_snapshot_module(snapshot, name) : NULL;
	struct bf_directive *table;
	cJSON *json;

	if (!module) {
		bf_command_problem(command, 404, "unknown-module",
		    "Unknown module", NULL, "no such module is loaded");
		return;
	}
	json = describe_module(command, module);
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
	cJSON *json = cJSON_CreateObject();
	cJSON *modules = cJSON_AddArrayToObject(json, "modules");

	for (size_t i = 0; i < snapshot->module_count; i++)
		cJSON_AddItemToArray(modules,
		    describe_module(command, &snapshot->modules[i]));
	bf_command_json(command, 200, json);
}
