/*
 * session.c - people in browsers: sign-in, and the cookie that says who it is
 *
 * The cookie holds a random number; the store knows it by its SHA-256 alone. It
 * is looked up for every request, so that a session which was ended is over in
 * every process at once. A browser sends the cookie whoever made it ask, so a
 * request that changes something must show in a header that it comes from our
 * own page: a token that is made of the cookie, which other pages can't read.
 * Source of the cookie's form: RFC 6265 and its successor's section 4.1.3.2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <belfry/encode.h>
#include <belfry/memory.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/intake/intake_private.h"

#define ID_DIGITS 64  /* of a session's number, in hexadecimal */
#define SEEN_PARTS 16 /* of the time-out: so often is a use noted */

struct session {
	char user[BF_NAME_MAX + 1];
	char stamp[33];
	int64_t created_ms, seen_ms;
};

static void
digest(const char *prefix, const char *text, struct bf_buf *hex)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	char *whole = bf_strf("%s%s", prefix, text);

	if (!EVP_Digest(whole, strlen(whole), hash, NULL, EVP_sha256(), NULL))
		abort();
	bf_encode_hex(hex, hash, 32);
	OPENSSL_cleanse(whole, strlen(whole));
	free(whole);
}

/* Whether the browser speaks TLS, with us or with a proxy in front. */
static bool
is_secure(const struct connection *connection)
{
	return connection->tls ||
	       connection->intake->snapshot->api.secure_cookies;
}

/* A cookie of this name can't be set by anybody but the very host, over TLS. */
static const char *
cookie_name(const struct connection *connection)
{
	return is_secure(connection) ? "__Host-belfry_session"
				     : "belfry_session";
}

/* Takes the session's number from the request's cookies. false: there is none,
 * or two, of which one may be somebody else's. */
static bool
take_cookie(const struct connection *connection, char id[ID_DIGITS + 1])
{
	const char *cookies = bf_http_request(connection->http)->cookie;
	const char *name = cookie_name(connection);
	const size_t length = strlen(name);
	int found = 0;

	while (cookies && *cookies) {
		const size_t size = strcspn(cookies, ";");

		if (size == length + 1 + ID_DIGITS && cookies[length] == '=' &&
		    strncmp(cookies, name, length) == 0 &&
		    strspn(cookies + length + 1, "0123456789abcdef") ==
			ID_DIGITS) {
			memcpy(id, cookies + length + 1, ID_DIGITS);
			id[ID_DIGITS] = '\0';
			found++;
		}
		cookies += size;
		cookies += strspn(cookies, "; ");
	}
	return found == 1;
}

static bool
copy_member(const cJSON *json, const char *name, char *to, size_t size)
{
	const char *text =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text && (size_t)snprintf(to, size, "%s", text) < size;
}

static bool
copy_time(const cJSON *json, const char *name, int64_t *ms)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	*ms = cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
	return *ms > 0;
}

/* Looks a session up by the hash of its number. 1, 0 if there is none, -1 if
 * the store can't be asked now. */
static int
look_up(struct intake *intake, const char *hash, struct session *session)
{
	char *name = bf_strf("session/%s", hash);
	char *value;
	cJSON *json;
	int found = bf_auth_ask_store(intake, name, &value);

	free(name);
	if (found == -1 || !value)
		return found;
	json = cJSON_Parse(value);
	free(value);
	found =
	    copy_member(json, "user", session->user, sizeof(session->user)) &&
	    copy_member(json, "stamp", session->stamp,
		sizeof(session->stamp)) &&
	    copy_time(json, "created_at", &session->created_ms) &&
	    copy_time(json, "seen_at", &session->seen_ms);
	cJSON_Delete(json);
	return found;
}

/* Whose the session is; NULL: it has ended, as when the user's password was
 * changed or the user is gone. */
static const struct bf_dashboard_user *
user_of(const struct intake *intake, const struct session *session)
{
	const struct bf_api_settings *api = &intake->snapshot->api;
	const struct bf_dashboard_user *user =
	    bf_snapshot_user(intake->snapshot, session->user);
	const int64_t now = bf_clock_wall().ms;

	if (!user || strcmp(user->stamp, session->stamp) != 0 ||
	    now - session->created_ms >= api->session_lifetime.ms ||
	    now - session->seen_ms >= api->session_timeout.ms)
		return NULL;
	return user;
}

static void
nothing_to_do(void *context, struct connection *connection, int status,
    cJSON *json)
{
	(void)context;
	(void)connection;
	(void)status;
	(void)json;
}

