/*
 * faulty_vfs.c - a disk for SQLite that fails and that forgets
 *
 * A wrapper around SQLite's own VFS. For each path there is an image: the
 * bytes on stable storage, and the changes since. The operations that change
 * something are counted and can be told to fail; all others pass.
 */
#include "tests/unit/faulty_vfs.h"

#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <sqlite3.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

/* A change that is not on stable storage yet. No bytes: a truncation. */
struct change {
	STAILQ_ENTRY(change) entry;
	size_t offset;
	size_t size;
	char *bytes;
};

STAILQ_HEAD(changes, change);

struct image {
	LIST_ENTRY(image) entry;
	char *path;
	struct bf_buf stable;
	struct changes changes;
};

struct file {
	sqlite3_file base;
	struct image *image; /* NULL: of no interest */
	sqlite3_file *real;  /* in the memory behind this */
};

static LIST_HEAD(, image) images = LIST_HEAD_INITIALIZER(images);
static sqlite3_vfs *real_vfs;
static unsigned operations, first_fault, faults;
static bool read_only;
static void (*watcher)(void);

/* ---- images ---- */

static void
forget_changes(struct image *image)
{
	struct change *change;

	while ((change = STAILQ_FIRST(&image->changes))) {
		STAILQ_REMOVE_HEAD(&image->changes, entry);
		free(change->bytes);
		free(change);
	}
}

static void
forget_image(struct image *image)
{
	LIST_REMOVE(image, entry);
	forget_changes(image);
	bf_buf_free(&image->stable);
	free(image->path);
	free(image);
}

static struct image *
find_image(const char *path)
{
	struct image *image;

	LIST_FOREACH(image, &images, entry)
	{
		if (strcmp(image->path, path) == 0)
			return image;
	}
	return NULL;
}

/* A file that was there before counts as stable. */
static struct image *
make_image(const char *path)
{
	struct image *image = bf_new(struct image);
	FILE *stream = fopen(path, "r");
	char bytes[4096];
	size_t size;

	while (stream && (size = fread(bytes, 1, sizeof(bytes), stream)) > 0)
		bf_buf_add(&image->stable, bytes, size);
	if (stream)
		fclose(stream);
	image->path = bf_strdup(path);
	STAILQ_INIT(&image->changes);
	LIST_INSERT_HEAD(&images, image, entry);
	return image;
}

static void
apply(struct bf_buf *bytes, const struct change *change)
{
	const size_t end = change->offset + change->size;

	if (!change->bytes) {
		if (bytes->size > change->offset)
			bytes->size = change->offset;
		return;
	}
	if (bytes->size < end) {
		const size_t more = end - bytes->size;

		memset(bf_buf_reserve(bytes, more), 0, more + 1);
		bytes->size = end;
	}
	memcpy(bytes->data + change->offset, change->bytes, change->size);
}

static void
note(struct image *image, const void *bytes, size_t size, size_t offset)
{
	struct change *change;

	if (!image)
		return;
	change = bf_new(struct change);
	change->offset = offset;
	change->size = size;
	change->bytes = bytes ? bf_strndup(bytes, size) : NULL;
	STAILQ_INSERT_TAIL(&image->changes, change, entry);
}

static bool
fails(void)
{
	if (watcher)
		watcher();
	operations++;
	return read_only || (first_fault != 0 && operations >= first_fault &&
				operations < first_fault + faults);
}

/* ---- files ---- */

static struct file *
file_of(sqlite3_file *base)
{
	return (struct file *)base; /* its first member */
}

static int
file_close(sqlite3_file *base)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xClose(file->real);
}

static int
file_read(sqlite3_file *base, void *bytes, int size, sqlite3_int64 offset)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xRead(file->real, bytes, size, offset);
}

static int
file_write(sqlite3_file *base, const void *bytes, int size,
    sqlite3_int64 offset)
{
	struct file *file = file_of(base);

	if (fails())
		return SQLITE_IOERR_WRITE;
	note(file->image, bytes, (size_t)size, (size_t)offset);
	return file->real->pMethods->xWrite(file->real, bytes, size, offset);
}

static int
file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct file *file = file_of(base);

	if (fails())
		return SQLITE_IOERR_TRUNCATE;
	note(file->image, NULL, 0, (size_t)size);
	return file->real->pMethods->xTruncate(file->real, size);
}

static int
file_sync(sqlite3_file *base, int flags)
{
	struct file *file = file_of(base);
	const bool failed = fails();
	struct change *change;

	(void)flags; /* the real sync would only take time */
	if (!file->image)
		return failed ? SQLITE_IOERR_FSYNC : SQLITE_OK;
	if (!failed) {
		STAILQ_FOREACH(change, &file->image->changes, entry)
		apply(&file->image->stable, change);
	}
	forget_changes(file->image);
	return failed ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int
file_size(sqlite3_file *base, sqlite3_int64 *size)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xFileSize(file->real, size);
}

static int
file_lock(sqlite3_file *base, int lock)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xLock(file->real, lock);
}

static int
file_unlock(sqlite3_file *base, int lock)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xUnlock(file->real, lock);
}

