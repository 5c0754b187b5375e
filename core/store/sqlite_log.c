/*
 * sqlite_log.c - the write-ahead log: whether it is whole, and there at all
 *
 * SQLite takes the log for what stands in front of the first frame whose
 * checksum is wrong: behind it, it supposes, is what was being written when the
 * power went. That can be one transaction, as each is synced before the next
 * one begins. So if a frame follows on a commit behind the wrong one, that
 * commit had been synced, and what SQLite would pass over in silence was
 * acknowledged.
 *
 * Source: "Database File Format" of SQLite, section 4.
 */
#include "core/store/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/memory.h>

#define HEAD_SIZE 32
#define HEAD_SUMMED 24      /* bytes of it that the checksum is over */
#define MAGIC 0x377f0682    /* the last bit: words are summed big endian */
#define FRAME_HEAD_SIZE 24  /* in front of a page */
#define FRAME_HEAD_SUMMED 8 /* and the page */
#define PAGE_MOST 65536

struct log {
	int fd;
	bool big_endian; /* words of sums */
	size_t page;     /* bytes of a page */
	unsigned char salts[8];
	uint32_t sum[2]; /* as it stands in the frame before */
	unsigned char *frame;
};

static uint32_t
word_at(const unsigned char *at, bool big_endian)
{
	return big_endian ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
				(uint32_t)at[2] << 8 | at[3]
			  : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 |
				(uint32_t)at[1] << 8 | at[0];
}

static void
add_to_sum(uint32_t sum[2], const unsigned char *bytes, size_t size,
    bool big_endian)
{
	for (const unsigned char *at = bytes; at < bytes + size; at += 8) {
		sum[0] += word_at(at, big_endian) + sum[1];
		sum[1] += word_at(at + 4, big_endian) + sum[0];
	}
}

static bool
is_sum(const uint32_t sum[2], const unsigned char *at)
{
	return sum[0] == word_at(at, true) && sum[1] == word_at(at + 4, true);
}

