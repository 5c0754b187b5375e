/*
 * html_filter.c - HTML that costs a parser little
 *
 * Parsing takes time in proportion to the elements that are open. So they are
 * counted here first, by the rules of tree construction (WHATWG HTML, section
 * 13.2.6) as far as they close elements; where those are too many to follow,
 * an element counts as open. The parser is given the tags that were counted
 * and no others, so the two can't disagree about what a tag is.
 */
#include "core/lib/html_filter.h"

#include <string.h>

#include "core/lib/html_token.h"

#define TAG_WORK 10 /* what a tag costs a parser, in bytes of text */

enum {
	KEPT = 1,
	VOID = 2,       /* never open */
	FORMATTING = 4, /* opened again until its own end tag */
	BLOCK = 8,      /* closes a p; an inline end tag stops at it */
	ITEM = 16,      /* closes an item of its list */
	PART = 32,      /* of a table; of no meaning elsewhere */
	CELL = 64,      /* forgets the formatting that was opened within */
};

static const unsigned char elements[GUMBO_TAG_LAST] = {
	[GUMBO_TAG_A] = KEPT | FORMATTING,
	[GUMBO_TAG_B] = KEPT | FORMATTING,
	[GUMBO_TAG_CODE] = KEPT | FORMATTING,
	[GUMBO_TAG_EM] = KEPT | FORMATTING,
	[GUMBO_TAG_I] = KEPT | FORMATTING,
	[GUMBO_TAG_S] = KEPT | FORMATTING,
	[GUMBO_TAG_STRIKE] = KEPT | FORMATTING,
	[GUMBO_TAG_STRONG] = KEPT | FORMATTING,
	[GUMBO_TAG_TT] = KEPT | FORMATTING,
	[GUMBO_TAG_DEL] = KEPT,
	[GUMBO_TAG_KBD] = KEPT,
	[GUMBO_TAG_SAMP] = KEPT,
	[GUMBO_TAG_Q] = KEPT,
	[GUMBO_TAG_SPAN] = KEPT,
	[GUMBO_TAG_BR] = KEPT | VOID,
	[GUMBO_TAG_HR] = KEPT | VOID | BLOCK,
	[GUMBO_TAG_IMG] = KEPT | VOID,
	[GUMBO_TAG_ADDRESS] = KEPT | BLOCK,
	[GUMBO_TAG_ARTICLE] = KEPT | BLOCK,
	[GUMBO_TAG_ASIDE] = KEPT | BLOCK,
	[GUMBO_TAG_BLOCKQUOTE] = KEPT | BLOCK,
	[GUMBO_TAG_CENTER] = KEPT | BLOCK,
	[GUMBO_TAG_DETAILS] = KEPT | BLOCK,
	[GUMBO_TAG_DIV] = KEPT | BLOCK,
	[GUMBO_TAG_DL] = KEPT | BLOCK,
	[GUMBO_TAG_FIGURE] = KEPT | BLOCK,
	[GUMBO_TAG_FIGCAPTION] = KEPT | BLOCK,
	[GUMBO_TAG_FOOTER] = KEPT | BLOCK,
	[GUMBO_TAG_H1] = KEPT | BLOCK,
	[GUMBO_TAG_H2] = KEPT | BLOCK,
	[GUMBO_TAG_H3] = KEPT | BLOCK,
	[GUMBO_TAG_H4] = KEPT | BLOCK,
	[GUMBO_TAG_H5] = KEPT | BLOCK,
	[GUMBO_TAG_H6] = KEPT | BLOCK,
	[GUMBO_TAG_HEADER] = KEPT | BLOCK,
	[GUMBO_TAG_MAIN] = KEPT | BLOCK,
	[GUMBO_TAG_NAV] = KEPT | BLOCK,
	[GUMBO_TAG_OL] = KEPT | BLOCK,
	[GUMBO_TAG_P] = KEPT | BLOCK,
	[GUMBO_TAG_PRE] = KEPT | BLOCK,
	[GUMBO_TAG_SECTION] = KEPT | BLOCK,
	[GUMBO_TAG_SUMMARY] = KEPT | BLOCK,
	[GUMBO_TAG_UL] = KEPT | BLOCK,
	[GUMBO_TAG_LI] = KEPT | BLOCK | ITEM,
	[GUMBO_TAG_DD] = KEPT | BLOCK | ITEM,
	[GUMBO_TAG_DT] = KEPT | BLOCK | ITEM,
	[GUMBO_TAG_TABLE] = KEPT | BLOCK,
	[GUMBO_TAG_CAPTION] = KEPT | BLOCK | PART | CELL,
	[GUMBO_TAG_THEAD] = KEPT | BLOCK | PART,
	[GUMBO_TAG_TBODY] = KEPT | BLOCK | PART,
	[GUMBO_TAG_TFOOT] = KEPT | BLOCK | PART,
	[GUMBO_TAG_TR] = KEPT | BLOCK | PART,
	[GUMBO_TAG_TD] = KEPT | BLOCK | PART | CELL,
	[GUMBO_TAG_TH] = KEPT | BLOCK | PART | CELL,
};

