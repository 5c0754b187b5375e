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
#include "core/base/strings.h"
#include "core/event/parse.h"
#include "core/process/command_private.h"
#include "core/registry/rate.h"

#define TOKEN_BYTES 32 /* of randomness in a token */
#define ID_MARK "tok_"
#define ID_DIGITS 16 /* of the hash, in an id */

/* A token of the store, with its hash; NULL if it is damaged. */
static cJSON *
parse_token(const char *name, const char *value)
{
	cJSON *token = cJSON_Parse(value);

	if (token)
		cJSON_AddStringToObject(token, "hash", strchr(name, '/') + 1);
	return token;
}

static void
note_token(void *context, const char *name, const char *value)
{
	cJSON *token = parse_token(name, value);

	if (token)
		cJSON_AddItemToArray(context, token);
}

static enum bf_store_result
run_tokens(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;

	own->json = cJSON_CreateArray();
	return bf_store_settings(store, BF_TOKEN_PREFIX, note_token, own->json,
	    err);
}

/* Whether the caller may know of a token, and revoke it. Those that are for
 * every tenant are no one tenant's, whatever tenant they belong to. */
static bool
is_visible(const struct store_command *own, const char *tenant,
    const char *scope)
{
	enum bf_scope given;

	if (own->tenant && (!tenant || strcmp(own->tenant, tenant) != 0))
		return false;
	return own->any_tenant || (bf_scope_parse(scope, &given) == 0 &&
				      !bf_scope_of_daemon(given));
}

static const char *
token_text(const cJSON *token, const char *name)
{
	const char *text =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(token, name));

	return text ? text : "";
}

/* Adds what one token of several of its name is known by: the beginning of its
 * hash. */
static void
add_id(cJSON *token, const char *hash)
{
	char *id = bf_strf(ID_MARK "%.*s", ID_DIGITS, hash);

	cJSON_AddStringToObject(token, "id", id);
	free(id);
}

/* ---- the list ---- */

/*
 * Tokens of the conf file come first, in its order, then those made over the
 * API in order of their hashes. A page goes on after "conf/NAME", or after
 * "api/" and the beginning of a hash: of a random token, so it tells nothing.
 */
#define AFTER_CONF "conf/"
#define AFTER_API "api/"
#define AFTER_DIGITS 32 /* of a hash, of which no two begin alike */

static void
add_rate(cJSON *token, const struct bf_rate *rate)
{
	char text[BF_RATE_TEXT];

	bf_rate_format(rate, text);
	cJSON_AddStringToObject(token, "rate", text);
}

/* Where on the machine the conf file lies is no tenant's to know: they get the
 * file's name. */
static const char *
file_for(const struct store_command *own, const char *file)
{
	const char *slash = own->any_tenant ? NULL : strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static cJSON *
describe_conf_token(const struct store_command *own,
    const struct bf_token *token, const char *tenant)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "name", token->name);
	cJSON_AddStringToObject(json, "tenant_id", tenant);
	cJSON_AddStringToObject(json, "scope", bf_scope_names[token->scope]);
	add_rate(json, &token->rate);
	cJSON_AddStringToObject(json, "file", file_for(own, token->file));
	cJSON_AddNumberToObject(json, "line", token->line);
	return json;
}

/* The index of the first of the conf file's that a page has. If the one that it
 * goes on after is there no more, the conf file was changed: all, again. */
static size_t
first_conf_token(const struct bf_snapshot *snapshot, const char *after)
{
	const char *name = after ? after + strlen(AFTER_CONF) : NULL;

	for (size_t i = 0; name && i < snapshot->token_count; i++) {
		if (strcmp(snapshot->tokens[i].name, name) == 0)
			return i + 1;
	}
	return 0;
}

/* Adds the conf file's, one more than a page has if there are more. */
static void
add_conf_tokens(const struct store_command *own, cJSON *tokens)
{
	const struct bf_registry *registry = own->command.scheduler->registry;
	const struct bf_snapshot *snapshot = bf_registry_snapshot(registry);
	size_t i = first_conf_token(snapshot, own->text);
	size_t count = 0;

	for (; i < snapshot->token_count && count <= own->command.limit; i++) {
		const struct bf_token *token = &snapshot->tokens[i];
		const char *tenant = token->tenant
					 ? token->tenant
					 : bf_registry_default_tenant(registry);

		if (!is_visible(own, tenant, bf_scope_names[token->scope]))
			continue;
		cJSON_AddItemToArray(tokens,
		    describe_conf_token(own, token, tenant));
		count++;
	}
}

