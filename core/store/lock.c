/*
 * lock.c - one holder at a time
 *
 * flock() binds the lock to the open file, not to the process: it goes along
 * with fork and exec, which a binary upgrade needs, and the kernel lets go of
 * it however the holder ends. The text in the file is for people only.
 */
#include "core/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void
refuse(int fd, const char *path, struct bf_error *err)
{
	char holder[80];
	ssize_t size = pread(fd, holder, sizeof(holder) - 1, 0);

	holder[size > 0 ? size : 0] = '\0';
	holder[strcspn(holder, "\n")] = '\0';
	bf_error_set(err, "%s is held by %s", path,
	    holder[0] ? holder : "another process");
}

void
bf_lock_name(int fd)
{
	char name[32] = "";
	char text[80];
	FILE *file = fopen("/proc/self/comm", "re");
	int size;

	if (file) {
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		fclose(file);
	}
	name[strcspn(name, "\n")] = '\0';
	size = snprintf(text, sizeof(text), "process %ld%s%s%s\n",
	    (long)getpid(), name[0] ? " (" : "", name, name[0] ? ")" : "");
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)size, 0) == -1)
		return; /* on a full disk the lock holds all the same */
}

int
bf_lock_take(const char *path, struct bf_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1) {
		bf_error_errno(err, "open lock file %s", path);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK)
			refuse(fd, path, err);
		else
			bf_error_errno(err, "lock %s", path);
		close(fd);
		return -1;
	}
	bf_lock_name(fd);
	return fd;
}