/* The elements that are open, and the number of those that were closed by the
 * end of another but will be opened again. */
struct open {
	GumboTag tags[BF_HTML_OPEN_MOST];
	size_t count, again;
};

static unsigned
flags_of(GumboTag tag)
{
	return elements[tag];
}

/* Closes what is above index at. Formatting will be opened again, unless it
 * was opened in a cell that ends. */
static void
close_to(struct open *open, size_t at, bool forget)
{
	while (open->count > at) {
		if (flags_of(open->tags[--open->count]) & FORMATTING && !forget)
			open->again++;
	}
}

/* Closes one element, and not those that were opened in it. */
static void
close_one(struct open *open, size_t at)
{
	memmove(&open->tags[at], &open->tags[at + 1],
	    (--open->count - at) * sizeof(*open->tags));
}

/* Where the innermost table begins: its index + 1, or 0. */
static size_t
table_of(const struct open *open)
{
	size_t at = open->count;

	while (at > 0 && open->tags[at - 1] != GUMBO_TAG_TABLE)
		at--;
	return at;
}

static bool
is_open(const struct open *open, size_t at, unsigned flags, GumboTag but)
{
	return at < open->count &&
	       (flags_of(open->tags[at]) & flags) == flags &&
	       !(flags_of(open->tags[at]) & CELL) && open->tags[at] != but;
}

/* A part of a table ends what is open in the table but for its row or group. */
static void
close_for_part(struct open *open, GumboTag tag)
{
	const bool cell = tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH;
	size_t at = table_of(open);

	if ((cell || tag == GUMBO_TAG_TR) &&
	    is_open(open, at, PART, GUMBO_TAG_TR))
		at++;
	if (cell && at < open->count && open->tags[at] == GUMBO_TAG_TR)
		at++;
	close_to(open, at, true);
}

/* A block ends a p, and a table one that it is not in a cell of. */
static void
close_for_block(struct open *open, GumboTag ends)
{
	for (size_t i = open->count; i-- > 0;) {
		if (open->tags[i] == ends) {
			close_to(open, i, false);
			return;
		}
		if (flags_of(open->tags[i]) & CELL ||
		    open->tags[i] == GUMBO_TAG_TABLE)
			return;
	}
}

/* An item ends the one before it, which may have other blocks within: only
 * address, div and p don't hide it. */
static void
close_for_item(struct open *open, GumboTag tag)
{
	const bool in_list = tag == GUMBO_TAG_LI;

	for (size_t i = open->count; i-- > 0;) {
		const GumboTag at = open->tags[i];

		if (flags_of(at) & ITEM && (at == GUMBO_TAG_LI) == in_list) {
			close_to(open, i, false);
			return;
		}
		if (flags_of(at) & BLOCK && at != GUMBO_TAG_ADDRESS &&
		    at != GUMBO_TAG_DIV && at != GUMBO_TAG_P)
			return;
	}
}

/* A link ends the link that it would be in. */
static void
close_for_link(struct open *open)
{
	for (size_t i = open->count;
	     i-- > 0 && !(flags_of(open->tags[i]) & CELL);) {
		if (open->tags[i] == GUMBO_TAG_A) {
			close_one(open, i);
			return;
		}
	}
}

