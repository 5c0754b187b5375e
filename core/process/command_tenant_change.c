/*
 * command_tenant_change.c - tenants made, changed and deleted over the API
 *
 * A change is made durable first; only then is it in use, and answered. While
 * one is under way, nothing else is made or changed for that tenant, so that
 * nothing of one that is deleted is left behind.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/process/api_channel.h"
#include "core/process/command_private.h"

#define PREFIX "tenant/"
#define AHEAD_MS 3 /* that ids may be ahead of the clock */

struct tenant_change {
	struct store_call call;
	struct command command; /* without arguments and tenant */
	char *id;
	char *value; /* for the store; NULL: it is deleted */
	bool created;
	uint64_t past;         /* of one that is deleted: its ids are below */
	struct bf_change *row; /* of the audit log; NULL: it is committed */
	TAILQ_ENTRY(tenant_change) entry;
};

bool
bf_tenant_is_changing(const struct scheduler *scheduler, const char *id)
{
	const struct tenant_change *change;

	TAILQ_FOREACH(change, &scheduler->tenant_changes, entry)
	{
		if (strcmp(change->id, id) == 0)
			return true;
	}
	return false;
}

static void
end_change(struct tenant_change *change)
{
	TAILQ_REMOVE(&change->command.scheduler->tenant_changes, change, entry);
	if (change->row)
		bf_change_free(change->row);
	free(change->id);
	free(change->value);
	free(change);
}

/* ---- what is said of a tenant ---- */

static const struct {
	const char *name;
	size_t offset; /* in struct bf_limits, of an int64_t */
	int64_t most;
} limit_members[] = {
	{ "events_per_second", offsetof(struct bf_limits, events_per_second),
	    BF_LIMIT_MOST },
	{ "burst", offsetof(struct bf_limits, burst), BF_LIMIT_MOST },
	{ "channels", offsetof(struct bf_limits, channels), BF_LIMIT_MOST },
	{ "tokens", offsetof(struct bf_limits, tokens), BF_LIMIT_MOST },
	{ "stored_bytes", offsetof(struct bf_limits, stored_bytes.bytes),
	    BF_LIMIT_BYTES_MOST },
};

#define LIMIT_MEMBERS (sizeof(limit_members) / sizeof(*limit_members))

static int64_t *
limit_at(struct bf_limits *limits, size_t member)
{
	return (
	    int64_t *)(void *)((char *)limits + limit_members[member].offset);
}

/* Sets one limit. What is wrong with it, or NULL. */
static const char *
set_limit(struct bf_limits *limits, const cJSON *item)
{
	for (size_t i = 0; i < LIMIT_MEMBERS; i++) {
		if (strcmp(limit_members[i].name, item->string) != 0)
			continue;
		if (cJSON_IsNull(item)) {
			*limit_at(limits, i) = BF_LIMIT_DEFAULT;
			return NULL;
		}
		if (!cJSON_IsNumber(item) || item->valuedouble < 0 ||
		    item->valuedouble > (double)limit_members[i].most ||
		    item->valuedouble != (double)(int64_t)item->valuedouble)
			return "expected a whole number (0: no limit), or null "
			       "for the default";
		*limit_at(limits, i) = (int64_t)item->valuedouble;
		return NULL;
	}
	return "unknown member; expected events_per_second, burst, channels, "
	       "tokens or stored_bytes";
}

/* What is wrong, and where (new memory): NULL if nothing is. */
static const char *
read_limits(const cJSON *json, struct bf_limits *limits, char **field)
{
	static const struct bf_limits defaults = BF_LIMITS_DEFAULT;
	const cJSON *item;
	const char *wrong;

	*field = NULL;
	if (cJSON_IsNull(json))
		*limits = defaults;
	else if (json && !cJSON_IsObject(json)) {
		*field = bf_strdup("limits");
		return "expected an object";
	}
	cJSON_ArrayForEach(item, json)
	{
		wrong = set_limit(limits, item);
		if (wrong) {
			*field = bf_strf("limits/%s", item->string);
			return wrong;
		}
	}
	if (limits->burst > 0 && limits->events_per_second <= 0) {
		*field = bf_strdup("limits/burst");
		return "no rate; expected events_per_second beside it";
	}
	return NULL;
}

/* Reads what the arguments say into said, over what is there; false after a
 * problem. */
