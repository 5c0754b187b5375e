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

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/conf/settings.h"
#include "core/intake/entity_tag.h"
#include "core/process/command_private.h"
#include "core/process/errand.h"

#define ERRANDS_MOST 16 /* at once */

/* ---- answers ---- */

void
bf_command_json(const struct command *command, uint32_t status, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	bf_accept_reply(command->scheduler, command->intake, command->token,
	    status, text);
	cJSON_free(text);
	cJSON_Delete(json);
}

/* A problem document (RFC 9457). */
void
bf_command_problem(const struct command *command, uint32_t status,
    const char *slug, const char *title, const char *field, const char *detail)
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
	bf_command_json(command, status, json);
}

void
bf_command_bad_member(const struct command *command, const char *name,
    const char *detail)
{
	struct bf_buf field = { 0 };

	/* A JSON pointer (RFC 6901, section 3). */
	bf_buf_add_byte(&field, '/');
	for (; *name; name++) {
		if (*name == '~' || *name == '/')
			bf_buf_add_text(&field, *name == '~' ? "~0" : "~1");
		else
			bf_buf_add_byte(&field, *name);
	}
	bf_command_problem(command, 422, "invalid", "Invalid request",
	    field.data, detail);
	bf_buf_free(&field);
}

const char *
bf_command_text(const struct command *command, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(command->arguments, name));
}

void
bf_command_wipe(cJSON *json)
{
	cJSON *item;

	cJSON_ArrayForEach(item, json)
	{
		if (cJSON_IsString(item))
			explicit_bzero(item->valuestring,
			    strlen(item->valuestring));
		bf_command_wipe(item);
	}
}

/* ---- what arguments mean ---- */

/* Whether strict_tenants lets a tenant be meant. Answers with a problem
 * otherwise. */
static bool
is_taken(const struct command *command, const char *tenant)
{
	char *detail;

	if (bf_registry_takes_tenant(command->scheduler->registry, tenant))
		return true;
	detail =
	    bf_strf("there is no tenant \"%s\": expected one that was made "
		    "before",
		tenant);
	bf_command_problem(command, 422, "unknown-tenant", "Unknown tenant",
	    "/tenant_id", detail);
	free(detail);
	return false;
}

/* The tenant that the command is about; NULL after a 403 or 422. */
const char *
bf_command_tenant(const struct command *command)
{
	const char *named = bf_command_text(command, "tenant_id");

	if (named && command->tenant && strcmp(named, command->tenant) != 0) {
		bf_command_problem(command, 403, "wrong-tenant", "Forbidden",
		    "/tenant_id", "the token is for another tenant");
		return NULL;
	}
	if (named && !command->tenant && !is_taken(command, named))
		return NULL;
	if (named)
		return named;
	return command->tenant
		   ? command->tenant
		   : bf_registry_default_tenant(command->scheduler->registry);
}

const char *
bf_command_new_tenant(const struct command *command)
{
	const struct scheduler *scheduler = command->scheduler;
	const char *tenant = bf_command_tenant(command);

	if (!tenant)
		return NULL;
	if (!bf_tenant_is_id(tenant)) {
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    "/tenant_id", "expected " BF_TENANT_ID_EXPECTED);
		return NULL;
	}
	if (!is_taken(command, tenant))
		return NULL;
	if (bf_tenant_is_changing(scheduler, tenant)) {
		bf_command_problem(command, 409, "being-changed", "Conflict",
		    NULL, "the tenant is being changed; try again");
		return NULL;
	}
	return tenant;
}

/* The event type of an argument; NULL after a 404 with the nearest name. */
const struct bf_event_type *
bf_command_type(const struct command *command, const char *argument)
{
	const struct bf_registry *registry = command->scheduler->registry;
	const struct bf_snapshot *snapshot = bf_registry_snapshot(registry);
	const char *name = bf_command_text(command, argument);
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
	bf_command_problem(command, 404, "unknown-event-type",
	    "Unknown event type", NULL, detail);
	free(detail);
	free(names);
	return NULL;
}

/* The channel of the argument "name"; NULL after a 403 or 404. */
struct bf_channel_state *
bf_command_channel(const struct command *command, const char *argument)
{
	const char *tenant = bf_command_tenant(command);
	const char *name = bf_command_text(command, argument);
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
	bf_command_problem(command, 404, "unknown-channel", "Unknown channel",
	    NULL, detail);
	free(detail);
	return NULL;
}

