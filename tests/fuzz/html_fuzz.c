/*
 * html_fuzz.c - arbitrary bytes as HTML
 *
 * The first byte chooses markup, unit and limit. Whatever the rest: what comes
 * out is UTF-8 without control characters, within the limit, and mentions
 * nobody; what the filter lets through is no deeper than it says; and a tree
 * built without the parser says what the parser's does.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <gumbo.h>
#include <unistr.h>

#include <belfry/html.h>
#include <belfry/memory.h>

#include "core/lib/html_filter.h"
#include "core/lib/html_parse.h"
#include "core/lib/html_token.h"
#include "core/lib/html_tree.h"
#include "core/lib/html_well_formed.h"

/* The parser adds html, body, and a row and its group to each table. */
#define DEPTH_MOST (4 * BF_HTML_OPEN_MOST)

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void
check_depth(const char *html)
{
	struct bf_buf filtered = { 0 };
	GumboOptions options = kGumboDefaultOptions;
	const GumboNode *node;
	GumboOutput *parsed;
	size_t depth = 0;

	options.max_errors = 0;
	if (bf_html_filter(&filtered, html, strlen(html)) == 0) {
		parsed = gumbo_parse_with_options(&options,
		    bf_buf_text(&filtered), filtered.size);
		/* Down the last children, where depth would grow. */
		for (node = parsed->root; node->type == GUMBO_NODE_ELEMENT &&
					  node->v.element.children.length > 0;
		     depth++)
			node = node->v.element.children
				   .data[node->v.element.children.length - 1];
		assert(depth <= DEPTH_MOST);
		gumbo_destroy_output(&options, parsed);
	}
	bf_buf_free(&filtered);
}

/* Whether an element is one that a parser adds. */
static bool
is_added(const GumboNode *node)
{
	const GumboTag tag = node->v.element.tag;

	return tag == GUMBO_TAG_HTML || tag == GUMBO_TAG_HEAD ||
	       tag == GUMBO_TAG_BODY || tag == GUMBO_TAG_TBODY;
}

static void
say_end(void *out, const GumboNode *node)
{
	if (!is_added(node))
		bf_buf_add_format(out, "</%s>",
		    gumbo_normalized_tagname(node->v.element.tag));
}

static void
say_element(struct bf_buf *out, const GumboNode *node)
{
	if (is_added(node))
		return;
	bf_buf_add_format(out, "<%s",
	    gumbo_normalized_tagname(node->v.element.tag));
	for (int i = 0; i < BF_HTML_ATTRIBUTES; i++) {
		const char *name =
		    bf_html_attribute_name((enum bf_html_attribute)i);
		const char *value = bf_html_attribute(node, name);

		if (value)
			bf_buf_add_format(out, " %s=\"%s\"", name, value);
	}
	bf_buf_add_byte(out, '>');
}

/* Appends what is in a tree, but for white space at its beginning. */
static void
say_tree(struct bf_buf *out, const GumboNode *root)
{
	const GumboNode *node = root;

	while ((node = bf_html_after(node, root, true, say_end, out))) {
		const char *text = node->v.text.text;

		if (node->type == GUMBO_NODE_ELEMENT)
			say_element(out, node);
		else
			bf_buf_add_text(out,
			    out->size > 0 ? text
					  : text + strspn(text, " \t\n"));
	}
}

static void
check_well_formed(const char *html)
{
	struct bf_arena arena = { 0 };
	struct bf_buf built = { 0 }, parsed = { 0 };
	const GumboNode *root = bf_html_well_formed(html, strlen(html), &arena);

	if (root) {
		say_tree(&built, root);
		root = bf_html_parse(html, strlen(html), &arena);
		assert(root);
		say_tree(&parsed, root);
		assert(strcmp(bf_buf_text(&built), bf_buf_text(&parsed)) == 0);
	}
	bf_buf_free(&built);
	bf_buf_free(&parsed);
	bf_arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	const unsigned choice = size > 0 ? bytes[0] : 0;
	const enum bf_markup markup = (enum bf_markup)(choice % 3);
	const struct bf_limit limit = { choice / 9,
		(enum bf_unit)(choice / 3 % 3) };
	struct bf_buf out = { 0 };
	char *html;

	if (size == 0)
		return 0;
	html = bf_strndup((const char *)bytes + 1, size - 1);
	bf_html_convert(&out, markup, html, limit);
	assert(!u8_check((const uint8_t *)bf_buf_text(&out), out.size));
	for (size_t i = 0; i < out.size; i++)
		assert((unsigned char)out.data[i] >= ' ' ||
		       out.data[i] == '\n' || out.data[i] == '\t');
	if (limit.most > 0)
		assert(bf_length(bf_buf_text(&out), out.size, limit.unit) <=
		       limit.most);
	if (markup == BF_SLACK_MRKDWN)
		assert(!strstr(bf_buf_text(&out), "<!") &&
		       !strstr(bf_buf_text(&out), "<@") &&
		       !strstr(bf_buf_text(&out), "<#"));
	if (markup == BF_DISCORD_MARKDOWN)
		assert(!strcasestr(bf_buf_text(&out), "@everyone") &&
		       !strcasestr(bf_buf_text(&out), "@here"));
	bf_buf_free(&out);
	check_depth(html);
	check_well_formed(html);
	free(html);
	return 0;
}