static bool
read_said(const struct command *command, struct bf_tenant_said *said)
{
	const cJSON *name =
	    cJSON_GetObjectItemCaseSensitive(command->arguments, "name");
	const cJSON *limits =
	    cJSON_GetObjectItemCaseSensitive(command->arguments, "limits");
	struct bf_error err;
	const char *wrong;
	char *field;

	if (cJSON_IsNull(name)) {
		said->name = NULL;
	} else if (name) {
		said->name = cJSON_GetStringValue(name);
		if (!said->name ||
		    bf_tenant_name_check(said->name, &err) == -1) {
			bf_command_bad_member(command, "name",
			    said->name ? err.text : "expected a string");
			return false;
		}
	}
	wrong = read_limits(limits, &said->limits, &field);
	if (wrong) {
		char *pointer = bf_strf("/%s", field);

		bf_command_problem(command, 422, "invalid", "Invalid request",
		    pointer, wrong);
		free(pointer);
	}
	free(field);
	return !wrong;
}

/* ---- to the store and back ---- */

static char *
value_of(const struct bf_tenant_said *said)
{
	struct bf_limits limits = said->limits;
	cJSON *json = cJSON_CreateObject();
	cJSON *object;
	struct bf_buf text = { 0 };

	if (said->name)
		cJSON_AddStringToObject(json, "name", said->name);
	object = cJSON_AddObjectToObject(json, "limits");
	for (size_t i = 0; i < LIMIT_MEMBERS; i++) {
		if (*limit_at(&limits, i) != BF_LIMIT_DEFAULT)
			cJSON_AddNumberToObject(object, limit_members[i].name,
			    (double)*limit_at(&limits, i));
	}
	cJSON_AddNumberToObject(json, "version", (double)said->version);
	cJSON_AddStringToObject(json, "created_at", said->created_at);
	bf_json_print(&text, json);
	cJSON_Delete(json);
	return bf_buf_take(&text);
}

/* What a value says, with its texts borrowed from json; false if it is none. */
static bool
said_of(const cJSON *json, struct bf_tenant_said *said)
{
	const cJSON *version =
	    cJSON_GetObjectItemCaseSensitive(json, "version");
	char *field;
	bool good;

	*said = (struct bf_tenant_said){ .limits = BF_LIMITS_DEFAULT };
	said->name = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "name"));
	said->created_at = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "created_at"));
	good = !read_limits(cJSON_GetObjectItemCaseSensitive(json, "limits"),
	    &said->limits, &field);
	free(field);
	if (!good || !said->created_at || !cJSON_IsNumber(version) ||
	    version->valuedouble < 1)
		return false;
	said->version = (uint64_t)version->valuedouble;
	return true;
}

void
bf_tenant_load(struct bf_registry *registry, const char *id, const char *value)
{
	struct bf_tenant_said said;
	cJSON *json = cJSON_Parse(value);

	if (said_of(json, &said))
		bf_registry_put_tenant(registry, id, &said);
	else
		bf_log(BF_LOG_ERROR, "tenant %s: the store has nonsense of it",
		    id);
	cJSON_Delete(json);
}

/* ---- on stable storage ---- */

static void
drop_setting(void *context, const char *name, const char *value)
{
	(void)value;
	bf_batch_add(context, bf_change_put(name, NULL));
}

/* The tokens of one tenant. */
struct token_drop {
	struct bf_batch *batch;
	const char *id;
};

static void
drop_token(void *context, const char *name, const char *value)
{
	const struct token_drop *drop = context;
	cJSON *json;
	const char *tenant;

	/* Most are others': they are not worth a parser. */
	if (!strstr(value, drop->id))
		return;
	json = cJSON_Parse(value);
	tenant = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "tenant_id"));
	if (tenant && strcmp(tenant, drop->id) == 0)
		bf_batch_add(drop->batch, bf_change_put(name, NULL));
	cJSON_Delete(json);
}

/* Everything that was set for the tenant. */
static enum bf_store_result
gather_all(struct bf_store *store, const char *id, struct bf_batch *batch,
    struct bf_error *err)
{
	static const char *const prefixes[] = { BF_API_CHANNEL_PREFIX,
		"toggle/", "module/", "channel/" };
	struct token_drop drop = { batch, id };
	enum bf_store_result result = BF_STORE_OK;

