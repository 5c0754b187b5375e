/*
 * write.c - sections and event types as mdoc and as Markdown
 */
#include "doc/reference/reference.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/registry/builtin.h"

#define WIDTH 78 /* of a line of mdoc */

/* Appends text as lines that are not too long, with a full stop. */
static void
write_sentence(const char *text, struct bf_buf *out)
{
	size_t column = 0;

	while (*text != '\0') {
		const size_t word = strcspn(text, " ");

		if (column > 0) {
			const bool wraps = column + 1 + word >= WIDTH;

			bf_buf_add_byte(out, wraps ? '\n' : ' ');
			column = wraps ? 0 : column + 1;
		}
		bf_buf_add(out, text, word);
		column += word;
		text += word;
		text += *text == ' ';
	}
	bf_buf_add_text(out, ".\n");
}

static bool
is_placeholder(char c)
{
	return isupper((unsigned char)c) || c == '_';
}

/* A piece of a word in one font. A delimiter at its ends would be taken out of
 * that font, so it is hidden. */
static void
write_piece_mdoc(const char *macro, const char *text, size_t size,
    struct bf_buf *out)
{
	const bool argument = strcmp(macro, "Ar") == 0;

	bf_buf_add_format(out, "%s ", macro);
	if (text[0] == ':')
		bf_buf_add_text(out, "\\&");
	for (size_t i = 0; i < size; i++)
		bf_buf_add_byte(out,
		    argument ? (char)tolower((unsigned char)text[i]) : text[i]);
	if (text[size - 1] == ':')
		bf_buf_add_text(out, "\\&");
}

/* One word of a syntax: capitals are arguments, the rest is as it is typed. */
static void
write_word_mdoc(const char *word, size_t size, bool literal, struct bf_buf *out)
{
	size_t piece;

	if (literal) {
		bf_buf_add_text(out, " ");
		write_piece_mdoc("Cm", word, size, out);
		return;
	}
	for (size_t i = 0; i < size; i += piece) {
		const bool argument = is_placeholder(word[i]);

		piece = 1;
		while (i + piece < size &&
		       is_placeholder(word[i + piece]) == argument)
			piece++;
		bf_buf_add_text(out, i == 0 ? " " : " Ns ");
		write_piece_mdoc(argument ? "Ar" : "Cm", word + i, piece, out);
	}
}

static void
write_syntax_mdoc(const struct entry *entry, struct bf_buf *out)
{
	const char *syntax = entry->syntax;

	while (*syntax != '\0') {
		const bool opens = *syntax == '[';
		const char *word = syntax + opens;
		const size_t whole = strcspn(word, " ");
		const bool closes = whole > 0 && word[whole - 1] == ']';
		const size_t size = whole - closes;

		bf_buf_add_text(out, opens ? " Oo" : "");
		if ((size == 1 && *word == '|') ||
		    (size == 3 && strncmp(word, "...", 3) == 0))
			bf_buf_add_format(out, " %.*s", (int)size, word);
		else
			write_word_mdoc(word, size, entry->literal, out);
		bf_buf_add_text(out, closes ? " Oc" : "");
		syntax = word + whole;
		syntax += *syntax == ' ';
	}
}

static void
write_fallback_mdoc(const char *fallback, struct bf_buf *out)
{
	/* Several directives are parted by a semicolon. */
	for (;;) {
		const size_t size = strcspn(fallback, ";");

		bf_buf_add_format(out, ".Li %.*s", (int)size, fallback);
		fallback += size;
		if (*fallback == '\0')
			break;
		bf_buf_add_text(out, "\nand\n");
		fallback++;
	}
	bf_buf_add_text(out, " .\n");
}

