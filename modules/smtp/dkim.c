/*
 * dkim.c - DKIM signatures (RFC 6376), with OpenSSL
 *
 * Relaxed canonicalization of header and body. The headers that say who wrote
 * what to whom are named once more than they are there, so that none can be
 * added on the way (RFC 6376, section 8.15).
 *
 * libopendkim could do it, Ed25519 included, but Debian's is still the second
 * beta of 2.11, of 2018, and brings Berkeley DB into the worker; what signing
 * needs of it is the canonicalization below.
 */
#include "modules/smtp/dkim.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <idn2.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <belfry/encode.h>
#include <belfry/memory.h>

#define RSA_BITS_LEAST 1024 /* RFC 8301, section 3.2 */
#define HASH_SIZE 32        /* SHA-256 */
#define NAME "DKIM-Signature"
#define LINE_MOST 72 /* octets of a line of our header */

struct smtp_dkim {
	char *domain;
	char *selector;
	EVP_PKEY *key;
	bool rsa;
};

/* Headers that are signed where they are there; those first marked also
 * where they are not, or once more. */
static const struct {
	const char *name;
	bool once_more;
} signed_headers[] = { { "from", true }, { "to", true }, { "cc", true },
	{ "reply-to", true }, { "subject", true }, { "date", true },
	{ "message-id", true }, { "in-reply-to", true }, { "references", true },
	{ "mime-version", true }, { "content-type", true },
	{ "list-id", false }, { "auto-submitted", false } };

#define HEADER_COUNT (sizeof(signed_headers) / sizeof(*signed_headers))

/* ---- the key ---- */

/* No key here is encrypted, and nobody can be asked. */
static int
no_password(char *room, int size, int writes, void *context)
{
	(void)room;
	(void)size;
	(void)writes;
	(void)context;
	return -1;
}

static int
read_key(struct smtp_dkim *dkim, const char *pem, size_t size,
    struct bf_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)size);

	dkim->key =
	    bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!dkim->key) {
		bf_error_set(err, "not a private key; expected one in PEM, not "
				  "encrypted, as openssl genpkey writes it");
		return -1;
	}
	dkim->rsa = EVP_PKEY_is_a(dkim->key, "RSA");
	if (!dkim->rsa && !EVP_PKEY_is_a(dkim->key, "ED25519")) {
		bf_error_set(err, "a key of type %s; expected RSA or Ed25519",
		    EVP_PKEY_get0_type_name(dkim->key));
		return -1;
	}
	if (dkim->rsa && EVP_PKEY_get_bits(dkim->key) < RSA_BITS_LEAST) {
		bf_error_set(err,
		    "an RSA key of %d bits; expected at least %d, better 2048",
		    EVP_PKEY_get_bits(dkim->key), RSA_BITS_LEAST);
		return -1;
	}
	return 0;
}

/* Whether name is labels of letters, digits, dashes and underscores between
 * dots: a domain or a selector. */
static bool
is_name(const char *name)
{
	size_t label = 0;

	if (strlen(name) > 253)
		return false;
	for (; *name; name++) {
		if (*name == '.' ? label == 0 || label > 63
				 : !isalnum((unsigned char)*name) &&
				       *name != '-' && *name != '_')
			return false;
		label = *name == '.' ? 0 : label + 1;
	}
	return label > 0 && label <= 63;
}

struct smtp_dkim *
smtp_dkim_new(const char *domain, const char *selector, const char *pem,
    size_t size, struct bf_error *err)
{
	struct smtp_dkim *dkim = bf_new(struct smtp_dkim);
	char *ascii = NULL;

	if (idn2_to_ascii_8z(domain, &ascii, IDN2_NONTRANSITIONAL) == IDN2_OK)
		dkim->domain = bf_strdup(ascii);
	idn2_free(ascii);
	if (!dkim->domain || !is_name(dkim->domain)) {
		bf_error_set(err, "the domain is not one; expected one such "
				  "as example.com");
		goto fail;
	}
	if (!is_name(selector)) {
		bf_error_set(err,
		    "the selector is no name; expected one such as belfry, for "
		    "belfry._domainkey.%s",
		    dkim->domain);
		goto fail;
	}
	dkim->selector = bf_strdup(selector);
	if (read_key(dkim, pem, size, err) == -1)
		goto fail;
	return dkim;

fail:
	smtp_dkim_free(&dkim);
	return NULL;
}

