#ifndef BF_CONF_PRIVATE_H
#define BF_CONF_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/buf.h>
#include <belfry/directive.h>
#include <belfry/error.h>

/*
 * What the files of core/conf share: the lexer, files, the types of settings,
 * and words in messages.
 */

#define BF_CONF_WORD_MAX (64u << 10) /* bytes of a word */
#define BF_CONF_TEXT_MAX (16u << 20) /* bytes of all files together */
#define BF_CONF_ITEMS_MAX (2u << 20) /* directives and their words */
#define BF_CONF_FILES_MAX 1024       /* files, in all */
#define BF_CONF_NESTING_MAX 64       /* files in files, blocks in blocks */

enum bf_token {
	BF_TOKEN_WORD,
	BF_TOKEN_SEMICOLON,
	BF_TOKEN_OPEN,
	BF_TOKEN_CLOSE,
	BF_TOKEN_END,
	BF_TOKEN_BAD, /* err says why */
};

/* Text on its way to tokens. { .file, .next, .end, .line = 1 } is ready. */
struct bf_lexer {
	const char *file; /* for messages; borrowed */
	const char *next, *end;
	unsigned line; /* of next */

	/* The latest token: its line, where it stands in the text, and what a
	 * word means once quotes and escapes are taken off. */
	unsigned token_line;
	const char *start, *stop;
	struct bf_buf word;
};

/*
 * Checks text before it is cut into tokens: UTF-8 without control characters
 * other than tab, LF and CR. Says "FILE:LINE: ..." if not. A byte order mark
 * is skipped.
 */
int bf_lexer_init(struct bf_lexer *lexer, const char *file, const char *text,
    size_t size, struct bf_error *err);

enum bf_token bf_lexer_next(struct bf_lexer *lexer, struct bf_error *err);

void bf_lexer_free(struct bf_lexer *lexer);

/*
 * Appends a file's content: a regular file, at most limit bytes. Sets the
 * cause without the path. device and inode (may be NULL) name the file.
 */
struct bf_file_id {
	unsigned long long device, inode;
};
int bf_file_read(const char *path, size_t limit, struct bf_buf *out,
    struct bf_file_id *id, struct bf_error *err);

/* A type that a setting can have. */
struct bf_type {
	size_t size;          /* of the member */
	size_t min, max;      /* words */
	const char *expected; /* the words, for messages */
	/* Sets the member from words that are final and of the right number. */
	int (*set)(const struct bf_directive *directive,
	    const struct bf_strings *words, void *member, struct bf_error *err);
	void (*clear)(void *member); /* frees what it owns; NULL: nothing */
	bool repeats;                /* may stand more than once */
};

extern const struct bf_type bf_types[]; /* by enum bf_directive_type */

/* Frees a list of directives with their blocks. */
struct bf_conf_node;
void bf_conf_free_nodes(struct bf_conf_node *node);

/* A word as messages show it: quoted, control characters escaped, and cut
 * when it is long. Returns the text in room. */
struct bf_shown {
	char text[80];
};
const char *bf_show(struct bf_shown *room, const char *word);

#endif
