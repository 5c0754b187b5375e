/*
 * settings_test.c - a directive table turns a block into a struct, and says
 * what is wrong with each kind of mistake
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

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/conf/settings.h"
#include "core/conf/url.h"

struct thing {
	bool loud;
	int64_t count;
	char *title;
	struct bf_duration wait;
	struct bf_instant until;
	struct bf_size room;
	struct bf_choice method;
	struct bf_url url;
	struct bf_secret secret;
	struct bf_strings to;
	struct bf_pairs header;
	struct bf_path ca_file;
};

static const char *const methods[] = { "POST", "PUT", "PATCH", NULL };

static const struct bf_directive table[] = {
	{ BF_FIELD(thing, loud), .fallback = "on" },
	{ BF_FIELD(thing, count), .fallback = "3", .min = 1, .max = 10 },
	{ BF_FIELD(thing, title) },
	{ BF_FIELD(thing, wait), .fallback = "10s", .min = 100, .max = 60000 },
	{ BF_FIELD(thing, until) },
	{ BF_FIELD(thing, room), .min = 1024, .max = 1 << 20 },
	{ BF_FIELD(thing, method), .fallback = "POST", .choices = methods },
	{ BF_FIELD(thing, url), .required = true },
	{ BF_FIELD(thing, secret) },
	{ BF_FIELD(thing, to), .fallback = "one two" },
	{ BF_FIELD(thing, header) },
	{ BF_FIELD(thing, ca_file) },
	{ 0 },
};

static const char *
environment(void *context, const char *name)
{
	(void)context;
	if (strcmp(name, "HOOK") == 0)
		return "https://example.com/from-env";
	if (strcmp(name, "KEY") == 0)
		return "s3cret";
	return strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static const struct bf_secret_source source = { .env = environment };

/* Applies the block `thing x { TEXT }` and returns the outcome. */
static int
apply(const char *text, struct thing *thing, struct bf_error *err)
{
	static const char *const skip[] = { "retry", NULL };
	char *whole = bf_strf("thing x {\n%s\n}", text);
	struct bf_conf_tree *tree =
	    bf_conf_parse(whole, strlen(whole), "t.conf", err);
	int result = -1;

	*thing = (struct thing){ 0 };
	if (tree)
		result = bf_settings_apply(table, thing, tree->first, skip,
		    &source, err);
	bf_conf_free(&tree);
	free(whole);
	return result;
}

static void
accepts(const char *text, struct thing *thing)
{
	struct bf_error err = { "" };

	if (apply(text, thing, &err) == -1)
		fail_msg("%s", err.text);
}

static void
refuses(const char *text, const char *message)
{
	struct bf_error err = { "" };
	struct thing thing;

	assert_int_equal(apply(text, &thing, &err), -1);
	assert_string_equal(err.text, message);
	bf_settings_clear(table, &thing);
}

static void
members_are_set_and_the_rest_falls_back(void **state)
{
	struct thing thing;

	(void)state;
	accepts("url https://example.com/;", &thing);
	assert_true(thing.loud);
	assert_int_equal(thing.count, 3);
	assert_null(thing.title);
	assert_int_equal(thing.wait.ms, 10000);
	assert_int_equal(thing.method.index, 0);
	assert_null(thing.secret.bytes);
	assert_int_equal(thing.to.count, 2);
	bf_settings_clear(table, &thing);
	accepts("loud off; count 10; title \"a b\"; wait 1500ms;\n"
		"until 2026-04-10T15:30:45Z; room 64k; method PATCH;\n"
		"url http://127.0.0.1:8421; secret abc; to x y z;\n"
		"header A b; header C \"d e\"; ca_file /etc/passwd; retry 1s;",
	    &thing);
	assert_false(thing.loud);
	assert_int_equal(thing.count, 10);
	assert_string_equal(thing.title, "a b");
	assert_int_equal(thing.wait.ms, 1500);
	assert_int_equal(thing.until.ms, INT64_C(1775835045000));
	assert_int_equal(thing.room.bytes, 65536);
	assert_int_equal(thing.method.index, 2);
	assert_string_equal(thing.url.text, "http://127.0.0.1:8421");
	assert_int_equal(thing.secret.size, 3);
	assert_string_equal(thing.secret.bytes, "abc");
	assert_int_equal(thing.to.count, 3);
	assert_string_equal(thing.header.items[1].value, "d e");
	assert_string_equal(thing.ca_file.text, "/etc/passwd");
	bf_settings_clear(table, &thing);
	assert_null(thing.header.items);
}

