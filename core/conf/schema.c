/*
 * schema.c - a directive table as a JSON Schema
 */
#include "core/conf/schema.h"

#include <stdbool.h>
#include <string.h>

#define DIALECT "https://json-schema.org/draft/2020-12/schema"
#define SECRET_REFERENCE "#/$defs/secret"
#define SAVED_REFERENCE "#/$defs/saved"

/* How a word of each type looks: a regular expression (ECMA-262), or NULL. */
static const char *const patterns[] = {
	[BF_TYPE_INTEGER] = "^-?[0-9]+$",
	[BF_TYPE_DURATION] =
	    "^([0-9]+|([0-9]+([wW]|[dD]|[hH]|[mM]|[sS]|[mM][sS]))+)$",
	[BF_TYPE_SIZE] = "^[0-9]+[gGmMkK]?$",
	[BF_TYPE_URL] = "^[hH][tT][tT][pP][sS]?://",
	[BF_TYPE_USER] = NULL, /* the last */
};

static cJSON *
typed(const char *type)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "type", type);
	return json;
}

static cJSON *
reference(const char *to)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "$ref", to);
	return json;
}

static void
add_range(cJSON *json, const struct bf_directive *directive)
{
	if (directive->min >= directive->max)
		return;
	cJSON_AddNumberToObject(json, "minimum", (double)directive->min);
	cJSON_AddNumberToObject(json, "maximum", (double)directive->max);
}

/* A word, or one of several, as a text. */
static cJSON *
word(const struct bf_directive *directive)
{
	cJSON *json = typed("string");
	cJSON *choices;

	if (patterns[directive->type])
		cJSON_AddStringToObject(json, "pattern",
		    patterns[directive->type]);
	if (directive->type == BF_TYPE_URL)
		cJSON_AddStringToObject(json, "format", "uri");
	if (directive->type == BF_TYPE_INSTANT)
		cJSON_AddStringToObject(json, "format", "date-time");
	if (!directive->choices)
		return json;
	choices = cJSON_AddArrayToObject(json, "enum");
	for (size_t i = 0; directive->choices[i]; i++)
		cJSON_AddItemToArray(choices,
		    cJSON_CreateString(directive->choices[i]));
	return json;
}

static void
add_words(cJSON *forms, const struct bf_directive *directive)
{
	cJSON *list = typed("array");
	cJSON *item = cJSON_AddObjectToObject(list, "items");
	cJSON *either = cJSON_AddArrayToObject(item, "anyOf");

	cJSON_AddItemToArray(either, word(directive));
	cJSON_AddItemToArray(either, typed("number"));
	cJSON_AddItemToArray(either, reference(SECRET_REFERENCE));
	cJSON_AddNumberToObject(list, "minItems", 1);
	cJSON_AddItemToArray(forms, list);
}

/* {"name": value, ...} or [["name", value], ...]. */
static void
add_pairs(cJSON *forms)
{
	cJSON *object = typed("object"), *list = typed("array");
	cJSON *pair = typed("array");

	cJSON_AddItemToObject(object, "additionalProperties",
	    reference("#/$defs/value"));
	cJSON_AddItemToArray(forms, object);
	cJSON_AddNumberToObject(pair, "minItems", 2);
	cJSON_AddNumberToObject(pair, "maxItems", 2);
	cJSON_AddItemToObject(pair, "items", reference("#/$defs/value"));
	cJSON_AddItemToObject(list, "items", pair);
	cJSON_AddItemToArray(forms, list);
}