struct token_page {
	const struct store_command *own;
	size_t count;
};

static bool
note_page(void *context, const char *name, const char *value)
{
	struct token_page *page = context;
	cJSON *token;

	/* Most may be others': they are not worth a parser. */
	if (page->own->tenant && !strstr(value, page->own->tenant))
		return true;
	token = parse_token(name, value);
	if (!token)
		return true;
	if (!is_visible(page->own, token_text(token, "tenant_id"),
		token_text(token, "scope"))) {
		cJSON_Delete(token);
		return true;
	}
	cJSON_AddItemToArray(page->own->json, token);
	/* One more tells whether there is a next page. */
	return ++page->count <= page->own->command.limit;
}

static bool
goes_on_after(const struct store_command *own, const char *what)
{
	return own->text && strncmp(own->text, what, strlen(what)) == 0;
}

/* Those of the API. The conf file's may fill the page: which of both are shown
 * is known when both are. */
static enum bf_store_result
run_page(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;
	struct token_page page = { own, 0 };
	enum bf_store_result result;
	char *above = NULL;

	/* A hash is longer, so that it is above its own beginning: "g" is above
	 * every digit. */
	if (goes_on_after(own, AFTER_API))
		above = bf_strf(BF_TOKEN_PREFIX "%sg",
		    own->text + strlen(AFTER_API));
	own->json = cJSON_CreateArray();
	result = bf_store_settings_above(store, BF_TOKEN_PREFIX, above,
	    note_page, &page, err);
	free(above);
	return result;
}

/* What the next page goes on after. */
static cJSON *
name_next(const cJSON *last)
{
	const char *hash = token_text(last, "hash");
	char *text = *hash ? bf_strf(AFTER_API "%.*s", AFTER_DIGITS, hash)
			   : bf_strf(AFTER_CONF "%s", token_text(last, "name"));
	cJSON *json = cJSON_CreateString(text);

	free(text);
	return json;
}

static void
answer_tokens(struct store_command *own)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(own->command.scheduler->registry);
	const int limit = (int)own->command.limit;
	cJSON *json = cJSON_CreateObject();
	cJSON *tokens = cJSON_AddArrayToObject(json, "tokens");
	cJSON *next = cJSON_CreateNull();
	cJSON *token;
	int count;

	if (!goes_on_after(own, AFTER_API))
		add_conf_tokens(own, tokens);
	for (count = cJSON_GetArraySize(tokens);
	     count <= limit && own->json->child; count++)
		cJSON_AddItemToArray(tokens,
		    cJSON_DetachItemFromArray(own->json, 0));
	if (count > limit) {
		cJSON_Delete(next);
		next = name_next(cJSON_GetArrayItem(tokens, limit - 1));
		cJSON_DeleteItemFromArray(tokens, limit);
	}
	cJSON_ArrayForEach(token, tokens)
	{
		if (*token_text(token, "hash"))
			add_id(token, token_text(token, "hash"));
		cJSON_DeleteItemFromObject(token, "hash");
		if (!cJSON_HasObjectItem(token, "rate"))
			add_rate(token, &snapshot->api.token_rate);
	}
	cJSON_AddItemToObject(json, "next", next);
	bf_command_json(&own->command, 200, json);
}

/* On a thread of its own: of a tenant's few tokens among many, all are read. */
void
bf_verb_list_tokens(const struct command *command)
{
	const char *after = bf_command_text(command, "after");
	struct command page = *command;

	if (!bf_command_tenant(command))
		return;
	page.limit = bf_command_limit(command, BF_PAGE_MOST);
	if (page.limit == 0)
		return;
	if (after && strncmp(after, AFTER_CONF, strlen(AFTER_CONF)) != 0 &&
	    strncmp(after, AFTER_API, strlen(AFTER_API)) != 0) {
		bf_command_bad_member(command, "after",
		    "expected the \"next\" of the page before");
		return;
	}
	bf_command_errand(&page, after, run_page, answer_tokens);
}