/* Has the scheduler note that the session is in use, now and then. */
static void
note_use(struct connection *connection, const struct session *session)
{
	const int64_t timeout =
	    connection->intake->snapshot->api.session_timeout.ms;
	cJSON *arguments;

	if (bf_clock_wall().ms - session->seen_ms < timeout / SEEN_PARTS)
		return;
	arguments = cJSON_CreateObject();
	cJSON_AddStringToObject(arguments, "session", connection->session);
	bf_command_ask(connection, "session-seen", arguments, nothing_to_do,
	    NULL);
}

/* Whether a page of ours sent the request, if one did: its origin has our host
 * (RFC 6454, section 7; RFC 9110, section 7.2). */
static bool
is_own_origin(const struct bf_http_request *request)
{
	const char *host =
	    request->origin ? strstr(request->origin, "://") : NULL;

	if (!request->origin)
		return true;
	return host && request->host &&
	       strcasecmp(host + 3, request->host) == 0;
}

static bool
is_change(const struct connection *connection)
{
	return strcmp(connection->route->method, "GET") != 0;
}

static int
refuse_forged(struct connection *connection, const char *detail)
{
	bf_reply_problem(connection, 403, "csrf", NULL, NULL, "%s", detail);
	return -1;
}

/* Refuses what another site's page may have sent in the user's name. */
static int
check_forgery(struct connection *connection, const char *id)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);
	struct bf_buf token = { 0 };
	bool right;

	if (!is_change(connection))
		return 0;
	if (!is_own_origin(request))
		return refuse_forged(connection,
		    "the request comes from a page of another site");
	digest("csrf ", id, &token);
	right = request->csrf_token &&
		strlen(request->csrf_token) == token.size &&
		CRYPTO_memcmp(request->csrf_token, token.data, token.size) == 0;
	bf_buf_wipe(&token);
	if (right)
		return 0;
	return refuse_forged(connection,
	    "X-CSRF-Token is missing or not the session's; expected the "
	    "csrf_token of GET /v1/session");
}

int
bf_session_identify(struct connection *connection)
{
	struct intake *intake = connection->intake;
	const struct bf_dashboard_user *user = NULL;
	struct session session = { 0 };
	struct bf_buf hash = { 0 };
	char id[ID_DIGITS + 1];
	int found;

	if (!take_cookie(connection, id))
		return 0;
	digest("", id, &hash);
	found = look_up(intake, hash.data, &session);
	if (found == 1 && (user = user_of(intake, &session)))
		snprintf(connection->session, sizeof(connection->session), "%s",
		    hash.data);
	bf_buf_free(&hash);
	if (found == -1) {
		bf_reply_problem(connection, 503, "store", NULL,
		    "Retry-After: 1\r\n", "the session can't be looked up now");
		return -1;
	}
	if (!user)
		return 0;
	if (check_forgery(connection, id) == -1)
		return -1;
	bf_auth_set_caller(&connection->caller, "user", user->name, user->scope,
	    user->tenant ? user->tenant : intake->default_tenant);
	note_use(connection, &session);
	return 1;
}

bool
bf_session_goes_on(struct connection *connection)
{
	struct session session = { 0 };

	return connection->session[0] == '\0' ||
	       (look_up(connection->intake, connection->session, &session) !=
		       0 &&
		   user_of(connection->intake, &session));
}

/* ---- the resource /v1/session ---- */

/* What a page needs to know of the session. */
static cJSON *
describe(const struct connection *connection,
    const struct bf_dashboard_user *user, const char *id)
{
	const char *default_tenant = connection->intake->default_tenant;
	cJSON *json = cJSON_CreateObject();
	struct bf_buf token = { 0 };

	digest("csrf ", id, &token);
	cJSON_AddStringToObject(json, "user", user->name);
	cJSON_AddStringToObject(json, "scope", bf_scope_names[user->scope]);
	cJSON_AddStringToObject(json, "tenant_id",
	    user->tenant ? user->tenant : default_tenant);
	/* Which tenant is the default one is no other tenant's business. */
	if (user->scope == BF_SCOPE_ADMIN)
		cJSON_AddStringToObject(json, "default_tenant", default_tenant);
	else
		cJSON_AddNullToObject(json, "default_tenant");
	cJSON_AddStringToObject(json, "csrf_token", token.data);
	cJSON_AddStringToObject(json, "version", BF_VERSION);
	bf_buf_wipe(&token);
	return json;
}

