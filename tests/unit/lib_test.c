/*
 * lib_test.c - HMAC, encodings, Retry-After, headers and the usual verdict
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/encode.h>
#include <belfry/hmac.h>
#include <belfry/memory.h>
#include <belfry/rate_limit.h>
#include <belfry/request.h>
#include <belfry/retry_after.h>
#include <belfry/verdict.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

/* ---- HMAC ---- */

static char *
repeat(char byte, size_t count)
{
	char *bytes = bf_zalloc(count, 1);

	memset(bytes, byte, count);
	return bytes;
}

/* The digest of data with the key, cut in two at split. */
static void
check_hmac(const char *key, size_t key_size, const char *data, size_t size,
    size_t split, const char *expected)
{
	struct bf_hmac *hmac = bf_hmac_new(key, key_size);
	unsigned char digest[BF_HMAC_SIZE];
	struct bf_buf text = { 0 };

	/* The same key serves any number of messages. */
	for (int i = 0; i < 2; i++) {
		bf_hmac_sign(hmac, data, split, data + split, size - split,
		    digest);
		bf_buf_clear(&text);
		bf_encode_hex(&text, digest, sizeof(digest));
		assert_string_equal(text.data, expected);
	}
	bf_buf_free(&text);
	bf_hmac_free(&hmac);
	assert_null(hmac);
	bf_hmac_free(&hmac);
}

/* Source: RFC 4231, sections 4.2 to 4.8. */
static void
hmac_agrees_with_rfc_4231(void **state)
{
	static const char large[] =
	    "This is a test using a larger than block-size key and a larger "
	    "than block-size data. The key needs to be hashed before being "
	    "used by the HMAC algorithm.";
	char *ob = repeat('\x0b', 20), *aa = repeat('\xaa', 131);
	char *dd = repeat('\xdd', 50), *cd = repeat('\xcd', 50);

	(void)state;
	check_hmac(ob, 20, BYTES("Hi There"), 0,
	    "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7");
	check_hmac(BYTES("Jefe"), BYTES("what do ya want for nothing?"), 5,
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	check_hmac(aa, 20, dd, 50, 50,
	    "773ea91e36800e46854db8ebd09181a7"
	    "2959098b3ef8c122d9635514ced565fe");
	check_hmac(BYTES("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
			 "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"),
	    cd, 50, 25,
	    "82558a389a443c0ea4cc819899f2083a"
	    "85f0faa3e578f8077a2e3ff46729665b");
	check_hmac(aa, 131,
	    BYTES("Test Using Larger Than Block-Size Key - Hash Key First"), 1,
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
	check_hmac(aa, 131, BYTES(large), 100,
	    "9b09ffa71b942fcb27635fbcd5b0e944"
	    "bfdc63644f0713938a7f51535c3a35e2");
	free(ob);
	free(aa);
	free(dd);
	free(cd);
}

static void
an_empty_key_and_an_empty_message_are_signed(void **state)
{
	(void)state;
	check_hmac("", 0, "", 0, 0,
	    "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad");
}

/* ---- encodings ---- */

static void
bytes_are_written_as_hexadecimal_digits(void **state)
{
	struct bf_buf out = { 0 };

	(void)state;
	bf_encode_hex(&out, "", 0);
	assert_string_equal(bf_buf_text(&out), "");
	bf_encode_hex(&out, BYTES("\0\x7f\x80\xff"));
	bf_encode_hex(&out, BYTES("A"));
	assert_string_equal(out.data, "007f80ff41");
	assert_int_equal(out.size, 10);
	bf_buf_free(&out);
}

/* Source: RFC 4648, section 10. */
static const struct {
	const char *bytes, *text, *unpadded;
} base64[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/", "+/+/" },
};

static void
base64_goes_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(base64) / sizeof(*base64); i++) {
		const char *forms[] = { base64[i].text, base64[i].unpadded };
		struct bf_buf out = { 0 };

		bf_buf_add_text(&out, ">");
		bf_encode_base64(&out, base64[i].bytes,
		    strlen(base64[i].bytes));
		assert_string_equal(out.data + 1, base64[i].text);
		assert_int_equal(out.size, strlen(base64[i].text) + 1);
		for (size_t j = 0; j < 2; j++) {
			bf_buf_clear(&out);
			bf_buf_add_text(&out, ">");
			assert_int_equal(bf_decode_base64(&out, forms[j],
					     strlen(forms[j])),
			    0);
			assert_string_equal(out.data + 1, base64[i].bytes);
		}
		bf_buf_free(&out);
	}
}

