/*
 * control.c - what the master and its children say to one another
 *
 * Both ends are the same program, or two versions of it across a binary
 * upgrade: the message is three integers and does not change.
 */
#include "core/wire/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct packet {
	int64_t kind;
	int64_t pid;
	int64_t number;
};

union ancillary {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int
bf_control_send(int socket, const struct bf_control *control)
{
	struct packet packet = { control->kind, control->pid, control->number };
	struct iovec part = { &packet, sizeof(packet) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union ancillary ancillary = { .bytes = { 0 } };
	ssize_t sent;

	if (control->fd != -1) {
		struct cmsghdr *head;

		message.msg_control = ancillary.bytes;
		message.msg_controllen = sizeof(ancillary.bytes);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &control->fd, sizeof(int));
	}
	do {
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	} while (sent == -1 && errno == EINTR);
	return sent == (ssize_t)sizeof(packet) ? 0 : -1;
}

/* The first descriptor that came with the message, or -1; others, for which
 * there is room where the kernel rounds up, are closed. */
static int
received_fd(struct msghdr *message)
{
	int found = -1;

	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
	     head = CMSG_NXTHDR(message, head)) {
		const size_t size = head->cmsg_len - CMSG_LEN(0);

		if (head->cmsg_level != SOL_SOCKET ||
		    head->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < size / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(fd),
			    sizeof(fd));
			if (found == -1)
				found = fd;
			else
				close(fd);
		}
	}
	return found;
}

int
bf_control_receive(int socket, struct bf_control *control)
{
	struct packet packet;
	struct iovec part = { &packet, sizeof(packet) };
	union ancillary ancillary;
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof(ancillary.bytes) };
	ssize_t got;

	do {
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (got == -1 && errno == EINTR);
	if (got <= 0)
		return got == -1 ? -1 : 0;
	control->fd = received_fd(&message);
	if (got != (ssize_t)sizeof(packet)) {
		if (control->fd != -1)
			close(control->fd);
		errno = EPROTO;
		return -1;
	}
	control->kind = (enum bf_control_kind)packet.kind;
	control->pid = packet.pid;
	control->number = packet.number;
	return 1;
}
