/*
 * describe.c - a directive table as JSON
 */
#include "core/module/describe.h"

#include <cjson/cJSON.h>

#include <belfry/memory.h>

static const char *const types[] = { [BF_TYPE_FLAG] = "flag",
	[BF_TYPE_INTEGER] = "integer",
	[BF_TYPE_TEXT] = "text",
	[BF_TYPE_DURATION] = "duration",
	[BF_TYPE_INSTANT] = "instant",
	[BF_TYPE_SIZE] = "size",
	[BF_TYPE_CHOICE] = "choice",
	[BF_TYPE_URL] = "url",
	[BF_TYPE_SECRET] = "secret",
	[BF_TYPE_WORDS] = "words",
	[BF_TYPE_PAIRS] = "pairs",
	[BF_TYPE_PATH] = "path" };

const char *
bf_directive_type_name(enum bf_directive_type type)
{
	return types[type];
}

static cJSON *
describe(const struct bf_directive *directive)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *choices;

	cJSON_AddStringToObject(json, "name", directive->name);
	cJSON_AddStringToObject(json, "type",
	    bf_directive_type_name(directive->type));
	cJSON_AddBoolToObject(json, "required", directive->required);
	if (directive->fallback)
		cJSON_AddStringToObject(json, "default", directive->fallback);
	if (directive->help)
		cJSON_AddStringToObject(json, "help", directive->help);
	if (directive->min < directive->max) {
		cJSON_AddNumberToObject(json, "min", (double)directive->min);
		cJSON_AddNumberToObject(json, "max", (double)directive->max);
	}
	if (directive->choices) {
		choices = cJSON_AddArrayToObject(json, "choices");
		for (size_t i = 0; directive->choices[i]; i++)
			cJSON_AddItemToArray(choices,
			    cJSON_CreateString(directive->choices[i]));
	}
	return json;
}

char *
bf_describe_directives(const struct bf_directive *table)
{
	cJSON *list = cJSON_CreateArray();
	char *text, *copy;

	for (; table->name; table++)
		cJSON_AddItemToArray(list, describe(table));
	text = cJSON_PrintUnformatted(list);
	copy = bf_strdup(text);
	cJSON_free(text);
	cJSON_Delete(list);
	return copy;
}
