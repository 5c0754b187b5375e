/*
 * load.c - a snapshot from a conf file
 *
 * The tree is read whole, then block by block into the snapshot by the tables
 * of each context. Nothing that is made on the way outlives a mistake.
 */
#include "core/registry/load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/registry/load_private.h"

/* Appends the directives of -g, parsed, to the conf file's own. */
static int
add_globals(struct bf_conf_tree *tree, const char *globals,
    struct bf_conf_tree **more, struct bf_error *err)
{
	struct bf_conf_node **end = &tree->first;

	if (!globals)
		return 0;
	*more = bf_conf_parse(globals, strlen(globals), "-g", err);
	if (!*more)
		return -1;
	while (*end)
		end = &(*end)->next;
	*end = (*more)->first;
	(*more)->first = NULL;
	return 0;
}

static int
compare_tenants(const void *a, const void *b)
{
	const struct bf_tenant *first = a;
	const struct bf_tenant *second = b;

	return strcmp(first->id, second->id);
}

static struct bf_snapshot *
new_snapshot(const char *path)
{
	struct bf_snapshot *snapshot = bf_new(struct bf_snapshot);

	snapshot->path = bf_strdup(path);
	snapshot->tenants = bf_grow(NULL, 0, sizeof(snapshot->tenants[0]));
	snapshot->tenant_count = 1;
	/* The operator's own: only what is said of it limits it. */
	snapshot->tenants[0].limits = (struct bf_limits)BF_LIMITS_DEFAULT;
	bf_add_builtin_types(snapshot);
	return snapshot;
}

static int
read_tree(struct bf_loading *loading, const struct bf_conf_tree *tree)
{
	struct bf_snapshot *snapshot = loading->snapshot;
	const struct bf_conf_node root = {
		.name = (char *)"main",
		.block = tree->first,
		.has_block = true,
		.file = snapshot->path,
		.line = 1,
	};

	if (bf_context_read(loading, &bf_context_main, &root, snapshot, NULL) ==
	    -1)
		return -1;
	qsort(snapshot->tenants + 1, snapshot->tenant_count - 1,
	    sizeof(snapshot->tenants[0]), compare_tenants);
	return 0;
}

struct bf_snapshot *
bf_registry_load(const char *path, const char *globals,
    const char *modules_directory, const struct bf_module_source *modules,
    const struct bf_secret_source *secrets, struct bf_error *err)
{
	/* As if the path stood in a file of the current folder. */
	const struct bf_conf_node here = { .file = "" };
	char *whole = bf_conf_path(&here, path);
	struct bf_conf_tree *tree = bf_conf_read(whole, err);
	struct bf_conf_tree *more = NULL;
	struct bf_keyring *keys = NULL;
	struct bf_secret_source source = *secrets;
	struct bf_loading loading = {
		.modules = modules,
		.modules_directory = modules_directory,
		.secrets = &source,
		.err = err,
	};

	source.keys = &keys;
	if (tree && add_globals(tree, globals, &more, err) == 0) {
		loading.snapshot = new_snapshot(whole);
		if (read_tree(&loading, tree) == -1)
			bf_snapshot_free(&loading.snapshot);
	}
	bf_definitions_free(&loading);
	bf_keyring_free(&keys);
	free(loading.tables);
	bf_conf_free(&more);
	bf_conf_free(&tree);
	free(whole);
	return loading.snapshot;
}

const char **
bf_registry_secret_names(const struct bf_snapshot *snapshot)
{
	/* Also those of modules that are not loaded now. */
	static const char *const known[] = { "value", "secret",
		"previous_secret", "password", "bearer", "token", "api_key" };
	const size_t known_count = sizeof(known) / sizeof(known[0]);
	size_t count = known_count;
	const char **names;

	for (size_t i = 0; i < snapshot->channel_count; i++)
		count += snapshot->channels[i].setting_count;
	names = bf_zalloc(count + 1, sizeof(*names));
	memcpy(names, known, sizeof(known));
	count = known_count;
	for (size_t i = 0; i < snapshot->channel_count; i++) {
		const struct bf_channel *channel = &snapshot->channels[i];

		for (size_t j = 0; j < channel->setting_count; j++) {
			const struct bf_setting *setting =
			    &channel->settings[j];

			/* A pair is secret only where it is a reference,
			 * which is shown as such. */
			if (setting->secret && setting->words.count == 1)
				names[count++] = setting->name;
		}
	}
	return names;
}
