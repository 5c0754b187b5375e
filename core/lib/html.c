/*
 * html.c - from HTML to another markup
 *
 * The tree, built as the tags say or else by the parser -> a walk over it,
 * which tells a writer what there is. Where parsing would take long, the tokens
 * go to the writer instead.
 */
#include "core/lib/html.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/lib/arena.h"
#include "core/lib/escape.h"
#include "core/lib/html_parse.h"
#include "core/lib/html_reference.h"
#include "core/lib/html_token.h"
#include "core/lib/html_tree.h"
#include "core/lib/html_well_formed.h"
#include "core/lib/html_writer.h"

#define LABEL_MOST 200 /* bytes; a longer one is followed by its link */
#define LISTS_MOST 64  /* nested lists whose items are counted */
#define GROWTH 16      /* characters that layout makes of one, at the most */

/* A walk over a document. */
struct walk {
	struct bf_writer writer;
	unsigned lists;        /* that are open */
	long next[LISTS_MOST]; /* item of each; -1: of no order */
	unsigned code;         /* code elements that are written as such */
};

static enum bf_style
style_of(const GumboNode *node)
{
	switch (node->v.element.tag) {
	case GUMBO_TAG_B:
	case GUMBO_TAG_STRONG:
		return BF_STYLE_BOLD;
	case GUMBO_TAG_I:
	case GUMBO_TAG_EM:
		return BF_STYLE_ITALIC;
	default:
		return BF_STYLE_STRIKE;
	}
}

/* ---- links and images ---- */

/* Writes a link, if its label is a short line of text. */
static bool
write_link(struct walk *walk, const GumboNode *node, const struct bf_link *link)
{
	struct bf_buf label = { 0 };
	const bool short_one = bf_html_line(&label, node, LABEL_MOST, false);

	bf_drop_controls(&label);
	if (short_one)
		bf_writer_link(&walk->writer, link, bf_buf_text(&label));
	bf_buf_free(&label);
	return short_one;
}

/* Returns whether what is in the link is to be written too. */
static bool
enter_link(struct walk *walk, const GumboNode *node)
{
	const char *href = bf_html_attribute(node, "href");
	struct bf_link link;
	bool inside = true;

	if (!href || bf_link_read(&link, href) == -1)
		return true;
	inside = !write_link(walk, node, &link);
	bf_link_clear(&link);
	return inside;
}

static void
leave_link(struct walk *walk, const GumboNode *node)
{
	const char *href = bf_html_attribute(node, "href");
	struct bf_link link;

	if (!href || bf_link_read(&link, href) == -1)
		return;
	bf_writer_target(&walk->writer, &link);
	bf_link_clear(&link);
}

/* An image is a link to it; one that is said to be decoration is nothing. */
static void
write_image(struct walk *walk, const GumboNode *node)
{
	const char *src = bf_html_attribute(node, "src");
	const char *alt = bf_html_attribute(node, "alt");
	struct bf_link link;

	if (alt && *alt == '\0')
		return;
	if (src && bf_link_read(&link, src) == 0) {
		bf_writer_link(&walk->writer, &link, alt ? alt : "image");
		bf_link_clear(&link);
	} else if (alt) {
		bf_writer_text(&walk->writer, alt, strlen(alt));
	}
}

/* ---- lists ---- */

static void
enter_list(struct walk *walk, const GumboNode *node)
{
	const char *start = bf_html_attribute(node, "start");
	long first = start ? strtol(start, NULL, 10) : 1;

	if (node->v.element.tag == GUMBO_TAG_UL)
		first = -1;
	else if (first < 0)
		first = 0;
	bf_writer_gap(&walk->writer,
	    walk->lists > 0 ? BF_GAP_LINE : BF_GAP_PARAGRAPH);
	if (walk->lists < LISTS_MOST)
		walk->next[walk->lists] = first;
	walk->lists++;
}

static void
leave_list(struct walk *walk)
{
	walk->lists--;
	bf_writer_gap(&walk->writer,
	    walk->lists > 0 ? BF_GAP_LINE : BF_GAP_PARAGRAPH);
}

static void
enter_item(struct walk *walk, const GumboNode *node)
{
	const char *value = bf_html_attribute(node, "value");
	long *next;

	if (walk->lists == 0 || walk->lists > LISTS_MOST ||
	    walk->next[walk->lists - 1] < 0) {
		bf_writer_item(&walk->writer, -1);
		return;
	}
	next = &walk->next[walk->lists - 1];
	if (value && strtol(value, NULL, 10) >= 0)
		*next = strtol(value, NULL, 10);
	bf_writer_item(&walk->writer, *next);
	if (*next < INT32_MAX)
		++*next;
}

/* ---- the walk ---- */

