/*
 * scheduler_keys.c - the keys that secrets are sealed with
 *
 * The scheduler alone has them. While they are changed, on the store's thread,
 * nothing is sealed here: no channel is changed, and no secret sealed for the
 * conf file, with a key that may be gone a moment later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/command_private.h"
#include "core/process/rotate.h"

/* ---- start ---- */

/* The first start: there is no key file yet, nor anything that needs it. */
static int
make_keys(struct scheduler *scheduler, const char *path, struct bf_error *err)
{
	scheduler->keyring = bf_keyring_new();
	bf_keyring_add(scheduler->keyring);
	if (bf_keyring_write(scheduler->keyring, path, err) == -1)
		return -1;
	bf_log(BF_LOG_NOTICE,
	    "key file %s is made: keep a copy of it, apart from those of the "
	    "store",
	    path);
	return 0;
}

static void
conf_keys(const struct bf_snapshot *snapshot, struct bf_strings *keys)
{
	for (size_t i = 0; i < snapshot->sealed_count; i++) {
		if (!bf_strings_has(keys, snapshot->sealed[i].key))
			bf_strings_add(keys, snapshot->sealed[i].key);
	}
}

/* Goes on with a rotation that was cut short. */
static int
resume(struct scheduler *scheduler, struct bf_store *store,
    const struct bf_snapshot *snapshot, struct bf_error *err)
{
	struct bf_strings conf = { 0 };
	struct bf_rotation rotation = { .key_file = snapshot->key_file,
		.conf = &conf };
	enum bf_store_result result;

	conf_keys(snapshot, &conf);
	result = bf_rotate(store, &rotation, err);
	bf_log(result == BF_STORE_OK ? BF_LOG_NOTICE : BF_LOG_ERROR,
	    "a rotation of the keys that was cut short was gone on with: %zu "
	    "channels sealed anew%s%s",
	    rotation.resealed, result == BF_STORE_OK ? "" : "; ",
	    result == BF_STORE_OK ? "" : err->text);
	if (rotation.keys) {
		bf_keyring_free(&scheduler->keyring);
		scheduler->keyring = rotation.keys;
	}
	bf_strings_free(&rotation.dropped);
	bf_strings_free(&conf);
	/* Old keys still open what they sealed: no reason not to start. */
	return result == BF_STORE_UNUSABLE ? -1 : 0;
}

int
bf_keys_start(struct scheduler *scheduler, struct bf_store *store,
    const struct bf_snapshot *snapshot, struct bf_error *err)
{
	const char *path = snapshot->key_file;
	bool pending, any;

	if (access(path, F_OK) == 0) {
		scheduler->keyring = bf_keyring_read(path, err);
		if (!scheduler->keyring)
			return -1;
	} else if (errno != ENOENT) {
		bf_error_errno(err, "key file %s", path);
		return -1;
	}
	if (bf_rotate_pending(store, scheduler->keyring, &pending, &any, err) !=
	    BF_STORE_OK)
		return -1;
	if (!scheduler->keyring && any) {
		bf_error_set(err,
		    "key file %s is missing, and the store has secrets that "
		    "were sealed with it; expected it where it was: put a copy "
		    "back",
		    path);
		return -1;
	}
	if (!scheduler->keyring)
		return make_keys(scheduler, path, err);
	return pending ? resume(scheduler, store, snapshot, err) : 0;
}

/* ---- seal ---- */

/* Answers 503 while keys are changed; true if so. */
bool
bf_keys_busy(const struct command *command)
{
	if (!command->scheduler->rotating)
		return false;
	bf_command_problem(command, 503, "rotating", "Service Unavailable",
	    NULL, "the keys are being changed; try again");
	return true;
}

static bool
is_name(const char *text)
{
	return text && *text && strlen(text) <= 200 &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "._:@- ")] == '\0';
}

void
bf_verb_seal(const struct command *command)
{
	const char *token = bf_command_text(command, "token");
	const char *channel = bf_command_text(command, "channel");
	const char *directive = bf_command_text(command, "directive");
	const char *secret = bf_command_text(command, "secret");
	const char *tenant = bf_command_text(command, "tenant_id");
	const struct bf_seal_place place = { token ? "token" : "channel",
		tenant && !token ? tenant : "", token ? token : channel,
		token ? "value" : directive };
	struct bf_buf sealed = { 0 };
	cJSON *json;

	if (command->tenant && !bf_command_tenant(command))
		return;
	if (bf_keys_busy(command))
		return;
	if (!is_name(place.name) || !is_name(place.directive) ||
	    (token && channel) || (*place.tenant && !is_name(place.tenant))) {
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    token ? "/token" : "/channel",
		    "expected the names of a channel and of a directive, or "
		    "that of a token");
		return;
	}
	if (!secret || !*secret || strlen(secret) > 32768) {
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    "/secret", "expected a secret of 1 to 32768 bytes");
		return;
	}
	bf_seal(command->scheduler->keyring, &place, secret, strlen(secret),
	    &sealed);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "sealed", sealed.data);
	cJSON_AddStringToObject(json, "key",
	    bf_keyring_current(command->scheduler->keyring));
	bf_command_kept(command, 200, json);
	bf_buf_free(&sealed);
}

