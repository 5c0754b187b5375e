/*
 * html_token.c - HTML token by token
 *
 * What is a tag, an attribute, a comment is decided as browsers do (WHATWG
 * HTML, section 13.2.5), but for states that depend on the tree. Those are of
 * elements whose content is left out here anyway.
 */
#include "core/lib/html_token.h"

#include <string.h>
#include <strings.h>

static const char *const attribute_names[BF_HTML_ATTRIBUTES] = {
	[BF_HTML_ALT] = "alt",
	[BF_HTML_HIDDEN] = "hidden",
	[BF_HTML_HREF] = "href",
	[BF_HTML_SRC] = "src",
	[BF_HTML_START] = "start",
	[BF_HTML_STYLE] = "style",
	[BF_HTML_VALUE] = "value",
};

/* Elements whose content is not shown, or not as HTML. */
static const bool left_out[GUMBO_TAG_LAST] = {
	[GUMBO_TAG_SCRIPT] = true,
	[GUMBO_TAG_STYLE] = true,
	[GUMBO_TAG_TITLE] = true,
	[GUMBO_TAG_TEMPLATE] = true,
	[GUMBO_TAG_TEXTAREA] = true,
	[GUMBO_TAG_SELECT] = true,
	[GUMBO_TAG_IFRAME] = true,
	[GUMBO_TAG_NOEMBED] = true,
	[GUMBO_TAG_NOFRAMES] = true,
	[GUMBO_TAG_OBJECT] = true,
	[GUMBO_TAG_AUDIO] = true,
	[GUMBO_TAG_VIDEO] = true,
	[GUMBO_TAG_CANVAS] = true,
	[GUMBO_TAG_SVG] = true,
	[GUMBO_TAG_MATH] = true,
};

