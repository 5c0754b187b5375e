#ifndef BF_CONF_SETTINGS_H
#define BF_CONF_SETTINGS_H

#include "core/conf/conf.h"
#include "core/conf/seal.h"

/*
 * From directives to a struct of settings, by a directive table.
 */

/*
 * How a reference (env:NAME, file:PATH, sealed:...) becomes its bytes. Besides
 * secrets, a URL and the value of a pair may be written as one.
 */
struct bf_secret_source {
	/* The value of an environment variable, or NULL. */
	const char *(*env)(void *context, const char *name);
	void *context;
	/* Relative file: paths start here; NULL: at the folder of the file
	 * that the directive stands in. */
	const char *directory;
	/* For sealed ones: the key file, read at the first of them into *keys
	 * (NULL: there are no keys), and the place. Its directive is filled in
	 * where settings are read by a table. */
	const char *key_file;
	struct bf_keyring **keys;
	struct bf_seal_place place;
};

/*
 * Sets the members of target (zeroed by the caller) from the directives of a
 * block: fallbacks first, then what is written. Refuses unknown directives
 * (naming the nearest known one), repeated ones, wrong values, and required
 * ones that are missing (at: the node whose block it is). Directives whose
 * name is in skip (NULL-terminated; may be NULL) are left to the caller.
 *
 * secrets  NULL where the words were made final by bf_settings_final before:
 *          then nothing is looked up, and no file is touched
 */
int bf_settings_apply(const struct bf_directive *table, void *target,
    const struct bf_conf_node *at, const char *const *skip,
    const struct bf_secret_source *secrets, struct bf_error *err);

/* Frees what the members own and zeroes them; secrets are wiped first. */
void bf_settings_clear(const struct bf_directive *table, void *target);

/* The directive by name, or NULL. */
const struct bf_directive *bf_settings_find(
    const struct bf_directive *table, const char *name);

/* Bytes of a struct that has room for all members the table names. */
size_t bf_settings_size(const struct bf_directive *table);

/*
 * The words of a directive as they are to be carried to another process:
 * references replaced by what they stand for, paths made absolute. *secret:
 * whether they must not be shown. words is new.
 */
int bf_settings_final(const struct bf_directive *directive,
    const struct bf_conf_node *node, const struct bf_secret_source *secrets,
    struct bf_strings *words, bool *secret, struct bf_error *err);

#define BF_WORDS_ANY SIZE_MAX /* words: as many as you like */

/* What a directive must look like. */
struct bf_shape {
	size_t min, max;      /* words */
	const char *expected; /* the words, for messages; "" for none */
	bool block;           /* { } stands behind them */
};

/*
 * Checks the shape of a directive. Where it is wrong because the ";" in front
 * of another directive of the block was forgotten, the message says so: names
 * come from the table and from more (NULL-terminated); both may be NULL.
 */
int bf_settings_shape(const struct bf_shape *shape,
    const struct bf_conf_node *node, const struct bf_directive *table,
    const char *const *more, struct bf_error *err);

/* "unknown directive "urll"; did you mean "url"?" at the node, or where nothing
 * is near and the names are few "; expected one of url, secret". Names come
 * from the table and from more (NULL-terminated); both may be NULL. Always
 * -1. */
int bf_settings_unknown(const struct bf_conf_node *node,
    const struct bf_directive *table, const char *const *more,
    struct bf_error *err);

/*
 * Reads one secret as it is written in the conf file: a literal, env:NAME,
 * file:PATH (the file's content without one final line end) or sealed:... .
 * Refuses an empty one.
 */
int bf_secret_read(const char *word, const struct bf_secret_source *source,
    struct bf_secret *secret, struct bf_error *err);

/* Whether a word stands for a secret that is kept elsewhere. */
bool bf_secret_is_reference(const char *word);

/* Overwrites and frees a secret. */
void bf_secret_clear(struct bf_secret *secret);

/* Values by their type; the units are nginx's (ms s m h d w, k m g). Each
 * returns 0, or -1 with what is wrong with text and what was expected. */
int bf_duration_parse(
    const char *text, struct bf_duration *value, struct bf_error *err);
int bf_size_parse(const char *text, struct bf_size *value, struct bf_error *err);
int bf_integer_parse(const char *text, int64_t *value, struct bf_error *err);
int bf_flag_parse(const char *text, bool *value, struct bf_error *err);

/* "1h 30m" style, the shortest exact form: "90m"; for messages. */
void bf_duration_format(struct bf_duration value, char text[32]);
void bf_size_format(struct bf_size value, char text[32]);

/* The nearest of the names to a misspelt one, or NULL if none is near. */
const char *bf_nearest(
    const char *word, const char *const *names, size_t count);

#endif
