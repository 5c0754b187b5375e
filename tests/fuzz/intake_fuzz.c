/*
 * intake_fuzz.c - an intake with a scheduler that is hostile
 *
 * Clients are honest. The first byte says what the scheduler sends:
 *
 *   s  messages, each a byte that names it and its fields, between what clients
 *      ask, a letter each: see send_one
 *   f  frames, each after two bytes of its length, while clients wait
 *   F  the same, but bytes as they are
 *
 * Whatever was sent, clients that got an answer got one in the form of HTTP,
 * and the intake still serves.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "tests/fuzz/lone.h"

#define CLIENTS_MOST 8
#define HEAR_MS 20      /* before a question that is held back is left */
#define ANSWER_MS 20000 /* before an answer, or a question, is missed */
#define HEAD                                                                   \
	" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " STAGE_INGEST "\r\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *next;
	size_t left;
	int clients[CLIENTS_MOST];
	unsigned count;
};

static const char post[] =
    "POST /v1/events" HEAD "Content-Type: application/json\r\n"
    "Content-Length: 39\r\n\r\n"
    "{\"event\":\"deploy_failed\",\"subject\":\"s\"}";
static const char batch[] =
    "POST /v1/events" HEAD "Content-Type: application/x-ndjson\r\n"
    "Content-Length: 80\r\n\r\n"
    "{\"event\":\"deploy_failed\",\"subject\":\"s\"}\n"
    "{\"event\":\"deploy_failed\",\"subject\":\"t\"}\n";
static const char channels[] = "GET /v1/channels" HEAD "\r\n";
static const char stats[] = "GET /v1/stats" HEAD "\r\n";
static const char sign_in[] =
    "POST /v1/session HTTP/1.1\r\nHost: x\r\n"
    "Content-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    "{\"user\":\"ada\",\"password\":\"pw\"}";
static const char stream[] = "GET /v1/deliveries/stream" HEAD "\r\n";
static const char list[] = "GET /v1/deliveries" HEAD "\r\n";

static uint8_t
take(struct script *script)
{
	if (script->left == 0)
		return 0;
	script->left--;
	return *script->next++;
}

/* What a hostile one writes where text is expected. */
static char *
text_of(uint8_t which)
{
	static const char *const texts[] = { NULL, "", "{}", "[", "null",
		"{\"a\":\"\\u0000\"}", "\r\nX: y", "\xff",
		"{\"version\":\"1\\r\\nX: y\",\"detail\":5,\"events\":[1]}",
		"{\"user\":5}", "{\"items\":[{}],\"next\":5}" };
	const size_t count = sizeof(texts) / sizeof(*texts);

	return (char *)texts[which % count];
}

static bool
is_readable(int fd, int ms)
{
	struct pollfd one = { fd, POLLIN, 0 };
	int got;

	while ((got = poll(&one, 1, ms)) == -1 && errno == EINTR)
		continue;
	return got == 1;
}

/* ---- clients ---- */

/* A request of one client more; -1: there are enough. */
static int
ask(const struct lone *lone, struct script *script, const char *request)
{
	int fd;

	if (script->count == CLIENTS_MOST)
		return -1;
	fd = lone_connect(lone);
	script->clients[script->count++] = fd;
	(void)send(fd, request, strlen(request), MSG_NOSIGNAL);
	return fd;
}

/* Waits until the intake has asked the scheduler, or answered the client. */
static void
hear(struct lone *lone, int client)
{
	struct pollfd both[] = { { lone->scheduler.fd, POLLIN, 0 },
		{ client, POLLIN, 0 } };

	while (poll(both, 2, HEAR_MS) == -1 && errno == EINTR)
		continue;
	if (both[0].revents == 0)
		return;
	(void)line_read(&lone->scheduler);
	bf_buf_clear(&lone->scheduler.in);
}

/* Looks at what a client has, if it is something. */
static void
check_answer(int fd)
{
	char answer[4096];
	ssize_t got = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);

	close(fd);
	if (got <= 0)
		return;
	answer[got] = '\0';
	if (got < 12 || strncmp(answer, "HTTP/1.1 ", 9) != 0 ||
	    !strstr(answer, "\r\n\r\n") || strstr(answer, "\r\nX: y")) {
		fprintf(stderr, "an answer that is none: %s\n", answer);
		abort();
	}
}

