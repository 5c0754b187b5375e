/*
 * entity_tag.c - what tells one state of a thing from another
 */
#include "core/intake/entity_tag.h"

#include <stdio.h>
#include <string.h>

#define DIGITS 20 /* of a time in UTC, to the microsecond */

/* The digits of a time, each of which differs from every other one's. */
static void
copy_digits(const char *time, char digits[DIGITS + 1])
{
	size_t count = 0;

	for (; time && *time && count < DIGITS; time++) {
		if (*time >= '0' && *time <= '9')
			digits[count++] = *time;
	}
	digits[count] = '\0';
}

/* Of what has versions. */
static void
tag_version(const cJSON *shown, double version, char tag[BF_ENTITY_TAG])
{
	const char *state = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(shown, "state"));
	char made[DIGITS + 1];

	copy_digits(cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(shown, "created_at")),
	    made);
	snprintf(tag, BF_ENTITY_TAG, "\"%.0f%s%s%s%s\"", version,
	    *made ? "-" : "", made,
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(shown, "disabled"))
		? "-disabled"
		: "",
	    state && strcmp(state, "stopped") == 0 ? "-stopped" : "");
}

void
bf_entity_tag(const cJSON *shown, char tag[BF_ENTITY_TAG])
{
	const cJSON *version =
	    cJSON_GetObjectItemCaseSensitive(shown, "version");
	const cJSON *enabled =
	    cJSON_GetObjectItemCaseSensitive(shown, "enabled");
	const char *source = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(shown, "source"));

	*tag = '\0';
	if (cJSON_IsNumber(version))
		tag_version(shown, version->valuedouble, tag);
	else if (cJSON_IsBool(enabled) && source)
		snprintf(tag, BF_ENTITY_TAG, "\"%s-%.16s\"",
		    cJSON_IsTrue(enabled) ? "on" : "off", source);
}

bool
bf_entity_tag_matches(const char *if_match, const char *tag)
{
	const size_t length = strlen(tag);
	const char *at = if_match, *end;

	if (strcmp(if_match, "*") == 0 || length == 0)
		return length > 0;
	while (*(at += strspn(at, " \t,"))) {
		const bool weak = strncmp(at, "W/", 2) == 0;

		at += weak ? 2 : 0;
		end = *at == '"' ? strchr(at + 1, '"') : NULL;
		if (!end)
			return false;
		end++;
		/* A weak tag never matches here. */
		if (!weak && (size_t)(end - at) == length &&
		    strncmp(at, tag, length) == 0)
			return true;
		at = end + strspn(end, " \t");
		if (*at && *at != ',')
			return false;
	}
	return false;
}
