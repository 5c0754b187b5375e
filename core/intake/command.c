/*
 * command.c - requests that the scheduler answers
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/intake/entity_tag.h"
#include "core/intake/intake_private.h"
#include "core/intake/uri.h"

struct pending_command {
	uint64_t token;
	struct connection *connection; /* NULL: it went away */
	const char *content_type;
	bool versioned;
	bf_command_done *done; /* NULL: the answer is passed on */
	void *context;
	UT_hash_handle hh;
};

static void
send_command(struct connection *connection, const char *verb, cJSON *arguments,
    bf_command_done *done, void *context)
{
	const struct route *route = connection->route;
	struct intake *intake = connection->intake;
	struct pending_command *pending = bf_new(struct pending_command);
	char *text = cJSON_PrintUnformatted(arguments);

	pending->token = ++intake->next_token;
	pending->connection = connection;
	pending->content_type = done ? NULL : route->content_type;
	pending->versioned = !done && route->versioned;
	pending->done = done;
	pending->context = context;
	HASH_ADD(hh, intake->commands, token, sizeof(pending->token), pending);
	bf_link_send(intake->link,
	    &(struct bf_message){ .kind = BF_MSG_COMMAND,
		.command = { .token = pending->token,
		    .verb = (char *)verb,
		    .tenant = connection->caller.any_tenant
				  ? NULL
				  : connection->caller.tenant,
		    .arguments = text,
		    .actor = connection->caller.actor,
		    .address = connection->address } });
	cJSON_free(text);
	cJSON_Delete(arguments);
}

/* Adds the parameters of the query that the body does not say. */
static void
add_parameters(const struct connection *connection, cJSON *arguments)
{
	const char *query = bf_http_request(connection->http)->query;
	const char *names = connection->route->query;

	while (names && *names) {
		const size_t size = strcspn(names, " ");
		char *name = bf_strndup(names, size);
		char *value = bf_uri_parameter(query, name);

		if (value && !cJSON_GetObjectItemCaseSensitive(arguments, name))
			cJSON_AddStringToObject(arguments, name, value);
		free(value);
		free(name);
		names += size + (names[size] == ' ');
	}
}

cJSON *
bf_command_arguments(struct connection *connection)
{
	struct bf_http_request *request = bf_http_request(connection->http);
	struct bf_error err;
	cJSON *arguments;

	if (request->body.size > 0) {
		arguments =
		    bf_json_parse(request->body.data, request->body.size, &err);
		if (!arguments || !cJSON_IsObject(arguments)) {
			bf_reply_problem(connection, 400, "bad-json", NULL,
			    NULL, "%s",
			    arguments ? "expected a JSON object" : err.text);
			cJSON_Delete(arguments);
			return NULL;
		}
	} else {
		arguments = cJSON_CreateObject();
	}
	if (!bf_check_body(connection, arguments)) {
		cJSON_Delete(arguments);
		return NULL;
	}
	add_parameters(connection, arguments);
	/* Not to be set by the body. */
	cJSON_DeleteItemFromObjectCaseSensitive(arguments, "if_match");
	if (connection->route->versioned && request->if_match)
		cJSON_AddStringToObject(arguments, "if_match",
		    request->if_match);
	if (connection->route->argument) {
		cJSON_DeleteItemFromObjectCaseSensitive(arguments,
		    connection->route->argument);
		cJSON_AddStringToObject(arguments, connection->route->argument,
		    connection->parameter);
	}
	/* What is of one tenant, is of the caller's unless it names another. */
	if (connection->route->of_tenant &&
	    !cJSON_GetObjectItemCaseSensitive(arguments, "tenant_id"))
		cJSON_AddStringToObject(arguments, "tenant_id",
		    connection->caller.tenant);
	return arguments;
}

static void
no_scheduler(struct connection *connection)
{
	bf_reply_problem(connection, 503, "not-ready", NULL,
	    "Retry-After: 1\r\n", "the scheduler is not there now");
}

void
bf_command_request(struct connection *connection)
{
	const struct route *route = connection->route;
	cJSON *arguments;

	if (!bf_intake_ready(connection->intake)) {
		no_scheduler(connection);
		return;
	}
	arguments = bf_command_arguments(connection);
	if (arguments)
		send_command(connection, route->verb, arguments, NULL, NULL);
}

void
bf_command_ask(struct connection *connection, const char *verb,
    cJSON *arguments, bf_command_done *done, void *context)
{
	if (bf_intake_ready(connection->intake)) {
		send_command(connection, verb, arguments, done, context);
		return;
	}
	cJSON_Delete(arguments);
	done(context, connection, 503, NULL);
}

/* The headers that an answer has besides the usual ones; NULL: none. */
static char *
make_headers(const struct pending_command *pending, int status,
    const char *body)
{
	char tag[BF_ENTITY_TAG];
	cJSON *json;

	if (status == 503)
		return bf_strdup("Retry-After: 1\r\n");
	if (!pending->versioned || status >= 300)
		return NULL;
	json = cJSON_Parse(body);
	bf_entity_tag(json, tag);
	cJSON_Delete(json);
	return *tag ? bf_strf("ETag: %s\r\n", tag) : NULL;
}

/* Passes an answer on, or to whoever asked from within. */
static void
finish(struct intake *intake, struct pending_command *pending, int status,
    const char *body)
{
	struct connection *connection = pending->connection;
	const char *type = status >= 400           ? "application/problem+json"
			   : pending->content_type ? pending->content_type
						   : "application/json";
	bf_command_done *done = pending->done;
	void *context = pending->context;
	char *headers = make_headers(pending, status, body);

	HASH_DEL(intake->commands, pending);
	free(pending);
	if (done) {
		cJSON *json = cJSON_Parse(body);

		done(context, connection, status, json);
		cJSON_Delete(json);
	} else if (connection) {
		bf_reply(connection, status, type, headers, body, strlen(body));
	}
	free(headers);
}

void
bf_command_replied(struct intake *intake, struct bf_msg_reply *reply)
{
	struct pending_command *pending;

	HASH_FIND(hh, intake->commands, &reply->token, sizeof(reply->token),
	    pending);
	if (pending)
		finish(intake, pending, (int)reply->status, reply->body);
	bf_intake_leave_if_done(intake);
}

void
bf_command_fail(struct intake *intake)
{
	struct pending_command *pending, *next;
	cJSON *problem = bf_problem(503, "not-ready", NULL,
	    "the scheduler went away before it answered");
	char *text = cJSON_PrintUnformatted(problem);

	HASH_ITER(hh, intake->commands, pending, next)
	finish(intake, pending, 503, text);
	cJSON_free(text);
	cJSON_Delete(problem);
}

void
bf_command_forget(struct connection *connection)
{
	struct pending_command *pending, *next;

	HASH_ITER(hh, connection->intake->commands, pending, next)
	{
		if (pending->connection == connection)
			pending->connection = NULL;
	}
}

bool
bf_command_idle(const struct intake *intake)
{
	return HASH_COUNT(intake->commands) == 0;
}
