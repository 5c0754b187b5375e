/*
 * file.c - reading a whole file, with a bound
 *
 * Opened without waiting, so that a FIFO can't stop belfry, and refused unless
 * it is a regular file.
 */
#include "core/conf/conf_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
read_all(int fd, size_t limit, struct bf_buf *out, struct bf_error *err)
{
	const size_t begin = out->size;
	ssize_t got;

	for (;;) {
		got = read(fd, bf_buf_reserve(out, 65536), 65536);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1) {
			bf_error_set(err, "%s", strerror(errno));
			return -1;
		}
		if (got == 0)
			break;
		out->size += (size_t)got;
		if (out->size - begin > limit) {
			bf_error_set(err, "larger than %zu bytes", limit);
			return -1;
		}
	}
	bf_buf_add(out, "", 0);
	return 0;
}

int
bf_file_read(const char *path, size_t limit, struct bf_buf *out,
    struct bf_file_id *id, struct bf_error *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	int result = -1;

	if (fd == -1 || fstat(fd, &status) == -1) {
		bf_error_set(err, "%s", strerror(errno));
		goto out;
	}
	if (!S_ISREG(status.st_mode)) {
		bf_error_set(err, "not a regular file");
		goto out;
	}
	if (id)
		*id = (struct bf_file_id){ status.st_dev, status.st_ino };
	result = read_all(fd, limit, out, err);

out:
	if (fd != -1)
		close(fd);
	return result;
}
