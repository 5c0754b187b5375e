#ifndef BF_API_CHANNEL_H
#define BF_API_CHANNEL_H

#include "core/conf/seal.h"
#include "core/registry/registry.h"

/*
 * Channels made over the API, as they are kept in the store: a setting
 * "api_channel/TENANT/NAME" whose value is the JSON object that was posted
 * (core/registry/channel_json.h) with a version and the
 * time when it was made, and {"sealed": "sealed:..."}
 * in place of each secret.
 */

#define BF_API_CHANNEL_PREFIX "api_channel/"

/* The name of the setting; new memory. */
char *bf_api_channel_name(const char *tenant, const char *name);

/* Splits such a name, in place; false if it is none. */
bool bf_api_channel_split(char *setting, char **tenant, char **name);

/* The value: json is what was posted, channel what it was read to; created_us
 * is 0 if that is not known. */
char *bf_api_channel_value(const struct bf_keyring *keys,
    struct bf_channel_reader *reader, const cJSON *json,
    const struct bf_channel *channel, uint64_t version, int64_t created_us);

/* Puts the channel of a setting into the registry: with a fault, and only its
 * names and events, where the value can't be read or a secret does not open. */
struct bf_channel_state *bf_api_channel_load(struct bf_registry *registry,
    const struct bf_keyring *keys, const char *tenant, const char *name,
    const char *value);

/*
 * The value with every secret sealed by the present key, in new memory; NULL if
 * all are already. A secret that does not open stays as it is: bad says how
 * many there are.
 */
char *bf_api_channel_reseal(const struct bf_keyring *keys, const char *tenant,
    const char *name, const char *value, size_t *bad);

/* Calls found with the id of the key of every sealed secret in the value. */
void bf_api_channel_keys(const char *value,
    void (*found)(void *context, const char *key), void *context);

#endif
