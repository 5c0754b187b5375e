/*
 * packet_fuzz.c - arbitrary packets, with descriptors, over the sockets between
 * the master, workers and the spawner
 *
 * The first byte says how many descriptors come with the packet. What is taken
 * is a message: sent and received again, it stays the same. Whether it is taken
 * or not, no descriptor stays open that nobody knows.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/wire/control.h"
#include "core/wire/program.h"
#include "tests/unit/descriptors.h"

#define DESCRIPTORS_MOST 6
#define SIZE_MOST 4096 /* bytes of a packet here */

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static int pair[2];

static void
send_packet(const void *bytes, size_t size, size_t count)
{
	int fds[DESCRIPTORS_MOST];
	struct iovec part = { (void *)(uintptr_t)bytes, size };
	_Alignas(struct cmsghdr) char ancillary[CMSG_SPACE(sizeof(fds))];
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	for (size_t i = 0; i < count; i++)
		fds[i] = pair[0];
	if (count > 0) {
		struct cmsghdr *head = (void *)ancillary;

		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(head), fds, count * sizeof(int));
		message.msg_control = ancillary;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	if (sendmsg(pair[0], &message, 0) != (ssize_t)size)
		abort();
}

static void
compare(const struct bf_program_message *a, const struct bf_program_message *b)
{
	assert(a->kind == b->kind && a->id == b->id && a->status == b->status);
	assert(!a->tenant == !b->tenant);
	assert(!a->tenant || strcmp(a->tenant, b->tenant) == 0);
	assert(!a->channel == !b->channel);
	assert(!a->channel || strcmp(a->channel, b->channel) == 0);
	assert(!a->reason == !b->reason);
	assert(!a->reason || strcmp(a->reason, b->reason) == 0);
	assert(a->environment.count == b->environment.count);
	for (size_t i = 0; i < a->environment.count; i++)
		assert(strcmp(a->environment.items[i],
			   b->environment.items[i]) == 0);
	assert((a->fds[0] == -1) == (b->fds[0] == -1));
	assert((a->fds[1] == -1) == (b->fds[1] == -1));
}

static void
receive_program(void)
{
	struct bf_program_message message, again;

	if (bf_program_receive(pair[1], &message) != 1)
		return;
	if (bf_program_send(pair[0], &message) != 0 ||
	    bf_program_receive(pair[1], &again) != 1)
		abort();
	compare(&message, &again);
	bf_program_clear(&again);
	bf_program_clear(&message);
}

static void
receive_control(void)
{
	struct bf_control control, again;

	if (bf_control_receive(pair[1], &control) != 1)
		return;
	if (bf_control_send(pair[0], &control) != 0 ||
	    bf_control_receive(pair[1], &again) != 1)
		abort();
	assert(control.kind == again.kind && control.pid == again.pid &&
	       control.number == again.number);
	assert((control.fd == -1) == (again.fd == -1));
	if (control.fd != -1) {
		close(control.fd);
		close(again.fd);
	}
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	int before;

	if (size < 2 || size > SIZE_MOST)
		return -1;
	if (pair[1] == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		abort();
	before = lowest_free();
	send_packet(bytes + 1, size - 1, bytes[0] % (DESCRIPTORS_MOST + 1));
	receive_program();
	assert(lowest_free() == before);
	send_packet(bytes + 1, size - 1, bytes[0] % (DESCRIPTORS_MOST + 1));
	receive_control();
	assert(lowest_free() == before);
	return 0;
}