static void
what_is_no_base64_is_refused(void **state)
{
	static const char *const cases[] = { "Z", "Zg=", "Zg===", "=",
		"==", "====", "Zm9vY", "Z=g=", "Zm9v\n", "Zm 9v", "Zm9-",
		"Zm9_", "Zh==", "Zm9=" };
	struct bf_buf out = { 0 };

	(void)state;
	bf_buf_add_text(&out, "kept");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (bf_decode_base64(&out, cases[i], strlen(cases[i])) == 0)
			fail_msg("%s was taken", cases[i]);
		assert_int_equal(out.size, 4);
	}
	assert_int_equal(bf_decode_base64(&out, BYTES("Zm\0v")), -1);
	bf_buf_free(&out);
}

/* ---- Retry-After ---- */

static const struct bf_instant now = { 1775835045123 }; /* 2026-04-10 */

static void
retry_after_is_read_in_all_its_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0", 0 },
		{ "1", 1000 },
		{ "120", 120000 },
		{ "007", 7000 },
		{ "1000000000", 1000000000000 },
		{ "Fri, 10 Apr 2026 15:30:50 GMT", 4877 },
		{ "Friday, 10-Apr-26 15:30:50 GMT", 4877 },
		{ "Fri Apr 10 15:30:50 2026", 4877 },
		{ "Sun Nov  6 08:49:37 2094", 2164036731877 },
		/* In the past, or now: no wait at all. */
		{ "Fri, 10 Apr 2026 15:30:45 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bf_duration wait = { -1 };

		if (bf_retry_after(cases[i].text, now, &wait) == -1)
			fail_msg("%s", cases[i].text);
		assert_int_equal(wait.ms, cases[i].ms);
	}
}

static void
a_wait_of_any_number_of_digits_does_not_overflow(void **state)
{
	struct bf_duration wait;
	char digits[1000];

	(void)state;
	memset(digits, '9', sizeof(digits) - 1);
	digits[sizeof(digits) - 1] = '\0';
	assert_int_equal(bf_retry_after(digits, now, &wait), 0);
	assert_true(wait.ms > INT64_C(1000000000000));
}

static void
what_is_no_retry_after_is_refused(void **state)
{
	static const char *const cases[] = { "", " ", "-5", "+5", "1.5", "1e9",
		"0x10", "5s", "5 ", " 5", "5, 6", "soon", "tomorrow",
		"Fri, 10 Apr 2026 15:30:50", "Fri, 10 Apr 2026 15:30:50 CET",
		"Fri, 10 Apr 2026 15:30:50 GMT;", "Fri, 10 Foo 2026 15:30 GMT",
		"2026-04-10T15:30:50Z", "Fri, 32 Apr 2026 15:30:50 GMT",
		"Fri, 10 Apr 2026 25:30:50 GMT" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bf_duration wait = { 42 };

		if (bf_retry_after(cases[i], now, &wait) == 0)
			fail_msg("%s was taken", cases[i]);
		assert_int_equal(wait.ms, 42);
	}
}

/* ---- headers ---- */

