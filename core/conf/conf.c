/*
 * conf.c - the tree of directives, and words in messages
 */
#include "core/conf/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf/conf_private.h"

/* Words may be secrets, so their memory is wiped. Blocks are nested at most
 * BF_CONF_NESTING_MAX deep, so recursion is bounded. */
void
bf_conf_free_nodes(struct bf_conf_node *node)
{
	struct bf_conf_node *next;

	for (; node; node = next) {
		next = node->next;
		bf_conf_free_nodes(node->block);
		for (size_t i = 0; i < node->words.count; i++)
			explicit_bzero(node->words.items[i],
			    strlen(node->words.items[i]));
		bf_strings_free(&node->words);
		free(node->name);
		free(node);
	}
}

void
bf_conf_free(struct bf_conf_tree **tree)
{
	if (!*tree)
		return;
	bf_conf_free_nodes((*tree)->first);
	bf_strings_free(&(*tree)->files);
	free((*tree)->name);
	free(*tree);
	*tree = NULL;
}

int
bf_conf_error(const struct bf_conf_node *node, struct bf_error *err,
    const char *format, ...)
{
	struct bf_error text;
	va_list args;

	va_start(args, format);
	vsnprintf(text.text, sizeof(text.text), format, args);
	va_end(args);
	if (node->line > 0)
		bf_error_set(err, "%s:%u: %s", node->file, node->line,
		    text.text);
	else
		bf_error_set(err, "%s%s%s", node->file, *node->file ? ": " : "",
		    text.text);
	return -1;
}

/* Appends a byte of a word to room, escaped if need be. */
static size_t
show_byte(char *room, char byte)
{
	if ((unsigned char)byte >= 0x20 && byte != 0x7f && byte != '"') {
		*room = byte;
		return 1;
	}
	return (size_t)sprintf(room, "\\x%02x", (unsigned char)byte);
}

const char *
bf_show(struct bf_shown *room, const char *word)
{
	static const char more[] = "...";
	char *to = room->text;
	size_t i;

	*to++ = '"';
	for (i = 0; word[i] != '\0' && to - room->text < 60; i++)
		to += show_byte(to, word[i]);
	/* Not between the bytes of one character, which has no more than three
	 * behind the first; what comes from the environment may be anything. */
	for (int rest = 0; rest < 3 && (word[i] & 0xc0) == 0x80; rest++)
		*to++ = word[i++];
	if (word[i] != '\0') {
		memcpy(to, more, sizeof(more) - 1);
		to += sizeof(more) - 1;
	}
	*to++ = '"';
	*to = '\0';
	return room->text;
}
