/*
 * openapi.c - the API as an OpenAPI document
 *
 * Made of the tables that requests are routed and checked by, so that it says
 * what the daemon does. Source: OpenAPI Specification 3.1.0; its schemas are
 * JSON Schema, draft 2020-12.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/base/api.h"
#include "core/intake/intake_private.h"

#define PROBLEM_TYPE "application/problem+json"

/* ---- schemas ---- */

static cJSON *
reference(const char *kind, const char *name)
{
	cJSON *json = cJSON_CreateObject();
	char *to = bf_strf("#/components/%s/%s", kind, name);

	cJSON_AddStringToObject(json, "$ref", to);
	free(to);
	return json;
}

static void
add_choices(cJSON *json, const char *choices)
{
	cJSON *list = cJSON_AddArrayToObject(json, "enum");

	while (*choices) {
		const size_t size = strcspn(choices, " ");
		char *choice = bf_strndup(choices, size);

		cJSON_AddItemToArray(list, cJSON_CreateString(choice));
		free(choice);
		choices += size + (choices[size] == ' ');
	}
}

static void
add_bounds(cJSON *json, const struct api_member *member, const char *least,
    const char *most)
{
	if (member->min != 0)
		cJSON_AddNumberToObject(json, least, (double)member->min);
	if (member->max != 0)
		cJSON_AddNumberToObject(json, most, (double)member->max);
}

static void
add_type(cJSON *json, const char *type, bool nullable)
{
	cJSON *types;

	if (!nullable) {
		cJSON_AddStringToObject(json, "type", type);
		return;
	}
	types = cJSON_AddArrayToObject(json, "type");
	cJSON_AddItemToArray(types, cJSON_CreateString(type));
	cJSON_AddItemToArray(types, cJSON_CreateString("null"));
}

static void collect(cJSON *schemas, const struct api_schema *schema);

static void
add_items(cJSON *json, const struct api_member *member, cJSON *schemas)
{
	cJSON *text;

	if (member->of) {
		collect(schemas, member->of);
		cJSON_AddItemToObject(json, "items",
		    reference("schemas", member->of->name));
		return;
	}
	text = cJSON_AddObjectToObject(json, "items");
	cJSON_AddStringToObject(text, "type", "string");
}

/* The schema of one member, or of a parameter. */
static cJSON *
describe_member(const struct api_member *member, bool nullable, cJSON *schemas)
{
	static const char *const types[] = {
		[API_TEXT] = "string",
		[API_FLAG] = "boolean",
		[API_INTEGER] = "integer",
		[API_NUMBER] = "number",
		[API_TIME] = "string",
		[API_LIST] = "array",
		[API_MAP] = "object",
	};
	cJSON *json;

	if (member->type == API_OBJECT) {
		collect(schemas, member->of);
		json = reference("schemas", member->of->name);
	} else {
		json = cJSON_CreateObject();
	}
	if (member->help)
		cJSON_AddStringToObject(json, "description", member->help);
	if (member->type == API_OBJECT || member->type == API_VALUE)
		return json;
	add_type(json, types[member->type], nullable || member->nullable);
	if (member->choices)
		add_choices(json, member->choices);
	if (member->type == API_TEXT)
		add_bounds(json, member, "minLength", "maxLength");
	if (member->type == API_INTEGER)
		add_bounds(json, member, "minimum", "maximum");
	if (member->type == API_TIME)
		cJSON_AddStringToObject(json, "format", "date-time");
	if (member->type == API_LIST)
		add_items(json, member, schemas);
	return json;
}

static void
add_example(cJSON *json, const struct api_schema *schema)
{
	const struct api_member *member = schema->members;
	cJSON *example = cJSON_CreateObject();

	for (; member->name; member++) {
		if (member->example)
			cJSON_AddItemToObject(example, member->name,
			    cJSON_Parse(member->example));
	}
	if (example->child)
		cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "examples"),
		    example);
	else
		cJSON_Delete(example);
}

/* Whether other members than those of the table are refused. */
static bool
is_closed(const struct api_schema *schema)
{
	return !schema->unchecked || schema == &bf_api_event_input;
}

