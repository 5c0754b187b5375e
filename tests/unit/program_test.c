/*
 * program_test.c - what workers and the spawner say to one another
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <belfry/memory.h>

#include "core/wire/program.h"

static int pair[2];

static int
open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair);
}

static int
close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void
a_start_carries_everything(void **state)
{
	char *environment[] = { (char *)"BELFRY_EVENT=deploy_failed",
		(char *)"EMPTY=" };
	struct bf_program_message ask = { .kind = BF_PROGRAM_START,
		.id = 1ULL << 63,
		.channel = (char *)"run",
		.environment = { environment, 2 } };
	struct bf_program_message got;
	int pipes[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	ask.fds[0] = pipes[0];
	ask.fds[1] = pipes[1];
	assert_int_equal(bf_program_send(pair[0], &ask), 0);
	assert_int_equal(bf_program_receive(pair[1], &got), 1);
	assert_int_equal(got.kind, BF_PROGRAM_START);
	assert_true(got.id == 1ULL << 63);
	assert_null(got.tenant);
	assert_string_equal(got.channel, "run");
	assert_int_equal(got.environment.count, 2);
	assert_string_equal(got.environment.items[1], "EMPTY=");
	/* The same pipe, by descriptors that no program inherits. */
	assert_int_equal(write(got.fds[1], "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_true(fcntl(got.fds[0], F_GETFD) & FD_CLOEXEC);
	bf_program_clear(&got);
	assert_int_equal(got.fds[0], -1);
	close(pipes[0]);
	close(pipes[1]);
}

static void
an_end_carries_the_status(void **state)
{
	const struct bf_program_message ended = { .kind = BF_PROGRAM_ENDED,
		.id = 7,
		.status = 75 << 8,
		.fds = { -1, -1 } };
	struct bf_program_message got;

	(void)state;
	assert_int_equal(bf_program_send(pair[0], &ended), 0);
	assert_int_equal(bf_program_receive(pair[1], &got), 1);
	assert_int_equal(got.status, 75 << 8);
	assert_int_equal(got.fds[0], -1);
	bf_program_clear(&got);
}

static void
what_is_too_long_is_not_sent(void **state)
{
	char *text = bf_zalloc(1, BF_PROGRAM_MESSAGE_MAX + 1);
	struct bf_program_message ask = { .kind = BF_PROGRAM_REFUSED,
		.reason = text,
		.fds = { -1, -1 } };

	(void)state;
	memset(text, 'x', BF_PROGRAM_MESSAGE_MAX);
	assert_int_equal(bf_program_send(pair[0], &ask), -1);
	assert_int_equal(errno, EMSGSIZE);
	free(text);
}

static void
what_is_no_message_is_refused(void **state)
{
	struct bf_program_message got;

	(void)state;
	assert_int_equal(send(pair[0], "\x09garbage", 8, 0), 8);
	assert_int_equal(bf_program_receive(pair[1], &got), -1);
	assert_int_equal(errno, EPROTO);
	assert_int_equal(bf_program_receive(pair[1], &got), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
the_end_of_the_peer_is_seen(void **state)
{
	struct bf_program_message got;

	(void)state;
	assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
	assert_int_equal(bf_program_receive(pair[1], &got), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_start_carries_everything,
		    open_pair, close_pair),
		cmocka_unit_test_setup_teardown(an_end_carries_the_status,
		    open_pair, close_pair),
		cmocka_unit_test_setup_teardown(what_is_too_long_is_not_sent,
		    open_pair, close_pair),
		cmocka_unit_test_setup_teardown(what_is_no_message_is_refused,
		    open_pair, close_pair),
		cmocka_unit_test_setup_teardown(the_end_of_the_peer_is_seen,
		    open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
