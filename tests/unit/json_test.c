/*
 * json_test.c - what is JSON and what is not, and how Python would write it
 *
 * The expected texts were made by CPython's json.dumps(json.loads(x),
 * separators=(",", ":"), sort_keys=True).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

/* Parses bytes from memory of exactly their size. */
static cJSON *
parse(const char *bytes, size_t size, struct bf_error *err)
{
	char *copy = bf_zalloc(size ? size : 1, 1);
	cJSON *tree;

	memcpy(copy, bytes, size);
	err->text[0] = '\0';
	tree = bf_json_parse(copy, size, err);
	free(copy);
	return tree;
}

/* ---- what is refused ---- */

static const struct refusal {
	const char *bytes;
	size_t size;
	const char *why;
} refusals[] = {
	{ BYTES(""), "the document ends early at byte 0" },
	{ BYTES(" \t\r\n"), "the document ends early at byte 4" },
	{ BYTES("{} {}"), "something follows the document at byte 3" },
	{ BYTES("1 2"), "something follows the document at byte 2" },
	{ BYTES("{}\0{}"), "something follows the document at byte 2" },
	{ BYTES("{}\0"), "something follows the document at byte 2" },
	{ BYTES("{}}"), "something follows the document at byte 2" },
	{ BYTES("{}\v"), "something follows the document at byte 2" },

	{ BYTES("NaN"), "expected a value at byte 0" },
	{ BYTES("Infinity"), "expected a value at byte 0" },
	{ BYTES("[-Infinity]"), "expected a value at byte 2" },
	{ BYTES("nul"), "expected a value at byte 0" },
	{ BYTES("nulL"), "expected a value at byte 0" },
	{ BYTES("True"), "expected a value at byte 0" },
	{ BYTES("truex"), "something follows the document at byte 4" },
	{ BYTES("01"), "a number must not begin with 0 at byte 2" },
	{ BYTES("-01"), "a number must not begin with 0 at byte 3" },
	{ BYTES("+1"), "expected a value at byte 0" },
	{ BYTES("-"), "expected a value at byte 1" },
	{ BYTES("1."), "expected a digit at byte 2" },
	{ BYTES("1.e5"), "expected a digit at byte 2" },
	{ BYTES(".5"), "expected a value at byte 0" },
	{ BYTES("1e"), "expected a digit at byte 2" },
	{ BYTES("1e+"), "expected a digit at byte 3" },
	{ BYTES("0x10"), "something follows the document at byte 1" },
	{ BYTES("1_000"), "something follows the document at byte 1" },
	{ BYTES("1e400"), "the number does not fit a double at byte 5" },
	{ BYTES("-1e999"), "the number does not fit a double at byte 6" },
	{ BYTES("'a'"), "expected a value at byte 0" },
	{ BYTES("// x\n1"), "expected a value at byte 0" },
	{ BYTES("[1 /* x */]"), "expected a comma or ] at byte 3" },
	{ BYTES("[1,]"), "expected a value at byte 3" },
	{ BYTES("[,1]"), "expected a value at byte 1" },
	{ BYTES("[1"), "expected a comma or ] at byte 2" },
	{ BYTES("[1}"), "expected a comma or ] at byte 2" },
	{ BYTES("{\"a\":1,}"), "expected a member's name at byte 7" },
	{ BYTES("{a:1}"), "expected a member's name at byte 1" },
	{ BYTES("{1:1}"), "expected a member's name at byte 1" },
	{ BYTES("{\"a\" 1}"), "expected a colon at byte 5" },
	{ BYTES("{\"a\":}"), "expected a value at byte 5" },
	{ BYTES("{\"a\":1 \"b\":2}"), "expected a comma or } at byte 7" },

	{ BYTES("\"a\tb\""), "raw control character in a string at byte 2" },
	{ BYTES("\"a\nb\""), "raw control character in a string at byte 2" },
	{ BYTES("\"a\0b\""), "raw control character in a string at byte 2" },
	{ BYTES("\"\x1f\""), "raw control character in a string at byte 1" },
	{ BYTES("\"abc"), "the string does not end at byte 4" },
	{ BYTES("\"abc\\"), "unknown escape in a string at byte 5" },
	{ BYTES("\"\\x41\""), "unknown escape in a string at byte 2" },
	{ BYTES("\"\\U0041\""), "unknown escape in a string at byte 2" },
	{ BYTES("\"\\'\""), "unknown escape in a string at byte 2" },
	{ BYTES("\"\\uZZZZ\""), "four hexadecimal digits" },
	{ BYTES("\"\\u12\""), "four hexadecimal digits" },
	{ BYTES("\"\\u12"), "four hexadecimal digits" },
	{ BYTES("\"\\u+123\""), "four hexadecimal digits" },
	{ BYTES("\"\\u0000\""), "\\u0000 is not allowed at byte 7" },
	{ BYTES("{\"a\\u0000b\":1,\"a\\u0000c\":2}"),
	    "\\u0000 is not allowed at byte 9" },
	{ BYTES("\"\\ud800\""), "lone surrogate" },
	{ BYTES("\"\\udc00\""), "lone surrogate" },
	{ BYTES("\"\\udc00\\ud800\""), "lone surrogate" },
	{ BYTES("\"\\ud800\\ud800\""), "lone surrogate" },
	{ BYTES("\"\\ud800\\u0041\""), "lone surrogate" },
	{ BYTES("\"\\ud800\\n0041\""), "lone surrogate" },
	{ BYTES("\"\\ud800"), "lone surrogate" },

	{ BYTES("\"\x80\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xbf\xbf\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xc3\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xc3"), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xe2\x82\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xf0\x9f\x98\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xc0\xaf\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xc0\x80\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xc1\xbf\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xe0\x80\xaf\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xf0\x80\x80\xaf\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xed\xa0\x80\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xed\xa0\xbd\xed\xb8\x80\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xf4\x90\x80\x80\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xf5\x80\x80\x80\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xf8\x88\x80\x80\x80\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"\xfe\xff\""), "invalid UTF-8 at byte 1" },
	{ BYTES("\"caf\xe9\""), "invalid UTF-8 at byte 4" },
	{ BYTES("{\"caf\xe9\":1}"), "invalid UTF-8 at byte 5" },
	{ BYTES("{\0\"\0a\0\"\0"), "expected a member's name at byte 1" },
	{ BYTES("\xff\xfe{\0}\0"), "expected a value at byte 0" },
	{ BYTES("\xef\xbb\xbf{}"), "expected a value at byte 0" },

	{ BYTES("{\"a\":1,\"a\":1}"), "the member \"a\" is there twice" },
	{ BYTES("{\"a\":1,\"\\u0061\":2}"), "the member \"a\" is there twice" },
	{ BYTES("[{\"\":1,\"\":2}]"), "the member \"\" is there twice" },
	{ BYTES("{\"a\":[{\"b\":1,\"c\":2,\"b\":3}]}"),
	    "the member \"b\" is there twice" },
};

