/*
 * entity_tag.c - what tells one state of a thing from another
 */
#include "core/intake/entity_tag.h"

#include <stdio.h>
#include <string.h>

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
		snprintf(tag, BF_ENTITY_TAG, "\"%.0f\"", version->valuedouble);
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