static void
each_mistake_names_line_directive_and_expectation(void **state)
{
	static const struct {
		const char *text, *message;
	} mistakes[] = {
		{ "", "1: thing x: no \"url\"; expected it in the block" },
		{ "urll a;",
		    "2: unknown directive \"urll\"; did you mean \"url\"?" },
		{ "rettry a;", "2: unknown directive \"rettry\"; did you mean "
			       "\"retry\"?" },
		{ "zebra;", "2: unknown directive \"zebra\"; expected one of "
			    "loud, count, title, wait, until, room, method, "
			    "url, secret, to, header, ca_file, retry" },
		{ "count 1;\ncount 2;",
		    "3: count: repeated; expected it once (it stands in line "
		    "2)" },
		{ "count;", "2: count: 0 values; expected one number" },
		{ "count 1 2;", "2: count: 2 values; expected one number" },
		{ "count 1\nurl http://a/;",
		    "2: count: expected one number; is a \";\" missing before "
		    "\"url\"?" },
		{ "secret hunter2\nretry 1s;",
		    "2: secret: expected one secret; is a \";\" missing before "
		    "\"retry\"?" },
		{ "secret hunter2 x;",
		    "2: secret: 2 values; expected one secret" },
		{ "count { }", "2: count: a block; expected one number and "
			       "\";\"" },
		{ "header X;",
		    "2: header: 1 values; expected a name and a value" },
		{ "loud yes;", "2: loud: \"yes\": not a switch; expected on or "
			       "off" },
		{ "count x;",
		    "2: count: \"x\": not a number; expected a whole number" },
		{ "count 1.5;",
		    "2: count: \"1.5\": not a number; expected a whole "
		    "number" },
		{ "count 99999999999999999999;",
		    "2: count: \"99999999999999999999\": too large; expected a "
		    "whole number" },
		{ "count 11;",
		    "2: count: 11 is out of range; expected 1 to 10" },
		{ "count -1;",
		    "2: count: -1 is out of range; expected 1 to 10" },
		{ "title \"\";", "2: title: empty; expected a value" },
		{ "wait 10x;",
		    "2: wait: \"10x\": unknown unit; expected a duration such "
		    "as 500ms, 10s, 5m, 1h30m or 7d" },
		{ "wait 2m;",
		    "2: wait: 2m is out of range; expected 100ms to 1m" },
		{ "wait 9999999999999999w;",
		    "2: wait: \"9999999999999999w\": too long; expected 36500d "
		    "at most" },
		{ "until yesterday;",
		    "2: until: \"yesterday\": not a date and time; expected "
		    "one such as 2026-04-10T15:30:00Z" },
		{ "room 64q;",
		    "2: room: \"64q\": unknown unit; expected a size such as "
		    "512, 64k, 1m or 2g" },
		{ "room 2m;", "2: room: 2m is out of range; expected 1k to "
			      "1m" },
		{ "method GET;", "2: method: \"GET\": unknown; expected one of "
				 "POST, PUT, PATCH" },
		{ "url ftp://x/;",
		    "2: url: not an absolute URL; expected http:// or https:// "
		    "and a host" },
		{ "ca_file /nonexistent;",
		    "2: ca_file: /nonexistent: No such file or directory" },
		{ "secret \"\";", "2: secret: empty; expected a secret" },
		{ "secret env:NONE;",
		    "2: secret: environment variable \"NONE\" is not set; "
		    "expected its value in the environment that belfry is "
		    "started with" },
		{ "secret env:EMPTY;",
		    "2: secret: environment variable \"EMPTY\" is empty; "
		    "expected its value in the environment that belfry is "
		    "started with" },
		{ "secret file:/nonexistent;",
		    "2: secret: read /nonexistent: No such file or "
		    "directory" },
		{ "secret file:/dev/null;",
		    "2: secret: read /dev/null: not a regular file" },
		{ "secret sealed:abc;",
		    "2: secret: there is no key to open a sealed secret with; "
		    "expected env:NAME or file:PATH" },
	};
	char message[600];

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		snprintf(message, sizeof(message), "t.conf:%s",
		    mistakes[i].message);
		refuses(mistakes[i].text, message);
	}
}

