/*
 * sqlite_backup.c - a copy while others go on
 *
 * The copy is made within one read transaction, so that it needn't begin anew
 * at each commit; the log grows as long as it lasts. It is made under another
 * name and linked to its own when it is on stable storage, so a copy that was
 * broken off is never taken for one. It leaves write-ahead mode: a single file
 * that any tool can read.
 */
#include "core/store/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#define PAGES_A_STEP 512

static enum bf_store_result
blame(const char *doing, const char *path, struct bf_error *err)
{
	bf_error_errno(err, "%s %s", doing, path);
	return BF_STORE_AGAIN;
}

static enum bf_store_result
copy_pages(struct bf_sqlite *sqlite, sqlite3 *copy, const char *path,
    bf_store_progress *progress, void *context, struct bf_error *err)
{
	sqlite3_backup *backup =
	    sqlite3_backup_init(copy, "main", sqlite->db, "main");
	int code = SQLITE_OK;

	while (backup && code == SQLITE_OK) {
		code = sqlite3_backup_step(backup, PAGES_A_STEP);
		if (progress)
			progress(context, sqlite3_backup_remaining(backup),
			    sqlite3_backup_pagecount(backup));
	}
	sqlite3_backup_finish(backup);
	if (code == SQLITE_DONE)
		return BF_STORE_OK;
	bf_sqlite_describe(copy, path, "copy", err);
	return bf_sqlite_result(code);
}

/* Fills the file at path, which is there and empty. */
static enum bf_store_result
fill(struct bf_sqlite *sqlite, const char *path, bf_store_progress *progress,
    void *context, struct bf_error *err)
{
	sqlite3 *copy = NULL;
	enum bf_store_result result;

	if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE, NULL) !=
		SQLITE_OK ||
	    sqlite3_exec(copy,
		"PRAGMA journal_mode = OFF;"
		"PRAGMA synchronous = OFF",
		NULL, NULL, NULL) != SQLITE_OK) {
		bf_sqlite_describe(copy, path, "open", err);
		sqlite3_close(copy);
		return BF_STORE_AGAIN;
	}
	/* Errors show in the steps, which begin what did not begin here. */
	sqlite3_exec(sqlite->db, "BEGIN; SELECT id FROM store", NULL, NULL,
	    NULL);
	result = copy_pages(sqlite, copy, path, progress, context, err);
	sqlite3_exec(sqlite->db, "COMMIT", NULL, NULL, NULL);
	if (result == BF_STORE_OK &&
	    sqlite3_exec(copy,
		"DELETE FROM setting WHERE name = '" BF_SQLITE_LOG_NOTE "';"
		"PRAGMA journal_mode = DELETE",
		NULL, NULL, NULL) != SQLITE_OK) {
		bf_sqlite_describe(copy, path, "leave write-ahead mode", err);
		result = BF_STORE_AGAIN;
	}
	sqlite3_close(copy);
	return result;
}

/* Gives the finished draft its name, unless something has that name. */
static enum bf_store_result
publish(const char *draft, const char *path, struct bf_error *err)
{
	char *name = bf_strdup(path);
	int fd = open(draft, O_RDONLY | O_CLOEXEC);
	int dir = -1;
	enum bf_store_result result = BF_STORE_OK;

	if (fd == -1 || fsync(fd) == -1)
		result = blame("sync", draft, err);
	else if (link(draft, path) == -1)
		result = blame("make", path, err);
	else if ((dir = open(dirname(name),
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
		 fsync(dir) == -1)
		result = blame("sync the directory of", path, err);
	if (fd != -1)
		close(fd);
	if (dir != -1)
		close(dir);
	free(name);
	return result;
}

static void
remove_draft(const char *draft)
{
	static const char *const tails[] = { "", "-journal", "-wal", "-shm" };

	for (size_t i = 0; i < sizeof(tails) / sizeof(*tails); i++) {
		char *path = bf_strf("%s%s", draft, tails[i]);

		unlink(path);
		free(path);
	}
}

enum bf_store_result
bf_sqlite_backup(struct bf_store *store, const char *path,
    bf_store_progress *progress, void *context, struct bf_error *err)
{
	struct bf_sqlite *sqlite = bf_sqlite_of(store);
	enum bf_store_result result = bf_sqlite_enter(sqlite, err);
	char *draft;
	int fd;

	sqlite->deadline_ms = 0; /* it takes as long as the file is large */
	if (result != BF_STORE_OK)
		return result;
	if (access(path, F_OK) == 0) {
		errno = EEXIST;
		return blame("make", path, err);
	}
	draft = bf_strf("%s.part%ld", path, (long)getpid());
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1) {
		result = blame("make", errno == EEXIST ? draft : path, err);
		free(draft);
		return result;
	}
	close(fd);
	result = fill(sqlite, draft, progress, context, err);
	if (result == BF_STORE_OK)
		result = publish(draft, path, err);
	remove_draft(draft);
	free(draft);
	return result;
}
