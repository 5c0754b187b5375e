/*
 * command_session.c - sessions of people in browsers
 *
 * A session is a setting of the store, named by the SHA-256 of its number: the
 * intakes look it up there. It begins with a password (sign_in.c).
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/encode.h>
#include <belfry/memory.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/process/command_private.h"

#define PREFIX "session/"
#define SESSIONS_MOST 32 /* of one user; the oldest end */
#define ID_BYTES 32

static int64_t
number_of(const cJSON *json, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static const char *
text_of(const cJSON *json, const char *name)
{
	const char *text =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text ? text : "";
}

static void
note_session(void *context, const char *name, const char *value)
{
	cJSON *session = cJSON_Parse(value);

	if (!session)
		return;
	cJSON_AddStringToObject(session, "name", name);
	cJSON_AddItemToArray(context, session);
}

/* All sessions, as own->json. */
static enum bf_store_result
run_sessions(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;

	own->json = cJSON_CreateArray();
	return bf_store_settings(store, PREFIX, note_session, own->json, err);
}

static bool
has_ended(const struct scheduler *scheduler, const cJSON *session, int64_t now)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(scheduler->registry);
	const struct bf_dashboard_user *user =
	    bf_snapshot_user(snapshot, text_of(session, "user"));

	return !user || strcmp(user->stamp, text_of(session, "stamp")) != 0 ||
	       now - number_of(session, "created_at") >=
		   snapshot->api.session_lifetime.ms ||
	       now - number_of(session, "seen_at") >=
		   snapshot->api.session_timeout.ms;
}

/* Forgets the sessions that have ended, and the user's oldest one if there
 * would be too many. */
static void
tidy(struct scheduler *scheduler, const cJSON *sessions, const char *user)
{
	const int64_t now = bf_clock_wall().ms;
	const cJSON *session, *oldest = NULL;
	size_t count = 0;

	cJSON_ArrayForEach(session, sessions)
	{
		if (has_ended(scheduler, session, now)) {
			bf_settings_put(scheduler, text_of(session, "name"),
			    NULL);
			continue;
		}
		if (strcmp(text_of(session, "user"), user) != 0)
			continue;
		count++;
		if (!oldest || number_of(session, "created_at") <
				   number_of(oldest, "created_at"))
			oldest = session;
	}
	if (count >= SESSIONS_MOST)
		bf_settings_put(scheduler, text_of(oldest, "name"), NULL);
}

/* The name of a session's setting: of the SHA-256 of its number. */
static char *
setting_of(const char *id)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct bf_buf name = { 0 };

	if (!EVP_Digest(id, strlen(id), digest, NULL, EVP_sha256(), NULL))
		abort();
	bf_buf_add_text(&name, PREFIX);
	bf_encode_hex(&name, digest, 32);
	return name.data;
}

static void
put_session(struct scheduler *scheduler, const char *name,
    const struct bf_dashboard_user *user, const char *address)
{
	const double now = (double)bf_clock_wall().ms;
	cJSON *json = cJSON_CreateObject();
	char *text;

	cJSON_AddStringToObject(json, "user", user->name);
	cJSON_AddStringToObject(json, "stamp", user->stamp);
	cJSON_AddStringToObject(json, "address", address);
	cJSON_AddNumberToObject(json, "created_at", now);
	cJSON_AddNumberToObject(json, "seen_at", now);
	text = cJSON_PrintUnformatted(json);
	bf_settings_put(scheduler, name, text);
	cJSON_free(text);
	cJSON_Delete(json);
}

static void
note(struct scheduler *scheduler, const char *user, const char *address,
    const char *action)
{
	const struct bf_dashboard_user *known =
	    bf_snapshot_user(bf_registry_snapshot(scheduler->registry), user);
	char *actor = bf_strf("user %s", user);

	bf_audit_note(scheduler,
	    &(struct audit_row){ .actor = actor,
		.address = address,
		.tenant = known && known->tenant
			      ? known->tenant
			      : bf_registry_default_tenant(scheduler->registry),
		.action = action });
	free(actor);
}

