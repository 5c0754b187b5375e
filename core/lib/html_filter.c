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

#include "core/lib/html_element.h"
#include "core/lib/html_token.h"

/* The elements that are open, and the number of those that were closed by the
 * end of another but will be opened again. */
struct open {
	GumboTag tags[BF_HTML_OPEN_MOST];
	size_t count, again;
};

/* Closes what is above index at. Formatting will be opened again, unless it
 * was opened in a cell that ends. */
static void
close_to(struct open *open, size_t at, bool forget)
{
	while (open->count > at) {
		if (bf_html_element(open->tags[--open->count]) &
			BF_HTML_FORMATTING &&
		    !forget)
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
	       (bf_html_element(open->tags[at]) & flags) == flags &&
	       !(bf_html_element(open->tags[at]) & BF_HTML_CELL) &&
	       open->tags[at] != but;
}

/* A part of a table ends what is open in the table but for its row or group. */
static void
close_for_part(struct open *open, GumboTag tag)
{
	const bool cell = tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH;
	size_t at = table_of(open);

	if ((cell || tag == GUMBO_TAG_TR) &&
	    is_open(open, at, BF_HTML_PART, GUMBO_TAG_TR))
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
		if (bf_html_element(open->tags[i]) & BF_HTML_CELL ||
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

		if (bf_html_element(at) & BF_HTML_LISTED &&
		    (at == GUMBO_TAG_LI) == in_list) {
			close_to(open, i, false);
			return;
		}
		if (bf_html_element(at) & BF_HTML_CLOSES_P &&
		    at != GUMBO_TAG_ADDRESS && at != GUMBO_TAG_DIV &&
		    at != GUMBO_TAG_P)
			return;
	}
}

/* A link ends the link that it would be in. */
static void
close_for_link(struct open *open)
{
	for (size_t i = open->count;
	     i-- > 0 && !(bf_html_element(open->tags[i]) & BF_HTML_CELL);) {
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
	const unsigned flags = bf_html_element(tag);

	if (flags & BF_HTML_PART)
		close_for_part(open, tag);
	else if (flags & BF_HTML_LISTED)
		close_for_item(open, tag);
	else if (tag == GUMBO_TAG_A)
		close_for_link(open);
	if (tag == GUMBO_TAG_TABLE)
		close_for_block(open, tag);
	if (flags & BF_HTML_CLOSES_P && !(flags & BF_HTML_PART))
		close_for_block(open, GUMBO_TAG_P);
	if (flags & BF_HTML_VOID)
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
	const unsigned flags = bf_html_element(tag);

	if (at == GUMBO_TAG_TABLE)
		return true;
	if (flags & BF_HTML_PART || tag == GUMBO_TAG_TABLE)
		return false;
	if (bf_html_element(at) & BF_HTML_CELL)
		return true;
	if (tag == GUMBO_TAG_LI)
		return at == GUMBO_TAG_UL || at == GUMBO_TAG_OL;
	return !(flags & (BF_HTML_CLOSES_P | BF_HTML_FORMATTING)) &&
	       bf_html_element(at) & BF_HTML_CLOSES_P;
}

static void
count_end_tag(struct open *open, GumboTag tag)
{
	for (size_t i = open->count; i-- > 0;) {
		if (open->tags[i] == tag) {
			if (bf_html_element(tag) & BF_HTML_FORMATTING)
				close_one(open, i);
			else
				close_to(open, i,
				    bf_html_element(tag) & BF_HTML_CELL);
			return;
		}
		if (hides(open->tags[i], tag))
			break;
	}
	if (bf_html_element(tag) & BF_HTML_FORMATTING && open->again > 0)
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

/* Appends text. A "<" in it begins no tag; at its end one might. */
static void
add_text(struct bf_buf *out, struct bf_html_piece text)
{
	const bool less = text.text[text.size - 1] == '<';

	bf_buf_add(out, text.text, text.size - less);
	if (less)
		bf_buf_add_text(out, "&lt;");
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
		if (!(bf_html_element(token.tag) & BF_HTML_KEPT) ||
		    (bf_html_element(token.tag) & BF_HTML_PART &&
			table_of(&open) == 0))
			continue;
		if (token.kind == BF_HTML_END_TAG)
			count_end_tag(&open, token.tag);
		else if (count_tag(&open, token.tag) == -1)
			return -1;
		add_tag(out, &token);
		work += BF_HTML_TAG_WORK;
	}
	return work <= BF_HTML_WORK_MOST ? 0 : -1;
}
