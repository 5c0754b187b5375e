/*
 * store_open_test.c - what is refused at the door, and how it is said
 *
 * Whatever was done to the files of a store, opening it either finds
 * everything or says what is wrong; it never begins anew in silence.
 */
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include <belfry/memory.h>

#include "core/store/lock.h"
#include "tests/unit/store_helpers.h"

static char *dir;
static char *file; /* belfry.db in it */
static struct bf_store *store;
static struct bf_error err;

/* A store with some events, closed. */
static int
set_up(void **state)
{
	(void)state;
	dir = make_directory();
	file = path_in(dir, "belfry.db");
	store = open_store(dir);
	store_events(store, 1, 200, "deploy_failed", 3);
	bf_store_close(&store);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	bf_store_close(&store);
	free(file);
	remove_directory(dir);
	return 0;
}

static void
refused(const char *because)
{
	err.text[0] = '\0';
	store = bf_store_open(dir, &err);
	assert_null(store);
	if (!strstr(err.text, because))
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
	assert_null(bf_store_open_reader(dir, &err));
	assert_true(strlen(err.text) > 20);
}

static void
overwrite(off_t offset, const void *bytes, size_t size)
{
	int fd = open(file, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, size, offset), size);
	close(fd);
}

static void
execute(const char *statements)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	if (sqlite3_exec(db, statements, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	sqlite3_close(db);
}

/* ---- the lock ---- */

static void
a_second_writer_is_refused_and_told_who_has_it(void **state)
{
	char pid[32];

	(void)state;
	store = open_store(dir);
	assert_null(bf_store_open(dir, &err));
	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_non_null(strstr(err.text, pid));
	bf_store_close(&store);
	store = open_store(dir);
}

static void
a_killed_writer_leaves_no_lock(void **state)
{
	int pipes[2];
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		store = bf_store_open(dir, &err);
		byte = store ? 'y' : 'n';
		if (write(pipes[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_null(bf_store_open(dir, &err));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	store = open_store(dir);
	assert_int_equal(state_of(store, 200, 3), BF_STATE_SCHEDULED);
	close(pipes[0]);
	close(pipes[1]);
}

static void
an_inherited_lock_holds_until_the_last_has_gone(void **state)
{
	char *path = path_in(dir, "some.lock");
	int fd = bf_lock_take(path, &err);
	int pipes[2];
	char byte;
	pid_t child;

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		close(pipes[1]);
		bf_lock_name(fd);
		_exit(read(pipes[0], &byte, 1) != 0);
	}
	close(pipes[0]);
	close(fd);
	assert_int_equal(bf_lock_take(path, &err), -1);
	close(pipes[1]);
	waitpid(child, NULL, 0);
	fd = bf_lock_take(path, &err);
	assert_int_not_equal(fd, -1);
	close(fd);
	free(path);
}

/* ---- gone, empty, foreign ---- */

static void
a_store_that_vanished_is_not_replaced_by_an_empty_one(void **state)
{
	(void)state;
	unlink(file);
	refused("is gone");
	assert_int_equal(access(file, F_OK), -1);
}

static void
a_log_without_its_store_is_not_thrown_away(void **state)
{
	char *log = path_in(dir, "belfry.db-wal");
	char *note = path_in(dir, "belfry.id");
	FILE *stream = fopen(log, "w");

	(void)state;
	fputs("frames", stream);
	fclose(stream);
	unlink(file);
	unlink(note);
	refused("belfry.db-wal");
	free(log);
	free(note);
}

static void
an_emptied_file_is_damage(void **state)
{
	(void)state;
	assert_int_equal(truncate(file, 0), 0);
	refused("is empty");
}

static void
garbage_is_not_a_store(void **state)
{
	char bytes[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7919 >> 3);
	overwrite(0, bytes, sizeof(bytes));
	refused("does not begin as a database");
	memset(bytes, 0, sizeof(bytes));
	overwrite(0, bytes, sizeof(bytes));
	refused("does not begin as a database");
	assert_int_equal(truncate(file, 10), 0);
	refused("does not begin as a database");
}

static void
a_truncated_file_is_damage(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(truncate(file, status.st_size / 2), 0);
	refused("damaged");
}

static void
a_foreign_database_is_left_alone(void **state)
{
	(void)state;
	unlink(file);
	execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	refused("not a store of belfry's");
	execute("SELECT a FROM t");
}

static void
a_newer_store_is_left_to_a_newer_belfry(void **state)
{
	(void)state;
	execute("PRAGMA user_version = 99");
	refused("newer belfry (schema 99");
}

static void
an_older_schema_is_brought_forward(void **state)
{
	struct bf_store *older;

	(void)state;
	/* As version 1 was: nothing had several recipients. */
	execute("DROP TABLE audit; DROP TABLE recipient; DROP TABLE usage;"
		"PRAGMA user_version = 1");
	assert_null(bf_store_open_reader(dir, &err));
	assert_non_null(strstr(err.text, "older schema 1"));
	older = open_store(dir);
	store_events(older, 900, 900, "deploy_failed", 1);
	finish(older, 900, 1, BF_STATE_DELIVERED);
	assert_int_equal(state_of(older, 900, 1), BF_STATE_DELIVERED);
	bf_store_close(&older);
	execute("SELECT settled FROM recipient");
}

static void
another_store_in_its_place_is_noticed(void **state)
{
	char *other = make_directory();
	char *from = path_in(other, "belfry.db");

	(void)state;
	store = open_store(other);
	bf_store_close(&store);
	assert_int_equal(rename(from, file), 0);
	err.text[0] = '\0';
	assert_null(bf_store_open(dir, &err));
	assert_non_null(strstr(err.text, "is another store"));
	free(from);
	remove_directory(other);
}

static void
a_store_moved_to_another_folder_is_itself(void **state)
{
	char *other = make_directory();
	char *to = path_in(other, "belfry.db");

	(void)state;
	assert_int_equal(rename(file, to), 0);
	store = open_store(other);
	assert_int_equal(state_of(store, 200, 1), BF_STATE_SCHEDULED);
	bf_store_close(&store);
	free(to);
	remove_directory(other);
}

static void
a_missing_table_is_found_at_the_door(void **state)
{
	(void)state;
	execute("DROP TABLE attempt");
	refused("no such table");
}

/* ---- damage inside ---- */

/* Reads everything; true if all 600 deliveries were there. */
static void
count_row(void *context, const struct bf_delivery_row *row)
{
	(void)row;
	++*(size_t *)context;
}

static enum bf_store_result
read_all(size_t *count)
{
	const struct bf_query query = { .state = -1, .limit = 1000 };
	struct bf_delivery_id next;

	*count = 0;
	return bf_store_list(store, &query, count_row, count, &next, &err);
}

static void
a_damaged_page_is_reported_and_not_skipped(void **state)
{
	char zeros[4096] = { 0 };
	enum bf_store_result result;
	struct stat status;
	size_t faults = 0;

	(void)state;
	assert_int_equal(stat(file, &status), 0);
	for (off_t at = 4096; at < status.st_size; at += 4096) {
		char *kept = path_in(dir, "kept");
		char *command = bf_strf("cp %s %s", file, kept);
		size_t count;

		assert_int_equal(system(command), 0);
		overwrite(at, zeros, sizeof(zeros));
		store = bf_store_open(dir, &err);
		result = store ? read_all(&count) : BF_STORE_UNUSABLE;
		if (result == BF_STORE_OK)
			assert_int_equal(count, 600);
		else
			assert_int_equal(result, BF_STORE_UNUSABLE);
		if (result == BF_STORE_OK)
			result = bf_store_check(store, &err);
		faults += result == BF_STORE_UNUSABLE;
		bf_store_close(&store);
		assert_int_equal(rename(kept, file), 0);
		free(command);
		free(kept);
	}
	assert_true(faults > 10);
}

static void
a_delivery_without_its_event_is_damage(void **state)
{
	size_t count;

	(void)state;
	execute("DELETE FROM event WHERE id = (SELECT max(id) FROM event)");
	store = open_store(dir);
	assert_int_equal(read_all(&count), BF_STORE_UNUSABLE);
	assert_int_equal(bf_store_check(store, &err), BF_STORE_UNUSABLE);
	assert_non_null(strstr(err.text, "no event"));
}

static void
a_file_removed_while_in_use_is_noticed(void **state)
{
	struct bf_batch batch;

	(void)state;
	store = open_store(dir);
	unlink(file);
	bf_batch_init(&batch);
	add_event(&batch, 900, "deploy_failed", 1);
	assert_int_equal(bf_store_commit(store, &batch, &err),
	    BF_STORE_UNUSABLE);
	assert_non_null(strstr(err.text, "removed or replaced"));
	bf_batch_clear(&batch);
}

static void
a_log_removed_while_in_use_is_noticed_and_saved(void **state)
{
	char *log = path_in(dir, "belfry.db-wal");
	struct bf_batch batch;

	(void)state;
	store = open_store(dir);
	store_events(store, 201, 210, "deploy_failed", 1);
	unlink(log);
	bf_batch_init(&batch);
	add_event(&batch, 900, "deploy_failed", 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bf_store_commit(store, &batch, &err),
		    BF_STORE_UNUSABLE);
		assert_non_null(strstr(err.text, "belfry.db-wal was removed"));
	}
	bf_batch_clear(&batch);
	bf_store_close(&store);
	store = open_store(dir);
	assert_int_equal(state_of(store, 210, 1), BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, 900, 1), -1);
	free(log);
}

/* Has a writer killed, with events that are in the log alone. */
static void
kill_a_writer(void)
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		store = open_store(dir);
		store_events(store, 201, 210, "deploy_failed", 1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void
misses_its_log(void)
{
	assert_null(bf_store_open(dir, &err));
	assert_non_null(strstr(err.text, "belfry.db-wal is gone or empty"));
}

static void
a_log_lost_after_a_crash_is_missed(void **state)
{
	char *log = path_in(dir, "belfry.db-wal");
	char *away = path_in(dir, "away");
	char *note = path_in(dir, "belfry.id");
	const char zeros[64] = "";
	FILE *zeroed;

	(void)state;
	kill_a_writer();
	assert_int_equal(rename(log, away), 0);
	for (int i = 0; i < 2; i++)
		misses_its_log();
	zeroed = fopen(log, "w");
	assert_non_null(zeroed);
	assert_int_equal(fwrite(zeros, sizeof(zeros), 1, zeroed), 1);
	fclose(zeroed);
	misses_its_log();
	/* It can be put back, then and after the next crash. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rename(away, log), 0);
		store = open_store(dir);
		assert_int_equal(state_of(store, 210, 1), BF_STATE_SCHEDULED);
		bf_store_close(&store);
		kill_a_writer();
		assert_int_equal(rename(log, away), 0);
	}
	/* Or given up. */
	unlink(note);
	store = open_store(dir);
	assert_int_equal(state_of(store, 1, 1), BF_STATE_SCHEDULED);
	free(log);
	free(away);
	free(note);
}

/* ---- who may write ---- */

/* Opens the store as a user who owns nothing; exits 0 if that is refused with
 * the words. */
static int
refused_to_nobody(const char *words)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (setgroups(0, NULL) == -1 || setgid(65534) == -1 ||
		    setuid(65534) == -1)
			_exit(0);
		store = bf_store_open(dir, &err);
		if (!store && strstr(err.text, words))
			_exit(0);
		fprintf(stderr, "opened or: %s\n", err.text);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void
a_store_that_cannot_be_written_is_refused(void **state)
{
	char *lock = path_in(dir, "belfry.lock");
	char *note = path_in(dir, "belfry.id");

	(void)state;
	if (getuid() != 0) {
		assert_int_equal(chmod(file, 0400), 0);
		assert_null(bf_store_open(dir, &err));
		assert_non_null(strstr(err.text, "can't be written"));
	} else {
		assert_int_equal(refused_to_nobody("Permission denied"), 0);
		assert_int_equal(chmod(dir, 0777), 0);
		assert_int_equal(chmod(lock, 0666), 0);
		assert_int_equal(chmod(note, 0644), 0);
		assert_int_equal(chmod(file, 0444), 0);
		assert_int_equal(refused_to_nobody("can't be written"), 0);
	}
	free(lock);
	free(note);
}

static void
files_are_private(void **state)
{
	static const char *const names[] = { "belfry.db", "belfry.db-wal",
		"belfry.id", "belfry.lock" };
	struct stat status;

	(void)state;
	store = open_store(dir);
	store_events(store, 900, 900, "deploy_failed", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = path_in(dir, names[i]);

		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
		free(path);
	}
}

static void
a_reader_does_not_make_a_store(void **state)
{
	char *other = make_directory();

	(void)state;
	assert_null(bf_store_open_reader(other, &err));
	assert_non_null(strstr(err.text, "No such file"));
	remove_directory(other);
}

/* ---- making one ---- */

static void
what_a_broken_creation_left_does_not_matter(void **state)
{
	static const char *const names[] = { "belfry.db.new",
		"belfry.db.new-journal", "belfry.id.new" };
	char *other = make_directory();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = path_in(other, names[i]);
		FILE *stream = fopen(path, "w");

		fputs("half a store", stream);
		fclose(stream);
		free(path);
	}
	store = open_store(other);
	store_events(store, 1, 1, "deploy_failed", 1);
	bf_store_close(&store);
	remove_directory(other);
}

static void
a_lost_note_is_written_again(void **state)
{
	char *note = path_in(dir, "belfry.id");

	(void)state;
	unlink(note);
	store = open_store(dir);
	assert_int_equal(access(note, F_OK), 0);
	free(note);
}

/* A program of its own: a fork would know the locks that SQLite noted here. */
static void
look_with_another_tool(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("sqlite3", "sqlite3", file, "SELECT count(*) FROM event",
		    (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
another_tool_does_not_take_the_log_away(void **state)
{
	char *log = path_in(dir, "belfry.db-wal");
	struct bf_store *reader;

	(void)state;
	store = open_store(dir);
	store_events(store, 201, 210, "deploy_failed", 1);
	/* As the scheduler does for a backup: in the writer's process. */
	reader = bf_store_open_reader(dir, &err);
	assert_non_null(reader);
	bf_store_close(&reader);
	look_with_another_tool();
	assert_int_equal(access(log, F_OK), 0);
	store_events(store, 211, 220, "deploy_failed", 1);
	look_with_another_tool();
	assert_int_equal(access(log, F_OK), 0);
	bf_store_close(&store);
	store = open_store(dir);
	assert_int_equal(state_of(store, 220, 1), BF_STATE_SCHEDULED);
	free(log);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_second_writer_is_refused_and_told_who_has_it),
		TEST(a_killed_writer_leaves_no_lock),
		TEST(an_inherited_lock_holds_until_the_last_has_gone),
		TEST(a_store_that_vanished_is_not_replaced_by_an_empty_one),
		TEST(a_log_without_its_store_is_not_thrown_away),
		TEST(an_emptied_file_is_damage),
		TEST(garbage_is_not_a_store),
		TEST(a_truncated_file_is_damage),
		TEST(a_foreign_database_is_left_alone),
		TEST(a_newer_store_is_left_to_a_newer_belfry),
		TEST(another_store_in_its_place_is_noticed),
		TEST(an_older_schema_is_brought_forward),
		TEST(a_store_moved_to_another_folder_is_itself),
		TEST(a_missing_table_is_found_at_the_door),
		TEST(a_damaged_page_is_reported_and_not_skipped),
		TEST(a_delivery_without_its_event_is_damage),
		TEST(a_file_removed_while_in_use_is_noticed),
		TEST(a_log_removed_while_in_use_is_noticed_and_saved),
		TEST(a_log_lost_after_a_crash_is_missed),
		TEST(a_store_that_cannot_be_written_is_refused),
		TEST(files_are_private),
		TEST(a_reader_does_not_make_a_store),
		TEST(what_a_broken_creation_left_does_not_matter),
		TEST(a_lost_note_is_written_again),
		TEST(another_tool_does_not_take_the_log_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
