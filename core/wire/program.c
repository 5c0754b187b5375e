/*
 * program.c - what workers and the spawner say to one another
 */
#include "core/wire/program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/wire/codec.h"

union ancillary {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(2 * sizeof(int))];
};

static void
encode(const struct bf_program_message *message, struct bf_buf *out)
{
	bf_put_u8(out, (uint8_t)message->kind);
	bf_put_u64(out, message->id);
	bf_put_text(out, message->tenant);
	bf_put_text(out, message->channel);
	bf_put_u32(out, (uint32_t)message->environment.count);
	for (size_t i = 0; i < message->environment.count; i++)
		bf_put_text(out, message->environment.items[i]);
	bf_put_u32(out, (uint32_t)message->status);
	bf_put_text(out, message->reason);
}

static int
decode(const char *bytes, size_t size, struct bf_program_message *message)
{
	struct bf_reader reader = { bytes, size, false };
	uint32_t count;

	*message = (struct bf_program_message){ .fds = { -1, -1 } };
	message->kind = (enum bf_program_kind)bf_get_u8(&reader);
	message->id = bf_get_u64(&reader);
	message->tenant = bf_get_text(&reader);
	message->channel = bf_get_text(&reader);
	count = bf_get_count(&reader, sizeof(uint32_t));
	for (uint32_t i = 0; i < count && !reader.bad; i++) {
		char *pair = bf_get_text(&reader);

		if (pair)
			bf_strings_add(&message->environment, pair);
		free(pair);
	}
	message->status = (int)bf_get_u32(&reader);
	message->reason = bf_get_text(&reader);
	if (bf_reader_done(&reader) && message->kind >= BF_PROGRAM_START &&
	    message->kind <= BF_PROGRAM_REFUSED)
		return 0;
	bf_program_clear(message);
	return -1;
}

int
bf_program_send(int socket, const struct bf_program_message *message)
{
	struct bf_buf bytes = { 0 };
	struct iovec part;
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union ancillary ancillary = { .bytes = { 0 } };
	ssize_t sent = -1;

	encode(message, &bytes);
	part = (struct iovec){ bytes.data, bytes.size };
	if (message->fds[0] != -1) {
		struct cmsghdr *head;

		header.msg_control = ancillary.bytes;
		header.msg_controllen = sizeof(ancillary.bytes);
		head = CMSG_FIRSTHDR(&header);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(message->fds));
		memcpy(CMSG_DATA(head), message->fds, sizeof(message->fds));
	}
	errno = EMSGSIZE;
	if (bytes.size <= BF_PROGRAM_MESSAGE_MAX) {
		do {
			sent = sendmsg(socket, &header,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		} while (sent == -1 && errno == EINTR);
	}
	bf_buf_wipe(&bytes);
	return sent == -1 ? -1 : 0;
}

/* Takes over the two descriptors that came with a message; whatever else came
 * is closed. */
static void
take_fds(struct msghdr *header, int fds[2])
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(header); head;
	     head = CMSG_NXTHDR(header, head)) {
		const size_t size = head->cmsg_len - CMSG_LEN(0);
		const size_t count = size / sizeof(int);

		if (head->cmsg_level != SOL_SOCKET ||
		    head->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(fd),
			    sizeof(fd));
			if (count == 2 && fds[i] == -1)
				fds[i] = fd;
			else
				close(fd);
		}
	}
}

int
bf_program_receive(int socket, struct bf_program_message *message)
{
	char *bytes = bf_zalloc(1, BF_PROGRAM_MESSAGE_MAX);
	struct iovec part = { bytes, BF_PROGRAM_MESSAGE_MAX };
	union ancillary ancillary;
	struct msghdr header = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof(ancillary.bytes) };
	int fds[2] = { -1, -1 };
	ssize_t got;
	int result = -1;

	do {
		got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (got == -1 && errno == EINTR);
	if (got > 0) {
		take_fds(&header, fds);
		if (decode(bytes, (size_t)got, message) == 0) {
			memcpy(message->fds, fds, sizeof(fds));
			result = 1;
		} else {
			for (int i = 0; i < 2; i++) {
				if (fds[i] != -1)
					close(fds[i]);
			}
			errno = EPROTO;
		}
		explicit_bzero(bytes, (size_t)got);
	}
	free(bytes);
	return got == 0 ? 0 : result;
}

void
bf_program_clear(struct bf_program_message *message)
{
	free(message->tenant);
	free(message->channel);
	free(message->reason);
	for (size_t i = 0; i < message->environment.count; i++)
		explicit_bzero(message->environment.items[i],
		    strlen(message->environment.items[i]));
	bf_strings_free(&message->environment);
	for (int i = 0; i < 2; i++) {
		if (message->fds[i] != -1)
			close(message->fds[i]);
	}
	*message = (struct bf_program_message){ .fds = { -1, -1 } };
}
