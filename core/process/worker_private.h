#ifndef BF_WORKER_PRIVATE_H
#define BF_WORKER_PRIVATE_H

#include <event2/event.h>

#include "core/module/loader.h"
#include "core/process/child.h"
#include "core/transport/transport.h"
#include "core/wire/link.h"

/* A channel as a worker knows it: its settings in the module's own form. */
struct worker_channel;

/* The channels that the scheduler has sent, by number. */
struct worker_channels;

struct worker_channels *bf_worker_channels_new(
    const struct bf_snapshot *snapshot);

/* Takes the settings in of a channel, in place of those it had. What runs with
 * the old ones goes on with them. */
void bf_worker_channels_put(struct worker_channels *channels,
    const struct bf_msg_channel *message);
/* Whether a channel's settings (bf_channel_encode) are good: -1 with the
 * reason if its module can't be opened or refuses them. */
int bf_worker_channels_check(struct worker_channels *channels,
    const char *bytes, size_t size, struct bf_error *err);
void bf_worker_channels_forget(struct worker_channels *channels,
    uint32_t number);

/* One more user of the channel's settings, or NULL with the reason. */
struct worker_channel *bf_worker_channel_use(struct worker_channels *channels,
    uint32_t number, struct bf_error *err);
void bf_worker_channel_done(struct worker_channel *channel);

const struct bf_module *bf_worker_channel_module(
    const struct worker_channel *channel);
const void *bf_worker_channel_settings(const struct worker_channel *channel);
const struct bf_channel *bf_worker_channel_conf(
    const struct worker_channel *channel);

void bf_worker_channels_free(struct worker_channels **channels);

#endif
