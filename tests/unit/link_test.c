/*
 * link_test.c - links and control sockets between processes, on socket pairs
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/wire/control.h"
#include "core/wire/link.h"
#include "tests/unit/descriptors.h"

/* ---- links ---- */

#define BIG (3 << 20) /* bytes: more than a socket holds */

/* One end, and what came to it. */
struct end {
	struct bf_link *link;
	unsigned messages;
	size_t last_size;
	unsigned pause_after;
	bool free_at_once;
	bool closed;
	char why[80];
};

static void
on_message(void *context, struct bf_message *message)
{
	struct end *end = context;

	assert_int_equal(message->kind, BF_MSG_CHANNEL);
	assert_int_equal(message->channel.bytes[0], (char)end->messages);
	end->messages++;
	end->last_size = message->channel.size;
	if (end->messages == end->pause_after)
		bf_link_pause(end->link);
	if (end->free_at_once)
		bf_link_free(&end->link);
}

static void
on_closed(void *context, const char *why)
{
	struct end *end = context;

	end->closed = true;
	if (why)
		strncpy(end->why, why, sizeof(end->why) - 1);
	bf_link_free(&end->link);
}

static const struct bf_link_handler handler = { on_message, on_closed };

/* A loop with a link at one end of a pair; the other end is returned. */
static int
open_end(struct event_base **base, struct end *end)
{
	int pair[2];

	*base = event_base_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	end->link = bf_link_new(*base, pair[0], &handler, end);
	return pair[1];
}

static void
put_frame(struct bf_buf *out, unsigned number, size_t size)
{
	char *bytes = bf_zalloc(size, 1);
	struct bf_message message = { .kind = BF_MSG_CHANNEL,
		.channel = { bytes, size } };

	bytes[0] = (char)number;
	bf_message_encode(&message, out);
	free(bytes);
}

static void
messages_come_in_order_however_large(void **state)
{
	struct end here = { 0 }, there = { 0 };
	struct event_base *base;
	const int fd = open_end(&base, &here);
	char *bytes = bf_zalloc(BIG, 1);

	(void)state;
	there.link = bf_link_new(base, fd, &handler, &there);
	for (unsigned i = 0; i < 10; i++) {
		const struct bf_message message = { .kind = BF_MSG_CHANNEL,
			.channel = { bytes, i == 5 ? BIG : 100 } };

		bytes[0] = (char)i;
		bf_link_send(here.link, &message);
	}
	assert_in_range(bf_link_pending(here.link), BIG, 2 * BIG);
	while (there.messages < 10)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(bf_link_pending(here.link), 0);
	assert_int_equal(there.last_size, 100);

	bf_link_free(&here.link);
	while (!there.closed)
		event_base_loop(base, EVLOOP_ONCE);
	assert_string_equal(there.why, "");
	assert_null(there.link);
	free(bytes);
	event_base_free(base);
}

static void
a_frame_may_come_byte_by_byte(void **state)
{
	struct end end = { 0 };
	struct event_base *base;
	const int fd = open_end(&base, &end);
	struct bf_buf out = { 0 };

	(void)state;
	put_frame(&out, 0, 20);
	put_frame(&out, 1, 20);
	for (size_t i = 0; i < out.size; i++) {
		assert_int_equal(write(fd, out.data + i, 1), 1);
		event_base_loop(base, EVLOOP_ONCE);
		assert_int_equal(end.messages, (i + 1) / (out.size / 2));
	}
	bf_buf_free(&out);
	bf_link_free(&end.link);
	close(fd);
	event_base_free(base);
}

static void
a_paused_link_hands_nothing_out(void **state)
{
	struct end end = { .pause_after = 2 };
	struct event_base *base;
	const int fd = open_end(&base, &end);
	struct bf_buf out = { 0 };

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		put_frame(&out, i, 20);
	assert_int_equal(write(fd, out.data, out.size), out.size);
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(end.messages, 2);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(end.messages, 2);
	bf_link_resume(end.link);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(end.messages, 5);
	bf_buf_free(&out);
	bf_link_free(&end.link);
	close(fd);
	event_base_free(base);
}

static void
a_link_may_be_freed_by_what_it_hands_out(void **state)
{
	struct end end = { .free_at_once = true };
	struct event_base *base;
	const int fd = open_end(&base, &end);
	struct bf_buf out = { 0 };

	(void)state;
	put_frame(&out, 0, 20);
	put_frame(&out, 1, 20);
	assert_int_equal(write(fd, out.data, out.size), out.size);
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(end.messages, 1);
	assert_null(end.link);
	bf_buf_free(&out);
	close(fd);
	event_base_free(base);
}