/* Begins an element. Returns whether what is in it is to be written too. */
static bool
enter(struct walk *walk, const GumboNode *node)
{
	struct bf_writer *writer = &walk->writer;

	switch (bf_html_kind(node)) {
	case BF_HTML_STYLED:
		bf_writer_style(writer, style_of(node), true);
		return true;
	case BF_HTML_CODE:
		/* A backtick can't be in code: such code is shown as text. */
		if (walk->code > 0 || !bf_html_has_byte(node, '`')) {
			walk->code++;
			bf_writer_style(writer, BF_STYLE_CODE, true);
		}
		return true;
	case BF_HTML_LINK:
		return enter_link(walk, node);
	case BF_HTML_IMAGE:
		write_image(walk, node);
		return false;
	case BF_HTML_QUOTED:
		bf_writer_text(writer, "“", strlen("“"));
		return true;
	case BF_HTML_BREAK:
		bf_writer_break(writer);
		return false;
	case BF_HTML_BLOCK:
		bf_writer_gap(writer, BF_GAP_LINE);
		return true;
	case BF_HTML_HEADING:
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		bf_writer_style(writer, BF_STYLE_BOLD, true);
		return true;
	case BF_HTML_TABLE:
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		return !bf_html_table(writer, node);
	case BF_HTML_PARAGRAPH:
	case BF_HTML_ROW:
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		return true;
	case BF_HTML_PRE:
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		bf_writer_pre(writer, true);
		return true;
	case BF_HTML_LIST:
		enter_list(walk, node);
		return true;
	case BF_HTML_ITEM:
		enter_item(walk, node);
		return true;
	case BF_HTML_INDENTED:
		bf_writer_indent(writer);
		return true;
	case BF_HTML_QUOTE:
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		bf_writer_quote(writer);
		return true;
	case BF_HTML_RULE:
		bf_writer_rule(writer);
		return false;
	case BF_HTML_INLINE:
		return true;
	}
	return true;
}

/* Ends an element that was entered. */
static void
leave(void *context, const GumboNode *node)
{
	struct walk *walk = context;
	struct bf_writer *writer = &walk->writer;

	switch (bf_html_kind(node)) {
	case BF_HTML_STYLED:
		bf_writer_style(writer, style_of(node), false);
		break;
	case BF_HTML_CODE:
		if (walk->code > 0) {
			walk->code--;
			bf_writer_style(writer, BF_STYLE_CODE, false);
		}
		break;
	case BF_HTML_LINK:
		leave_link(walk, node);
		break;
	case BF_HTML_QUOTED:
		bf_writer_text(writer, "”", strlen("”"));
		break;
	case BF_HTML_BLOCK:
		bf_writer_gap(writer, BF_GAP_LINE);
		break;
	case BF_HTML_HEADING:
		bf_writer_style(writer, BF_STYLE_BOLD, false);
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		break;
	case BF_HTML_PRE:
		bf_writer_pre(writer, false);
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		break;
	case BF_HTML_LIST:
		leave_list(walk);
		break;
	case BF_HTML_QUOTE:
		bf_writer_leave(writer);
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		break;
	case BF_HTML_ITEM:
	case BF_HTML_INDENTED:
		bf_writer_leave(writer);
		break;
	case BF_HTML_PARAGRAPH:
	case BF_HTML_TABLE:
	case BF_HTML_ROW:
		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		break;
	default:
		break;
	}
}

static void
walk_tree(struct walk *walk, const GumboNode *root)
{
	const GumboNode *node = root;
	bool inside = true;

	while ((node = bf_html_after(node, root, inside, leave, walk))) {
		inside = false;
		if (node->type == GUMBO_NODE_ELEMENT) {
			inside = !bf_html_is_hidden(node) && enter(walk, node);
			if (!inside && bf_html_kind(node) == BF_HTML_TABLE)
				bf_writer_gap(&walk->writer, BF_GAP_PARAGRAPH);
		} else if (node->type == GUMBO_NODE_TEXT ||
			   node->type == GUMBO_NODE_WHITESPACE) {
			bf_writer_text(&walk->writer, node->v.text.text,
			    strlen(node->v.text.text));
		}
	}
}

/* ---- without a tree ---- */

/* Writes the text of a token with the few references that matter. */
static void
write_stripped(struct bf_writer *writer, struct bf_html_piece piece)
{
	const char *start = piece.text, *at = start;
	const char *const end = start + piece.size;

	while ((at = memchr(at, '&', (size_t)(end - at)))) {
		size_t used;
		const char *text =
		    bf_html_reference(at, (size_t)(end - at), &used);

		if (!text) {
			at++;
			continue;
		}
		bf_writer_text(writer, start, (size_t)(at - start));
		bf_writer_text(writer, text, strlen(text));
		start = at += used;
	}
	bf_writer_text(writer, start, (size_t)(end - start));
}

static void
strip_tags(struct bf_writer *writer, const char *html, size_t size)
{
	static const char note[] = "[Without formatting: the HTML is too large "
				   "or too deeply nested]";
	struct bf_html_tokens tokens = { .at = html, .end = html + size };
	struct bf_html_token token;

	bf_writer_text(writer, note, strlen(note));
	bf_writer_gap(writer, BF_GAP_PARAGRAPH);
	while (bf_html_next(&tokens, &token)) {
		const GumboNode node = { .v.element.tag = token.tag };

		if (token.kind == BF_HTML_TEXT)
			write_stripped(writer, token.text);
		else if (bf_html_kind(&node) >= BF_HTML_BREAK)
			bf_writer_gap(writer, BF_GAP_LINE);
	}
}

void
bf_html_convert(struct bf_buf *out, enum bf_markup markup, const char *html,
    struct bf_limit limit)
{
	const size_t size = strlen(html);
	struct bf_arena arena = { 0 };
	struct walk walk = { .lists = 0 };
	const GumboNode *root = bf_html_well_formed(html, size, &arena);

	if (!root)
		root = bf_html_parse(html, size, &arena);
	bf_writer_start(&walk.writer, markup, out, limit, size * GROWTH);
	if (root)
		walk_tree(&walk, root);
	else
		strip_tags(&walk.writer, html, size);
	bf_writer_finish(&walk.writer);
	bf_arena_free(&arena);
}
