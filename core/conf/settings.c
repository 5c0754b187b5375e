/*
 * settings.c - a block of directives to a struct, by a directive table
 *
 * A value goes two steps: its words are made final (references looked up,
 * paths made absolute), then set. The first needs files and the environment
 * and is taken by the loader alone; a worker, which gets final words, takes
 * only the second.
 */
#include "core/conf/settings.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/conf/conf_private.h"

#define ADVICE_MOST 320 /* bytes of names that a message lists */

static void *
member_of(const struct bf_directive *directive, void *target)
{
	return (char *)target + directive->offset;
}

void
bf_settings_clear(const struct bf_directive *table, void *target)
{
	for (; table->type != BF_TYPE_NONE; table++) {
		const struct bf_type *type = &bf_types[table->type];

		if (type->clear)
			type->clear(member_of(table, target));
		memset(member_of(table, target), 0, type->size);
	}
}

size_t
bf_settings_size(const struct bf_directive *table)
{
	size_t size = 0;

	for (; table->type != BF_TYPE_NONE; table++) {
		const size_t end = table->offset + bf_types[table->type].size;

		size = end > size ? end : size;
	}
	return size;
}

const struct bf_directive *
bf_settings_find(const struct bf_directive *table, const char *name)
{
	for (; table->type != BF_TYPE_NONE; table++) {
		if (strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

/* ---- words to final words ---- */

static int
check_readable(const char *path, struct bf_error *err)
{
	if (access(path, R_OK) == 0)
		return 0;
	bf_error_errno(err, "%s", path);
	return -1;
}

/* Adds what a reference stands for; pair: it is the value of one. */
static int
add_referenced(const char *word, bool pair, const struct bf_conf_node *node,
    const struct bf_secret_source *secrets, struct bf_strings *words,
    struct bf_error *err)
{
	struct bf_secret_source source = *secrets;
	struct bf_secret secret = { 0 };
	char *directive =
	    pair ? bf_strf("%s %s", node->name, node->words.items[0])
		 : bf_strdup(node->name);
	char *folder = NULL;
	int result;

	source.place.directive = directive;
	if (!source.directory)
		source.directory = folder = bf_conf_path(node, ".");
	result = bf_secret_read(word, &source, &secret, err);
	if (result == 0)
		bf_strings_add(words, secret.bytes);
	bf_secret_clear(&secret);
	free(directive);
	free(folder);
	return result;
}

static int
add_path(const char *word, const struct bf_conf_node *node,
    struct bf_strings *words, struct bf_error *err)
{
	/* "file:" may stand in front, as it does before a secret. */
	char *path = bf_conf_path(node,
	    strncmp(word, "file:", 5) == 0 ? word + 5 : word);
	int result = check_readable(path, err);

	bf_strings_add(words, path);
	free(path);
	return result;
}

/* What is to be run must be what it is taken for: a file that anybody may
 * change would let anybody run what he likes. */
static int
check_program(const char *path, struct bf_error *err)
{
	struct stat file;

	if (path[0] != '/')
		bf_error_set(err, "%s: expected an absolute path", path);
	else if (stat(path, &file) == -1)
		bf_error_errno(err, "%s", path);
	else if (!S_ISREG(file.st_mode) || !(file.st_mode & 0111))
		bf_error_set(err, "%s: expected a file that can be executed",
		    path);
	else if (file.st_mode & S_IWOTH)
		bf_error_set(err,
		    "%s may be written by anyone: expected mode o-w", path);
	else
		return 0;
	return -1;
}

static int
check_user(const char *name, struct bf_error *err)
{
	if (getpwnam(name))
		return 0;
	bf_error_set(err, "no user \"%s\"; expected one of this system", name);
	return -1;
}

int
bf_settings_final(const struct bf_directive *directive,
    const struct bf_conf_node *node, const struct bf_secret_source *secrets,
    struct bf_strings *words, bool *secret, struct bf_error *err)
{
	const enum bf_directive_type type = directive->type;
	const bool refers = type == BF_TYPE_URL || type == BF_TYPE_PAIRS ||
			    type == BF_TYPE_WORDS;
	int result = 0;

	*secret = type == BF_TYPE_SECRET || directive->secret;
	*words = (struct bf_strings){ 0 };
	for (size_t i = 0; result == 0 && i < node->words.count; i++) {
		const char *word = node->words.items[i];
		/* The first word of a pair is its name. */
		const bool value = type != BF_TYPE_PAIRS || i == 1;
		const bool lookup =
		    type == BF_TYPE_SECRET ||
		    (refers && value && bf_secret_is_reference(word));

		*secret |= lookup;
		if (secrets && lookup)
			result = add_referenced(word, type == BF_TYPE_PAIRS,
			    node, secrets, words, err);
		else if (secrets && type == BF_TYPE_PATH)
			result = add_path(word, node, words, err);
		else
			bf_strings_add(words, word);
		if (secrets && type == BF_TYPE_PROGRAM && i == 0)
			result = check_program(word, err);
		else if (secrets && type == BF_TYPE_USER)
			result = check_user(word, err);
	}
	return result;
}

/* ---- a block ---- */

/* All names that could have been meant. The array is new, the names are not. */
static const char **
names_of(const struct bf_directive *table, const char *const *more,
    size_t *count)
{
	const char **names;
	size_t size = 0;

	for (size_t i = 0; table && table[i].type != BF_TYPE_NONE; i++)
		size++;
	for (size_t i = 0; more && more[i]; i++)
		size++;
	names = bf_zalloc(size + 1, sizeof(*names));
	*count = 0;
	for (; table && table->type != BF_TYPE_NONE; table++)
		names[(*count)++] = table->name;
	for (; more && *more; more++)
		names[(*count)++] = *more;
	return names;
}

/* What to do about a name that is unknown: the nearest, or all that there are
 * if those are few. Free it. */
static char *
advice(const char *name, const char **names, size_t count)
{
	const char *nearest = bf_nearest(name, names, count);
	struct bf_buf text = { 0 };

	if (nearest)
		return bf_strf("; did you mean \"%s\"?", nearest);
	for (size_t i = 0; i < count; i++)
		bf_buf_add_format(&text, "%s%s",
		    i == 0 ? "; expected one of " : ", ", names[i]);
	if (count > 0 && text.size <= ADVICE_MOST)
		return bf_buf_take(&text);
	bf_buf_free(&text);
	return bf_strdup("");
}

int
bf_settings_unknown(const struct bf_conf_node *node,
    const struct bf_directive *table, const char *const *more,
    struct bf_error *err)
{
	size_t count;
	const char **names = names_of(table, more, &count);
	char *remedy = advice(node->name, names, count);
	struct bf_shown room;

	bf_conf_error(node, err, "unknown directive %s%s",
	    bf_show(&room, node->name), remedy);
	free(remedy);
	free(names);
	return -1;
}

static bool
contains(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

/* The word that is the name of a directive itself: in front of it, a ";" was
 * forgotten. NULL if there is none. */
static const char *
swallowed(const struct bf_conf_node *node, const struct bf_directive *table,
    const char *const *more)
{
	for (size_t i = 0; i < node->words.count; i++) {
		const char *word = node->words.items[i];

		if ((table && bf_settings_find(table, word)) ||
		    contains(more, word))
			return word;
	}
	return NULL;
}

int
bf_settings_shape(const struct bf_shape *shape, const struct bf_conf_node *node,
    const struct bf_directive *table, const char *const *more,
    struct bf_error *err)
{
	const size_t count = node->words.count;
	const bool many = count > shape->max;
	const bool block = node->has_block && !shape->block;
	const char *word = many || block ? swallowed(node, table, more) : NULL;

	if (word)
		return bf_conf_error(node, err,
		    "%s: expected %s; is a \";\" missing before \"%s\"?",
		    node->name, shape->expected, word);
	if (block)
		return bf_conf_error(node, err,
		    "%s: a block; expected %s and \";\"", node->name,
		    shape->expected);
	if (many || count < shape->min)
		return bf_conf_error(node, err, "%s: %zu values; expected %s",
		    node->name, count,
		    *shape->expected ? shape->expected : "none");
	if (shape->block && !node->has_block)
		return bf_conf_error(node, err,
		    "%s: no block; expected %s%s{ ... }", node->name,
		    shape->expected, *shape->expected ? " " : "");
	return 0;
}

static int
check_shape(const struct bf_directive *directive,
    const struct bf_conf_node *node, const struct bf_directive *table,
    const char *const *more, struct bf_error *err)
{
	const struct bf_type *type = &bf_types[directive->type];
	const struct bf_shape shape = { type->min, type->max, type->expected,
		false };

	return bf_settings_shape(&shape, node, table, more, err);
}

/* Sets one member from a directive (or from a fallback in its shape). */
static int
set_one(const struct bf_directive *directive, const struct bf_conf_node *node,
    const struct bf_secret_source *secrets, void *target, struct bf_error *err)
{
	struct bf_strings words;
	struct bf_error cause;
	bool secret;
	int result = bf_settings_final(directive, node, secrets, &words,
	    &secret, &cause);

	if (result == 0)
		result = bf_types[directive->type].set(directive, &words,
		    member_of(directive, target), &cause);
	if (result == -1)
		bf_conf_error(node, err, "%s: %s", directive->name, cause.text);
	for (size_t i = 0; secret && i < words.count; i++)
		explicit_bzero(words.items[i], strlen(words.items[i]));
	bf_strings_free(&words);
	return result;
}

/* Sets a member that is not written: its fallback, cut at the spaces. */
static int
set_fallback(const struct bf_directive *directive,
    const struct bf_conf_node *at, void *target, struct bf_error *err)
{
	struct bf_conf_node node = { .file = at->file, .line = at->line };
	char *text = bf_strdup(directive->fallback);
	char *rest = NULL;
	int result;

	for (char *word = strtok_r(text, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		bf_strings_add(&node.words, word);
	node.name = text;
	result = set_one(directive, &node, NULL, target, err);
	bf_strings_free(&node.words);
	free(text);
	return result;
}

static int
set_rest(const struct bf_directive *table, const unsigned *seen, void *target,
    const struct bf_conf_node *at, struct bf_error *err)
{
	for (size_t i = 0; table[i].type != BF_TYPE_NONE; i++) {
		if (seen[i] > 0)
			continue;
		if (table[i].required)
			return bf_conf_error(at, err,
			    "%s%s%s: no \"%s\"; expected it in the block",
			    at->name, at->words.count > 0 ? " " : "",
			    at->words.count > 0
				? at->words.items[at->words.count - 1]
				: "",
			    table[i].name);
		if (table[i].fallback &&
		    set_fallback(&table[i], at, target, err) == -1)
			return -1;
	}
	return 0;
}

int
bf_settings_apply(const struct bf_directive *table, void *target,
    const struct bf_conf_node *at, const char *const *skip,
    const struct bf_secret_source *secrets, struct bf_error *err)
{
	const struct bf_directive *directive;
	unsigned *seen; /* one more than its line; 0: not seen */
	size_t count;
	int result = 0;

	free(names_of(table, NULL, &count));
	seen = bf_zalloc(count + 1, sizeof(*seen));
	for (const struct bf_conf_node *node = at->block; result == 0 && node;
	     node = node->next) {
		directive = bf_settings_find(table, node->name);
		if (!directive && contains(skip, node->name))
			continue;
		if (!directive) {
			result = bf_settings_unknown(node, table, skip, err);
		} else if (check_shape(directive, node, table, skip, err)) {
			result = -1;
		} else if (seen[directive - table] > 0 &&
			   !bf_types[directive->type].repeats) {
			result = bf_conf_error(node, err,
			    "%s: repeated; expected it once (it stands in "
			    "line %u)",
			    node->name, seen[directive - table] - 1);
		} else {
			seen[directive - table] = node->line + 1;
			result = set_one(directive, node, secrets, target, err);
		}
	}
	if (result == 0)
		result = set_rest(table, seen, target, at, err);
	free(seen);
	return result;
}
