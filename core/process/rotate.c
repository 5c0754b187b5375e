/*
 * rotate.c - another key in the place of the present one
 */
#include "core/process/rotate.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/process/api_channel.h"

struct pass {
	const struct bf_keyring *keys;
	struct bf_batch batch;
	struct bf_strings needed; /* keys of what the store has */
	size_t resealed, bad;
};

static void
need(void *context, const char *key)
{
	struct bf_strings *needed = context;

	if (!bf_strings_has(needed, key))
		bf_strings_add(needed, key);
}

/* Adds the change that seals a channel's secrets anew, if there is need. */
static void
reseal(void *context, const char *setting, const char *value)
{
	struct pass *pass = context;
	char *copy = bf_strdup(setting);
	char *tenant, *name, *again;
	size_t bad = 0;

	if (!bf_api_channel_split(copy, &tenant, &name)) {
		free(copy);
		return;
	}
	again = bf_api_channel_reseal(pass->keys, tenant, name, value, &bad);
	bf_api_channel_keys(again ? again : value, need, &pass->needed);
	pass->bad += bad;
	if (again) {
		pass->resealed++;
		bf_batch_add(&pass->batch, bf_change_put(setting, again));
	}
	free(again);
	free(copy);
}

static void
drop_keys(struct bf_rotation *rotation, const struct bf_strings *needed)
{
	struct bf_keyring *keys = rotation->keys;
	size_t i = 0;

	while (i + 1 < bf_keyring_count(keys)) {
		const char *id = bf_keyring_id(keys, i);

		if (bf_strings_has(needed, id) ||
		    bf_strings_has(rotation->conf, id)) {
			i++;
			continue;
		}
		bf_strings_add(&rotation->dropped, id);
		bf_keyring_drop(keys,
		    rotation->dropped.items[rotation->dropped.count - 1]);
	}
}

/* The key file may have changed although the write failed: what it has now
 * counts. */
static enum bf_store_result
write_keys(struct bf_rotation *rotation, struct bf_error *err)
{
	if (bf_keyring_write(rotation->keys, rotation->key_file, err) == 0)
		return BF_STORE_OK;
	bf_keyring_free(&rotation->keys);
	rotation->keys = bf_keyring_read(rotation->key_file, NULL);
	bf_strings_free(&rotation->dropped);
	return BF_STORE_AGAIN;
}

enum bf_store_result
bf_rotate(struct bf_store *store, struct bf_rotation *rotation,
    struct bf_error *err)
{
	struct pass pass = { 0 };
	enum bf_store_result result = BF_STORE_OK;

	rotation->keys = bf_keyring_read(rotation->key_file, err);
	if (!rotation->keys)
		return BF_STORE_AGAIN;
	if (rotation->new_key) {
		bf_keyring_add(rotation->keys);
		result = write_keys(rotation, err);
	}
	if (result != BF_STORE_OK)
		return result;
	pass.keys = rotation->keys;
	bf_batch_init(&pass.batch);
	result =
	    bf_store_settings(store, BF_API_CHANNEL_PREFIX, reseal, &pass, err);
	if (result == BF_STORE_OK && pass.batch.count > 0)
		result = bf_store_commit(store, &pass.batch, err);
	if (result == BF_STORE_OK) {
		rotation->resealed = pass.resealed;
		rotation->bad = pass.bad;
		drop_keys(rotation, &pass.needed);
		if (rotation->dropped.count > 0)
			result = write_keys(rotation, err);
	}
	bf_batch_clear(&pass.batch);
	bf_strings_free(&pass.needed);
	return result;
}

static void
note_keys(void *context, const char *setting, const char *value)
{
	(void)setting;
	/* Of many channels, most may have no secret: not worth a parser. */
	if (strstr(value, "\"sealed\""))
		bf_api_channel_keys(value, need, context);
}

enum bf_store_result
bf_rotate_pending(struct bf_store *store, const struct bf_keyring *keys,
    bool *pending, bool *any, struct bf_error *err)
{
	struct bf_strings needed = { 0 };
	enum bf_store_result result;

	result = bf_store_settings(store, BF_API_CHANNEL_PREFIX, note_keys,
	    &needed, err);
	*any = needed.count > 0;
	*pending = false;
	for (size_t i = 0; keys && i < needed.count; i++)
		*pending |=
		    strcmp(needed.items[i], bf_keyring_current(keys)) != 0;
	bf_strings_free(&needed);
	return result;
}