static void
references_are_looked_up(void **state)
{
	char path[] = "/tmp/belfry-secret-XXXXXX";
	int fd = mkstemp(path);
	struct thing thing;
	char text[200], message[200];

	(void)state;
	accepts("url env:HOOK; secret env:KEY; header X-Key env:KEY;", &thing);
	assert_string_equal(thing.url.text, "https://example.com/from-env");
	assert_string_equal(thing.secret.bytes, "s3cret");
	assert_string_equal(thing.header.items[0].value, "s3cret");
	bf_settings_clear(table, &thing);
	assert_int_equal(write(fd, "from file\r\n", 11), 11);
	snprintf(text, sizeof(text), "url http://a/; secret file:%s;", path);
	accepts(text, &thing);
	assert_string_equal(thing.secret.bytes, "from file");
	bf_settings_clear(table, &thing);
	assert_int_equal(write(fd, "\0x", 2), 2);
	snprintf(text, sizeof(text), "secret file:%s;", path);
	snprintf(message, sizeof(message),
	    "t.conf:2: secret: read %s: a NUL byte; expected a secret in it",
	    path);
	refuses(text, message);
	close(fd);
	unlink(path);
}

static void
final_words_need_no_files_and_no_environment(void **state)
{
	struct bf_conf_node node = { .name = (char *)"secret",
		.file = "/etc/x.conf",
		.line = 7 };
	struct bf_conf_node at = { .block = &node, .file = "/etc/x.conf" };
	struct bf_strings words;
	struct bf_error err;
	struct thing thing = { 0 };
	bool secret;

	(void)state;
	bf_strings_add(&node.words, "env:KEY");
	assert_int_equal(bf_settings_final(bf_settings_find(table, "secret"),
			     &node, &source, &words, &secret, &err),
	    0);
	assert_true(secret);
	assert_string_equal(words.items[0], "s3cret");
	bf_strings_free(&words);
	/* A worker takes even what looks like a reference as it is. */
	assert_int_equal(bf_settings_apply(table, &thing, &at, NULL, NULL,
			     &err),
	    -1);
	assert_string_equal(thing.secret.bytes, "env:KEY");
	bf_settings_clear(table, &thing);
	assert_true(bf_settings_size(table) <= sizeof(struct thing));
	bf_strings_free(&node.words);
}

static void
durations_read_as_nginx_reads_them(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
		const char *formatted;
	} cases[] = {
		{ "0", 0, "0s" },
		{ "10", 10000, "10s" },
		{ "1500ms", 1500, "1500ms" },
		{ "2000ms", 2000, "2s" },
		{ "1h30m", 5400000, "90m" },
		{ "1m30", 90000, "90s" },
		{ "24h", 86400000, "1d" },
		{ "2w", 1209600000, "2w" },
		{ "36500d", INT64_C(3153600000000), "36500d" },
		{ "", -1, NULL },
		{ "s", -1, NULL },
		{ "-1s", -1, NULL },
		{ "+1s", -1, NULL },
		{ "1.5s", -1, NULL },
		{ "1 s", -1, NULL },
		{ "30m1h", -1, NULL },
		{ "1s1s", -1, NULL },
		{ "1M", 60000, "1m" },
		{ "36501d", -1, NULL },
		{ "9223372036854775808", -1, NULL },
	};
	struct bf_duration value;
	struct bf_error err;
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int result =
		    bf_duration_parse(cases[i].text, &value, &err);

		assert_int_equal(result, cases[i].ms == -1 ? -1 : 0);
		if (result == -1)
			continue;
		assert_int_equal(value.ms, cases[i].ms);
		bf_duration_format(value, text);
		assert_string_equal(text, cases[i].formatted);
	}
}

static void
sizes_have_units(void **state)
{
	struct bf_size value;
	struct bf_error err;

	(void)state;
	assert_int_equal(bf_size_parse("512", &value, &err), 0);
	assert_int_equal(value.bytes, 512);
	assert_int_equal(bf_size_parse("1M", &value, &err), 0);
	assert_int_equal(value.bytes, 1 << 20);
	assert_int_equal(bf_size_parse("2g", &value, &err), 0);
	assert_int_equal(value.bytes, INT64_C(2) << 30);
	assert_int_equal(bf_size_parse("9007199254740992g", &value, &err), -1);
	assert_string_equal(err.text, "\"9007199254740992g\": too large; "
				      "expected a size such as 512, 64k, 1m or "
				      "2g");
	assert_int_equal(bf_size_parse("-1k", &value, &err), -1);
}

