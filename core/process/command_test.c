/*
 * command_test.c - tests of channels, saved or not
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/process/command_private.h"
#include "core/registry/snapshot_wire.h"

/* The event of a test: what the caller gave, or a plain one. Takes given. */
static struct bf_event *
make_event(cJSON *given, const char *tenant, struct bf_event_problem *problem)
{
	static const struct {
		const char *name, *usual;
	} members[] = {
		{ "event", "deploy_succeeded" },
		{ "subject", "Test notification from belfry" },
		{ "body", "<p>This is a test. The channel works.</p>" },
	};
	const struct bf_event_defaults defaults = { tenant,
		bf_clock_wall_us() };
	struct bf_event *event;
	char *text;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (cJSON_IsObject(given) &&
		    !cJSON_GetObjectItemCaseSensitive(given, members[i].name))
			cJSON_AddStringToObject(given, members[i].name,
			    members[i].usual);
	}
	text = cJSON_PrintUnformatted(given);
	event = bf_event_parse(text, strlen(text), &defaults, NULL, problem);
	cJSON_free(text);
	cJSON_Delete(given);
	return event;
}

/* The same, of a type that there is; NULL after the answer that says why not.
 */
static struct bf_event *
read_event(const struct command *command, cJSON *given, const char *tenant)
{
	struct bf_event_problem problem;
	struct bf_event *event = make_event(given, tenant, &problem);
	char *detail;

	if (!event) {
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    problem.field, problem.error.text);
		return NULL;
	}
	if (bf_registry_type(command->scheduler->registry, event->type))
		return event;
	detail = bf_strf("there is no event type \"%s\"", event->type);
	bf_command_problem(command, 422, "unknown-event-type",
	    "Unknown event type", "/event", detail);
	free(detail);
	bf_event_unref(&event);
	return NULL;
}

void
bf_verb_test_channel(const struct command *command)
{
	struct bf_channel_state *state = bf_command_channel(command, "name");
	struct bf_event *event;
	cJSON *given;

	if (!state)
		return;
	if (state->fault) {
		bf_command_problem(command, 409, "faulty-channel", "Conflict",
		    NULL, state->fault);
		return;
	}
	given = cJSON_Duplicate(command->arguments, 1);
	cJSON_DeleteItemFromObjectCaseSensitive(given, "name");
	cJSON_DeleteItemFromObjectCaseSensitive(given, "tenant_id");
	event = read_event(command, given,
	    state->channel->tenant
		? state->channel->tenant
		: bf_registry_default_tenant(command->scheduler->registry));
	if (!event)
		return;
	bf_command_note(command);
	bf_test_run(command->scheduler,
	    &(struct test){ .intake = command->intake,
		.token = command->token,
		.channel = state->channel->number,
		.event = event,
		.group = (char *)bf_settings_group(command->scheduler,
		    state->channel->module) });
}

/* ---- settings that are not saved ---- */

/* A test that waits until its settings were checked. */
struct draft {
	struct command command; /* without arguments and tenant */
	struct bf_channel *channel;
	struct bf_event *event;
};

static void
on_checked(struct scheduler *scheduler, void *context, bool checked,
    const char *why)
{
	struct draft *draft = context;

	if (why) {
		bf_command_problem(&draft->command, checked ? 422 : 502,
		    checked ? "invalid-channel" : "not-checked",
		    checked ? "Invalid channel"
			    : "The settings were not checked",
		    "/settings", why);
		bf_event_unref(&draft->event);
		bf_channel_free(&draft->channel);
	} else {
		bf_command_note(&draft->command);
		bf_test_run(scheduler,
		    &(struct test){ .intake = draft->command.intake,
			.token = draft->command.token,
			.draft = draft->channel,
			.event = draft->event,
			.group = (char *)bf_settings_group(scheduler,
			    draft->channel->module) });
	}
	free(draft);
}

/* What was given as a channel: without the event, and with a name. */
static cJSON *
make_channel(const struct command *command)
{
	cJSON *json = cJSON_Duplicate(command->arguments, 1);

	cJSON_DeleteItemFromObjectCaseSensitive(json, "notification");
	if (!cJSON_HasObjectItem(json, "name"))
		cJSON_AddStringToObject(json, "name", "unsaved");
	return json;
}

static struct bf_channel *
read_channel(const struct command *command, const char *tenant)
{
	struct bf_registry *registry = command->scheduler->registry;
	const char *name = bf_command_text(command, "name");
	const struct bf_channel_state *saved =
	    name ? bf_registry_channel(registry, tenant, name) : NULL;
	cJSON *json = make_channel(command);
	struct bf_channel_problem problem;
	struct bf_channel *channel;

	channel = bf_channel_read(bf_registry_reader(registry), tenant, json,
	    saved && !saved->fault ? saved->channel : NULL, &problem);
	if (!channel)
		bf_command_problem(command, 422, "invalid-channel",
		    "Invalid channel", problem.field, problem.error.text);
	bf_command_wipe(json);
	cJSON_Delete(json);
	return channel;
}

void
bf_verb_test_draft(const struct command *command)
{
	const char *tenant = bf_command_tenant(command);
	struct scheduler *scheduler = command->scheduler;
	struct draft *draft;
	struct bf_channel *channel;
	struct bf_event *event;
	const cJSON *given;

	if (!tenant || !(channel = read_channel(command, tenant)))
		return;
	given = cJSON_GetObjectItemCaseSensitive(command->arguments,
	    "notification");
	event = read_event(command,
	    given ? cJSON_Duplicate(given, 1) : cJSON_CreateObject(), tenant);
	if (!event) {
		bf_channel_free(&channel);
		return;
	}
	draft = bf_new(struct draft);
	draft->command = *command;
	draft->command.arguments = NULL;
	draft->command.tenant = NULL;
	draft->channel = channel;
	draft->event = event;
	bf_check_run(scheduler, channel,
	    bf_settings_group(scheduler, channel->module), on_checked, draft);
}