static void
what_is_no_json_is_refused_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct refusal *refusal = &refusals[i];
		struct bf_error err;
		cJSON *tree = parse(refusal->bytes, refusal->size, &err);

		if (tree || !strstr(err.text, refusal->why))
			fail_msg("%.*s: \"%s\"", (int)refusal->size,
			    refusal->bytes, err.text);
	}
}

/* ---- what is taken, and how it is written ---- */

static const struct {
	const char *text, *canonical;
} pairs[] = {
	{ " null ", "null" },
	{ "[true , false\t,null\r\n]", "[true,false,null]" },
	{ "{}", "{}" },
	{ "[]", "[]" },
	{ "[[],{},\"\"]", "[[],{},\"\"]" },

	/* Integers keep every digit. */
	{ "0", "0" },
	{ "-0", "0" },
	{ "9007199254740993", "9007199254740993" },
	{ "[9223372036854775807,-9223372036854775808]",
	    "[9223372036854775807,-9223372036854775808]" },
	{ "[18446744073709551615,18446744073709551616]",
	    "[18446744073709551615,18446744073709551616]" },
	{ "1234567890123456789012345678901234567890",
	    "1234567890123456789012345678901234567890" },

	/* Doubles are written in their shortest form, as repr does. */
	{ "-0.0", "-0.0" },
	{ "0.0", "0.0" },
	{ "1.0", "1.0" },
	{ "1e0", "1.0" },
	{ "1E+2", "100.0" },
	{ "1e15", "1000000000000000.0" },
	{ "1e16", "1e+16" },
	{ "123456789012345680.0", "1.2345678901234568e+17" },
	{ "1e-4", "0.0001" },
	{ "1e-05", "1e-05" },
	{ "0.00001234", "1.234e-05" },
	{ "5e-324", "5e-324" },
	{ "1e-323", "1e-323" },
	{ "2.2250738585072014e-308", "2.2250738585072014e-308" },
	{ "1.7976931348623157e308", "1.7976931348623157e+308" },
	{ "1e-400", "0.0" },
	{ "-1e-400", "-0.0" },
	{ "0.1", "0.1" },
	{ "0.30000000000000004", "0.30000000000000004" },
	{ "0.1000000000000000055511151231257827021181583404541015625", "0.1" },
	{ "1.00000000000000000000000000000000000000000000000000000000000000001"
	  "e22",
	    "1e+22" },
	{ "12345.678", "12345.678" },
	{ "9007199254740993.0", "9007199254740992.0" },

	/* Strings are ASCII. */
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
	{ "\"\\u0001\\u001F\\u007f\"", "\"\\u0001\\u001f\\u007f\"" },
	{ "\"\x7f\"", "\"\\u007f\"" },
	{ "\"\xc2\x85\xe2\x80\xa8\xef\xbf\xbf\"", "\"\\u0085\\u2028\\uffff\"" },
	{ "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"", "\"caf\\u00e9 \\ud83d\\ude00\"" },
	{ "\"\\uD83D\\uDE00\\u00E9\"", "\"\\ud83d\\ude00\\u00e9\"" },
	{ "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\"",
	    "\"\\udbff\\udfff\\ud7ff\\ue000\"" },
	{ "\"</script>\"", "\"</script>\"" },

	/* Members stand in the order of code points. */
	{ "{\"b\":1,\"a\":{\"d\":1,\"c\":2}}",
	    "{\"a\":{\"c\":2,\"d\":1},\"b\":1}" },
	{ "{\"event\":1,\"Event\":2,\"EVENT\":3}",
	    "{\"EVENT\":3,\"Event\":2,\"event\":1}" },
	{ "{\"10\":1,\"9\":2}", "{\"10\":1,\"9\":2}" },
	{ "{\"\":1,\"__proto__\":2,\"constructor\":3}",
	    "{\"\":1,\"__proto__\":2,\"constructor\":3}" },
	{ "{\"\xf0\x90\x80\x80\":1,\"\xee\x80\x80\":2,\"\xef\xbf\xbf\":3}",
	    "{\"\\ue000\":2,\"\\uffff\":3,\"\\ud800\\udc00\":1}" },
	/* Numbers stay with their members when these are sorted. */
	{ "{\"c\":1.5,\"b\":[20000000000000000001,2],\"a\":3e2}",
	    "{\"a\":300.0,\"b\":[20000000000000000001,2],\"c\":1.5}" },
};

