/*
 * check.c - requests, held against the tables of the API
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/intake/intake_private.h"
#include "core/intake/uri.h"

/* Whether text could be a string of JSON. */
static bool
is_utf8(const char *text)
{
	struct bf_buf quoted = { 0 };
	struct bf_error err;
	cJSON *json;

	bf_buf_add_byte(&quoted, '"');
	for (; *text; text++) {
		const bool control = (unsigned char)*text < ' ';

		if (*text == '"' || *text == '\\')
			bf_buf_add_byte(&quoted, '\\');
		bf_buf_add_byte(&quoted, control ? ' ' : *text);
	}
	bf_buf_add_byte(&quoted, '"');
	json = bf_json_parse(quoted.data, quoted.size, &err);
	bf_buf_free(&quoted);
	cJSON_Delete(json);
	return json != NULL;
}

/* The same, without control characters. */
static bool
is_text(const char *text)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ')
			return false;
	}
	return is_utf8(text);
}

static void
refuse_parameter(struct connection *connection, const char *name, size_t length,
    const char *detail)
{
	char *shown = bf_strndup(name, length < 64 ? length : 64);
	char field[70];

	if (!is_text(shown))
		*shown = '\0';
	snprintf(field, sizeof(field), "/%s", shown);
	bf_reply_problem(connection, 422, "invalid", field, NULL, "%s: %s",
	    shown, detail);
	free(shown);
}

static void
refuse_unknown(struct connection *connection, const char *name, size_t length)
{
	const char *names = connection->route->query;
	struct bf_buf detail = { 0 };

	bf_buf_add_text(&detail, "unknown parameter; expected ");
	if (names)
		bf_api_add_names(&detail, names);
	else
		bf_buf_add_text(&detail, "none");
	refuse_parameter(connection, name, length, detail.data);
	bf_buf_free(&detail);
}

/* Whether a parameter of that name stands in the query before at. */
static bool
is_repeated(const char *query, const char *at, size_t length)
{
	while (query < at) {
		if (strncmp(query, at, length) == 0 && query[length] == '=')
			return true;
		query += strcspn(query, "&") + 1;
	}
	return false;
}

/* One "name=value" of the query. */
static bool
check_parameter(struct connection *connection, const char *at, size_t size)
{
	const char *equals = memchr(at, '=', size);
	const size_t length = equals ? (size_t)(equals - at) : size;
	const char *query = bf_http_request(connection->http)->query;
	const struct api_member *parameter = bf_api_parameter_find(at, length);
	struct bf_buf detail = { 0 };
	char *name, *value;
	bool fits;

	if (!equals || !parameter ||
	    !bf_api_is_among(connection->route->query, at, length)) {
		refuse_unknown(connection, at, length);
		return false;
	}
	if (is_repeated(query, at, length)) {
		refuse_parameter(connection, at, length, "expected it once");
		return false;
	}
	name = bf_strndup(at, length);
	value = bf_uri_parameter(query, name);
	fits = is_text(value) && bf_api_text_fits(parameter, value, &detail);
	if (!fits)
		refuse_parameter(connection, at, length,
		    detail.size > 0 ? detail.data : "expected UTF-8");
	bf_buf_free(&detail);
	free(value);
	free(name);
	return fits;
}

bool
bf_check_query(struct connection *connection)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);
	const char *at = request->query;

	/* Nothing has such a name, and no answer could tell it. */
	if (connection->parameter && !is_utf8(connection->parameter)) {
		bf_reply_problem(connection, 404, "not-found", NULL, NULL,
		    "there is nothing at this path");
		return false;
	}
	if (request->body.size > 0 && !connection->route->body) {
		bf_reply_problem(connection, 415, "content-type", NULL, NULL,
		    "expected no body");
		return false;
	}
	while (at && *at) {
		const size_t size = strcspn(at, "&");

		if (size > 0 && !check_parameter(connection, at, size))
			return false;
		at += size + (at[size] == '&');
	}
	return true;
}

bool
bf_check_body(struct connection *connection, const cJSON *body)
{
	const struct api_schema *schema = connection->route->request;
	struct bf_buf field = { 0 }, detail = { 0 };
	const bool fits =
	    !schema || bf_api_schema_fits(schema, body, &field, &detail);

	if (!fits)
		bf_reply_problem(connection, 422, "invalid", field.data, NULL,
		    "%s", detail.data);
	bf_buf_free(&field);
	bf_buf_free(&detail);
	return fits;
}
