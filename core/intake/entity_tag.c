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
	const char *at;

	if (strcmp(if_match, "*") == 0 || *tag == '\0')
		return *tag != '\0';
	at = strstr(if_match, tag);
	/* A weak tag never matches here. */
	return at && !(at - if_match >= 2 && strncmp(at - 2, "W/", 2) == 0);
}
