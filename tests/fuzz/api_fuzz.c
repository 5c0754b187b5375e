/*
 * api_fuzz.c - arbitrary bytes as what a client sends to a whole intake
 *
 * The first byte says over which listener: "u" over a Unix socket, where it is
 * an admin, else over TCP. Whatever comes, the answers are HTTP/1.1 with bodies
 * as long as they say, those that are JSON can be read, no token is in them,
 * and the connection ends when the client's end has. Without credentials no
 * event is accepted.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "tests/fuzz/stage.h"

#define RUNS_MOST 2000 /* with one daemon: its store grows */

static struct stage *stage;
static unsigned runs;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
stop(void)
{
	stage_free(&stage);
}

static void
start(void)
{
	static bool registered;

	signal(SIGPIPE, SIG_IGN);
	stage = stage_new(true);
	/* After OpenSSL's own, so as to be called before it. */
	if (!registered)
		atexit(stop);
	registered = true;
}

static void
fail(const char *why, const char *answer)
{
	fprintf(stderr, "%s: %.300s\n", why, answer);
	abort();
}

/* ---- answers ---- */

/* The value of a header in a head that ends with an empty line; NULL. */
static const char *
header(const char *head, const char *end, const char *name)
{
	const size_t length = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line && line < end;
	     line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, length) == 0 &&
		    line[2 + length] == ':')
			return line + 2 + length + 1;
	}
	return NULL;
}

static void
check_head(const char *head, const char *end)
{
	for (const char *c = head; c < end; c++) {
		const bool line_end = c[0] == '\r' && c[1] == '\n';

		if (line_end)
			c++;
		else if ((unsigned char)*c < ' ' || *c == 0x7f)
			fail("a control character in the head", head);
	}
}

static void
check_body(const char *head, const char *end, const char *body, size_t size)
{
	const char *type = header(head, end, "Content-Type");
	struct bf_error err;
	cJSON *json;

	if (size == 0 || !type ||
	    (strncmp(type, " application/json\r", 18) != 0 &&
		strncmp(type, " application/problem+json\r", 26) != 0))
		return;
	json = bf_json_parse(body, size, &err);
	if (!json)
		fail(err.text, head);
	cJSON_Delete(json);
}

/* Checks the first answer; how long it is, 0: it is the last. */
static size_t
check_one(const char *text, size_t size)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = end ? header(text, end, "Content-Length") : NULL;
	const char *type = end ? header(text, end, "Content-Type") : NULL;
	size_t body = 0, left;

	if (strncmp(text, "HTTP/1.1 ", 9) != 0 || !end)
		fail("no answer", text);
	check_head(text, end);
	end += 4;
	left = size - (size_t)(end - text);
	if (type && strncmp(type, " text/event-stream", 18) == 0)
		return 0;
	body = length ? (size_t)strtoul(length, NULL, 10) : 0;
	/* To HEAD there is an answer without its body: only as the last one
	 * can it be told from a body that was cut. */
	if (left == 0 || (left >= 9 && strncmp(end, "HTTP/1.1 ", 9) == 0))
		return size - left;
	if (body > left)
		fail("a body that was cut", text);
	check_body(text, end, end, body);
	return size - left + body;
}

static void
check_answers(const struct bf_buf *answers)
{
	const char *text = bf_buf_text(answers);
	size_t left = answers->size, used;

	while (left > 0 && (used = check_one(text, left)) > 0) {
		text += used;
		left -= used;
	}
}

/* ---- requests ---- */

static bool
streams(const struct bf_buf *answers)
{
	static const char type[] = "\r\nContent-Type: text/event-stream\r\n";

	return answers->size > 0 &&
	       memmem(answers->data, answers->size, type, strlen(type));
}

/* Sends it all, then reads until the intake closes, or streams. */
static void
ask(int fd, const uint8_t *data, size_t size, struct bf_buf *answers)
{
	const size_t room = 65536;
	ssize_t got;

	(void)send(fd, data, size, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (!streams(answers)) {
		char *space = bf_buf_reserve(answers, room + 1);

		while ((got = read(fd, space, room)) == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		answers->size += (size_t)got;
		answers->data[answers->size] = '\0';
	}
}

static bool
has(const void *data, size_t size, const char *text)
{
	return size > 0 && memmem(data, size, text, strlen(text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bf_buf answers = { 0 };
	uint64_t accepted;
	bool trusted, known;
	int fd;

	/* No files are made where an input says. */
	if (size < 2 || has(data, size, "backup"))
		return -1;
	if (!stage)
		start();
	trusted = data[0] == 'u';
	known = has(data, size, STAGE_INGEST) ||
		has(data, size, STAGE_MANAGE) || has(data, size, STAGE_SESSION);
	accepted = stage_accepted(stage);
	fd = stage_connect(stage, trusted);
	ask(fd, data + 1, size - 1, &answers);
	close(fd);
	if (answers.size > 0)
		check_answers(&answers);
	if (!known && (has(answers.data, answers.size, STAGE_INGEST) ||
			  has(answers.data, answers.size, STAGE_MANAGE)))
		fail("a token", answers.data);
	if (!trusted && !known && stage_accepted(stage) != accepted)
		fail("an event of a stranger", answers.data);
	bf_buf_free(&answers);
	if (++runs % RUNS_MOST == 0)
		stop();
	return 0;
}
