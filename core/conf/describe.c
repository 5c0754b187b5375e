/*
 * describe.c - a directive table as JSON, and back
 */
#include "core/conf/describe.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include <belfry/memory.h>

#include "core/conf/conf_private.h"

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
	[BF_TYPE_PATH] = "path",
	[BF_TYPE_PROGRAM] = "program",
	[BF_TYPE_USER] = "user" };

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
	if (directive->secret)
		cJSON_AddTrueToObject(json, "secret");
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

/* ---- and back ---- */

static char *
text_of(const cJSON *json, const char *name)
{
	return bf_strdup(
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name)));
}

static int64_t
number_of(const cJSON *json, const char *name)
{
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;
}

static enum bf_directive_type
type_of(const cJSON *json)
{
	const char *name = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "type"));

	for (size_t i = 1; name && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i], name) == 0)
			return (enum bf_directive_type)i;
	}
	return BF_TYPE_NONE;
}

static const char *const *
choices_of(const cJSON *json)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "choices");
	const cJSON *choice;
	const char **choices;
	size_t count = 0;

	if (!list)
		return NULL;
	choices =
	    bf_zalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*choices));
	cJSON_ArrayForEach(choice, list)
	{
		if (cJSON_IsString(choice))
			choices[count++] = bf_strdup(choice->valuestring);
	}
	return choices;
}

/* Every member begins at a multiple of the strictest alignment. */
static size_t
offset_after(size_t offset, enum bf_directive_type type)
{
	const size_t align = _Alignof(max_align_t);

	return offset + (bf_types[type].size + align - 1) / align * align;
}

struct bf_directive *
bf_described_directives(const char *text)
{
	cJSON *list = cJSON_Parse(text ? text : "");
	struct bf_directive *table, *directive;
	size_t offset = 0;
	const cJSON *json;

	if (!cJSON_IsArray(list)) {
		cJSON_Delete(list);
		return NULL;
	}
	table = directive =
	    bf_zalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*table));
	cJSON_ArrayForEach(json, list)
	{
		*directive = (struct bf_directive){
			.name = text_of(json, "name"),
			.type = type_of(json),
			.offset = offset,
			.required = cJSON_IsTrue(
			    cJSON_GetObjectItemCaseSensitive(json, "required")),
			.fallback = text_of(json, "default"),
			.help = text_of(json, "help"),
			.min = number_of(json, "min"),
			.max = number_of(json, "max"),
			.choices = choices_of(json),
			.secret = cJSON_IsTrue(
			    cJSON_GetObjectItemCaseSensitive(json, "secret")),
		};
		if (!directive->name || directive->type == BF_TYPE_NONE)
			break;
		offset = offset_after(offset, directive->type);
		directive++;
	}
	if (json) {
		directive->type = BF_TYPE_FLAG; /* to be freed with the rest */
		bf_described_free(&table);
	}
	cJSON_Delete(list);
	return table;
}

void
bf_described_free(struct bf_directive **table)
{
	struct bf_directive *directive = *table;

	for (; directive && directive->type != BF_TYPE_NONE; directive++) {
		for (size_t i = 0; directive->choices && directive->choices[i];
		     i++)
			free((char *)directive->choices[i]);
		free((void *)directive->choices);
		free((char *)directive->name);
		free((char *)directive->fallback);
		free((char *)directive->help);
	}
	free(*table);
	*table = NULL;
}
