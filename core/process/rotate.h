#ifndef BF_ROTATE_H
#define BF_ROTATE_H

#include "core/conf/seal.h"
#include "core/store/store.h"

/*
 * The keys of sealed secrets, and another one in their place. Made to be killed
 * at any moment: the key file has every key that anything needs, all the time,
 * and what was begun is gone on with by the next call.
 */
struct bf_rotation {
	const char *key_file;
	bool new_key;                  /* make one; else only finish */
	const struct bf_strings *conf; /* keys that the conf file needs */
	/* Filled in; the caller frees keys and dropped. */
	struct bf_keyring *keys;   /* as the key file has them now */
	size_t resealed;           /* channels of the store */
	size_t bad;                /* secrets that no key opens */
	struct bf_strings dropped; /* ids of keys */
};

/*
 * 1. writes the key file with the new key, which seals from then on;
 * 2. seals the secrets of every channel in the store with it;
 * 3. writes the key file without the keys that nothing needs any more.
 *
 * Blocks. When it fails half way, what was done stays, and is good.
 */
enum bf_store_result bf_rotate(struct bf_store *store,
    struct bf_rotation *rotation, struct bf_error *err);

/* Whether the store has a secret that the present key did not seal; any: or
 * any at all. */
enum bf_store_result bf_rotate_pending(struct bf_store *store,
    const struct bf_keyring *keys, bool *pending, bool *any,
    struct bf_error *err);

#endif