	for (size_t i = 0;
	     result == BF_STORE_OK && i < sizeof(prefixes) / sizeof(*prefixes);
	     i++) {
		char *prefix = bf_strf("%s%s/", prefixes[i], id);

		result =
		    bf_store_settings(store, prefix, drop_setting, batch, err);
		free(prefix);
	}
	if (result == BF_STORE_OK)
		result = bf_store_settings(store, BF_TOKEN_PREFIX, drop_token,
		    &drop, err);
	return result;
}

/* Where its history ends: the next tenant of the id has another. Ids may be a
 * little ahead of the clock, and far if that was set back. */
static enum bf_store_result
add_past(struct bf_store *store, struct bf_batch *batch,
    struct tenant_change *change, struct bf_error *err)
{
	struct bf_instant last = bf_clock_wall();
	struct bf_store_stats stats;
	enum bf_store_result result = bf_store_stats(store, &stats, err);
	char *name, *value;

	if (result != BF_STORE_OK)
		return result;
	if (bf_id_instant(stats.highest_event).ms > last.ms)
		last = bf_id_instant(stats.highest_event);
	last.ms += AHEAD_MS;
	change->past = bf_id_at(last);
	name = bf_strf(BF_TENANT_PAST "%s", change->id);
	value = bf_strf("%llu", (unsigned long long)change->past);
	bf_batch_add(batch, bf_change_put(name, value));
	free(name);
	free(value);
	return BF_STORE_OK;
}

/* Gathers what goes with a tenant that is deleted. */
static enum bf_store_result
end(struct bf_store *store, struct tenant_change *change,
    struct bf_batch *batch, struct bf_error *err)
{
	const enum bf_store_result result = add_past(store, batch, change, err);

	return result == BF_STORE_OK ? gather_all(store, change->id, batch, err)
				     : result;
}

static enum bf_store_result
run_change(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	struct tenant_change *change = (struct tenant_change *)call;
	char *name = bf_strf(PREFIX "%s", change->id);
	enum bf_store_result result = BF_STORE_OK;
	struct bf_batch batch;

	bf_batch_init(&batch);
	bf_batch_add(&batch, bf_change_put(name, change->value));
	if (change->row)
		bf_batch_add(&batch, change->row);
	change->row = NULL;
	if (!change->value)
		result = end(store, change, &batch, err);
	if (result == BF_STORE_OK)
		result = bf_store_commit(store, &batch, err);
	/* Whatever has the next one's id comes after that. */
	if (!change->value)
		nanosleep(&(struct timespec){ 0, AHEAD_MS * 1000000 }, NULL);
	bf_batch_clear(&batch);
	free(name);
	return result;
}

static void
use(struct tenant_change *change)
{
	struct bf_registry *registry = change->command.scheduler->registry;
	const struct bf_tenant_state *state;

	bf_tenant_load(registry, change->id, change->value);
	state = bf_registry_tenant(registry, change->id);
	bf_command_json(&change->command, change->created ? 201 : 200,
	    bf_command_describe_tenant(&change->command, state));
}

static void
change_done(void *owner, struct store_call *call)
{
	struct tenant_change *change = (struct tenant_change *)call;
	struct scheduler *scheduler = owner;
	cJSON *json;

	if (call->result != BF_STORE_OK) {
		bf_command_problem(&change->command, 503, "store",
		    "The store failed", NULL, call->error.text);
	} else if (change->value) {
		use(change);
	} else {
		bf_tenant_gone(scheduler, change->id, change->past);
		bf_settings_tenant_remove(scheduler, change->id);
		bf_accept_flush(scheduler); /* its tokens */
		json = cJSON_CreateObject();
		cJSON_AddStringToObject(json, "deleted", change->id);
		bf_command_json(&change->command, 200, json);
	}
	end_change(change);
	bf_worker_pump_soon(scheduler);
}

static void
commit(const struct command *command, const char *id, char *value, bool created)
{
	struct tenant_change *change = bf_new(struct tenant_change);

	change->call.run = run_change;
	change->call.done = change_done;
	change->command = *command;
	change->command.arguments = NULL;
	change->command.tenant = NULL;
	bf_command_about(&change->command, id);
	change->row = bf_command_audit(&change->command);
	change->id = bf_strdup(id);
	change->value = value;
	change->created = created;
	TAILQ_INSERT_TAIL(&command->scheduler->tenant_changes, change, entry);
	bf_committer_call(command->scheduler->committer, &change->call);
}

