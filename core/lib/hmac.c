/*
 * hmac.c - HMAC-SHA256 by OpenSSL's EVP_MAC
 *
 * Keying costs more than signing a short message: the context is keyed once,
 * and started anew for each message without a key.
 */
#include "core/lib/hmac.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <belfry/memory.h>

struct bf_hmac {
	EVP_MAC_CTX *context;
};

struct bf_hmac *
bf_hmac_new(const void *key, size_t size)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end(),
	};
	struct bf_hmac *hmac = bf_new(struct bf_hmac);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	hmac->context = mac ? EVP_MAC_CTX_new(mac) : NULL;
	EVP_MAC_free(mac);
	/* Without SHA-256 nothing here can work: a broken installation. */
	if (!hmac->context ||
	    !EVP_MAC_init(hmac->context, size > 0 ? key : "", size, params))
		abort();
	return hmac;
}

void
bf_hmac_sign(struct bf_hmac *hmac, const void *first, size_t first_size,
    const void *second, size_t second_size, unsigned char out[BF_HMAC_SIZE])
{
	size_t size;

	if (!EVP_MAC_init(hmac->context, NULL, 0, NULL) ||
	    (first_size > 0 &&
		!EVP_MAC_update(hmac->context, first, first_size)) ||
	    (second_size > 0 &&
		!EVP_MAC_update(hmac->context, second, second_size)) ||
	    !EVP_MAC_final(hmac->context, out, &size, BF_HMAC_SIZE))
		abort();
}

void
bf_hmac_free(struct bf_hmac **hmac)
{
	if (!*hmac)
		return;
	EVP_MAC_CTX_free((*hmac)->context);
	free(*hmac);
	*hmac = NULL;
}
