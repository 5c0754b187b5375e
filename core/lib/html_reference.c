/*
 * html_reference.c - the character references that escaping makes
 */
#include "core/lib/html_reference.h"

#include <string.h>

static const struct {
	const char *name;
	size_t size;
	const char *text;
} references[] = {
	{ "&amp;", 5, "&" },
	{ "&lt;", 4, "<" },
	{ "&gt;", 4, ">" },
	{ "&quot;", 6, "\"" },
	{ "&#39;", 5, "'" },
	{ "&apos;", 6, "'" },
	{ "&nbsp;", 6, "\xc2\xa0" },
};

const char *
bf_html_reference(const char *text, size_t size, size_t *used)
{
	for (size_t i = 0; i < sizeof(references) / sizeof(*references); i++) {
		if (size < references[i].size ||
		    text[1] != references[i].name[1] ||
		    memcmp(text, references[i].name, references[i].size) != 0)
			continue;
		*used = references[i].size;
		return references[i].text;
	}
	return NULL;
}
