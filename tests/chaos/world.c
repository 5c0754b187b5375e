/*
 * world.c - a disk, a wall clock and a store that do as a test says
 *
 * Preloaded into belfry. What is to go wrong stands in a file that the test
 * writes and every process has mapped, as a child has what its parent mapped:
 * so a fault strikes at once, without a look at anything, and neither a clean
 * environment nor a sandbox is in its way. (libfaketime takes a semaphore
 * round each look at the clock, which a killed process keeps.)
 *
 * CHAOS_WORLD  path of that file: struct world
 * CHAOS_STATE  folder whose files are on the disk
 */
#define _GNU_SOURCE /* RTLD_NEXT, open64 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#define FILES 4096
#define SECOND_NS 1000000000

enum disk { DISK_GOOD, DISK_FULL, DISK_SYNC_FAILS, DISK_READ_ONLY };

/* As chaos.py writes it. */
struct world {
	volatile int64_t disk;     /* enum disk */
	volatile int64_t clock_ns; /* what is added to the wall clock */
	volatile int64_t lose;     /* each so-manieth commit; 0: none */
};

static struct world calm;
static struct world *world = &calm;
static const char *state = "/nonexistent";
static unsigned char on_disk[FILES]; /* by descriptor */

static int (*real_open)(const char *path, int flags, ...);
static int (*real_close)(int fd);
static ssize_t (*real_write)(int fd, const void *bytes, size_t size);
static ssize_t (*real_pwrite)(int fd, const void *bytes, size_t size,
    off_t offset);
static int (*real_ftruncate)(int fd, off_t size);
static int (*real_fsync)(int fd);
static int (*real_fdatasync)(int fd);
static int (*real_unlink)(const char *path);
static int (*real_clock_gettime)(clockid_t clock, struct timespec *at);
static int (*real_step)(sqlite3_stmt *statement);

/* ISO C has no way from void * to a function; POSIX has this one. */
#define FIND(pointer, name) (*(void **)&(pointer) = dlsym(RTLD_NEXT, name))

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("CHAOS_WORLD");
	const char *folder = getenv("CHAOS_STATE");
	int fd;

	FIND(real_open, "open64");
	FIND(real_close, "close");
	FIND(real_write, "write");
	FIND(real_pwrite, "pwrite64");
	FIND(real_ftruncate, "ftruncate64");
	FIND(real_fsync, "fsync");
	FIND(real_fdatasync, "fdatasync");
	FIND(real_unlink, "unlink");
	FIND(real_clock_gettime, "clock_gettime");
	FIND(real_step, "sqlite3_step");
	if (!path || !folder)
		return;
	state = strdup(folder); /* the environment is wiped */
	fd = real_open(path, O_RDONLY | O_CLOEXEC);
	world = fd == -1 ? MAP_FAILED
			 : mmap(NULL, sizeof(*world), PROT_READ, MAP_SHARED, fd,
			       0);
	if (!state || world == MAP_FAILED)
		abort();
	real_close(fd);
}

/* ---- the disk ---- */

static int
fail(int error)
{
	errno = error;
	return -1;
}

static int
is_on_disk(int fd)
{
	return fd >= 0 && fd < FILES && on_disk[fd];
}

/* The error that a change of the file meets now; 0: none. */
static int
change_error(int fd)
{
	if (!is_on_disk(fd))
		return 0;
	return world->disk == DISK_FULL        ? ENOSPC
	       : world->disk == DISK_READ_ONLY ? EROFS
					       : 0;
}

static int
open_on_disk(const char *path, int flags, mode_t mode)
{
	const int here = strncmp(path, state, strlen(state)) == 0;
	const int changes = (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT;
	int fd;

	if (here && changes && world->disk == DISK_READ_ONLY)
		return fail(EROFS);
	fd = real_open(path, flags, mode);
	if (fd >= 0 && fd < FILES)
		on_disk[fd] = (unsigned char)here;
	return fd;
}

static mode_t
mode_of(int flags, va_list rest)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = mode_of(flags, rest);
	va_end(rest);
	return open_on_disk(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = mode_of(flags, rest);
	va_end(rest);
	return open_on_disk(path, flags, mode);
}

int
close(int fd)
{
	if (fd >= 0 && fd < FILES)
		on_disk[fd] = 0;
	return real_close(fd);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	const int error = change_error(fd);

	return error ? fail(error) : real_write(fd, bytes, size);
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	const int error = change_error(fd);

	return error ? fail(error) : real_pwrite(fd, bytes, size, offset);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	return pwrite(fd, bytes, size, offset);
}

int
ftruncate(int fd, off_t size)
{
	const int error = change_error(fd);

	return error ? fail(error) : real_ftruncate(fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int
fsync(int fd)
{
	if (is_on_disk(fd) && world->disk == DISK_SYNC_FAILS)
		return fail(EIO);
	return real_fsync(fd);
}

int
fdatasync(int fd)
{
	if (is_on_disk(fd) && world->disk == DISK_SYNC_FAILS)
		return fail(EIO);
	return real_fdatasync(fd);
}

int
unlink(const char *path)
{
	if (strncmp(path, state, strlen(state)) == 0 &&
	    world->disk == DISK_READ_ONLY)
		return fail(EROFS);
	return real_unlink(path);
}

/* ---- the wall clock ---- */

int
clock_gettime(clockid_t clock, struct timespec *at)
{
	const int result = real_clock_gettime(clock, at);

	if (result == 0 && clock == CLOCK_REALTIME && world->clock_ns != 0) {
		const int64_t ns =
		    at->tv_sec * (int64_t)SECOND_NS + at->tv_nsec +
		    world->clock_ns;

		at->tv_sec = ns / SECOND_NS;
		at->tv_nsec = ns % SECOND_NS;
	}
	return result;
}

int
gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	at->tv_sec = now.tv_sec;
	at->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (at)
		*at = now.tv_sec;
	return now.tv_sec;
}

/* ---- the store that loses: the fault that chaos.py must find ---- */

int
sqlite3_step(sqlite3_stmt *statement)
{
	static int64_t commits;
	const char *sql = sqlite3_sql(statement);

	if (world->lose > 0 && sql && strcmp(sql, "COMMIT") == 0 &&
	    ++commits % world->lose == 0) {
		sqlite3_exec(sqlite3_db_handle(statement), "ROLLBACK", NULL,
		    NULL, NULL);
		return SQLITE_DONE;
	}
	return real_step(statement);
}
