/*
 * escape.c - text that formats nothing and mentions nobody
 *
 * Runs of harmless ASCII are copied; each other character is a case. mrkdwn
 * has no escape for its markers: a zero-width space behind one keeps it from
 * opening (an opener is followed by no space) and from closing (a closer is
 * followed by no letter), whichever of the two Slack takes that character for.
 *
 * Source: Slack, "Formatting text for app surfaces"; Discord, "Markdown Text
 * 101" and "Message Formatting".
 */
#include "core/lib/escape.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <unigbrk.h>
#include <unistr.h>

#include <belfry/memory.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* A text that is being escaped. */
struct escape {
	struct bf_fit *fit;
	enum bf_markup markup;
	unsigned where;
	const char *text, *next, *end;
	const char *stop; /* no run of harmless characters goes beyond */
};

static bool
is_alnum(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* The byte before the next one and the one behind it; ' ' at the ends. */
static int
before(const struct escape *escape)
{
	return escape->next > escape->text ? (unsigned char)escape->next[-1]
					   : ' ';
}

static int
behind(const struct escape *escape)
{
	return escape->next + 1 < escape->end ? (unsigned char)escape->next[1]
					      : ' ';
}

static void
put(struct escape *escape, const char *text)
{
	bf_buf_add_text(escape->fit->out, text);
}

/* Copies size bytes of the text. */
static void
copy(struct escape *escape, size_t size)
{
	bf_buf_add(escape->fit->out, escape->next, size);
	escape->fit->shown += bf_length(escape->next, size, BF_UNIT_CODE_POINT);
	escape->next += size;
}

/* The length of ":name:" at the next byte, were it an emoji; or 0. */
static size_t
emoji_name(const struct escape *escape)
{
	const char *at = escape->next + 1;
	bool letter = false;

	if (is_alnum(before(escape)))
		return 0;
	while (at < escape->end &&
	       (is_alnum(*at) || *at == '_' || *at == '+' || *at == '-')) {
		letter = letter || !(*at >= '0' && *at <= '9');
		at++;
	}
	return letter && at < escape->end && *at == ':'
		   ? (size_t)(at + 1 - escape->next)
		   : 0;
}

/* Whether Discord takes the @ at a byte of the text for a mention. */
static bool
mentions(const struct escape *escape, const char *at)
{
	const size_t left = (size_t)(escape->end - at);

	return (at > escape->text && at[-1] == '<') ||
	       (left > 8 && strncasecmp(at, "@everyone", 9) == 0) ||
	       (left > 4 && strncasecmp(at, "@here", 5) == 0);
}

/* Whether the piece of text ends where a mention may go on: the next piece, of
 * another style, can finish it. */
static bool
begins_mention(const struct escape *escape, const char *at)
{
	const size_t left = (size_t)(escape->end - at);

	return (left < 9 && strncasecmp(at, "@everyone", left) == 0) ||
	       (left < 5 && strncasecmp(at, "@here", left) == 0);
}

/* The length of the http or https URL that begins at the next byte; or 0. */
static size_t
url_length(const struct escape *escape)
{
	static const char url[] = "-._:/?#@!$&'+,;=%~";
	const size_t left = (size_t)(escape->end - escape->next);
	size_t scheme = 0, size;

	if (escape->where & (BF_IN_CODE | BF_IN_LABEL) ||
	    is_alnum(before(escape)))
		return 0;
	if (left > 7 && strncasecmp(escape->next, "http://", 7) == 0)
		scheme = 7;
	else if (left > 8 && strncasecmp(escape->next, "https://", 8) == 0)
		scheme = 8;
	if (scheme == 0)
		return 0;
	for (size = scheme; size < left; size++) {
		const char c = escape->next[size];

		if (!is_alnum(c) && (c == '\0' || !strchr(url, c)))
			break;
		if (c == '@' && mentions(escape, escape->next + size))
			break;
	}
	/* What ends a sentence ends no URL. */
	while (size > scheme && strchr(".,:;!?'", escape->next[size - 1]))
		size--;
	return size > scheme ? size : 0;
}

/* ---- Slack's mrkdwn ---- */

/* Whether a marker of mrkdwn at the next byte could open or close something. */
static bool
formats(const struct escape *escape)
{
	const bool word_before = is_alnum(before(escape));

	if (*escape->next == '`')
		return true;
	if (word_before && is_alnum(behind(escape)))
		return false; /* snake_case, 2*3 */
	if (before(escape) == ' ' && behind(escape) == ' ' &&
	    !(escape->where & BF_IN_STYLE))
		return false; /* alone */
	return escape->where & BF_IN_STYLE || !word_before;
}

static void
put_entities(struct escape *escape, size_t size)
{
	for (; size > 0; size--) {
		if (*escape->next == '&')
			put(escape, "&amp;");
		else if (*escape->next == '<')
			put(escape, "&lt;");
		else if (*escape->next == '>')
			put(escape, "&gt;");
		else
			bf_buf_add_byte(escape->fit->out, *escape->next);
		escape->next++;
		escape->fit->shown++;
	}
}

static void
escape_mrkdwn(struct escape *escape)
{
	const char c = *escape->next;
	size_t size;

	switch (c) {
	case '>':
		if (escape->where & BF_AT_LINE_START &&
		    escape->next == escape->text)
			put(escape, BF_ZERO_WIDTH_SPACE);
		/* fall through */
	case '&':
	case '<':
		put_entities(escape, 1);
		return;
	case 'h':
	case 'H':
		size = url_length(escape);
		if (size == 0)
			break;
		bf_buf_add_byte(escape->fit->out, '<');
		put_entities(escape, size);
		bf_buf_add_byte(escape->fit->out, '>');
		return;
	case ':':
		if (escape->where & BF_IN_CODE || emoji_name(escape) == 0)
			break;
		copy(escape, 1);
		put(escape, BF_ZERO_WIDTH_SPACE);
		return;
	default: /* * _ ~ ` */
		if (escape->where & BF_IN_CODE ? c != '`' : !formats(escape))
			break;
		copy(escape, 1);
		put(escape, BF_ZERO_WIDTH_SPACE);
		return;
	}
	copy(escape, 1);
}

/* ---- Discord's Markdown ---- */

/* Whether the text begins with a number that would make it a list item, the
 * next byte being what follows the number. */
static bool
numbers(const struct escape *escape)
{
	const char *at = escape->text;

	while (at < escape->next && *at >= '0' && *at <= '9')
		at++;
	return at == escape->next && at > escape->text;
}

static void
escape_markdown(struct escape *escape)
{
	const bool starts = escape->where & BF_AT_LINE_START;
	const char c = *escape->next;

	if (c == '@') {
		const bool mention = mentions(escape, escape->next) ||
				     begins_mention(escape, escape->next);

		copy(escape, 1);
		if (mention)
			put(escape, BF_ZERO_WIDTH_SPACE);
		return;
	}
	if (escape->where & BF_IN_CODE) {
		copy(escape, 1);
		if (c == '`')
			put(escape, BF_ZERO_WIDTH_SPACE);
		return;
	}
	switch (c) {
	case 'h':
	case 'H':
		copy(escape, url_length(escape) > 0 ? url_length(escape) : 1);
		return;
	case '#':
	case '-':
	case '+':
	case '>':
		if (starts && escape->next == escape->text)
			put(escape, "\\");
		break;
	case '.':
	case ')':
		if (starts && numbers(escape))
			put(escape, "\\");
		break;
	case ':':
		if (emoji_name(escape) > 0)
			put(escape, "\\");
		break;
	default: /* \ * _ ~ ` | [ ] < */
		put(escape, "\\");
		break;
	}
	copy(escape, 1);
}

/* ---- any ---- */

/* Which characters are a case of their own, in which markup. */
#define S (1 << BF_SLACK_MRKDWN)
#define D (1 << BF_DISCORD_MARKDOWN)
static const unsigned char special[128] = {
	['&'] = S,
	['<'] = S | D,
	['>'] = S | D,
	['*'] = S | D,
	['_'] = S | D,
	['~'] = S | D,
	['`'] = S | D,
	[':'] = S | D,
	['h'] = S | D,
	['H'] = S | D,
	['\\'] = D,
	['|'] = D,
	['['] = D,
	[']'] = D,
	['#'] = D,
	['-'] = D,
	['+'] = D,
	['.'] = D,
	[')'] = D,
	['@'] = D,
};
#undef S
#undef D

/* Copies a character that is not ASCII. */
static void
escape_wide(struct escape *escape)
{
	const size_t left = (size_t)(escape->end - escape->next);
	ucs4_t character;
	const int size =
	    u8_mbtoucr(&character, (const uint8_t *)escape->next, left);

	if (size <= 0) {
		put(escape, REPLACEMENT);
		escape->fit->shown++;
		escape->next++;
	} else if (character < 0xa0) {
		escape->next += size; /* a control character */
	} else {
		copy(escape, (size_t)size);
	}
}

static void
escape_next(struct escape *escape)
{
	const unsigned mask = 1u << escape->markup;
	const char *at = escape->next;

	while (at < escape->stop && *at >= ' ' && *at < 0x7f &&
	       !(special[(unsigned char)*at] & mask))
		at++;
	if (at > escape->next)
		copy(escape, (size_t)(at - escape->next));
	else if ((unsigned char)*at >= 0x80)
		escape_wide(escape);
	else if ((*at < ' ' && *at != '\t') || *at == 0x7f)
		escape->next++; /* a control character */
	else if (escape->markup == BF_SLACK_MRKDWN)
		escape_mrkdwn(escape);
	else if (escape->markup == BF_DISCORD_MARKDOWN)
		escape_markdown(escape);
	else
		copy(escape, 1);
}

/*
 * Escapes text that may not fit, and marks where characters end, as a reader
 * sees them (UAX #29). What is beyond four bytes for each unit of the limit
 * can't fit anyway.
 */
static void
escape_by_cluster(struct escape *escape)
{
	const size_t left = (size_t)(escape->end - escape->next);
	const size_t most = 4 * escape->fit->limit.most + 4;
	const size_t size = left < most ? left : most;
	const char *start = escape->next;
	char *breaks = bf_zalloc(size, 1);

	u8_grapheme_breaks((const uint8_t *)start, size, breaks);
	for (size_t at = 0; at < size;) {
		do
			at++;
		while (at < size && !breaks[at]);
		escape->stop = start + at;
		while (escape->next < escape->stop)
			escape_next(escape);
		if (at < size || size == left)
			bf_fit_mark(escape->fit, at < size && start[at] == ' ');
	}
	escape->stop = escape->end;
	free(breaks);
}

void
bf_escape(struct bf_fit *fit, enum bf_markup markup, unsigned where,
    const char *text, size_t size)
{
	struct escape escape = { fit, markup, where, text, text, text + size,
		text + size };

	if (bf_fit_tight(fit, size))
		escape_by_cluster(&escape);
	while (escape.next < escape.end)
		escape_next(&escape);
}

/* Bytes of the control character at text; 0 if it is none, or if it separates
 * lines or words. */
static size_t
control_size(const char *text, size_t size)
{
	const unsigned char c = (unsigned char)*text;

	if (c < ' ' || c == 0x7f)
		return c != '\t' && c != '\n';
	return c == 0xc2 && size > 1 && (unsigned char)text[1] < 0xa0 &&
		       bf_separator(text, size) == 0
		   ? 2
		   : 0;
}

void
bf_drop_controls(struct bf_buf *text)
{
	size_t at = 0, kept = 0;

	while (at < text->size) {
		const size_t size =
		    control_size(text->data + at, text->size - at);

		if (size == 0)
			text->data[kept++] = text->data[at++];
		at += size;
	}
	text->size = kept;
	if (text->data)
		text->data[kept] = '\0';
}

size_t
bf_separator(const char *text, size_t size)
{
	if (size == 0)
		return 0;
	switch ((unsigned char)*text) {
	case ' ':
	case '\t':
	case '\n':
	case '\f':
	case '\r':
		return 1;
	case 0xc2:
		return size > 1 && ((unsigned char)text[1] == 0x85 ||
				       (unsigned char)text[1] == 0xa0)
			   ? 2
			   : 0;
	case 0xe2:
		return size > 2 && (unsigned char)text[1] == 0x80 &&
			       ((unsigned char)text[2] == 0xa8 ||
				   (unsigned char)text[2] == 0xa9)
			   ? 3
			   : 0;
	default:
		return 0;
	}
}