/* ---- rotate ---- */

struct rotate_command {
	struct store_call call;
	struct command command;
	struct bf_strings conf;
	struct bf_rotation rotation;
};

static enum bf_store_result
run_rotate(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	return bf_rotate(store, &((struct rotate_command *)call)->rotation,
	    err);
}

/* What stands in the conf file under another key than the present one. */
static void
add_stale(cJSON *json, const struct bf_snapshot *snapshot, const char *current)
{
	cJSON *list = cJSON_AddArrayToObject(json, "reseal");

	for (size_t i = 0; i < snapshot->sealed_count; i++) {
		const struct bf_sealed *sealed = &snapshot->sealed[i];
		cJSON *item;

		if (strcmp(sealed->key, current) == 0)
			continue;
		item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "place", sealed->place);
		cJSON_AddStringToObject(item, "key", sealed->key);
		cJSON_AddStringToObject(item, "file", sealed->file);
		cJSON_AddNumberToObject(item, "line", sealed->line);
		cJSON_AddItemToArray(list, item);
	}
}

static void
add_keys(cJSON *json, const char *name, const struct bf_strings *ids)
{
	cJSON *list = cJSON_AddArrayToObject(json, name);

	for (size_t i = 0; i < ids->count; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(ids->items[i]));
}

static void
answer_rotate(const struct rotate_command *own)
{
	const struct scheduler *scheduler = own->command.scheduler;
	const struct bf_rotation *rotation = &own->rotation;
	const char *current = bf_keyring_current(scheduler->keyring);
	struct bf_strings kept = { 0 };
	cJSON *json = cJSON_CreateObject();

	for (size_t i = 0; i + 1 < bf_keyring_count(scheduler->keyring); i++)
		bf_strings_add(&kept, bf_keyring_id(scheduler->keyring, i));
	cJSON_AddStringToObject(json, "key", current);
	cJSON_AddNumberToObject(json, "channels", (double)rotation->resealed);
	cJSON_AddNumberToObject(json, "unreadable", (double)rotation->bad);
	add_keys(json, "dropped", &rotation->dropped);
	add_keys(json, "kept", &kept);
	add_stale(json, bf_registry_snapshot(scheduler->registry), current);
	bf_log(BF_LOG_NOTICE,
	    "secrets are sealed with key %s: %zu channels sealed anew, %zu old "
	    "keys dropped, %zu kept",
	    current, rotation->resealed, rotation->dropped.count, kept.count);
	bf_strings_free(&kept);
	bf_command_kept(&own->command, 200, json);
}

static void
rotate_done(void *owner, struct store_call *call)
{
	struct rotate_command *own = (struct rotate_command *)call;
	struct scheduler *scheduler = owner;

	scheduler->rotating = false;
	/* What is unread was sealed with the old keys. */
	bf_registry_read_all(scheduler->registry);
	if (own->rotation.keys) {
		bf_keyring_free(&scheduler->keyring);
		scheduler->keyring = own->rotation.keys;
	}
	if (call->result == BF_STORE_OK)
		answer_rotate(own);
	else
		bf_command_problem(&own->command, 503, "rotate",
		    "Service Unavailable", NULL, call->error.text);
	bf_strings_free(&own->rotation.dropped);
	bf_strings_free(&own->conf);
	free(own);
}

void
bf_verb_rotate(const struct command *command)
{
	struct scheduler *scheduler = command->scheduler;
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(scheduler->registry);
	const cJSON *finish =
	    cJSON_GetObjectItemCaseSensitive(command->arguments, "finish");
	struct rotate_command *own;

	if (command->tenant) {
		bf_command_problem(command, 403, "wrong-tenant", "Forbidden",
		    NULL, "keys are those of all tenants");
		return;
	}
	if (finish && !cJSON_IsBool(finish)) {
		bf_command_bad_member(command, "finish",
		    "expected true or false");
		return;
	}
	if (bf_keys_busy(command))
		return;
	if (!TAILQ_EMPTY(&scheduler->changes)) {
		bf_command_problem(command, 503, "busy", "Service Unavailable",
		    NULL, "a channel is being changed; try again");
		return;
	}
	scheduler->rotating = true;
	own = bf_new(struct rotate_command);
	own->call.run = run_rotate;
	own->call.done = rotate_done;
	own->command = *command;
	own->command.arguments = NULL;
	conf_keys(snapshot, &own->conf);
	own->rotation = (struct bf_rotation){ .key_file = snapshot->key_file,
		.new_key = !cJSON_IsTrue(finish),
		.conf = &own->conf };
	bf_committer_call(scheduler->committer, &own->call);
}
