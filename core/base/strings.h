#ifndef BELFRY_STRINGS_H
#define BELFRY_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/api.h>

/* A list of C strings, which it owns. { 0 } is an empty list. */
struct bf_strings {
	char **items;
	size_t count;
};

/* Appends a copy of text. */
BF_API void bf_strings_add(struct bf_strings *strings, const char *text);

/* Appends text itself, which was allocated by malloc; takes it. */
BF_API void bf_strings_take(struct bf_strings *strings, char *text);

/* Whether an item equals text. */
BF_API bool bf_strings_has(const struct bf_strings *strings, const char *text);

/* Frees the items; the list is empty afterwards. */
BF_API void bf_strings_free(struct bf_strings *strings);

/* Whether text has a control character of ASCII. */
BF_API bool bf_has_control(const char *text);

#endif
