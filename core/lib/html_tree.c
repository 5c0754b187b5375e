/*
 * html_tree.c - a parsed document, as whoever writes it looks at it
 *
 * Walks go from node to node by parent and index, so their stack is flat
 * whatever the document.
 */
#include "core/lib/html_tree.h"

#include <string.h>
#include <strings.h>

#include "core/lib/escape.h"
#include "core/lib/link.h"

static const unsigned char kinds[GUMBO_TAG_LAST] = {
	[GUMBO_TAG_B] = BF_HTML_STYLED,
	[GUMBO_TAG_STRONG] = BF_HTML_STYLED,
	[GUMBO_TAG_I] = BF_HTML_STYLED,
	[GUMBO_TAG_EM] = BF_HTML_STYLED,
	[GUMBO_TAG_S] = BF_HTML_STYLED,
	[GUMBO_TAG_STRIKE] = BF_HTML_STYLED,
	[GUMBO_TAG_DEL] = BF_HTML_STYLED,
	[GUMBO_TAG_CODE] = BF_HTML_CODE,
	[GUMBO_TAG_KBD] = BF_HTML_CODE,
	[GUMBO_TAG_SAMP] = BF_HTML_CODE,
	[GUMBO_TAG_TT] = BF_HTML_CODE,
	[GUMBO_TAG_A] = BF_HTML_LINK,
	[GUMBO_TAG_IMG] = BF_HTML_IMAGE,
	[GUMBO_TAG_Q] = BF_HTML_QUOTED,
	[GUMBO_TAG_BR] = BF_HTML_BREAK,
	[GUMBO_TAG_ADDRESS] = BF_HTML_BLOCK,
	[GUMBO_TAG_ARTICLE] = BF_HTML_BLOCK,
	[GUMBO_TAG_ASIDE] = BF_HTML_BLOCK,
	[GUMBO_TAG_CAPTION] = BF_HTML_BLOCK,
	[GUMBO_TAG_CENTER] = BF_HTML_BLOCK,
	[GUMBO_TAG_DETAILS] = BF_HTML_BLOCK,
	[GUMBO_TAG_DIV] = BF_HTML_BLOCK,
	[GUMBO_TAG_DT] = BF_HTML_BLOCK,
	[GUMBO_TAG_FIGCAPTION] = BF_HTML_BLOCK,
	[GUMBO_TAG_FIGURE] = BF_HTML_BLOCK,
	[GUMBO_TAG_FOOTER] = BF_HTML_BLOCK,
	[GUMBO_TAG_HEADER] = BF_HTML_BLOCK,
	[GUMBO_TAG_MAIN] = BF_HTML_BLOCK,
	[GUMBO_TAG_NAV] = BF_HTML_BLOCK,
	[GUMBO_TAG_SECTION] = BF_HTML_BLOCK,
	[GUMBO_TAG_SUMMARY] = BF_HTML_BLOCK,
	[GUMBO_TAG_TD] = BF_HTML_BLOCK,
	[GUMBO_TAG_TH] = BF_HTML_BLOCK,
	[GUMBO_TAG_P] = BF_HTML_PARAGRAPH,
	[GUMBO_TAG_DL] = BF_HTML_PARAGRAPH,
	[GUMBO_TAG_H1] = BF_HTML_HEADING,
	[GUMBO_TAG_H2] = BF_HTML_HEADING,
	[GUMBO_TAG_H3] = BF_HTML_HEADING,
	[GUMBO_TAG_H4] = BF_HTML_HEADING,
	[GUMBO_TAG_H5] = BF_HTML_HEADING,
	[GUMBO_TAG_H6] = BF_HTML_HEADING,
	[GUMBO_TAG_TABLE] = BF_HTML_TABLE,
	[GUMBO_TAG_TR] = BF_HTML_ROW,
	[GUMBO_TAG_PRE] = BF_HTML_PRE,
	[GUMBO_TAG_OL] = BF_HTML_LIST,
	[GUMBO_TAG_UL] = BF_HTML_LIST,
	[GUMBO_TAG_LI] = BF_HTML_ITEM,
	[GUMBO_TAG_DD] = BF_HTML_INDENTED,
	[GUMBO_TAG_BLOCKQUOTE] = BF_HTML_QUOTE,
	[GUMBO_TAG_HR] = BF_HTML_RULE,
};

enum bf_html_kind
bf_html_kind(const GumboNode *node)
{
	const GumboTag tag = node->v.element.tag;

	return tag < GUMBO_TAG_LAST ? (enum bf_html_kind)kinds[tag]
				    : BF_HTML_INLINE;
}

