/*
 * sqlite_file.c - the store's files before SQLite sees them
 *
 * SQLite takes an empty file for a new database, and throws away a log that
 * lies beside one. So a store is made under another name and renamed when it
 * is complete: belfry.db is whole or absent, and an empty one is damage. That
 * there was a store at all is noted in belfry.id, so that one which vanished
 * is not replaced by an empty one in silence.
 */
#include "core/store/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/memory.h>

#define IDENTITY_SIZE 33 /* 32 hexadecimal digits, NUL */

/* Where things stand in the head of a database. Source: "Database File
 * Format" of SQLite, section 1.3. */
#define HEAD_SIZE 100
#define HEAD_WRITE_VERSION 18 /* 1: no write-ahead log, 2: with one */
#define HEAD_APPLICATION 68   /* big endian, 32 bits */

static const char magic[16] = "SQLite format 3";

/* Syncs a file or a directory. */
static int
sync_path(const char *path, int flags, struct bf_error *err)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC);
	int result = -1;

	if (fd != -1) {
		result = fsync(fd);
		close(fd);
	}
	if (result == -1)
		bf_error_errno(err, "sync %s", path);
	return result;
}

/* Gives path the bytes, all of them or none. */
static int
write_file(const char *dir, const char *path, const char *text,
    struct bf_error *err)
{
	char *draft = bf_strf("%s.new", path);
	const size_t size = strlen(text);
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int result = -1;

	if (fd != -1 && write(fd, text, size) == (ssize_t)size &&
	    fsync(fd) == 0 && rename(draft, path) == 0)
		result = 0;
	else
		bf_error_errno(err, "write %s", path);
	if (fd != -1)
		close(fd);
	free(draft);
	return result == 0 ? sync_path(dir, O_DIRECTORY, err) : -1;
}

/* ---- the first bytes ---- */

static bool
log_is_beside(const char *path)
{
	char *log = bf_strf("%s-wal", path);
	struct stat status;
	const bool beside = stat(log, &status) == 0 && status.st_size > 0;

	free(log);
	return beside;
}

static int
check_head(const unsigned char *head, ssize_t size, const char *path,
    struct bf_error *err)
{
	const uint32_t application = (uint32_t)head[HEAD_APPLICATION] << 24 |
				     (uint32_t)head[HEAD_APPLICATION + 1]
					 << 16 |
				     (uint32_t)head[HEAD_APPLICATION + 2] << 8 |
				     (uint32_t)head[HEAD_APPLICATION + 3];

	if (size == 0)
		bf_error_set(err,
		    "%s is empty, and it was not when belfry "
		    "left it: restore a backup",
		    path);
	else if (size < HEAD_SIZE || memcmp(head, magic, sizeof(magic)) != 0)
		bf_error_set(err,
		    "%s is damaged: it does not begin as a "
		    "database does; restore a backup",
		    path);
	else if (application != BF_SQLITE_APPLICATION)
		bf_error_set(err,
		    "%s is a database, but not a store of "
		    "belfry's",
		    path);
	else if (head[HEAD_WRITE_VERSION] == 1 && log_is_beside(path))
		bf_error_set(err,
		    "%s is a copy, and %s-wal beside it belongs "
		    "to the store that was here before: remove "
		    "%s-wal and %s-shm",
		    path, path, path, path);
	else
		return 0;
	return -1;
}

/* Reads the first bytes of an open database; *size is the file's. */
static int
read_head(sqlite3 *db, unsigned char head[HEAD_SIZE], sqlite3_int64 *size)
{
	sqlite3_file *file = NULL;
	int result =
	    sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	if (result == SQLITE_OK)
		result = file->pMethods->xFileSize(file, size);
	if (result == SQLITE_OK && *size >= HEAD_SIZE)
		result = file->pMethods->xRead(file, head, HEAD_SIZE, 0);
	return result;
}

/*
 * Reads by SQLite's own file: a process that closes a descriptor of the file
 * loses the locks that SQLite has on it (POSIX, fcntl), though it was opened
 * for a look only. Then whoever opens the store with another tool, and closes
 * it, takes itself for the last, and removes the log under the writer.
 */
