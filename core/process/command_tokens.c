/*
 * command_tokens.c - bearer tokens that are made over the API
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/encode.h>
#include <belfry/memory.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/base/log.h"
#include "core/event/parse.h"
#include "core/process/command_private.h"
#include "core/registry/rate.h"

#define TOKEN_BYTES 32 /* of randomness in a token */

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

/* Whether the caller may know of a token, and revoke it. Those that are for
 * every tenant are no one tenant's, whatever tenant they belong to. */
static bool
is_visible(const struct store_command *own, const char *tenant,
    const char *scope)
{
	if (own->tenant && (!tenant || strcmp(own->tenant, tenant) != 0))
		return false;
	return own->any_tenant ||
	       strcmp(scope, bf_scope_names[BF_SCOPE_ADMIN]) != 0;
}

static const char *
token_text(const cJSON *token, const char *name)
{
	const char *text =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, name));

	return text ? text : "";
}

static void
add_rate(cJSON *token, const struct bf_rate *rate)
{
	char text[BF_RATE_TEXT];

	bf_rate_format(rate, text);
	cJSON_AddStringToObject(token, "rate", text);
}

static void
answer_tokens(struct store_command *own)
{
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

		if (!is_visible(own, tenant, bf_scope_names[known->scope]))
			continue;
		token = cJSON_CreateObject();
		cJSON_AddStringToObject(token, "name", known->name);
		cJSON_AddStringToObject(token, "tenant_id", tenant);
		cJSON_AddStringToObject(token, "scope",
		    bf_scope_names[known->scope]);
		add_rate(token, &known->rate);
		cJSON_AddStringToObject(token, "file", known->file);
		cJSON_AddNumberToObject(token, "line", known->line);
		cJSON_AddItemToArray(tokens, token);
	}
	for (token = own->json->child; token; token = next) {
		next = token->next;
		if (!is_visible(own, token_text(token, "tenant_id"),
			token_text(token, "scope")))
			continue;
		cJSON_DetachItemViaPointer(own->json, token);
		cJSON_DeleteItemFromObject(token, "hash");
		if (!cJSON_HasObjectItem(token, "rate"))
			add_rate(token, &snapshot->api.token_rate);
		cJSON_AddItemToArray(tokens, token);
	}
	bf_command_json(&own->command, 200, json);
}

/* Runs over the tokens of the tenant that is named, or all that the caller may
 * see. Those of every tenant are read for it: beside the commits, which no one
 * tenant is to hold up. */
static void
run_over_tokens(const struct command *command, const char *text,
    void (*answer)(struct store_command *own))
{
	if (bf_command_tenant(command))
		bf_command_errand(command, text, run_tokens, answer);
}

void
bf_verb_list_tokens(const struct command *command)
{
	run_over_tokens(command, NULL, answer_tokens);
}

static void
hash_token(const char *token, struct bf_buf *hex)
{
	unsigned char digest[BF_TOKEN_HASH_SIZE];

	if (!EVP_Digest(token, strlen(token), digest, NULL, EVP_sha256(), NULL))
		abort();
	bf_encode_hex(hex, digest, sizeof(digest));
}

/* Nobody gives what they don't have. Answers with a problem otherwise. */
static bool
may_give(const struct command *command, const char *name)
{
	enum bf_scope scope;

	if (bf_scope_parse(name, &scope) == -1) {
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    "/scope", "expected " BF_SCOPE_CHOICES);
		return false;
	}
	if (!command->tenant || scope != BF_SCOPE_ADMIN)
		return true;
	bf_command_problem(command, 403, "scope", "Forbidden", "/scope",
	    "a token for every tenant is made by an admin only");
	return false;
}

/* Reads the rate of a token that is to be made; one of the tenant's own people
 * makes none that is faster than the default. Answers with a problem
 * otherwise. */
static bool
read_rate(const struct command *command, const char *text, struct bf_rate *rate)
{
	const struct bf_rate *most =
	    &bf_registry_snapshot(command->scheduler->registry)->api.token_rate;
	struct bf_error err;

	*rate = *most;
	if (text && bf_rate_read(text, rate, &err) == -1) {
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    "/rate", err.text);
		return false;
	}
	if (!command->tenant || !bf_rate_exceeds(rate, most))
		return true;
	bf_command_problem(command, 403, "scope", "Forbidden", "/rate",
	    "a token that is faster than token_rate is made by an admin only");
	return false;
}

void
bf_verb_create_token(const struct command *command)
{
	const char *name = bf_command_text(command, "name");
	const char *scope = bf_command_text(command, "scope");
	const char *rate_text = bf_command_text(command, "rate");
	const char *tenant = bf_command_new_tenant(command);
	struct bf_rate rate;
	unsigned char random[TOKEN_BYTES];
	struct bf_buf token = { 0 }, key = { 0 };
	char created[40];
	cJSON *json;
	char *text;

	if (!tenant)
		return;
	if (!name || !*name || strlen(name) > BF_NAME_MAX) {
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    "/name", "expected a name of 1 to 64 bytes");
		return;
	}
	scope = scope ? scope : "ingest";
	if (!may_give(command, scope) || !read_rate(command, rate_text, &rate))
		return;
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
	if (rate_text)
		add_rate(json, &rate);
	cJSON_AddStringToObject(json, "created_at", created);
	text = cJSON_PrintUnformatted(json);
	bf_settings_put(command->scheduler, key.data, text);
	if (!rate_text)
		add_rate(json, &rate);
	cJSON_AddStringToObject(json, "token", token.data);
	bf_command_kept(command, 201, json);
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
		    !is_visible(own, token_text(token, "tenant_id"),
			token_text(token, "scope")))
			continue;
		if (found) /* of another tenant: a row for each */
			bf_command_note(&own->command);
		bf_command_about(&own->command, token_text(token, "tenant_id"));
		key = bf_strf("token/%s", token_text(token, "hash"));
		bf_settings_put(own->command.scheduler, key, NULL);
		free(key);
		found = true;
	}
	if (!found) {
		bf_command_problem(&own->command, 404, "unknown-token",
		    "Unknown token", NULL,
		    "no token of that name was made over the API");
		return;
	}
	bf_command_kept(&own->command, 200, cJSON_CreateObject());
}

void
bf_verb_revoke_token(const struct command *command)
{
	const char *name = bf_command_text(command, "name");

	run_over_tokens(command, name ? name : "", answer_revoke);
}
