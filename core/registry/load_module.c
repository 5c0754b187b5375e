/*
 * load_module.c - load_module and disable
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/load_private.h"
#include "core/registry/rate.h"
#include "core/registry/snapshot_private.h"

/* The loaded module whose name is most like this one, or NULL. */
static const char *
find_nearest(const struct bf_snapshot *snapshot, const char *name)
{
	const char **names =
	    bf_zalloc(snapshot->module_count + 1, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < snapshot->module_count; i++)
		names[i] = snapshot->modules[i].name;
	nearest = bf_nearest(name, names, snapshot->module_count);
	free(names);
	return nearest;
}

bool
bf_module_is_missing(const struct bf_loading *loading, const char *name)
{
	return *name &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] ==
		   '\0' &&
	       !bf_snapshot_module(loading->snapshot, name) &&
	       !find_nearest(loading->snapshot, name);
}

int
bf_find_module(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *name)
{
	const struct bf_snapshot *snapshot = loading->snapshot;
	const char *nearest;

	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (strcmp(snapshot->modules[i].name, name) == 0)
			return (int)i;
	}
	nearest = find_nearest(snapshot, name);
	if (nearest)
		return bf_conf_error(node, loading->err,
		    "%s: no module \"%.64s\" is loaded; did you mean \"%s\"?",
		    node->name, name, nearest);
	return bf_conf_error(node, loading->err,
	    "%s: no module \"%.64s\" is loaded; expected \"load_module "
	    "modules/%.64s.so;\" in the main context",
	    node->name, name, name);
}

int
bf_load_disable(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_snapshot *snapshot = target;
	int index = bf_find_module(loading, node, node->words.items[0]);
	struct bf_module_info *info;

	(void)special;
	if (index == -1)
		return -1;
	info = &snapshot->modules[index];
	info->disabled = true;
	free(info->file);
	info->file = bf_strdup(node->file);
	info->line = node->line;
	return 0;
}

/* A name that the core takes for every channel can't be a module's. */
static int
check_names(const struct bf_directive *table, struct bf_error *err)
{
	const char **names = bf_context_names(&bf_context_channel, NULL);
	int result = 0;

	for (size_t i = 0; result == 0 && names[i]; i++) {
		if (!bf_settings_find(table, names[i]))
			continue;
		bf_error_set(err,
		    "the module has a directive \"%s\"; expected another "
		    "name, as belfry has one of its own",
		    names[i]);
		result = -1;
	}
	free(names);
	return result;
}

/* The words of a default. */
static void
split(const char *text, struct bf_strings *words)
{
	char *copy = bf_strdup(text);
	char *rest = NULL;

	*words = (struct bf_strings){ 0 };
	for (char *word = strtok_r(copy, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		bf_strings_add(words, word);
	free(copy);
}

/* The module's own defaults must be such as could be written. */
static int
check_defaults(const struct bf_module_info *info, struct bf_error *err)
{
	struct bf_strings retry_words;
	struct bf_duration max_age, timeout;
	struct bf_retry retry;
	struct bf_rate rate;
	int64_t concurrency = 1;
	int result;

	split(info->retry ? info->retry : "none", &retry_words);
	result = bf_retry_parse(&retry_words, &retry, err);
	if (result == 0)
		result =
		    bf_rate_read(info->rate ? info->rate : "off", &rate, err);
	if (result == 0 && info->max_age)
		result = bf_duration_parse(info->max_age, &max_age, err);
	if (result == 0 && info->concurrency)
		result = bf_integer_parse(info->concurrency, &concurrency, err);
	if (result == 0 && info->concurrency && concurrency < 1) {
		bf_error_set(err, "concurrency %s; expected 1 or more",
		    info->concurrency);
		result = -1;
	}
	if (result == 0 && info->timeout)
		result = bf_duration_parse(info->timeout, &timeout, err);
	if (result == -1)
		bf_error_prefix(err, "the module's own default");
	bf_strings_free(&retry_words);
	return result;
}

/* Whether the module was built with this belfry: then its name, with ".la",
 * is one of the words of BF_MODULES_SHIPPED. */
static bool
is_shipped(const char *name)
{
	/* A space in front of the first word, too. */
	static const char shipped[] = " " BF_MODULES_SHIPPED;
	const size_t size = strlen(name);
	const char *word = shipped + 1;

	while ((word = strstr(word, name))) {
		if (word[-1] == ' ' && strncmp(word + size, ".la", 3) == 0)
			return true;
		word += size;
	}
	return false;
}

/* A module that belfry does not ship gets workers of its own, unless the
 * conf file trusts it. */
static int
read_isolate(struct bf_loading *loading, const struct bf_conf_node *node,
    struct bf_module_info *info)
{
	const char *word;

	info->isolate = !is_shipped(info->name);
	if (node->words.count < 2)
		return 0;
	word = node->words.items[1];
	if (strncmp(word, "isolate=", 8) != 0 ||
	    bf_flag_parse(word + 8, &info->isolate, NULL) == -1)
		return bf_conf_error(node, loading->err,
		    "load_module: \"%.64s\": unknown; expected isolate=on or "
		    "isolate=off",
		    word);
	return 0;
}

/* Puts the module in the list, which owns info from then on. */
static void
add_module(struct bf_loading *loading, const struct bf_module_info *info,
    const struct bf_directive *table)
{
	struct bf_snapshot *snapshot = loading->snapshot;
	const size_t count = snapshot->module_count;

	snapshot->modules = bf_grow(snapshot->modules, count, sizeof(*info));
	loading->tables =
	    bf_grow(loading->tables, count, sizeof(*loading->tables));
	snapshot->modules[count] = *info;
	loading->tables[count] = table;
	snapshot->module_count++;
}

int
bf_load_module_block(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target)
{
	const struct bf_module_source *modules = loading->modules;
	const char *word = node->words.items[0];
	char *path = word[0] == '/'
			 ? bf_strdup(word)
			 : bf_strf("%s/%s", loading->modules_directory, word);
	const struct bf_directive *table = NULL;
	struct bf_module_info info = { 0 };
	struct bf_error cause;
	int result;

	(void)special;
	(void)target;
	result = modules->load(modules->context, path, &info, &table, &cause);
	free(path);
	if (result == 0) {
		add_module(loading, &info, table);
		if (check_names(table, &cause) == -1 ||
		    check_defaults(&info, &cause) == -1)
			result = -1;
	}
	if (result == -1)
		return bf_conf_error(node, loading->err, "load_module: %s",
		    cause.text);
	if (bf_define(loading, node, "module", NULL, info.name) == -1)
		return -1;
	return read_isolate(loading, node,
	    &loading->snapshot->modules[loading->snapshot->module_count - 1]);
}
