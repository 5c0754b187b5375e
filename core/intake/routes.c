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
	    .summary = "Post an event, or a batch of events" },
	{ "GET", "/v1/events", BF_SCOPE_READ, .handle = bf_read_events,
	    .summary = "List events, newest first" },
	{ "GET", "/v1/events/{}", BF_SCOPE_READ, .handle = bf_read_event,
	    .summary = "Show an event with its deliveries" },
	{ "GET", "/v1/event-types", BF_SCOPE_READ, .verb = "event-types",
	    .summary = "List event types with their toggles" },
	{ "GET", "/v1/event-types/{}", BF_SCOPE_READ, .verb = "event-type",
	    .of_tenant = true, .argument = "name",
	    .summary = "Show an event type" },
	{ "PUT", "/v1/event-types/{}/toggle", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "toggle-set", .of_tenant = true, .argument = "name",
	    .summary = "Set the toggle of an event type" },
	{ "DELETE", "/v1/event-types/{}/toggle", BF_SCOPE_MANAGE,
	    .verb = "toggle-reset", .of_tenant = true, .argument = "name",
	    .summary = "Give an event type its default toggle" },
	{ "GET", "/v1/channels", BF_SCOPE_READ, .verb = "channels",
	    .summary = "List channels" },
	{ "POST", "/v1/channels", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-create", .of_tenant = true, .versioned = true,
	    .summary = "Make a channel" },
	{ "GET", "/v1/channels/{}", BF_SCOPE_READ, .verb = "channel",
	    .of_tenant = true, .argument = "name", .versioned = true,
	    .summary = "Show a channel" },
	{ "PUT", "/v1/channels/{}", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-put", .of_tenant = true, .argument = "name",
	    .versioned = true,
	    .summary = "Make a channel, or replace its settings" },
	{ "PATCH", "/v1/channels/{}", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-patch", .of_tenant = true, .argument = "name",
	    .versioned = true, .summary = "Change some settings of a channel" },
	{ "DELETE", "/v1/channels/{}", BF_SCOPE_MANAGE,
	    .verb = "channel-delete", .of_tenant = true, .argument = "name",
	    .versioned = true,
	    .summary = "Delete a channel; what waits for it is cancelled" },
	{ "POST", "/v1/channels/test", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "draft-test", .of_tenant = true,
	    .summary = "Send one real notification by settings that are not "
		       "saved" },
	{ "POST", "/v1/channels/{}/test", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-test", .of_tenant = true, .argument = "name",
	    .summary = "Send one real notification through a channel" },
	{ "POST", "/v1/channels/{}/enable", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-enable", .of_tenant = true, .argument = "name",
	    .summary = "Switch a channel on" },
	{ "POST", "/v1/channels/{}/disable", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-disable", .of_tenant = true, .argument = "name",
	    .summary = "Switch a channel off; what waits for it is kept" },
	{ "POST", "/v1/channels/{}/start", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "channel-start", .of_tenant = true, .argument = "name",
	    .summary = "Start a channel that was stopped" },
	{ "GET", "/v1/deliveries", BF_SCOPE_READ, .handle = bf_read_deliveries,
	    .summary = "List deliveries, newest first" },
	{ "GET", "/v1/deliveries/stream", BF_SCOPE_READ,
	    .handle = bf_stream_start,
	    .summary = "Deliveries as they happen (server-sent events)" },
	{ "POST", "/v1/deliveries/replay", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "replay", .summary = "Deliver again what failed" },
	{ "POST", "/v1/deliveries/cancel", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "cancel", .summary = "Cancel what has not been sent" },
	{ "GET", "/v1/deliveries/{}", BF_SCOPE_READ, .handle = bf_read_delivery,
	    .summary = "Show a delivery with its attempts" },
	{ "POST", "/v1/deliveries/{}/replay", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "replay", .argument = "id",
	    .summary = "Deliver one again" },
	{ "POST", "/v1/deliveries/{}/cancel", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "cancel", .argument = "id", .summary = "Cancel one" },
	{ "GET", "/v1/rates", BF_SCOPE_READ, .verb = "rates",
	    .summary = "Count deliveries by minute, over the last hour" },
	{ "GET", "/v1/modules", BF_SCOPE_READ, .verb = "modules",
	    .summary = "List the modules that are loaded" },
	{ "GET", "/v1/modules/{}", BF_SCOPE_READ, .verb = "module",
	    .argument = "name",
	    .summary = "Show a module, with the JSON Schema of its settings" },
	{ "PUT", "/v1/modules/{}/toggle", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "module-toggle-set", .of_tenant = true, .argument = "name",
	    .summary = "Switch the channels of a module, all at once" },
	{ "DELETE", "/v1/modules/{}/toggle", BF_SCOPE_MANAGE,
	    .verb = "module-toggle-reset", .of_tenant = true,
	    .argument = "name", .summary = "Take the switch of a module back" },
	{ "POST", "/v1/explain", BF_SCOPE_READ, .body = JSON, .verb = "explain",
	    .of_tenant = true,
	    .summary = "Say which channels would get an event, and why" },
	{ "GET", "/v1/tokens", BF_SCOPE_MANAGE, .verb = "tokens",
	    .summary = "List tokens" },
	{ "POST", "/v1/tokens", BF_SCOPE_MANAGE, .body = JSON,
	    .verb = "token-create", .of_tenant = true,
	    .summary = "Make a token" },
	{ "DELETE", "/v1/tokens/{}", BF_SCOPE_MANAGE, .verb = "token-revoke",
	    .argument = "name", .summary = "Revoke a token" },
	{ "POST", "/v1/seal", BF_SCOPE_ADMIN, .body = JSON, .verb = "seal",
	    .summary = "Seal a secret for the conf file" },
	{ "POST", "/v1/rotate", BF_SCOPE_ADMIN, .body = JSON, .verb = "rotate",
	    .summary = "Seal everything with a new key" },
	{ "GET", "/v1/stats", BF_SCOPE_READ, .verb = "stats", .of_daemon = true,
	    .summary = "What the daemon is doing" },
	{ "POST", "/v1/backup", BF_SCOPE_ADMIN, .body = JSON, .verb = "backup",
	    .summary = "Copy the store to a file" },
	{ "POST", "/v1/check", BF_SCOPE_ADMIN, .body = JSON, .verb = "check",
	    .summary = "Check the daemon and its store" },
	{ "GET", "/healthz", .open = true, .handle = answer_health,
	    .summary = "Whether the process answers" },
	{ "GET", "/readyz", .open = true, .verb = "ready",
	    .summary = "Whether events can be accepted" },
	{ "GET", "/metrics", BF_SCOPE_READ, .verb = "metrics",
	    .of_daemon = true, .content_type = METRICS,
	    .summary = "Metrics for Prometheus" },
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
	bf_buf_add_format(allowed, "%s%s", allowed->size > 0 ? ", " : "",
	    method);
	if (strcmp(method, "GET") == 0)
		bf_buf_add_text(allowed, ", HEAD");
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
