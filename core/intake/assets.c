/*
 * assets.c - the files of the dashboard
 *
 * They are read once, when the process starts, and served from memory by exact
 * name: no path that a request names is ever opened, so there is nothing to
 * climb out of.
 */
#include "core/intake/assets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/encode.h>
#include <belfry/memory.h>
#include <openssl/evp.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/intake/intake_private.h"

#define PREFIX "/dashboard/"
#define FILES_MOST 512
#define BYTES_MOST (8 << 20) /* of all files */
#define DEPTH_MOST 4         /* folders in folders */

struct asset {
	char *path; /* "/dashboard/pages/settings.js" */
	const char *content_type;
	struct bf_buf body;
	char etag[36]; /* in quotes: of the contents (RFC 9110, 8.8.3) */
	UT_hash_handle hh;
};

struct bf_assets {
	struct asset *all;
	size_t bytes;
};

/* What a page may do: all of it comes from here, nothing inline runs, and
 * nobody frames it. Source: W3C Content Security Policy Level 3. */
static const char security[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; "
    "style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

/* The content type by the name's ending; NULL: it is none of ours. */
static const char *
content_type_of(const char *name)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".woff2", "font/woff2" },
	};
	const char *ending = strrchr(name, '.');

	for (size_t i = 0; ending && i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(ending, types[i].ending) == 0)
			return types[i].type;
	}
	return NULL;
}

static void
make_etag(struct asset *asset)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct bf_buf hex = { 0 };

	if (!EVP_Digest(bf_buf_text(&asset->body), asset->body.size, digest,
		NULL, EVP_sha256(), NULL))
		abort();
	bf_encode_hex(&hex, digest, 16);
	snprintf(asset->etag, sizeof(asset->etag), "\"%s\"", hex.data);
	bf_buf_free(&hex);
}

static void
free_asset(struct asset *asset)
{
	free(asset->path);
	bf_buf_free(&asset->body);
	free(asset);
}

/* Reads a file whole into body; -1 with errno. */
static int
read_whole(int fd, struct bf_buf *body)
{
	char chunk[16384];
	ssize_t got;

	while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
		bf_buf_add(body, chunk, (size_t)got);
		if (body->size > BYTES_MOST) {
			errno = EFBIG;
			return -1;
		}
	}
	return got == 0 ? 0 : -1;
}

static int
load_file(struct bf_assets *assets, int folder, const char *name,
    const char *path, struct bf_error *err)
{
	const char *content_type = content_type_of(name);
	struct asset *asset;
	int fd, result;

	if (!content_type)
		return 0;
	fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1) {
		bf_error_errno(err, "%s", path);
		return -1;
	}
	asset = bf_new(struct asset);
	asset->content_type = content_type;
	asset->path = bf_strdup(path);
	result = read_whole(fd, &asset->body);
	if (result == -1)
		bf_error_errno(err, "%s", path);
	close(fd);
	assets->bytes += asset->body.size;
	if (result == 0 && (assets->bytes > BYTES_MOST ||
			       HASH_COUNT(assets->all) >= FILES_MOST)) {
		bf_error_set(err,
		    "%s: too much for a dashboard; expected %d files and %d "
		    "bytes at most",
		    path, FILES_MOST, BYTES_MOST);
		result = -1;
	}
	if (result == -1) {
		free_asset(asset);
		return -1;
	}
	make_etag(asset);
	HASH_ADD_KEYPTR(hh, assets->all, asset->path, strlen(asset->path),
	    asset);
	return 0;
}

static int load_folder(struct bf_assets *assets, int fd, const char *prefix,
    int depth, struct bf_error *err);

/* Loads what a name in a folder stands for: a file, or a folder. Others, and
 * names that begin with a dot, are passed over. */
