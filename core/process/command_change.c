/*
 * command_change.c - channels made, changed and deleted over the API
 *
 * A change is read and checked by the tables, then by its module in a worker,
 * then made durable; only then is it in use, and answered. One channel has one
 * change at a time, so that none is lost between its check and its commit.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/intake/entity_tag.h"
#include "core/process/api_channel.h"
#include "core/process/command_private.h"
#include "core/registry/snapshot_wire.h"

struct channel_change {
	struct store_call call;
	struct command command; /* without arguments and tenant */
	char *tenant, *name;
	uint64_t version; /* that it makes */
	int64_t created_us;
	cJSON *json;                /* what was said; NULL: it is deleted */
	struct bf_channel *channel; /* what it was read to */
	char *value;                /* for the store */
	uint32_t number;
	struct bf_change *audit; /* the row that is committed with it */
	bool created;
	TAILQ_ENTRY(channel_change) entry;
};

static void
end_change(struct channel_change *change)
{
	struct scheduler *scheduler = change->command.scheduler;

	TAILQ_REMOVE(&scheduler->changes, change, entry);
	bf_channel_free(&change->channel);
	bf_command_wipe(change->json);
	cJSON_Delete(change->json);
	bf_change_free(change->audit);
	free(change->value);
	free(change->tenant);
	free(change->name);
	free(change);
}

bool
bf_channel_is_changing(const struct scheduler *scheduler, const char *tenant)
{
	const struct channel_change *change;

	TAILQ_FOREACH(change, &scheduler->changes, entry)
	{
		if (strcmp(change->tenant, tenant) == 0)
			return true;
	}
	return false;
}

/* ---- whether it may be made ---- */

/* What a verb does: makes a channel that is not there, makes or changes one, or
 * changes one that is there. */
enum aim { AIM_CREATE, AIM_PUT, AIM_CHANGE };

/* One of the conf file is changed there; a new one needs another name. */
static bool
is_locked(const struct command *command, const struct bf_channel_state *state,
    enum aim aim)
{
	char *detail;

	if (!state || state->version > 0)
		return false;
	detail = bf_strf("channel %s stands in the conf file, at %s:%u: %s",
	    state->channel->name, state->channel->file, state->channel->line,
	    aim == AIM_CREATE ? "expected another name" : "change it there");
	bf_command_problem(command, 409, "conf-file-channel", "Conflict",
	    aim == AIM_CREATE ? "/name" : NULL, detail);
	free(detail);
	return true;
}

static bool
is_busy(const struct command *command, const char *tenant, const char *name)
{
	const struct channel_change *change;

	if (bf_keys_busy(command))
		return true;
	if (bf_tenant_is_changing(command->scheduler, tenant)) {
		bf_command_problem(command, 409, "being-changed", "Conflict",
		    NULL, "the tenant is being changed; try again");
		return true;
	}
	TAILQ_FOREACH(change, &command->scheduler->changes, entry)
	{
		if (strcmp(change->tenant, tenant) != 0 ||
		    strcmp(change->name, name) != 0)
			continue;
		bf_command_problem(command, 409, "being-changed", "Conflict",
		    NULL, "the channel is being changed; try again");
		return true;
	}
	return false;
}

/* ---- on stable storage ---- */

static void
add_put(struct bf_batch *batch, char *name, const char *value)
{
	bf_batch_add(batch, bf_change_put(name, value));
	free(name);
}

static enum bf_store_result
run_change(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	static const char *const kept[] = { "disabled", "stopped", "failing" };
	struct channel_change *change = (struct channel_change *)call;
	enum bf_store_result result;
	struct bf_batch batch;

	result = bf_store_channel_number(store, change->tenant, change->name,
	    &change->number, err);
	if (result != BF_STORE_OK)
		return result;
	bf_batch_init(&batch);
	add_put(&batch, bf_api_channel_name(change->tenant, change->name),
	    change->value);
	for (size_t i = 0; !change->value && i < 3; i++)
		add_put(&batch,
		    bf_strf("channel/%s/%s/%s", change->tenant, change->name,
			kept[i]),
		    NULL);
	bf_batch_add(&batch, change->audit);
	change->audit = NULL;
	result = bf_store_commit(store, &batch, err);
	bf_batch_clear(&batch);
	return result;
}