static void
headers_of_a_request_cannot_be_forged(void **state)
{
	static const char *const values[] = { "a\r\nX-Evil: 1", "a\nb", "a\r",
		"\x01", "\x7f", "\x1b[0m" };
	static const char *const names[] = { "", "A B", "A:", "A\r\nB", "\xc3",
		"(A)", "A\x7f" };
	struct bf_request request = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		assert_int_equal(bf_request_header(&request, "A", values[i]),
		    -1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(bf_request_header(&request, names[i], "a"),
		    -1);
	assert_int_equal(request.headers.count, 0);
	assert_int_equal(bf_request_header(&request, "X-A_1", "b\tc \xc3\xa9"),
	    0);
	assert_string_equal(request.headers.items[0], "X-A_1: b\tc \xc3\xa9");
	bf_request_free(&request);
}

static void
headers_of_a_response_are_found_by_name(void **state)
{
	struct bf_response response = { 0 };

	(void)state;
	assert_null(bf_response_header(&response, "Retry-After"));
	bf_strings_add(&response.headers, "X-Retry-After: 1");
	bf_strings_add(&response.headers, "Retry-After-X: 2");
	bf_strings_add(&response.headers, "retry-AFTER: \t3");
	bf_strings_add(&response.headers, "Retry-After: 4");
	bf_strings_add(&response.headers, "Empty:");
	assert_string_equal(bf_response_header(&response, "Retry-After"), "3");
	assert_string_equal(bf_response_header(&response, "Empty"), "");
	bf_response_free(&response);
}

/* ---- the usual verdict ---- */

static struct bf_verdict
judge(int status, const char *error, const char *header)
{
	struct bf_response response = { .status = status,
		.error = error,
		.now = now };
	struct bf_verdict verdict = { 0 };

	if (header)
		bf_strings_add(&response.headers, header);
	bf_verdict_http(&response, &verdict);
	bf_response_free(&response);
	return verdict;
}

static void
any_2xx_is_delivered_and_all_else_retried(void **state)
{
	(void)state;
	assert_int_equal(judge(200, NULL, NULL).outcome, BF_DELIVERED);
	assert_int_equal(judge(204, NULL, NULL).outcome, BF_DELIVERED);
	assert_int_equal(judge(299, NULL, NULL).outcome, BF_DELIVERED);
	/* The status line came; the body broke off. */
	assert_int_equal(judge(200, "half a body", NULL).outcome, BF_DELIVERED);
	for (int status = 300; status < 600; status++) {
		assert_int_equal(judge(status, NULL, NULL).outcome, BF_RETRY);
		assert_false(judge(status, NULL, NULL).stop_channel);
	}
	assert_int_equal(judge(99, NULL, NULL).outcome, BF_RETRY);
	assert_int_equal(judge(999, NULL, NULL).outcome, BF_RETRY);
	assert_string_equal(judge(503, NULL, NULL).why, "HTTP status 503");
	assert_int_equal(judge(0, "connection refused", NULL).outcome,
	    BF_RETRY);
	assert_string_equal(judge(0, "connection refused", NULL).why,
	    "connection refused");
	assert_string_equal(judge(0, NULL, NULL).why, "no answer");
}

static void
a_server_may_ask_to_wait(void **state)
{
	(void)state;
	assert_int_equal(judge(503, NULL, "Retry-After: 120").wait.ms, 120000);
	assert_int_equal(judge(404, NULL, "retry-after: 1").wait.ms, 1000);
	assert_int_equal(judge(429, NULL,
			     "Retry-After: Fri, 10 Apr 2026 15:30:50 GMT")
			     .wait.ms,
	    4877);
	assert_int_equal(judge(503, NULL, "Retry-After: soon").wait.ms, 0);
	assert_int_equal(judge(503, NULL, "Retry-After: -5").wait.ms, 0);
	assert_int_equal(judge(503, NULL, NULL).wait.ms, 0);
	assert_int_equal(judge(200, NULL, "Retry-After: 120").wait.ms, 0);
}

/* ---- rate limits ---- */

static void
seconds_are_read_with_their_fraction(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "0", 0 }, { "1", 1000 }, { "1.5", 1500 },
		{ "0.35", 350 }, { "0.0001", 1 }, { "64.57", 64570 },
		{ "1470173023.123", 1470173023123 }, { "007", 7000 } };
	static const char *const bad[] = { "", ".5", "1.", "-1", "+1", "1e3",
		" 1", "1 ", "1.5.5", "soon", "0x1", "1,5" };
	struct bf_duration wait = { -7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(bf_seconds_parse(bad[i], &wait), -1);
		assert_int_equal(wait.ms, -7);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(bf_seconds_parse(good[i].text, &wait), 0);
		assert_int_equal(wait.ms, good[i].ms);
	}
	assert_int_equal(bf_seconds_parse("99999999999999999999999999999999.9",
			     &wait),
	    0);
	assert_true(wait.ms > INT64_C(1000000000000000));
}

