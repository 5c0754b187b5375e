/*
 * parser.c - tokens to a tree of directives, and include
 *
 * Files and blocks are nested, so this recurses; both are bounded by
 * BF_CONF_NESTING_MAX. What is read is bounded in bytes, files and items, so
 * that no conf file can use up the memory.
 */
#include "core/conf/conf.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/conf_private.h"

/* What all files of one tree have in common. */
struct reading {
	struct bf_conf_tree *tree;
	size_t bytes;   /* read so far */
	size_t items;   /* directives and words so far */
	size_t nesting; /* files open now */
	struct bf_file_id open[BF_CONF_NESTING_MAX];
	size_t blocks; /* open now */
	struct bf_error *err;
};

/* One file of them. name is owned by the tree. */
struct source {
	struct reading *reading;
	struct bf_lexer lexer;
	const char *name;
};

static int read_block(struct source *source, const struct bf_conf_node *parent,
    struct bf_conf_node ***end);

/* Reads a text into the list that ends at *end. */
static int
read_text(struct reading *reading, const char *name, const char *text,
    size_t size, struct bf_conf_node ***end)
{
	struct source source = { .reading = reading, .name = name };
	int result =
	    bf_lexer_init(&source.lexer, name, text, size, reading->err);

	if (result == 0)
		result = read_block(&source, NULL, end);
	bf_lexer_free(&source.lexer);
	return result;
}

static bool
is_open(const struct reading *reading, const struct bf_file_id *id)
{
	for (size_t i = 0; i < reading->nesting; i++) {
		if (reading->open[i].device == id->device &&
		    reading->open[i].inode == id->inode)
			return true;
	}
	return false;
}

/*
 * Reads a file into the list that ends at *end. The cause is set with where
 * the mistake is; a file that can't be read is left to the caller, who knows
 * who asked for it: returns 1.
 */
static int
read_file(struct reading *reading, const char *path, struct bf_conf_node ***end)
{
	struct bf_buf text = { 0 };
	struct bf_file_id id = { 0 };
	struct bf_strings *files = &reading->tree->files;
	int result = 1;

	if (files->count == BF_CONF_FILES_MAX) {
		bf_error_set(reading->err,
		    "too many files; expected %d at most", BF_CONF_FILES_MAX);
		goto out;
	}
	if (bf_file_read(path, BF_CONF_TEXT_MAX - reading->bytes, &text, &id,
		reading->err) == -1)
		goto out;
	if (is_open(reading, &id)) {
		bf_error_set(reading->err, "the file includes itself");
		goto out;
	}
	if (reading->nesting == BF_CONF_NESTING_MAX) {
		bf_error_set(reading->err,
		    "files are nested too deep; expected %d at most",
		    BF_CONF_NESTING_MAX);
		goto out;
	}
	reading->bytes += text.size;
	reading->open[reading->nesting++] = id;
	bf_strings_add(files, path);
	result = read_text(reading, files->items[files->count - 1],
	    bf_buf_text(&text), text.size, end);
	reading->nesting--;

out:
	bf_buf_wipe(&text);
	return result;
}

static int
include_file(struct reading *reading, const struct bf_conf_node *node,
    const char *path, struct bf_conf_node ***end)
{
	struct bf_error cause;
	int result = read_file(reading, path, end);

	if (result == 1) {
		cause = *reading->err;
		bf_conf_error(node, reading->err, "include %s: %s", path,
		    cause.text);
	}
	return result == 0 ? 0 : -1;
}

/* The word with the folder it starts at in front, whose own characters are
 * not wildcards. */
static char *
glob_pattern(const struct bf_conf_node *node, const char *word)
{
	struct bf_buf pattern = { 0 };
	char *folder = bf_conf_path(node, "");

	if (word[0] != '/') {
		for (const char *c = folder; *c != '\0'; c++) {
			if (strchr("*?[\\", *c))
				bf_buf_add_byte(&pattern, '\\');
			bf_buf_add_byte(&pattern, *c);
		}
	}
	bf_buf_add_text(&pattern, word);
	free(folder);
	return bf_buf_take(&pattern);
}

static int
include_all(struct reading *reading, const struct bf_conf_node *node,
    const char *pattern, struct bf_conf_node ***end)
{
	glob_t found = { 0 };
	int result = glob(pattern, 0, NULL, &found);

	if (result != 0 && result != GLOB_NOMATCH) {
		result = bf_conf_error(node, reading->err,
		    "include %s: can't list the files", pattern);
	} else if (found.gl_pathc > BF_CONF_FILES_MAX) {
		result = bf_conf_error(node, reading->err,
		    "include %s: %zu files; expected %d at most", pattern,
		    found.gl_pathc, BF_CONF_FILES_MAX);
	} else {
		result = 0;
		for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
			result =
			    include_file(reading, node, found.gl_pathv[i], end);
	}
	globfree(&found);
	return result;
}

static int
include(struct reading *reading, const struct bf_conf_node *node,
    struct bf_conf_node ***end)
{
	const char *word;
	char *path;
	int result;

	if (node->words.count != 1 || node->has_block)
		return bf_conf_error(node, reading->err,
		    "include takes one path or pattern, and no block");
	word = node->words.items[0];
	if (strpbrk(word, "*?[")) {
		path = glob_pattern(node, word);
		result = include_all(reading, node, path, end);
	} else {
		path = bf_conf_path(node, word);
		result = include_file(reading, node, path, end);
	}
	free(path);
	return result;
}

