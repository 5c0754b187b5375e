/*
 * place.c - where a channel's messages go
 *
 * The settings are final and each was checked by its directive: a word that
 * begins as a URL does is a whole one.
 */
#include "core/registry/place.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include <belfry/buf.h>
#include <belfry/encode.h>

/* The host and port of a URL, and its path. -1: it is none. */
static int
split_url(const char *url, struct bf_buf *host, struct bf_buf *path)
{
	const char *start = strstr(url, "://");
	size_t size;

	if (!start || strncasecmp(url, "http", 4) != 0)
		return -1;
	start += 3;
	size = strcspn(start, "/?");
	bf_buf_add(host, start, size);
	bf_buf_add(path, start + size, strcspn(start + size, "?"));
	return 0;
}

static const char *
find_setting(const struct bf_channel *channel, const char *name)
{
	for (size_t i = 0; i < channel->setting_count; i++) {
		const struct bf_setting *setting = &channel->settings[i];

		if (strcmp(setting->name, name) == 0 &&
		    setting->words.count == 1)
			return setting->words.items[0];
	}
	return NULL;
}

/* Finds the host, and what of it is meant. */
static void
find_place(const struct bf_channel *channel, struct bf_buf *host,
    struct bf_buf *path)
{
	const char *name = find_setting(channel, "host");
	const char *port = find_setting(channel, "port");
	const char *url = find_setting(channel, "url");

	if (url && split_url(url, host, path) == 0)
		return;
	for (size_t i = 0; i < channel->setting_count; i++) {
		const struct bf_setting *setting = &channel->settings[i];

		if (setting->words.count == 1 &&
		    split_url(setting->words.items[0], host, path) == 0)
			return;
	}
	if (!name)
		return;
	bf_buf_add_text(host, name);
	bf_buf_add_text(path, port ? port : "");
}

/* Names are compared, so that half of the digest is enough. */
static void
make_name(const char *space, const char *host, const char *path, char name[33])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct bf_buf bytes = { 0 };

	bf_buf_add_format(&bytes, "%s\n%s\n%s", space, host, path);
	if (!EVP_Digest(bytes.data, bytes.size, digest, NULL, EVP_sha256(),
		NULL))
		abort();
	bf_buf_wipe(&bytes);
	bf_encode_hex(&bytes, digest, 16);
	memcpy(name, bytes.data, 33);
	bf_buf_free(&bytes);
}

void
bf_place_of(const struct bf_channel *channel, struct bf_place *place)
{
	struct bf_buf host = { 0 }, path = { 0 };

	*place = (struct bf_place){ "", "" };
	find_place(channel, &host, &path);
	for (size_t i = 0; i < host.size; i++)
		host.data[i] = (char)tolower((unsigned char)host.data[i]);
	if (host.size > 0)
		make_name("endpoint", host.data, bf_buf_text(&path),
		    place->endpoint);
	make_name("platform", channel->module, bf_buf_text(&host),
	    place->platform);
	bf_buf_wipe(&path);
	bf_buf_free(&host);
}
