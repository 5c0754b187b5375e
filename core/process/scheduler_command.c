/*
 * scheduler_command.c - the verbs of the API
 *
 * A row of the table for each verb. Most are answered at once from memory;
 * those that need the store are answered when its thread has made the call, or
 * the change is durable. An intake has authenticated the caller and says whom
 * it may act for: `tenant` NULL means anyone.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <belfry/encode.h>
#include <belfry/memory.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/base/log.h"
#include "core/conf/settings.h"
#include "core/event/parse.h"
#include "core/process/scheduler_private.h"

#define SELECT_STEP 1000 /* deliveries of a cancel or replay at once */
#define TOKEN_BYTES 32   /* of randomness in a token */

struct command {
	struct scheduler *scheduler;
	uint64_t intake, token;
	const char *tenant; /* whom the caller may act for; NULL: any */
	const cJSON *arguments;
};

/* ---- answers ---- */

static void
reply_json(const struct command *command, uint32_t status, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	bf_accept_reply(command->scheduler, command->intake, command->token,
	    status, text);
	cJSON_free(text);
	cJSON_Delete(json);
}

/* A problem document (RFC 9457). */
static void
reply_problem(const struct command *command, uint32_t status, const char *slug,
    const char *title, const char *field, const char *detail)
{
	cJSON *json = cJSON_CreateObject();
	char *type = bf_strf("urn:belfry:problem:%s", slug);

	cJSON_AddStringToObject(json, "type", type);
	cJSON_AddStringToObject(json, "title", title);
	cJSON_AddNumberToObject(json, "status", status);
	cJSON_AddStringToObject(json, "detail", detail);
	if (field)
		cJSON_AddStringToObject(json, "field", field);
	free(type);
	reply_json(command, status, json);
}

static const char *
text_of(const struct command *command, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(command->arguments, name));
}

/* ---- what arguments mean ---- */

/* The tenant that the command is about; NULL after a 403. */
static const char *
tenant_of(const struct command *command)
{
	const char *named = text_of(command, "tenant_id");

	if (named && command->tenant && strcmp(named, command->tenant) != 0) {
		reply_problem(command, 403, "wrong-tenant", "Forbidden",
		    "/tenant_id", "the token is for another tenant");
		return NULL;
	}
	if (named)
		return named;
	return command->tenant
		   ? command->tenant
		   : bf_registry_default_tenant(command->scheduler->registry);
}

/* The event type of an argument; NULL after a 404 with the nearest name. */
static const struct bf_event_type *
type_of(const struct command *command, const char *argument)
{
	const struct bf_registry *registry = command->scheduler->registry;
	const struct bf_snapshot *snapshot = bf_registry_snapshot(registry);
	const char *name = text_of(command, argument);
	const struct bf_event_type *type =
	    name ? bf_registry_type(registry, name) : NULL;
	const char **names;
	const char *nearest;
	char *detail;

	if (type)
		return type;
	names = bf_zalloc(snapshot->type_count, sizeof(*names));
	for (size_t i = 0; i < snapshot->type_count; i++)
		names[i] = snapshot->types[i].name;
	nearest = name ? bf_nearest(name, names, snapshot->type_count) : NULL;
	detail = bf_strf("there is no event type \"%s\"%s%s%s",
	    name ? name : "", nearest ? "; did you mean " : "",
	    nearest ? nearest : "", nearest ? "?" : "");
	reply_problem(command, 404, "unknown-event-type", "Unknown event type",
	    NULL, detail);
	free(detail);
	free(names);
	return NULL;
}

/* The channel of the argument "name"; NULL after a 403 or 404. */
static struct bf_channel_state *
channel_of(const struct command *command, const char *argument)
{
	const char *tenant = tenant_of(command);
	const char *name = text_of(command, argument);
	struct bf_channel_state *state;
	char *detail;

	if (!tenant)
		return NULL;
	state = name ? bf_registry_channel(command->scheduler->registry, tenant,
			   name)
		     : NULL;
	if (state)
		return state;
	detail = bf_strf("there is no channel \"%s\"", name ? name : "");
	reply_problem(command, 404, "unknown-channel", "Unknown channel", NULL,
	    detail);
	free(detail);
	return NULL;
}

