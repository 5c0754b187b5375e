#ifndef BF_LIB_HTML_TOKEN_H
#define BF_LIB_HTML_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include <gumbo.h>

/* A piece of HTML as it is written. Borrowed from the source. */
struct bf_html_piece {
	const char *text;
	size_t size;
};

/* The attributes that matter here; the first of a name counts. */
enum bf_html_attribute {
	BF_HTML_ALT,
	BF_HTML_HIDDEN,
	BF_HTML_HREF,
	BF_HTML_SRC,
	BF_HTML_START,
	BF_HTML_STYLE,
	BF_HTML_VALUE,
	BF_HTML_ATTRIBUTES,
};

/* A tag or a run of text. Comments, doctypes and the like are left out. */
struct bf_html_token {
	enum { BF_HTML_TEXT, BF_HTML_TAG, BF_HTML_END_TAG } kind;
	GumboTag tag;              /* GUMBO_TAG_UNKNOWN for one of no name */
	struct bf_html_piece text; /* of BF_HTML_TEXT */
	struct bf_html_piece attributes[BF_HTML_ATTRIBUTES]; /* NULL: none */
};

/*
 * Reads HTML token by token, in linear time and without memory. Elements that
 * show nothing of what is in them (script, style, svg, select and the like)
 * are left out with their content, up to their end tag.
 */
struct bf_html_tokens {
	const char *at, *end;
	bool endless[GUMBO_TAG_LAST]; /* no end tag of that name is left */
};

/* Whether there was a token. */
bool bf_html_next(struct bf_html_tokens *tokens, struct bf_html_token *token);

/* The name of an attribute. */
const char *bf_html_attribute_name(enum bf_html_attribute attribute);

#endif
