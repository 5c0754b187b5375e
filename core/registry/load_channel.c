/*
 * load_channel.c - channels and tenants
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/load_private.h"

/* Carries one of the module's directives, its references looked up. */
static int
add_setting(struct bf_loading *loading, struct bf_channel *channel,
    const struct bf_directive *directive, const struct bf_conf_node *node)
{
	struct bf_setting *setting;
	struct bf_error cause;

	channel->settings = bf_grow(channel->settings, channel->setting_count,
	    sizeof(*setting));
	setting = &channel->settings[channel->setting_count++];
	setting->name = bf_strdup(directive->name);
	setting->line = node->line;
	if (bf_settings_final(directive, node, loading->secrets,
		&setting->words, &setting->secret, &cause) == 0)
		return 0;
	return bf_conf_error(node, loading->err, "%s: %s", node->name,
	    cause.text);
}

/* Checks the module's directives one by one, as its struct would be set. */
static int
check_settings(struct bf_loading *loading, const struct bf_directive *table,
    const struct bf_conf_node *node)
{
	const char **core = bf_context_names(&bf_context_channel, NULL);
	void *scratch = bf_zalloc(1, bf_settings_size(table) + 1);
	int result = bf_settings_apply(table, scratch, node, core,
	    loading->secrets, loading->err);

	bf_settings_clear(table, scratch);
	free(scratch);
	free(core);
	return result;
}

/* The directive that a message of the module begins with, as in "to: empty", or
 * the channel itself. */
static const struct bf_conf_node *
find_culprit(const struct bf_conf_node *node, const char *message)
{
	const size_t length = strcspn(message, ": ");
	const struct bf_conf_node *culprit = node->block;

	while (culprit && (strncmp(culprit->name, message, length) != 0 ||
			      culprit->name[length] != '\0'))
		culprit = culprit->next;
	return culprit && message[length] == ':' ? culprit : node;
}

/* A message of the module, which may name the place already. */
static int
refuse_channel(struct bf_loading *loading, const struct bf_conf_node *node,
    const struct bf_channel *channel, const char *message)
{
	char *place = bf_strf("%s:%u: ", node->file, node->line);

	if (strncmp(message, place, strlen(place)) == 0)
		message += strlen(place);
	free(place);
	return bf_conf_error(find_culprit(node, message), loading->err,
	    "channel %s %s: %s", channel->module, channel->name, message);
}

static int
read_settings(struct bf_loading *loading, const struct bf_directive *table,
    const struct bf_conf_node *node, struct bf_channel *channel)
{
	const struct bf_module_source *modules = loading->modules;
	const struct bf_directive *directive;
	struct bf_error cause;

	if (check_settings(loading, table, node) == -1)
		return -1;
	for (const struct bf_conf_node *setting = node->block; setting;
	     setting = setting->next) {
		directive = bf_settings_find(table, setting->name);
		if (directive &&
		    add_setting(loading, channel, directive, setting) == -1)
			return -1;
	}
	if (!modules->check || modules->check(modules->context, channel->module,
				   channel, &cause) == 0)
		return 0;
	return refuse_channel(loading, node, channel, cause.text);
}

/* The names of a table, NULL at the end; free the array. */
static const char **
names_of(const struct bf_directive *table)
{
	const struct bf_context alone = { .table = table };

	return bf_context_names(&alone, NULL);
}

/* All that stands in the block: any of it may be the module's. */
static const char **
names_in(const struct bf_conf_node *node)
{
	size_t count = 0;
	const char **names;

	for (const struct bf_conf_node *own = node->block; own; own = own->next)
		count++;
	names = bf_zalloc(count + 1, sizeof(*names));
	count = 0;
	for (const struct bf_conf_node *own = node->block; own; own = own->next)
		names[count++] = own->name;
	return names;
}

/* In place of a module that is not loaded. Its channels' deliveries wait for
 * it, and none is given up meanwhile; their settings only it can read. */
static const struct bf_module_info unloaded = { .max_age = (char *)"36500d" };

int
bf_load_channel(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_snapshot *snapshot = loading->snapshot;
	const char *name = node->words.items[1];
	const char *kind = node->words.items[0];
	const bool missing = bf_module_is_missing(loading, kind);
	const int module = missing ? -1 : bf_find_module(loading, node, kind);
	const struct bf_directive *table =
	    module == -1 ? NULL : loading->tables[module];
	struct bf_channel *channel;
	const char **names;
	int result;

	(void)special;
	(void)target;
	if ((module == -1 && !missing) ||
	    bf_name_check(loading, node, BF_NAMING_THING, name) == -1 ||
	    bf_define(loading, node, "channel", loading->tenant, name) == -1)
		return -1;
	snapshot->channels = bf_grow(snapshot->channels,
	    snapshot->channel_count, sizeof(*channel));
	channel = &snapshot->channels[snapshot->channel_count++];
	channel->tenant = bf_strdup(
	    loading->tenant ? loading->tenant : snapshot->default_tenant);
	channel->name = bf_strdup(name);
	channel->module = bf_strdup(kind);
	channel->file = bf_strdup(node->file);
	channel->line = node->line;
	bf_load_place(loading, node, loading->tenant, name);
	names = missing ? names_in(node) : names_of(table);
	result = bf_load_policy(loading, node,
	    missing ? &unloaded : &snapshot->modules[module], names,
	    &channel->policy);
	free(names);
	if (result == 0 && !missing)
		result = read_settings(loading, table, node, channel);
	return result;
}
