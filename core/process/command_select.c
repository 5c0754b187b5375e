/*
 * command_select.c - replay and cancel
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/process/command_private.h"

#define SELECT_STEP 1000 /* deliveries of a cancel or replay at once */

/* A cancel or replay on its way; hung on its change. */
struct selecting {
	struct command command; /* arguments and tenant are not kept */
	size_t count;
};

/* An instant or an id as the bound of a range of event ids. */
static int
bound_of(const struct command *command, const char *argument, uint64_t *id)
{
	const char *text = bf_command_text(command, argument);
	struct bf_instant instant;
	int64_t us;

	if (!text)
		return 0;
	if (bf_timestamp_parse(text, &us) == -1) {
		bf_command_bad_member(command, argument,
		    "expected an RFC 3339 date and time");
		return -1;
	}
	instant.ms = us / 1000;
	/* 0 would be no bound. */
	*id = bf_id_at(instant);
	*id = *id ? *id : 1;
	return 0;
}

/* Whether the command says which deliveries it means: one, or those of a
 * selection. Nothing is not everything. Answers with a problem otherwise. */
static bool
is_selective(const struct command *command)
{
	static const char *const selectors[] = { "channel", "event", "since",
		"until" };
	const bool one = bf_command_text(command, "id");
	const char *selector = NULL;

	for (size_t i = 0; i < sizeof(selectors) / sizeof(*selectors); i++) {
		if (bf_command_text(command, selectors[i]))
			selector = selectors[i];
	}
	if (one && selector)
		bf_command_bad_member(command, selector,
		    "expected no selection beside the id of a delivery");
	else if (!one && !selector)
		bf_command_problem(command, 422, "nothing-selected",
		    "Invalid request", "",
		    "expected a selection: channel, event, since or until");
	return one != !!selector;
}

/* Reads what the command selects; -1 after a problem. */
static int
read_selector(const struct command *command, struct bf_selector *selector)
{
	const char *id = bf_command_text(command, "id");
	const char *tenant = bf_command_tenant(command);

	*selector = (struct bf_selector){ 0 };
	if (!tenant || !is_selective(command))
		return -1;
	if (id && bf_delivery_id_parse(id, &selector->id) == -1) {
		bf_command_problem(command, 404, "unknown-delivery",
		    "Unknown delivery", NULL, "that is no id of a delivery");
		return -1;
	}
	if (bf_command_text(command, "channel")) {
		const struct bf_channel_state *state =
		    bf_command_channel(command, "channel");

		if (!state)
			return -1;
		selector->id.channel = state->channel->number;
	}
	if (bf_command_text(command, "event")) {
		const struct bf_event_type *type =
		    bf_command_type(command, "event");

		if (!type)
			return -1;
		selector->type = bf_strdup(type->name);
	}
	if (bound_of(command, "since", &selector->since) == -1 ||
	    bound_of(command, "until", &selector->until) == -1) {
		free(selector->type);
		return -1;
	}
	if (command->tenant || bf_command_text(command, "tenant_id"))
		selector->tenant = bf_strdup(tenant);
	return 0;
}

/* Hands over one step of a cancel or replay. Takes what selector owns. */
static void
select_step(struct scheduler *scheduler, enum bf_change_kind kind,
    const struct bf_selector *selector, struct selecting *selecting)
{
	const struct bf_channel_state *channel =
	    bf_registry_channel_numbered(scheduler->registry,
		selector->id.channel);
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = kind;
	change->select.selector = *selector;
	change->select.now = bf_scheduler_now(scheduler);
	change->select.max_age.ms =
	    channel ? channel->channel->policy.max_age.ms : 24 * 3600 * 1000LL;
	change->select.limit = SELECT_STEP;
	change->select.failed_only = selector->id.event == 0;
	change->context = selecting;
	bf_committer_add(scheduler->committer, change, true);
}

/* Notes the command. That of an admin is about the tenant whose channel it is
 * about; whoever may act for one tenant leaves no trace with another. */