/* ---- whether it may be changed ---- */

/* One of the conf file is changed there; a new one needs another id. */
static bool
is_locked(const struct command *command, const struct bf_tenant_state *state,
    bool create)
{
	char *detail;

	if (!state || !state->file)
		return false;
	detail = bf_strf("tenant %s stands in the conf file, at %s:%u: %s",
	    state->id, state->file, state->line,
	    create ? "expected another id" : "change it there");
	bf_command_problem(command, 409, "conf-file-tenant", "Conflict",
	    create ? "/id" : NULL, detail);
	free(detail);
	return true;
}

static bool
is_busy(const struct command *command, const char *id)
{
	if (bf_keys_busy(command))
		return true;
	if (!bf_tenant_is_changing(command->scheduler, id) &&
	    !bf_channel_is_changing(command->scheduler, id))
		return false;
	bf_command_problem(command, 409, "being-changed", "Conflict", NULL,
	    "the tenant, or a channel of it, is being changed; try again");
	return true;
}

/* What a verb is about, and whether it is to be a new one; -1 after it was
 * answered why it can't be done. */
static int
find(const struct command *command, bool create, const char **id,
    const struct bf_tenant_state **state)
{
	*id = bf_command_text(command, "id");
	if (!*id || !bf_tenant_is_id(*id)) {
		bf_command_bad_member(command, "id",
		    "expected " BF_TENANT_ID_EXPECTED);
		return -1;
	}
	*state = bf_registry_tenant(command->scheduler->registry, *id);
	if (is_locked(command, *state, create) ||
	    !bf_command_is_current(command, "tenant",
		*state ? bf_command_describe_tenant(command, *state) : NULL) ||
	    is_busy(command, *id))
		return -1;
	return 0;
}

/* ---- the verbs ---- */

/* Makes of said, and what the arguments say, the next version of a tenant. */
static void
change_tenant(const struct command *command, const char *id,
    const struct bf_tenant_state *state, struct bf_tenant_said *said)
{
	char created[40];

	if (!read_said(command, said))
		return;
	said->version = state ? state->version + 1 : 1;
	bf_timestamp_format(bf_clock_wall_us(), created);
	said->created_at =
	    state && state->created_at ? state->created_at : created;
	commit(command, id, value_of(said), said->version == 1);
	said->created_at = NULL; /* it may be in here */
}

void
bf_verb_create_tenant(const struct command *command)
{
	struct bf_tenant_said said = { .limits = BF_LIMITS_DEFAULT };
	const struct bf_tenant_state *state;
	const char *id;

	if (find(command, true, &id, &state) == -1)
		return;
	if (state && state->version > 0) {
		bf_command_problem(command, 409, "exists", "Conflict", "/id",
		    "there is a tenant of that id: change it with PUT or "
		    "PATCH");
		return;
	}
	change_tenant(command, id, state, &said);
}

void
bf_verb_put_tenant(const struct command *command)
{
	struct bf_tenant_said said = { .limits = BF_LIMITS_DEFAULT };
	const struct bf_tenant_state *state;
	const char *id;

	if (find(command, false, &id, &state) == 0)
		change_tenant(command, id, state, &said);
}

void
bf_verb_patch_tenant(const struct command *command)
{
	struct bf_tenant_said said = { 0 };
	const struct bf_tenant_state *state;
	const char *id;

	if (find(command, false, &id, &state) == -1)
		return;
	if (!state) {
		bf_verb_show_tenant(command); /* says so */
		return;
	}
	said.name = state->name;
	said.limits = state->limits;
	change_tenant(command, id, state, &said);
}

void
bf_verb_delete_tenant(const struct command *command)
{
	const struct bf_registry *registry = command->scheduler->registry;
	const struct bf_tenant_state *state;
	const char *id;

	if (find(command, false, &id, &state) == -1)
		return;
	if (!state)
		bf_verb_show_tenant(command); /* says so */
	else if (strcmp(id, bf_registry_default_tenant(registry)) == 0)
		bf_command_problem(command, 409, "default-tenant", "Conflict",
		    NULL, "the default tenant can't be deleted");
	else
		commit(command, id, NULL, false);
}