/* ---- made and revoked ---- */

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
	if (!command->tenant || !bf_scope_of_daemon(scope))
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

/* It is shown on terminals. */
static bool
is_name(const char *name)
{
	return name && *name && strlen(name) <= BF_NAME_MAX &&
	       !bf_has_control(name);
}

/* Whether the tenant may have one more. Answers with a problem otherwise. */
static bool
has_room(const struct command *command, const char *tenant)
{
	const struct scheduler *scheduler = command->scheduler;
	const int64_t count = bf_tenant_tokens(scheduler, tenant);
	char *detail;

	if (bf_tenant_may_have_token(scheduler, tenant))
		return true;
	detail = bf_strf("the tenant has %lld token%s, and may have no more: "
			 "revoke one first",
	    (long long)count, count == 1 ? "" : "s");
	bf_command_problem(command, 409, "limit", "Conflict", NULL, detail);
	free(detail);
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
	if (!is_name(name)) {
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    "/name",
		    "expected a name of 1 to 64 bytes without control "
		    "characters");
		return;
	}
	scope = scope ? scope : "ingest";
	if (!may_give(command, scope) || !read_rate(command, rate_text, &rate))
		return;
	if (!has_room(command, tenant))
		return;
	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	bf_buf_add_text(&token, "bft_");
	bf_encode_hex(&token, random, sizeof(random));
	bf_buf_add_text(&key, BF_TOKEN_PREFIX);
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
	bf_tenant_put_token(command->scheduler, tenant, key.data, text);
	if (!rate_text)
		add_rate(json, &rate);
	add_id(json, key.data + strlen(BF_TOKEN_PREFIX));
	cJSON_AddStringToObject(json, "token", token.data);
	bf_command_kept(command, 201, json);
	cJSON_free(text);
	bf_buf_wipe(&token);
	bf_buf_free(&key);
}

/* The tokens that the caller may revoke, by id or else by name: as many of
 * them as there are, and the last. */
static size_t
find_tokens(const struct store_command *own, const cJSON **found)
{
	const char *wanted = own->text;
	const cJSON *token;
	size_t count = 0;

	cJSON_ArrayForEach(token, own->json)
	{
		const char *hash = token_text(token, "hash");

		if (!is_visible(own, token_text(token, "tenant_id"),
			token_text(token, "scope")))
			continue;
		if (strlen(wanted) == strlen(ID_MARK) + ID_DIGITS &&
		    strncmp(wanted, ID_MARK, strlen(ID_MARK)) == 0 &&
		    strncmp(wanted + strlen(ID_MARK), hash, ID_DIGITS) == 0) {
			*found = token;
			return 1;
		}
		if (strcmp(token_text(token, "name"), wanted) == 0) {
			*found = token;
			count++;
		}
	}
	return count;
}

/* One of several is not taken for the one that is meant. */
static void
refuse_revoke(const struct command *command, size_t count)
{
	char *detail;

	if (count == 0) {
		bf_command_problem(command, 404, "unknown-token",
		    "Unknown token", NULL,
		    "no token of that name or id was made over the API");
		return;
	}
	detail =
	    bf_strf("there are %zu tokens of that name: expected the id of "
		    "one, as the list shows it",
		count);
	bf_command_problem(command, 409, "ambiguous-token", "Conflict", NULL,
	    detail);
	free(detail);
}

static void
answer_revoke(struct store_command *own)
{
	const cJSON *token = NULL;
	const size_t count = find_tokens(own, &token);
	char *key;

	if (count != 1) {
		refuse_revoke(&own->command, count);
		return;
	}
	bf_command_about(&own->command, token_text(token, "tenant_id"));
	if (strcmp(token_text(token, "name"), own->text) != 0)
		bf_command_detail(&own->command, token_text(token, "name"));
	key = bf_strf(BF_TOKEN_PREFIX "%s", token_text(token, "hash"));
	bf_tenant_put_token(own->command.scheduler,
	    token_text(token, "tenant_id"), key, NULL);
	free(key);
	bf_command_kept(&own->command, 200, cJSON_CreateObject());
}

void
bf_verb_revoke_token(const struct command *command)
{
	const char *name = bf_command_text(command, "name");

	if (bf_command_tenant(command))
		bf_command_errand(command, name ? name : "", run_tokens,
		    answer_revoke);
}