/* All forms in which the directive's value may be given. */
static void
add_forms(cJSON *forms, const struct bf_directive *directive)
{
	static const char *const flags[] = { "on", "off" };
	const enum bf_directive_type type = directive->type;
	cJSON *number, *text;

	if (type == BF_TYPE_PAIRS) {
		add_pairs(forms);
		return;
	}
	if (type == BF_TYPE_FLAG) {
		cJSON_AddItemToArray(forms, typed("boolean"));
		text = cJSON_CreateObject();
		cJSON_AddItemToObject(text, "enum",
		    cJSON_CreateStringArray(flags, 2));
		cJSON_AddItemToArray(forms, text);
		return;
	}
	cJSON_AddItemToArray(forms, word(directive));
	if (type == BF_TYPE_INTEGER || type == BF_TYPE_SIZE) {
		number = typed("integer");
		add_range(number, directive);
		cJSON_AddItemToArray(forms, number);
	}
	if (type == BF_TYPE_TEXT)
		cJSON_AddItemToArray(forms, typed("number"));
	if (type == BF_TYPE_WORDS || type == BF_TYPE_PROGRAM)
		add_words(forms, directive);
	cJSON_AddItemToArray(forms, reference(SECRET_REFERENCE));
	if (type == BF_TYPE_SECRET)
		cJSON_AddItemToArray(forms, reference(SAVED_REFERENCE));
}

static bool
is_of_the_server(enum bf_directive_type type)
{
	return type == BF_TYPE_PATH || type == BF_TYPE_PROGRAM ||
	       type == BF_TYPE_USER;
}

static cJSON *
property(const struct bf_directive *directive)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *forms;

	if (directive->help)
		cJSON_AddStringToObject(json, "description", directive->help);
	if (directive->fallback)
		cJSON_AddStringToObject(json, "default", directive->fallback);
	if (directive->type == BF_TYPE_SECRET || directive->secret)
		cJSON_AddTrueToObject(json, "writeOnly");
	if (is_of_the_server(directive->type))
		cJSON_AddTrueToObject(json, "readOnly");
	forms = cJSON_AddArrayToObject(json, "anyOf");
	add_forms(forms, directive);
	if (!directive->required)
		cJSON_AddItemToArray(forms, typed("null"));
	return json;
}

/* An object with one member, a text. */
static cJSON *
object_of(const char *member)
{
	cJSON *json = typed("object"), *text = typed("string");
	cJSON *properties = cJSON_AddObjectToObject(json, "properties");

	cJSON_AddNumberToObject(text, "minLength", 1);
	cJSON_AddItemToObject(properties, member, text);
	cJSON_AddItemToObject(json, "required",
	    cJSON_CreateStringArray(&member, 1));
	cJSON_AddFalseToObject(json, "additionalProperties");
	cJSON_AddTrueToObject(json, "writeOnly");
	return json;
}

/* What directives refer to: {"secret": "text"} in place of any word,
 * {"saved": "name"} in place of a secret, and the value of a pair. */
static cJSON *
definitions(void)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *value, *text;
	static const char *const scalars[] = { "string", "number", "boolean",
		"null" };

	cJSON_AddItemToObject(json, "secret", object_of("secret"));
	cJSON_AddItemToObject(json, "saved", object_of("saved"));
	value = cJSON_AddArrayToObject(cJSON_AddObjectToObject(json, "value"),
	    "anyOf");
	text = cJSON_CreateObject();
	cJSON_AddItemToObject(text, "type",
	    cJSON_CreateStringArray(scalars, 4));
	cJSON_AddItemToArray(value, text);
	cJSON_AddItemToArray(value, reference(SECRET_REFERENCE));
	return json;
}

cJSON *
bf_settings_schema(const struct bf_directive *table, const char *title,
    const char *summary)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *properties, *required = cJSON_CreateArray();

	cJSON_AddStringToObject(json, "$schema", DIALECT);
	cJSON_AddStringToObject(json, "title", title);
	if (summary)
		cJSON_AddStringToObject(json, "description", summary);
	cJSON_AddStringToObject(json, "type", "object");
	properties = cJSON_AddObjectToObject(json, "properties");
	for (; table->type != BF_TYPE_NONE; table++) {
		cJSON_AddItemToObject(properties, table->name, property(table));
		if (table->required)
			cJSON_AddItemToArray(required,
			    cJSON_CreateString(table->name));
	}
	cJSON_AddItemToObject(json, "required", required);
	cJSON_AddFalseToObject(json, "additionalProperties");
	cJSON_AddItemToObject(json, "$defs", definitions());
	return json;
}
