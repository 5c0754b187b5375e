/*
 * seal_fuzz.c - arbitrary bytes as a sealed value, and as a secret
 *
 * Nothing opens that was not sealed here; what is sealed opens, and not once
 * one of its characters is another.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/seal.h"

static const struct bf_seal_place place = { "channel", "acme", "ops",
	"secret" };

/* One key for all runs: a new one for each would cost more than the rest. */
static const struct bf_keyring *
the_keys(void)
{
	static struct bf_keyring *keys;

	if (!keys) {
		keys = bf_keyring_new();
		bf_keyring_add(keys);
	}
	return keys;
}

static void
open_as_it_is(const char *text)
{
	struct bf_buf out = { 0 };
	struct bf_error err = { "" };
	char id[BF_KEY_ID + 1];

	(void)bf_seal_key(text, id);
	assert(bf_seal_open(the_keys(), &place, text, &out, &err) == -1);
	assert(out.size == 0 && err.text[0] != '\0');
	bf_buf_free(&out);
}

/* With our key's id in front, so that the rest is looked at. */
static void
open_under_our_key(const char *text)
{
	char *sealed =
	    bf_strf("sealed:v1:%s:%s", bf_keyring_current(the_keys()), text);

	open_as_it_is(sealed);
	free(sealed);
}

static void
seal_and_open(const unsigned char *bytes, size_t size)
{
	struct bf_buf sealed = { 0 }, out = { 0 };
	struct bf_error err = { "" };
	size_t at;

	bf_seal(the_keys(), &place, (const char *)bytes, size, &sealed);
	assert(bf_seal_open(the_keys(), &place, bf_buf_text(&sealed), &out,
		   &err) == 0);
	assert(out.size == size && memcmp(out.data, bytes, size) == 0);
	at = bytes[0] % sealed.size;
	sealed.data[at] = sealed.data[at] == 'A' ? 'B' : 'A';
	bf_buf_clear(&out);
	assert(bf_seal_open(the_keys(), &place, bf_buf_text(&sealed), &out,
		   &err) == -1);
	bf_buf_free(&out);
	bf_buf_free(&sealed);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	char *text = bf_strndup((const char *)bytes, size);

	open_as_it_is(text);
	open_under_our_key(text);
	/* A secret is text: without NUL, and not empty. */
	if (size > 0 && !memchr(bytes, '\0', size))
		seal_and_open(bytes, size);
	free(text);
	return 0;
}