const char *
bf_html_attribute(const GumboNode *node, const char *name)
{
	const GumboAttribute *attribute =
	    gumbo_get_attribute(&node->v.element.attributes, name);

	return attribute ? attribute->value : NULL;
}

bool
bf_html_is_hidden(const GumboNode *node)
{
	const char *style;

	if (node->v.element.attributes.length == 0)
		return false;
	if (bf_html_attribute(node, "hidden"))
		return true;
	style = bf_html_attribute(node, "style");
	style = style ? strcasestr(style, "display") : NULL;
	if (!style)
		return false;
	style += strlen("display");
	style += strspn(style, " \t\n");
	if (*style++ != ':')
		return false;
	return strncasecmp(style + strspn(style, " \t\n"), "none", 4) == 0;
}

static bool
is_text(const GumboNode *node)
{
	return node->type == GUMBO_NODE_TEXT ||
	       node->type == GUMBO_NODE_WHITESPACE ||
	       node->type == GUMBO_NODE_CDATA;
}

const GumboNode *
bf_html_after(const GumboNode *node, const GumboNode *root, bool inside,
    void (*leave)(void *context, const GumboNode *node), void *context)
{
	if (inside && node->type == GUMBO_NODE_ELEMENT &&
	    node->v.element.children.length > 0)
		return node->v.element.children.data[0];
	for (;;) {
		const GumboNode *parent = node->parent;
		const GumboVector *children;
		const size_t next = node->index_within_parent + 1;

		if (inside && leave && node->type == GUMBO_NODE_ELEMENT)
			leave(context, node);
		if (node == root)
			return NULL;
		children = &parent->v.element.children;
		if (next < children->length)
			return children->data[next];
		node = parent;
		inside = true;
	}
}

/* A line of text that is being gathered. */
struct line {
	struct bf_buf *out;
	size_t start;
	bool space; /* before the next word */
	bool links;
};

static void
add_text(struct line *line, const char *text)
{
	const size_t size = strlen(text);

	for (size_t at = 0; at < size;) {
		const size_t gap = bf_separator(text + at, size - at);

		if (gap > 0) {
			line->space = line->out->size > line->start;
			at += gap;
			continue;
		}
		if (line->space)
			bf_buf_add_byte(line->out, ' ');
		line->space = false;
		bf_buf_add_byte(line->out, text[at++]);
	}
}

static void
end_element(void *context, const GumboNode *node)
{
	struct line *line = context;
	const char *href;
	struct bf_link link;

	if (bf_html_kind(node) >= BF_HTML_BREAK)
		add_text(line, " ");
	if (!line->links || bf_html_kind(node) != BF_HTML_LINK)
		return;
	href = bf_html_attribute(node, "href");
	if (!href || bf_link_read(&link, href) == -1)
		return;
	add_text(line, " <");
	add_text(line, link.url.data + (link.mail ? strlen("mailto:") : 0));
	add_text(line, ">");
	bf_link_clear(&link);
}

/* Adds what an element is in a line; false if it can't be in one. */
static bool
add_element(struct line *line, const GumboNode *node, bool blocks)
{
	const enum bf_html_kind kind = bf_html_kind(node);
	const char *alt;

	if (kind >= (blocks ? BF_HTML_TABLE : BF_HTML_BLOCK))
		return false;
	alt = kind == BF_HTML_IMAGE ? bf_html_attribute(node, "alt") : NULL;
	if (alt)
		add_text(line, alt);
	else if (kind >= BF_HTML_BREAK)
		add_text(line, " ");
	return true;
}

bool
bf_html_line(struct bf_buf *out, const GumboNode *node, size_t most,
    bool blocks)
{
	struct line line = { .out = out, .start = out->size, .links = blocks };
	const GumboNode *at = node;
	bool inside = true;

	while ((at = bf_html_after(at, node, inside, end_element, &line))) {
		inside = true;
		if (is_text(at))
			add_text(&line, at->v.text.text);
		else if (at->type != GUMBO_NODE_ELEMENT)
			continue;
		else if (bf_html_is_hidden(at))
			inside = false;
		else if (!add_element(&line, at, blocks))
			return false;
		if (out->size - line.start > most)
			return false;
	}
	bf_buf_add_text(out, "");
	return true;
}

bool
bf_html_has_byte(const GumboNode *node, char byte)
{
	const GumboNode *at = node;

	while ((at = bf_html_after(at, node, true, NULL, NULL))) {
		if (is_text(at) && strchr(at->v.text.text, byte))
			return true;
	}
	return false;
}
