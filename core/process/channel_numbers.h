#ifndef BF_CHANNEL_NUMBERS_H
#define BF_CHANNEL_NUMBERS_H

#include "core/store/store.h"

/*
 * The numbers of all channels, read from the store at once: asked for one by
 * one, each would be a transaction of its own.
 */
struct bf_channel_numbers;

/* NULL on failure; *result says of what kind. */
struct bf_channel_numbers *bf_channel_numbers_read(struct bf_store *store,
    enum bf_store_result *result, struct bf_error *err);

/* The number of a channel, which the store gives it now if it has none. */
enum bf_store_result
bf_channel_numbers_get(const struct bf_channel_numbers *numbers,
    const char *tenant, const char *name, uint32_t *number,
    struct bf_error *err);

void bf_channel_numbers_free(struct bf_channel_numbers **numbers);

#endif