/* ---- canonicalization ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * Appends text of one line with each run of blanks as one space, none at the
 * end. Returns how many bytes it appended (RFC 6376, section 3.4).
 */
static size_t
add_relaxed(struct bf_buf *out, const char *text, size_t size)
{
	const size_t start = out->size;

	for (size_t i = 0; i < size; i++) {
		if (!is_blank(text[i]))
			bf_buf_add_byte(out, text[i]);
		else if (i + 1 < size && !is_blank(text[i + 1]))
			bf_buf_add_byte(out, ' ');
	}
	return out->size - start;
}

static void
hash_body(const char *body, size_t size, unsigned char hash[HASH_SIZE])
{
	struct bf_buf relaxed = { 0 };
	size_t empty = 0;

	while (size > 0) {
		const char *end = memmem(body, size, "\r\n", 2);
		const size_t line = end ? (size_t)(end - body) : size;
		struct bf_buf text = { 0 };

		/* Empty lines count only where something follows. */
		if (add_relaxed(&text, body, line) == 0) {
			empty++;
		} else {
			for (; empty > 0; empty--)
				bf_buf_add_text(&relaxed, "\r\n");
			bf_buf_add(&relaxed, text.data, text.size);
			bf_buf_add_text(&relaxed, "\r\n");
		}
		bf_buf_free(&text);
		body += end ? line + 2 : line;
		size -= end ? line + 2 : line;
	}
	/* SHA-256 can't fail where TLS works. */
	EVP_Digest(bf_buf_text(&relaxed), relaxed.size, hash, NULL,
	    EVP_sha256(), NULL);
	bf_buf_free(&relaxed);
}

/* A header: its name up to the colon, its value behind it, folded. */
struct header {
	const char *name, *value;
	size_t name_size, value_size;
};

/* Reads the header at *at and goes on to the next; false at the empty line. */
static bool
next_header(const char **at, const char *end, struct header *header)
{
	const char *line = *at;
	const char *colon = memchr(line, ':', (size_t)(end - line));

	if (!colon || (end - line >= 2 && memcmp(line, "\r\n", 2) == 0))
		return false;
	do {
		const char *next =
		    memmem(line, (size_t)(end - line), "\r\n", 2);

		line = next ? next + 2 : end;
	} while (line < end && is_blank(*line));
	*header = (struct header){ *at, colon + 1, (size_t)(colon - *at),
		(size_t)(line - colon - 1) };
	*at = line;
	return true;
}

static void
add_header(struct bf_buf *out, const struct header *header)
{
	struct bf_buf value = { 0 };

	for (size_t i = 0; i < header->name_size; i++)
		bf_buf_add_byte(out,
		    (char)tolower((unsigned char)header->name[i]));
	bf_buf_add_byte(out, ':');
	for (size_t i = 0; i < header->value_size; i++) {
		if (!strchr("\r\n", header->value[i]) &&
		    (value.size > 0 || !is_blank(header->value[i])))
			bf_buf_add_byte(&value, header->value[i]);
	}
	add_relaxed(out, bf_buf_text(&value), value.size);
	bf_buf_free(&value);
}

/*
 * Appends the headers that are signed, and their names to the list of them.
 * Of headers of the same name the last comes first (RFC 6376, section 5.4.2).
 */
static void
add_signed(struct bf_buf *data, struct bf_buf *names, const char *message,
    const char *end)
{
	for (size_t i = 0; i < HEADER_COUNT; i++) {
		const char *name = signed_headers[i].name, *at = message;
		struct bf_buf found = { 0 };
		struct header header;
		size_t count = signed_headers[i].once_more;

		while (next_header(&at, end, &header)) {
			struct bf_buf one = { 0 };

			if (header.name_size != strlen(name) ||
			    strncasecmp(header.name, name, header.name_size) !=
				0)
				continue;
			add_header(&one, &header);
			bf_buf_add_text(&one, "\r\n");
			bf_buf_add(&one, bf_buf_text(&found), found.size);
			bf_buf_free(&found);
			found = one;
			count++;
		}
		bf_buf_add(data, bf_buf_text(&found), found.size);
		bf_buf_free(&found);
		for (; count > 0; count--)
			bf_buf_add_format(names, "%s%s",
			    names->size > 0 ? ":" : "", name);
	}
}

/* ---- signing ---- */

