/*
 * command_rates.c - what happened in each minute of the last hour
 */
#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/process/command_private.h"

static cJSON *
describe(const struct bf_rate_minute *minute)
{
	cJSON *json = cJSON_CreateObject();
	char at[40];

	bf_timestamp_format(minute->minute * 60000000, at);
	cJSON_AddStringToObject(json, "at", at);
	cJSON_AddNumberToObject(json, "accepted", minute->accepted);
	cJSON_AddNumberToObject(json, "delivered", minute->delivered);
	cJSON_AddNumberToObject(json, "failed", minute->failed);
	if (minute->delivered > 0) {
		cJSON_AddNumberToObject(json, "waited_median_ms",
		    (double)bf_rate_waited_median(minute).ms);
		cJSON_AddNumberToObject(json, "waited_most_ms",
		    minute->waited_most_ms);
	}
	return json;
}

void
bf_verb_rates(const struct command *command)
{
	struct scheduler *scheduler = command->scheduler;
	const bool named = bf_command_text(command, "tenant_id") != NULL;
	struct bf_rate_minute minutes[BF_RATES_MINUTES];
	const struct bf_channel_state *state = NULL;
	const char *tenant = bf_command_tenant(command);
	cJSON *json, *list;
	bool complete;

	if (!tenant)
		return;
	if (bf_command_text(command, "channel") &&
	    !(state = bf_command_channel(command, "channel")))
		return;
	/* Who may see every tenant and names none sees them all. */
	complete = bf_rates_read(scheduler->rates,
	    command->tenant || named ? tenant : NULL,
	    state ? state->channel->number : 0, bf_scheduler_now(scheduler),
	    minutes);
	json = cJSON_CreateObject();
	cJSON_AddBoolToObject(json, "complete", complete);
	list = cJSON_AddArrayToObject(json, "minutes");
	for (int i = 0; i < BF_RATES_MINUTES; i++)
		cJSON_AddItemToArray(list, describe(&minutes[i]));
	bf_command_json(command, 200, json);
}
