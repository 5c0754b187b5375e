#ifndef BF_CHANNEL_NUMBERS_H
#define BF_CHANNEL_NUMBERS_H

#include "core/store/store.h"

/*
 * The numbers of all channels, read from the store at once, and given to new
 * ones at once: one by one, each would be a transaction of its own.
 */
struct bf_channel_numbers;

/* NULL on failure; *result says of what kind. */
struct bf_channel_numbers *bf_channel_numbers_read(struct bf_store *store,
    enum bf_store_result *result, struct bf_error *err);

/* Asks for the number of a channel, which is set at the latest by
 * bf_channel_numbers_give: that one gives numbers to those that have none. */
void bf_channel_numbers_ask(struct bf_channel_numbers *numbers,
    const char *tenant, const char *name, uint32_t *number);
enum bf_store_result bf_channel_numbers_give(struct bf_channel_numbers *numbers,
    struct bf_error *err);

void bf_channel_numbers_free(struct bf_channel_numbers **numbers);

#endif
