/*
 * seal.c - sealed secrets
 *
 * The place is authenticated with the value (additional data), each part with
 * its end, so that no two places look the same.
 */
#include "core/conf/seal.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/encode.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/conf/keyring.h"

#define NONCE_SIZE 12
#define TAG_SIZE 16

static const char prefix[] = "sealed:v1:";

#define PREFIX_SIZE (sizeof(prefix) - 1)

/* What is authenticated besides the value. */
static void
add_place(struct bf_buf *data, const struct bf_seal_place *place)
{
	const char *const parts[] = { "belfry sealed v1", place->kind,
		place->tenant, place->name, place->directive };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		bf_buf_add(data, parts[i], strlen(parts[i]) + 1);
}

void
bf_seal(const struct bf_keyring *keys, const struct bf_seal_place *place,
    const char *text, size_t size, struct bf_buf *out)
{
	const struct bf_key *key = &keys->keys[keys->count - 1];
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	struct bf_buf data = { 0 }, box = { 0 };
	unsigned char *nonce, *body;
	int length;

	add_place(&data, place);
	nonce =
	    (unsigned char *)bf_buf_reserve(&box, NONCE_SIZE + size + TAG_SIZE);
	body = nonce + NONCE_SIZE;
	if (!cipher || RAND_bytes(nonce, NONCE_SIZE) != 1 ||
	    !EVP_EncryptInit_ex2(cipher, EVP_aes_256_gcm(), key->bytes, nonce,
		NULL) ||
	    !EVP_EncryptUpdate(cipher, NULL, &length,
		(const unsigned char *)data.data, (int)data.size) ||
	    !EVP_EncryptUpdate(cipher, body, &length,
		(const unsigned char *)text, (int)size) ||
	    !EVP_EncryptFinal_ex(cipher, body + length, &length) ||
	    !EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE,
		body + size))
		abort();
	bf_buf_add_format(out, "%s%s:", prefix, key->id);
	bf_encode_base64(out, nonce, NONCE_SIZE + size + TAG_SIZE);
	EVP_CIPHER_CTX_free(cipher);
	bf_buf_free(&box);
	bf_buf_free(&data);
}

bool
bf_seal_key(const char *text, char id[BF_KEY_ID + 1])
{
	if (strncmp(text, prefix, PREFIX_SIZE) != 0 ||
	    strspn(text + PREFIX_SIZE, "0123456789abcdef") != BF_KEY_ID ||
	    text[PREFIX_SIZE + BF_KEY_ID] != ':')
		return false;
	memcpy(id, text + PREFIX_SIZE, BF_KEY_ID);
	id[BF_KEY_ID] = '\0';
	return true;
}

/* Decrypts the box into out; false if its tag is not that of key and place. */
static bool
decrypt(const struct bf_key *key, const struct bf_seal_place *place,
    const struct bf_buf *box, struct bf_buf *out)
{
	const size_t size = box->size - NONCE_SIZE - TAG_SIZE;
	const unsigned char *nonce = (const unsigned char *)box->data;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	struct bf_buf data = { 0 };
	unsigned char *plain;
	bool good;
	int length;

	add_place(&data, place);
	plain = (unsigned char *)bf_buf_reserve(out, size);
	if (!cipher)
		abort();
	good = EVP_DecryptInit_ex2(cipher, EVP_aes_256_gcm(), key->bytes, nonce,
		   NULL) &&
	       EVP_DecryptUpdate(cipher, NULL, &length,
		   (const unsigned char *)data.data, (int)data.size) &&
	       EVP_DecryptUpdate(cipher, plain, &length, nonce + NONCE_SIZE,
		   (int)size) &&
	       EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE,
		   box->data + NONCE_SIZE + size) &&
	       EVP_DecryptFinal_ex(cipher, plain + length, &length) > 0;
	if (good) {
		out->size += size;
		bf_buf_add(out, "", 0);
	} else {
		OPENSSL_cleanse(plain, size);
	}
	EVP_CIPHER_CTX_free(cipher);
	bf_buf_free(&data);
	return good;
}

/* The ids of the keys that there are, for a message. */
static void
refuse_key(const struct bf_keyring *keys, const char *id, struct bf_error *err)
{
	struct bf_buf ids = { 0 };

	for (size_t i = 0; i < keys->count; i++)
		bf_buf_add_format(&ids, "%s%s", i > 0 ? ", " : "",
		    keys->keys[i].id);
	bf_error_set(err,
	    "sealed with key %s, which the key file does not have; expected "
	    "one of %s",
	    id, bf_buf_text(&ids));
	bf_buf_free(&ids);
}

int
bf_seal_open(const struct bf_keyring *keys, const struct bf_seal_place *place,
    const char *sealed, struct bf_buf *out, struct bf_error *err)
{
	const struct bf_key *key;
	struct bf_buf box = { 0 };
	char id[BF_KEY_ID + 1];
	int result = -1;

	if (!bf_seal_key(sealed, id) ||
	    bf_decode_base64(&box, sealed + PREFIX_SIZE + BF_KEY_ID + 1,
		strlen(sealed + PREFIX_SIZE + BF_KEY_ID + 1)) == -1 ||
	    box.size <= NONCE_SIZE + TAG_SIZE) {
		bf_error_set(err,
		    "not a sealed secret, or not the whole of one; expected "
		    "what belfryctl seal printed");
	} else if (!(key = bf_keyring_find(keys, id))) {
		refuse_key(keys, id, err);
	} else if (!decrypt(key, place, &box, out)) {
		bf_error_set(err,
		    "it does not open as \"%s\" of %s \"%s\"%s%s: it was "
		    "sealed for another place, or changed since; expected one "
		    "that belfryctl seal made for this place",
		    place->directive, place->kind, place->name,
		    *place->tenant ? " of tenant " : "", place->tenant);
	} else {
		result = 0;
	}
	bf_buf_free(&box);
	return result;
}
