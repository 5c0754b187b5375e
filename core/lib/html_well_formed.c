/*
 * html_well_formed.c - the tree of HTML that needs no parser
 *
 * Each rule here refuses what tree construction (WHATWG HTML, section 13.2.6)
 * would do more for than put an element into the one that is open: what is
 * left has the same tree by either way, less the html, head, body and tbody
 * that a parser adds. tests/fuzz/html_fuzz.c holds the two against each other.
 */
#include "core/lib/html_well_formed.h"

#include <string.h>

#include <unistr.h>

#include "core/lib/html_element.h"
#include "core/lib/html_reference.h"
#include "core/lib/html_token.h"

#define FIRST_CHILDREN 4

struct builder {
	struct bf_arena *arena;
	GumboNode *open[BF_HTML_OPEN_MOST + 1]; /* the root first */
	size_t depth;                           /* index of the innermost */
	unsigned char counts[GUMBO_TAG_LAST];   /* open ones of a name */
	bool after_pre; /* its tag is what was read last */
};

/* ---- text ---- */

/* Decodes what begins with "&" and goes past it. 0, or -1 where that takes
 * the names of all references. */
static int
decode_reference(const char **at, const char *end, char **out)
{
	const size_t left = (size_t)(end - *at);
	size_t used;
	const char *text = bf_html_reference(*at, left, &used);

	if (!text && left > 1 && (*at)[1] == ' ') {
		text = "&";
		used = 1;
	}
	if (!text)
		return -1;
	*out = stpcpy(*out, text);
	*at += used;
	return 0;
}

/* Copies a character that is not ASCII. -1 for one that a parser replaces. */
static int
copy_wide(const char **at, const char *end, char **out)
{
	ucs4_t character;
	const int size =
	    u8_mbtoucr(&character, (const uint8_t *)*at, (size_t)(end - *at));

	if (size <= 0 || character < 0xa0 ||
	    (character >= 0xfdd0 && character <= 0xfdef) ||
	    (character & 0xfffe) == 0xfffe)
		return -1;
	memcpy(*out, *at, (size_t)size);
	*out += size;
	*at += size;
	return 0;
}

/* The text that a piece of HTML stands for, in the arena; or NULL. */
static const char *
decode(struct bf_arena *arena, struct bf_html_piece piece)
{
	char *const text = bf_arena_take(arena, piece.size + 1);
	const char *at = piece.text, *const end = at + piece.size;
	char *out = text;

	while (at < end) {
		const unsigned char c = (unsigned char)*at;
		int status = 0;

		if (c == '&')
			status = decode_reference(&at, end, &out);
		else if (c >= 0x80)
			status = copy_wide(&at, end, &out);
		else if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
			status = -1;
		else
			*out++ = *at++;
		if (status == -1)
			return NULL;
	}
	*out = '\0';
	return text;
}

/* ---- the tree ---- */

static GumboNode *
new_node(struct bf_arena *arena, GumboNodeType type)
{
	GumboNode *node = bf_arena_take(arena, sizeof(*node));

	memset(node, 0, sizeof(*node));
	node->type = type;
	return node;
}

/* Makes room for one more in a vector that is full. */
static void
grow(struct bf_arena *arena, GumboVector *vector)
{
	const unsigned capacity =
	    vector->capacity > 0 ? 2 * vector->capacity : FIRST_CHILDREN;
	void **data = bf_arena_take(arena, capacity * sizeof(*data));

	if (vector->length > 0)
		memcpy(data, vector->data, vector->length * sizeof(*data));
	vector->data = data;
	vector->capacity = capacity;
}

static void
add(struct bf_arena *arena, GumboVector *vector, void *item)
{
	if (vector->length == vector->capacity)
		grow(arena, vector);
	vector->data[vector->length++] = item;
}

static void
add_node(struct builder *builder, GumboNode *node)
{
	GumboNode *parent = builder->open[builder->depth];

	node->parent = parent;
	node->index_within_parent = parent->v.element.children.length;
	add(builder->arena, &parent->v.element.children, node);
}

static GumboTag
innermost(const struct builder *builder)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): always set */
	return builder->open[builder->depth]->v.element.tag;
}

/* Whether text and most elements can't be in an element. */
static bool
takes_parts_only(GumboTag tag)
{
	return tag == GUMBO_TAG_TABLE ||
	       (bf_html_element(tag) & (BF_HTML_PART | BF_HTML_CELL)) ==
		   BF_HTML_PART;
}