static void
urls_have_one_meaning_or_are_refused(void **state)
{
	static const char *const good[] = {
		"https://example.com",
		"http://localhost:8421/",
		"HTTPS://Example.COM./a/b?c=d&e=%20",
		"https://xn--mnchen-3ya.example/",
		"http://192.0.2.1:65535/x",
		"https://[2001:db8::1]/",
		"https://[2001:db8::1]:443?x",
		"https://a_b.example/~x/(y)",
	};
	static const char *const bad[] = {
		"",
		"example.com",
		"//example.com/",
		"https:example.com",
		"https:/example.com",
		"https://",
		"https:///x",
		"ftp://example.com/",
		"file:///etc/passwd",
		"gopher://example.com/",
		"socks5://example.com",
		"https://user@example.com/",
		"https://u:p@example.com/",
		"https://example.com\\@evil.example/",
		"https://example.com#x",
		"https://exa mple.com/",
		"https://example.com/a b",
		"https://example.com:0/",
		"https://example.com:65536/",
		"https://example.com:/",
		"https://example.com:80:80/",
		"https://example.com:+80/",
		"https://example.com:0x50/",
		"http://2130706433/",
		"http://0x7f000001/",
		"http://0177.0.0.1/",
		"http://127.1/",
		"http://127.0.0.1.1/",
		"http://127.0.0.256/",
		"http://127.0.0.01/",
		"http://0x7f.0.0.1/",
		"http://127.0.0.0x1/",
		"http://1.2.3.4./",
		"http://example.1/",
		"http://[::1/",
		"http://[::1]x/",
		"http://[fe80::1%25eth0]/",
		"http://[::1%lo]/",
		"http://[::ffff:1.2.3]/",
		"http://::1/",
		"http://%6c%6f%63%61%6c/",
		"http://-a.example/",
		"http://a..example/",
		"http://.example/",
		"http://a-.example/",
		"http://\xe2\x91\xa0.example/",
		"http://b\xc3\xbc.example/",
		"https://example.com/%zz",
		"https://example.com/%2",
		"https://example.com/\"x\"",
		"https://example.com/<x>",
		"https://example.com/\n",
		"https://example.com/\x7f",
		"https://a.example/|",
		"https://[::1]:80x/",
	};
	struct bf_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (bf_url_check(good[i], &err) == -1)
			fail_msg("%s: %s", good[i], err.text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (bf_url_check(bad[i], &err) == 0)
			fail_msg("%s was taken", bad[i]);
	}
}

static void
proxies_and_addresses_are_checked(void **state)
{
	struct bf_error err;

	(void)state;
	assert_int_equal(bf_proxy_check("http://u:p@proxy:3128", &err), 0);
	assert_int_equal(bf_proxy_check("socks5h://127.0.0.1:1080/", &err), 0);
	assert_int_equal(bf_proxy_check("http://proxy/path", &err), -1);
	assert_int_equal(bf_proxy_check("proxy:3128", &err), -1);
	assert_int_equal(bf_endpoint_check("127.0.0.1:8420", &err), 0);
	assert_int_equal(bf_endpoint_check("[::]:8420", &err), 0);
	assert_int_equal(bf_endpoint_check("8420", &err), -1);
	assert_int_equal(bf_endpoint_check("localhost:8420", &err), -1);
	assert_int_equal(bf_endpoint_check("127.0.0.1", &err), -1);
	assert_int_equal(bf_bind_address_check("192.0.2.7", &err), 0);
	assert_int_equal(bf_bind_address_check("2001:db8::7", &err), 0);
	assert_int_equal(bf_bind_address_check("eth0", &err), 0);
	assert_int_equal(bf_bind_address_check("192.0.2.300", &err), -1);
	assert_int_equal(bf_bind_address_check("", &err), -1);
}

static void
the_nearest_name_is_one_slip_away(void **state)
{
	static const char *const names[] = { "deploy_failed", "deploy_started",
		"url", "timeout" };

	(void)state;
	assert_string_equal(bf_nearest("deploy_faild", names, 4),
	    "deploy_failed");
	assert_string_equal(bf_nearest("depoly_failed", names, 4),
	    "deploy_failed");
	assert_string_equal(bf_nearest("ulr", names, 4), "url");
	assert_string_equal(bf_nearest("URL", names, 4), "url");
	assert_null(bf_nearest("zebra", names, 4));
	assert_null(bf_nearest("", names, 4));
	assert_null(bf_nearest("deploy_failed", names, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_set_and_the_rest_falls_back),
		cmocka_unit_test(
		    each_mistake_names_line_directive_and_expectation),
		cmocka_unit_test(references_are_looked_up),
		cmocka_unit_test(final_words_need_no_files_and_no_environment),
		cmocka_unit_test(durations_read_as_nginx_reads_them),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(urls_have_one_meaning_or_are_refused),
		cmocka_unit_test(proxies_and_addresses_are_checked),
		cmocka_unit_test(the_nearest_name_is_one_slip_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
