/*
 * smtp_reply_test.c - replies of a mail server, line by line
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/transport/smtp_reply.h"

static int
take(struct bf_smtp_reply *reply, const char *line)
{
	return bf_smtp_reply_line(reply, line, strlen(line));
}

static void
lines_of_a_reply_are_joined(void **state)
{
	struct bf_smtp_reply reply = { 0 };

	(void)state;
	assert_int_equal(take(&reply, "550-5.1.1 no"), 0);
	assert_false(reply.whole);
	assert_int_equal(take(&reply, "550 5.1.1 such user"), 0);
	assert_true(reply.whole);
	assert_int_equal(reply.code, 550);
	assert_string_equal(reply.text, "550 5.1.1 no such user");
	/* The next line begins another. */
	assert_int_equal(take(&reply, "250"), 0);
	assert_true(reply.whole);
	assert_string_equal(reply.text, "250");
}

static void
what_is_no_reply_is_refused(void **state)
{
	static const char *const lines[] = { "", "25", "25x ok", "250_ok",
		"150 ok", "650 ok", "HTTP/1.1 400 Bad Request", " 250 ok" };
	struct bf_smtp_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		reply = (struct bf_smtp_reply){ 0 };
		assert_int_equal(take(&reply, lines[i]), -1);
	}
	reply = (struct bf_smtp_reply){ 0 };
	assert_int_equal(take(&reply, "250-a"), 0);
	assert_int_equal(take(&reply, "251 b"), -1);
}

static void
a_reply_is_printable_and_bounded(void **state)
{
	struct bf_smtp_reply reply = { 0 };

	(void)state;
	assert_int_equal(take(&reply, "550 a\tb\x1b[31m\xc3\xbc\r"), 0);
	assert_string_equal(reply.text, "550 a b?[31m???");
	reply = (struct bf_smtp_reply){ 0 };
	for (int i = 0; i < 1000; i++)
		assert_int_equal(take(&reply, "250-more and more"), 0);
	assert_int_equal(strlen(reply.text), BF_SMTP_REPLY_MOST - 1);
}

static void
features_are_those_of_the_last_ehlo(void **state)
{
	struct bf_smtp_features features = { 0 };

	(void)state;
	bf_smtp_features_line(&features, true, "250-host", 8);
	bf_smtp_features_line(&features, false, "250-pipelining", 14);
	bf_smtp_features_line(&features, false, "250-SIZE 100", 12);
	bf_smtp_features_line(&features, false, "250 AUTH=LOGIN", 14);
	assert_true(features.pipelining && features.size && features.auth);
	bf_smtp_features_line(&features, true, "250-host", 8);
	bf_smtp_features_line(&features, false, "250 PIPELININGS", 15);
	assert_false(features.pipelining || features.size || features.auth);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_a_reply_are_joined),
		cmocka_unit_test(what_is_no_reply_is_refused),
		cmocka_unit_test(a_reply_is_printable_and_bounded),
		cmocka_unit_test(features_are_those_of_the_last_ehlo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