/* ---- event types ---- */

static cJSON *
describe_type(const struct command *command, const char *tenant,
    const struct bf_event_type *type)
{
	static const char *const sources[] = { "default", "conf", "api" };
	const struct bf_toggle_state toggle =
	    bf_registry_toggle(command->scheduler->registry, tenant, type);
	cJSON *json = cJSON_CreateObject();
	cJSON *metadata;

	cJSON_AddStringToObject(json, "name", type->name);
	cJSON_AddStringToObject(json, "category", type->category);
	cJSON_AddStringToObject(json, "severity",
	    bf_severity_name(type->severity));
	cJSON_AddBoolToObject(json, "default", type->enabled);
	cJSON_AddBoolToObject(json, "enabled", toggle.enabled);
	cJSON_AddStringToObject(json, "source", sources[toggle.source]);
	cJSON_AddBoolToObject(json, "locked", toggle.source == BF_TOGGLE_CONF);
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

static void
list_types(const struct command *command)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(command->scheduler->registry);
	const char *tenant = tenant_of(command);
	cJSON *json, *types;

	if (!tenant)
		return;
	json = cJSON_CreateObject();
	types = cJSON_AddArrayToObject(json, "event_types");
	for (size_t i = 0; i < snapshot->type_count; i++)
		cJSON_AddItemToArray(types,
		    describe_type(command, tenant, &snapshot->types[i]));
	reply_json(command, 200, json);
}

static void
show_type(const struct command *command)
{
	const char *tenant = tenant_of(command);
	const struct bf_event_type *type =
	    tenant ? type_of(command, "name") : NULL;

	if (type)
		reply_json(command, 200, describe_type(command, tenant, type));
}

/* Sets a toggle (on: 1 or 0), or takes it back (-1). */
static void
change_toggle(const struct command *command, int on)
{
	struct scheduler *scheduler = command->scheduler;
	const char *tenant = tenant_of(command);
	const struct bf_event_type *type =
	    tenant ? type_of(command, "name") : NULL;
	char *name, *detail;

	if (!type)
		return;
	if (bf_registry_set_toggle(scheduler->registry, tenant, type, on) ==
	    -1) {
		const struct bf_toggle_state toggle =
		    bf_registry_toggle(scheduler->registry, tenant, type);

		detail = bf_strf("the conf file sets it, in %s:%u", toggle.file,
		    toggle.line);
		reply_problem(command, 409, "locked", "Locked", NULL, detail);
		free(detail);
		return;
	}
	name = bf_strf("toggle/%s/%s", tenant, type->name);
	bf_settings_put(scheduler, name, on == -1 ? NULL : on ? "on" : "off");
	free(name);
	reply_json(command, 200, describe_type(command, tenant, type));
}

static void
set_toggle(const struct command *command)
{
	const cJSON *enabled =
	    cJSON_GetObjectItemCaseSensitive(command->arguments, "enabled");

	if (!cJSON_IsBool(enabled))
		reply_problem(command, 422, "invalid", "Invalid request",
		    "/enabled", "expected true or false");
	else
		change_toggle(command, cJSON_IsTrue(enabled));
}

static void
reset_toggle(const struct command *command)
{
	change_toggle(command, -1);
}

/* ---- channels ---- */

static const char *
state_of(const struct command *command, const struct bf_channel_state *state,
    const char **reason)
{
	*reason = NULL;
	if (bf_registry_channel_runs(command->scheduler->registry, state,
		reason))
		return "running";
	return state->stopped ? "stopped" : "disabled";
}

