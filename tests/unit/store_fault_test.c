/*
 * store_fault_test.c - a disk that fails at any operation, and then forgets
 *
 * A small life of a store is played once for each operation on the disk, with
 * that operation failing. What was acknowledged must be there after a power
 * cut at any later moment, whatever the disk kept of what wasn't synced; what
 * failed must succeed when it is done again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "tests/unit/faulty_vfs.h"
#include "tests/unit/store_helpers.h"

#define BATCH 3u
#define TRIES 20 /* of a thing that fails, before it is taken as broken */

static char *dir;
static struct bf_store *store;
static struct bf_error err;
static unsigned acknowledged; /* batches */
static bool numbered;         /* the channels, which was acknowledged too */

/* ---- looking at what is left ---- */

static void
every_batch_is_there(struct bf_store *left)
{
	for (unsigned n = 0; n < acknowledged * BATCH; n++) {
		const bool ended = n < (acknowledged - 1) * BATCH;

		if (state_of(left, n, 1) !=
		    (ended ? BF_STATE_DELIVERED : BF_STATE_SCHEDULED))
			/* The batch after may be there, unacknowledged. */
			assert_int_equal(state_of(left, n, 1),
			    BF_STATE_DELIVERED);
		assert_int_equal(state_of(left, n, 2), BF_STATE_SCHEDULED);
	}
}

static enum bf_store_result
number_channels(struct bf_store *of)
{
	struct bf_numbered_channel channels[] = { { TENANT, "a", 0 },
		{ TENANT, "b", 0 }, { "other", "a", 0 } };
	const enum bf_store_result result =
	    bf_store_number_channels(of, channels, 3, &err);

	for (uint32_t i = 0; result == BF_STORE_OK && i < 3; i++)
		assert_int_equal(channels[i].number, i + 1);
	return result;
}

static void
count_channel(void *context, uint32_t number, const char *tenant,
    const char *name)
{
	(void)number;
	(void)tenant;
	(void)name;
	(*(size_t *)context)++;
}

/* All of them, or, if that was not acknowledged, perhaps none. */
static void
the_channels_have_their_numbers(struct bf_store *left)
{
	size_t count = 0;

	succeed(bf_store_channels(left, count_channel, &count, &err), &err);
	assert_true(count == 3 || (count == 0 && !numbered));
	succeed(number_channels(left), &err);
}

/* Cuts the power, and opens what is left on a disk that works. */
static void
survives_a_power_cut(enum faulty_luck luck)
{
	char *left = make_directory();
	struct bf_store *after;

	faulty_cut_power(left, luck);
	faulty_fail(0, 0);
	after = open_store(left);
	every_batch_is_there(after);
	the_channels_have_their_numbers(after);
	succeed(bf_store_check(after, &err), &err);
	bf_store_close(&after);
	remove_directory(left);
}

/* ---- a life ---- */

static bool
open_or_fail(void)
{
	for (int i = 0; !store && i < TRIES; i++)
		store = bf_store_open(dir, &err);
	return store != NULL;
}

static void
fill_batch(struct bf_batch *batch, unsigned number)
{
	bf_batch_init(batch);
	for (unsigned i = 0; i < BATCH; i++) {
		const unsigned n = number * BATCH + i;

		add_event(batch, n, "deploy_failed", 2);
		if (number > 0)
			add_finish(batch, n - BATCH, 1, 0, BF_STATE_DELIVERED);
	}
}

/* Commits the next batch, trying again as long as that is allowed. */
static void
commit_next(void)
{
	enum bf_store_result result = BF_STORE_AGAIN;
	struct bf_batch batch;

	fill_batch(&batch, acknowledged);
	for (int i = 0; result == BF_STORE_AGAIN && i < TRIES; i++)
		result = bf_store_commit(store, &batch, &err);
	succeed(result, &err);
	acknowledged++;
	bf_batch_clear(&batch);
}

/* The same with the numbers of the channels. */
static void
number_next(void)
{
	enum bf_store_result result = BF_STORE_AGAIN;

	for (int i = 0; result == BF_STORE_AGAIN && i < TRIES; i++)
		result = number_channels(store);
	succeed(result, &err);
	numbered = true;
}

/* Opens, numbers, commits, closes (which moves the log into the file), and
 * again. */
static void
live(unsigned fault, unsigned count, enum faulty_luck luck)
{
	acknowledged = 0;
	numbered = false;
	faulty_fail(fault, count);
	for (int part = 0; part < 2; part++) {
		if (!open_or_fail())
			fail_msg("%s", err.text);
		number_next();
		for (int i = 0; i < 3; i++)
			commit_next();
		if (part == 0)
			bf_store_close(&store);
	}
	survives_a_power_cut(luck);
	bf_store_close(&store);
}

static void
with_directory(unsigned fault, unsigned count, enum faulty_luck luck)
{
	dir = make_directory();
	faulty_install();
	live(fault, count, luck);
	faulty_remove();
	store = open_store(dir);
	every_batch_is_there(store);
	succeed(bf_store_check(store, &err), &err);
	bf_store_close(&store);
	remove_directory(dir);
}

/* ---- */

/* A life on a disk that works; the store is left open. */
static void
play_life(void)
{
	acknowledged = 0;
	numbered = false;
	for (int part = 0; part < 2; part++) {
		store = open_store(dir);
		number_next();
		for (int i = 0; i < 3; i++)
			commit_next();
		if (part == 0)
			bf_store_close(&store);
	}
}

