/*
 * uri.c - percent-encoding, and the parameters of a query
 */
#include "core/intake/uri.h"

#include <string.h>

#include <belfry/memory.h>

/* The value of a hexadecimal digit, or -1. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that "%XX" stands for; -1: broken, or a NUL. */
static int
decode_byte(const char *text)
{
	const int high = hex_digit(text[1]);
	const int low = high == -1 ? -1 : hex_digit(text[2]);

	return low == -1 || (high == 0 && low == 0) ? -1 : high << 4 | low;
}

bool
bf_uri_is_encoded(const char *text)
{
	while ((text = strchr(text, '%'))) {
		if (decode_byte(text) == -1)
			return false;
		text += 3;
	}
	return true;
}

void
bf_uri_decode(char *text)
{
	char *out = text;

	while (*text) {
		const bool encoded = *text == '%';

		*out++ = encoded ? (char)decode_byte(text) : *text;
		text += encoded ? 3 : 1;
	}
	*out = '\0';
}

/* Decodes a name or a value of a query, where "+" is a blank. */
static char *
decoded(const char *text, size_t size)
{
	char *copy = bf_strndup(text, size);

	for (char *c = copy; *c; c++)
		*c = *c == '+' ? ' ' : *c;
	bf_uri_decode(copy);
	return copy;
}

char *
bf_uri_parameter(const char *query, const char *name)
{
	const size_t length = strlen(name);

	while (query && *query) {
		const size_t size = strcspn(query, "&");

		if (size > length && strncmp(query, name, length) == 0 &&
		    query[length] == '=')
			return decoded(query + length + 1, size - length - 1);
		query += size + (query[size] == '&');
	}
	return NULL;
}
