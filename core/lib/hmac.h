#ifndef BELFRY_HMAC_H
#define BELFRY_HMAC_H

#include <stddef.h>

#include <belfry/api.h>

#define BF_HMAC_SIZE 32 /* bytes of an HMAC-SHA256 */

/*
 * An HMAC-SHA256 with a key, to be used for any number of messages
 * (RFC 2104, FIPS 180-4; computed by OpenSSL's EVP_MAC).
 */
struct bf_hmac;

/* Borrows key for the call. Never NULL. */
BF_API struct bf_hmac *bf_hmac_new(const void *key, size_t size);

/* Computes the HMAC of first followed by second; either may be empty. */
BF_API void bf_hmac_sign(struct bf_hmac *hmac, const void *first,
    size_t first_size, const void *second, size_t second_size,
    unsigned char out[BF_HMAC_SIZE]);

/* Frees it with its key and sets *hmac to NULL. A NULL *hmac is fine. */
BF_API void bf_hmac_free(struct bf_hmac **hmac);

#endif
