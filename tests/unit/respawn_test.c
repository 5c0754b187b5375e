/*
 * respawn_test.c - pauses before what died is made again
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/process/respawn.h"

static void
what_lived_is_made_again_at_once(void **state)
{
	struct bf_respawns respawns = { 0 };

	(void)state;
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_INTAKE, NULL), 0);
	bf_respawn_died(&respawns, BF_CHILD_INTAKE, NULL, false, 1000);
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_INTAKE, NULL), 1000);
	bf_respawn_free(&respawns);
}

static void
pause_of_what_dies_young_doubles_up_to_five_seconds(void **state)
{
	static const int64_t pauses[] = { 100, 200, 400, 800, 1600, 3200, 5000,
		5000 };
	struct bf_respawns respawns = { 0 };
	int64_t now = 1000;

	(void)state;
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		bf_respawn_died(&respawns, BF_CHILD_WORKER, "pager", true, now);
		now += pauses[i];
		assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_WORKER,
				     "pager"),
		    now);
	}
	bf_respawn_died(&respawns, BF_CHILD_WORKER, "pager", false, now);
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_WORKER, "pager"),
	    now);
	bf_respawn_died(&respawns, BF_CHILD_WORKER, "pager", true, now);
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_WORKER, "pager"),
	    now + 100);
	bf_respawn_free(&respawns);
}

static void
one_that_dies_young_delays_no_other(void **state)
{
	struct bf_respawns respawns = { 0 };

	(void)state;
	for (int i = 0; i < 8; i++)
		bf_respawn_died(&respawns, BF_CHILD_WORKER, "pager", true,
		    1000);
	bf_respawn_died(&respawns, BF_CHILD_INTAKE, NULL, false, 1000);
	bf_respawn_died(&respawns, BF_CHILD_WORKER, "", false, 1000);
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_WORKER, "pager"),
	    6000);
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_INTAKE, NULL), 1000);
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_WORKER, ""), 1000);
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_SPARE, "pager"), 0);
	bf_respawn_free(&respawns);
}

static void
pause_is_kept_though_an_old_one_dies_meanwhile(void **state)
{
	struct bf_respawns respawns = { 0 };

	(void)state;
	bf_respawn_died(&respawns, BF_CHILD_WORKER, "", true, 1000);
	bf_respawn_died(&respawns, BF_CHILD_WORKER, "", false, 1010);
	assert_int_equal(bf_respawn_at(&respawns, BF_CHILD_WORKER, ""), 1100);
	bf_respawn_free(&respawns);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lived_is_made_again_at_once),
		cmocka_unit_test(
		    pause_of_what_dies_young_doubles_up_to_five_seconds),
		cmocka_unit_test(one_that_dies_young_delays_no_other),
		cmocka_unit_test(
		    pause_is_kept_though_an_old_one_dies_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
