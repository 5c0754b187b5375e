/*
 * strings.c - a list of C strings
 */
#include "core/base/strings.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

void
bf_strings_take(struct bf_strings *strings, char *text)
{
	/* Grows at powers of two: count alone tells when it is full. */
	if ((strings->count & (strings->count - 1)) == 0)
		strings->items = bf_resize(strings->items,
		    strings->count > 0 ? strings->count * 2 : 1,
		    sizeof(*strings->items));
	strings->items[strings->count++] = text;
}

void
bf_strings_add(struct bf_strings *strings, const char *text)
{
	bf_strings_take(strings, bf_strdup(text));
}

bool
bf_strings_has(const struct bf_strings *strings, const char *text)
{
	for (size_t i = 0; i < strings->count; i++) {
		if (strcmp(strings->items[i], text) == 0)
			return true;
	}
	return false;
}

void
bf_strings_free(struct bf_strings *strings)
{
	for (size_t i = 0; i < strings->count; i++)
		free(strings->items[i]);
	free(strings->items);
	*strings = (struct bf_strings){ 0 };
}

bool
bf_has_control(const char *text)
{
	while ((unsigned char)*text >= 0x20 && *text != 0x7f)
		text++;
	return *text != '\0';
}
