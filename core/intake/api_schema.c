/*
 * api_schema.c - whether a request is as its table says
 *
 * Misspelt, what was to narrow a request's effect would widen it: so what is
 * not in the table is refused, by name.
 */
#include "core/intake/api_schema.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/event/parse.h"

bool
bf_api_is_among(const char *names, const char *name, size_t length)
{
	while (names && *names) {
		const size_t size = strcspn(names, " ");

		if (size == length && strncmp(names, name, size) == 0)
			return true;
		names += size + (names[size] == ' ');
	}
	return false;
}

void
bf_api_add_names(struct bf_buf *text, const char *names)
{
	bool first = true;

	while (names && *names) {
		const size_t size = strcspn(names, " ");

		bf_buf_add_format(text, "%s%.*s",
		    first                ? ""
		    : names[size] == ' ' ? ", "
					 : " or ",
		    (int)size, names);
		first = false;
		names += size + (names[size] == ' ');
	}
}

/* Adds a member's name to a JSON pointer (RFC 6901, section 3). */
static void
add_pointer(struct bf_buf *field, const char *name)
{
	bf_buf_add_byte(field, '/');
	for (; *name; name++) {
		if (*name == '~' || *name == '/')
			bf_buf_add_text(field, *name == '~' ? "~0" : "~1");
		else
			bf_buf_add_byte(field, *name);
	}
}

/* Characters of a text that is UTF-8. */
static size_t
count_characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xC0) != 0x80;
	return count;
}

static void
expect(const struct api_member *member, struct bf_buf *detail)
{
	bf_buf_add_text(detail, "expected ");
	if (member->choices) {
		bf_api_add_names(detail, member->choices);
		return;
	}
	switch (member->type) {
	case API_FLAG:
		bf_buf_add_text(detail, "true or false");
		return;
	case API_INTEGER:
		bf_buf_add_format(detail, "a whole number, %ld to %ld",
		    member->min, member->max);
		return;
	case API_NUMBER:
		bf_buf_add_text(detail, "a number");
		return;
	case API_TIME:
		bf_buf_add_text(detail, "an RFC 3339 date and time");
		return;
	case API_LIST:
		bf_buf_add_text(detail, "a list");
		return;
	case API_OBJECT:
	case API_MAP:
		bf_buf_add_text(detail, "an object");
		return;
	default:
		bf_buf_add_text(detail, "a string");
		if (member->max > 0)
			bf_buf_add_format(detail, " of %ld to %ld characters",
			    member->min, member->max);
	}
}

static bool
text_fits(const struct api_member *member, const char *text)
{
	const size_t size = count_characters(text);
	int64_t us;

	if (member->choices)
		return bf_api_is_among(member->choices, text, strlen(text));
	if (member->type == API_TIME)
		return bf_timestamp_parse(text, &us) == 0;
	return size >= (size_t)member->min &&
	       (member->max == 0 || size <= (size_t)member->max);
}

static bool
value_fits(const struct api_member *member, const cJSON *value,
    struct bf_buf *field, struct bf_buf *detail)
{
	bool fits;

	if (member->nullable && cJSON_IsNull(value))
		return true;
	switch (member->type) {
	case API_FLAG:
		fits = cJSON_IsBool(value);
		break;
	case API_INTEGER:
		fits = cJSON_IsNumber(value) &&
		       value->valuedouble == floor(value->valuedouble) &&
		       value->valuedouble >= (double)member->min &&
		       (member->max == 0 ||
			   value->valuedouble <= (double)member->max);
		break;
	case API_NUMBER:
		fits = cJSON_IsNumber(value);
		break;
	case API_LIST:
		fits = cJSON_IsArray(value);
		break;
	case API_OBJECT:
		if (cJSON_IsObject(value))
			return bf_api_schema_fits(member->of, value, field,
			    detail);
		fits = false;
		break;
	case API_MAP:
		fits = cJSON_IsObject(value);
		break;
	case API_VALUE:
		fits = true;
		break;
	default:
		fits = cJSON_IsString(value) &&
		       text_fits(member, value->valuestring);
	}
	if (!fits)
		expect(member, detail);
	return fits;
}

static const struct api_member *
find_member(const struct api_schema *schema, const char *name)
{
	const struct api_member *member = schema->members;

	while (member->name && strcmp(member->name, name) != 0)
		member++;
	return member->name ? member : NULL;
}

static void
refuse_unknown(const struct api_schema *schema, struct bf_buf *detail)
{
	const struct api_member *member = schema->members;

	bf_buf_add_text(detail, "unknown member; expected ");
	if (!member->name)
		bf_buf_add_text(detail, "none");
	for (; member->name; member++)
		bf_buf_add_format(detail, "%s%s", member->name,
		    member[1].name ? ", " : "");
}

bool
bf_api_schema_fits(const struct api_schema *schema, const cJSON *body,
    struct bf_buf *field, struct bf_buf *detail)
{
	const struct api_member *member;
	const size_t above = field->size;
	const cJSON *value;

	cJSON_ArrayForEach(value, body)
	{
		member = find_member(schema, value->string);
		if (!member && schema->unchecked)
			continue;
		add_pointer(field, value->string);
		if (!member) {
			refuse_unknown(schema, detail);
			return false;
		}
		if (!(schema->partial && cJSON_IsNull(value)) &&
		    !value_fits(member, value, field, detail))
			return false;
		field->size = above;
		field->data[above] = '\0';
	}
	for (member = schema->members; member->name; member++) {
		if (!member->required || schema->partial || schema->unchecked ||
		    cJSON_GetObjectItemCaseSensitive(body, member->name))
			continue;
		add_pointer(field, member->name);
		expect(member, detail);
		return false;
	}
	return true;
}

bool
bf_api_text_fits(const struct api_member *parameter, const char *text,
    struct bf_buf *detail)
{
	char *end;
	long value;
	bool fits;

	if (parameter->type == API_INTEGER) {
		errno = 0;
		value = strtol(text, &end, 10);
		fits = *text >= '0' && *text <= '9' && *end == '\0' &&
		       errno == 0 && value >= parameter->min &&
		       value <= parameter->max;
	} else {
		fits = text_fits(parameter, text);
	}
	if (!fits)
		expect(parameter, detail);
	return fits;
}
