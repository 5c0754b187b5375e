/*
 * egress_test.c - where channels made over the API may go: however it is
 * spelled, and whatever it turns out to be
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <event2/util.h>

#include "core/registry/egress.h"
#include "tests/unit/load_fixture.h"

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

static const struct bf_directive url = { .name = "url", .type = BF_TYPE_URL };
static const struct bf_directive host = { .name = "host",
	.type = BF_TYPE_TEXT };
static const struct bf_directive port = { .name = "port",
	.type = BF_TYPE_INTEGER };

static int
set_up(void **state)
{
	*state = load_good("");
	return 0;
}

static int
tear_down(void **state)
{
	struct bf_snapshot *snapshot = *state;

	bf_snapshot_free(&snapshot);
	return 0;
}

/* What a setting is refused for; "" if it is not. */
static const char *
refusal(const struct bf_snapshot *snapshot,
    const struct bf_directive *directive, const char *word)
{
	static struct bf_error err;

	err.text[0] = '\0';
	if (bf_egress_setting(&snapshot->egress, directive, word, &err) == 0)
		return "";
	assert_string_not_equal(err.text, "");
	return err.text;
}

/* The same for an address that is connected to, "ADDRESS:PORT". */
static const char *
refusal_of_address(const struct bf_snapshot *snapshot, const char *text)
{
	static struct bf_error err;
	struct sockaddr_storage address;
	int size = sizeof(address);

	assert_int_equal(evutil_parse_sockaddr_port(text,
			     (struct sockaddr *)&address, &size),
	    0);
	err.text[0] = '\0';
	bf_egress_address(&snapshot->egress, (struct sockaddr *)&address, &err);
	return err.text;
}

/* Every way to write 127.0.0.1, 169.254.169.254 and the like that some reader
 * of URLs has been taken in by. */
static const char *const spellings[] = {
	/* plain */
	"https://127.0.0.1/",
	"https://127.0.0.2/",
	"https://127.255.255.254/",
	"https://10.0.0.1/",
	"https://172.16.0.1/",
	"https://192.168.1.1/",
	"https://169.254.169.254/latest/meta-data/",
	"https://100.64.0.1/",
	"https://100.100.100.200/",
	"https://0.0.0.0/",
	"https://255.255.255.255/",
	"https://224.0.0.1/",
	"https://198.18.0.1/",
	"https://192.0.0.192/",
	"https://240.0.0.1/",
	/* names that are this machine */
	"https://localhost/",
	"https://LOCALHOST/",
	"https://localhost./",
	"https://a.localhost/",
	"https://a.b.localhost./",
	/* decimal, octal, hexadecimal, mixed, short, long */
	"https://2130706433/",
	"https://2852039166/",
	"https://0/",
	"https://017700000001/",
	"https://0177.0.0.1/",
	"https://0177.0.0.01/",
	"https://127.0.0.01/",
	"https://00000177.0.0.1/",
	"https://0x7f000001/",
	"https://0x7f.0x0.0x0.0x1/",
	"https://0X7F.1/",
	"https://0x7f.1/",
	"https://127.1/",
	"https://127.0.1/",
	"https://10.1/",
	"https://127.0.0.1./",
	"https://127.0.0.256/",
	"https://127.0.0.0x1/",
	"https://169.254.43518/",
	"https://4294967296/",
	"https://127.0.0.1.0/",
	/* user names */
	"https://example.com@127.0.0.1/",
	"https://127.0.0.1@example.com/",
	"https://example.com:443@127.0.0.1/",
	"https://user:password@example.com/",
	"https://@127.0.0.1/",
	"https://example.com%40127.0.0.1/",
	/* where does the host end? */
	"https://127.0.0.1\\@example.com/",
	"https://example.com\\@127.0.0.1/",
	"https://127.0.0.1#@example.com/",
	"https://127.0.0.1?@example.com/",
	"https:\\\\127.0.0.1\\",
	"https:/127.0.0.1/",
	"https:127.0.0.1",
	"https:///127.0.0.1/",
	"//127.0.0.1/",
	"https://127.0.0.1 .example.com/",
	"https://127.0.0.1\t.example.com/",
	" https://127.0.0.1/",
	"https://example.com:443:80/",
	"https://127.0.0.1:/",
	/* other digits, other dots, escapes */
	"https://\uff11\uff12\uff17.0.0.1/",
	"https://\u2460\u2461\u2466.0.0.1/",
	"https://127\u30020\u30020\u30021/",
	"https://127.0.0.\u00b9/",
	"https://%31%32%37.0.0.1/",
	"https://127.0.0%2e1/",
	"https://lo\u00adcalhost/",
	"https://\u24db\u24de\u24e7/",
	/* IPv6 */
	"https://[::]/",
	"https://[::1]/",
	"https://[0:0:0:0:0:0:0:1]/",
	"https://[0000::0001]/",
	"https://[::127.0.0.1]/",
	"https://[::ffff:127.0.0.1]/",
	"https://[::ffff:7f00:1]/",
	"https://[0:0:0:0:0:ffff:7f00:1]/",
	"https://[::ffff:169.254.169.254]/",
	"https://[::ffff:0:127.0.0.1]/",
	"https://[::ffff:8.8.8.8]/",
	"https://[fe80::1]/",
	"https://[fe80::1%25lo]/",
	"https://[fe80::1%lo]/",
	"https://[fc00::1]/",
	"https://[fd00:ec2::254]/",
	"https://[fec0::1]/",
	"https://[ff02::1]/",
	"https://[64:ff9b::7f00:1]/",
	"https://[64:ff9b::169.254.169.254]/",
	"https://[64:ff9b:1::7f00:1]/",
	"https://[2002:7f00:1::]/",
	"https://[2002:a9fe:a9fe::1]/",
	"https://[2001:0:7f00:1::1]/",
	"https://[2001:db8::1]/",
	"https://[100::1]/",
	"https://[::1/",
	"https://::1/",
	"https://[127.0.0.1]/",
	"https://[v1.127]/",
	/* other schemes */
	"http://example.com/",
	"HTTP://example.com/",
	"file:///etc/passwd",
	"gopher://127.0.0.1:6379/_INFO",
	"dict://127.0.0.1:11211/stats",
	"ftp://example.com/",
	"ldap://example.com/",
	"smtp://example.com/",
	"unix:/run/belfry/belfry.sock",
	"javascript:alert(1)",
	/* ports */
	"https://example.com:22/",
	"https://example.com:25/",
	"https://example.com:6379/",
	"https://example.com:8420/",
	"https://example.com:0/",
	"https://example.com:65979/",
	"https://example.com:4294967739/",
	"https://example.com:0443/",
	"https://example.com:+443/",
	"https://example.com:-1/",
};

