/*
 * dump.c - the conf file as it is written, without its secrets
 *
 * The text is cut into tokens once more; what stands between them, and every
 * word that is not masked, is copied to the byte.
 */
#include "core/conf/dump.h"

#include <string.h>

#include "core/conf/conf.h"
#include "core/conf/conf_private.h"
#include "core/conf/settings.h"

static const char mask[] = "***";

static bool
is_listed(const char *const *names, const char *name, size_t size)
{
	for (; *names; names++) {
		if (strlen(*names) == size && memcmp(*names, name, size) == 0)
			return true;
	}
	return false;
}

/* Copies a comment. One that is a directive put out of use is masked as the
 * directive would be. */
static void
add_comment(const char *text, size_t size, const char *const *secrets,
    struct bf_buf *out)
{
	size_t skip = 0;
	size_t name = 0;

	while (skip < size && strchr("# \t", text[skip]))
		skip++;
	while (skip + name < size && !strchr(" \t;", text[skip + name]))
		name++;
	bf_buf_add(out, text, skip + name);
	text += skip + name;
	size -= skip + name;
	if (size > 0 && is_listed(secrets, text - name, name) &&
	    memchr(text, ';', size)) {
		bf_buf_add_byte(out, ' ');
		bf_buf_add_text(out, mask);
		bf_buf_add_byte(out, ';');
		return;
	}
	bf_buf_add(out, text, size);
}

/* Copies what stands between two tokens: white space and comments. */
static void
add_gap(const char *text, const char *end, const char *const *secrets,
    struct bf_buf *out)
{
	const char *hash;
	const char *line_end;

	while ((hash = memchr(text, '#', (size_t)(end - text)))) {
		bf_buf_add(out, text, (size_t)(hash - text));
		line_end = memchr(hash, '\n', (size_t)(end - hash));
		if (!line_end)
			line_end = end;
		add_comment(hash, (size_t)(line_end - hash), secrets, out);
		text = line_end;
	}
	bf_buf_add(out, text, (size_t)(end - text));
}

/* Copies a word as it is written, without the user name and password that a
 * URL may hold. */
static void
add_word(const char *text, size_t size, struct bf_buf *out)
{
	const char *host = memmem(text, size, "://", 3);
	const char *at;
	size_t authority;

	if (host) {
		host += 3;
		authority = size - (size_t)(host - text);
		at = memchr(host, '@', authority);
		if (at && !memchr(host, '/', (size_t)(at - host))) {
			bf_buf_add(out, text, (size_t)(host - text));
			bf_buf_add_text(out, mask);
			size -= (size_t)(at - text);
			text = at;
		}
	}
	bf_buf_add(out, text, size);
}

/* A word that waits for the token behind it: a secret, unless a block begins
 * there, as behind the name of a "token NAME {". */
struct held_word {
	const char *text; /* NULL: none */
	size_t size;
};

static void
add_held(struct held_word *held, enum bf_token next, struct bf_buf *out)
{
	if (held->text && next == BF_TOKEN_OPEN)
		add_word(held->text, held->size, out);
	else if (held->text)
		bf_buf_add_text(out, mask);
	held->text = NULL;
}

static void
add_token(const struct bf_lexer *lexer, bool secret, struct held_word *held,
    struct bf_buf *out)
{
	const size_t size = (size_t)(lexer->stop - lexer->start);

	if (secret && !bf_secret_is_reference(bf_buf_text(&lexer->word)))
		*held = (struct held_word){ lexer->start, size };
	else
		add_word(lexer->start, size, out);
}

int
bf_conf_mask(const char *text, size_t size, const char *const *secrets,
    struct bf_buf *out)
{
	const size_t begin = out->size;
	struct held_word held = { 0 };
	struct bf_lexer lexer;
	enum bf_token token;
	bool is_name = true;
	bool secret = false;
	int result = bf_lexer_init(&lexer, "", text, size, NULL);

	while (result == 0) {
		text = lexer.next;
		token = bf_lexer_next(&lexer, NULL);
		add_held(&held, token, out);
		add_gap(text, lexer.start, secrets, out);
		if (token == BF_TOKEN_END)
			break;
		if (token == BF_TOKEN_BAD) {
			result = -1;
			out->size = begin;
			break;
		}
		add_token(&lexer, token == BF_TOKEN_WORD && !is_name && secret,
		    &held, out);
		if (token == BF_TOKEN_WORD && is_name)
			secret = is_listed(secrets, lexer.word.data,
			    lexer.word.size);
		is_name = token != BF_TOKEN_WORD;
	}
	bf_lexer_free(&lexer);
	return result;
}

static int
dump_file(const char *path, const char *const *secrets, struct bf_buf *out,
    struct bf_error *err)
{
	struct bf_buf text = { 0 };
	int result = bf_file_read(path, BF_CONF_TEXT_MAX, &text, NULL, err);

	bf_buf_add_format(out, "# configuration file %s:\n", path);
	if (result == 0) {
		result =
		    bf_conf_mask(bf_buf_text(&text), text.size, secrets, out);
		if (result == -1)
			bf_error_set(err, "it was changed just now");
	}
	bf_buf_add_byte(out, '\n');
	if (result == -1)
		bf_error_prefix(err, "read %s", path);
	bf_buf_wipe(&text);
	return result;
}

int
bf_conf_dump(const char *path, const char *const *secrets, struct bf_buf *out,
    struct bf_error *err)
{
	struct bf_conf_tree *tree = bf_conf_read(path, err);
	struct bf_strings done = { 0 };
	int result = tree ? 0 : -1;

	for (size_t i = 0; result == 0 && i < tree->files.count; i++) {
		const char *file = tree->files.items[i];

		if (bf_strings_has(&done, file))
			continue;
		bf_strings_add(&done, file);
		result = dump_file(file, secrets, out, err);
	}
	bf_strings_free(&done);
	bf_conf_free(&tree);
	return result;
}