size_t
bf_command_limit(const struct command *command, size_t usual)
{
	const char *text = bf_command_text(command, "limit");
	int64_t limit = (int64_t)usual;

	if (!text || (bf_integer_parse(text, &limit, NULL) == 0 && limit >= 1 &&
			 limit <= BF_PAGE_MOST))
		return (size_t)limit;
	bf_command_bad_member(command, "limit", "expected 1 to 1000");
	return 0;
}

bool
bf_command_is_current(const struct command *command, const char *thing,
    cJSON *shown)
{
	const char *if_match = bf_command_text(command, "if_match");
	char tag[BF_ENTITY_TAG];
	bool current;
	char *detail;

	bf_entity_tag(shown, tag);
	current = !if_match || (shown && strcmp(if_match, "*") == 0) ||
		  bf_entity_tag_matches(if_match, tag);
	if (!current) {
		detail = shown ? bf_strf("the %s was changed meanwhile: get "
					 "it again",
				     thing)
			       : bf_strf("there is no such %s", thing);
		bf_command_problem(command, 412, "changed",
		    "Precondition Failed", NULL, detail);
		free(detail);
	}
	cJSON_Delete(shown);
	return current;
}

/* ---- what needs the store ---- */

static void
store_done(void *owner, struct store_call *call)
{
	struct store_command *own = (struct store_command *)call;

	(void)owner;
	if (own->errand)
		own->command.scheduler->errands--;
	if (call->result == BF_STORE_OK)
		own->answer(own);
	else
		bf_command_problem(&own->command, 503, "store",
		    "The store failed", NULL, call->error.text);
	cJSON_Delete(own->json);
	free(own->text);
	free(own->tenant);
	free(own);
}

static struct store_command *
new_call(const struct command *command, const char *text, store_run *run,
    void (*answer)(struct store_command *own))
{
	struct store_command *own = bf_new(struct store_command);

	own->call.run = run;
	own->call.done = store_done;
	own->command = *command;
	own->command.arguments = NULL;
	own->command.tenant = NULL;
	own->tenant =
	    bf_strdup(command->tenant ? command->tenant
				      : bf_command_text(command, "tenant_id"));
	own->any_tenant = !command->tenant;
	own->text = bf_strdup(text);
	own->answer = answer;
	return own;
}

void
bf_command_store(const struct command *command, const char *text,
    store_run *run, void (*answer)(struct store_command *own))
{
	struct store_command *own = new_call(command, text, run, answer);

	bf_committer_call(command->scheduler->committer, &own->call);
}

void
bf_command_errand(const struct command *command, const char *text,
    store_run *run, void (*answer)(struct store_command *own))
{
	struct scheduler *scheduler = command->scheduler;
	struct store_command *own;

	/* Each is a thread and a handle of the store. */
	if (scheduler->errands >= ERRANDS_MOST) {
		bf_command_problem(command, 503, "busy", "Service Unavailable",
		    NULL, "too many lists are being read; try again");
		return;
	}
	own = new_call(command, text, run, answer);
	own->errand = true;
	scheduler->errands++;
	if (bf_errand_run(scheduler->base,
		bf_registry_snapshot(scheduler->registry)->state_dir,
		&own->call, scheduler) == 0)
		return;
	bf_error_errno(&own->call.error, "start a thread");
	own->call.result = BF_STORE_AGAIN;
	store_done(scheduler, &own->call);
}

static enum bf_store_result
run_nothing(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	(void)store;
	(void)call;
	(void)err;
	return BF_STORE_OK;
}

static void
answer_kept(struct store_command *own)
{
	struct committer_figures figures;

	bf_committer_figures(own->command.scheduler->committer, &figures);
	if (figures.failing) {
		bf_command_problem(&own->command, 503, "store",
		    "The store failed", NULL, figures.why);
		return;
	}
	bf_command_json(&own->command, own->status, own->json);
	own->json = NULL;
}

void
bf_command_kept(const struct command *command, uint32_t status, cJSON *json)
{
	struct store_command *own =
	    new_call(command, NULL, run_nothing, answer_kept);

	own->status = status;
	own->json = json;
	bf_command_note(command);
	/* Calls are made after the changes that were handed over before. */
	bf_committer_call(command->scheduler->committer, &own->call);
}

/* ---- the table ---- */

/* What arguments may be was checked by the intake, by the table of its routes;
 * but an intake that lies must do no harm here. */
