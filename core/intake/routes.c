/*
 * routes.c - the API: what is there, who may use it, and what answers
 */
#include <string.h>

#include <belfry/memory.h>

#include "core/intake/intake_private.h"

static void
answer_health(struct connection *connection)
{
	bf_reply_text(connection, 200, "application/json",
	    "{\"status\":\"ok\"}");
}

#define JSON "application/json"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"

static const struct route routes[] = {
	{ "POST", "/v1/events", BF_SCOPE_INGEST,
	    .body = JSON " or application/x-ndjson", .handle = bf_post_events,
	    .summary = "Post an event, or a batch of events",
	    .request = &bf_api_event_input, .answer = &bf_api_accepted,
	    .status = 202 },
	{ "GET", "/v1/events", BF_SCOPE_READ, .handle = bf_read_events,
	    .summary = "List events, newest first", .answer = &bf_api_events,
	    .query = "event type since until tenant_id limit before" },
	{ "GET", "/v1/events/{}", BF_SCOPE_READ, .handle = bf_read_event,
	    .summary = "Show an event with its deliveries", .argument = "id",
	    .answer = &bf_api_event, .query = "tenant_id" },
	{ "GET", "/v1/event-types", BF_SCOPE_READ, .verb = "event-types",
	    .summary = "List event types with their toggles",
	    .query = "tenant_id", .answer = &bf_api_event_types },
	{ "GET", "/v1/event-types/{}", BF_SCOPE_READ, .verb = "event-type",
	    .versioned = true, .of_tenant = true, .argument = "name",
	    .summary = "Show an event type", .query = "tenant_id",
	    .answer = &bf_api_event_type },
	{ "PUT", "/v1/event-types/{}/toggle", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "toggle-set", .versioned = true, .of_tenant = true,
	    .argument = "name", .summary = "Set the toggle of an event type",
	    .query = "tenant_id", .request = &bf_api_toggle_input,
	    .answer = &bf_api_event_type },
	{ "DELETE", "/v1/event-types/{}/toggle", BF_SCOPE_MANAGE,
	    .verb = "toggle-reset", .versioned = true, .of_tenant = true,
	    .argument = "name",
	    .summary = "Give an event type its default toggle",
	    .query = "tenant_id", .answer = &bf_api_event_type },
	{ "GET", "/v1/channels", BF_SCOPE_READ, .verb = "channels",
	    .summary = "List channels, in order of tenant and name",
	    .query = "tenant_id limit after", .answer = &bf_api_channels },
	{ "POST", "/v1/channels", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-create", .of_tenant = true, .versioned = true,
	    .summary = "Make a channel", .query = "tenant_id",
	    .request = &bf_api_channel_input, .answer = &bf_api_channel,
	    .status = 201 },
	{ "GET", "/v1/channels/{}", BF_SCOPE_READ, .verb = "channel",
	    .of_tenant = true, .argument = "name", .versioned = true,
	    .summary = "Show a channel", .query = "tenant_id",
	    .answer = &bf_api_channel },
	{ "PUT", "/v1/channels/{}", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-put", .of_tenant = true, .argument = "name",
	    .versioned = true,
	    .summary = "Make a channel, or replace its settings",
	    .query = "tenant_id", .request = &bf_api_channel_put,
	    .answer = &bf_api_channel },
	{ "PATCH", "/v1/channels/{}", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-patch", .of_tenant = true, .argument = "name",
	    .versioned = true, .summary = "Change some settings of a channel",
	    .query = "tenant_id", .request = &bf_api_channel_patch,
	    .answer = &bf_api_channel },
	{ "DELETE", "/v1/channels/{}", BF_SCOPE_MANAGE,
	    .verb = "channel-delete", .of_tenant = true, .argument = "name",
	    .versioned = true,
	    .summary = "Delete a channel; what waits for it is cancelled",
	    .query = "tenant_id", .answer = &bf_api_deleted },
	{ "POST", "/v1/channels/test", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "draft-test", .of_tenant = true,
	    .summary = "Send one real notification by settings that are not "
		       "saved",
	    .query = "tenant_id", .request = &bf_api_draft_input,
	    .answer = &bf_api_test_report },
	{ "POST", "/v1/channels/{}/test", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-test", .of_tenant = true, .argument = "name",
	    .summary = "Send one real notification through a channel",
	    .query = "tenant_id", .request = &bf_api_test_input,
	    .answer = &bf_api_test_report },
	{ "POST", "/v1/channels/{}/enable", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-enable", .versioned = true, .of_tenant = true,
	    .argument = "name", .summary = "Switch a channel on",
	    .query = "tenant_id", .request = &bf_api_tenant_input,
	    .answer = &bf_api_channel },
	{ "POST", "/v1/channels/{}/disable", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-disable", .versioned = true, .of_tenant = true,
	    .argument = "name",
	    .summary = "Switch a channel off; what waits for it is kept",
	    .query = "tenant_id", .request = &bf_api_tenant_input,
	    .answer = &bf_api_channel },
	{ "POST", "/v1/channels/{}/start", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-start", .versioned = true, .of_tenant = true,
	    .argument = "name", .summary = "Start a channel that was stopped",
	    .query = "tenant_id", .request = &bf_api_tenant_input,
	    .answer = &bf_api_channel },
	{ "GET", "/v1/deliveries", BF_SCOPE_READ, .handle = bf_read_deliveries,
	    .summary = "List deliveries, newest first",
	    .query = "state channel event since until tenant_id limit before",
	    .answer = &bf_api_deliveries },
	{ "GET", "/v1/deliveries/stream", BF_SCOPE_READ,
	    .handle = bf_stream_start,
	    .summary = "Deliveries as they happen (server-sent events)",
	    .content_type = "text/event-stream" },
	{ "POST", "/v1/deliveries/replay", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "replay", .summary = "Deliver again what failed",
	    .query = "channel event since until tenant_id",
	    .request = &bf_api_selection_input, .answer = &bf_api_replayed },
	{ "POST", "/v1/deliveries/cancel", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "cancel", .summary = "Cancel what has not been sent",
	    .query = "channel event since until tenant_id",
	    .request = &bf_api_selection_input, .answer = &bf_api_cancelled },
	{ "GET", "/v1/deliveries/{}", BF_SCOPE_READ, .handle = bf_read_delivery,
	    .summary = "Show a delivery with its attempts", .argument = "id",
	    .query = "tenant_id", .answer = &bf_api_delivery },
	{ "POST", "/v1/deliveries/{}/replay", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "replay", .argument = "id", .summary = "Deliver one again",
	    .query = "tenant_id", .request = &bf_api_tenant_input,
	    .answer = &bf_api_replayed },
	{ "POST", "/v1/deliveries/{}/cancel", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "cancel", .argument = "id", .summary = "Cancel one",
	    .query = "tenant_id", .request = &bf_api_tenant_input,
	    .answer = &bf_api_cancelled },
	{ "GET", "/v1/rates", BF_SCOPE_READ, .verb = "rates",
	    .summary = "Count deliveries by minute, over the last hour",
	    .query = "tenant_id channel", .answer = &bf_api_rates },
	{ "GET", "/v1/modules", BF_SCOPE_READ, .verb = "modules",
	    .summary = "List the modules that are loaded", .query = "tenant_id",
	    .answer = &bf_api_modules },
	{ "GET", "/v1/modules/{}", BF_SCOPE_READ, .verb = "module",
	    .versioned = true, .argument = "name",
	    .summary = "Show a module, with the JSON Schema of its settings",
	    .query = "tenant_id", .answer = &bf_api_module },
	{ "PUT", "/v1/modules/{}/toggle", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "module-toggle-set", .versioned = true, .of_tenant = true,
	    .argument = "name",
	    .summary = "Switch the channels of a module, all at once",
	    .query = "tenant_id", .request = &bf_api_toggle_input,
	    .answer = &bf_api_module },
	{ "DELETE", "/v1/modules/{}/toggle", BF_SCOPE_MANAGE,
	    .verb = "module-toggle-reset", .versioned = true, .of_tenant = true,
	    .argument = "name", .summary = "Take the switch of a module back",
	    .query = "tenant_id", .answer = &bf_api_module },
	{ "POST", "/v1/explain", BF_SCOPE_READ, .body = JSON, .verb = "explain",
	    .of_tenant = true,
	    .summary = "Say which channels would get an event, and why",
	    .query = "tenant_id", .request = &bf_api_explain_input,
	    .answer = &bf_api_explanation },
	{ "GET", "/v1/tokens", BF_SCOPE_MANAGE, .verb = "tokens",
	    .summary = "List tokens", .query = "tenant_id limit after",
	    .answer = &bf_api_tokens },
	{ "POST", "/v1/tokens", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "token-create", .of_tenant = true,
	    .summary = "Make a token", .query = "tenant_id",
	    .request = &bf_api_token_input, .answer = &bf_api_token,
	    .status = 201 },
	{ "DELETE", "/v1/tokens/{}", BF_SCOPE_MANAGE, .verb = "token-revoke",
	    .argument = "name", .summary = "Revoke a token, by name or id",
	    .query = "tenant_id", .answer = &bf_api_nothing },
	{ "GET", "/v1/audit", BF_SCOPE_MANAGE, .handle = bf_read_audit,
	    .summary = "List who changed what, newest first",
	    .query = "actor action since until tenant_id limit before",
	    .answer = &bf_api_audit },
	{ "GET", "/v1/tenants", BF_SCOPE_ADMIN, .verb = "tenants",
	    .summary = "List tenants, in order of id", .query = "limit after",
	    .answer = &bf_api_tenants },
	{ "POST", "/v1/tenants", BF_SCOPE_ADMIN, .body = JSON,
	    .verb = "tenant-create", .versioned = true,
	    .summary = "Make a tenant", .request = &bf_api_tenant_draft,
	    .answer = &bf_api_tenant, .status = 201 },
	{ "GET", "/v1/tenants/{}", BF_SCOPE_READ, .verb = "tenant",
	    .argument = "id", .versioned = true,
	    .summary = "Show a tenant, its limits and what it uses",
	    .answer = &bf_api_tenant },
	{ "PUT", "/v1/tenants/{}", BF_SCOPE_ADMIN, .body = JSON,
	    .verb = "tenant-put", .argument = "id", .versioned = true,
	    .summary = "Make a tenant, or replace its name and limits",
	    .request = &bf_api_tenant_settings, .answer = &bf_api_tenant },
	{ "PATCH", "/v1/tenants/{}", BF_SCOPE_ADMIN, .body = JSON,
	    .verb = "tenant-patch", .argument = "id", .versioned = true,
	    .summary = "Change some of a tenant's name and limits",
	    .request = &bf_api_tenant_settings, .answer = &bf_api_tenant },
	{ "DELETE", "/v1/tenants/{}", BF_SCOPE_ADMIN, .verb = "tenant-delete",
	    .argument = "id", .versioned = true,
	    .summary = "Delete a tenant with its channels, toggles and "
		       "tokens; what waits for it is cancelled",
	    .answer = &bf_api_deleted },
	{ "POST", "/v1/seal", BF_SCOPE_ADMIN, .body = JSON, .verb = "seal",
	    .summary = "Seal a secret for the conf file",
	    .request = &bf_api_seal_input, .answer = &bf_api_sealed },
	{ "POST", "/v1/rotate", BF_SCOPE_ADMIN, .body = JSON, .verb = "rotate",
	    .summary = "Seal everything with a new key",
	    .request = &bf_api_rotate_input, .answer = &bf_api_rotated },
	{ "GET", "/v1/stats", BF_SCOPE_METRICS, .verb = "stats",
	    .summary = "What the daemon is doing", .answer = &bf_api_stats },
	{ "POST", "/v1/backup", BF_SCOPE_ADMIN, .body = JSON, .verb = "backup",
	    .summary = "Copy the store to a file",
	    .request = &bf_api_backup_input, .answer = &bf_api_backup },
	{ "POST", "/v1/check", BF_SCOPE_ADMIN, .body = JSON, .verb = "check",
	    .summary = "Check the daemon and its store",
	    .request = &bf_api_nothing_input, .answer = &bf_api_check },
	{ "POST", "/v1/session", .open = true, .body = JSON,
	    .handle = bf_session_sign_in, .summary = "Sign in, for a cookie",
	    .request = &bf_api_session_input, .answer = &bf_api_session },
	{ "GET", "/v1/session", BF_SCOPE_READ, .handle = bf_session_show,
	    .summary = "Show who is signed in", .answer = &bf_api_session },
	{ "DELETE", "/v1/session", BF_SCOPE_READ, .handle = bf_session_sign_out,
	    .summary = "Sign out", .answer = &bf_api_nothing },
	{ "DELETE", "/v1/sessions", BF_SCOPE_READ,
	    .handle = bf_session_sign_out_everywhere,
	    .summary = "End all sessions of the user",
	    .answer = &bf_api_nothing },
	{ "GET", "/healthz", .open = true, .handle = answer_health,
	    .summary = "Whether the process answers",
	    .answer = &bf_api_status },
	{ "GET", "/readyz", .open = true, .verb = "ready",
	    .summary = "Whether events can be accepted",
	    .answer = &bf_api_status },
	{ "GET", "/v1/openapi.json", .open = true, .handle = bf_openapi_answer,
	    .answer = &bf_api_document,
	    .summary = "This API as an OpenAPI document" },
	{ "GET", "/metrics", BF_SCOPE_METRICS, .verb = "metrics",
	    .content_type = METRICS, .summary = "Metrics for Prometheus" },
};