/* Adds a schema to the components, and those that it refers to. */
static void
collect(cJSON *schemas, const struct api_schema *schema)
{
	const struct api_member *member = schema->members;
	cJSON *json, *properties, *required;

	if (cJSON_GetObjectItemCaseSensitive(schemas, schema->name))
		return;
	json = cJSON_AddObjectToObject(schemas, schema->name);
	cJSON_AddStringToObject(json, "description", schema->help);
	cJSON_AddStringToObject(json, "type", "object");
	properties = cJSON_AddObjectToObject(json, "properties");
	required = cJSON_CreateArray();
	for (; member->name; member++) {
		cJSON_AddItemToObject(properties, member->name,
		    describe_member(member, schema->partial, schemas));
		if (member->required && !schema->partial)
			cJSON_AddItemToArray(required,
			    cJSON_CreateString(member->name));
	}
	if (schema->more)
		schema->more(properties);
	if (required->child)
		cJSON_AddItemToObject(json, "required", required);
	else
		cJSON_Delete(required);
	if (is_closed(schema))
		cJSON_AddFalseToObject(json, "additionalProperties");
	add_example(json, schema);
}

/* ---- operations ---- */

static void
add_parameter(cJSON *list, const char *in, const struct api_member *member,
    cJSON *schemas)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "name", member->name);
	cJSON_AddStringToObject(json, "in", in);
	if (strcmp(in, "path") == 0)
		cJSON_AddTrueToObject(json, "required");
	cJSON_AddStringToObject(json, "description", member->help);
	cJSON_AddItemToObject(json, "schema",
	    describe_member(&(struct api_member){ .name = member->name,
				.type = member->type,
				.min = member->min,
				.max = member->max,
				.choices = member->choices },
		false, schemas));
	cJSON_AddItemToArray(list, json);
}

static void
add_header(cJSON *list, const char *name, const char *help, long max)
{
	add_parameter(list, "header",
	    &(struct api_member){ name, API_TEXT, .min = 1, .max = max,
		.help = help },
	    NULL);
}

static void
add_parameters(cJSON *operation, const struct route *route, cJSON *schemas)
{
	cJSON *list = cJSON_CreateArray();
	const char *names = route->query;

	if (route->argument)
		add_parameter(list, "path",
		    &(struct api_member){ route->argument, API_TEXT, .min = 1,
			.help = "Which one" },
		    schemas);
	while (names && *names) {
		const size_t size = strcspn(names, " ");
		const struct api_member *parameter =
		    bf_api_parameter_find(names, size);

		if (parameter)
			add_parameter(list, "query", parameter, schemas);
		names += size + (names[size] == ' ');
	}
	if (route->versioned && strcmp(route->method, "GET") != 0)
		add_header(list, "If-Match",
		    "The change is made only if this is the ETag", 0);
	if (route->handle == bf_post_events)
		add_header(list, "Idempotency-Key",
		    "A repeat of the same bytes gets the first answer", 255);
	if (list->child)
		cJSON_AddItemToObject(operation, "parameters", list);
	else
		cJSON_Delete(list);
}

static cJSON *
add_content(cJSON *json, const char *type, const struct api_schema *schema,
    cJSON *schemas)
{
	cJSON *content = cJSON_GetObjectItemCaseSensitive(json, "content");
	cJSON *media;

	if (!content)
		content = cJSON_AddObjectToObject(json, "content");
	media = cJSON_AddObjectToObject(content, type);
	if (schema) {
		collect(schemas, schema);
		cJSON_AddItemToObject(media, "schema",
		    reference("schemas", schema->name));
	} else {
		cJSON_AddStringToObject(cJSON_AddObjectToObject(media,
					    "schema"),
		    "type", "string");
	}
	return media;
}

static bool
needs_body(const struct api_schema *schema)
{
	const struct api_member *member = schema->members;

	while (member->name && (!member->required || schema->partial))
		member++;
	return member->name != NULL;
}

static void
add_request(cJSON *operation, const struct route *route, cJSON *schemas)
{
	cJSON *json;

	if (!route->request)
		return;
	json = cJSON_AddObjectToObject(operation, "requestBody");
	if (needs_body(route->request))
		cJSON_AddTrueToObject(json, "required");
	add_content(json, "application/json", route->request, schemas);
	if (route->handle == bf_post_events)
		add_content(json, "application/x-ndjson", NULL, schemas);
}

static cJSON *
add_response(cJSON *responses, int status, const char *help)
{
	char name[8];
	cJSON *json;

	snprintf(name, sizeof(name), "%d", status);
	json = cJSON_AddObjectToObject(responses, name);
	cJSON_AddStringToObject(json, "description", help);
	return json;
}

static void
add_problem(cJSON *responses, int status)
{
	char name[8];

	snprintf(name, sizeof(name), "%d", status);
	cJSON_AddItemToObject(responses, name,
	    reference("responses", "Problem"));
}