/* Appends the signature of data in base64. 0 or -1. */
static int
add_signature(const struct smtp_dkim *dkim, struct bf_buf *out,
    const struct bf_buf *data)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char hash[HASH_SIZE], *signature = NULL;
	const unsigned char *text = (const unsigned char *)data->data;
	size_t size, text_size = data->size;
	int status = -1;

	/* Ed25519 signs the hash (RFC 8463, section 3). */
	if (!dkim->rsa) {
		EVP_Digest(text, text_size, hash, NULL, EVP_sha256(), NULL);
		text = hash;
		text_size = sizeof(hash);
	}
	if (context &&
	    EVP_DigestSignInit(context, NULL, dkim->rsa ? EVP_sha256() : NULL,
		NULL, dkim->key) == 1 &&
	    EVP_DigestSign(context, NULL, &size, text, text_size) == 1) {
		signature = bf_zalloc(size, 1);
		if (EVP_DigestSign(context, signature, &size, text,
			text_size) == 1) {
			bf_encode_base64(out, signature, size);
			status = 0;
		}
	}
	free(signature);
	EVP_MD_CTX_free(context);
	return status;
}

/* Appends a long value of a tag, folded behind any byte that may be, which is
 * each where after is 0. */
static void
add_long(struct bf_buf *out, const char *tag, const char *value, char after)
{
	size_t used = strlen(tag) + 2;

	bf_buf_add_format(out, "\r\n %s=", tag);
	while (*value) {
		const char *end = after ? strchr(value, after) : NULL;
		size_t size = end ? (size_t)(end - value) + 1 : strlen(value);

		if (!after && size > LINE_MOST - used)
			size = LINE_MOST - used;
		if (size == 0 || (used + size > LINE_MOST && used > 2)) {
			bf_buf_add_text(out, "\r\n  ");
			used = 2;
			continue;
		}
		bf_buf_add(out, value, size);
		used += size;
		value += size;
	}
}

int
smtp_dkim_sign(const struct smtp_dkim *dkim, struct bf_buf *message,
    struct bf_instant now, struct bf_error *err)
{
	const char *text = bf_buf_text(message);
	const char *body = memmem(text, message->size, "\r\n\r\n", 4);
	struct bf_buf head = { 0 }, names = { 0 }, data = { 0 }, coded = { 0 };
	unsigned char hash[HASH_SIZE];
	struct header own;
	int status;

	if (!body) {
		bf_error_set(err, "expected a message with an empty line "
				  "behind its headers");
		return -1;
	}
	hash_body(body + 4, message->size - (size_t)(body + 4 - text), hash);
	add_signed(&data, &names, text, body + 2);
	bf_encode_base64(&coded, hash, sizeof(hash));
	bf_buf_add_format(&head,
	    NAME ": v=1; a=%s; c=relaxed/relaxed;\r\n"
		 " d=%s;\r\n s=%s; t=%" PRId64 ";",
	    dkim->rsa ? "rsa-sha256" : "ed25519-sha256", dkim->domain,
	    dkim->selector, now.ms / 1000);
	add_long(&head, "h", names.data, ':');
	bf_buf_add_format(&head, ";\r\n bh=%s;", coded.data);
	/* The header is signed as it is with an empty signature. */
	bf_buf_add_text(&head, "\r\n b=");
	own = (struct header){ head.data, head.data + strlen(NAME ":"),
		strlen(NAME), head.size - strlen(NAME ":") };
	add_header(&data, &own);
	bf_buf_clear(&coded);
	status = add_signature(dkim, &coded, &data);
	if (status == 0) {
		head.size -= strlen("\r\n b=");
		add_long(&head, "b", coded.data, '\0');
		bf_buf_add_text(&head, "\r\n");
		bf_buf_add(&head, message->data, message->size);
		bf_buf_free(message);
		*message = head;
		head = (struct bf_buf){ 0 };
	} else {
		bf_error_set(err, "the key could not sign the message");
		ERR_clear_error();
	}
	bf_buf_free(&head);
	bf_buf_free(&names);
	bf_buf_free(&data);
	bf_buf_free(&coded);
	return status;
}

void
smtp_dkim_free(struct smtp_dkim **dkim)
{
	if (!*dkim)
		return;
	free((*dkim)->domain);
	free((*dkim)->selector);
	EVP_PKEY_free((*dkim)->key);
	free(*dkim);
	*dkim = NULL;
}