static int
add_text(struct builder *builder, struct bf_html_piece piece)
{
	/* The end of the line that a pre begins on is no text. */
	const bool skip = builder->after_pre && *piece.text == '\n';
	const char *text = decode(builder->arena, piece);
	GumboNode *node;

	if (!text || (takes_parts_only(innermost(builder)) &&
			 text[strspn(text, " \t\n")] != '\0'))
		return -1;
	node = new_node(builder->arena, GUMBO_NODE_TEXT);
	node->v.text.text = text + skip;
	add_node(builder, node);
	return 0;
}

/* Whether a part of a table stands where it can. */
static bool
part_fits(GumboTag tag, GumboTag parent)
{
	switch (tag) {
	case GUMBO_TAG_TD:
	case GUMBO_TAG_TH:
		return parent == GUMBO_TAG_TR;
	case GUMBO_TAG_TR:
		return parent != GUMBO_TAG_TR && takes_parts_only(parent);
	default:
		return parent == GUMBO_TAG_TABLE;
	}
}

static bool
is_heading(GumboTag tag)
{
	return tag == GUMBO_TAG_H1 || tag == GUMBO_TAG_H2 ||
	       tag == GUMBO_TAG_H3 || tag == GUMBO_TAG_H4 ||
	       tag == GUMBO_TAG_H5 || tag == GUMBO_TAG_H6;
}

/* Whether an element can begin in the one that is open, and ends none. */
static bool
fits(const struct builder *builder, GumboTag tag)
{
	const unsigned flags = bf_html_element(tag);
	const GumboTag parent = innermost(builder);

	if (flags & BF_HTML_PART)
		return part_fits(tag, parent);
	if (takes_parts_only(parent))
		return false;
	if (flags & BF_HTML_CLOSES_P && builder->counts[GUMBO_TAG_P] > 0)
		return false;
	if (flags & BF_HTML_FORMATTING && builder->counts[tag] > 0)
		return false;
	if (tag == GUMBO_TAG_LI)
		return parent == GUMBO_TAG_UL || parent == GUMBO_TAG_OL;
	if (flags & BF_HTML_LISTED)
		return parent == GUMBO_TAG_DL;
	return !is_heading(tag) || !is_heading(parent);
}

static int
add_attributes(struct builder *builder, GumboNode *node,
    const struct bf_html_token *token)
{
	for (size_t i = 0; i < BF_HTML_ATTRIBUTES; i++) {
		GumboAttribute *attribute;

		if (!token->attributes[i].text)
			continue;
		attribute = bf_arena_take(builder->arena, sizeof(*attribute));
		*attribute = (GumboAttribute){
			.name =
			    bf_html_attribute_name((enum bf_html_attribute)i),
			.value = decode(builder->arena, token->attributes[i]),
		};
		if (!attribute->value)
			return -1;
		add(builder->arena, &node->v.element.attributes, attribute);
	}
	return 0;
}

static int
begin_element(struct builder *builder, const struct bf_html_token *token)
{
	GumboNode *node;

	if (!fits(builder, token->tag) || builder->depth == BF_HTML_OPEN_MOST)
		return -1;
	node = new_node(builder->arena, GUMBO_NODE_ELEMENT);
	node->v.element.tag = token->tag;
	if (add_attributes(builder, node, token) == -1)
		return -1;
	add_node(builder, node);
	if (bf_html_element(token->tag) & BF_HTML_VOID)
		return 0;
	builder->open[++builder->depth] = node;
	builder->counts[token->tag]++;
	return 0;
}

static int
end_element(struct builder *builder, GumboTag tag)
{
	if (innermost(builder) != tag)
		return -1;
	builder->depth--;
	builder->counts[tag]--;
	return 0;
}

const GumboNode *
bf_html_well_formed(const char *html, size_t size, struct bf_arena *arena)
{
	struct bf_html_tokens tokens = { .at = html, .end = html + size };
	struct bf_html_token token;
	struct builder builder = { .arena = arena };
	size_t work = size;

	builder.open[0] = new_node(arena, GUMBO_NODE_ELEMENT);
	builder.open[0]->v.element.tag = GUMBO_TAG_BODY;
	while (work <= BF_HTML_WORK_MOST && bf_html_next(&tokens, &token)) {
		int status;

		if (token.kind == BF_HTML_TEXT) {
			status = add_text(&builder, token.text);
		} else if (!(bf_html_element(token.tag) & BF_HTML_KEPT)) {
			continue;
		} else {
			status = token.kind == BF_HTML_TAG
				     ? begin_element(&builder, &token)
				     : end_element(&builder, token.tag);
			work += BF_HTML_TAG_WORK;
		}
		if (status == -1)
			return NULL;
		builder.after_pre =
		    token.kind == BF_HTML_TAG && token.tag == GUMBO_TAG_PRE;
	}
	return work <= BF_HTML_WORK_MOST ? builder.open[0] : NULL;
}