/* It is durable: takes it into use. */
static void
use(struct channel_change *change)
{
	struct scheduler *scheduler = change->command.scheduler;
	struct bf_registry *registry = scheduler->registry;
	struct bf_channel_state *state;
	cJSON *document;
	char *text;

	document = bf_channel_document(bf_registry_reader(registry),
	    change->json, change->channel, NULL, NULL);
	text = cJSON_PrintUnformatted(document);
	state = bf_registry_put(registry, change->channel, change->version,
	    bf_strdup(text), NULL);
	change->channel = NULL;
	cJSON_free(text);
	cJSON_Delete(document);
	if (!state) {
		bf_command_problem(&change->command, 409, "conf-file-channel",
		    "Conflict", NULL,
		    "the conf file has got a channel of that name");
		return;
	}
	state->created_us = change->created_us;
	if (state->channel->number == 0)
		bf_registry_number(registry, state, change->number);
	bf_settings_channel_changed(scheduler, state);
	bf_command_json(&change->command, change->created ? 201 : 200,
	    bf_command_describe_channel(&change->command, state));
}

static void
change_done(void *owner, struct store_call *call)
{
	struct channel_change *change = (struct channel_change *)call;
	struct scheduler *scheduler = owner;
	struct bf_channel_state *state =
	    bf_registry_channel(scheduler->registry, change->tenant,
		change->name);
	cJSON *json;

	if (call->result != BF_STORE_OK) {
		bf_command_problem(&change->command, 503, "store",
		    "The store failed", NULL, call->error.text);
	} else if (change->json) {
		use(change);
	} else {
		if (state && state->version > 0)
			bf_settings_channel_remove(scheduler, state);
		json = cJSON_CreateObject();
		cJSON_AddStringToObject(json, "deleted", change->name);
		bf_command_json(&change->command, 200, json);
	}
	end_change(change);
	bf_worker_pump_soon(scheduler);
}

static void
commit(struct channel_change *change)
{
	change->audit = bf_command_audit(&change->command);
	change->call.run = run_change;
	change->call.done = change_done;
	bf_committer_call(change->command.scheduler->committer, &change->call);
}

/* ---- checked by the module ---- */

static void
on_checked(struct scheduler *scheduler, void *context, bool checked,
    const char *why)
{
	struct channel_change *change = context;

	if (why) {
		bf_command_problem(&change->command, checked ? 422 : 503,
		    checked ? "invalid-channel" : "not-checked",
		    checked ? "Invalid channel"
			    : "The settings were not "
			      "checked",
		    "/settings", why);
		end_change(change);
		return;
	}
	change->value = bf_api_channel_value(scheduler->keyring,
	    bf_registry_reader(scheduler->registry), change->json,
	    change->channel, change->version, change->created_us);
	commit(change);
}

static struct channel_change *
new_change(const struct command *command, const char *tenant, const char *name,
    const struct bf_channel_state *state)
{
	struct channel_change *change = bf_new(struct channel_change);

	change->command = *command;
	change->command.arguments = NULL;
	change->command.tenant = NULL;
	change->tenant = bf_strdup(tenant);
	change->name = bf_strdup(name);
	change->version = state ? state->version + 1 : 1;
	change->created_us = state ? state->created_us : bf_clock_wall_us();
	change->created = !state;
	TAILQ_INSERT_TAIL(&command->scheduler->changes, change, entry);
	return change;
}

/* Reads what was said, and has it checked. Takes json. */
static void
change_channel(const struct command *command, const char *tenant,
    const struct bf_channel_state *state, cJSON *json)
{
	struct scheduler *scheduler = command->scheduler;
	struct bf_channel_problem problem;
	struct channel_change *change;
	struct bf_channel *channel;

	channel =
	    bf_channel_read(bf_registry_reader(scheduler->registry), tenant,
		json, state && !state->fault ? state->channel : NULL, &problem);
	if (!channel) {
		bf_command_problem(command, 422, "invalid-channel",
		    "Invalid channel", problem.field, problem.error.text);
		bf_command_wipe(json);
		cJSON_Delete(json);
		return;
	}
	change = new_change(command, tenant, channel->name, state);
	change->json = json;
	change->channel = channel;
	bf_check_run(scheduler, channel,
	    bf_settings_group(scheduler, channel->module), on_checked, change);
}

/* ---- the verbs ---- */

/* What a verb is about. -1: it was answered why it can't be done. */
static int
find(const struct command *command, enum aim aim, const char **tenant,
    struct bf_channel_state **state)
{
	const char *name = bf_command_text(command, "name");

	*tenant = aim == AIM_CHANGE ? bf_command_tenant(command)
				    : bf_command_new_tenant(command);
	if (!*tenant)
		return -1;
	*state = bf_registry_channel(command->scheduler->registry, *tenant,
	    name ? name : "");
	if (is_locked(command, *state, aim) ||
	    !bf_command_is_current(command, "channel",
		*state ? bf_command_describe_channel(command, *state) : NULL) ||
	    is_busy(command, *tenant, name ? name : ""))
		return -1;
	return 0;
}

