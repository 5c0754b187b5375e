/*
 * command_channels.c - channels: shown, switched
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/settings.h"
#include "core/event/parse.h"
#include "core/process/command_private.h"
#include "core/registry/rate.h"

#define PAGE_BYTES (1 << 20) /* what is above begins a page of its own */

static const char *
channel_state(const struct command *command,
    const struct bf_channel_state *state, const char **reason)
{
	*reason = NULL;
	if (bf_registry_channel_runs(command->scheduler->registry, state,
		reason))
		return "running";
	return state->fault     ? "faulty"
	       : state->stopped ? "stopped"
				: "disabled";
}

/* The name of a secret; of a pair also the pair's: "header X-Key". */
static void
add_secret(cJSON *secrets, const struct bf_directive *table,
    const struct bf_setting *setting)
{
	const struct bf_directive *directive =
	    table ? bf_settings_find(table, setting->name) : NULL;
	char *name;

	if (directive && directive->type == BF_TYPE_PAIRS)
		name = bf_strf("%s %s", setting->name, setting->words.items[0]);
	else
		name = bf_strdup(setting->name);
	cJSON_AddItemToArray(secrets, cJSON_CreateString(name));
	free(name);
}

static void
add_settings(cJSON *json, struct bf_channel_reader *reader,
    const struct bf_channel *channel)
{
	cJSON *secrets;

	cJSON_AddItemToObject(json, "settings",
	    bf_channel_settings(reader, channel, NULL, NULL));
	secrets = cJSON_AddArrayToObject(json, "secrets");
	for (size_t i = 0; i < channel->setting_count; i++) {
		if (channel->settings[i].secret)
			add_secret(secrets,
			    bf_channel_reader_table(reader, channel->module),
			    &channel->settings[i]);
	}
}

/* As the conf file would have it: "10/s burst=5". */
static void
add_rate(cJSON *json, const struct bf_rate *rate)
{
	char text[BF_RATE_TEXT];

	if (rate->count == 0) {
		cJSON_AddNullToObject(json, "rate");
		return;
	}
	bf_rate_format(rate, text);
	cJSON_AddStringToObject(json, "rate", text);
}

static void
add_policy(cJSON *json, const struct bf_channel_policy *policy)
{
	cJSON *events = cJSON_AddArrayToObject(json, "events");
	cJSON *retry = cJSON_AddArrayToObject(json, "retry");
	char text[64];

	for (size_t i = 0; i < policy->events.count; i++)
		cJSON_AddItemToArray(events,
		    cJSON_CreateString(policy->events.items[i]));
	for (size_t i = 0; i < policy->retry.count; i++) {
		bf_duration_format(policy->retry.delays[i], text);
		cJSON_AddItemToArray(retry, cJSON_CreateString(text));
	}
	cJSON_AddNumberToObject(json, "jitter", policy->retry.jitter);
	bf_duration_format(policy->timeout, text);
	cJSON_AddStringToObject(json, "timeout", text);
	bf_duration_format(policy->max_age, text);
	cJSON_AddStringToObject(json, "max_age", text);
	cJSON_AddNumberToObject(json, "concurrency",
	    (double)policy->concurrency);
	bf_duration_format(policy->retry_after_max, text);
	cJSON_AddStringToObject(json, "retry_after_max", text);
	cJSON_AddBoolToObject(json, "ordered", policy->ordered);
	cJSON_AddBoolToObject(json, "enabled", policy->enabled);
	add_rate(json, &policy->rate);
}

/* Until when the endpoint asked to be left alone; nothing if it did not. */
static void
add_pause(cJSON *json, const struct command *command,
    const struct bf_lane_state *lane)
{
	const int64_t left =
	    bf_lane_paused_until(lane->lane) - bf_clock_monotonic_ms();
	char text[40];

	if (left <= 0)
		return;
	bf_timestamp_format((bf_scheduler_now(command->scheduler).ms + left) *
				1000,
	    text);
	cJSON_AddStringToObject(json, "paced_until", text);
}

/* When one was made over the API, if that is known. */
static void
add_created(cJSON *json, const struct bf_channel_state *state)
{
	char text[40];

	if (state->created_us == 0)
		return;
	bf_timestamp_format(state->created_us, text);
	cJSON_AddStringToObject(json, "created_at", text);
}

cJSON *
bf_command_describe_channel(const struct command *command,
    const struct bf_channel_state *state)
{
	const struct bf_channel *channel = state->channel;
	const struct bf_lane_state *lane =
	    bf_lane_state_find(command->scheduler, channel->number);
	cJSON *json = cJSON_CreateObject();
	const char *reason, *failing_since;

	cJSON_AddStringToObject(json, "name", channel->name);
	cJSON_AddStringToObject(json, "tenant_id",
	    channel->tenant
		? channel->tenant
		: bf_registry_default_tenant(command->scheduler->registry));
	cJSON_AddStringToObject(json, "module", channel->module);
	cJSON_AddStringToObject(json, "state",
	    channel_state(command, state, &reason));
	if (state->stopped && state->stop_reason)
		reason = state->stop_reason;
	if (reason)
		cJSON_AddStringToObject(json, "reason", reason);
	if (lane)
		add_pause(json, command, lane);
	failing_since = lane ? lane->failing_since : state->failing_since;
	if (failing_since)
		cJSON_AddStringToObject(json, "failing_since", failing_since);
	cJSON_AddBoolToObject(json, "disabled", state->disabled);
	cJSON_AddNumberToObject(json, "waiting",
	    lane ? (double)bf_lane_state_waiting(lane) : 0);
	cJSON_AddNumberToObject(json, "in_flight",
	    lane ? (double)bf_lane_in_flight(lane->lane) : 0);
	if (lane)
		cJSON_AddNumberToObject(json, "window",
		    (double)bf_lane_window(lane->lane));
	add_policy(json, &channel->policy);
	add_settings(json, bf_registry_reader(command->scheduler->registry),
	    channel);
	if (channel->file) {
		cJSON_AddStringToObject(json, "file", channel->file);
		cJSON_AddNumberToObject(json, "line", channel->line);
	} else {
		cJSON_AddNumberToObject(json, "version",
		    (double)state->version);
		add_created(json, state);
	}
	return json;
}