static void
add_settings(cJSON *json, const struct bf_channel *channel)
{
	cJSON *settings = cJSON_AddObjectToObject(json, "settings");
	cJSON *secrets = cJSON_AddArrayToObject(json, "secrets");

	for (size_t i = 0; i < channel->setting_count; i++) {
		const struct bf_setting *setting = &channel->settings[i];
		cJSON *words;

		if (setting->secret) {
			cJSON_AddItemToArray(secrets,
			    cJSON_CreateString(setting->name));
			continue;
		}
		words =
		    cJSON_GetObjectItemCaseSensitive(settings, setting->name);
		if (!words)
			words = cJSON_AddArrayToObject(settings, setting->name);
		for (size_t k = 0; k < setting->words.count; k++)
			cJSON_AddItemToArray(words,
			    cJSON_CreateString(setting->words.items[k]));
	}
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
	cJSON_AddBoolToObject(json, "ordered", policy->ordered);
	if (policy->rate.count > 0) {
		snprintf(text, sizeof(text), "%lld in %lld ms, burst %lld",
		    (long long)policy->rate.count,
		    (long long)policy->rate.period.ms,
		    (long long)policy->rate.burst);
		cJSON_AddStringToObject(json, "rate", text);
	} else {
		cJSON_AddNullToObject(json, "rate");
	}
}

static cJSON *
describe_channel(const struct command *command,
    const struct bf_channel_state *state)
{
	const struct bf_channel *channel = state->channel;
	const struct bf_lane_state *lane =
	    bf_lane_state_find(command->scheduler, channel->number);
	cJSON *json = cJSON_CreateObject();
	const char *reason;

	cJSON_AddStringToObject(json, "name", channel->name);
	cJSON_AddStringToObject(json, "tenant_id",
	    channel->tenant
		? channel->tenant
		: bf_registry_default_tenant(command->scheduler->registry));
	cJSON_AddStringToObject(json, "module", channel->module);
	cJSON_AddStringToObject(json, "state",
	    state_of(command, state, &reason));
	if (state->stopped && state->stop_reason)
		reason = state->stop_reason;
	if (reason)
		cJSON_AddStringToObject(json, "reason", reason);
	cJSON_AddNumberToObject(json, "waiting",
	    lane ? (double)bf_lane_state_waiting(lane) : 0);
	cJSON_AddNumberToObject(json, "in_flight",
	    lane ? (double)bf_lane_in_flight(lane->lane) : 0);
	add_policy(json, &channel->policy);
	add_settings(json, channel);
	if (channel->file) {
		cJSON_AddStringToObject(json, "file", channel->file);
		cJSON_AddNumberToObject(json, "line", channel->line);
	}
	return json;
}

static void
list_channels(const struct command *command)
{
	const char *tenant = tenant_of(command);
	struct bf_channel_state *const *states;
	cJSON *json, *channels;
	size_t count;

	if (!tenant)
		return;
	/* Who may see every tenant and names none sees them all. */
	states = command->tenant || text_of(command, "tenant_id")
		     ? bf_registry_channels(command->scheduler->registry,
			   tenant, &count)
		     : bf_registry_all_channels(command->scheduler->registry,
			   &count);
	json = cJSON_CreateObject();
	channels = cJSON_AddArrayToObject(json, "channels");
	for (size_t i = 0; i < count; i++)
		cJSON_AddItemToArray(channels,
		    describe_channel(command, states[i]));
	reply_json(command, 200, json);
}

static void
show_channel(const struct command *command)
{
	struct bf_channel_state *state = channel_of(command, "name");

	if (state)
		reply_json(command, 200, describe_channel(command, state));
}

static void
refresh_channel(const struct command *command, struct bf_channel_state *state)
{
	struct bf_lane_state *lane =
	    bf_lane_state_find(command->scheduler, state->channel->number);

	if (lane)
		bf_lane_state_refresh(command->scheduler, lane);
	bf_worker_pump_soon(command->scheduler);
	reply_json(command, 200, describe_channel(command, state));
}

static void
disable_channel(const struct command *command)
{
	struct bf_channel_state *state = channel_of(command, "name");

	if (!state)
		return;
	state->disabled = true;
	bf_settings_channel_put(command->scheduler, state->channel, "disabled",
	    "1");
	refresh_channel(command, state);
}