static void
a_private_place_is_refused_however_it_is_spelled(void **state)
{
	const struct bf_snapshot *snapshot = *state;

	assert_true(SIZE(spellings) >= 78);
	for (size_t i = 0; i < SIZE(spellings); i++) {
		const char *why = refusal(snapshot, &url, spellings[i]);

		if (*why == '\0')
			fail_msg("%s is let through", spellings[i]);
	}
}

static void
a_public_place_is_none_of_them(void **state)
{
	static const char *const good[] = { "https://example.com/",
		"https://example.com", "HTTPS://Example.COM:443/a?b=c",
		"https://hooks.example.com:587/", "https://8.8.8.8/",
		"https://[2606:4700::1111]:443/", "https://localhost.example/",
		"https://notlocalhost/", "https://xn--bcher-kva.example/",
		"https://127.0.0.1.example.com/", "https://a/@127.0.0.1/" };
	const struct bf_snapshot *snapshot = *state;

	for (size_t i = 0; i < SIZE(good); i++) {
		const char *why = refusal(snapshot, &url, good[i]);

		if (*why != '\0')
			fail_msg("%s: %s", good[i], why);
	}
}

static void
a_host_and_a_port_are_places_too(void **state)
{
	static const char *const bad[] = { "127.0.0.1", "127.1", "2130706433",
		"0x7f.1", "localhost", "::1", "[::1]", "::ffff:127.0.0.1",
		"fe80::1%lo", "a@127.0.0.1", "127.0.0.1:25", "a b", "",
		"example.com/", "10.0.0.1" };
	const struct bf_snapshot *snapshot = *state;

	for (size_t i = 0; i < SIZE(bad); i++) {
		if (*refusal(snapshot, &host, bad[i]) == '\0')
			fail_msg("%s is let through", bad[i]);
	}
	assert_string_equal(refusal(snapshot, &host, "smtp.example.com"), "");
	assert_string_equal(refusal(snapshot, &host, "2606:4700::1111"), "");
	assert_string_equal(refusal(snapshot, &port, "587"), "");
	assert_non_null(strstr(refusal(snapshot, &port, "25"),
	    "port 25 is none that channels made over the API may connect to; "
	    "expected one of: 80 443 465 587 2525"));
	/* Texts of other names are no places. */
	assert_string_equal(refusal(snapshot,
				&(struct bf_directive){ .name = "text",
				    .type = BF_TYPE_TEXT },
				"127.0.0.1"),
	    "");
}

