/*
 * markup_test.c - plain text in other markups, and texts made shorter
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/html.h>
#include <belfry/shorten.h>

#define ZWSP "\xe2\x80\x8b"

/* Shortens text and compares. */
static void
check_shorten(const char *text, size_t most, enum bf_unit unit,
    const char *expected)
{
	const struct bf_limit limit = { most, unit };
	struct bf_buf buf = { 0 };

	bf_buf_add_text(&buf, text);
	bf_shorten(&buf, limit);
	assert_string_equal(bf_buf_text(&buf), expected);
	assert_true(bf_length(buf.data, buf.size, unit) <= most);
	bf_buf_free(&buf);
}

static void
lengths_are_counted_as_each_platform_counts(void **state)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";

	(void)state;
	assert_int_equal(bf_length(text, strlen(text), BF_UNIT_BYTE), 10);
	assert_int_equal(bf_length(text, strlen(text), BF_UNIT_CODE_POINT), 4);
	assert_int_equal(bf_length(text, strlen(text), BF_UNIT_UTF16), 5);
}

static void
a_text_that_fits_stays(void **state)
{
	(void)state;
	check_shorten("one two", 7, BF_UNIT_BYTE, "one two");
	check_shorten("", 1, BF_UNIT_BYTE, "");
}

static void
a_long_text_ends_behind_a_word_and_says_how_much_is_missing(void **state)
{
	(void)state;
	check_shorten("The quick brown fox jumps over the lazy dog, and "
		      "then it sleeps for a long time",
	    50, BF_UNIT_CODE_POINT,
	    "The quick brown fox jumps … (54 more characters)");
	check_shorten("The quick brown fox jumps over the lazy dog", 3,
	    BF_UNIT_CODE_POINT, "…");
	check_shorten("The quick", 2, BF_UNIT_BYTE, "");
}

static void
thousands_are_apart(void **state)
{
	const struct bf_limit limit = { 40, BF_UNIT_CODE_POINT };
	struct bf_buf buf = { 0 };

	(void)state;
	for (int i = 0; i < 322; i++)
		bf_buf_add_text(&buf, "123456789 ");
	bf_shorten(&buf, limit);
	assert_string_equal(buf.data, "123456789 … (3,211 more characters)");
	bf_buf_free(&buf);
}

/* Fills a buffer with text, shortens it and checks that it holds whole ones. */
static void
check_whole(const char *text, size_t most, enum bf_unit unit)
{
	const struct bf_limit limit = { most, unit };
	struct bf_buf buf = { 0 };
	const char *at;

	for (int i = 0; i < 4096; i++)
		bf_buf_add_text(&buf, text);
	bf_shorten(&buf, limit);
	assert_true(bf_length(buf.data, buf.size, unit) <= most);
	/* Nothing is wasted either. */
	assert_true(bf_length(buf.data, buf.size, unit) + 4 +
			bf_length(text, strlen(text), unit) >
		    most);
	for (at = buf.data; strncmp(at, text, strlen(text)) == 0;)
		at += strlen(text);
	if (strncmp(at, "… (", strlen("… (")) != 0)
		print_error("%s: %s\n", text, at);
	assert_int_equal(strncmp(at, "… (", strlen("… (")), 0);
	bf_buf_free(&buf);
}

static void
no_character_is_taken_apart(void **state)
{
	(void)state;
	/* A face; a family of joined ones; a flag; an accent apart. */
	check_whole("\xf0\x9f\x98\x80", 4096, BF_UNIT_UTF16);
	check_whole("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", 1000,
	    BF_UNIT_UTF16);
	check_whole("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", 1001,
	    BF_UNIT_CODE_POINT);
	check_whole("e\xcc\x81", 150, BF_UNIT_BYTE);
}