static void
what_is_json_is_written_as_python_writes_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct bf_buf out = { 0 };
		struct bf_error err;
		cJSON *tree = parse(pairs[i].text, strlen(pairs[i].text), &err);

		if (!tree)
			fail_msg("%s: %s", pairs[i].text, err.text);
		bf_json_print(&out, tree);
		assert_string_equal(out.data, pairs[i].canonical);
		bf_buf_free(&out);
		cJSON_Delete(tree);
	}
}

/* ---- sizes ---- */

/* count bytes of fill between the two texts, parsed. */
static cJSON *
parse_filled(const char *before, char fill, size_t count, const char *after,
    struct bf_error *err)
{
	struct bf_buf text = { 0 };
	cJSON *tree;

	bf_buf_add_text(&text, before);
	memset(bf_buf_reserve(&text, count), fill, count);
	text.size += count;
	bf_buf_add_text(&text, after);
	tree = parse(text.data, text.size, err);
	bf_buf_free(&text);
	return tree;
}

static void
integers_have_4300_digits_at_most(void **state)
{
	struct bf_error err;
	cJSON *tree = parse_filled("-", '7', BF_JSON_DIGITS, "", &err);

	(void)state;
	assert_non_null(tree);
	assert_int_equal(strlen(tree->valuestring), BF_JSON_DIGITS + 1);
	cJSON_Delete(tree);
	assert_null(parse_filled("", '7', BF_JSON_DIGITS + 1, "", &err));
	assert_non_null(strstr(err.text, "more than 4300 digits"));
}