static void
enable_channel(const struct command *command)
{
	struct bf_channel_state *state = channel_of(command, "name");

	if (!state)
		return;
	state->disabled = false;
	bf_settings_channel_put(command->scheduler, state->channel, "disabled",
	    NULL);
	refresh_channel(command, state);
}

static void
start_channel(const struct command *command)
{
	struct bf_channel_state *state = channel_of(command, "name");

	if (!state)
		return;
	state->stopped = false;
	free(state->stop_reason);
	state->stop_reason = NULL;
	bf_settings_channel_put(command->scheduler, state->channel, "stopped",
	    NULL);
	refresh_channel(command, state);
}

/* The event of a test: what the caller gave, or a plain one. */
static struct bf_event *
test_event(const struct command *command, const char *tenant,
    struct bf_event_problem *problem)
{
	static const char *const members[] = { "event", "subject", "body",
		"metadata", "timestamp" };
	const struct bf_event_defaults defaults = { tenant,
		bf_clock_wall_us() };
	cJSON *json = cJSON_CreateObject();
	struct bf_event *event;
	char *text;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const cJSON *given =
		    cJSON_GetObjectItemCaseSensitive(command->arguments,
			members[i]);

		if (given)
			cJSON_AddItemToObject(json, members[i],
			    cJSON_Duplicate(given, 1));
	}
	if (!cJSON_HasObjectItem(json, "event"))
		cJSON_AddStringToObject(json, "event", "deploy_succeeded");
	if (!cJSON_HasObjectItem(json, "subject"))
		cJSON_AddStringToObject(json, "subject",
		    "Test notification from belfry");
	if (!cJSON_HasObjectItem(json, "body"))
		cJSON_AddStringToObject(json, "body",
		    "<p>This is a test. The channel works.</p>");
	text = cJSON_PrintUnformatted(json);
	event = bf_event_parse(text, strlen(text), &defaults, NULL, problem);
	cJSON_free(text);
	cJSON_Delete(json);
	return event;
}

static void
test_channel(const struct command *command)
{
	struct bf_channel_state *state = channel_of(command, "name");
	struct bf_event_problem problem;
	struct bf_lane_state *lane;
	struct bf_event *event;

	if (!state)
		return;
	event = test_event(command,
	    state->channel->tenant
		? state->channel->tenant
		: bf_registry_default_tenant(command->scheduler->registry),
	    &problem);
	if (!event) {
		reply_problem(command, 422, "invalid", "Invalid request",
		    problem.field, problem.error.text);
		return;
	}
	lane = bf_lane_state_find(command->scheduler, state->channel->number);
	if (bf_registry_type(command->scheduler->registry, event->type) &&
	    bf_worker_test(command->scheduler, lane, event, command->intake,
		command->token) == 0)
		return;
	bf_event_unref(&event);
	reply_problem(command, 503, "no-worker", "No worker is free", NULL,
	    "no worker can make the test now; try again");
}

/* ---- explain, modules ---- */

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

static void
explain(const struct command *command)
{
	struct scheduler *scheduler = command->scheduler;
	const char *tenant = tenant_of(command);
	const struct bf_event_type *type =
	    tenant ? type_of(command, "event") : NULL;
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
	reply_json(command, 200, json);
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

static void
list_modules(const struct command *command)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(command->scheduler->registry);
	cJSON *json = cJSON_CreateObject();
	cJSON *modules = cJSON_AddArrayToObject(json, "modules");

	for (size_t i = 0; i < snapshot->module_count; i++)
		cJSON_AddItemToArray(modules,
		    describe_module(command, &snapshot->modules[i]));
	reply_json(command, 200, json);
}

/* ---- replay and cancel ---- */

/* A cancel or replay on its way; hung on its change. */
struct selecting {
	struct command command; /* arguments and tenant are not kept */
	size_t count;
};