#define ROUTES (sizeof(routes) / sizeof(*routes))

/* Whether the path has the pattern's form; *start and *length are what stands
 * in place of {}. */
static bool
matches(const char *pattern, const char *path, const char **start,
    size_t *length)
{
	*start = NULL;
	*length = 0;
	while (*pattern) {
		if (strncmp(pattern, "{}", 2) == 0) {
			*start = path;
			*length = strcspn(path, "/");
			if (*length == 0)
				return false;
			path += *length;
			pattern += 2;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

static void
allow(struct bf_buf *allowed, const char *method)
{
	/* A path may fit two routes: /v1/deliveries/stream. */
	if (strstr(bf_buf_text(allowed), method))
		return;
	bf_buf_add_format(allowed, "%s%s", allowed->size > 0 ? ", " : "",
	    method);
	if (strcmp(method, "GET") == 0)
		bf_buf_add_text(allowed, ", HEAD");
}

const struct route *
bf_route_next(const struct route *route)
{
	if (!route)
		return routes;
	return route + 1 < routes + ROUTES ? route + 1 : NULL;
}

const struct route *
bf_route_find(const char *method, const char *path, char **parameter,
    struct bf_buf *allowed)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
	const char *start;
	size_t length;

	*parameter = NULL;
	for (size_t i = 0; i < ROUTES; i++) {
		if (!matches(routes[i].path, path, &start, &length))
			continue;
		if (strcmp(wanted, routes[i].method) == 0) {
			if (start)
				*parameter = bf_strndup(start, length);
			return &routes[i];
		}
		allow(allowed, routes[i].method);
	}
	return NULL;
}
