/*
 * listen.c - the sockets that the API listens on
 */
#include "core/process/listen.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <belfry/memory.h>
#include <event2/util.h>

#define BACKLOG 511 /* connections that wait to be accepted, as in nginx */
#define UNIX_MARK "unix:"

void
bf_listen_add(struct bf_listeners *listeners, const char *address, int fd)
{
	const size_t count = listeners->count + 1;

	listeners->addresses = bf_resize(listeners->addresses, count,
	    sizeof(*listeners->addresses));
	listeners->fds =
	    bf_resize(listeners->fds, count, sizeof(*listeners->fds));
	listeners->addresses[listeners->count] = bf_strdup(address);
	listeners->fds[listeners->count++] = fd;
}

static int
find(const struct bf_listeners *listeners, const char *address)
{
	for (size_t i = 0; listeners && i < listeners->count; i++) {
		if (strcmp(listeners->addresses[i], address) == 0)
			return listeners->fds[i];
	}
	return -1;
}

static const char *
unix_path(const char *address)
{
	const size_t mark = strlen(UNIX_MARK);

	return strncmp(address, UNIX_MARK, mark) == 0 ? address + mark : NULL;
}

/* Whether somebody answers at the path. */
static bool
is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* EAGAIN: more wait there than it has accepted. */
	const bool alive =
	    fd != -1 && (connect(fd, (const struct sockaddr *)address,
			     sizeof(*address)) == 0 ||
			    errno == EAGAIN);

	if (fd != -1)
		close(fd);
	return alive;
}

/* A socket that nobody answers at was left over by a crash. 0 or -1. */
static int
remove_left_over(const struct sockaddr_un *address, struct bf_error *err)
{
	struct stat file;

	if (lstat(address->sun_path, &file) == -1)
		return 0; /* bind says what else is wrong with the path */
	if (!S_ISSOCK(file.st_mode)) {
		bf_error_set(err, "a file that is no socket is there");
		return -1;
	}
	if (is_alive(address)) {
		bf_error_set(err, "another process listens there");
		return -1;
	}
	if (unlink(address->sun_path) == -1) {
		bf_error_errno(err, "remove the old socket");
		return -1;
	}
	return 0;
}

static int
open_unix(const struct bf_listen *listen_conf, const char *path, uid_t owner,
    gid_t group, struct bf_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		bf_error_set(err,
		    "the path of a Unix socket has at most %zu "
		    "bytes",
		    sizeof(address.sun_path) - 1);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (remove_left_over(&address, err) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) ==
		-1 ||
	    chmod(path, (mode_t)listen_conf->mode) == -1 ||
	    (owner != (uid_t)-1 && chown(path, owner, group) == -1)) {
		bf_error_errno(err, "bind");
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

static int
open_tcp(const struct bf_listen *listen_conf, struct bf_error *err)
{
	struct sockaddr_storage address;
	int size = sizeof(address);
	const int on = 1;
	int fd;

	if (evutil_parse_sockaddr_port(listen_conf->address,
		(struct sockaddr *)&address, &size) == -1) {
		bf_error_set(err, "expected an address and a port");
		return -1;
	}
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (const struct sockaddr *)&address, (socklen_t)size) ==
		-1) {
		bf_error_errno(err, "bind");
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

static int
open_one(const struct bf_listen *listen_conf, uid_t owner, gid_t group,
    struct bf_error *err)
{
	const char *path = unix_path(listen_conf->address);
	int fd = path ? open_unix(listen_conf, path, owner, group, err)
		      : open_tcp(listen_conf, err);

	if (fd != -1 && listen(fd, BACKLOG) == -1) {
		bf_error_errno(err, "listen");
		close(fd);
		fd = -1;
	}
	if (fd == -1)
		bf_error_prefix(err, "listen on %s", listen_conf->address);
	return fd;
}

int
bf_listen_open(const struct bf_snapshot *snapshot, uid_t owner, gid_t group,
    const struct bf_listeners *before, struct bf_listeners *listeners,
    struct bf_error *err)
{
	*listeners = (struct bf_listeners){ 0 };
	for (size_t i = 0; i < snapshot->api.listen_count; i++) {
		const struct bf_listen *conf = &snapshot->api.listens[i];
		int fd = find(before, conf->address);

		if (fd == -1)
			fd = open_one(conf, owner, group, err);
		if (fd == -1) {
			bf_listen_replace(listeners, before);
			return -1;
		}
		bf_listen_add(listeners, conf->address, fd);
	}
	return 0;
}

static void
clear(struct bf_listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		free(listeners->addresses[i]);
	free(listeners->addresses);
	free(listeners->fds);
	*listeners = (struct bf_listeners){ 0 };
}

static void
close_one(const char *address, int fd, bool remove_file)
{
	const char *path = unix_path(address);

	close(fd);
	if (path && remove_file)
		unlink(path);
}

void
bf_listen_replace(struct bf_listeners *before,
    const struct bf_listeners *listeners)
{
	for (size_t i = 0; i < before->count; i++) {
		if (find(listeners, before->addresses[i]) == -1)
			close_one(before->addresses[i], before->fds[i], true);
	}
	clear(before);
}

void
bf_listen_close(struct bf_listeners *listeners, bool remove_files)
{
	for (size_t i = 0; i < listeners->count; i++)
		close_one(listeners->addresses[i], listeners->fds[i],
		    remove_files);
	clear(listeners);
}