/* An instant or an id as the bound of a range of event ids. */
static int
bound_of(const struct command *command, const char *argument, uint64_t *id)
{
	const char *text = text_of(command, argument);
	struct bf_instant instant;
	int64_t us;

	if (!text)
		return 0;
	if (bf_timestamp_parse(text, &us) == -1) {
		char *field = bf_strf("/%s", argument);

		reply_problem(command, 422, "invalid", "Invalid request", field,
		    "expected an RFC 3339 date and time");
		free(field);
		return -1;
	}
	instant.ms = us / 1000;
	*id = bf_id_at(instant);
	return 0;
}

/* Reads what the command selects; -1 after a problem. */
static int
read_selector(const struct command *command, struct bf_selector *selector)
{
	const char *id = text_of(command, "id");
	const char *tenant = tenant_of(command);

	*selector = (struct bf_selector){ 0 };
	if (!tenant)
		return -1;
	if (id && bf_delivery_id_parse(id, &selector->id) == -1) {
		reply_problem(command, 404, "unknown-delivery",
		    "Unknown delivery", NULL, "that is no id of a delivery");
		return -1;
	}
	if (text_of(command, "channel")) {
		const struct bf_channel_state *state =
		    channel_of(command, "channel");

		if (!state)
			return -1;
		selector->id.channel = state->channel->number;
	}
	if (text_of(command, "event")) {
		const struct bf_event_type *type = type_of(command, "event");

		if (!type)
			return -1;
		selector->type = bf_strdup(type->name);
	}
	if (bound_of(command, "since", &selector->since) == -1 ||
	    bound_of(command, "until", &selector->until) == -1) {
		free(selector->type);
		return -1;
	}
	if (command->tenant || text_of(command, "tenant_id"))
		selector->tenant = bf_strdup(tenant);
	return 0;
}

/* Hands over one step of a cancel or replay. Takes what selector owns. */
static void
select_step(struct scheduler *scheduler, enum bf_change_kind kind,
    const struct bf_selector *selector, struct selecting *selecting)
{
	const struct bf_lane_state *lane =
	    bf_lane_state_find(scheduler, selector->id.channel);
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = kind;
	change->select.selector = *selector;
	change->select.now = bf_scheduler_now(scheduler);
	change->select.max_age.ms =
	    lane ? lane->state->channel->policy.max_age.ms : 24 * 3600 * 1000LL;
	change->select.limit = SELECT_STEP;
	change->select.failed_only = selector->id.event == 0;
	change->context = selecting;
	bf_committer_add(scheduler->committer, change, true);
}

static void
select_deliveries(const struct command *command, enum bf_change_kind kind)
{
	struct selecting *selecting;
	struct bf_selector selector;

	if (read_selector(command, &selector) == -1)
		return;
	selecting = bf_new(struct selecting);
	selecting->command = *command;
	selecting->command.arguments = NULL;
	selecting->command.tenant = NULL;
	select_step(command->scheduler, kind, &selector, selecting);
}

static void
replay(const struct command *command)
{
	select_deliveries(command, BF_CHANGE_REPLAY);
}

static void
cancel(const struct command *command)
{
	select_deliveries(command, BF_CHANGE_CANCEL);
}