/* Where a page begins: after "TENANT/NAME". false after a 422. copy, which
 * above points into, is the caller's to free. */
static bool
read_after(const struct command *command, char **copy,
    struct bf_channel_place *above)
{
	char *slash;

	*copy = bf_strdup(bf_command_text(command, "after"));
	if (!*copy)
		return true;
	slash = strchr(*copy, '/');
	if (!slash) {
		bf_command_bad_member(command, "after",
		    "expected the \"next\" of the page before");
		return false;
	}
	*slash = '\0';
	*above = (struct bf_channel_place){ *copy, slash + 1 };
	return true;
}

/* Adds a channel to those of a page; returns how many bytes it has there. */
static size_t
add_to_page(const struct command *command, const struct bf_channel_state *state,
    cJSON *channels)
{
	cJSON *json = bf_command_describe_channel(command, state);
	char *text = cJSON_PrintUnformatted(json);
	const size_t size = strlen(text);

	cJSON_AddItemToArray(channels, cJSON_CreateRaw(text));
	cJSON_free(text);
	cJSON_Delete(json);
	return size;
}

static void
answer_page(const struct command *command, const char *tenant,
    struct bf_channel_place above, size_t limit)
{
	const struct bf_channel_state *states[BF_PAGE_MOST + 1];
	/* One more tells whether there is a next page. */
	const size_t count =
	    bf_registry_channels_above(command->scheduler->registry, tenant,
		above, states, limit + 1);
	cJSON *json = cJSON_CreateObject();
	cJSON *channels = cJSON_AddArrayToObject(json, "channels");
	size_t given = 0, bytes = 0;
	char *next = NULL;

	for (; given < count && given < limit && bytes < PAGE_BYTES; given++)
		bytes += add_to_page(command, states[given], channels);
	if (count > given)
		next = bf_strf("%s/%s", states[given - 1]->channel->tenant,
		    states[given - 1]->channel->name);
	cJSON_AddItemToObject(json, "next",
	    next ? cJSON_CreateString(next) : cJSON_CreateNull());
	free(next);
	bf_command_json(command, 200, json);
}

void
bf_verb_list_channels(const struct command *command)
{
	const char *tenant = bf_command_tenant(command);
	const size_t limit =
	    tenant ? bf_command_limit(command, BF_PAGE_MOST) : 0;
	struct bf_channel_place above = { NULL, NULL };
	char *copy = NULL;

	if (limit == 0)
		return;
	/* Who may see every tenant and names none sees them all. */
	if (!command->tenant && !bf_command_text(command, "tenant_id"))
		tenant = NULL;
	if (read_after(command, &copy, &above))
		answer_page(command, tenant, above, limit);
	free(copy);
}

void
bf_verb_show_channel(const struct command *command)
{
	struct bf_channel_state *state = bf_command_channel(command, "name");

	if (state)
		bf_command_json(command, 200,
		    bf_command_describe_channel(command, state));
}

static void
refresh_channel(const struct command *command, struct bf_channel_state *state)
{
	struct bf_lane_state *lane =
	    bf_lane_state_find(command->scheduler, state->channel->number);

	if (lane)
		bf_lane_state_refresh(command->scheduler, lane);
	bf_worker_pump_soon(command->scheduler);
	bf_command_kept(command, 200,
	    bf_command_describe_channel(command, state));
}

/* The channel, if it is the one that If-Match means; else NULL, answered. */
static struct bf_channel_state *
channel_to_switch(const struct command *command)
{
	struct bf_channel_state *state = bf_command_channel(command, "name");

	if (!state || !bf_command_is_current(command, "channel",
			  bf_command_describe_channel(command, state)))
		return NULL;
	return state;
}

void
bf_verb_disable_channel(const struct command *command)
{
	struct bf_channel_state *state = channel_to_switch(command);

	if (!state)
		return;
	state->disabled = true;
	bf_settings_channel_put(command->scheduler, state->channel, "disabled",
	    "1");
	refresh_channel(command, state);
}

void
bf_verb_enable_channel(const struct command *command)
{
	struct bf_channel_state *state = channel_to_switch(command);

	if (!state)
		return;
	state->disabled = false;
	bf_settings_channel_put(command->scheduler, state->channel, "disabled",
	    NULL);
	refresh_channel(command, state);
}

void
bf_verb_start_channel(const struct command *command)
{
	struct bf_channel_state *state = channel_to_switch(command);

	if (!state)
		return;
	state->stopped = false;
	free(state->stop_reason);
	state->stop_reason = NULL;
	bf_settings_channel_put(command->scheduler, state->channel, "stopped",
	    NULL);
	refresh_channel(command, state);
}