static const struct verb {
	const char *name;
	void (*run)(const struct command *command);
	bool acts; /* changes or sends something: the audit log tells of it */
	const char *argument; /* a text that is always there; NULL: none */
} verbs[] = {
	{ "event-types", bf_verb_list_types, false, NULL },
	{ "event-type", bf_verb_show_type, false, "name" },
	{ "toggle-set", bf_verb_set_toggle, true, "name" },
	{ "toggle-reset", bf_verb_reset_toggle, true, "name" },
	{ "channels", bf_verb_list_channels, false, NULL },
	{ "channel", bf_verb_show_channel, false, "name" },
	{ "channel-create", bf_verb_create_channel, true, NULL },
	{ "channel-put", bf_verb_put_channel, true, "name" },
	{ "channel-patch", bf_verb_patch_channel, true, "name" },
	{ "channel-delete", bf_verb_delete_channel, true, "name" },
	{ "channel-test", bf_verb_test_channel, true, "name" },
	{ "draft-test", bf_verb_test_draft, true, NULL },
	{ "channel-enable", bf_verb_enable_channel, true, "name" },
	{ "channel-disable", bf_verb_disable_channel, true, "name" },
	{ "channel-start", bf_verb_start_channel, true, "name" },
	{ "seal", bf_verb_seal, true, NULL },
	{ "rotate", bf_verb_rotate, true, NULL },
	{ "explain", bf_verb_explain, false, NULL },
	{ "replay", bf_verb_replay, true, NULL },
	{ "cancel", bf_verb_cancel, true, NULL },
	{ "tokens", bf_verb_list_tokens, false, NULL },
	{ "token-create", bf_verb_create_token, true, NULL },
	{ "token-revoke", bf_verb_revoke_token, true, "name" },
	{ "tenants", bf_verb_list_tenants, false, NULL },
	{ "tenant", bf_verb_show_tenant, false, "id" },
	{ "tenant-create", bf_verb_create_tenant, true, NULL },
	{ "tenant-put", bf_verb_put_tenant, true, "id" },
	{ "tenant-patch", bf_verb_patch_tenant, true, "id" },
	{ "tenant-delete", bf_verb_delete_tenant, true, "id" },
	{ "sign-in", bf_verb_sign_in, false, NULL },
	{ "session-seen", bf_verb_session_seen, false, "session" },
	{ "sign-out", bf_verb_sign_out, false, "session" },
	{ "modules", bf_verb_list_modules, false, NULL },
	{ "module", bf_verb_show_module, false, "name" },
	{ "module-toggle-set", bf_verb_set_module, true, "name" },
	{ "module-toggle-reset", bf_verb_reset_module, true, "name" },
	{ "rates", bf_verb_rates, false, NULL },
	{ "ready", bf_verb_ready, false, NULL },
	{ "stats", bf_verb_stats, false, NULL },
	{ "metrics", bf_verb_metrics, false, NULL },
	{ "backup", bf_verb_backup, true, NULL },
	{ "check", bf_verb_check, false, NULL },
	{ "in-flight", bf_verb_list_in_flight, false, NULL },
};

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static void
run(struct command *command, const struct bf_msg_command *message)
{
	const struct verb *verb = find_verb(message->verb);

	if (!verb) {
		bf_command_problem(command, 404, "unknown-verb", "Not found",
		    NULL, "this belfry does not know the command");
		return;
	}
	if (verb->argument && !bf_command_text(command, verb->argument)) {
		bf_command_bad_member(command, verb->argument,
		    "expected a string");
		return;
	}
	if (verb->acts)
		bf_command_facts(command, verb->name, message);
	/* What it changes, and the row that tells of it, are one. */
	bf_committer_hold(command->scheduler->committer);
	verb->run(command);
	bf_committer_release(command->scheduler->committer);
}

void
bf_command_run(struct scheduler *scheduler, struct intake *intake,
    const struct bf_msg_command *message)
{
	struct bf_error err;
	cJSON *arguments =
	    bf_json_parse(message->arguments, strlen(message->arguments), &err);
	struct command command = { .scheduler = scheduler,
		.intake = intake->serial,
		.token = message->token,
		.tenant = message->tenant,
		.arguments = arguments };

	if (cJSON_IsObject(arguments))
		run(&command, message);
	else
		bf_command_problem(&command, 400, "bad-json", "Bad request",
		    NULL, arguments ? "expected a JSON object" : err.text);
	bf_command_wipe(arguments);
	cJSON_Delete(arguments);
}
