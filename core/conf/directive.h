#ifndef BELFRY_DIRECTIVE_H
#define BELFRY_DIRECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/value.h>

/*
 * A directive table: the single source for the conf parser, the schema of the
 * settings in the API, the dashboard's form and the reference in the manual.
 */

enum bf_directive_type {
	BF_TYPE_NONE, /* ends a table */
	BF_TYPE_FLAG,
	BF_TYPE_INTEGER,
	BF_TYPE_TEXT,
	BF_TYPE_DURATION,
	BF_TYPE_INSTANT,
	BF_TYPE_SIZE,
	BF_TYPE_CHOICE,
	BF_TYPE_URL,
	BF_TYPE_SECRET,
	BF_TYPE_WORDS,
	BF_TYPE_PAIRS,
	BF_TYPE_PATH,
	BF_TYPE_PROGRAM,
	BF_TYPE_USER,
};

struct bf_directive {
	const char *name;
	enum bf_directive_type type;
	size_t offset;        /* of the member in the struct of settings */
	bool required;
	const char *fallback; /* the default, as it would be written; or NULL */
	const char *help;     /* one sentence: what the setting does */
	int64_t min, max;     /* range of an integer, duration or size, if < */
	const char *const *choices; /* of BF_TYPE_CHOICE, NULL-terminated */
	bool secret;          /* whoever knows the value can use it: it is not
			       * shown, as a struct bf_secret is not */
};

/*
 * The first members of a struct bf_directive, from a member of the struct of
 * settings: so the table and the struct can't disagree.
 */
#define BF_FIELD(settings, member)                                           \
	.name = #member, .type = BF_TYPE_OF(((struct settings *)0)->member), \
	.offset = offsetof(struct settings, member)

#define BF_TYPE_OF(member)                                                   \
	_Generic(&(member), bool *: BF_TYPE_FLAG, int64_t *: BF_TYPE_INTEGER, \
	    char **: BF_TYPE_TEXT, struct bf_duration *: BF_TYPE_DURATION,   \
	    struct bf_instant *: BF_TYPE_INSTANT,                            \
	    struct bf_size *: BF_TYPE_SIZE,                                  \
	    struct bf_choice *: BF_TYPE_CHOICE, struct bf_url *: BF_TYPE_URL, \
	    struct bf_secret *: BF_TYPE_SECRET,                              \
	    struct bf_strings *: BF_TYPE_WORDS,                              \
	    struct bf_pairs *: BF_TYPE_PAIRS, struct bf_path *: BF_TYPE_PATH, \
	    struct bf_program *: BF_TYPE_PROGRAM,                            \
	    struct bf_user *: BF_TYPE_USER)

#endif
