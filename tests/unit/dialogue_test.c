/*
 * dialogue_test.c - what is shown and kept of a talk with a mail server
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/transport/dialogue.h"
#include "tests/unit/talk.h"

static void
a_dialogue_shows_no_credentials(void **state)
{
	struct bf_dialogue dialogue = { 0 };
	struct bf_buf shown = { 0 };

	(void)state;
	talk_follow(HELLO "> AUTH PLAIN Y2FuYXJ5\n< 535 no\n"
			  "> AUTH LOGIN\n< 334 Y2FuYXJ5\n> Y2FuYXJ5\n"
			  "< 334 Y2FuYXJ5\n> MAIL Y2FuYXJ5\n< 235 ok\n"
			  "> MAIL FROM:<a@example.com>\n< 250 ok\n",
	    &dialogue, &shown);
	assert_null(strstr(bf_buf_text(&shown), "Y2FuYXJ5"));
	assert_non_null(strstr(bf_buf_text(&shown),
	    "AUTH PLAIN ***\n535 no\nAUTH LOGIN\n334 ***\n***\n334 ***\n***\n"
	    "235 ok\nMAIL FROM:<a@example.com>\n250 ok\n"));
	/* That one way to log in failed does not matter any more. */
	assert_int_equal(dialogue.code, 0);
	assert_int_equal(dialogue.stage, BF_STAGE_MAIL);
	bf_buf_free(&shown);
	bf_dialogue_free(&dialogue);
}

static void
what_is_no_command_is_not_shown(void **state)
{
	struct bf_dialogue dialogue = { 0 };
	struct bf_buf shown = { 0 };

	(void)state;
	talk_follow("> AUTH\n< 503 no\n> x\n> AUTH LOGIN\n< 334 \n> .\n> "
		    "QUIT\n",
	    &dialogue, &shown);
	assert_string_equal(bf_buf_text(&shown),
	    "AUTH\n503 no\n***\nAUTH LOGIN\n334 ***\n.\n***\n");
	bf_buf_free(&shown);
	bf_dialogue_free(&dialogue);
}

static void
a_refusal_stands_until_it_is_made_up_for(void **state)
{
	struct bf_dialogue dialogue = { 0 };
	struct bf_buf shown = { 0 };

	(void)state;
	talk_follow("< 220 mx\n> EHLO a\n< 502 what\n> HELO a\n< 250 mx\n"
		    "> MAIL FROM:<>\n< 250 ok\n> RCPT TO:<a@b>\n< 550-first\n"
		    "< 550 second\n> RCPT TO:<c@d>\n< 250 ok\n> DATA\n< 354 "
		    "go\n"
		    "< 250 taken\n> QUIT\n< 500 rude\nnonsense\n",
	    &dialogue, &shown);
	assert_int_equal(dialogue.code, 550);
	assert_int_equal(dialogue.refused, BF_STAGE_RCPT);
	assert_string_equal(bf_buf_text(&dialogue.text), "first second");
	bf_buf_free(&shown);
	bf_dialogue_free(&dialogue);
}

static void
an_endless_reply_is_not_kept(void **state)
{
	struct bf_dialogue dialogue = { 0 };
	struct bf_buf shown = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++) {
		bf_dialogue_received(&dialogue, "554-no and no and no", &shown);
		bf_buf_clear(&shown);
	}
	assert_in_range(dialogue.text.size, 1000, 1001);
	bf_buf_free(&shown);
	bf_dialogue_free(&dialogue);
}

#define TEST(name) cmocka_unit_test(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_dialogue_shows_no_credentials),
		TEST(what_is_no_command_is_not_shown),
		TEST(a_refusal_stands_until_it_is_made_up_for),
		TEST(an_endless_reply_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