const char *
bf_html_attribute_name(enum bf_html_attribute attribute)
{
	return attribute_names[attribute];
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* Past the next one of the text, or the end. */
static const char *
past(const struct bf_html_tokens *tokens, const char *at, const char *text)
{
	const char *found =
	    memmem(at, (size_t)(tokens->end - at), text, strlen(text));

	return found ? found + strlen(text) : tokens->end;
}

/* Past what begins with "<!", "<?" or "</" and is no tag. */
static const char *
past_comment(const struct bf_html_tokens *tokens, const char *at)
{
	const size_t left = (size_t)(tokens->end - at);
	const char *end, *other;

	if (left < 4 || memcmp(at, "<!--", 4) != 0)
		return past(tokens, at, ">");
	at += 4;
	if (at < tokens->end && *at == '>')
		return at + 1;
	if (tokens->end - at > 1 && memcmp(at, "->", 2) == 0)
		return at + 2;
	end = past(tokens, at, "-->");
	other = memmem(at, (size_t)(end - at), "--!>", 4);
	return other ? other + 4 : end;
}

/* Notes an attribute if it is one of those that matter. */
static void
note(struct bf_html_token *token, struct bf_html_piece name,
    struct bf_html_piece value)
{
	for (size_t i = 0; i < BF_HTML_ATTRIBUTES; i++) {
		if (strlen(attribute_names[i]) == name.size &&
		    strncasecmp(attribute_names[i], name.text, name.size) ==
			0 &&
		    !token->attributes[i].text)
			token->attributes[i] = value;
	}
}

/* Reads a value and returns what is past it. */
static const char *
read_value(const struct bf_html_tokens *tokens, const char *at,
    struct bf_html_piece *value)
{
	const char *end = at;

	if (at < tokens->end && (*at == '"' || *at == '\'')) {
		end = memchr(at + 1, *at, (size_t)(tokens->end - at - 1));
		if (!end)
			return tokens->end;
		*value =
		    (struct bf_html_piece){ at + 1, (size_t)(end - at - 1) };
		return end + 1;
	}
	while (end < tokens->end && !is_space(*end) && *end != '>')
		end++;
	*value = (struct bf_html_piece){ at, (size_t)(end - at) };
	return end;
}

/* Reads attributes up to the end of a tag and returns what is past it. */
static const char *
read_attributes(const struct bf_html_tokens *tokens, const char *at,
    struct bf_html_token *token)
{
	while (at < tokens->end && *at != '>') {
		struct bf_html_piece name = { at, 0 }, value = { at, 0 };

		if (is_space(*at) || *at == '/') {
			at++;
			continue;
		}
		do
			at++;
		while (
		    at < tokens->end && !is_space(*at) && !strchr("/>=", *at));
		name.size = (size_t)(at - name.text);
		while (at < tokens->end && is_space(*at))
			at++;
		if (at < tokens->end && *at == '=') {
			do
				at++;
			while (at < tokens->end && is_space(*at));
			at = read_value(tokens, at, &value);
		}
		note(token, name, value);
	}
	return at < tokens->end ? at + 1 : NULL;
}

/* Past the end tag of the element, or NULL if there is none. */
static const char *
past_element(struct bf_html_tokens *tokens, GumboTag tag)
{
	const char *name = gumbo_normalized_tagname(tag);
	const size_t size = strlen(name);
	const char *at = tokens->at;

	while (!tokens->endless[tag] && at < tokens->end) {
		const size_t left = (size_t)(tokens->end - at);
		const char *found = memmem(at, left, "</", 2);

		if (!found)
			break;
		at = found + 2;
		if ((size_t)(tokens->end - at) > size &&
		    strncasecmp(at, name, size) == 0 &&
		    (is_space(at[size]) || strchr("/>", at[size])))
			return past(tokens, at, ">");
	}
	tokens->endless[tag] = true;
	return NULL;
}

/* Reads the tag at the next byte; false if the text ends within. */
static bool
read_tag(struct bf_html_tokens *tokens, struct bf_html_token *token)
{
	const bool ends = tokens->at[1] == '/';
	const char *name = tokens->at + 1 + ends, *at = name;

	while (at < tokens->end && !is_space(*at) && *at != '/' && *at != '>')
		at++;
	token->kind = ends ? BF_HTML_END_TAG : BF_HTML_TAG;
	token->tag = gumbo_tagn_enum(name, (unsigned)(at - name));
	at = read_attributes(tokens, at, token);
	tokens->at = at ? at : tokens->end;
	return at != NULL;
}

/* Whether a tag, a comment or the like begins at a "<". */
static bool
begins_markup(const char *at, const char *end)
{
	if (end - at < 2)
		return false;
	if (at[1] == '/')
		return end - at > 2;
	return is_letter(at[1]) || at[1] == '!' || at[1] == '?';
}

/* Reads a run of text, in which a "<" may be that begins no tag. */
static void
read_text(struct bf_html_tokens *tokens, struct bf_html_token *token)
{
	const char *end = tokens->at;

	while (end < tokens->end &&
	       (*end != '<' || !begins_markup(end, tokens->end))) {
		end++;
		if (end < tokens->end && *end != '<')
			end = memchr(end, '<', (size_t)(tokens->end - end));
		if (!end)
			end = tokens->end;
	}
	token->kind = BF_HTML_TEXT;
	token->text =
	    (struct bf_html_piece){ tokens->at, (size_t)(end - tokens->at) };
	tokens->at = end;
}

bool
bf_html_next(struct bf_html_tokens *tokens, struct bf_html_token *token)
{
	while (tokens->at < tokens->end) {
		const char *at = tokens->at, *past_it;

		*token = (struct bf_html_token){ .tag = GUMBO_TAG_UNKNOWN };
		if (*at != '<' || !begins_markup(at, tokens->end)) {
			read_text(tokens, token);
			return true;
		}
		if (!is_letter(at[1]) && !(at[1] == '/' && is_letter(at[2]))) {
			tokens->at = past_comment(tokens, at);
			continue;
		}
		if (!read_tag(tokens, token))
			return false;
		if (token->tag >= GUMBO_TAG_LAST || !left_out[token->tag])
			return true;
		past_it = token->kind == BF_HTML_TAG
			      ? past_element(tokens, token->tag)
			      : NULL;
		if (past_it)
			tokens->at = past_it;
	}
	return false;
}
