/*
 * password.c - scrypt, by OpenSSL, and the text that it is kept as
 */
#include "core/conf/password.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <belfry/encode.h>
#include <belfry/memory.h>

#define HASH_SIZE 32
#define SALT_SIZE 16
#define SALT_LEAST 8
#define SALT_MOST 64
#define MEMORY_MOST (64u << 20) /* bytes that a hash may take to make */
#define PARALLEL_MOST 16

static const char expected[] =
    "not the hash of a password; expected what \"belfryctl passwd\" prints";

struct scrypt {
	unsigned ln, r, p; /* N is 2 to the power of ln */
	struct bf_buf salt, hash;
};

static void
clear(struct scrypt *scrypt)
{
	bf_buf_wipe(&scrypt->salt);
	bf_buf_wipe(&scrypt->hash);
}

/* Decodes one of the last two fields, which ends at end. */
static int
read_bytes(const char *text, const char *end, size_t least, size_t most,
    struct bf_buf *out)
{
	return bf_decode_base64(out, text, (size_t)(end - text)) == 0 &&
		       out->size >= least && out->size <= most
		   ? 0
		   : -1;
}

/* Reads "NAME=NUMBER" and what ends it; NULL: it is something else. */
static const char *
read_number(const char *text, const char *name, char end, unsigned *number)
{
	const size_t length = strlen(name);
	size_t digits;

	if (!text || strncmp(text, name, length) != 0)
		return NULL;
	text += length;
	digits = strspn(text, "0123456789");
	if (digits < 1 || digits > 2 || text[digits] != end)
		return NULL;
	*number = (unsigned)strtoul(text, NULL, 10);
	return *number > 0 ? text + digits + 1 : NULL;
}

/* Reads a hash; clear it in either case. */
static int
parse(const char *text, struct scrypt *scrypt)
{
	const char *hash;

	text = strncmp(text, "$scrypt$", 8) == 0 ? text + 8 : NULL;
	text = read_number(text, "ln=", ',', &scrypt->ln);
	text = read_number(text, "r=", ',', &scrypt->r);
	text = read_number(text, "p=", '$', &scrypt->p);
	hash = text ? strchr(text, '$') : NULL;
	if (!hash ||
	    read_bytes(text, hash, SALT_LEAST, SALT_MOST, &scrypt->salt) ||
	    read_bytes(hash + 1, hash + strlen(hash), HASH_SIZE, HASH_SIZE,
		&scrypt->hash))
		return -1;
	return scrypt->ln < 32 && scrypt->p <= PARALLEL_MOST ? 0 : -1;
}

/* Bytes that it takes to make one. Source: RFC 7914, section 2. */
static uint64_t
memory_of(const struct scrypt *scrypt)
{
	return ((uint64_t)128 * scrypt->r << scrypt->ln) +
	       (uint64_t)128 * scrypt->r * scrypt->p;
}

static void
derive(const struct scrypt *scrypt, const char *password,
    unsigned char hash[HASH_SIZE])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_SCRYPT, NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	uint64_t n = UINT64_C(1) << scrypt->ln;
	uint64_t most = 2 * (uint64_t)MEMORY_MOST;
	uint32_t r = scrypt->r, p = scrypt->p;
	OSSL_PARAM params[] = {
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): sheds const */
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD,
		    (void *)(uintptr_t)password, strlen(password)),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, scrypt->salt.data,
		    scrypt->salt.size),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &most),
		OSSL_PARAM_END,
	};

	if (!context || EVP_KDF_derive(context, hash, HASH_SIZE, params) != 1)
		abort();
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
}

/* Appends base64 without its padding. */
static void
add_base64(struct bf_buf *out, const void *bytes, size_t size)
{
	bf_encode_base64(out, bytes, size);
	while (out->size > 0 && out->data[out->size - 1] == '=')
		out->data[--out->size] = '\0';
}

char *
bf_password_hash(const char *password)
{
	struct scrypt scrypt = { .ln = 14, .r = 8, .p = 5 };
	unsigned char salt[SALT_SIZE], hash[HASH_SIZE];
	struct bf_buf text = { 0 };

	if (RAND_bytes(salt, sizeof(salt)) != 1)
		abort();
	bf_buf_add(&scrypt.salt, salt, sizeof(salt));
	derive(&scrypt, password, hash);
	bf_buf_add_format(&text, "$scrypt$ln=%u,r=%u,p=%u$", scrypt.ln,
	    scrypt.r, scrypt.p);
	add_base64(&text, salt, sizeof(salt));
	bf_buf_add_text(&text, "$");
	add_base64(&text, hash, sizeof(hash));
	OPENSSL_cleanse(hash, sizeof(hash));
	clear(&scrypt);
	return text.data;
}

int
bf_password_check(const char *hash, struct bf_error *err)
{
	struct scrypt scrypt = { 0 };
	int result = parse(hash, &scrypt);

	if (result == -1)
		bf_error_set(err, "%s", expected);
	else if (memory_of(&scrypt) > MEMORY_MOST) {
		bf_error_set(err,
		    "a hash that takes more than %u MiB of memory to make; "
		    "expected a cheaper one",
		    MEMORY_MOST >> 20);
		result = -1;
	}
	clear(&scrypt);
	return result;
}

bool
bf_password_fits(const char *hash, const char *password)
{
	struct scrypt scrypt = { 0 };
	unsigned char made[HASH_SIZE];
	bool fits = false;

	if (parse(hash, &scrypt) == 0) {
		derive(&scrypt, password, made);
		fits = CRYPTO_memcmp(made, scrypt.hash.data, HASH_SIZE) == 0;
		OPENSSL_cleanse(made, sizeof(made));
	}
	clear(&scrypt);
	return fits;
}