static void
what_is_connected_to_is_judged_with_its_port(void **state)
{
	const struct bf_snapshot *snapshot = *state;

	assert_string_equal(refusal_of_address(snapshot, "8.8.8.8:443"), "");
	assert_string_equal(refusal_of_address(snapshot,
				"[2606:4700::1111]:587"),
	    "");
	assert_string_equal(refusal_of_address(snapshot, "10.1.2.3:443"),
	    "10.1.2.3 is a private address, which channels made over the API "
	    "may not reach");
	assert_non_null(
	    strstr(refusal_of_address(snapshot, "[::ffff:10.1.2.3]:443"),
		"::ffff:10.1.2.3 is an IPv4-mapped address"));
	assert_non_null(strstr(refusal_of_address(snapshot, "8.8.8.8:22"),
	    "port 22 is none"));
}

static void
the_conf_file_opens_what_it_names(void **state)
{
	struct bf_snapshot *snapshot =
	    load_good("egress { allow_http on; allow_ports 443 8000-8999;\n"
		      "allow_private 10.2.0.0/16 ::1;\n"
		      "allow_private 127.0.0.0/8; }");

	(void)state;
	assert_string_equal(refusal(snapshot, &url, "http://10.2.3.4:8001/"),
	    "");
	assert_string_equal(refusal(snapshot, &url, "https://[::1]/"), "");
	assert_string_equal(refusal(snapshot, &url, "https://localhost/"), "");
	assert_string_not_equal(refusal(snapshot, &url, "https://10.3.0.1/"),
	    "");
	assert_string_not_equal(refusal(snapshot, &url, "http://10.2.3.4/"),
	    "");
	assert_string_equal(refusal_of_address(snapshot, "10.2.9.9:8999"), "");
	assert_string_not_equal(refusal_of_address(snapshot, "10.2.9.9:9000"),
	    "");
	assert_string_not_equal(refusal_of_address(snapshot,
				    "[::ffff:10.2.9.9]:443"),
	    "");
	bf_snapshot_free(&snapshot);
}

static void
behind_an_open_translator_the_same_holds(void **state)
{
	struct bf_snapshot *snapshot =
	    load_good("egress { allow_private 64:ff9b::/96; }");

	(void)state;
	assert_string_equal(refusal_of_address(snapshot,
				"[64:ff9b::808:808]:443"),
	    "");
	assert_non_null(
	    strstr(refusal_of_address(snapshot, "[64:ff9b::7f00:1]:443"),
		"translated to one that is not public"));
	bf_snapshot_free(&snapshot);
}

static void
mistakes_in_the_block_are_named(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "egress { allow_http maybe; }", "allow_http" },
		{ "egress { allow_ports 0; }", "\"0\": not a port" },
		{ "egress { allow_ports 65536; }", "\"65536\": not a port" },
		{ "egress { allow_ports 9-8; }", "\"9-8\": not a port" },
		{ "egress { allow_ports 80-; }", "\"80-\": not a port" },
		{ "egress { allow_ports 080; }", "\"080\": not a port" },
		{ "egress { allow_ports; }", "allow_ports" },
		{ "egress { allow_private 10.0.0.1/8; }", "bits are set" },
		{ "egress { allow_private all; }", "not an IP address" },
		{ "egress { proxy ftp://x; }", "proxy" },
		{ "egress { } egress { }", "egress" },
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		struct bf_error err = { "" };

		assert_null(load_text(cases[i].text, &err));
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_private_place_is_refused_however_it_is_spelled),
		TEST(a_public_place_is_none_of_them),
		TEST(a_host_and_a_port_are_places_too),
		TEST(what_is_connected_to_is_judged_with_its_port),
		cmocka_unit_test(the_conf_file_opens_what_it_names),
		cmocka_unit_test(behind_an_open_translator_the_same_holds),
		cmocka_unit_test(mistakes_in_the_block_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
