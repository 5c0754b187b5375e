/*
 * lexer.c - nginx's tokens
 *
 * A word ends at white space, ";" or "{"; "}" and "#" mean something only
 * where a word would begin. Quotes go around whole words. A backslash takes the
 * meaning off a quote or another backslash, and writes tab, LF and CR as \t, \n
 * and \r; in front of anything else it stays, as in nginx.
 */
#include "core/conf/conf_private.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* How many bytes the UTF-8 character at text has; 0 if it is none. RFC 3629,
 * section 4: no overlong forms, no surrogates, nothing above U+10FFFF. */
static size_t
character_size(const unsigned char *text, size_t left)
{
	const unsigned char low = left > 1 ? text[1] : 0;
	size_t size;

	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	if (size > left)
		return 0;
	if ((text[0] == 0xe0 && low < 0xa0) || (text[0] == 0xed && low > 0x9f))
		return 0;
	if ((text[0] == 0xf0 && low < 0x90) || (text[0] == 0xf4 && low > 0x8f))
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return size;
}

static int
check_text(const char *file, const unsigned char *text, size_t size,
    struct bf_error *err)
{
	unsigned line = 1;
	size_t step;

	for (size_t i = 0; i < size; i += step) {
		step = character_size(text + i, size - i);
		if (step == 0) {
			bf_error_set(err,
			    "%s:%u: byte 0x%02x is not UTF-8; expected the "
			    "file in UTF-8",
			    file, line, text[i]);
			return -1;
		}
		if (text[i] == '\n')
			line++;
		else if (text[i] == 0x7f ||
			 (text[i] < 0x20 && !strchr("\t\r", text[i])) ||
			 text[i] == 0) {
			bf_error_set(err,
			    "%s:%u: control character 0x%02x; expected text",
			    file, line, text[i]);
			return -1;
		}
	}
	return 0;
}

int
bf_lexer_init(struct bf_lexer *lexer, const char *file, const char *text,
    size_t size, struct bf_error *err)
{
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	*lexer = (struct bf_lexer){ .file = file,
		.next = text,
		.end = text + size,
		.line = 1 };
	return check_text(file, (const unsigned char *)text, size, err);
}

void
bf_lexer_free(struct bf_lexer *lexer)
{
	bf_buf_wipe(&lexer->word);
}

static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void
skip_space_and_comments(struct bf_lexer *lexer)
{
	bool comment = false;

	for (; lexer->next < lexer->end; lexer->next++) {
		if (*lexer->next == '\n') {
			comment = false;
			lexer->line++;
		} else if (*lexer->next == '#') {
			comment = true;
		} else if (!comment && !is_space(*lexer->next)) {
			return;
		}
	}
}

static enum bf_token
bad(const struct bf_lexer *lexer, struct bf_error *err, const char *what)
{
	bf_error_set(err, "%s:%u: %s", lexer->file, lexer->token_line, what);
	return BF_TOKEN_BAD;
}

/* Takes a byte of a word, or two if they are an escape. Returns false when
 * the word gets too long. */
static bool
take_byte(struct bf_lexer *lexer)
{
	static const char from[] = "\"'\\trn", to[] = "\"'\\\t\r\n";
	const char *escape = NULL;
	char byte = *lexer->next++;

	if (byte == '\\' && lexer->next < lexer->end)
		escape = strchr(from, *lexer->next);
	if (escape && *escape != '\0') {
		byte = to[escape - from];
		lexer->next++;
	} else if (byte == '\n') {
		lexer->line++;
	}
	if (lexer->word.size >= BF_CONF_WORD_MAX)
		return false;
	bf_buf_add_byte(&lexer->word, byte);
	return true;
}

static enum bf_token
quoted_word(struct bf_lexer *lexer, struct bf_error *err)
{
	const char quote = *lexer->next++;

	for (;;) {
		if (lexer->next == lexer->end)
			return bad(lexer, err,
			    quote == '"'
				? "no closing quote; expected \" before the "
				  "end of the file"
				: "no closing quote; expected ' before the end "
				  "of the file");
		if (*lexer->next == quote)
			break;
		if (!take_byte(lexer))
			return bad(lexer, err,
			    "word too long; expected 64 KiB at most (is a "
			    "closing quote missing?)");
	}
	lexer->stop = ++lexer->next;
	if (lexer->next < lexer->end && !is_space(*lexer->next) &&
	    !strchr(";{}", *lexer->next))
		return bad(lexer, err,
		    "text directly after a closing quote; expected white "
		    "space, \";\" or \"{\"");
	return BF_TOKEN_WORD;
}

static enum bf_token
bare_word(struct bf_lexer *lexer, struct bf_error *err)
{
	while (lexer->next < lexer->end && !is_space(*lexer->next) &&
	       *lexer->next != ';' && *lexer->next != '{') {
		if (!take_byte(lexer))
			return bad(lexer, err,
			    "word too long; expected 64 KiB at most");
	}
	lexer->stop = lexer->next;
	return BF_TOKEN_WORD;
}

enum bf_token
bf_lexer_next(struct bf_lexer *lexer, struct bf_error *err)
{
	skip_space_and_comments(lexer);
	lexer->token_line = lexer->line;
	lexer->start = lexer->stop = lexer->next;
	bf_buf_clear(&lexer->word);
	if (lexer->next == lexer->end)
		return BF_TOKEN_END;
	switch (*lexer->next) {
	case '"':
	case '\'':
		return quoted_word(lexer, err);
	case ';':
		lexer->stop = ++lexer->next;
		return BF_TOKEN_SEMICOLON;
	case '{':
		lexer->stop = ++lexer->next;
		return BF_TOKEN_OPEN;
	case '}':
		lexer->stop = ++lexer->next;
		return BF_TOKEN_CLOSE;
	default:
		return bare_word(lexer, err);
	}
}