static int
file_check_reserved(sqlite3_file *base, int *reserved)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xCheckReservedLock(file->real, reserved);
}

static int
file_control(sqlite3_file *base, int operation, void *argument)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xFileControl(file->real, operation,
	    argument);
}

static int
file_sector(sqlite3_file *base)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xSectorSize(file->real);
}

static int
file_traits(sqlite3_file *base)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xDeviceCharacteristics(file->real);
}

static int
file_map(sqlite3_file *base, int page, int size, int extend,
    void volatile **memory)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xShmMap(file->real, page, size, extend,
	    memory);
}

static int
file_lock_map(sqlite3_file *base, int offset, int count, int flags)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xShmLock(file->real, offset, count, flags);
}

static void
file_barrier(sqlite3_file *base)
{
	struct file *file = file_of(base);

	file->real->pMethods->xShmBarrier(file->real);
}

static int
file_unmap(sqlite3_file *base, int remove)
{
	struct file *file = file_of(base);

	return file->real->pMethods->xShmUnmap(file->real, remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_map,
	.xShmLock = file_lock_map,
	.xShmBarrier = file_barrier,
	.xShmUnmap = file_unmap,
};

/* ---- the VFS ---- */

static int
open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags,
    int *out)
{
	struct file *file = file_of(base);
	struct image *image = NULL;
	int code;

	(void)vfs;
	file->base.pMethods = NULL;
	file->real = (sqlite3_file *)(file + 1);
	/* Before SQLite's first change to it. */
	if (path && flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL |
				SQLITE_OPEN_MAIN_JOURNAL)) {
		image = find_image(path);
		if (!image)
			image = make_image(path);
	}
	/* As SQLite does with a file that it can't open for both. */
	if (read_only && flags & SQLITE_OPEN_READWRITE)
		flags =
		    (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
		    SQLITE_OPEN_READONLY;
	code = real_vfs->xOpen(real_vfs, path, file->real, flags, out);
	if (code != SQLITE_OK)
		return code;
	file->image = image;
	file->base.pMethods = &methods;
	return SQLITE_OK;
}

static int
delete_file(sqlite3_vfs *vfs, const char *path, int sync)
{
	struct image *image = find_image(path);
	int code;

	(void)vfs;
	if (fails())
		return SQLITE_IOERR_DELETE;
	code = real_vfs->xDelete(real_vfs, path, sync);
	if (code == SQLITE_OK && image)
		forget_image(image);
	return code;
}

static int
look_for(sqlite3_vfs *vfs, const char *path, int flags, int *found)
{
	(void)vfs;
	return real_vfs->xAccess(real_vfs, path, flags, found);
}

static int
full_path(sqlite3_vfs *vfs, const char *path, int size, char *full)
{
	(void)vfs;
	return real_vfs->xFullPathname(real_vfs, path, size, full);
}

static sqlite3_vfs faulty;

void
faulty_install(void)
{
	if (sqlite3_vfs_find("faulty")) /* a test before has failed */
		faulty_remove();
	real_vfs = sqlite3_vfs_find(NULL);
	faulty = *real_vfs;
	faulty.zName = "faulty";
	faulty.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
	faulty.xOpen = open_file;
	faulty.xDelete = delete_file;
	faulty.xAccess = look_for;
	faulty.xFullPathname = full_path;
	sqlite3_vfs_register(&faulty, 1);
	faulty_fail(0, 0);
}

void
faulty_remove(void)
{
	struct image *image;

	sqlite3_vfs_unregister(&faulty);
	sqlite3_vfs_register(real_vfs, 1);
	read_only = false;
	watcher = NULL;
	while ((image = LIST_FIRST(&images)))
		forget_image(image);
}

unsigned
faulty_operations(void)
{
	return operations;
}

void
faulty_fail(unsigned n, unsigned count)
{
	operations = 0;
	first_fault = n;
	faults = count;
}

void
faulty_read_only(bool is)
{
	read_only = is;
}

void
faulty_watch(void (*watch)(void))
{
	watcher = watch;
}

/* ---- the power cut ---- */

static bool
lucky(enum faulty_luck luck)
{
	static uint32_t random = 2463534242u;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	return luck == FAULTY_EVERYTHING ||
	       (luck == FAULTY_SOMETHING && random % 3 == 0);
}

void
faulty_cut_power(const char *to, enum faulty_luck luck)
{
	struct image *image;

	LIST_FOREACH(image, &images, entry)
	{
		char *name = bf_strdup(image->path);
		char *path = bf_strf("%s/%s", to, basename(name));
		struct bf_buf bytes = { 0 };
		struct change *change;
		FILE *stream;

		bf_buf_add(&bytes, bf_buf_text(&image->stable),
		    image->stable.size);
		STAILQ_FOREACH(change, &image->changes, entry)
		{
			if (lucky(luck))
				apply(&bytes, change);
		}
		stream = fopen(path, "w");
		fwrite(bytes.data, 1, bytes.size, stream);
		fclose(stream);
		bf_buf_free(&bytes);
		free(path);
		free(name);
	}
}
