/*
 * store_crash_test.c - killed writers, full disks, older schemas
 *
 * A writer is killed at any moment: what it had acknowledged is there, and of
 * every batch all or nothing. A disk is full: nothing is half done, and what
 * failed succeeds when there is room.
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include <belfry/memory.h>

#include "tests/unit/store_helpers.h"

#define BATCH 5u /* events in a batch of the writer that is killed */
#define CHANNELS 2u

static char *dir;
static struct bf_store *store;
static struct bf_batch batch;
static struct bf_error err;

static int
set_up(void **state)
{
	(void)state;
	dir = make_directory();
	bf_batch_init(&batch);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	bf_batch_clear(&batch);
	bf_store_close(&store);
	umount(dir); /* of a test that failed */
	remove_directory(dir);
	return 0;
}

/* ---- a log that is damaged ---- */

#define COMMITS 10u

/* Commits that often, an event each time, and ends without a word. */
static void
leave_a_log(void)
{
	pid_t child = fork();

	if (child == 0) {
		store = bf_store_open(dir, &err);
		for (unsigned n = 0; store && n < COMMITS; n++)
			store_events(store, n, n, "deploy_failed", 1);
		_exit(store ? 0 : 1);
	}
	waitpid(child, NULL, 0);
}

/* Flips a bit in a page of the log, that many from its end. */
static void
flip(const char *log, int from_end)
{
	const off_t frame = 24 + 4096;
	FILE *file = fopen(log, "r+b");
	int byte;

	assert_non_null(file);
	assert_int_equal(fseek(file, -frame * from_end + 100, SEEK_END), 0);
	byte = fgetc(file);
	assert_int_equal(fseek(file, -1, SEEK_CUR), 0);
	fputc(byte ^ 4, file);
	fclose(file);
}

static void
what_was_acknowledged_is_not_passed_over(void **state)
{
	char *log = path_in(dir, "belfry.db-wal");
	const char *words;
	struct stat file;
	long long cut;

	(void)state;
	leave_a_log();
	assert_int_equal(stat(log, &file), 0);
	flip(log, (int)(file.st_size / (24 + 4096) / 2));
	store = bf_store_open(dir, &err);
	assert_null(store);
	words = strstr(err.text, "truncate -s ");
	assert_non_null(words);
	assert_int_equal(sscanf(words, "truncate -s %lld", &cut), 1);
	/* Nor when it is tried again; but by whoever gives them up. */
	assert_null(bf_store_open(dir, &err));
	assert_int_equal(truncate(log, cut), 0);
	store = open_store(dir);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, COMMITS - 1, 1), -1);
	free(log);
}

static void
what_was_being_written_is_passed_over(void **state)
{
	char *log = path_in(dir, "belfry.db-wal");

	(void)state;
	leave_a_log();
	flip(log, 1);
	store = open_store(dir);
	assert_int_equal(state_of(store, COMMITS - 2, 1), BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, COMMITS - 1, 1), -1);
	free(log);
}

/* ---- a writer that is killed ---- */

/* Commits batches from number on for ever: batch i stores its events and ends
 * the first deliveries of the batch before. Tells of each that was done. */
static void
write_for_ever(unsigned number, int out)
{
	store = bf_store_open(dir, &err);
	if (!store)
		_exit(2);
	for (;; number++) {
		bf_batch_init(&batch);
		for (unsigned i = 0; i < BATCH; i++) {
			const unsigned n = number * BATCH + i;

			add_event(&batch, n, "deploy_failed", CHANNELS);
			if (number > 0)
				add_finish(&batch, n - BATCH, 1, 0,
				    BF_STATE_DELIVERED);
		}
		if (bf_store_commit(store, &batch, &err) != BF_STORE_OK ||
		    bf_store_checkpoint(store, &err) != BF_STORE_OK ||
		    write(out, &number, sizeof(number)) != sizeof(number))
			_exit(1);
		bf_batch_clear(&batch);
	}
}

