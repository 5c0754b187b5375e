#ifndef BF_LIB_HTML_DIALECT_H
#define BF_LIB_HTML_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/markup.h>

/* How a piece of text looks. */
enum bf_style {
	BF_STYLE_BOLD,
	BF_STYLE_ITALIC,
	BF_STYLE_STRIKE,
	BF_STYLE_CODE,
	BF_STYLES,
};

/* What a markup writes. */
struct bf_dialect {
	const char *markers[BF_STYLES]; /* around a style; "": none */
	bool apart[BF_STYLES];          /* no letter may touch the marker */
	const char *fence;              /* around pre */
	const char *bullet;
	const char *indent; /* of a list's item in another */
	const char *rule;
	size_t columns;
};

const struct bf_dialect *bf_dialect(enum bf_markup markup);

#endif