/* Answers with the session, and sets its cookie. */
static void
answer_signed_in(struct connection *connection,
    const struct bf_dashboard_user *user, const char *id)
{
	cJSON *json = describe(connection, user, id);
	char *text = cJSON_PrintUnformatted(json);
	char *cookie = bf_strf("Set-Cookie: %s=%s; Path=/; HttpOnly; "
			       "SameSite=Strict%s\r\n",
	    cookie_name(connection), id,
	    is_secure(connection) ? "; Secure" : "");

	bf_reply(connection, 200, "application/json", cookie, text,
	    strlen(text));
	OPENSSL_cleanse(cookie, strlen(cookie));
	free(cookie);
	cJSON_free(text);
	cJSON_Delete(json);
}

/* Passes a refusal on, with how long to wait. */
static void
answer_refused(struct connection *connection, int status, const cJSON *json)
{
	const cJSON *detail = cJSON_GetObjectItemCaseSensitive(json, "detail");
	const cJSON *wait =
	    cJSON_GetObjectItemCaseSensitive(json, "retry_after");
	char *extra = NULL;

	if (status == 401)
		extra = bf_strdup("WWW-Authenticate: Cookie\r\n");
	else if (status == 429 || status == 503)
		extra = bf_strf("Retry-After: %.0f\r\n",
		    cJSON_IsNumber(wait) ? wait->valuedouble : 1.0);
	bf_reply_problem(connection, status,
	    status == 401   ? "unauthorized"
	    : status == 429 ? "throttled"
			    : "not-ready",
	    NULL, extra, "%s",
	    cJSON_IsString(detail) ? detail->valuestring
				   : "nobody can sign in now");
	free(extra);
}

static void
on_signed_in(void *context, struct connection *connection, int status,
    cJSON *json)
{
	const char *name = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "user"));
	const char *id =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "id"));
	const struct bf_dashboard_user *user;

	(void)context;
	if (!connection)
		return;
	user =
	    name ? bf_snapshot_user(connection->intake->snapshot, name) : NULL;
	if (status == 200 && user && id)
		answer_signed_in(connection, user, id);
	else
		answer_refused(connection, status == 200 ? 503 : status, json);
}

void
bf_session_sign_in(struct connection *connection)
{
	cJSON *arguments;

	if (!is_own_origin(bf_http_request(connection->http))) {
		refuse_forged(connection,
		    "the request comes from a page of another site");
		return;
	}
	arguments = bf_command_arguments(connection);
	if (!arguments)
		return;
	cJSON_AddStringToObject(arguments, "address", connection->address);
	bf_command_ask(connection, "sign-in", arguments, on_signed_in, NULL);
}

/* A session is what this is about; a token is none. */
static bool
has_session(struct connection *connection)
{
	if (connection->session[0] != '\0')
		return true;
	bf_reply_problem(connection, 401, "unauthorized", NULL,
	    "WWW-Authenticate: Cookie\r\n", "nobody is signed in");
	return false;
}

void
bf_session_show(struct connection *connection)
{
	const struct bf_snapshot *snapshot = connection->intake->snapshot;
	const struct bf_dashboard_user *user;
	char id[ID_DIGITS + 1];

	if (!has_session(connection))
		return;
	user = bf_snapshot_user(snapshot,
	    connection->caller.actor + strlen("user "));
	if (user && take_cookie(connection, id))
		bf_reply_json(connection, 200, describe(connection, user, id));
}

static void
on_signed_out(void *context, struct connection *connection, int status,
    cJSON *json)
{
	char *cookie;

	(void)context;
	if (!connection)
		return;
	if (status != 200) {
		answer_refused(connection, status, json);
		return;
	}
	cookie = bf_strf("Set-Cookie: %s=; Path=/; HttpOnly; SameSite=Strict; "
			 "Max-Age=0%s\r\n",
	    cookie_name(connection), is_secure(connection) ? "; Secure" : "");
	bf_reply(connection, 200, "application/json", cookie, "{}", 2);
	free(cookie);
}

static void
sign_out(struct connection *connection, bool everywhere)
{
	cJSON *arguments;

	if (!has_session(connection))
		return;
	arguments = cJSON_CreateObject();
	cJSON_AddStringToObject(arguments, "session", connection->session);
	cJSON_AddStringToObject(arguments, "user",
	    connection->caller.actor + strlen("user "));
	cJSON_AddStringToObject(arguments, "address", connection->address);
	cJSON_AddBoolToObject(arguments, "everywhere", everywhere);
	bf_command_ask(connection, "sign-out", arguments, on_signed_out, NULL);
}

void
bf_session_sign_out(struct connection *connection)
{
	sign_out(connection, false);
}

void
bf_session_sign_out_everywhere(struct connection *connection)
{
	sign_out(connection, true);
}