static cJSON *
parse_nested(size_t depth, char open, char close, struct bf_error *err)
{
	struct bf_buf text = { 0 };
	cJSON *tree;

	memset(bf_buf_reserve(&text, 2 * depth), open, depth);
	memset(text.data + depth, close, depth);
	text.size = 2 * depth;
	tree = parse(text.data, text.size, err);
	bf_buf_free(&text);
	return tree;
}

static void
nesting_has_an_end_however_deep_it_goes(void **state)
{
	struct bf_error err;
	cJSON *tree = parse_nested(BF_JSON_DEPTH, '[', ']', &err);
	const clock_t before = clock();

	(void)state;
	assert_non_null(tree);
	cJSON_Delete(tree);
	assert_null(parse_nested(BF_JSON_DEPTH + 1, '[', ']', &err));
	assert_non_null(strstr(err.text, "nested deeper than 128 levels"));
	assert_null(parse_nested(500000, '[', ']', &err));
	assert_null(parse_filled("", '[', 500000, "", &err));
	assert_true(clock() - before < CLOCKS_PER_SEC);
}

static void
long_strings_and_names_are_whole(void **state)
{
	struct bf_error err;
	cJSON *tree = parse_filled("\"", 'x', 1 << 20, "\"", &err);

	(void)state;
	assert_int_equal(strlen(tree->valuestring), 1 << 20);
	cJSON_Delete(tree);
	tree = parse_filled("{\"", 'x', 8192, "\":1}", &err);
	assert_int_equal(strlen(tree->child->string), 8192);
	cJSON_Delete(tree);
}

static void
two_thousand_members_are_sorted(void **state)
{
	struct bf_buf text = { 0 };
	struct bf_error err;
	cJSON *tree;
	int i = 0;

	(void)state;
	for (int n = 1999; n >= 0; n--)
		bf_buf_add_format(&text, "%c\"%04d\":%d", n == 1999 ? '{' : ',',
		    n, n);
	bf_buf_add_byte(&text, '}');
	tree = parse(text.data, text.size, &err);
	for (const cJSON *member = tree->child; member; member = member->next) {
		assert_int_equal(atoi(member->string), i);
		assert_int_equal(atoi(member->valuestring), i);
		i++;
	}
	assert_int_equal(i, 2000);
	cJSON_Delete(tree);
	bf_buf_free(&text);
}