static void
what_is_no_frame_ends_the_link(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *why;
	} cases[] = {
		{ "\0\0\0\0", 4, "a frame of an impossible length" },
		{ "\xff\xff\xff\xff", 4, "a frame of an impossible length" },
		{ "\x01\0\0\x04", 4, "a frame of an impossible length" },
		{ "\x01\0\0\0\xff", 5, "a message that belfry does not know" },
		{ "\x05\0\0\0\x0d\x01\0\0\0", 9,
		    "a message that belfry does not know" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct end end = { 0 };
		struct event_base *base;
		const int fd = open_end(&base, &end);

		assert_int_equal(write(fd, cases[i].bytes, cases[i].size),
		    cases[i].size);
		event_base_loop(base, EVLOOP_ONCE);
		assert_true(end.closed);
		assert_string_equal(end.why, cases[i].why);
		assert_null(end.link);
		close(fd);
		event_base_free(base);
	}
}

/* ---- control sockets ---- */

static void
control_carries_numbers_and_a_descriptor(void **state)
{
	const struct bf_control sent = { BF_CONTROL_LINK, 4711, INT64_MIN,
		STDERR_FILENO };
	struct bf_control got;
	struct stat here, there;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(bf_control_send(pair[0], &sent), 0);
	assert_int_equal(bf_control_receive(pair[1], &got), 1);
	assert_int_equal(got.kind, BF_CONTROL_LINK);
	assert_int_equal(got.pid, 4711);
	assert_int_equal(got.number, INT64_MIN);
	/* A descriptor of its own, for the same thing, not to be inherited. */
	assert_int_not_equal(got.fd, STDERR_FILENO);
	assert_true(fcntl(got.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(STDERR_FILENO, &here), 0);
	assert_int_equal(fstat(got.fd, &there), 0);
	assert_int_equal(here.st_ino, there.st_ino);
	close(got.fd);

	assert_int_equal(bf_control_send(pair[1],
			     &(struct bf_control){ .kind = BF_CONTROL_READY,
				 .fd = -1 }),
	    0);
	assert_int_equal(bf_control_receive(pair[0], &got), 1);
	assert_int_equal(got.kind, BF_CONTROL_READY);
	assert_int_equal(got.fd, -1);
	close(pair[0]);
	close(pair[1]);
}

/* Of two, for which there is room in front of the end of a packet, the second
 * has nobody who would close it. */
static void
control_keeps_no_descriptor_that_it_does_not_hand_out(void **state)
{
	const int fds[] = { STDERR_FILENO, STDERR_FILENO };
	int64_t packet[3] = { BF_CONTROL_LINK, 1, 2 };
	struct iovec part = { packet, sizeof(packet) };
	char ancillary[CMSG_SPACE(sizeof(fds))] = { 0 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary,
		.msg_controllen = sizeof(ancillary) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	struct bf_control got;
	int pair[2], before;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	before = lowest_free();
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(head), fds, sizeof(fds));
	assert_int_equal(sendmsg(pair[0], &message, 0), sizeof(packet));
	assert_int_equal(bf_control_receive(pair[1], &got), 1);
	assert_int_not_equal(got.fd, -1);
	close(got.fd);
	assert_int_equal(lowest_free(), before);
	close(pair[0]);
	close(pair[1]);
}

static void
control_tells_nothing_from_the_end(void **state)
{
	struct bf_control got;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
			     pair),
	    0);
	assert_int_equal(bf_control_receive(pair[1], &got), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(send(pair[0], "short", 5, 0), 5);
	assert_int_equal(bf_control_receive(pair[1], &got), -1);
	assert_int_equal(errno, EPROTO);
	close(pair[0]);
	assert_int_equal(bf_control_receive(pair[1], &got), 0);
	assert_int_equal(bf_control_send(pair[1],
			     &(struct bf_control){ .kind = BF_CONTROL_READY,
				 .fd = -1 }),
	    -1);
	assert_int_equal(errno, EPIPE);
	close(pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_in_order_however_large),
		cmocka_unit_test(a_frame_may_come_byte_by_byte),
		cmocka_unit_test(a_paused_link_hands_nothing_out),
		cmocka_unit_test(a_link_may_be_freed_by_what_it_hands_out),
		cmocka_unit_test(what_is_no_frame_ends_the_link),
		cmocka_unit_test(control_carries_numbers_and_a_descriptor),
		cmocka_unit_test(
		    control_keeps_no_descriptor_that_it_does_not_hand_out),
		cmocka_unit_test(control_tells_nothing_from_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
