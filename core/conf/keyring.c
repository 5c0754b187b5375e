/*
 * keyring.c - the key file
 *
 * The id of a key is the beginning of its SHA-256, so a line that was damaged
 * is found when it is read.
 */
#include "core/conf/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/encode.h>
#include <belfry/memory.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "core/conf/conf_private.h"

#define FILE_MAX 65536

struct bf_keyring *
bf_keyring_new(void)
{
	return bf_new(struct bf_keyring);
}

static void
make_id(struct bf_key *key)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct bf_buf hex = { 0 };

	if (!EVP_Digest(key->bytes, sizeof(key->bytes), digest, NULL,
		EVP_sha256(), NULL))
		abort();
	bf_encode_hex(&hex, digest, BF_KEY_ID / 2);
	memcpy(key->id, hex.data, sizeof(key->id));
	bf_buf_free(&hex);
}

/* Adds a key; the old array is wiped, which realloc would not do. */
static void
add_key(struct bf_keyring *keys, const struct bf_key *key)
{
	struct bf_key *all = bf_zalloc(keys->count + 1, sizeof(*all));

	if (keys->count > 0) {
		memcpy(all, keys->keys, keys->count * sizeof(*all));
		OPENSSL_cleanse(keys->keys, keys->count * sizeof(*all));
	}
	all[keys->count] = *key;
	free(keys->keys);
	keys->keys = all;
	keys->count++;
}

void
bf_keyring_add(struct bf_keyring *keys)
{
	struct bf_key key;

	do {
		if (RAND_priv_bytes(key.bytes, sizeof(key.bytes)) != 1)
			abort();
		make_id(&key);
	} while (bf_keyring_find(keys, key.id));
	add_key(keys, &key);
	OPENSSL_cleanse(&key, sizeof(key));
}

void
bf_keyring_drop(struct bf_keyring *keys, const char *id)
{
	struct bf_key *key = (struct bf_key *)bf_keyring_find(keys, id);

	if (!key)
		return;
	keys->count--;
	memmove(key, key + 1,
	    (size_t)(keys->keys + keys->count - key) * sizeof(*key));
	OPENSSL_cleanse(keys->keys + keys->count, sizeof(*key));
}

size_t
bf_keyring_count(const struct bf_keyring *keys)
{
	return keys->count;
}

const char *
bf_keyring_id(const struct bf_keyring *keys, size_t index)
{
	return keys->keys[index].id;
}

const char *
bf_keyring_current(const struct bf_keyring *keys)
{
	return keys->keys[keys->count - 1].id;
}

const struct bf_key *
bf_keyring_find(const struct bf_keyring *keys, const char *id)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (strcmp(keys->keys[i].id, id) == 0)
			return &keys->keys[i];
	}
	return NULL;
}

void
bf_keyring_free(struct bf_keyring **keys)
{
	if (!*keys)
		return;
	if ((*keys)->keys)
		OPENSSL_cleanse((*keys)->keys,
		    (*keys)->count * sizeof(*(*keys)->keys));
	free((*keys)->keys);
	free(*keys);
	*keys = NULL;
}

/* ---- reading ---- */

/* Whoever else may read the file could open everything. */
static int
check_file(const char *path, struct bf_error *err)
{
	struct stat file;

	if (stat(path, &file) == -1) {
		bf_error_set(err,
		    "%s; expected the key file that secrets were sealed with",
		    strerror(errno));
		return -1;
	}
	if (S_ISREG(file.st_mode) && (file.st_mode & 077)) {
		bf_error_set(err,
		    "mode %04o: others may use it; expected 0600 (chmod 600)",
		    (unsigned)file.st_mode & 07777);
		return -1;
	}
	if (geteuid() != 0 && file.st_uid != geteuid()) {
		bf_error_set(err,
		    "it belongs to user %u; expected belfry's own, %u",
		    (unsigned)file.st_uid, (unsigned)geteuid());
		return -1;
	}
	return 0;
}

