/*
 * auth.c - who asks, and what they may do
 *
 * Tokens are known by their SHA-256 only: those of the conf file stand in the
 * snapshot, those made over the API in the store, looked up once and kept in a
 * bounded cache until the scheduler says that they changed. Comparing hashes of
 * what was sent leaks nothing about what would have been right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/encode.h>
#include <belfry/memory.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/intake/intake_private.h"
#include "core/registry/rate.h"

#define CACHE_MOST 4096 /* tokens; beyond it the cache starts anew */
#define LOOK_UP_MS 50   /* for a token in the store */

struct token_cache {
	struct cached *all;
	struct bf_store *store; /* for looking tokens up */
	EVP_MD *sha256;         /* looking it up costs more than a hash */
};

struct cached {
	unsigned char hash[BF_TOKEN_HASH_SIZE];
	bool known;
	struct caller caller;
	UT_hash_handle hh;
};

/* The peer of a Unix socket. */
static void
note_user(struct connection *connection, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	strcpy(connection->address, "unix");
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1)
		return;
	connection->uid = peer.uid;
	connection->trusted = peer.uid == 0 || peer.uid == geteuid();
}

void
bf_auth_peer(struct connection *connection, int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	struct bf_ip ip;

	if (connection->local) {
		note_user(connection, fd);
		return;
	}
	/* One that has gone already has no address. */
	if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
	    bf_ip_of((struct sockaddr *)&peer, &ip, NULL) == 0)
		bf_ip_format(&ip, connection->address);
}

static struct token_cache *
cache_of(struct intake *intake)
{
	if (intake->tokens)
		return intake->tokens;
	intake->tokens = bf_new(struct token_cache);
	intake->tokens->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!intake->tokens->sha256)
		abort();
	return intake->tokens;
}

void
bf_auth_flush(struct intake *intake)
{
	struct cached *cached, *next;

	if (!intake->tokens)
		return;
	HASH_ITER(hh, intake->tokens->all, cached, next)
	{
		HASH_DEL(intake->tokens->all, cached);
		free(cached);
	}
}

void
bf_auth_free(struct intake *intake)
{
	bf_auth_flush(intake);
	if (intake->tokens) {
		bf_store_close(&intake->tokens->store);
		EVP_MD_free(intake->tokens->sha256);
	}
	free(intake->tokens);
	intake->tokens = NULL;
}

/* kind: "token", "user" or "uid". */
void
bf_auth_set_caller(struct caller *caller, const char *kind, const char *name,
    enum bf_scope scope, const char *tenant)
{
	snprintf(caller->actor, sizeof(caller->actor), "%s %s", kind, name);
	caller->scope = scope;
	caller->any_tenant = scope == BF_SCOPE_ADMIN;
	caller->rate = (struct bf_rate){ 0 };
	snprintf(caller->tenant, sizeof(caller->tenant), "%s", tenant);
}

static void
set_rate(struct caller *caller, const struct bf_rate *rate,
    const unsigned char hash[BF_TOKEN_HASH_SIZE])
{
	caller->rate = *rate;
	if (rate->count > 0)
		caller->rate_key = bf_token_rate_key(hash, rate);
}

/* A token of the conf file. */
static bool
find_in_snapshot(const struct intake *intake,
    const unsigned char hash[BF_TOKEN_HASH_SIZE], struct caller *caller)
{
	const struct bf_snapshot *snapshot = intake->snapshot;

	for (size_t i = 0; i < snapshot->token_count; i++) {
		const struct bf_token *token = &snapshot->tokens[i];

		if (CRYPTO_memcmp(token->hash, hash, BF_TOKEN_HASH_SIZE) != 0)
			continue;
		bf_auth_set_caller(caller, "token", token->name, token->scope,
		    token->tenant ? token->tenant : intake->default_tenant);
		set_rate(caller, &token->rate, hash);
		return true;
	}
	return false;
}

int
bf_auth_ask_store(struct intake *intake, const char *name, char **value)
{
	struct token_cache *cache = cache_of(intake);
	struct bf_error err;

	*value = NULL;
	if (!cache->store)
		cache->store =
		    bf_store_open_reader(intake->snapshot->state_dir, &err);
	if (!cache->store)
		return -1;
	bf_store_deadline(cache->store, (struct bf_duration){ LOOK_UP_MS });
	return bf_store_get(cache->store, name, value, &err) == BF_STORE_OK
		   ? 0
		   : -1;
}

/* What the store says of a token. -1: it can't be asked now. */
static int
ask_for_token(struct intake *intake,
    const unsigned char hash[BF_TOKEN_HASH_SIZE], char **value)
{
	struct bf_buf name = { 0 };
	int status;

	bf_buf_add_text(&name, BF_TOKEN_PREFIX);
	bf_encode_hex(&name, hash, BF_TOKEN_HASH_SIZE);
	status = bf_auth_ask_store(intake, name.data, value);
	bf_buf_free(&name);
	return status;
}

/* Reads {"name","tenant_id","scope",...} as the store keeps it; *rate stays if
 * it has none. */
