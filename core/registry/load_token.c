/*
 * load_token.c - bearer tokens of the conf file
 */
#include <string.h>

#include <openssl/evp.h>

#include <belfry/encode.h>
#include <belfry/memory.h>

#include "core/registry/load_private.h"

struct token_settings {
	struct bf_secret value;
	char *tenant;
	struct bf_choice scope;
	struct bf_rate rate;
};

static const struct bf_directive table[] = {
	{ BF_FIELD(token_settings, value), .required = true,
	    .help = "What the client sends; best kept elsewhere, as "
		    "file:PATH or env:NAME" },
	{ BF_FIELD(token_settings, tenant),
	    .help = "Whose token it is; without it, the default tenant's" },
	{ BF_FIELD(token_settings, scope), .fallback = "ingest",
	    .choices = bf_scope_names,
	    .help = "What it allows: to post events, to read the daemon's "
		    "metrics, to read the tenant's state, to manage the "
		    "tenant, or everything for every tenant" },
	{ 0 },
};

static const struct bf_special specials[] = {
	{ "rate", BF_RATE_SYNTAX, 1, 2, false, false, NULL,
	    "How many requests may be made with it, burst of them at once; "
	    "each further line of a batch counts as one; without it, "
	    "token_rate",
	    offsetof(struct token_settings, rate), bf_load_rate },
	{ 0 },
};

const struct bf_context bf_context_token = { "token", "token NAME", table,
	specials };

/* A token travels in a header, so it is visible ASCII. */
static bool
fits_a_header(const struct bf_secret *value)
{
	for (size_t i = 0; i < value->size; i++) {
		if (value->bytes[i] <= ' ' || value->bytes[i] > '~')
			return false;
	}
	return true;
}

static int
add_token(struct bf_loading *loading, const struct bf_conf_node *node,
    const struct token_settings *settings)
{
	struct bf_snapshot *snapshot = loading->snapshot;
	struct bf_token *token;

	snapshot->tokens =
	    bf_grow(snapshot->tokens, snapshot->token_count, sizeof(*token));
	token = &snapshot->tokens[snapshot->token_count++];
	token->name = bf_strdup(node->words.items[0]);
	token->tenant = bf_strdup(
	    settings->tenant ? settings->tenant : snapshot->default_tenant);
	token->scope = (enum bf_scope)settings->scope.index;
	token->rate = settings->rate;
	token->file = bf_strdup(node->file);
	token->line = node->line;
	if (EVP_Digest(settings->value.bytes, settings->value.size, token->hash,
		NULL, EVP_sha256(), NULL) != 1)
		return bf_conf_error(node, loading->err,
		    "token %s: SHA-256 is not available in OpenSSL",
		    token->name);
	for (size_t i = 0; i + 1 < snapshot->token_count; i++) {
		const struct bf_token *other = &snapshot->tokens[i];

		if (memcmp(other->hash, token->hash, sizeof(token->hash)) == 0)
			return bf_conf_error(node, loading->err,
			    "token %s: it has the value of token %s; expected "
			    "another one",
			    token->name, other->name);
	}
	return 0;
}

int
bf_load_token(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	const char *name = node->words.items[0];
	struct token_settings settings = {
		.rate = loading->snapshot->api.token_rate
	};
	int result = -1;

	(void)special;
	(void)target;
	if (bf_name_check(loading, node, BF_NAMING_THING, name) == -1 ||
	    bf_define(loading, node, "token", NULL, name) == -1)
		goto out;
	bf_load_place(loading, node, NULL, name);
	if (bf_context_read(loading, &bf_context_token, node, &settings,
		NULL) == -1)
		goto out;
	if (settings.tenant && bf_name_check(loading, node, BF_NAMING_TENANT,
				   settings.tenant) == -1)
		goto out;
	if (!fits_a_header(&settings.value)) {
		bf_conf_error(node, loading->err,
		    "token %s: a value that no header can carry; expected "
		    "visible ASCII without white space",
		    name);
		goto out;
	}
	result = add_token(loading, node, &settings);

out:
	bf_settings_clear(table, &settings);
	return result;
}