/* How many batches are there, each of them whole. */
static unsigned
count_batches(void)
{
	unsigned count = 0;

	while (state_of(store, count * BATCH, 1) != -1) {
		for (unsigned i = 0; i < BATCH; i++) {
			const unsigned n = count * BATCH + i;

			assert_int_equal(state_of(store, n, 2),
			    BF_STATE_SCHEDULED);
			if (count > 0)
				assert_int_equal(state_of(store, n - BATCH, 1),
				    BF_STATE_DELIVERED);
		}
		count++;
	}
	for (unsigned i = 0; i < BATCH; i++)
		assert_int_equal(state_of(store, count * BATCH + i, 1), -1);
	return count;
}

/* Lets a writer go on from a batch for a while, kills it, and returns how
 * many batches were acknowledged. */
static unsigned
run_and_kill(unsigned from, unsigned wait_us)
{
	unsigned acknowledged = from, number;
	int pipes[2];
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		close(pipes[0]);
		write_for_ever(from, pipes[1]);
	}
	close(pipes[1]);
	if (read(pipes[0], &number, sizeof(number)) == sizeof(number))
		acknowledged = number + 1;
	usleep(wait_us);
	kill(child, SIGKILL);
	while (read(pipes[0], &number, sizeof(number)) == sizeof(number))
		acknowledged = number + 1;
	close(pipes[0]);
	waitpid(child, NULL, 0);
	return acknowledged;
}

static void
what_a_killed_writer_acknowledged_is_there(void **state)
{
	unsigned batches = 0;

	(void)state;
	for (unsigned round = 0; round < 12; round++) {
		const unsigned acknowledged =
		    run_and_kill(batches, 1000 + round * 7919 % 20000);

		store = open_store(dir);
		batches = count_batches();
		assert_in_range(batches, acknowledged, acknowledged + 1);
		bf_store_close(&store);
	}
	store = open_store(dir);
	succeed(bf_store_check(store, &err), &err);
}

/* ---- a full disk ---- */

/* Commits batches until one fails, and leaves that one in batch. */
static unsigned
fill_up(unsigned first)
{
	enum bf_store_result result = BF_STORE_OK;
	unsigned number = first;

	for (; result == BF_STORE_OK && number < 100000; number++) {
		bf_batch_clear(&batch);
		for (unsigned i = 0; i < BATCH; i++)
			add_event(&batch, number * BATCH + i, "deploy_failed",
			    CHANNELS);
		result = bf_store_commit(store, &batch, &err);
	}
	assert_int_equal(result, BF_STORE_AGAIN);
	assert_true(strlen(err.text) > 0);
	return number - 1;
}

static void
nothing_is_half_done(unsigned number)
{
	for (unsigned i = 0; i < BATCH; i++)
		assert_int_equal(state_of(store, number * BATCH + i, 1), -1);
	assert_int_equal(state_of(store, (number - 1) * BATCH, CHANNELS),
	    BF_STATE_SCHEDULED);
}

static void
is_done(unsigned number)
{
	for (unsigned i = 0; i < BATCH; i++)
		assert_int_equal(state_of(store, number * BATCH + i, CHANNELS),
		    BF_STATE_SCHEDULED);
}

static void
a_full_disk_loses_nothing_and_recovers(void **state)
{
	char *ballast = path_in(dir, "ballast");
	char block[4096] = { 1 };
	unsigned number;
	FILE *file;

	(void)state;
	if (mount("none", dir, "tmpfs", 0, "size=3m,mode=700") == -1) {
		free(ballast);
		skip(); /* needs root */
	}
	file = fopen(ballast, "w");
	for (int i = 0; i < 128; i++)
		fwrite(block, sizeof(block), 1, file);
	fclose(file);
	store = open_store(dir);
	number = fill_up(1);
	assert_non_null(strstr(err.text, "full"));
	nothing_is_half_done(number);
	assert_int_equal(bf_store_commit(store, &batch, &err), BF_STORE_AGAIN);
	unlink(ballast);
	succeed(bf_store_commit(store, &batch, &err), &err);
	is_done(number);
	succeed(bf_store_check(store, &err), &err);
	bf_store_close(&store);
	store = open_store(dir);
	is_done(number);
	bf_store_close(&store);
	umount(dir);
	free(ballast);
}

