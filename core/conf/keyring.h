#ifndef BF_KEYRING_H
#define BF_KEYRING_H

#include "core/conf/seal.h"

/* What seal.c and keyring.c share. */
struct bf_key {
	char id[BF_KEY_ID + 1];
	unsigned char bytes[BF_KEY_SIZE];
};

struct bf_keyring {
	struct bf_key *keys;
	size_t count;
};

const struct bf_key *bf_keyring_find(const struct bf_keyring *keys,
    const char *id);

#endif
