/*
 * load_names.c - names in the conf file: what they may be, once each, and what
 * is sealed for them
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/base/hash.h"
#include "core/registry/load_private.h"

struct bf_definition {
	char *key;        /* kind, tenant and name, a line feed between them */
	const char *file; /* borrowed from the tree */
	unsigned line;
	UT_hash_handle hh;
};

int
bf_define(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *kind, const char *tenant, const char *name)
{
	struct bf_definition *definition;
	char *key = bf_strf("%s\n%s\n%s", kind, tenant ? tenant : "", name);

	HASH_FIND_STR(loading->definitions, key, definition);
	if (definition) {
		free(key);
		return bf_conf_error(node, loading->err,
		    "%s \"%s\" exists already; expected another name (the "
		    "first stands in %s:%u)",
		    kind, name, definition->file, definition->line);
	}
	definition = bf_new(struct bf_definition);
	definition->key = key;
	definition->file = node->file;
	definition->line = node->line;
	HASH_ADD_KEYPTR(hh, loading->definitions, definition->key,
	    strlen(definition->key), definition);
	return 0;
}

void
bf_definitions_free(struct bf_loading *loading)
{
	struct bf_definition *definition, *next;

	HASH_ITER(hh, loading->definitions, definition, next)
	{
		HASH_DEL(loading->definitions, definition);
		free(definition->key);
		free(definition);
	}
}

void *
bf_grow(void *items, size_t count, size_t size)
{
	/* Grows at powers of two: count alone tells when it is full. */
	if ((count & (count - 1)) == 0)
		items = bf_resize(items, count > 0 ? count * 2 : 1, size);
	memset((char *)items + count * size, 0, size);
	return items;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const struct rule {
	const char *first, *rest; /* characters */
	size_t max;               /* of them */
	const char *expected;
} rules[] = {
	[BF_NAMING_THING] = { LOWER UPPER DIGITS, LOWER UPPER DIGITS "._-",
	    BF_NAME_MAX,
	    "a name of letters, digits, dots, hyphens and underscores, 64 at "
	    "most" },
	[BF_NAMING_TYPE] = { LOWER, LOWER DIGITS "_", BF_NAME_MAX,
	    "a name of small letters, digits and underscores, 64 at most" },
	[BF_NAMING_TENANT] = { LOWER UPPER DIGITS, LOWER UPPER DIGITS "._:@-",
	    BF_TENANT_MAX,
	    "an id of letters, digits and . _ : @ -, 64 characters at most" },
};

int
bf_name_check(struct bf_loading *loading, const struct bf_conf_node *node,
    enum bf_naming naming, const char *text)
{
	const struct rule *rule = &rules[naming];

	if (*text != '\0' && strchr(rule->first, *text) &&
	    text[strspn(text, rule->rest)] == '\0' && strlen(text) <= rule->max)
		return 0;
	return bf_conf_error(node, loading->err,
	    "%s: \"%.64s\" is no name; expected %s", node->name, text,
	    rule->expected);
}

static void
note_sealed(struct bf_loading *loading, const struct bf_conf_node *block,
    const struct bf_conf_node *node)
{
	struct bf_snapshot *snapshot = loading->snapshot;
	struct bf_sealed *sealed;
	char key[BF_KEY_ID + 1];

	for (size_t i = 0; i < node->words.count; i++) {
		if (!bf_seal_key(node->words.items[i], key))
			continue;
		snapshot->sealed = bf_grow(snapshot->sealed,
		    snapshot->sealed_count, sizeof(*sealed));
		sealed = &snapshot->sealed[snapshot->sealed_count++];
		sealed->key = bf_strdup(key);
		sealed->place = bf_strf("%s %s: %s%s%s", block->name,
		    loading->secrets->place.name, node->name, i > 0 ? " " : "",
		    i > 0 ? node->words.items[0] : "");
		sealed->file = bf_strdup(node->file);
		sealed->line = node->line;
	}
}

void
bf_load_place(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *tenant, const char *name)
{
	loading->secrets->place = (struct bf_seal_place){ .kind = node->name,
		.tenant = tenant ? tenant : "",
		.name = name,
		.directive = "" };
	for (const struct bf_conf_node *each = node->block; each;
	     each = each->next)
		note_sealed(loading, node, each);
}
