/*
 * load_user.c - who may sign in to the dashboard
 */
#include <string.h>

#include <openssl/evp.h>

#include <belfry/encode.h>
#include <belfry/memory.h>

#include "core/conf/password.h"
#include "core/registry/load_private.h"

struct user_settings {
	struct bf_secret password;
	char *tenant;
	struct bf_choice scope;
};

/* To post events is not what people sign in for. */
#define FIRST_SCOPE BF_SCOPE_READ

static const struct bf_directive table[] = {
	{ BF_FIELD(user_settings, password), .required = true,
	    .help = "The hash of the user's password, as belfryctl passwd "
		    "makes it" },
	{ BF_FIELD(user_settings, tenant),
	    .help = "Whose things the user sees; without it, the default "
		    "tenant's" },
	{ BF_FIELD(user_settings, scope), .fallback = "manage",
	    .choices = bf_scope_names + FIRST_SCOPE,
	    .help = "What it allows: to see the tenant's state, to manage the "
		    "tenant, or everything for every tenant" },
	{ 0 },
};

const struct bf_context bf_context_user = { "dashboard_user",
	"dashboard_user NAME", table, NULL };

/* What tells a password from the one before it, and says nothing of either. */
static char *
stamp_of(const char *hash)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct bf_buf hex = { 0 };

	if (!EVP_Digest(hash, strlen(hash), digest, NULL, EVP_sha256(), NULL))
		return NULL;
	bf_encode_hex(&hex, digest, 16);
	return hex.data;
}

static int
add_user(struct bf_loading *loading, const struct bf_conf_node *node,
    const struct user_settings *settings)
{
	struct bf_snapshot *snapshot = loading->snapshot;
	const char *name = node->words.items[0];
	struct bf_error cause;
	struct bf_dashboard_user *user;

	if (bf_password_check(settings->password.bytes, &cause) == -1)
		return bf_conf_error(node, loading->err,
		    "dashboard_user %s: password: %s", name, cause.text);
	snapshot->users =
	    bf_grow(snapshot->users, snapshot->user_count, sizeof(*user));
	user = &snapshot->users[snapshot->user_count++];
	user->name = bf_strdup(name);
	user->tenant = bf_strdup(
	    settings->tenant ? settings->tenant : snapshot->default_tenant);
	user->scope = (enum bf_scope)(settings->scope.index + FIRST_SCOPE);
	user->password = bf_strdup(settings->password.bytes);
	user->stamp = stamp_of(user->password);
	user->file = bf_strdup(node->file);
	user->line = node->line;
	return user->stamp ? 0
			   : bf_conf_error(node, loading->err,
				 "dashboard_user %s: SHA-256 is not available "
				 "in OpenSSL",
				 name);
}

int
bf_load_user(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	const char *name = node->words.items[0];
	struct user_settings settings = { 0 };
	int result = -1;

	(void)special;
	(void)target;
	if (bf_name_check(loading, node, BF_NAMING_THING, name) == 0 &&
	    bf_define(loading, node, "dashboard_user", NULL, name) == 0) {
		bf_load_place(loading, node, NULL, name);
		result = bf_context_read(loading, &bf_context_user, node,
		    &settings, NULL);
	}
	if (result == 0 && settings.tenant)
		result = bf_name_check(loading, node, BF_NAMING_TENANT,
		    settings.tenant);
	if (result == 0)
		result = add_user(loading, node, &settings);
	bf_settings_clear(table, &settings);
	return result;
}
