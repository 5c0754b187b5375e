/*
 * conf.c - whether a conf file shows every directive
 *
 * What is put out of use is put to use again, and the whole is parsed: so what
 * is shown obeys the grammar, and stands in a block where it belongs.
 */
#include "doc/reference/reference.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/conf.h"

/* The file with its defaults put to use (code), and its words without "#" and
 * with single spaces (prose). */
static int
read_file(const char *path, struct bf_buf *code, struct bf_buf *prose,
    struct bf_error *err)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;

	if (!file) {
		bf_error_errno(err, "%s", path);
		return -1;
	}
	while (getline(&line, &room, file) != -1) {
		char *text = line + strspn(line, " \t");
		char *rest = NULL;

		if (text[0] == '#' && text[1] != ' ' && text[1] != '\n')
			text++;
		bf_buf_add_text(code, text);
		text += text[0] == '#';
		for (char *word = strtok_r(text, " \t\n", &rest); word;
		     word = strtok_r(NULL, " \t\n", &rest))
			bf_buf_add_format(prose, "%s ", word);
	}
	free(line);
	fclose(file);
	return 0;
}

static char *
join_words(const struct bf_conf_node *node)
{
	struct bf_buf out = { 0 };

	bf_buf_add_text(&out, "");
	for (size_t i = 0; i < node->words.count; i++)
		bf_buf_add_format(&out, "%s%s", i > 0 ? " " : "",
		    node->words.items[i]);
	return bf_buf_take(&out);
}

/* Whether the block has the directive, with the words unless they are NULL. */
static bool
shows(const struct bf_conf_node *block, const char *name, const char *words)
{
	bool found = false;
	char *joined;

	for (; block && !found; block = block->next) {
		if (strcmp(block->name, name) != 0)
			continue;
		joined = join_words(block);
		found = !words || strcmp(joined, words) == 0;
		free(joined);
	}
	return found;
}

/* Whether the block shows the default, all parts of it. */
static bool
shows_default(const struct bf_conf_node *block, const struct entry *entry)
{
	char *copy = bf_strdup(entry->fallback ? entry->fallback : "");
	char *rest = NULL;
	bool all = entry->fallback || shows(block, entry->name, NULL);

	for (char *part = strtok_r(copy, ";", &rest); part && all;
	     part = strtok_r(NULL, ";", &rest))
		all = shows(block, entry->name, part);
	free(copy);
	return all;
}

/* The first block that the directive opens, wherever it stands; module: of
 * channels of that module, unless NULL. */
static const struct bf_conf_node *
find_block(const struct bf_conf_node *first, const char *name,
    const char *module)
{
	const struct bf_conf_node *found = NULL;

	for (; first && !found; first = first->next) {
		if (first->has_block && strcmp(first->name, name) == 0 &&
		    (!module ||
			(first->words.count > 0 &&
			    strcmp(first->words.items[0], module) == 0)))
			return first->block;
		if (first->has_block)
			found = find_block(first->block, name, module);
	}
	return found;
}

static int
check_entry(const char *path, const struct section *section,
    const struct entry *entry, const struct bf_conf_node *block,
    const char *prose, struct bf_error *err)
{
	/* Stands for the names of event types. */
	const bool any = strcmp(entry->name, "TYPE") == 0;

	if (!any && !shows_default(block, entry)) {
		bf_error_set(err, "%s: no \"%s %s\" in %s", path, entry->name,
		    entry->fallback ? entry->fallback : "...", section->name);
		return -1;
	}
	if (!strstr(prose, entry->help)) {
		bf_error_set(err, "%s: %s (%s) is not explained as \"%s\"",
		    path, entry->name, section->name, entry->help);
		return -1;
	}
	return 0;
}

int
check_conf(const char *path, const struct section *sections, size_t count,
    struct bf_error *err)
{
	struct bf_buf code = { 0 }, prose = { 0 };
	struct bf_conf_tree *tree = NULL;
	int result = read_file(path, &code, &prose, err);

	if (result == 0) {
		tree = bf_conf_parse(bf_buf_text(&code), code.size, path, err);
		result = tree ? 0 : -1;
	}
	for (size_t i = 0; result == 0 && i < count; i++) {
		const struct section *section = &sections[i];
		char *name = bf_strndup(section->opening,
		    strcspn(section->opening, " "));
		const bool channel = strcmp(name, "channel") == 0 &&
				     strcmp(section->name, "channel") != 0;
		const struct bf_conf_node *block =
		    *name ? find_block(tree->first, name,
				channel ? section->name : NULL)
			  : tree->first;

		for (size_t j = 0; result == 0 && j < section->count; j++)
			result =
			    check_entry(path, section, &section->entries[j],
				block, bf_buf_text(&prose), err);
		free(name);
	}
	bf_conf_free(&tree);
	bf_buf_free(&code);
	bf_buf_free(&prose);
	return result;
}