static void
a_limit_on_file_sizes_is_like_a_full_disk(void **state)
{
	struct rlimit kept, limit;
	unsigned number;

	(void)state;
	store = open_store(dir);
	getrlimit(RLIMIT_FSIZE, &kept);
	limit = kept;
	limit.rlim_cur = 600000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	number = fill_up(1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
	nothing_is_half_done(number);
	succeed(bf_store_commit(store, &batch, &err), &err);
	is_done(number);
	succeed(bf_store_check(store, &err), &err);
}

static int
count_files(const char *folder)
{
	DIR *stream = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(stream)))
		count += entry->d_name[0] != '.';
	closedir(stream);
	return count;
}

/* The copy goes to a place that is too small. */
static void
a_backup_that_does_not_fit_leaves_nothing(void **state)
{
	char *small = make_directory();
	char *path = path_in(small, "copy");

	(void)state;
	if (mount("none", small, "tmpfs", 0, "size=256k,mode=700") == -1) {
		free(path);
		remove_directory(small);
		skip(); /* needs root */
	}
	store = open_store(dir);
	store_events(store, 1, 2000, "deploy_failed", 2);
	assert_int_equal(bf_store_backup(store, path, NULL, NULL, &err),
	    BF_STORE_AGAIN);
	assert_non_null(strstr(err.text, "full"));
	assert_int_equal(count_files(small), 0);
	assert_int_equal(umount(small), 0);
	succeed(bf_store_check(store, &err), &err);
	free(path);
	remove_directory(small);
}

/* ---- stores of released versions ---- */