static void
what_is_open_is_closed_before_the_note(void **state)
{
	const struct bf_limit limit = { 60, BF_UNIT_CODE_POINT };
	static const struct {
		const char *html, *begins, *ends;
	} cases[] = {
		{ "<b><i>one two three four five six seven eight nine ten "
		  "eleven twelve thirteen fourteen</i></b>",
		    "*_one two three", "_* … (" },
		{ "<pre>one two three four five six\nseven eight nine ten "
		  "eleven twelve thirteen fourteen</pre>",
		    "```\none two three", "\n```\n… (" },
		{ "one two three four <a href='https://e.example/"
		  "long/long/long/long/long/long'>a label</a> five",
		    "one two three four … (", "… (" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bf_buf out = { 0 };

		bf_buf_add_text(&out, "before");
		bf_html_convert(&out, BF_SLACK_MRKDWN, cases[i].html, limit);
		assert_int_equal(strncmp(out.data + 6, cases[i].begins,
				     strlen(cases[i].begins)),
		    0);
		if (!strstr(out.data, cases[i].ends))
			print_error("%s\n", out.data);
		assert_non_null(strstr(out.data, cases[i].ends));
		assert_true(bf_length(out.data + 6, out.size - 6,
				BF_UNIT_CODE_POINT) <= 60);
		bf_buf_free(&out);
	}
}

static void
no_escape_is_cut(void **state)
{
	(void)state;
	for (size_t most = 1; most < 80; most++) {
		const struct bf_limit limit = { most, BF_UNIT_CODE_POINT };
		struct bf_buf out = { 0 };
		const char *at;

		bf_markup_text(&out, BF_SLACK_MRKDWN,
		    "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&", limit);
		assert_true(bf_length(bf_buf_text(&out), out.size,
				BF_UNIT_CODE_POINT) <= most);
		for (at = bf_buf_text(&out); (at = strchr(at, '&')); at++)
			assert_int_equal(strncmp(at, "&amp;", 5), 0);
		bf_buf_free(&out);
	}
}

static void
plain_text_is_shown_as_it_is(void **state)
{
	static const struct bf_limit no_limit;
	static const struct {
		enum bf_markup markup;
		const char *text, *expected;
	} cases[] = {
		{ BF_PLAIN_TEXT, "*a*\n  <b>\x01\r\n", "*a*\n  <b>\n" },
		{ BF_PLAIN_TEXT, "a\xff", "a\xef\xbf\xbd" },
		{ BF_SLACK_MRKDWN, "<!here> & *a*  b",
		    "&lt;!here&gt; &amp; *" ZWSP "a*  b" },
		{ BF_SLACK_MRKDWN, "a\n> b", "a\n" ZWSP "&gt; b" },
		{ BF_SLACK_MRKDWN, "see https://e.example/?a=1&b=_c_.",
		    "see <https://e.example/?a=1&amp;b=_c_>." },
		{ BF_DISCORD_MARKDOWN, "@everyone <@1>\n# a\n12) b",
		    "@" ZWSP "everyone \\<@" ZWSP "1>\n\\# a\n12\\) b" },
		{ BF_DISCORD_MARKDOWN, "\x01# a\n\x7f> b\n\x01 1\x02. c",
		    "\\# a\n\\> b\n 1\\. c" },
		{ BF_DISCORD_MARKDOWN,
		    "@\x01"
		    "everyone @\rhere @\xc2\x81here",
		    "@" ZWSP "everyone @" ZWSP "here @" ZWSP "here" },
		{ BF_SLACK_MRKDWN,
		    ":ta\x01"
		    "da:",
		    ":" ZWSP "tada:" },
		{ BF_DISCORD_MARKDOWN, "https://e.example/a_b_c",
		    "https://e.example/a_b_c" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bf_buf out = { 0 };

		bf_markup_text(&out, cases[i].markup, cases[i].text, no_limit);
		assert_string_equal(out.data, cases[i].expected);
		bf_buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_counted_as_each_platform_counts),
		cmocka_unit_test(a_text_that_fits_stays),
		cmocka_unit_test(
		    a_long_text_ends_behind_a_word_and_says_how_much_is_missing),
		cmocka_unit_test(thousands_are_apart),
		cmocka_unit_test(no_character_is_taken_apart),
		cmocka_unit_test(what_is_open_is_closed_before_the_note),
		cmocka_unit_test(no_escape_is_cut),
		cmocka_unit_test(plain_text_is_shown_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
