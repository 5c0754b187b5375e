/*
 * ip_test.c - ranges of addresses, and which addresses are public
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/conf/ip.h"

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

static struct bf_ip
ip_of(const char *text)
{
	struct bf_ip ip;

	if (bf_ip_parse(text, &ip) == -1)
		fail_msg("%s is no address", text);
	return ip;
}

static void
an_address_outside_of_the_public_internet_says_what_it_is_for(void **state)
{
	static const struct {
		const char *address, *what;
	} cases[] = {
		{ "0.0.0.0", "unspecified" },
		{ "0.1.2.3", "this network" },
		{ "10.0.0.0", "private" },
		{ "10.255.255.255", "private" },
		{ "100.64.0.0", "carrier" },
		{ "100.127.255.255", "carrier" },
		{ "127.0.0.1", "loopback" },
		{ "127.255.255.254", "loopback" },
		{ "169.254.169.254", "link-local" },
		{ "172.16.0.0", "private" },
		{ "172.31.255.255", "private" },
		{ "192.0.0.8", "protocols" },
		{ "192.0.2.1", "documentation" },
		{ "192.88.99.1", "6to4" },
		{ "192.168.0.0", "private" },
		{ "192.168.255.255", "private" },
		{ "198.18.0.1", "benchmarks" },
		{ "198.19.255.255", "benchmarks" },
		{ "198.51.100.9", "documentation" },
		{ "203.0.113.255", "documentation" },
		{ "224.0.0.1", "multicast" },
		{ "239.255.255.255", "multicast" },
		{ "240.0.0.1", "reserved" },
		{ "255.255.255.255", "broadcast" },
		{ "::", "unspecified" },
		{ "::1", "loopback" },
		{ "::2", "IPv4-compatible" },
		{ "::127.0.0.1", "IPv4-compatible" },
		{ "::ffff:10.0.0.1", "IPv4-mapped" },
		{ "::ffff:8.8.8.8", "IPv4-mapped" },
		{ "::ffff:0:7f00:1", "IPv4-translated" },
		{ "64:ff9b::7f00:1", "NAT64" },
		{ "64:ff9b:1::1", "NAT64" },
		{ "100::1", "discarding" },
		{ "2001::1", "Teredo" },
		{ "2001:2::1", "benchmarks" },
		{ "2001:10::1", "ORCHID" },
		{ "2001:2f:ffff::1", "ORCHID" },
		{ "2001:1::1", "protocols" },
		{ "2001:1ff:ffff::1", "protocols" },
		{ "2001:db8::1", "documentation" },
		{ "2002:7f00:1::1", "6to4" },
		{ "3fff:fff::1", "documentation" },
		{ "4000::1", "nobody" },
		{ "5f00::1", "nobody" },
		{ "1fff:ffff::1", "nobody" },
		{ "fc00::1", "private" },
		{ "fdff:ffff::1", "private" },
		{ "fe80::1", "link-local" },
		{ "febf::1", "link-local" },
		{ "fec0::1", "site-local" },
		{ "feff::1", "site-local" },
		{ "ff02::1", "multicast" },
	};

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		const struct bf_ip ip = ip_of(cases[i].address);
		const char *what = bf_ip_special(&ip);

		if (!what || !strstr(what, cases[i].what))
			fail_msg("%s: %s, not %s", cases[i].address,
			    what ? what : "public", cases[i].what);
	}
}

static void
what_is_beside_those_ranges_is_public(void **state)
{
	static const char *const addresses[] = { "1.0.0.0", "8.8.8.8",
		"9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.0", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
		"192.0.3.0", "192.88.98.255", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "198.51.99.255", "203.0.112.1",
		"203.0.114.0", "223.255.255.255", "2000::1", "2001:200::1",
		"2001:db7:ffff::1", "2001:db9::1", "2001:4860:4860::8888",
		"2003::1", "2606:4700::1111", "3ffe:ffff::1", "3fff:1000::1" };

	(void)state;
	for (size_t i = 0; i < SIZE(addresses); i++) {
		const struct bf_ip ip = ip_of(addresses[i]);
		const char *what = bf_ip_special(&ip);

		if (what)
			fail_msg("%s: %s", addresses[i], what);
	}
}

static void
a_range_holds_what_begins_as_it_does(void **state)
{
	static const struct {
		const char *range, *address;
		bool in;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.1.2.128/25", "10.1.2.128", true },
		{ "10.1.2.128/25", "10.1.2.127", false },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.3", "10.1.2.2", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "ffff::", true },
		{ "::/0", "1.2.3.4", false },
		{ "fd00::/9", "fd7f::", true },
		{ "fd00::/9", "fd80::", false },
		{ "::1", "::1", true },
	};
	struct bf_ip_range range;
	struct bf_error err;

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		const struct bf_ip ip = ip_of(cases[i].address);

		assert_int_equal(bf_ip_range_parse(cases[i].range, &range,
				     &err),
		    0);
		if (bf_ip_in(&ip, &range) != cases[i].in)
			fail_msg("%s in %s", cases[i].address, cases[i].range);
	}
}

static void
what_is_no_range_is_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "not an IP address" },
		{ "10", "not an IP address" },
		{ "10.0.0.0.0/8", "not an IP address" },
		{ "example.com", "not an IP address" },
		{ "fe80::%1/64", "not an IP address" },
		{ "[::1]", "not an IP address" },
		{ "010.0.0.0/8", "not an IP address" },
		{ "10.0.0.0/", "number of bits" },
		{ "10.0.0.0/33", "number of bits" },
		{ "10.0.0.0/08", "number of bits" },
		{ "10.0.0.0/8x", "number of bits" },
		{ "10.0.0.0/-1", "number of bits" },
		{ "::/129", "number of bits" },
		{ "10.0.0.1/8", "bits are set" },
		{ "fd00::1/127", "bits are set" },
	};
	struct bf_ip_range range;
	struct bf_error err;

	(void)state;
	for (size_t i = 0; i < SIZE(cases); i++) {
		assert_int_equal(bf_ip_range_parse(cases[i].text, &range, &err),
		    -1);
		if (!strstr(err.text, cases[i].why) ||
		    !strstr(err.text, "expected"))
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

/* What the environment says may be no UTF-8: a word of nothing but bytes that
 * continue a character is cut, too. */
static void
a_long_word_of_any_bytes_is_shown_cut(void **state)
{
	struct bf_ip_range range;
	struct bf_error err;
	char text[1000];

	(void)state;
	memset(text, 0x8a, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(bf_ip_range_parse(text, &range, &err), -1);
	assert_non_null(strstr(err.text, "...\": not an IP address"));
	assert_true(strlen(err.text) < 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_address_outside_of_the_public_internet_says_what_it_is_for),
		cmocka_unit_test(what_is_beside_those_ranges_is_public),
		cmocka_unit_test(a_range_holds_what_begins_as_it_does),
		cmocka_unit_test(what_is_no_range_is_refused),
		cmocka_unit_test(a_long_word_of_any_bytes_is_shown_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
