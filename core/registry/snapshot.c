/*
 * snapshot.c - what the conf file says, looked up and freed
 *
 * Types are sorted by name, tenants by id (but for the first, the default
 * one), so that both are found by bisection.
 */
#include "core/registry/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "core/registry/snapshot_private.h"

static int
compare_type(const void *name, const void *type)
{
	return strcmp(name, ((const struct bf_event_type *)type)->name);
}

const struct bf_event_type *
bf_snapshot_type(const struct bf_snapshot *snapshot, const char *name)
{
	if (snapshot->type_count == 0)
		return NULL;
	return bsearch(name, snapshot->types, snapshot->type_count,
	    sizeof(snapshot->types[0]), compare_type);
}

const struct bf_dashboard_user *
bf_snapshot_user(const struct bf_snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->user_count; i++) {
		if (strcmp(snapshot->users[i].name, name) == 0)
			return &snapshot->users[i];
	}
	return NULL;
}

const struct bf_module_info *
bf_snapshot_module(const struct bf_snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (strcmp(snapshot->modules[i].name, name) == 0)
			return &snapshot->modules[i];
	}
	return NULL;
}

bool
bf_channel_is_trusted(const struct bf_channel *channel)
{
	return channel->file != NULL;
}

static int
compare_tenant(const void *id, const void *tenant)
{
	return strcmp(id, ((const struct bf_tenant *)tenant)->id);
}

const struct bf_tenant *
bf_snapshot_tenant(const struct bf_snapshot *snapshot, const char *id)
{
	const struct bf_tenant *first = snapshot->tenants;

	if (snapshot->tenant_count == 0)
		return NULL;
	if (!id || (first->id && strcmp(first->id, id) == 0))
		return first;
	if (snapshot->tenant_count == 1)
		return NULL;
	return bsearch(id, first + 1, snapshot->tenant_count - 1,
	    sizeof(*first), compare_tenant);
}

static void
clear_types(struct bf_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->type_count; i++) {
		struct bf_event_type *type = &snapshot->types[i];

		free(type->name);
		free(type->category);
		free(type->description);
		bf_strings_free(&type->metadata);
		free(type->file);
	}
	free(snapshot->types);
}

static void
clear_tenants(struct bf_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->tenant_count; i++) {
		struct bf_tenant *tenant = &snapshot->tenants[i];

		for (size_t j = 0; j < tenant->toggle_count; j++) {
			free(tenant->toggles[j].type);
			free(tenant->toggles[j].file);
		}
		free(tenant->toggles);
		free(tenant->id);
		free(tenant->name);
		free(tenant->file);
	}
	free(snapshot->tenants);
}

static void
clear_setting(struct bf_setting *setting)
{
	for (size_t i = 0; setting->secret && i < setting->words.count; i++) {
		char *word = setting->words.items[i];

		explicit_bzero(word, strlen(word));
	}
	bf_strings_free(&setting->words);
	free(setting->name);
}

void
bf_channel_clear(struct bf_channel *channel)
{
	for (size_t i = 0; i < channel->setting_count; i++)
		clear_setting(&channel->settings[i]);
	free(channel->settings);
	bf_strings_free(&channel->policy.events);
	free(channel->policy.proxy);
	free(channel->policy.bind_address);
	free(channel->tenant);
	free(channel->name);
	free(channel->module);
	free(channel->file);
	*channel = (struct bf_channel){ 0 };
}

static void
clear_module_info(struct bf_module_info *info)
{
	free(info->name);
	free(info->path);
	free(info->file);
	free(info->version);
	free(info->license);
	free(info->summary);
	free(info->directives);
	free(info->retry);
	free(info->timeout);
	free(info->max_age);
	free(info->rate);
	free(info->concurrency);
	*info = (struct bf_module_info){ 0 };
}

static void
clear_lists(struct bf_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->channel_count; i++)
		bf_channel_clear(&snapshot->channels[i]);
	free(snapshot->channels);
	for (size_t i = 0; i < snapshot->token_count; i++) {
		free(snapshot->tokens[i].name);
		free(snapshot->tokens[i].tenant);
		free(snapshot->tokens[i].file);
	}
	free(snapshot->tokens);
	for (size_t i = 0; i < snapshot->user_count; i++) {
		free(snapshot->users[i].name);
		free(snapshot->users[i].tenant);
		free(snapshot->users[i].password);
		free(snapshot->users[i].stamp);
		free(snapshot->users[i].file);
	}
	free(snapshot->users);
	for (size_t i = 0; i < snapshot->module_count; i++)
		clear_module_info(&snapshot->modules[i]);
	free(snapshot->modules);
	for (size_t i = 0; i < snapshot->sealed_count; i++) {
		free(snapshot->sealed[i].key);
		free(snapshot->sealed[i].place);
		free(snapshot->sealed[i].file);
	}
	free(snapshot->sealed);
	for (size_t i = 0; i < snapshot->api.listen_count; i++)
		free(snapshot->api.listens[i].address);
	free(snapshot->api.listens);
}

void
bf_snapshot_free(struct bf_snapshot **snapshot)
{
	struct bf_snapshot *old = *snapshot;

	if (!old)
		return;
	clear_types(old);
	clear_tenants(old);
	clear_lists(old);
	free(old->path);
	free(old->user);
	free(old->group);
	free(old->pid_file);
	free(old->state_dir);
	free(old->key_file);
	free(old->default_tenant);
	free(old->log_target);
	free(old->proxy);
	free(old->bind_address);
	free(old->egress.ranges);
	free(old->egress.ports);
	free(old->egress.proxy);
	free(old->api.certificate);
	free(old->api.certificate_key);
	free(old->api.dashboard_root);
	bf_strings_free(&old->api.cors_origins);
	free(old);
	*snapshot = NULL;
}