static void
decimals_are_written_as_the_shortest_of_their_doubles(void **state)
{
	/* Digits in front of the point and behind it, around DBL_DIG. */
	static const int shapes[][2] = { { 1, 1 }, { 1, 14 }, { 2, 13 },
		{ 7, 8 }, { 14, 1 }, { 15, 1 }, { 8, 8 }, { 2, 15 } };
	uint64_t random = 88172645463325252u;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		const int *shape =
		    shapes[i % (sizeof(shapes) / sizeof(*shapes))];
		const int size = shape[0] + shape[1] + 1;
		struct bf_buf parsed = { 0 }, shortest = { 0 };
		struct bf_error err;
		char text[40] = "";
		cJSON *tree;

		for (int at = 0; at < size; at++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			/* Many zeros, but none in front. */
			text[at] = (char)('0' + (random & 1 ? random / 2 % 10
							    : at == 0));
		}
		if (text[0] == '0')
			text[0] = '9';
		text[shape[0]] = '.';
		text[size] = '\0';
		tree = parse(text, (size_t)size, &err);
		bf_json_print(&parsed, tree);
		bf_json_double(&shortest, strtod(text, NULL));
		assert_string_equal(parsed.data, shortest.data);
		bf_buf_free(&parsed);
		bf_buf_free(&shortest);
		cJSON_Delete(tree);
	}
}

static void
every_byte_is_seen_wherever_it_stands_in_a_string(void **state)
{
	(void)state;
	for (int byte = 1; byte < 0x80; byte++) {
		for (size_t at = 0; at < 18; at++) {
			const bool plain = byte >= 0x20 && byte != '"' &&
					   byte != '\\' && byte != 0x7f;
			char text[19] = "abcdefghijklmnopqr", json[21];
			struct bf_buf out = { 0 };
			struct bf_error err;
			cJSON *tree;

			text[at] = (char)byte;
			snprintf(json, sizeof(json), "\"%s\"", text);
			bf_json_string(&out, text);
			assert_int_equal(strcmp(out.data, json) == 0, plain);
			tree = parse(out.data, out.size, &err);
			assert_string_equal(tree->valuestring, text);
			cJSON_Delete(tree);
			bf_buf_free(&out);
			if (byte == '\\') /* may begin an escape */
				continue;
			tree = parse(json, strlen(json), &err);
			assert_int_equal(tree != NULL, plain || byte == 0x7f);
			cJSON_Delete(tree);
		}
	}
}

/* ---- texts that are not from a parser ---- */

static void
broken_text_is_written_as_replacement_characters(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "a\xf0", "\"a\\ufffd\"" },
		{ "a\xf0\x9f", "\"a\\ufffd\"" },
		{ "a\xe2\x82\" twice", "\"a\\ufffd\\\" twice\"" },
		{ "\x80\xff", "\"\\ufffd\\ufffd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		/* In memory of exactly its size, to see a byte read too many.
		 */
		char *text = bf_strdup(cases[i].text);
		struct bf_buf out = { 0 };

		bf_json_string(&out, text);
		assert_string_equal(out.data, cases[i].json);
		bf_buf_free(&out);
		free(text);
	}
}

static void
numbers_that_were_not_parsed_are_written_too(void **state)
{
	cJSON *tree = cJSON_CreateArray();
	struct bf_buf out = { 0 };

	(void)state;
	cJSON_AddItemToArray(tree, cJSON_CreateNumber(503));
	cJSON_AddItemToArray(tree, cJSON_CreateNumber(-1712345678901.0));
	cJSON_AddItemToArray(tree, cJSON_CreateNumber(0.25));
	bf_json_print(&out, tree);
	assert_string_equal(out.data, "[503,-1712345678901,0.25]");
	bf_buf_free(&out);
	cJSON_Delete(tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
		cmocka_unit_test(what_is_json_is_written_as_python_writes_it),
		cmocka_unit_test(integers_have_4300_digits_at_most),
		cmocka_unit_test(nesting_has_an_end_however_deep_it_goes),
		cmocka_unit_test(long_strings_and_names_are_whole),
		cmocka_unit_test(two_thousand_members_are_sorted),
		cmocka_unit_test(
		    decimals_are_written_as_the_shortest_of_their_doubles),
		cmocka_unit_test(
		    every_byte_is_seen_wherever_it_stands_in_a_string),
		cmocka_unit_test(
		    broken_text_is_written_as_replacement_characters),
		cmocka_unit_test(numbers_that_were_not_parsed_are_written_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
