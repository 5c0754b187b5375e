/*
 * mask_test.c - what a transcript shows of URLs and header lines
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "core/transport/mask.h"

static void
a_url_shows_its_shape_and_no_token(void **state)
{
	static const struct {
		const char *url, *shown;
	} urls[] = {
		{ "https://example.com/hooks/belfry/v1",
		    "https://example.com/hooks/belfry/v1" },
		{ "https://hooks.slack.com/services/T0AB/B0CD/abcdefGHIJ1234",
		    "https://hooks.slack.com/services/***/***/***" },
		{ "https://discord.com/api/v10/webhooks/12345/"
		  "abcdefghijklmnopq",
		    "https://discord.com/api/v10/webhooks/***/***" },
		{ "https://user:p@ss@example.com/",
		    "https://***@example.com/" },
		{ "https://tok@[::1]:8443/a?key=s3cret&b=c&d&=e#f",
		    "https://***@[::1]:8443/a?key=***&b=***&***&=***" },
		{ "/in?x=y", "/in?x=***" },
		{ "/bot123:AbC/sendMessage", "/***/sendMessage" },
		{ "/a%20b/x", "/***/x" },
		{ "/?u=https://a@b/c", "/?u=***" },
		{ "", "" },
	};
	struct bf_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		bf_mask_url(&out, urls[i].url);
		assert_string_equal(bf_buf_text(&out), urls[i].shown);
		bf_buf_clear(&out);
	}
	bf_buf_free(&out);
}

static void
a_line_shows_no_secret(void **state)
{
	static const struct {
		bool request;
		const char *line, *shown;
	} lines[] = {
		{ true, "POST /in?k=s3cret HTTP/1.1",
		    "POST /in?k=*** HTTP/1.1" },
		{ true, "POST http://u:p@h/x HTTP/1.1",
		    "POST http://***@h/x HTTP/1.1" },
		{ true, "CONNECT h:443 HTTP/1.1", "CONNECT h:443 HTTP/1.1" },
		{ true, "Host: h:1", "Host: h:1" },
		{ true, "content-type:a/b", "content-type: a/b" },
		{ true, "webhook-signature: v1,abc", "webhook-signature: ***" },
		{ true, "X-Reoclo-Signature-256: sha256=abc",
		    "X-Reoclo-Signature-256: ***" },
		{ true, "Authorization: Basic abc", "Authorization: ***" },
		{ true, "Proxy-Authorization: Basic abc",
		    "Proxy-Authorization: ***" },
		{ true, "X-Api-Key: abc", "X-Api-Key: ***" },
		{ false, "HTTP/1.1 200 OK: yes", "HTTP/1.1 200 OK: yes" },
		{ false, "Set-Cookie: a=b", "Set-Cookie: ***" },
		{ false, "Location: https://h/login?back=s3cret",
		    "Location: https://h/login?back=***" },
		{ false, "Date: today", "Date: today" },
	};
	struct bf_buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		bf_mask_http(&out, lines[i].line, lines[i].request);
		assert_string_equal(bf_buf_text(&out), lines[i].shown);
		bf_buf_clear(&out);
	}
	bf_buf_free(&out);
}

#define TEST(name) cmocka_unit_test(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_url_shows_its_shape_and_no_token),
		TEST(a_line_shows_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