/* As belfry 0.1 made it; never to be changed. */
static const char version_1[] =
    "PRAGMA application_id = 1650814054;"
    "PRAGMA user_version = 1;"
    "CREATE TABLE store (id TEXT NOT NULL, created_ms INTEGER NOT NULL);"
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE type (number INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE channel (number INTEGER PRIMARY KEY,"
    " tenant TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (tenant, name));"
    "CREATE TABLE event (id INTEGER PRIMARY KEY, type INTEGER NOT NULL,"
    " tenant TEXT NOT NULL, timestamp_us INTEGER NOT NULL, reason TEXT,"
    " json TEXT NOT NULL);"
    "CREATE TABLE delivery (event INTEGER NOT NULL,"
    " channel INTEGER NOT NULL, state INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " crashes INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL, type INTEGER NOT NULL,"
    " PRIMARY KEY (event, channel)) WITHOUT ROWID;"
    "CREATE INDEX fresh ON delivery (channel, event, state)"
    " WHERE state = 0;"
    "CREATE INDEX retry ON delivery (channel, at_ms, event, state)"
    " WHERE state = 1;"
    "CREATE INDEX waiting"
    " ON delivery (event, channel, expires_ms, type, state)"
    " WHERE state < 2;"
    "CREATE INDEX failed ON delivery (event, channel, type, state)"
    " WHERE state = 3;"
    "CREATE TABLE attempt (event INTEGER NOT NULL,"
    " channel INTEGER NOT NULL, number INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, took_us INTEGER NOT NULL,"
    " resolve_us INTEGER, connect_us INTEGER, tls_us INTEGER,"
    " first_byte_us INTEGER, outcome INTEGER NOT NULL,"
    " status INTEGER NOT NULL, why TEXT, excerpt BLOB,"
    " PRIMARY KEY (event, channel, number)) WITHOUT ROWID;"
    "CREATE TABLE idempotency (tenant TEXT NOT NULL, key TEXT NOT NULL,"
    " event INTEGER NOT NULL, digest BLOB NOT NULL,"
    " PRIMARY KEY (tenant, key)) WITHOUT ROWID;"
    "CREATE INDEX idempotency_age ON idempotency (event);"
    "INSERT INTO store VALUES ('0123456789abcdef0123456789abcdef', 1);"
    "INSERT INTO setting VALUES ('default_tenant', 'acme');"
    "INSERT INTO type VALUES (1, 'deploy_failed');"
    "INSERT INTO channel VALUES (1, 'acme', 'ops');"
    "INSERT INTO event VALUES (300000000000000000, 1, 'acme',"
    " 1775835045123456, NULL, '{\"event\":\"deploy_failed\"}');"
    "INSERT INTO event VALUES (300000000000000001, 1, 'acme',"
    " 1775835045123457, NULL, '{\"event\":\"deploy_failed\"}');"
    "INSERT INTO delivery VALUES (300000000000000000, 1, 1, 1, 1, 0,"
    " 1775835047000, 1775921445000, 1);"
    "INSERT INTO delivery VALUES (300000000000000001, 1, 0, 0, 0, 0,"
    " 1775835045000, 1775921445000, 1);"
    "INSERT INTO attempt VALUES (300000000000000000, 1, 1, 1775835045500,"
    " 812, NULL, NULL, NULL, 700, 1, 503, 'busy', x'6e6f');";

/* What version 2 had more. */
static const char version_2[] =
    "PRAGMA user_version = 2;"
    "CREATE TABLE recipient (event INTEGER NOT NULL,"
    " channel INTEGER NOT NULL, number INTEGER NOT NULL,"
    " place INTEGER NOT NULL, address TEXT NOT NULL,"
    " outcome INTEGER NOT NULL, status INTEGER NOT NULL, reply TEXT,"
    " settled INTEGER NOT NULL,"
    " PRIMARY KEY (event, channel, number, place)) WITHOUT ROWID;"
    "INSERT INTO recipient VALUES (300000000000000000, 1, 1, 0,"
    " 'ops@example.com', 0, 250, 'ok', 1);";

struct seen {
	size_t attempts;
	char why[16];
};

static void
note_attempt(void *context, const struct bf_attempt *attempt)
{
	struct seen *seen = context;

	seen->attempts++;
	snprintf(seen->why, sizeof(seen->why), "%s", attempt->why);
}

/* Makes the database of an older belfry. */
static void
make_older(const char *first, const char *more)
{
	char *path = path_in(dir, "belfry.db");
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, first, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, more, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(path);
}

/* Reads what the older belfry left, and writes what it did not know. settled:
 * how many recipients of the retry have an end. */
static void
use_older(size_t settled)
{
	const struct bf_delivery_id id = { 300000000000000000u, 1 };
	struct bf_delivery_row rows[4];
	struct seen seen = { 0 };
	struct bf_instant next;
	char *value;
	size_t count;
	bool found, more;

	store = open_store(dir);
	succeed(bf_store_get(store, "default_tenant", &value, &err), &err);
	assert_string_equal(value, "acme");
	free(value);
	succeed(bf_store_get_delivery(store, id, rows, &found, note_attempt,
		    &seen, &err),
	    &err);
	assert_true(found);
	assert_int_equal(seen.attempts, 1);
	assert_string_equal(seen.why, "busy");
	bf_event_unref(&rows[0].event);
	succeed(bf_store_claim_retries(store, 1, (struct bf_instant){ 0 }, 0,
		    (struct bf_instant){ INT64_C(1775835048000) }, 4, 1 << 20,
		    rows, &count, &next, &err),
	    &err);
	assert_int_equal(count, 1);
	assert_int_equal(rows[0].settled.count, settled);
	bf_recipients_free(&rows[0].settled);
	bf_event_unref(&rows[0].event);
	succeed(bf_store_claim_fresh(store, 1, 0, 4, 1 << 20, rows, &count,
		    &more, &err),
	    &err);
	assert_int_equal(count, 1);
	bf_event_unref(&rows[0].event);
	store_events(store, 1, 2, "deploy_failed", 1);
	bf_batch_init(&batch);
	add_audit(&batch, 1, "acme", "channel-put");
	commit(store, &batch);
	succeed(bf_store_check(store, &err), &err);
}

static void
a_store_of_version_1_is_read_and_written(void **state)
{
	(void)state;
	make_older(version_1, "");
	use_older(0);
}

static void
a_store_of_version_2_is_read_and_written(void **state)
{
	(void)state;
	make_older(version_1, version_2);
	use_older(1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_acknowledged_is_not_passed_over),
		TEST(what_was_being_written_is_passed_over),
		TEST(what_a_killed_writer_acknowledged_is_there),
		TEST(a_full_disk_loses_nothing_and_recovers),
		TEST(a_limit_on_file_sizes_is_like_a_full_disk),
		TEST(a_backup_that_does_not_fit_leaves_nothing),
		TEST(a_store_of_version_1_is_read_and_written),
		TEST(a_store_of_version_2_is_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
