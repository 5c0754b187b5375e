/*
 * secret.c - secrets, and the references that stand for them
 *
 * No message shows a secret. A secret holds no NUL, so that it can be carried
 * as text.
 */
#include "core/conf/settings.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/conf_private.h"

static int
read_env(const char *name, const struct bf_secret_source *source,
    struct bf_buf *out, struct bf_error *err)
{
	const char *value = source->env && *name != '\0'
				? source->env(source->context, name)
				: NULL;
	struct bf_shown room;

	if (!value || *value == '\0') {
		bf_error_set(err,
		    "environment variable %s is %s; expected its value in the "
		    "environment that belfry is started with",
		    bf_show(&room, name), value ? "empty" : "not set");
		return -1;
	}
	bf_buf_add_text(out, value);
	return 0;
}

/* Takes one line end off, as editors and echo put it there. */
static void
trim_line_end(struct bf_buf *text)
{
	if (text->size > 0 && text->data[text->size - 1] == '\n')
		text->size--;
	if (text->size > 0 && text->data[text->size - 1] == '\r')
		text->size--;
	if (text->data)
		text->data[text->size] = '\0';
}

static int
read_file(const char *path, const struct bf_secret_source *source,
    struct bf_buf *out, struct bf_error *err)
{
	char *whole = path[0] == '/' || !source->directory
			  ? bf_strdup(path)
			  : bf_strf("%s/%s", source->directory, path);
	int result = bf_file_read(whole, BF_CONF_WORD_MAX, out, NULL, err);

	if (result == 0) {
		trim_line_end(out);
		if (out->size == 0 || memchr(out->data, '\0', out->size)) {
			bf_error_set(err, "%s; expected a secret in it",
			    out->size == 0 ? "empty" : "a NUL byte");
			result = -1;
		}
	}
	if (result == -1)
		bf_error_prefix(err, "read %s", whole);
	free(whole);
	return result;
}

static int
read_sealed(const char *rest, const struct bf_secret_source *source,
    struct bf_buf *out, struct bf_error *err)
{
	const char *word = rest - strlen("sealed:");

	if (!source->keys) {
		bf_error_set(err,
		    "there is no key to open a sealed secret with; expected "
		    "env:NAME or file:PATH");
		return -1;
	}
	if (!*source->keys)
		*source->keys = bf_keyring_read(source->key_file, err);
	if (!*source->keys)
		return -1;
	return bf_seal_open(*source->keys, &source->place, word, out, err);
}

struct reference {
	const char *prefix;
	int (*read)(const char *rest, const struct bf_secret_source *source,
	    struct bf_buf *out, struct bf_error *err);
};

static const struct reference references[] = {
	{ "env:", read_env },
	{ "file:", read_file },
	{ "sealed:", read_sealed },
};

static const struct reference *
find_reference(const char *word)
{
	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]);
	     i++) {
		if (strncmp(word, references[i].prefix,
			strlen(references[i].prefix)) == 0)
			return &references[i];
	}
	return NULL;
}

bool
bf_secret_is_reference(const char *word)
{
	return find_reference(word) != NULL;
}

int
bf_secret_read(const char *word, const struct bf_secret_source *source,
    struct bf_secret *secret, struct bf_error *err)
{
	const struct reference *reference =
	    source ? find_reference(word) : NULL;
	struct bf_buf bytes = { 0 };

	if (!reference)
		bf_buf_add_text(&bytes, word);
	else if (reference->read(word + strlen(reference->prefix), source,
		     &bytes, err) == -1)
		goto fail;
	if (bytes.size == 0) {
		bf_error_set(err, "empty; expected a secret");
		goto fail;
	}
	secret->size = bytes.size;
	secret->bytes = bf_buf_take(&bytes);
	return 0;

fail:
	bf_buf_wipe(&bytes);
	return -1;
}

void
bf_secret_clear(struct bf_secret *secret)
{
	if (secret->bytes)
		explicit_bzero(secret->bytes, secret->size);
	free(secret->bytes);
	*secret = (struct bf_secret){ 0 };
}
