/*
 * command_explain.c - why a channel gets an event
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

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
