/*
 * password_test.c - hashes of passwords, and who guesses them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/memory.h>

#include "core/conf/password.h"
#include "core/process/throttle.h"

/* RFC 7914, section 12: N=1024, r=8, p=16, and N=16384, r=8, p=1. */
static const char nacl[] = "$scrypt$ln=10,r=8,p=16$TmFDbA$"
			   "/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWI";
static const char sodium[] = "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
			     "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI";

static void
hashes_are_those_of_the_rfc(void **state)
{
	struct bf_error err;

	(void)state;
	assert_int_equal(bf_password_check(sodium, &err), 0);
	assert_true(bf_password_fits(sodium, "pleaseletmein"));
	assert_false(bf_password_fits(sodium, "pleaseletmeim"));
	assert_false(bf_password_fits(sodium, ""));
	/* Its salt of four bytes is shorter than ours may be. */
	assert_int_equal(bf_password_check(nacl, &err), -1);
}

static void
what_is_hashed_fits(void **state)
{
	char *one = bf_password_hash("correct horse");
	char *two = bf_password_hash("correct horse");
	struct bf_error err;

	(void)state;
	assert_string_not_equal(one, two);
	assert_int_equal(bf_password_check(one, &err), 0);
	assert_int_equal(strncmp(one, "$scrypt$ln=14,r=8,p=5$", 22), 0);
	assert_true(bf_password_fits(one, "correct horse"));
	assert_true(bf_password_fits(two, "correct horse"));
	assert_false(bf_password_fits(one, "correct horse "));
	free(one);
	free(two);
}

static void
other_texts_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"secret",
		"$2b$12$abcdefghijklmnopqrstuv",
		"$scrypt$",
		"$scrypt$ln=14,r=8,p=5$U29kaXVtQ2hsb3JpZGU$",
		"$scrypt$ln=14,r=8,p=5$$cCO9yzr9c0hGbAbNOB/"
		"07zh+H9IBo3g3LkmlOGs",
		"$scrypt$ln=0,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
		"$scrypt$ln=+4,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
		"$scrypt$ln=14,r=8,p=100$U29kaXVtQ2hsb3JpZGU$"
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
		"$scrypt$ln=14,r=8,p=17$U29kaXVtQ2hsb3JpZGU$"
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
		"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdof",
		"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
		"cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI$",
	};
	struct bf_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(bf_password_check(texts[i], &err), -1);
		assert_non_null(strstr(err.text, "belfryctl passwd"));
		assert_false(bf_password_fits(texts[i], "secret"));
	}
}

static void
one_that_is_too_dear_is_refused(void **state)
{
	struct bf_error err;

	(void)state;
	assert_int_equal(
	    bf_password_check("$scrypt$ln=17,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
			      "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
		&err),
	    -1);
	assert_non_null(strstr(err.text, "64 MiB"));
	assert_int_equal(
	    bf_password_check("$scrypt$ln=31,r=99,p=1$U29kaXVtQ2hsb3JpZGU$"
			      "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI",
		&err),
	    -1);
}

static struct bf_throttle *
make_throttle(void)
{
	return bf_throttle_new(&(struct bf_throttle_policy){ .free = 2,
	    .first_ms = 100,
	    .most_ms = 350,
	    .forget_ms = 1000 });
}

static void
who_fails_waits_longer_each_time(void **state)
{
	static const int64_t waits[] = { 0, 0, 100, 200, 350, 350 };
	struct bf_throttle *throttle = make_throttle();

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		bf_throttle_count(throttle, "a", 0);
		assert_int_equal(bf_throttle_wait(throttle, "a", 0), waits[i]);
	}
	assert_int_equal(bf_throttle_wait(throttle, "a", 300), 50);
	assert_int_equal(bf_throttle_wait(throttle, "a", 350), 0);
	assert_int_equal(bf_throttle_wait(throttle, "b", 0), 0);
	bf_throttle_free(&throttle);
	assert_null(throttle);
}

static void
failures_are_forgotten_and_forgiven(void **state)
{
	struct bf_throttle *throttle = make_throttle();

	(void)state;
	for (int i = 0; i < 3; i++)
		bf_throttle_count(throttle, "a", 0);
	assert_int_equal(bf_throttle_wait(throttle, "a", 50), 50);
	bf_throttle_forgive(throttle, "a");
	assert_int_equal(bf_throttle_wait(throttle, "a", 50), 0);
	for (int i = 0; i < 3; i++)
		bf_throttle_count(throttle, "a", 100);
	/* After the time of forgetting, counting starts anew. */
	bf_throttle_count(throttle, "a", 1100);
	assert_int_equal(bf_throttle_wait(throttle, "a", 1100), 0);
	bf_throttle_free(&throttle);
}

static void
the_oldest_makes_room(void **state)
{
	struct bf_throttle *throttle = make_throttle();

	(void)state;
	for (int i = 0; i < 3; i++) {
		bf_throttle_count(throttle, "first", 0);
		bf_throttle_count(throttle, "second", 0);
	}
	bf_throttle_count(throttle, "first", 1);
	for (int i = 0; i < 4095; i++) {
		char *who = bf_strf("%d", i);

		bf_throttle_count(throttle, who, 2);
		free(who);
	}
	assert_true(bf_throttle_wait(throttle, "first", 2) > 0);
	assert_int_equal(bf_throttle_wait(throttle, "second", 2), 0);
	bf_throttle_free(&throttle);
}

static void
a_network_of_ipv6_counts_as_one(void **state)
{
	static const struct {
		const char *address, *network;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::/64" },
		{ "2001:db8::ffff:1:2:3", "2001:db8::/64" },
		{ "2001:db8:0:1::1", "2001:db8:0:1::/64" },
		/* One of IPv4, by a listener of both. */
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "unix", "unix" },
		{ "", "" },
	};
	char text[BF_NETWORK_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bf_throttle_network(rows[i].address, text);
		assert_string_equal(text, rows[i].network);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_the_rfc),
		cmocka_unit_test(what_is_hashed_fits),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(one_that_is_too_dear_is_refused),
		cmocka_unit_test(who_fails_waits_longer_each_time),
		cmocka_unit_test(failures_are_forgotten_and_forgiven),
		cmocka_unit_test(the_oldest_makes_room),
		cmocka_unit_test(a_network_of_ipv6_counts_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