void
write_section_mdoc(const struct section *section, struct bf_buf *out)
{
	bf_buf_add_text(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < section->count; i++) {
		const struct entry *entry = &section->entries[i];

		bf_buf_add_text(out, ".It");
		if (is_placeholder(entry->name[0]))
			write_word_mdoc(entry->name, strlen(entry->name), false,
			    out);
		else
			bf_buf_add_format(out, " Ic %s", entry->name);
		write_syntax_mdoc(entry, out);
		bf_buf_add_text(out, entry->block ? " Brq ...\n" : "\n");
		write_sentence(entry->help, out);
		if (entry->required)
			bf_buf_add_text(out, "Required.\n");
		if (entry->repeats)
			bf_buf_add_text(out, "May be repeated.\n");
		if (entry->range)
			bf_buf_add_format(out, "From %s.\n", entry->range);
		if (entry->fallback) {
			bf_buf_add_text(out, "Default:\n");
			write_fallback_mdoc(entry->fallback, out);
		}
	}
	bf_buf_add_text(out, ".El\n");
}

/* Text for a cell of a table. */
static void
write_cell(const char *text, struct bf_buf *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			bf_buf_add_byte(out, '\\');
		bf_buf_add_byte(out, *text);
	}
}

static void
write_fallback_markdown(const struct entry *entry, struct bf_buf *out)
{
	if (entry->required) {
		bf_buf_add_text(out, "required");
	} else if (!entry->fallback) {
		bf_buf_add_text(out, "-");
	} else {
		bf_buf_add_byte(out, '`');
		for (const char *c = entry->fallback; *c != '\0'; c++) {
			if (*c == ';')
				bf_buf_add_text(out, "`, `");
			else
				bf_buf_add_byte(out, *c);
		}
		bf_buf_add_byte(out, '`');
	}
}

void
write_section_markdown(const struct section *section, struct bf_buf *out)
{
	bf_buf_add_text(out, "| directive | default | what it does |\n"
			     "| --- | --- | --- |\n");
	for (size_t i = 0; i < section->count; i++) {
		const struct entry *entry = &section->entries[i];

		bf_buf_add_format(out, "| `%s", entry->name);
		if (*entry->syntax != '\0')
			bf_buf_add_byte(out, ' ');
		write_cell(entry->syntax, out);
		bf_buf_add_text(out, entry->block ? " { ... }` | " : "` | ");
		write_fallback_markdown(entry, out);
		bf_buf_add_text(out, " | ");
		write_cell(entry->help, out);
		if (entry->range)
			bf_buf_add_format(out, "; from %s", entry->range);
		if (entry->repeats)
			bf_buf_add_text(out, "; may be repeated");
		bf_buf_add_text(out, " |\n");
	}
}

/* ---- event types ---- */

void
write_events_mdoc(struct bf_buf *out)
{
	bf_buf_add_text(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < bf_builtin_type_count; i++) {
		const struct bf_builtin_type *type = &bf_builtin_types[i];

		bf_buf_add_format(out, ".It Li %s\n", type->name);
		bf_buf_add_format(out, "%c",
		    toupper((unsigned char)type->description[0]));
		write_sentence(type->description + 1, out);
		bf_buf_add_format(out,
		    "Category %s, severity %s, default %s.\n", type->category,
		    bf_severity_name(type->severity),
		    type->enabled ? "on" : "off");
	}
	bf_buf_add_text(out, ".El\n");
}

/* "key  what it holds" as an item of a list. */
static void
write_key_markdown(const char *key, struct bf_buf *out)
{
	const size_t size = strcspn(key, " ");

	bf_buf_add_format(out, "- `%.*s`: %s\n", (int)size, key,
	    key + size + strspn(key + size, " "));
}

void
write_events_markdown(struct bf_buf *out)
{
	bf_buf_add_text(out,
	    "| event | category | severity | default | what has happened |\n"
	    "| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < bf_builtin_type_count; i++) {
		const struct bf_builtin_type *type = &bf_builtin_types[i];

		bf_buf_add_format(out, "| `%s` | %s | %s | %s | %s |\n",
		    type->name, type->category,
		    bf_severity_name(type->severity),
		    type->enabled ? "on" : "off", type->description);
	}
	for (size_t i = 0; i < bf_builtin_type_count; i++) {
		const struct bf_builtin_type *type = &bf_builtin_types[i];

		bf_buf_add_format(out, "\n### %s\n\n", type->name);
		for (size_t j = 0; type->metadata[j]; j++)
			write_key_markdown(type->metadata[j], out);
	}
}
