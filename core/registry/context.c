/*
 * context.c - reading a block by its tables
 */
#include "core/registry/context.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/load_private.h"

const struct bf_context *const bf_contexts[] = {
	&bf_context_main,
	&bf_context_api,
	&bf_context_egress,
	&bf_context_events,
	&bf_context_event,
	&bf_context_channel,
	&bf_context_tenant_limits,
	&bf_context_tenant,
	&bf_context_limits,
	&bf_context_token,
	&bf_context_user,
	NULL,
};

const struct bf_conf_node *
bf_conf_find(const struct bf_conf_node *at, const char *name)
{
	const struct bf_conf_node *node = at->block;

	while (node && strcmp(node->name, name) != 0)
		node = node->next;
	return node;
}

/* Counts the names when names is NULL, else writes them too. */
static size_t
add_names(const struct bf_context *context, const char *const *more,
    const char **names)
{
	const struct bf_directive *directive = context->table;
	const struct bf_special *special = context->specials;
	size_t count = 0;

	for (; directive && directive->type != BF_TYPE_NONE; directive++) {
		if (names)
			names[count] = directive->name;
		count++;
	}
	for (; special && special->name; special++) {
		if (names)
			names[count] = special->name;
		count++;
	}
	for (; more && *more; more++) {
		if (names)
			names[count] = *more;
		count++;
	}
	return count;
}

const char **
bf_context_names(const struct bf_context *context, const char *const *more)
{
	const char **names =
	    bf_zalloc(add_names(context, more, NULL) + 1, sizeof(*names));

	add_names(context, more, names);
	return names;
}

int
bf_special_read(struct bf_loading *loading, const struct bf_special *special,
    const char *text, const struct bf_conf_node *at, void *target)
{
	struct bf_conf_node node = { .file = at->file, .line = at->line };
	char *copy = bf_strdup(text);
	char *rest = NULL;
	int result;

	node.name = bf_strdup(special->name);
	for (char *word = strtok_r(copy, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		bf_strings_add(&node.words, word);
	result = special->read(loading, special, &node, target);
	bf_strings_free(&node.words);
	free(node.name);
	free(copy);
	return result;
}

static int
read_fallback(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *at, void *target)
{
	char *copy = bf_strdup(special->fallback);
	char *rest = NULL;
	int result = 0;

	if (*copy == '\0')
		result = bf_special_read(loading, special, "", at, target);
	for (char *text = strtok_r(copy, ";", &rest); result == 0 && text;
	     text = strtok_r(NULL, ";", &rest))
		result = bf_special_read(loading, special, text, at, target);
	free(copy);
	return result;
}

static int
read_special(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *at, void *target, const char *const *names)
{
	const struct bf_shape shape = { special->min, special->max,
		special->syntax, special->block };
	const struct bf_conf_node *first = bf_conf_find(at, special->name);

	if (!first)
		return special->fallback
			   ? read_fallback(loading, special, at, target)
			   : 0;
	for (const struct bf_conf_node *node = first; node; node = node->next) {
		if (strcmp(node->name, special->name) != 0)
			continue;
		if (bf_settings_shape(&shape, node, NULL, names,
			loading->err) == -1)
			return -1;
		if (node != first && !special->repeats)
			return bf_conf_error(node, loading->err,
			    "%s: repeated; expected it once (it stands in "
			    "%s:%u)",
			    node->name, first->file, first->line);
		if (special->read(loading, special, node, target) == -1)
			return -1;
	}
	return 0;
}

int
bf_context_read(struct bf_loading *loading, const struct bf_context *context,
    const struct bf_conf_node *at, void *target, const char *const *more)
{
	static const struct bf_directive nothing[] = { { 0 } };
	const char **names = bf_context_names(context, more);
	int result =
	    bf_settings_apply(context->table ? context->table : nothing, target,
		at, names, loading->secrets, loading->err);

	for (const struct bf_special *special = context->specials;
	     result == 0 && special && special->name; special++)
		result = read_special(loading, special, at, target, names);
	free(names);
	return result;
}