static unsigned
operations_of_a_life(void)
{
	unsigned operations;

	dir = make_directory();
	faulty_install();
	play_life();
	operations = faulty_operations();
	bf_store_close(&store);
	faulty_remove();
	remove_directory(dir);
	return operations;
}

static void
any_operation_may_fail_once(void **state)
{
	const unsigned operations = operations_of_a_life();

	(void)state;
	assert_in_range(operations, 50, 1000);
	for (unsigned fault = 1; fault <= operations; fault++)
		with_directory(fault, 1, fault % 3);
}

static void
the_disk_may_fail_for_a_while(void **state)
{
	const unsigned operations = operations_of_a_life();

	(void)state;
	for (unsigned fault = 1; fault <= operations; fault += 5)
		with_directory(fault, 6, fault % 3);
}

/* The power goes after each commit, with nothing kept but what was synced. */
static void
the_power_may_go_at_any_time(void **state)
{
	const unsigned operations = operations_of_a_life();

	(void)state;
	for (unsigned fault = 1; fault <= operations; fault += 4) {
		dir = make_directory();
		faulty_install();
		acknowledged = 0;
		numbered = false;
		faulty_fail(fault, 1);
		if (!open_or_fail())
			fail_msg("%s", err.text);
		for (int i = 0; i < 4; i++) {
			const unsigned used = faulty_operations();

			commit_next();
			survives_a_power_cut(i % 3);
			faulty_fail(fault > used ? fault - used : 0, 1);
		}
		bf_store_close(&store);
		faulty_remove();
		remove_directory(dir);
	}
}

/* ---- what a disk holds when the power goes before each operation ---- */

#define LUCKS (FAULTY_SOMETHING + 1)

struct cut {
	char *left;
	unsigned acknowledged;
};

static struct cut cuts[LUCKS * 1000];
static size_t cut_count;

static void
cut_before_operation(void)
{
	for (int luck = 0; luck < LUCKS; luck++) {
		struct cut *cut = &cuts[cut_count++];

		assert_in_range(cut_count, 1, sizeof(cuts) / sizeof(*cuts));
		cut->left = make_directory();
		cut->acknowledged = acknowledged;
		faulty_cut_power(cut->left, (enum faulty_luck)luck);
	}
}

static void
the_power_may_go_before_any_operation(void **state)
{
	const unsigned operations = operations_of_a_life();

	(void)state;
	dir = make_directory();
	faulty_install();
	faulty_watch(cut_before_operation);
	play_life();
	faulty_watch(NULL);
	bf_store_close(&store);
	faulty_remove();
	remove_directory(dir);
	assert_int_equal(cut_count, operations * LUCKS);
	for (size_t i = 0; i < cut_count; i++) {
		acknowledged = cuts[i].acknowledged;
		store = open_store(cuts[i].left);
		every_batch_is_there(store);
		succeed(bf_store_check(store, &err), &err);
		commit_next();
		every_batch_is_there(store);
		bf_store_close(&store);
		remove_directory(cuts[i].left);
	}
}

static void
a_disk_that_stays_broken_gets_an_answer(void **state)
{
	struct bf_batch batch;

	(void)state;
	dir = make_directory();
	faulty_install();
	store = open_store(dir);
	acknowledged = 0;
	numbered = false;
	commit_next();
	faulty_fail(1, 1000000);
	fill_batch(&batch, 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bf_store_commit(store, &batch, &err),
		    BF_STORE_AGAIN);
		assert_non_null(strstr(err.text, "I/O error"));
	}
	bf_batch_clear(&batch);
	assert_int_equal(state_of(store, 0, 1), BF_STATE_SCHEDULED);
	faulty_fail(0, 0);
	commit_next();
	survives_a_power_cut(FAULTY_NOTHING);
	bf_store_close(&store);
	faulty_remove();
	remove_directory(dir);
}

/* What SQLite opened meanwhile it has open for reading, for good. */
static void
a_disk_that_is_read_only_for_a_while_is_written_again(void **state)
{
	struct bf_batch batch;

	(void)state;
	for (int fresh = 0; fresh < 2; fresh++) {
		dir = make_directory();
		faulty_install();
		store = open_store(dir);
		acknowledged = 0;
		numbered = false;
		commit_next();
		if (fresh) { /* no log is open yet */
			bf_store_close(&store);
			store = open_store(dir);
		}
		faulty_read_only(true);
		fill_batch(&batch, 1);
		for (int i = 0; i < 3; i++)
			assert_int_equal(bf_store_commit(store, &batch, &err),
			    BF_STORE_AGAIN);
		bf_batch_clear(&batch);
		faulty_read_only(false);
		commit_next();
		survives_a_power_cut(FAULTY_NOTHING);
		bf_store_close(&store);
		faulty_remove();
		remove_directory(dir);
	}
}

int
main(void)
{
	const struct bf_log_settings quiet = { "stderr", BF_LOG_ERROR, false };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_operation_may_fail_once),
		cmocka_unit_test(the_disk_may_fail_for_a_while),
		cmocka_unit_test(the_power_may_go_at_any_time),
		cmocka_unit_test(the_power_may_go_before_any_operation),
		cmocka_unit_test(a_disk_that_stays_broken_gets_an_answer),
		cmocka_unit_test(
		    a_disk_that_is_read_only_for_a_while_is_written_again),
	};

	bf_log_open(&quiet, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
