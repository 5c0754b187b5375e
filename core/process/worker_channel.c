/*
 * worker_channel.c - the channels that a worker knows
 *
 * Modules are opened when the first channel needs them. Settings are counted
 * references: a reload replaces them while attempts with the old ones run.
 */
#include <stdlib.h>

#include <belfry/memory.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/process/worker_private.h"
#include "core/registry/snapshot_wire.h"

struct worker_channel {
	uint32_t number;
	unsigned users;
	struct bf_channel *conf;
	const struct bf_module *module; /* NULL: see error */
	void *settings;
	struct bf_error error;
	UT_hash_handle hh;
};

struct worker_channels {
	const struct bf_snapshot *snapshot;
	struct bf_loader *loader;
	struct worker_channel *all;
};

struct worker_channels *
bf_worker_channels_new(const struct bf_snapshot *snapshot)
{
	struct worker_channels *channels = bf_new(struct worker_channels);

	channels->snapshot = snapshot;
	channels->loader = bf_loader_new();
	return channels;
}

void
bf_worker_channel_done(struct worker_channel *channel)
{
	if (--channel->users > 0)
		return;
	if (channel->module)
		bf_module_settings_free(channel->module, &channel->settings);
	bf_channel_free(&channel->conf);
	free(channel);
}

void
bf_worker_channels_forget(struct worker_channels *channels, uint32_t number)
{
	struct worker_channel *channel;

	HASH_FIND(hh, channels->all, &number, sizeof(number), channel);
	if (!channel)
		return;
	HASH_DEL(channels->all, channel);
	bf_worker_channel_done(channel);
}

static const struct bf_module *
open_module(struct worker_channels *channels, const char *name,
    struct bf_error *err)
{
	const struct bf_module_info *info =
	    bf_snapshot_module(channels->snapshot, name);

	if (info)
		return bf_loader_open(channels->loader, info->path, err);
	bf_error_set(err, "module %s is not loaded", name);
	return NULL;
}

int
bf_worker_channels_check(struct worker_channels *channels, const char *bytes,
    size_t size, struct bf_error *err)
{
	struct bf_channel *conf = bf_channel_decode(bytes, size, err);
	const struct bf_module *module =
	    conf ? open_module(channels, conf->module, err) : NULL;
	void *settings = module ? bf_module_settings(module, conf, err) : NULL;
	const int result = settings ? 0 : -1;

	if (settings)
		bf_module_settings_free(module, &settings);
	bf_channel_free(&conf);
	return result;
}

/* Opens the module and makes the settings; error says why not. */
static void
prepare(struct worker_channels *channels, struct worker_channel *channel)
{
	const struct bf_module *module =
	    open_module(channels, channel->conf->module, &channel->error);

	if (!module)
		return;
	channel->settings =
	    bf_module_settings(module, channel->conf, &channel->error);
	if (channel->settings)
		channel->module = module;
}

void
bf_worker_channels_put(struct worker_channels *channels,
    const struct bf_msg_channel *message)
{
	struct worker_channel *channel;
	struct bf_channel *conf;
	struct bf_error err;

	conf = bf_channel_decode(message->bytes, message->size, &err);
	if (!conf) {
		bf_log(BF_LOG_ERROR, "channel from the scheduler: %s",
		    err.text);
		return;
	}
	bf_worker_channels_forget(channels, conf->number);
	channel = bf_new(struct worker_channel);
	channel->number = conf->number;
	channel->users = 1;
	channel->conf = conf;
	prepare(channels, channel);
	if (!channel->module)
		bf_log(BF_LOG_ERROR, "channel %s: %s", conf->name,
		    channel->error.text);
	HASH_ADD(hh, channels->all, number, sizeof(channel->number), channel);
}

struct worker_channel *
bf_worker_channel_use(struct worker_channels *channels, uint32_t number,
    struct bf_error *err)
{
	struct worker_channel *channel;

	HASH_FIND(hh, channels->all, &number, sizeof(number), channel);
	if (!channel) {
		bf_error_set(err, "the worker does not know the channel");
		return NULL;
	}
	if (!channel->module) {
		*err = channel->error;
		return NULL;
	}
	channel->users++;
	return channel;
}

const struct bf_module *
bf_worker_channel_module(const struct worker_channel *channel)
{
	return channel->module;
}

const void *
bf_worker_channel_settings(const struct worker_channel *channel)
{
	return channel->settings;
}

const struct bf_channel *
bf_worker_channel_conf(const struct worker_channel *channel)
{
	return channel->conf;
}

void
bf_worker_channels_free(struct worker_channels **channels)
{
	struct worker_channel *channel, *next;

	if (!*channels)
		return;
	HASH_ITER(hh, (*channels)->all, channel, next)
	{
		HASH_DEL((*channels)->all, channel);
		bf_worker_channel_done(channel);
	}
	bf_loader_free(&(*channels)->loader);
	free(*channels);
	*channels = NULL;
}
