/*
 * committer_test.c - the store's thread, on a disk that takes nothing
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/clock.h>
#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/committer.h"
#include "tests/unit/faulty_vfs.h"
#include "tests/unit/store_helpers.h"

#define FULL_MS 1200 /* how long the disk is full */
#define GAPS 8       /* doublings from 1 ms to 250 ms */
#define EVERY_MS 2   /* an event comes */

struct committing {
	char *dir, *log;
	struct event_base *base;
	struct committer *committer;
	unsigned events, accepted, refused, kept;
};

static void
on_changed(void *owner, struct bf_change *change, const char *why)
{
	struct committing *committing = owner;

	if (change->kind != BF_CHANGE_APPEND) {
		assert_null(why);
		committing->kept++;
	} else if (why) {
		committing->refused++;
	} else {
		committing->accepted++;
	}
}

static void
on_broken(void *owner, const char *why)
{
	(void)owner;
	fail_msg("%s", why);
}

static int
set_up(void **state)
{
	struct committing *committing = bf_new(struct committing);
	struct bf_log_settings log = { .level = BF_LOG_NOTICE };
	struct bf_error err;

	faulty_install();
	committing->dir = make_directory();
	log.target = committing->log = path_in(committing->dir, "log");
	assert_int_equal(bf_log_open(&log, &err), 0);
	committing->base = event_base_new();
	committing->committer =
	    bf_committer_new(committing->base, open_store(committing->dir),
		on_changed, on_broken, committing, &err);
	assert_non_null(committing->committer);
	*state = committing;
	return 0;
}

static int
tear_down(void **state)
{
	const struct bf_log_settings log = { "stderr", BF_LOG_NOTICE, false };
	struct committing *committing = *state;
	struct bf_error err;

	bf_committer_free(&committing->committer);
	event_base_free(committing->base);
	faulty_remove();
	bf_log_open(&log, &err);
	remove_directory(committing->dir);
	free(committing->log);
	free(committing);
	return 0;
}

/* Hands over one event, whose sender waits. */
static void
post(struct committing *committing)
{
	struct bf_batch batch;
	struct bf_change *change;

	bf_batch_init(&batch);
	add_event(&batch, committing->events++, "deploy_failed", 1);
	change = batch.first;
	bf_committer_add(committing->committer, change, true);
}

/* Runs the loop until all that was handed over is done. */
static void
settle(struct committing *committing)
{
	while (bf_committer_pending(committing->committer) > 0)
		event_base_loop(committing->base, EVLOOP_ONCE);
}

static unsigned
lines_with(const struct committing *committing, const char *words)
{
	FILE *file = fopen(committing->log, "r");
	char line[1024];
	unsigned count = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		count += strstr(line, words) != NULL;
	fclose(file);
	return count;
}

/* However many events come, a store that fails is tried a bounded number of
 * times, each sender hears of it, and the log says so once. */
static void
a_store_that_fails_is_left_alone_ever_longer(void **state)
{
	struct committing *committing = *state;
	const struct timeval pause = { 0, EVERY_MS * 1000 };
	struct committer_figures figures;
	int64_t began, took;

	post(committing);
	settle(committing);
	assert_int_equal(committing->accepted, 1);

	faulty_fail(1, UINT32_MAX / 2);
	began = bf_clock_monotonic_ms();
	while (bf_clock_monotonic_ms() < began + FULL_MS) {
		post(committing);
		event_base_loopexit(committing->base, &pause);
		event_base_dispatch(committing->base);
	}
	settle(committing);
	took = bf_clock_monotonic_ms() - began;
	bf_committer_figures(committing->committer, &figures);
	assert_true(figures.failing);
	assert_in_range(figures.failures, 1, GAPS + took / 250 + 1);
	assert_int_equal(committing->refused, committing->events - 1);
	assert_int_equal(lines_with(committing, "the store takes nothing"), 1);
	assert_int_equal(lines_with(committing, "works again"), 0);
}

/* What can't be refused waits until the store works, which then works at full
 * speed. */
static void
a_store_that_works_again_takes_what_was_kept(void **state)
{
	struct committing *committing = *state;
	struct committer_figures figures;

	faulty_fail(1, UINT32_MAX / 2);
	bf_committer_add(committing->committer, bf_change_put("a", "b"), false);
	do {
		post(committing);
		while (committing->refused < committing->events)
			event_base_loop(committing->base, EVLOOP_ONCE);
		bf_committer_figures(committing->committer, &figures);
	} while (figures.failures < 3);
	assert_int_equal(committing->kept, 0);

	faulty_fail(0, 0);
	settle(committing);
	assert_int_equal(committing->kept, 1);
	bf_committer_figures(committing->committer, &figures);
	assert_false(figures.failing);
	assert_int_equal(lines_with(committing, "the store takes nothing"), 1);
	assert_int_equal(lines_with(committing, "works again"), 1);
}

/* A disk that has room for some commits and not for others fills no log. */
static void
a_store_that_fails_now_and_then_says_so_once(void **state)
{
	struct committing *committing = *state;

	for (int i = 0; i < 20; i++) {
		faulty_fail(1, UINT32_MAX / 2);
		post(committing);
		settle(committing);
		faulty_fail(0, 0);
		post(committing);
		settle(committing);
	}
	assert_int_equal(committing->refused, 20);
	assert_int_equal(committing->accepted, 20);
	assert_in_range(lines_with(committing, "the store takes nothing"), 1,
	    3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_store_that_fails_is_left_alone_ever_longer, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    a_store_that_works_again_takes_what_was_kept, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    a_store_that_fails_now_and_then_says_so_once, set_up,
		    tear_down),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
