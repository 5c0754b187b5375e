#ifndef BF_PATTERN_H
#define BF_PATTERN_H

#include <stdbool.h>

#include "core/registry/snapshot.h"

/*
 * Words of a channel's event list: the name of a type, a pattern of names in
 * which * stands for any characters, or category:NAME.
 */

/* Whether the word matches the type. */
bool bf_pattern_matches(const char *pattern, const struct bf_event_type *type);

/* Whether the list takes the type: an empty one takes all. */
bool bf_patterns_match(const struct bf_strings *patterns,
    const struct bf_event_type *type);

/*
 * Whether the word matches any type of the snapshot. If not, says so with the
 * nearest name and returns -1.
 */
int bf_pattern_check(const char *pattern, const struct bf_snapshot *snapshot,
    struct bf_error *err);

#endif