/* What was replayed is a retry now, due at once. */
static void
queue_replayed(struct scheduler *scheduler, const struct bf_change *change)
{
	for (size_t i = 0; i < change->select.count; i++) {
		struct bf_lane_state *lane = bf_lane_state_find(scheduler,
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
	if (change->select.more) {
		struct bf_selector selector = change->select.selector;

		change->select.selector = (struct bf_selector){ 0 };
		select_step(scheduler, change->kind, &selector, selecting);
		return;
	}
	json = cJSON_CreateObject();
	cJSON_AddNumberToObject(json, cancelling ? "cancelled" : "replayed",
	    (double)selecting->count);
	reply_json(&selecting->command, 200, json);
	free(selecting);
}

static void
list_in_flight(const struct command *command)
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
	reply_json(command, 200, json);
}

/* ---- what needs the store's thread ---- */

struct store_command {
	struct store_call call;
	struct command command; /* arguments and tenant are not kept */
	struct bf_store_stats stats;
	cJSON *json;
	char *text; /* a file, or the name of a token */
	char *tenant;
	void (*answer)(struct store_command *own);
};

static void
store_done(void *owner, struct store_call *call)
{
	struct store_command *own = (struct store_command *)call;

	(void)owner;
	if (call->result == BF_STORE_OK)
		own->answer(own);
	else
		reply_problem(&own->command, 503, "store", "The store failed",
		    NULL, call->error.text);
	cJSON_Delete(own->json);
	free(own->text);
	free(own->tenant);
	free(own);
}

static struct store_command *
call_store(const struct command *command,
    enum bf_store_result (*run)(struct bf_store *store, struct store_call *call,
	struct bf_error *err),
    void (*answer)(struct store_command *own))
{
	struct store_command *own = bf_new(struct store_command);

	own->call.run = run;
	own->call.done = store_done;
	own->command = *command;
	own->command.arguments = NULL;
	own->command.tenant = NULL;
	own->tenant = bf_strdup(command->tenant);
	own->answer = answer;
	bf_committer_call(command->scheduler->committer, &own->call);
	return own;
}

static enum bf_store_result
run_stats(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	return bf_store_stats(store, &((struct store_command *)call)->stats,
	    err);
}

static void
answer_stats(struct store_command *own)
{
	char *text = bf_metrics_stats(own->command.scheduler, &own->stats);

	bf_accept_reply(own->command.scheduler, own->command.intake,
	    own->command.token, 200, text);
	cJSON_free(text);
}

static void
answer_metrics(struct store_command *own)
{
	struct bf_buf text = { 0 };

	bf_metrics_text(own->command.scheduler, &own->stats, &text);
	bf_accept_reply(own->command.scheduler, own->command.intake,
	    own->command.token, 200, text.data);
	bf_buf_free(&text);
}

static void
stats(const struct command *command)
{
	call_store(command, run_stats, answer_stats);
}

static void
metrics(const struct command *command)
{
	call_store(command, run_stats, answer_metrics);
}

static enum bf_store_result
run_backup(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;

	return bf_store_backup(store, own->text, NULL, NULL, err);
}

static void
answer_backup(struct store_command *own)
{
	cJSON *json = cJSON_CreateObject();
	struct stat file = { 0 };

	(void)stat(own->text, &file);
	cJSON_AddStringToObject(json, "file", own->text);
	cJSON_AddNumberToObject(json, "bytes", (double)file.st_size);
	reply_json(&own->command, 200, json);
}

static void
backup(const struct command *command)
{
	const char *file = text_of(command, "file");

	if (!file || file[0] != '/')
		reply_problem(command, 422, "invalid", "Invalid request",
		    "/file", "expected an absolute path");
	else
		call_store(command, run_backup, answer_backup)->text =
		    bf_strdup(file);
}

static void add_check(cJSON *checks, const char *name, bool ok,
    const char *format, ...) BF_PRINTF(4, 5);

static void
add_check(cJSON *checks, const char *name, bool ok, const char *format, ...)
{
	cJSON *check = cJSON_CreateObject();
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cJSON_AddStringToObject(check, "name", name);
	cJSON_AddBoolToObject(check, "ok", ok);
	cJSON_AddStringToObject(check, "text", text);
	cJSON_AddItemToArray(checks, check);
}

static enum bf_store_result
run_check(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;
	struct bf_error fault = { "" };
	enum bf_store_result result = bf_store_check(store, &fault);

	own->json = cJSON_CreateArray();
	add_check(own->json, "store", result == BF_STORE_OK, "%s",
	    result == BF_STORE_OK ? "every page is sound" : fault.text);
	return bf_store_stats(store, &own->stats, err);
}

static void
answer_check(struct store_command *own)
{
	struct scheduler *scheduler = own->command.scheduler;
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(scheduler->registry);
	const bool space = own->stats.free_bytes >= snapshot->low_space.bytes;
	const struct bf_lane_state *lane;
	const cJSON *check;
	cJSON *json = cJSON_CreateObject();
	bool ok = true;

	add_check(own->json, "space", space, "%lld bytes are free",
	    (long long)own->stats.free_bytes);
	for (lane = scheduler->lanes; lane; lane = lane->hh.next) {
		const struct bf_channel_state *state = lane->state;
		const bool sound = !lane->failing && !state->stopped;

		add_check(own->json, state->channel->name, sound,
		    "%lld waiting%s%s", (long long)bf_lane_state_waiting(lane),
		    state->stopped  ? "; stopped: "
		    : lane->failing ? "; its last attempts failed"
				    : "",
		    state->stopped && state->stop_reason ? state->stop_reason
							 : "");
	}
	cJSON_ArrayForEach(check, own->json) ok =
	    ok && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(check, "ok"));
	cJSON_AddBoolToObject(json, "ok", ok);
	cJSON_AddItemToObject(json, "checks", own->json);
	own->json = NULL;
	reply_json(&own->command, 200, json);
}