/* How long an answer with these headers says to wait; -1: it does not. */
static int64_t
used_up(const char *first, const char *second, const char *third)
{
	const char *const headers[] = { first, second, third };
	struct bf_response response = { .status = 200,
		.now = { INT64_C(1775835045123) } };
	struct bf_duration wait = { -1 };
	bool used;

	for (size_t i = 0; i < 3; i++) {
		if (headers[i])
			bf_strings_add(&response.headers, headers[i]);
	}
	used = bf_rate_limit_used_up(&response, &wait);
	bf_response_free(&response);
	assert_true(used == (wait.ms > 0));
	return wait.ms;
}

static void
the_last_answer_for_now_says_so(void **state)
{
	(void)state;
	assert_int_equal(used_up("X-RateLimit-Remaining: 0",
			     "x-ratelimit-reset-after: 1.2",
			     "X-RateLimit-Reset: 1775835099"),
	    1200);
	assert_int_equal(used_up("X-RateLimit-Remaining: 0",
			     "X-RateLimit-Reset: 1775835046.5", NULL),
	    1377);
	assert_int_equal(used_up("X-RateLimit-Remaining: 0",
			     "X-RateLimit-Reset: 30", NULL),
	    30000);
	assert_int_equal(used_up("RateLimit-Remaining: 0", "RateLimit-Reset: 5",
			     NULL),
	    5000);
	/* One is left; the time has passed; nobody says how long. */
	assert_int_equal(used_up("X-RateLimit-Remaining: 1",
			     "X-RateLimit-Reset-After: 1", NULL),
	    -1);
	assert_int_equal(used_up("X-RateLimit-Remaining: 0",
			     "X-RateLimit-Reset: 1775835044", NULL),
	    -1);
	assert_int_equal(used_up("X-RateLimit-Remaining: 0", NULL, NULL), -1);
	assert_int_equal(used_up("X-RateLimit-Remaining: zero",
			     "X-RateLimit-Reset-After: 1", NULL),
	    -1);
	assert_int_equal(used_up("X-RateLimit-Reset-After: 1", NULL, NULL), -1);
}

static void
a_sentence_that_is_too_long_is_cut(void **state)
{
	char *text = repeat('x', 1000);
	struct bf_verdict verdict;

	(void)state;
	text[999] = '\0';
	bf_verdict_set(&verdict, BF_FAILED, "%s", text);
	assert_int_equal(verdict.outcome, BF_FAILED);
	assert_int_equal(strlen(verdict.why), sizeof(verdict.why) - 1);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_agrees_with_rfc_4231),
		cmocka_unit_test(an_empty_key_and_an_empty_message_are_signed),
		cmocka_unit_test(bytes_are_written_as_hexadecimal_digits),
		cmocka_unit_test(base64_goes_both_ways),
		cmocka_unit_test(what_is_no_base64_is_refused),
		cmocka_unit_test(retry_after_is_read_in_all_its_forms),
		cmocka_unit_test(
		    a_wait_of_any_number_of_digits_does_not_overflow),
		cmocka_unit_test(what_is_no_retry_after_is_refused),
		cmocka_unit_test(headers_of_a_request_cannot_be_forged),
		cmocka_unit_test(headers_of_a_response_are_found_by_name),
		cmocka_unit_test(any_2xx_is_delivered_and_all_else_retried),
		cmocka_unit_test(a_server_may_ask_to_wait),
		cmocka_unit_test(seconds_are_read_with_their_fraction),
		cmocka_unit_test(the_last_answer_for_now_says_so),
		cmocka_unit_test(a_sentence_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