static bool
read_token(const char *value, struct caller *caller, struct bf_rate *rate)
{
	cJSON *json = cJSON_Parse(value);
	const char *name = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "name"));
	const char *tenant = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "tenant_id"));
	const char *own = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "rate"));
	enum bf_scope scope;
	const bool known =
	    name && tenant &&
	    bf_scope_parse(cJSON_GetStringValue(
			       cJSON_GetObjectItemCaseSensitive(json, "scope")),
		&scope) == 0 &&
	    (!own || bf_rate_read(own, rate, NULL) == 0);

	if (known)
		bf_auth_set_caller(caller, "token", name, scope, tenant);
	cJSON_Delete(json);
	return known;
}

/* A token made over the API. -1: it can't be told now. */
static int
find_in_store(struct intake *intake,
    const unsigned char hash[BF_TOKEN_HASH_SIZE], struct caller *caller)
{
	struct token_cache *cache = cache_of(intake);
	struct bf_rate rate = intake->snapshot->api.token_rate;
	struct cached *cached;
	char *value;

	HASH_FIND(hh, cache->all, hash, BF_TOKEN_HASH_SIZE, cached);
	if (!cached) {
		if (ask_for_token(intake, hash, &value) == -1)
			return -1;
		if (HASH_COUNT(cache->all) >= CACHE_MOST)
			bf_auth_flush(intake);
		cached = bf_new(struct cached);
		memcpy(cached->hash, hash, BF_TOKEN_HASH_SIZE);
		cached->known =
		    value && read_token(value, &cached->caller, &rate);
		if (cached->known)
			set_rate(&cached->caller, &rate, hash);
		free(value);
		HASH_ADD(hh, cache->all, hash, BF_TOKEN_HASH_SIZE, cached);
	}
	*caller = cached->caller;
	return cached->known;
}

/* The token of "Bearer <token>" (RFC 6750, section 2.1); NULL if none. */
static const char *
bearer(const char *authorization)
{
	if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	authorization += 7;
	return authorization + strspn(authorization, " ");
}

static int
refuse(struct connection *connection, const char *detail)
{
	bf_reply_problem(connection, 401, "unauthorized", NULL,
	    "WWW-Authenticate: Bearer realm=\"belfry\"\r\n", "%s", detail);
	return -1;
}

/* Identifies the caller by a token, and takes the request of its rate. */
static int
identify(struct connection *connection, const char *token)
{
	struct intake *intake = connection->intake;
	unsigned char *hash = connection->token_hash;
	int found;

	if (!EVP_Digest(token, strlen(token), hash, NULL,
		cache_of(intake)->sha256, NULL))
		abort();
	connection->by_token = true;
	if (find_in_snapshot(intake, hash, &connection->caller))
		return bf_token_rate_take(connection);
	found = find_in_store(intake, hash, &connection->caller);
	if (found == 1)
		return bf_token_rate_take(connection);
	if (found == 0)
		return refuse(connection, "a valid bearer token is needed");
	bf_reply_problem(connection, 503, "store", NULL, "Retry-After: 1\r\n",
	    "the token can't be looked up now");
	return -1;
}

bool
bf_auth_goes_on(struct connection *connection)
{
	struct intake *intake = connection->intake;
	struct caller now;

	if (!connection->by_token)
		return bf_session_goes_on(connection);
	return find_in_snapshot(intake, connection->token_hash, &now) ||
	       find_in_store(intake, connection->token_hash, &now) != 0;
}

/* Whether the scope allows the route: see scope.h. */
static bool
allows(enum bf_scope scope, const struct route *route)
{
	switch (scope) {
	case BF_SCOPE_ADMIN:
		return true;
	case BF_SCOPE_MANAGE:
		return !bf_scope_of_daemon(route->scope);
	default:
		return scope == route->scope;
	}
}

/* Finds out who the caller is, by a token, a cookie, or as the peer of a Unix
 * socket; answers and returns -1 if nobody. */
static int
identify_caller(struct connection *connection)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);
	const char *token = bearer(request->authorization);
	char uid[16];
	int found;

	connection->session[0] = '\0';
	connection->by_token = false;
	if (token && *token)
		return identify(connection, token);
	if (request->authorization)
		return refuse(connection, "a valid bearer token is needed");
	found = request->cookie ? bf_session_identify(connection) : 0;
	if (found != 0)
		return found == 1 ? 0 : -1;
	if (!connection->trusted)
		return refuse(connection, "a valid bearer token is needed");
	snprintf(uid, sizeof(uid), "%lu", (unsigned long)connection->uid);
	bf_auth_set_caller(&connection->caller, "uid", uid, BF_SCOPE_ADMIN,
	    connection->intake->default_tenant);
	return 0;
}

int
bf_auth(struct connection *connection)
{
	if (identify_caller(connection) == -1)
		return -1;
	if (allows(connection->caller.scope, connection->route))
		return 0;
	bf_reply_problem(connection, 403, "scope", NULL, NULL,
	    "the token's scope does not allow this");
	return -1;
}