/* Counts a directive or a word. */
static int
count_item(struct source *source)
{
	struct reading *reading = source->reading;

	if (++reading->items <= BF_CONF_ITEMS_MAX)
		return 0;
	bf_error_set(reading->err,
	    "%s:%u: too many directives and words; expected %u at most",
	    source->name, source->lexer.token_line, BF_CONF_ITEMS_MAX);
	return -1;
}

static int
unfinished(const struct bf_conf_node *node, enum bf_token token,
    const struct source *source)
{
	struct bf_error *err = source->reading->err;

	if (token == BF_TOKEN_END)
		return bf_conf_error(node, err,
		    "%s is not ended; expected \";\" before the end of the "
		    "file",
		    node->name);
	return bf_conf_error(node, err,
	    "%s is not ended; expected \";\" before the \"}\" in line %u",
	    node->name, source->lexer.token_line);
}

static int
read_nested(struct source *source, struct bf_conf_node *node)
{
	struct bf_conf_node **end = &node->block;
	int result;

	node->has_block = true;
	if (source->reading->blocks == BF_CONF_NESTING_MAX)
		return bf_conf_error(node, source->reading->err,
		    "blocks are nested too deep; expected %d at most",
		    BF_CONF_NESTING_MAX);
	source->reading->blocks++;
	result = read_block(source, node, &end);
	source->reading->blocks--;
	return result;
}

/* Reads what follows a directive's name. */
static int
read_rest(struct source *source, struct bf_conf_node *node)
{
	struct bf_error *err = source->reading->err;
	enum bf_token token;

	while ((token = bf_lexer_next(&source->lexer, err)) == BF_TOKEN_WORD) {
		if (count_item(source) == -1)
			return -1;
		bf_strings_add(&node->words, bf_buf_text(&source->lexer.word));
	}
	switch (token) {
	case BF_TOKEN_SEMICOLON:
		return 0;
	case BF_TOKEN_OPEN:
		return read_nested(source, node);
	case BF_TOKEN_BAD:
		return -1;
	default:
		return unfinished(node, token, source);
	}
}

/* Reads the directive whose name is the latest token, and links it in at
 * *end; an include is replaced by what the files hold. */
static int
read_directive(struct source *source, struct bf_conf_node ***end)
{
	struct bf_conf_node *node = bf_new(struct bf_conf_node);
	int result = count_item(source);

	node->name = bf_strdup(bf_buf_text(&source->lexer.word));
	node->file = source->name;
	node->line = source->lexer.token_line;
	if (result == 0)
		result = read_rest(source, node);
	if (strcmp(node->name, "include") != 0) {
		**end = node;
		*end = &node->next;
		return result;
	}
	if (result == 0)
		result = include(source->reading, node, end);
	bf_conf_free_nodes(node);
	return result;
}

static int
unexpected(const struct source *source, const char *what)
{
	bf_error_set(source->reading->err,
	    "%s:%u: unexpected \"%s\"; expected the name of a directive",
	    source->name, source->lexer.token_line, what);
	return -1;
}

/* Reads directives up to the end of the block (parent) or of the file. */
static int
read_block(struct source *source, const struct bf_conf_node *parent,
    struct bf_conf_node ***end)
{
	for (;;) {
		switch (bf_lexer_next(&source->lexer, source->reading->err)) {
		case BF_TOKEN_WORD:
			if (read_directive(source, end) == -1)
				return -1;
			break;
		case BF_TOKEN_CLOSE:
			return parent ? 0 : unexpected(source, "}");
		case BF_TOKEN_SEMICOLON:
			return unexpected(source, ";");
		case BF_TOKEN_OPEN:
			return unexpected(source, "{");
		case BF_TOKEN_END:
			if (!parent)
				return 0;
			return bf_conf_error(parent, source->reading->err,
			    "the block of %s is not closed; expected \"}\" "
			    "before the end of the file",
			    parent->name);
		case BF_TOKEN_BAD:
			return -1;
		}
	}
}

struct bf_conf_tree *
bf_conf_read(const char *path, struct bf_error *err)
{
	struct bf_conf_tree *tree = bf_new(struct bf_conf_tree);
	struct reading reading = { .tree = tree, .err = err };
	struct bf_conf_node **end = &tree->first;
	int result = read_file(&reading, path, &end);

	if (result == 1)
		bf_error_prefix(err, "read %s", path);
	if (result != 0)
		bf_conf_free(&tree);
	return tree;
}

struct bf_conf_tree *
bf_conf_parse(const char *text, size_t size, const char *name,
    struct bf_error *err)
{
	struct bf_conf_tree *tree = bf_new(struct bf_conf_tree);
	struct reading reading = { .tree = tree, .bytes = size, .err = err };
	struct bf_conf_node **end = &tree->first;

	tree->name = bf_strdup(name);
	if (size > BF_CONF_TEXT_MAX) {
		bf_error_set(err, "%s: larger than %u bytes", name,
		    BF_CONF_TEXT_MAX);
		bf_conf_free(&tree);
	} else if (read_text(&reading, tree->name, text, size, &end) == -1) {
		bf_conf_free(&tree);
	}
	return tree;
}
