/*
 * pattern.c - words of a channel's event list
 */
#include "core/registry/pattern.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/settings.h"

static const char category_prefix[] = "category:";

/* The category that the word names, or NULL. */
static const char *
category_of(const char *pattern)
{
	const size_t size = sizeof(category_prefix) - 1;

	return strncmp(pattern, category_prefix, size) == 0 ? pattern + size
							    : NULL;
}

/* Whether text fits the pattern. A star takes as little as it can at first;
 * on a mismatch the last one takes a character more. */
static bool
star_matches(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *resume = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

bool
bf_pattern_matches(const char *pattern, const struct bf_event_type *type)
{
	const char *category = category_of(pattern);

	if (category)
		return strcmp(category, type->category) == 0;
	return star_matches(pattern, type->name);
}

bool
bf_patterns_match(const struct bf_strings *patterns,
    const struct bf_event_type *type)
{
	if (patterns->count == 0)
		return true;
	for (size_t i = 0; i < patterns->count; i++) {
		if (bf_pattern_matches(patterns->items[i], type))
			return true;
	}
	return false;
}

/* The name or category of the snapshot that is nearest to word, or NULL. */
static const char *
nearest_of(const char *word, bool category, const struct bf_snapshot *snapshot)
{
	const char **names =
	    bf_zalloc(snapshot->type_count + 1, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < snapshot->type_count; i++)
		names[i] = category ? snapshot->types[i].category
				    : snapshot->types[i].name;
	nearest = bf_nearest(word, names, snapshot->type_count);
	free(names);
	return nearest;
}

int
bf_pattern_check(const char *pattern, const struct bf_snapshot *snapshot,
    struct bf_error *err)
{
	const char *category = category_of(pattern);
	const char *nearest;

	for (size_t i = 0; i < snapshot->type_count; i++) {
		if (bf_pattern_matches(pattern, &snapshot->types[i]))
			return 0;
	}
	if (strchr(pattern, '*') && !category) {
		bf_error_set(err,
		    "\"%.64s\" matches no event type; expected a pattern such "
		    "as deploy_*",
		    pattern);
		return -1;
	}
	nearest = nearest_of(category ? category : pattern, category, snapshot);
	bf_error_set(err, "unknown %s \"%.64s\"%s%s%s",
	    category ? "category" : "event type", category ? category : pattern,
	    nearest ? "; did you mean \""
		    : "; expected the name of an event "
		      "type, a pattern such as deploy_* "
		      "or category:NAME",
	    nearest ? nearest : "", nearest ? "\"?" : "");
	return -1;
}