static void
add_success(cJSON *responses, const struct route *route, int status,
    cJSON *schemas)
{
	cJSON *json = add_response(responses, status,
	    route->answer ? route->answer->help : route->summary);
	cJSON *header;

	add_content(json,
	    route->content_type ? route->content_type : "application/json",
	    route->content_type ? NULL : route->answer, schemas);
	if (!route->versioned || route->answer == &bf_api_deleted)
		return;
	header =
	    cJSON_AddObjectToObject(cJSON_AddObjectToObject(json, "headers"),
		"ETag");
	cJSON_AddStringToObject(header, "description",
	    "Of what was shown, for If-Match");
	cJSON_AddStringToObject(cJSON_AddObjectToObject(header, "schema"),
	    "type", "string");
}

static void
add_responses(cJSON *operation, const struct route *route, cJSON *schemas)
{
	cJSON *responses = cJSON_AddObjectToObject(operation, "responses");
	cJSON *batch;

	add_success(responses, route, route->status ? route->status : 200,
	    schemas);
	if (route->request == &bf_api_channel_put)
		add_success(responses, route, 201, schemas);
	if (route->handle == bf_post_events) {
		batch = add_response(responses, 200,
		    "The answer to each line of a batch, in order");
		add_content(batch, "application/x-ndjson", NULL, schemas);
	}
	if (!route->open) {
		add_problem(responses, 401);
		add_problem(responses, 403);
	}
	if (route->request)
		add_problem(responses, 400);
	if (route->argument)
		add_problem(responses, 404);
	if (strcmp(route->method, "GET") != 0)
		add_problem(responses, 409);
	if (route->versioned && strcmp(route->method, "GET") != 0)
		add_problem(responses, 412);
	if (route->request) {
		add_problem(responses, 413);
		add_problem(responses, 415);
	}
	add_problem(responses, 422);
	if (!route->open) {
		add_problem(responses, 429);
		add_problem(responses, 503);
	}
	cJSON_AddItemToObject(responses, "default",
	    reference("responses", "Problem"));
}

/* "get-event-types-name": of a method and a path. */
static void
add_id(cJSON *operation, const struct route *route)
{
	const char *path = route->path;
	struct bf_buf id = { 0 };

	for (const char *c = route->method; *c; c++)
		bf_buf_add_byte(&id, (char)(*c | 0x20));
	path += strncmp(path, "/v1", 3) == 0 ? 3 : 0;
	while (*path) {
		if (strncmp(path, "{}", 2) == 0) {
			bf_buf_add_text(&id, route->argument);
			path += 2;
		} else {
			bf_buf_add_byte(&id,
			    *path == '/' || *path == '.' ? '-' : *path);
			path++;
		}
	}
	cJSON_AddStringToObject(operation, "operationId", id.data);
	bf_buf_free(&id);
}

/* The group is the first part of the path: "channels". */
static void
add_tag(cJSON *operation, const struct route *route, cJSON *tags)
{
	const char *path = route->path;
	cJSON *tag, *known;
	char *name;

	path += strncmp(path, "/v1/", 4) == 0 ? 4 : 1;
	name = bf_strndup(path, strcspn(path, "/."));
	cJSON_AddItemToArray(cJSON_AddArrayToObject(operation, "tags"),
	    cJSON_CreateString(name));
	cJSON_ArrayForEach(known, tags)
	{
		if (strcmp(known->child->valuestring, name) == 0)
			break;
	}
	if (!known) {
		tag = cJSON_CreateObject();
		cJSON_AddStringToObject(tag, "name", name);
		cJSON_AddItemToArray(tags, tag);
	}
	free(name);
}

static void
add_security(cJSON *operation, const struct route *route)
{
	char *help;

	if (route->open) {
		cJSON_AddArrayToObject(operation, "security");
		return;
	}
	help = bf_strf("For scope %s%s.", bf_scope_names[route->scope],
	    route->scope == BF_SCOPE_ADMIN ? ""
	    : route->scope == BF_SCOPE_INGEST || route->scope == BF_SCOPE_READ
		? ", manage or admin"
		: " or admin");
	cJSON_AddStringToObject(operation, "description", help);
	cJSON_AddStringToObject(operation, "x-belfry-scope",
	    bf_scope_names[route->scope]);
	free(help);
}

/* "/v1/channels/{name}" for "/v1/channels/{}"; new memory. */
static char *
full_path(const struct route *route)
{
	const char *hole = strstr(route->path, "{}");

	if (!hole)
		return bf_strdup(route->path);
	return bf_strf("%.*s{%s}%s", (int)(hole - route->path), route->path,
	    route->argument, hole + 2);
}