/* Whether the tenant may have one more; those that are being made count. */
static bool
has_room(const struct command *command, const char *tenant)
{
	const struct scheduler *scheduler = command->scheduler;
	const int64_t most =
	    bf_registry_limits(scheduler->registry, tenant).channels;
	const struct bf_tenant_state *state =
	    bf_registry_tenant(scheduler->registry, tenant);
	int64_t count = state ? (int64_t)state->channel_count : 0;
	const struct channel_change *change;
	char *detail;

	TAILQ_FOREACH(change, &scheduler->changes, entry)
	count += change->created && strcmp(change->tenant, tenant) == 0;
	if (most == BF_LIMIT_NONE || count < most)
		return true;
	detail = bf_strf("the tenant has %lld channel%s and may have %lld",
	    (long long)count, count == 1 ? "" : "s", (long long)most);
	bf_command_problem(command, 409, "limit", "Conflict", NULL, detail);
	free(detail);
	return false;
}

void
bf_verb_create_channel(const struct command *command)
{
	struct bf_channel_state *state;
	const char *tenant;

	if (find(command, AIM_CREATE, &tenant, &state) == -1)
		return;
	if (state) {
		bf_command_problem(command, 409, "exists", "Conflict", "/name",
		    "there is a channel of that name: change it with PUT or "
		    "PATCH");
		return;
	}
	if (has_room(command, tenant))
		change_channel(command, tenant, NULL,
		    cJSON_Duplicate(command->arguments, 1));
}

void
bf_verb_put_channel(const struct command *command)
{
	struct bf_channel_state *state;
	const char *tenant;

	if (find(command, AIM_PUT, &tenant, &state) == 0 &&
	    (state || has_room(command, tenant)))
		change_channel(command, tenant, state,
		    cJSON_Duplicate(command->arguments, 1));
}

/* Whether a setting is pairs, which a document has as [name, value] each. */
static bool
is_pairs(const cJSON *setting)
{
	return cJSON_IsArray(setting) && cJSON_IsArray(setting->child);
}

/* Puts the members of patch into a list of pairs, in place of those of the same
 * names. One that is null stays as that: it may take a saved secret away. */
static void
merge_pairs(cJSON *pairs, const cJSON *patch)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, patch)
	{
		cJSON *old = pairs->child, *next, *pair = cJSON_CreateArray();

		for (; old; old = next) {
			const char *name = cJSON_GetStringValue(old->child);

			next = old->next;
			if (name && bf_channel_same_pair(pairs->string, name,
					item->string))
				cJSON_Delete(
				    cJSON_DetachItemViaPointer(pairs, old));
		}
		cJSON_AddItemToArray(pair, cJSON_CreateString(item->string));
		cJSON_AddItemToArray(pair, cJSON_Duplicate(item, 1));
		cJSON_AddItemToArray(pairs, pair);
	}
}

/* Merges members of patch into target: null removes, unless it is a setting,
 * where it takes a saved secret away. Source: RFC 7396, section 2. */
static void
merge(cJSON *target, const cJSON *patch, bool settings)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, patch)
	{
		cJSON *old =
		    cJSON_GetObjectItemCaseSensitive(target, item->string);

		if (!settings && cJSON_IsObject(item) && cJSON_IsObject(old)) {
			merge(old, item, true);
			continue;
		}
		if (settings && cJSON_IsObject(item) && is_pairs(old)) {
			merge_pairs(old, item);
			continue;
		}
		cJSON_DeleteItemFromObjectCaseSensitive(target, item->string);
		if (settings || !cJSON_IsNull(item))
			cJSON_AddItemToObject(target, item->string,
			    cJSON_Duplicate(item, 1));
	}
}

void
bf_verb_patch_channel(const struct command *command)
{
	struct bf_channel_state *state;
	const char *tenant;
	cJSON *json;

	if (find(command, AIM_CHANGE, &tenant, &state) == -1)
		return;
	if (!state) {
		bf_command_channel(command, "name"); /* says so */
		return;
	}
	json = cJSON_Parse(state->document);
	merge(json, command->arguments, false);
	change_channel(command, tenant, state, json);
}

void
bf_verb_delete_channel(const struct command *command)
{
	struct bf_channel_state *state;
	const char *tenant;

	if (find(command, AIM_CHANGE, &tenant, &state) == -1)
		return;
	if (!state)
		bf_command_channel(command, "name"); /* says so */
	else
		commit(
		    new_change(command, tenant, state->channel->name, state));
}
