#ifndef BF_SEAL_H
#define BF_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/buf.h>
#include <belfry/error.h>
#include <belfry/value.h>

/*
 * Sealed secrets: "sealed:v1:KEYID:BASE64", AES-256-GCM under a key that stands
 * in a file of its own, bound to the place it was made for, so that one which
 * is copied to another place does not open there. In the base64: a random
 * 96-bit nonce, the ciphertext, a tag of 128 bits (NIST SP 800-38D).
 */

#define BF_KEY_ID 8    /* characters of a key's id: hexadecimal digits */
#define BF_KEY_SIZE 32 /* bytes of a key */

/* Where a sealed value stands. */
struct bf_seal_place {
	const char *kind;      /* "channel" or "token" */
	const char *tenant;    /* "": the conf file, outside of tenant blocks */
	const char *name;      /* of the channel or token */
	const char *directive; /* "secret"; of a pair "header X-Key" */
};

/*
 * The keys of a key file. New values are sealed with the last one; the others
 * open what was sealed before.
 */
struct bf_keyring;

/*
 * Reads a key file: a line "KEYID KEY" for each, both in hexadecimal digits; a
 * line that begins with "#" is a comment. Refuses one that is missing, empty,
 * damaged, not ours, or that others may read, and says what was expected.
 */
struct bf_keyring *bf_keyring_read(const char *path, struct bf_error *err);

/* Writes the keys to a file that only its user may read, in the place of the
 * one that is there: whoever is killed on the way leaves the old one or the
 * new one, on stable storage. */
int bf_keyring_write(const struct bf_keyring *keys, const char *path,
    struct bf_error *err);

struct bf_keyring *bf_keyring_new(void);      /* without a key */
void bf_keyring_add(struct bf_keyring *keys); /* a new one, the last */
void bf_keyring_drop(struct bf_keyring *keys, const char *id);
size_t bf_keyring_count(const struct bf_keyring *keys);
const char *bf_keyring_id(const struct bf_keyring *keys, size_t index);
const char *bf_keyring_current(const struct bf_keyring *keys);
void bf_keyring_free(struct bf_keyring **keys); /* wipes them */

/* Appends the sealed form of size bytes at text. */
void bf_seal(const struct bf_keyring *keys, const struct bf_seal_place *place,
    const char *text, size_t size, struct bf_buf *out);

/* Opens a sealed value into out (appended), or says why it does not open. */
int bf_seal_open(const struct bf_keyring *keys,
    const struct bf_seal_place *place, const char *sealed, struct bf_buf *out,
    struct bf_error *err);

/* Whether text is a sealed value; id is then that of its key. */
bool bf_seal_key(const char *text, char id[BF_KEY_ID + 1]);

#endif