static int
digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* "KEYID KEY", without the line's end. */
static int
read_line(struct bf_keyring *keys, const char *line, size_t size)
{
	struct bf_key key = { 0 }, made;
	bool good =
	    size == BF_KEY_ID + 1 + 2 * BF_KEY_SIZE && line[BF_KEY_ID] == ' ';

	if (good)
		memcpy(key.id, line, BF_KEY_ID);
	for (size_t i = 0; good && i < BF_KEY_SIZE; i++) {
		const int high = digit(line[BF_KEY_ID + 1 + 2 * i]);
		const int low = digit(line[BF_KEY_ID + 2 + 2 * i]);

		good = high >= 0 && low >= 0;
		if (good)
			key.bytes[i] = (unsigned char)(high << 4 | low);
	}
	made = key;
	make_id(&made);
	good = good && strcmp(made.id, key.id) == 0 &&
	       !bf_keyring_find(keys, key.id);
	if (good)
		add_key(keys, &key);
	OPENSSL_cleanse(&key, sizeof(key));
	OPENSSL_cleanse(&made, sizeof(made));
	return good ? 0 : -1;
}

static int
read_lines(struct bf_keyring *keys, const char *text, struct bf_error *err)
{
	unsigned line = 0;

	while (*text) {
		const size_t size = strcspn(text, "\n");

		line++;
		if (size > 0 && *text != '#' &&
		    read_line(keys, text, size) == -1) {
			bf_error_set(err,
			    "line %u is damaged; expected a key: its id, a "
			    "space, 64 hexadecimal digits",
			    line);
			return -1;
		}
		text += size + (text[size] == '\n');
	}
	if (keys->count > 0)
		return 0;
	bf_error_set(err, "there is no key in it; expected one in a line");
	return -1;
}

struct bf_keyring *
bf_keyring_read(const char *path, struct bf_error *err)
{
	struct bf_keyring *keys = bf_keyring_new();
	struct bf_buf text = { 0 };

	if (check_file(path, err) == -1 ||
	    bf_file_read(path, FILE_MAX, &text, NULL, err) == -1 ||
	    read_lines(keys, bf_buf_text(&text), err) == -1) {
		bf_error_prefix(err, "key file %s", path);
		bf_keyring_free(&keys);
	}
	bf_buf_wipe(&text);
	return keys;
}

/* ---- writing ---- */

static void
print(const struct bf_keyring *keys, struct bf_buf *text)
{
	bf_buf_add_text(text,
	    "# The keys of belfry's sealed secrets; the last one seals.\n"
	    "# Without this file they can't be opened: keep a copy of it,\n"
	    "# apart from the copies of the store.\n");
	for (size_t i = 0; i < keys->count; i++) {
		bf_buf_add_format(text, "%s ", keys->keys[i].id);
		bf_encode_hex(text, keys->keys[i].bytes,
		    sizeof(keys->keys[i].bytes));
		bf_buf_add_byte(text, '\n');
	}
}

/* Makes what happened to names in the folder of path durable. */
static int
sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd, result;

	snprintf(folder, sizeof(folder), "%s", path);
	fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

static int
write_whole(int fd, const char *text, size_t size)
{
	while (size > 0) {
		const ssize_t written = write(fd, text, size);

		if (written == -1 && errno == EINTR)
			continue;
		if (written == -1)
			return -1;
		text += written;
		size -= (size_t)written;
	}
	return fsync(fd);
}

int
bf_keyring_write(const struct bf_keyring *keys, const char *path,
    struct bf_error *err)
{
	char *new_path = bf_strf("%s.new", path);
	struct bf_buf text = { 0 };
	int result = -1;
	int fd;

	/* What a write that was cut short left behind. */
	(void)unlink(new_path);
	fd = open(new_path,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	print(keys, &text);
	if (fd != -1 && write_whole(fd, text.data, text.size) == 0 &&
	    rename(new_path, path) == 0 && sync_folder(path) == 0)
		result = 0;
	if (result == -1) {
		bf_error_errno(err, "key file %s: write it anew", path);
		(void)unlink(new_path);
	}
	if (fd != -1)
		close(fd);
	bf_buf_wipe(&text);
	free(new_path);
	return result;
}
