#ifndef BF_LIB_HTML_TREE_H
#define BF_LIB_HTML_TREE_H

#include <stdbool.h>

#include <gumbo.h>

#include <belfry/buf.h>

#include "core/lib/html_writer.h"

/* What kind of element a tag is, for whoever writes it. */
enum bf_html_kind {
	BF_HTML_INLINE, /* nothing special, or an element of no name */
	BF_HTML_STYLED,
	BF_HTML_CODE,
	BF_HTML_LINK,
	BF_HTML_IMAGE,
	BF_HTML_QUOTED, /* within quotation marks */
	BF_HTML_BREAK,
	BF_HTML_BLOCK,     /* on lines of its own */
	BF_HTML_PARAGRAPH, /* between empty lines */
	BF_HTML_HEADING,
	BF_HTML_TABLE, /* from here on: more than text in lines */
	BF_HTML_ROW,
	BF_HTML_PRE,
	BF_HTML_LIST,
	BF_HTML_ITEM,
	BF_HTML_INDENTED,
	BF_HTML_QUOTE,
	BF_HTML_RULE,
};

enum bf_html_kind bf_html_kind(const GumboNode *node);

/* The value of an element's attribute, or NULL. */
const char *bf_html_attribute(const GumboNode *node, const char *name);

/* Whether an element is to be left out with all that is in it. */
bool bf_html_is_hidden(const GumboNode *node);

/*
 * The node after node in document order within root, past what is in node if
 * inside is false; NULL at the end. Each element that ends on the way is
 * given to leave (if not NULL), innermost first.
 */
const GumboNode *bf_html_after(const GumboNode *node, const GumboNode *root,
    bool inside, void (*leave)(void *context, const GumboNode *node),
    void *context);

/*
 * Appends what is in node as one line of text, its words apart by one space,
 * images by what stands for them. With blocks, paragraphs and the like are
 * words too, and where a link leads follows it in angle brackets. Returns
 * false where it is no such text, or has more than most bytes.
 */
bool bf_html_line(struct bf_buf *out, const GumboNode *node, size_t most,
    bool blocks);

/* Whether there is text in node, and whether a byte is in it. */
bool bf_html_has_byte(const GumboNode *node, char byte);

/*
 * Writes a table with its columns aligned, or as records if that is too wide.
 * Returns false, having written nothing, for one that is there for layout or
 * has more than lines of text in its cells.
 */
bool bf_html_table(struct bf_writer *writer, const GumboNode *table);

#endif