static void
still_serves(const struct lone *lone)
{
	static const char request[] =
	    "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	const int fd = lone_connect(lone);
	char answer[16] = "";

	(void)send(fd, request, strlen(request), MSG_NOSIGNAL);
	if (!is_readable(fd, ANSWER_MS) ||
	    recv(fd, answer, sizeof(answer) - 1, 0) <= 0 ||
	    strncmp(answer, "HTTP/1.1 ", 9) != 0) {
		fprintf(stderr, "the intake does not serve: %s\n", answer);
		abort();
	}
	close(fd);
}

/* ---- the scheduler ---- */

static void
accept_event(const struct lone *lone, struct script *script)
{
	struct bf_message message = { .kind = BF_MSG_ACCEPTED };
	struct bf_msg_accepted *accepted = &message.accepted;
	struct bf_accepted_delivery deliveries[4];

	accepted->token = take(script) % (CLIENTS_MOST + 1);
	accepted->result = take(script) % (BF_ACCEPT_TENANT + 1);
	accepted->event = take(script);
	accepted->reason = text_of(take(script));
	accepted->wait.ms = (int64_t)take(script) << 52 | take(script);
	accepted->deliveries = deliveries;
	accepted->count = take(script) % 5;
	for (size_t i = 0; i < accepted->count; i++) {
		deliveries[i].channel = (uint32_t)i << 30;
		deliveries[i].name = text_of((uint8_t)(i + 1));
	}
	line_send(&lone->scheduler, &message);
}

static void
reply(const struct lone *lone, struct script *script)
{
	struct bf_message message = { .kind = BF_MSG_REPLY };

	message.reply.token = take(script) % (CLIENTS_MOST + 1);
	message.reply.status = take(script) * 4u;
	message.reply.body = text_of(take(script));
	if (!message.reply.body)
		message.reply.body = (char *)"";
	line_send(&lone->scheduler, &message);
}

static void
notice(const struct lone *lone, struct script *script)
{
	struct bf_message message = { .kind = BF_MSG_NOTICE };

	message.notice.tenant = (char *)(take(script) % 2 ? "main" : "");
	message.notice.body = text_of(take(script) | 1);
	line_send(&lone->scheduler, &message);
}

static void
send_one(struct lone *lone, struct script *script)
{
	static const struct {
		char letter;
		bool asks; /* the scheduler hears of it */
		const char *request;
	} requests[] = {
		{ 'e', true, post },
		{ 'b', true, batch },
		{ 'c', true, channels },
		{ 's', true, stats },
		{ 'i', true, sign_in },
		{ 't', true, stream },
		{ 'l', false, list },
	};
	const uint8_t letter = take(script);
	int client;

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		if (letter != requests[i].letter)
			continue;
		client = ask(lone, script, requests[i].request);
		if (requests[i].asks && client != -1)
			hear(lone, client);
		return;
	}
	if (letter == 'A')
		accept_event(lone, script);
	else if (letter == 'R')
		reply(lone, script);
	else if (letter == 'N')
		notice(lone, script);
	else if (letter == 'F')
		line_send(&lone->scheduler,
		    &(struct bf_message){ .kind = BF_MSG_FLUSH });
	else if (letter == 'W')
		lone_welcome(lone);
}

static void
send_bytes(struct lone *lone, struct script *script, const void *bytes,
    size_t size)
{
	(void)ask(lone, script, post);
	(void)ask(lone, script, channels);
	hear(lone, ask(lone, script, stream));
	(void)send(lone->scheduler.fd, bytes, size, MSG_NOSIGNAL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = { data + 1, size - 1, { 0 }, 0 };
	struct bf_buf framed = { 0 };
	struct lone *lone;

	if (size < 2 || size > 4096 || !strchr("sfF", data[0]))
		return -1;
	signal(SIGPIPE, SIG_IGN);
	lone = lone_new(BF_CHILD_INTAKE, NULL);
	lone_welcome(lone);
	if (data[0] == 's') {
		while (script.left > 0)
			send_one(lone, &script);
	} else if (data[0] == 'f') {
		line_frame(data + 1, size - 1, &framed);
		send_bytes(lone, &script, bf_buf_text(&framed), framed.size);
		bf_buf_free(&framed);
	} else {
		send_bytes(lone, &script, data + 1, size - 1);
	}
	still_serves(lone);
	for (unsigned i = 0; i < script.count; i++)
		check_answer(script.clients[i]);
	lone_free(&lone);
	return 0;
}