static void
check(const struct command *command)
{
	call_store(command, run_check, answer_check);
}

/* ---- tokens ---- */

static void
note_token(void *context, const char *name, const char *value)
{
	cJSON *token = cJSON_Parse(value);

	if (!token)
		return;
	cJSON_AddStringToObject(token, "hash", strchr(name, '/') + 1);
	cJSON_AddItemToArray(context, token);
}

static enum bf_store_result
run_tokens(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;

	own->json = cJSON_CreateArray();
	return bf_store_settings(store, "token/", note_token, own->json, err);
}

static bool
is_of_tenant(const struct store_command *own, const char *tenant)
{
	return !own->tenant || (tenant && strcmp(own->tenant, tenant) == 0);
}

static const char *
token_text(const cJSON *token, const char *name)
{
	const char *text =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, name));

	return text ? text : "";
}

static void
answer_tokens(struct store_command *own)
{
	static const char *const scopes[] = { "ingest", "read", "admin" };
	const struct bf_registry *registry = own->command.scheduler->registry;
	const struct bf_snapshot *snapshot = bf_registry_snapshot(registry);
	cJSON *json = cJSON_CreateObject();
	cJSON *tokens = cJSON_AddArrayToObject(json, "tokens");
	cJSON *token, *next;

	for (size_t i = 0; i < snapshot->token_count; i++) {
		const struct bf_token *known = &snapshot->tokens[i];
		const char *tenant = known->tenant
					 ? known->tenant
					 : bf_registry_default_tenant(registry);

		if (!is_of_tenant(own, tenant))
			continue;
		token = cJSON_CreateObject();
		cJSON_AddStringToObject(token, "name", known->name);
		cJSON_AddStringToObject(token, "tenant_id", tenant);
		cJSON_AddStringToObject(token, "scope", scopes[known->scope]);
		cJSON_AddStringToObject(token, "file", known->file);
		cJSON_AddNumberToObject(token, "line", known->line);
		cJSON_AddItemToArray(tokens, token);
	}
	for (token = own->json->child; token; token = next) {
		next = token->next;
		if (!is_of_tenant(own, token_text(token, "tenant_id")))
			continue;
		cJSON_DetachItemViaPointer(own->json, token);
		cJSON_DeleteItemFromObject(token, "hash");
		cJSON_AddItemToArray(tokens, token);
	}
	reply_json(&own->command, 200, json);
}

static void
list_tokens(const struct command *command)
{
	call_store(command, run_tokens, answer_tokens);
}

static void
hash_token(const char *token, struct bf_buf *hex)
{
	unsigned char digest[BF_TOKEN_HASH_SIZE];

	if (!EVP_Digest(token, strlen(token), digest, NULL, EVP_sha256(), NULL))
		abort();
	bf_encode_hex(hex, digest, sizeof(digest));
}