/* False: a log that holds nothing, for SQLite and for us. */
static bool
read_head(struct log *log)
{
	unsigned char head[HEAD_SIZE];
	uint32_t sum[2] = { 0, 0 };
	uint32_t magic;

	if (pread(log->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return false;
	magic = word_at(head, true);
	log->big_endian = magic & 1;
	log->page = word_at(head + 8, true);
	if ((magic & ~1u) != MAGIC || log->page < 512 || log->page > PAGE_MOST)
		return false;
	memcpy(log->salts, head + 16, sizeof(log->salts));
	add_to_sum(sum, head, HEAD_SUMMED, log->big_endian);
	memcpy(log->sum, sum, sizeof(sum));
	return is_sum(sum, head + HEAD_SUMMED);
}

/* Reads the next frame: *follows, if it was written after the one before;
 * *commits, if it ends a transaction. False at the end. */
static bool
next_frame(struct log *log, off_t at, bool *follows, bool *commits)
{
	const size_t size = FRAME_HEAD_SIZE + log->page;
	const unsigned char *head = log->frame;
	bool ours;

	if (pread(log->fd, log->frame, size, at) != (ssize_t)size)
		return false;
	add_to_sum(log->sum, head, FRAME_HEAD_SUMMED, log->big_endian);
	add_to_sum(log->sum, head + FRAME_HEAD_SIZE, log->page,
	    log->big_endian);
	ours = memcmp(head + 8, log->salts, sizeof(log->salts)) == 0;
	*follows = ours && is_sum(log->sum, head + 16);
	*commits = ours && word_at(head + 4, true) > 0;
	log->sum[0] = word_at(head + 16, true);
	log->sum[1] = word_at(head + 20, true);
	return true;
}

/* Where the log is to be cut so that nothing stands behind damage; 0: there is
 * none. */
static off_t
find_damage(struct log *log)
{
	const off_t step = FRAME_HEAD_SIZE + (off_t)log->page;
	off_t at = HEAD_SIZE, whole = HEAD_SIZE;
	bool broken = false, before = false;
	bool follows, commits;

	for (; next_frame(log, at, &follows, &commits); at += step) {
		if (broken && before && follows)
			return whole;
		broken = broken || !follows;
		if (!broken && commits)
			whole = at + step;
		before = commits;
	}
	return 0;
}

int
bf_sqlite_log_check(const char *name, bool *there, struct bf_error *err)
{
	struct log log = { .fd = open(name, O_RDONLY | O_CLOEXEC) };
	const bool absent = log.fd == -1 && errno == ENOENT;
	off_t cut = 0;

	if (log.fd == -1 && !absent)
		bf_error_errno(err, "open %s", name);
	*there = log.fd != -1 && read_head(&log);
	if (*there) {
		log.frame = bf_zalloc(1, FRAME_HEAD_SIZE + log.page);
		cut = find_damage(&log);
		free(log.frame);
	}
	if (log.fd != -1)
		close(log.fd);
	if (cut > 0)
		bf_error_set(err,
		    "%s is damaged behind byte %lld, in front of commits that "
		    "were acknowledged: restore a backup, or keep a copy of "
		    "it and give them up: truncate -s %lld %s",
		    name, (long long)cut, (long long)cut, name);
	return cut > 0 || (log.fd == -1 && !absent) ? -1 : 0;
}

/* ---- the note in the file ---- */

/*
 * Notes in the main file that commits may be in the log alone, or that they are
 * no longer. A log that was begun stands beside it from before the one to after
 * the other: so one that is not there then is missed.
 */
static bool
note_log(struct bf_sqlite *sqlite, bool in_use)
{
	sqlite3_stmt *statement = bf_sqlite_statement(sqlite,
	    in_use ? BF_SQL_SETTING_PUT : BF_SQL_SETTING_DROP);

	bf_sqlite_bind_text(statement, 1, BF_SQLITE_LOG_NOTE);
	if (in_use)
		bf_sqlite_bind_text(statement, 2, "");
	return bf_sqlite_run(sqlite, statement, "note the log", NULL) ==
	       BF_STORE_OK;
}

/*
 * What a killed writer left in the log goes into the file, so that no commit
 * follows there on pages whose fsync may have failed back then: they may be
 * gone at the next power cut. The note begins the log anew, and goes into the
 * file too.
 */
int
bf_sqlite_log_begin(struct bf_sqlite *sqlite, struct bf_error *err)
{
	const int code = sqlite3_wal_checkpoint_v2(sqlite->db, "main",
	    SQLITE_CHECKPOINT_RESTART, NULL, NULL);

	/* A full disk may pass, and readers do. */
	if ((code & 0xff) == SQLITE_IOERR) {
		bf_sqlite_describe(sqlite->db, sqlite->path,
		    "move the log into the file", err);
		return -1;
	}
	sqlite->log_begun = true;
	note_log(sqlite, true);
	sqlite3_wal_checkpoint_v2(sqlite->db, "main", SQLITE_CHECKPOINT_PASSIVE,
	    NULL, NULL);
	return 0;
}

/* SQLite does not tell it of the log. */
bool
bf_sqlite_log_has_moved(struct bf_sqlite *sqlite)
{
	struct stat file = { 0 };

	if (stat(sqlite->log_path, &file) == -1 && errno != ENOENT)
		return false;
	if (sqlite->log_inode == 0)
		sqlite->log_inode = file.st_ino;
	return file.st_ino != sqlite->log_inode;
}

void
bf_sqlite_log_save(struct bf_sqlite *sqlite)
{
	note_log(sqlite, false);
	sqlite3_wal_checkpoint_v2(sqlite->db, "main", SQLITE_CHECKPOINT_FULL,
	    NULL, NULL);
}

/* The last one out removes the log: not one that will be missed. */
void
bf_sqlite_log_leave(struct bf_sqlite *sqlite)
{
	const bool writer = sqlite->lock != -1;

	if (sqlite->log_begun && note_log(sqlite, false))
		return;
	if (writer && sqlite->db)
		sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
		    1, NULL);
}
