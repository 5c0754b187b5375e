/*
 * settings.c - a channel's settings as its module's own struct
 *
 * The settings have been made final when the conf file was read: what comes
 * here may come from another process, and nothing is looked up again.
 */
#include <stdlib.h>

#include <belfry/memory.h>

#include "core/conf/settings.h"
#include "core/module/loader.h"

/* The settings as the directives of a block; words are borrowed. */
static struct bf_conf_node *
make_nodes(const struct bf_channel *channel)
{
	struct bf_conf_node *nodes =
	    bf_zalloc(channel->setting_count + 1, sizeof(*nodes));

	nodes[0].name = channel->name;
	nodes[0].file = channel->file ? channel->file : "";
	nodes[0].line = channel->line;
	nodes[0].has_block = true;
	nodes[0].block = channel->setting_count > 0 ? &nodes[1] : NULL;
	for (size_t i = 0; i < channel->setting_count; i++) {
		struct bf_conf_node *node = &nodes[i + 1];

		node->name = channel->settings[i].name;
		node->words = channel->settings[i].words;
		node->file = nodes[0].file;
		node->line = channel->settings[i].line;
		if (i + 1 < channel->setting_count)
			node->next = node + 1;
	}
	return nodes;
}

void *
bf_module_settings(const struct bf_module *module,
    const struct bf_channel *channel, struct bf_error *err)
{
	struct bf_conf_node *nodes = make_nodes(channel);
	void *settings = bf_zalloc(1, module->conf_size);
	int status;

	status = bf_settings_apply(module->directives, settings, nodes, NULL,
	    NULL, err);
	if (status == 0 && module->check) {
		status = module->check(settings, err);
		if (status == -1 && channel->line > 0)
			bf_error_prefix(err, "%s:%u", nodes[0].file,
			    channel->line);
	}
	free(nodes);
	if (status == -1)
		bf_module_settings_free(module, &settings);
	return settings;
}

void
bf_module_settings_free(const struct bf_module *module, void **settings)
{
	if (!*settings)
		return;
	if (module->clear)
		module->clear(*settings);
	bf_settings_clear(module->directives, *settings);
	free(*settings);
	*settings = NULL;
}