/* own->text is "user address". */
static void
answer_new_session(struct store_command *own)
{
	struct scheduler *scheduler = own->command.scheduler;
	char *address = strchr(own->text, ' ');
	unsigned char random[ID_BYTES];
	const struct bf_dashboard_user *user;
	struct bf_buf id = { 0 };
	char *name;
	cJSON *json;

	*address++ = '\0';
	user = bf_snapshot_user(bf_registry_snapshot(scheduler->registry),
	    own->text);
	if (!user || RAND_bytes(random, sizeof(random)) != 1) {
		bf_command_problem(&own->command, 503, "not-ready",
		    "Service Unavailable", NULL, "the user is gone");
		return;
	}
	bf_committer_hold(scheduler->committer);
	tidy(scheduler, own->json, user->name);
	bf_encode_hex(&id, random, sizeof(random));
	name = setting_of(id.data);
	put_session(scheduler, name, user, address);
	note(scheduler, user->name, address, "sign-in");
	bf_committer_release(scheduler->committer);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "user", user->name);
	cJSON_AddStringToObject(json, "id", id.data);
	bf_command_kept(&own->command, 200, json);
	bf_buf_wipe(&id);
	free(name);
}

void
bf_session_make(const struct command *command, const char *user,
    const char *address)
{
	char *text = bf_strf("%s %s", user, address);

	bf_command_store(command, text, run_sessions, answer_new_session);
	free(text);
}

static enum bf_store_result
commit_session(struct bf_store *store, const char *name, const cJSON *json,
    struct bf_error *err)
{
	char *text = cJSON_PrintUnformatted(json);
	enum bf_store_result result;
	struct bf_batch batch;

	bf_batch_init(&batch);
	bf_batch_add(&batch, bf_change_put(name, text));
	cJSON_free(text);
	result = bf_store_commit(store, &batch, err);
	bf_batch_clear(&batch);
	return result;
}

/* Notes the use where nothing can come in between: a session that was ended
 * must not come back. */
static enum bf_store_result
run_seen(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;
	char *name = bf_strf(PREFIX "%s", own->text);
	char *value = NULL;
	enum bf_store_result result = bf_store_get(store, name, &value, err);
	cJSON *json = value ? cJSON_Parse(value) : NULL;

	if (result == BF_STORE_OK && json) {
		cJSON_ReplaceItemInObjectCaseSensitive(json, "seen_at",
		    cJSON_CreateNumber((double)bf_clock_wall().ms));
		result = commit_session(store, name, json, err);
	}
	cJSON_Delete(json);
	free(value);
	free(name);
	return result;
}

static void
answer_seen(struct store_command *own)
{
	bf_command_json(&own->command, 200, cJSON_CreateObject());
}

void
bf_verb_session_seen(const struct command *command)
{
	const char *session = bf_command_text(command, "session");

	bf_command_store(command, session ? session : "", run_seen,
	    answer_seen);
}

/* own->text is "user address"; all sessions of the user end. */
static void
answer_sign_out(struct store_command *own)
{
	struct scheduler *scheduler = own->command.scheduler;
	char *address = strchr(own->text, ' ');
	const cJSON *session;

	*address++ = '\0';
	bf_committer_hold(scheduler->committer);
	cJSON_ArrayForEach(session, own->json)
	{
		if (strcmp(text_of(session, "user"), own->text) == 0)
			bf_settings_put(scheduler, text_of(session, "name"),
			    NULL);
	}
	note(scheduler, own->text, address, "sign-out-everywhere");
	bf_committer_release(scheduler->committer);
	bf_command_kept(&own->command, 200, cJSON_CreateObject());
}

void
bf_verb_sign_out(const struct command *command)
{
	const char *session = bf_command_text(command, "session");
	const char *user = bf_command_text(command, "user");
	const char *address = bf_command_text(command, "address");
	char *text;

	if (!user || !session || !address) {
		bf_sign_in_refuse(command, 401, "Unauthorized",
		    "nobody is signed in", 0);
		return;
	}
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(command->arguments,
		"everywhere"))) {
		text = bf_strf("%s %s", user, address);
		bf_command_store(command, text, run_sessions, answer_sign_out);
		free(text);
		return;
	}
	text = bf_strf(PREFIX "%s", session);
	bf_settings_put(command->scheduler, text, NULL);
	free(text);
	note(command->scheduler, user, address, "sign-out");
	bf_command_kept(command, 200, cJSON_CreateObject());
}