int
bf_sqlite_check_head(const char *path, struct bf_error *err)
{
	unsigned char head[HEAD_SIZE] = { 0 };
	sqlite3_int64 size = 0;
	sqlite3 *db = NULL;
	int result;

	if (access(path, R_OK) == -1) {
		bf_error_errno(err, "open %s", path);
		return -1;
	}
	result = sqlite3_open_v2(path, &db,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (result == SQLITE_OK)
		result = read_head(db, head, &size);
	if (result != SQLITE_OK)
		bf_sqlite_describe(db, path, "read", err);
	sqlite3_close(db);
	return result == SQLITE_OK ? check_head(head, (ssize_t)size, path, err)
				   : -1;
}

/* ---- making one ---- */

static void
remove_draft(const char *draft)
{
	char *journal = bf_strf("%s-journal", draft);

	unlink(draft);
	unlink(journal);
	free(journal);
}

static int
fill_draft(const char *draft, struct bf_error *err)
{
	int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	sqlite3 *db = NULL;
	int result = -1;

	if (fd == -1) {
		bf_error_errno(err, "make %s", draft);
		return -1;
	}
	close(fd);
	if (sqlite3_open_v2(draft, &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		bf_sqlite_describe(db, draft, "open", err);
	else
		result = bf_sqlite_create(db, draft, err);
	sqlite3_close(db);
	return result;
}

static int
create(const char *dir, const char *path, struct bf_error *err)
{
	char *draft = bf_strf("%s.new", path);
	int result = -1;

	remove_draft(draft);
	if (fill_draft(draft, err) == 0 && sync_path(draft, 0, err) == 0) {
		result = rename(draft, path);
		if (result == -1)
			bf_error_errno(err, "rename %s", draft);
	}
	if (result == -1)
		remove_draft(draft);
	free(draft);
	return result == 0 ? sync_path(dir, O_DIRECTORY, err) : -1;
}

int
bf_sqlite_find(const char *dir, const char *path, struct bf_error *err)
{
	char *note = bf_strf("%s/belfry.id", dir);
	int result = -1;

	if (access(path, F_OK) == 0)
		result = bf_sqlite_check_head(path, err);
	else if (errno != ENOENT)
		bf_error_errno(err, "look for %s", path);
	else if (access(note, F_OK) == 0)
		bf_error_set(err,
		    "%s is gone, and %s says that there was "
		    "one: restore a backup, or remove %s to "
		    "begin with an empty store",
		    path, note, note);
	else if (log_is_beside(path))
		bf_error_set(err,
		    "%s is gone, but its log %s-wal is here: "
		    "restore a backup and remove the log",
		    path, path);
	else
		result = create(dir, path, err);
	free(note);
	return result;
}

/* ---- who it is ---- */

static int
read_identity(sqlite3 *db, char identity[IDENTITY_SIZE])
{
	sqlite3_stmt *statement = NULL;
	int result = -1;

	if (sqlite3_prepare_v2(db, "SELECT id FROM store", -1, &statement,
		NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW &&
	    sqlite3_column_bytes(statement, 0) == IDENTITY_SIZE - 1) {
		memcpy(identity, sqlite3_column_text(statement, 0),
		    IDENTITY_SIZE);
		result = 0;
	}
	sqlite3_finalize(statement);
	return result;
}

static int
compare_identity(const char *note, const char *path, const char *identity,
    struct bf_error *err)
{
	char noted[IDENTITY_SIZE] = "";
	FILE *file = fopen(note, "re");

	if (!file) {
		bf_error_errno(err, "open %s", note);
		return -1;
	}
	if (!fgets(noted, sizeof(noted), file))
		noted[0] = '\0';
	fclose(file);
	if (strcmp(noted, identity) == 0)
		return 0;
	bf_error_set(err,
	    "%s is another store (%s) than the one that belongs "
	    "here (%s): remove %s if it is meant to take its "
	    "place",
	    path, identity, noted, note);
	return -1;
}

static bool
says_log_in_use(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	const bool says =
	    sqlite3_prepare_v2(db,
		"SELECT 1 FROM setting WHERE name = '" BF_SQLITE_LOG_NOTE "'",
		-1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW;

	sqlite3_finalize(statement);
	return says;
}

/* Without its log, SQLite takes an older state of the file for the whole. */
static int
compare_log(sqlite3 *db, const char *note, const char *path, bool log_there,
    struct bf_error *err)
{
	if (log_there || !says_log_in_use(db))
		return 0;
	bf_error_set(err,
	    "%s was in use when belfry ended, and its log %s-wal is gone or "
	    "empty, with events that were acknowledged: put the log back, or "
	    "restore a backup; or remove %s, to go on with what is left "
	    "(which is all, if another program closed the store since)",
	    path, path, note);
	return -1;
}

int
bf_sqlite_identify(sqlite3 *db, const char *dir, const char *path,
    bool log_there, struct bf_error *err)
{
	char *note = bf_strf("%s/belfry.id", dir);
	char identity[IDENTITY_SIZE];
	char line[IDENTITY_SIZE + 1];
	int result = -1;

	if (read_identity(db, identity) == -1) {
		bf_error_set(err,
		    "%s is damaged: it does not say which store "
		    "it is",
		    path);
	} else if (access(note, F_OK) == 0) {
		result = compare_identity(note, path, identity, err);
		if (result == 0)
			result = compare_log(db, note, path, log_there, err);
	} else {
		snprintf(line, sizeof(line), "%s\n", identity);
		result = write_file(dir, note, line, err);
	}
	free(note);
	return result;
}