static int
load_entry(struct bf_assets *assets, int folder, const char *name,
    const char *prefix, int depth, struct bf_error *err)
{
	char *path;
	struct stat status;
	int result = 0;

	if (name[0] == '.' ||
	    fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	path =
	    bf_strf("%s%s%s", prefix, name, S_ISDIR(status.st_mode) ? "/" : "");
	if (S_ISREG(status.st_mode)) {
		result = load_file(assets, folder, name, path, err);
	} else if (S_ISDIR(status.st_mode) && depth < DEPTH_MOST) {
		int fd = openat(folder, name,
		    O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);

		if (fd == -1) {
			bf_error_errno(err, "%s", path);
			result = -1;
		} else {
			result = load_folder(assets, fd, path, depth + 1, err);
		}
	}
	free(path);
	return result;
}

/* Loads a folder; takes the descriptor. */
static int
load_folder(struct bf_assets *assets, int fd, const char *prefix, int depth,
    struct bf_error *err)
{
	DIR *directory = fdopendir(fd);
	const struct dirent *entry;
	int result = 0;

	if (!directory) {
		bf_error_errno(err, "%s", prefix);
		close(fd);
		return -1;
	}
	while (result == 0 && (entry = readdir(directory)))
		result = load_entry(assets, dirfd(directory), entry->d_name,
		    prefix, depth, err);
	closedir(directory);
	return result;
}

struct bf_assets *
bf_assets_load(const char *root, struct bf_error *err)
{
	struct bf_assets *assets = bf_new(struct bf_assets);
	int fd = open(root, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	struct asset *index;

	if (fd == -1) {
		bf_error_errno(err, "%s", root);
		bf_assets_free(&assets);
		return NULL;
	}
	if (load_folder(assets, fd, PREFIX, 0, err) == -1) {
		bf_assets_free(&assets);
		return NULL;
	}
	HASH_FIND_STR(assets->all, PREFIX "index.html", index);
	if (!index) {
		bf_error_set(err, "%s: no index.html in it", root);
		bf_assets_free(&assets);
	}
	return assets;
}

void
bf_assets_free(struct bf_assets **assets)
{
	struct asset *asset, *next;

	if (!*assets)
		return;
	HASH_ITER(hh, (*assets)->all, asset, next)
	{
		HASH_DEL((*assets)->all, asset);
		free_asset(asset);
	}
	free(*assets);
	*assets = NULL;
}

static void
redirect(struct connection *connection)
{
	char extra[400];

	snprintf(extra, sizeof(extra), "Location: " PREFIX "\r\n%s", security);
	bf_reply(connection, 308, "text/plain; charset=utf-8", extra,
	    PREFIX "\n", sizeof(PREFIX));
}

/* Whether a list of entity tags (RFC 9110, section 13.1.2) has this one. */
static bool
has_tag(const char *list, const char *etag)
{
	return list && (strcmp(list, "*") == 0 || strstr(list, etag));
}

static void
answer_file(struct connection *connection, const struct asset *asset)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);
	char extra[600];

	snprintf(extra, sizeof(extra), "ETag: %s\r\n%s", asset->etag, security);
	if (has_tag(request->if_none_match, asset->etag))
		bf_reply_cached(connection, 304, NULL, extra, NULL, 0);
	else
		bf_reply_cached(connection, 200, asset->content_type, extra,
		    asset->body.data, asset->body.size);
}

static void
answer(struct connection *connection)
{
	const struct bf_assets *assets = connection->intake->assets;
	const char *path = bf_http_request(connection->http)->path;
	struct asset *asset = NULL;

	if (strcmp(path, "/") == 0 || strcmp(path, "/dashboard") == 0) {
		redirect(connection);
		return;
	}
	if (strcmp(path, PREFIX) == 0)
		path = PREFIX "index.html";
	HASH_FIND_STR(assets->all, path, asset);
	if (asset)
		answer_file(connection, asset);
	else
		bf_reply_problem(connection, 404, "not-found", NULL, NULL,
		    "the dashboard has nothing at this path");
}

const struct route *
bf_assets_route(const struct intake *intake, const char *method,
    const char *path, struct bf_buf *allowed)
{
	static const struct route route = { "GET", PREFIX, .open = true,
		.handle = answer, .summary = "The dashboard" };

	if (!intake->assets ||
	    (strcmp(path, "/") != 0 && strcmp(path, "/dashboard") != 0 &&
		strncmp(path, PREFIX, strlen(PREFIX)) != 0))
		return NULL;
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return &route;
	bf_buf_add_text(allowed, "GET, HEAD");
	return NULL;
}