static void
add_operation(cJSON *paths, const struct route *route, cJSON *schemas,
    cJSON *tags)
{
	char *path = full_path(route);
	cJSON *item = cJSON_GetObjectItemCaseSensitive(paths, path);
	cJSON *operation = cJSON_CreateObject();
	char method[8] = "";

	if (!item)
		item = cJSON_AddObjectToObject(paths, path);
	for (size_t i = 0; route->method[i] && i + 1 < sizeof(method); i++)
		method[i] = (char)(route->method[i] | 0x20);
	cJSON_AddItemToObject(item, method, operation);
	add_id(operation, route);
	add_tag(operation, route, tags);
	cJSON_AddStringToObject(operation, "summary", route->summary);
	add_security(operation, route);
	add_parameters(operation, route, schemas);
	add_request(operation, route, schemas);
	add_responses(operation, route, schemas);
	free(path);
}

/* ---- the document ---- */

static void
add_info(cJSON *document)
{
	cJSON *info = cJSON_AddObjectToObject(document, "info");
	cJSON *license, *server;

	cJSON_AddStringToObject(info, "title", "belfry");
	cJSON_AddStringToObject(info, "version", BF_VERSION);
	cJSON_AddStringToObject(info, "summary",
	    "The API of a notification daemon");
	cJSON_AddStringToObject(info, "description",
	    "Read by a program, it is the same as the manual's api.md. Unknown "
	    "members and parameters are refused.");
	license = cJSON_AddObjectToObject(info, "license");
	cJSON_AddStringToObject(license, "name", "BSD 2-Clause");
	cJSON_AddStringToObject(license, "identifier", "BSD-2-Clause");
	server = cJSON_CreateObject();
	cJSON_AddStringToObject(server, "url", "/");
	cJSON_AddStringToObject(server, "description",
	    "The daemon that served this");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "servers"),
	    server);
}

/* How browsers come. */
static void
add_cookie(cJSON *scheme)
{
	cJSON_AddStringToObject(scheme, "type", "apiKey");
	cJSON_AddStringToObject(scheme, "in", "cookie");
	cJSON_AddStringToObject(scheme, "name", "belfry_session");
	cJSON_AddStringToObject(scheme, "description",
	    "Of POST /v1/session; changes need its csrf_token too, as "
	    "X-CSRF-Token. Over TLS its name is __Host-belfry_session");
}

static void
add_shared(cJSON *components, cJSON *schemas)
{
	cJSON *problem =
	    cJSON_AddObjectToObject(cJSON_AddObjectToObject(components,
					"responses"),
		"Problem");
	cJSON *schemes = cJSON_AddObjectToObject(components, "securitySchemes");
	cJSON *bearer = cJSON_AddObjectToObject(schemes, "bearer");

	cJSON_AddStringToObject(problem, "description",
	    "It can't be done; nothing is left behind");
	add_content(problem, PROBLEM_TYPE, &bf_api_problem, schemas);
	cJSON_AddStringToObject(bearer, "type", "http");
	cJSON_AddStringToObject(bearer, "scheme", "bearer");
	cJSON_AddStringToObject(bearer, "description",
	    "A token of the conf file, or of POST /v1/tokens");
	add_cookie(cJSON_AddObjectToObject(schemes, "cookie"));
}

/* One way to show who asks. */
static void
add_need(cJSON *needs, const char *scheme)
{
	cJSON *need = cJSON_CreateObject();

	cJSON_AddArrayToObject(need, scheme);
	cJSON_AddItemToArray(needs, need);
}

static char *
make_document(void)
{
	cJSON *document = cJSON_CreateObject();
	cJSON *schemas = cJSON_CreateObject();
	cJSON *tags = cJSON_CreateArray();
	const struct route *route = NULL;
	cJSON *components, *paths, *needs;
	char *printed, *text;

	cJSON_AddStringToObject(document, "openapi", "3.1.0");
	add_info(document);
	needs = cJSON_AddArrayToObject(document, "security");
	add_need(needs, "bearer");
	add_need(needs, "cookie");
	paths = cJSON_AddObjectToObject(document, "paths");
	while ((route = bf_route_next(route)))
		add_operation(paths, route, schemas, tags);
	cJSON_AddItemToObject(document, "tags", tags);
	components = cJSON_AddObjectToObject(document, "components");
	add_shared(components, schemas);
	cJSON_AddItemToObject(components, "schemas", schemas);
	printed = cJSON_PrintUnformatted(document);
	text = bf_strdup(printed);
	cJSON_free(printed);
	cJSON_Delete(document);
	return text;
}

void
bf_openapi_answer(struct connection *connection)
{
	struct intake *intake = connection->intake;

	if (!intake->document)
		intake->document = make_document();
	bf_reply_text(connection, 200, "application/json", intake->document);
}
