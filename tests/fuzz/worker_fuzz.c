/*
 * worker_fuzz.c - a worker with a scheduler that is hostile
 *
 * The first byte says what the scheduler sends:
 *
 *   s  messages, each a byte that names it and its fields: c CHANNEL (which),
 *      m the same with a byte changed (which, where, what it is xored with),
 *      d DELIVER (channel, attempt, tries, flags), g FORGET (channel), k CHECK
 *   f  frames, each after two bytes of its length
 *   F  the same, but bytes as they are
 *
 * Each delivery of a script has one outcome, with its id, and the worker then
 * still answers; after anything it ends well when its link does. Requests go
 * nowhere: the network is an empty one of the process's own.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/registry/snapshot_wire.h"
#include "core/wire/codec.h"
#include "tests/fuzz/lone.h"

#define DELIVERIES_MOST 32 /* of a script */
#define CHANNELS 2
#define LAST_TOKEN 77

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *next;
	size_t left;
	unsigned sent; /* deliveries */
	bool ended[DELIVERIES_MOST];
};

static void
write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd == -1)
		return;
	if (write(fd, text, strlen(text)) == -1)
		fprintf(stderr, "%s can't be written\n", path);
	close(fd);
}

/* A network with nobody in it, for root or for whoever may be root there. */
static bool
leave_network(void)
{
	const unsigned uid = getuid();
	char *map;

	if (unshare(CLONE_NEWNET) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return false;
	map = bf_strf("%u %u 1", uid, uid);
	write_text("/proc/self/uid_map", map);
	free(map);
	return true;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	if (!leave_network()) {
		fprintf(stderr, "worker_fuzz: no network of its own can be "
				"had; not run\n");
		exit(EXIT_SUCCESS);
	}
	return 0;
}

static uint8_t
take(struct script *script)
{
	if (script->left == 0)
		return 0;
	script->left--;
	return *script->next++;
}

static void
send_channel(const struct lone *lone, enum bf_message_kind kind, uint8_t which,
    uint8_t at, uint8_t xor)
{
	struct bf_channel *channel =
	    &lone->snapshot->channels[which % CHANNELS];
	struct bf_buf bytes = { 0 };
	struct bf_message message = { .kind = kind };

	channel->number = which % CHANNELS + 1;
	bf_channel_encode(channel, &bytes);
	bytes.data[at % bytes.size] ^= (char)xor;
	if (kind == BF_MSG_CHECK)
		message.check =
		    (struct bf_msg_check){ LAST_TOKEN, bytes.data, bytes.size };
	else
		message.channel =
		    (struct bf_msg_channel){ bytes.data, bytes.size };
	line_send(&lone->scheduler, &message);
	bf_buf_free(&bytes);
}

/* The id of an event says which delivery of the script it is. */
static void
send_delivery(const struct lone *lone, struct script *script)
{
	struct bf_buf json = { 0 };
	struct bf_message message = { .kind = BF_MSG_DELIVER };
	struct bf_msg_deliver *deliver = &message.deliver;
	uint8_t flags;

	if (script->sent == DELIVERIES_MOST)
		return;
	deliver->id.event = ++script->sent;
	deliver->id.channel = take(script) % (CHANNELS + 2);
	deliver->attempt = take(script);
	deliver->tries = take(script);
	flags = take(script);
	deliver->test = flags & 1;
	bf_buf_add_text(&json, flags & 2
				   ? "{}"
				   : "{\"body\":\"<p>b\",\"subject\":\"s\""
				     "}");
	deliver->event = bf_event_new(deliver->id.event, "deploy_failed",
	    flags & 4 ? "" : "deployment", BF_SEVERITY_ERROR, "main",
	    flags * INT64_C(1000000000000), &json);
	line_send(&lone->scheduler, &message);
	bf_event_unref(&deliver->event);
}

static void
send_one(const struct lone *lone, struct script *script)
{
	uint8_t which, at;

	switch (take(script)) {
	case 'c':
		send_channel(lone, BF_MSG_CHANNEL, take(script), 0, 0);
		break;
	case 'm':
		which = take(script);
		at = take(script);
		send_channel(lone, BF_MSG_CHANNEL, which, at, take(script));
		break;
	case 'd':
		send_delivery(lone, script);
		break;
	case 'g':
		line_send(&lone->scheduler,
		    &(struct bf_message){ .kind = BF_MSG_FORGET,
			.forget = { take(script) % (CHANNELS + 2) } });
		break;
	case 'k':
		send_channel(lone, BF_MSG_CHECK, take(script), 0, 0);
		break;
	default:
		break;
	}
}

static void
take_outcome(struct script *script, const struct bf_msg_outcome *outcome)
{
	const uint64_t n = outcome->id.event;

	if (n == 0 || n > script->sent || script->ended[n - 1])
		abort();
	script->ended[n - 1] = true;
}

/* Sends all, asks one thing more, and waits for what is to come. */
static void
play(struct lone *lone, struct script *script)
{
	struct bf_message message;
	unsigned waiting;
	bool answered = false;

	while (script->left > 0)
		send_one(lone, script);
	send_channel(lone, BF_MSG_CHECK, 0, 0, 0);
	waiting = script->sent;
	while (waiting > 0 || !answered) {
		if (!line_read(&lone->scheduler))
			abort();
		while (line_next(&lone->scheduler, &message)) {
			if (message.kind == BF_MSG_OUTCOME) {
				take_outcome(script, &message.outcome);
				waiting--;
			} else if (message.kind == BF_MSG_CHECKED) {
				answered = true;
			}
			bf_message_clear(&message);
		}
	}
}

/* Sends bytes, and reads until the worker closes its end. */
static void
be_hostile(struct lone *lone, const void *bytes, size_t size)
{
	(void)send(lone->scheduler.fd, bytes, size, MSG_NOSIGNAL);
	shutdown(lone->scheduler.fd, SHUT_WR);
	while (line_read(&lone->scheduler))
		bf_buf_clear(&lone->scheduler.in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = { data + 1, size - 1, 0, { false } };
	struct bf_buf framed = { 0 };
	struct lone *lone;

	if (size < 2 || !strchr("sfF", data[0]))
		return -1;
	lone = lone_new(BF_CHILD_WORKER, NULL);
	if (data[0] == 's') {
		play(lone, &script);
	} else if (data[0] == 'f') {
		line_frame(data + 1, size - 1, &framed);
		be_hostile(lone, bf_buf_text(&framed), framed.size);
		bf_buf_free(&framed);
	} else {
		be_hostile(lone, data + 1, size - 1);
	}
	lone_free(&lone);
	return 0;
}
