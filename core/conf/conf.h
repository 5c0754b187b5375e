#ifndef BF_CONF_H
#define BF_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/directive.h>
#include <belfry/error.h>

/*
 * The conf file as a tree of directives, in nginx's grammar: a directive is a
 * name, words, and ";" or a block in braces; "#" begins a comment; words may
 * be quoted; `include GLOB;` is replaced by what the files hold. The tree
 * knows nothing of what the directives mean.
 */

struct bf_conf_node {
	struct bf_conf_node *next;  /* the next directive in the same block */
	struct bf_conf_node *block; /* the first in its own; NULL if none */
	bool has_block;             /* `x { }` has an empty one */
	char *name;
	struct bf_strings words;    /* what follows the name */
	const char *file;           /* where it stands: owned by the tree */
	unsigned line;              /* 0: in no file; file is then any place */
};

struct bf_conf_tree {
	struct bf_conf_node *first;
	struct bf_strings files; /* every file that was read, in that order */
	char *name;              /* what bf_conf_parse was told; else NULL */
};

/*
 * Reads a file and what it includes. Returns NULL and says
 * "FILE:LINE: what is wrong; expected ...". Text is UTF-8. Bounds: 64 files
 * deep, 1,024 files, 16 MiB, 2 Mi directives and words, 64 blocks deep, 64 KiB
 * a word. An include without wildcards must exist; a relative one starts at
 * the folder of the file that it stands in.
 */
struct bf_conf_tree *bf_conf_read(const char *path, struct bf_error *err);

/* The same from memory; name stands for the file in messages. Relative
 * includes start at the folder of name. */
struct bf_conf_tree *bf_conf_parse(const char *text, size_t size,
    const char *name, struct bf_error *err);

/* Frees the tree and sets *tree to NULL. A NULL *tree is fine. */
void bf_conf_free(struct bf_conf_tree **tree);

/* A path as the directive means it: relative ones start at the folder of the
 * file that it stands in. New memory; absolute. */
char *bf_conf_path(const struct bf_conf_node *node, const char *path);

/* Sets the cause with "FILE:LINE: " in front ("FILE: " without a line, nothing
 * without a file). Always returns -1. */
int bf_conf_error(const struct bf_conf_node *node, struct bf_error *err,
    const char *format, ...) BF_PRINTF(3, 4);

#endif