static void
create_token(const struct command *command)
{
	const char *name = text_of(command, "name");
	const char *scope = text_of(command, "scope");
	const char *tenant = tenant_of(command);
	unsigned char random[TOKEN_BYTES];
	struct bf_buf token = { 0 }, key = { 0 };
	char created[40];
	cJSON *json;
	char *text;

	if (!tenant)
		return;
	if (!name || !*name || strlen(name) > BF_NAME_MAX) {
		reply_problem(command, 422, "invalid", "Invalid request",
		    "/name", "expected a name of 1 to 64 bytes");
		return;
	}
	scope = scope ? scope : "ingest";
	if (strcmp(scope, "ingest") != 0 && strcmp(scope, "read") != 0 &&
	    strcmp(scope, "admin") != 0) {
		reply_problem(command, 422, "invalid", "Invalid request",
		    "/scope", "expected ingest, read or admin");
		return;
	}
	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	bf_buf_add_text(&token, "bft_");
	bf_encode_hex(&token, random, sizeof(random));
	bf_buf_add_text(&key, "token/");
	hash_token(token.data, &key);
	bf_timestamp_format(bf_clock_wall_us(), created);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "name", name);
	cJSON_AddStringToObject(json, "tenant_id", tenant);
	cJSON_AddStringToObject(json, "scope", scope);
	cJSON_AddStringToObject(json, "created_at", created);
	text = cJSON_PrintUnformatted(json);
	bf_settings_put(command->scheduler, key.data, text);
	cJSON_AddStringToObject(json, "token", token.data);
	reply_json(command, 201, json);
	cJSON_free(text);
	bf_buf_wipe(&token);
	bf_buf_free(&key);
}

static void
answer_revoke(struct store_command *own)
{
	const cJSON *token;
	bool found = false;

	cJSON_ArrayForEach(token, own->json)
	{
		char *key;

		if (strcmp(token_text(token, "name"), own->text) != 0 ||
		    !is_of_tenant(own, token_text(token, "tenant_id")))
			continue;
		key = bf_strf("token/%s", token_text(token, "hash"));
		bf_settings_put(own->command.scheduler, key, NULL);
		free(key);
		found = true;
	}
	if (!found) {
		reply_problem(&own->command, 404, "unknown-token",
		    "Unknown token", NULL,
		    "no token of that name was made over the API");
		return;
	}
	bf_accept_flush(own->command.scheduler);
	reply_json(&own->command, 200, cJSON_CreateObject());
}

static void
revoke_token(const struct command *command)
{
	const char *name = text_of(command, "name");

	call_store(command, run_tokens, answer_revoke)->text =
	    bf_strdup(name ? name : "");
}

/* ---- the table ---- */

static const struct {
	const char *verb;
	void (*run)(const struct command *command);
} verbs[] = {
	{ "event-types", list_types },
	{ "event-type", show_type },
	{ "toggle-set", set_toggle },
	{ "toggle-reset", reset_toggle },
	{ "channels", list_channels },
	{ "channel", show_channel },
	{ "channel-test", test_channel },
	{ "channel-enable", enable_channel },
	{ "channel-disable", disable_channel },
	{ "channel-start", start_channel },
	{ "explain", explain },
	{ "replay", replay },
	{ "cancel", cancel },
	{ "tokens", list_tokens },
	{ "token-create", create_token },
	{ "token-revoke", revoke_token },
	{ "modules", list_modules },
	{ "stats", stats },
	{ "metrics", metrics },
	{ "backup", backup },
	{ "check", check },
	{ "in-flight", list_in_flight },
};

void
bf_command_run(struct scheduler *scheduler, struct intake *intake,
    const struct bf_msg_command *message)
{
	cJSON *arguments = cJSON_Parse(message->arguments);
	const struct command command = { scheduler, intake->serial,
		message->token, message->tenant, arguments };
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verbs[i].verb, message->verb) == 0)
			break;
	}
	if (i < sizeof(verbs) / sizeof(*verbs))
		verbs[i].run(&command);
	else
		reply_problem(&command, 404, "unknown-verb", "Not found", NULL,
		    "this belfry does not know the command");
	cJSON_Delete(arguments);
}
