/*
 * own_address_test.c - which addresses lead to belfry's own listeners
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/util.h>

#include "core/process/own_address.h"

/* Whether an address, "ADDRESS:PORT", leads to a listener. */
static bool
leads(const char *address, const char *listener)
{
	struct bf_listen listen = { .address = (char *)listener };
	const struct bf_snapshot snapshot = { .api = { .listens = &listen,
						  .listen_count = 1 } };
	struct sockaddr_storage there;
	int size = sizeof(there);

	assert_int_equal(evutil_parse_sockaddr_port(address,
			     (struct sockaddr *)&there, &size),
	    0);
	return bf_own_address(&snapshot, (struct sockaddr *)&there);
}

static void
a_listener_is_known_by_its_address_and_port(void **state)
{
	(void)state;
	assert_true(leads("127.0.0.1:8420", "127.0.0.1:8420"));
	assert_true(leads("[::ffff:127.0.0.1]:8420", "127.0.0.1:8420"));
	assert_true(leads("[::1]:8420", "[::1]:8420"));
	/* Whoever connects to no address comes to this machine. */
	assert_true(leads("0.0.0.0:8420", "127.0.0.1:8420"));
	assert_false(leads("127.0.0.1:8421", "127.0.0.1:8420"));
	assert_false(leads("127.0.0.2:8420", "127.0.0.1:8420"));
	assert_false(leads("127.0.0.1:8420", "unix:/run/belfry/belfry.sock"));
}

static void
a_wildcard_listener_is_on_every_address_of_the_machine(void **state)
{
	(void)state;
	assert_true(leads("127.0.0.1:8420", "0.0.0.0:8420"));
	assert_true(leads("127.3.2.1:8420", "0.0.0.0:8420"));
	assert_true(leads("127.0.0.1:8420", "[::]:8420"));
	assert_false(leads("127.0.0.1:8421", "0.0.0.0:8420"));
	/* For documentation (RFC 5737): no machine has it. */
	assert_false(leads("192.0.2.1:8420", "0.0.0.0:8420"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listener_is_known_by_its_address_and_port),
		cmocka_unit_test(
		    a_wildcard_listener_is_on_every_address_of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