static void
note(const struct command *command, const struct bf_selector *selector)
{
	const struct bf_registry *registry = command->scheduler->registry;
	const struct bf_channel_state *state =
	    bf_registry_channel_numbered(registry, selector->id.channel);
	struct command named = *command;

	if (state && !command->tenant)
		bf_command_about(&named,
		    state->channel->tenant
			? state->channel->tenant
			: bf_registry_default_tenant(registry));
	bf_command_note(&named);
}

/* What a tenant that was deleted has left is not sent by the next of its id. */
static void
leave_past(const struct scheduler *scheduler, struct bf_selector *selector)
{
	const uint64_t past = bf_tenant_past(scheduler, selector->tenant);

	if (selector->since < past)
		selector->since = past;
}

static void
select_deliveries(const struct command *command, enum bf_change_kind kind)
{
	struct selecting *selecting;
	struct bf_selector selector;

	if (read_selector(command, &selector) == -1)
		return;
	if (kind == BF_CHANGE_REPLAY && selector.tenant)
		leave_past(command->scheduler, &selector);
	/* It is said first: a crash may leave it half done. */
	note(command, &selector);
	selecting = bf_new(struct selecting);
	selecting->command = *command;
	selecting->command.arguments = NULL;
	selecting->command.tenant = NULL;
	select_step(command->scheduler, kind, &selector, selecting);
}

void
bf_verb_replay(const struct command *command)
{
	select_deliveries(command, BF_CHANGE_REPLAY);
}

void
bf_verb_cancel(const struct command *command)
{
	select_deliveries(command, BF_CHANGE_CANCEL);
}

/* What was replayed is a retry now, due at once. */
static void
queue_replayed(struct scheduler *scheduler, const struct bf_change *change)
{
	for (size_t i = 0; i < change->select.count; i++) {
		struct bf_lane_state *lane = bf_lane_state_of(scheduler,
		    change->select.changed[i].channel);

		if (!lane)
			continue;
		bf_lane_state_retrying(scheduler, lane);
		bf_lane_state_retry(scheduler, lane, change->select.now);
	}
}

void
bf_command_selected(struct scheduler *scheduler, struct bf_change *change)
{
	struct selecting *selecting = change->context;
	const bool cancelling = change->kind == BF_CHANGE_CANCEL;
	cJSON *json;

	selecting->count += change->select.count;
	if (cancelling) {
		scheduler->metrics.cancelled += change->select.count;
		bf_lane_state_ended(scheduler, change->select.changed,
		    change->select.was, change->select.count);
	} else {
		scheduler->metrics.replayed += change->select.count;
		queue_replayed(scheduler, change);
	}
	bf_notice_selected(scheduler, change->select.changed,
	    change->select.count, cancelling ? "cancelled" : "scheduled");
	if (change->select.more) {
		struct bf_selector selector = change->select.selector;

		change->select.selector = (struct bf_selector){ 0 };
		select_step(scheduler, change->kind, &selector, selecting);
		return;
	}
	json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, cancelling ? "cancelled" : "replayed",
	    (double)selecting->count);
	bf_command_json(&selecting->command, 200, json);
	free(selecting);
}

void
bf_verb_list_in_flight(const struct command *command)
{
	const cJSON *ids =
	    cJSON_GetObjectItemCaseSensitive(command->arguments, "ids");
	cJSON *json = cJSON_CreateObject();
	cJSON *found = cJSON_AddArrayToObject(json, "ids");
	const cJSON *item;

	cJSON_ArrayForEach(item, ids)
	{
		struct bf_delivery_id id;
		const struct held *held;

		if (!cJSON_IsString(item) ||
		    bf_delivery_id_parse(item->valuestring, &id) == -1)
			continue;
		held = bf_worker_held(command->scheduler, id);
		if (held && held->worker)
			cJSON_AddItemToArray(found,
			    cJSON_CreateString(item->valuestring));
	}
	bf_command_json(command, 200, json);
}