/* Counts a start tag. 0, or -1 where too many elements are open. */
static int
count_tag(struct open *open, GumboTag tag)
{
	const unsigned flags = flags_of(tag);

	if (flags & PART)
		close_for_part(open, tag);
	else if (flags & ITEM)
		close_for_item(open, tag);
	else if (tag == GUMBO_TAG_A)
		close_for_link(open);
	if (tag == GUMBO_TAG_TABLE)
		close_for_block(open, tag);
	if (flags & BLOCK && !(flags & PART))
		close_for_block(open, GUMBO_TAG_P);
	if (flags & VOID)
		return 0;
	if (open->count + open->again >= BF_HTML_OPEN_MOST)
		return -1;
	open->tags[open->count++] = tag;
	return 0;
}

/* Whether an element hides what an end tag within it would close. */
static bool
hides(GumboTag at, GumboTag tag)
{
	const unsigned flags = flags_of(tag);

	if (at == GUMBO_TAG_TABLE)
		return true;
	if (flags & PART || tag == GUMBO_TAG_TABLE)
		return false;
	if (flags_of(at) & CELL)
		return true;
	if (tag == GUMBO_TAG_LI)
		return at == GUMBO_TAG_UL || at == GUMBO_TAG_OL;
	return !(flags & (BLOCK | FORMATTING)) && flags_of(at) & BLOCK;
}

static void
count_end_tag(struct open *open, GumboTag tag)
{
	for (size_t i = open->count; i-- > 0;) {
		if (open->tags[i] == tag) {
			if (flags_of(tag) & FORMATTING)
				close_one(open, i);
			else
				close_to(open, i, flags_of(tag) & CELL);
			return;
		}
		if (hides(open->tags[i], tag))
			break;
	}
	if (flags_of(tag) & FORMATTING && open->again > 0)
		open->again--;
}

/* Appends an attribute's value in double quotes. */
static void
add_value(struct bf_buf *out, struct bf_html_piece value)
{
	bf_buf_add_text(out, "=\"");
	for (size_t at = 0; at < value.size;) {
		const char *quote =
		    memchr(value.text + at, '"', value.size - at);
		const size_t run =
		    quote ? (size_t)(quote - value.text) - at : value.size - at;

		bf_buf_add(out, value.text + at, run);
		if (quote)
			bf_buf_add_text(out, "&quot;");
		at += run + (quote != NULL);
	}
	bf_buf_add_byte(out, '"');
}

static void
add_tag(struct bf_buf *out, const struct bf_html_token *token)
{
	bf_buf_add_text(out, token->kind == BF_HTML_TAG ? "<" : "</");
	bf_buf_add_text(out, gumbo_normalized_tagname(token->tag));
	for (size_t i = 0; i < BF_HTML_ATTRIBUTES; i++) {
		if (token->kind == BF_HTML_END_TAG ||
		    !token->attributes[i].text)
			continue;
		bf_buf_add_byte(out, ' ');
		bf_buf_add_text(out,
		    bf_html_attribute_name((enum bf_html_attribute)i));
		add_value(out, token->attributes[i]);
	}
	bf_buf_add_byte(out, '>');
}

/* Appends text, which may begin with a "<" that begins no tag. */
static void
add_text(struct bf_buf *out, struct bf_html_piece text)
{
	const bool less = *text.text == '<';

	if (less)
		bf_buf_add_text(out, "&lt;");
	bf_buf_add(out, text.text + less, text.size - less);
}

int
bf_html_filter(struct bf_buf *out, const char *html, size_t size)
{
	struct bf_html_tokens tokens = { .at = html, .end = html + size };
	struct bf_html_token token;
	struct open open = { .count = 0 };
	size_t work = size;

	while (work <= BF_HTML_WORK_MOST && bf_html_next(&tokens, &token)) {
		if (token.kind == BF_HTML_TEXT) {
			add_text(out, token.text);
			continue;
		}
		if (token.tag >= GUMBO_TAG_LAST ||
		    !(flags_of(token.tag) & KEPT) ||
		    (flags_of(token.tag) & PART && table_of(&open) == 0))
			continue;
		if (token.kind == BF_HTML_END_TAG)
			count_end_tag(&open, token.tag);
		else if (count_tag(&open, token.tag) == -1)
			return -1;
		add_tag(out, &token);
		work += TAG_WORK;
	}
	return work <= BF_HTML_WORK_MOST ? 0 : -1;
}
