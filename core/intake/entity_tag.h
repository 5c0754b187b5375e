#ifndef BF_ENTITY_TAG_H
#define BF_ENTITY_TAG_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#define BF_ENTITY_TAG 72 /* bytes of the longest, with its NUL */

/*
 * The entity tag of a thing as answers show it: of a channel or a tenant its
 * version, when it was made (one that was deleted and made again has the same
 * versions), and whether it is switched off or stopped; of a switch its setting
 * and who made it, which is all of it that changes. What changes by itself
 * (what waits, usage) is not in it. Set to "" if the thing has none. Source:
 * RFC 9110, section 8.8.3.
 */
void bf_entity_tag(const cJSON *shown, char tag[BF_ENTITY_TAG]);

/* Whether one of the tags of If-Match is tag; "" is that of nothing. What
 * follows something else than a tag does not count. Source: RFC 9110, sections
 * 8.8.3 and 13.1.1. */
bool bf_entity_tag_matches(const char *if_match, const char *tag);

#endif
