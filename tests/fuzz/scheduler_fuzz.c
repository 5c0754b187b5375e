/*
 * scheduler_fuzz.c - a scheduler with an intake and a worker that are hostile
 *
 * The first byte says who talks to it, over a link of its own:
 *
 *   c    an intake that sends commands: lines of a verb (behind "@" for a
 * caller of one tenant) and its arguments i w  an intake, a worker: frames,
 * each after two bytes of its length I W  the same, but bytes as they are
 *
 * An honest intake and worker have links beside it. Each command gets one
 * answer, a JSON document; and whatever was sent, the scheduler answers others.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "tests/fuzz/stage.h"

#define RUNS_MOST 500   /* with one scheduler: its store grows */
#define LINES_MOST 16   /* commands of an input */
#define ANSWER_MS 20000 /* for an answer, before it is missed */
#define HOSTILE_PID 3

static struct stage *stage;
static struct line intake;
static unsigned runs;
static uint64_t token;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
stop(void)
{
	if (!stage)
		return;
	line_close(&intake);
	stage_free(&stage);
}

static void
start(void)
{
	static bool registered;

	signal(SIGPIPE, SIG_IGN);
	stage = stage_new(false);
	intake = stage_line(stage, BF_CHILD_INTAKE, 1);
	/* After OpenSSL's own, so as to be called before it. */
	if (!registered)
		atexit(stop);
	registered = true;
}

/* ---- the honest intake ---- */

static void
check_answer(const struct bf_msg_reply *reply, const char *verb)
{
	struct bf_error err;
	cJSON *json;

	if (strcmp(verb, "metrics") == 0)
		return;
	json = bf_json_parse(reply->body, strlen(reply->body), &err);
	if (!json) {
		fprintf(stderr, "%s: %s: %s\n", verb, err.text, reply->body);
		abort();
	}
	if (reply->status >= 400 &&
	    !cJSON_GetObjectItemCaseSensitive(json, "detail"))
		abort();
	cJSON_Delete(json);
}

/* Takes what came. Whether the answer was among it. */
static bool
take_messages(const char *verb)
{
	struct bf_message message;
	bool answered = false;

	while (line_next(&intake, &message)) {
		if (message.kind == BF_MSG_REPLY) {
			if (answered || message.reply.token != token)
				abort();
			check_answer(&message.reply, verb);
			answered = true;
		}
		bf_message_clear(&message);
	}
	return answered;
}

/* Waits until this intake, or the hostile one, has something. */
static void
wait_for_more(const char *verb, struct line *hostile, bool *open)
{
	struct pollfd fds[] = { { intake.fd, POLLIN, 0 },
		{ hostile ? hostile->fd : -1, POLLIN, 0 } };
	int count;

	/* libFuzzer's own timer sends signals. */
	while ((count = poll(fds, 2, ANSWER_MS)) == -1 && errno == EINTR)
		continue;
	if (count <= 0) {
		fprintf(stderr, "the scheduler does not answer %s\n", verb);
		abort();
	}
	if (fds[0].revents && !line_read(&intake))
		abort();
	if (fds[1].revents)
		*open = line_read(hostile);
}

static void
command(const char *verb, const char *tenant, const char *arguments)
{
	token++;
	line_send(&intake, &(struct bf_message){ .kind = BF_MSG_COMMAND,
			       .command = { .token = token,
				   .verb = (char *)verb,
				   .tenant = (char *)tenant,
				   .arguments = (char *)arguments,
				   .actor = (char *)"token fuzz",
				   .address = (char *)"unix" } });
	while (!take_messages(verb))
		wait_for_more(verb, NULL, NULL);
}

static void
run_lines(char *text)
{
	char *rest = NULL;
	int count = 0;

	for (char *line = strtok_r(text, "\n", &rest);
	     line && count < LINES_MOST; line = strtok_r(NULL, "\n", &rest)) {
		const bool narrow = *line == '@';
		char *verb = line + narrow;
		char *blank = strchr(verb, ' ');

		if (blank)
			*blank = '\0';
		command(verb, narrow ? "acme" : NULL, blank ? blank + 1 : "{}");
		count++;
	}
}

/* ---- the hostile one ---- */

static void
be_hostile(enum bf_child_kind kind, const void *bytes, size_t size)
{
	struct line line = stage_line(stage, kind, HOSTILE_PID);
	bool open = true;

	(void)send(line.fd, bytes, size, MSG_NOSIGNAL);
	shutdown(line.fd, SHUT_WR);
	while (open) {
		wait_for_more("at the end", &line, &open);
		bf_buf_clear(&line.in);
		take_messages("");
	}
	line_close(&line);
	if (kind == BF_CHILD_WORKER)
		stage_lost(stage, HOSTILE_PID);
}

static void
talk(uint8_t who, const uint8_t *data, size_t size)
{
	const enum bf_child_kind kind =
	    who == 'w' || who == 'W' ? BF_CHILD_WORKER : BF_CHILD_INTAKE;
	struct bf_buf framed = { 0 };
	char *text;

	switch (who) {
	case 'c':
		text = bf_strndup((const char *)data, size);
		run_lines(text);
		free(text);
		break;
	case 'i':
	case 'w':
		line_frame(data, size, &framed);
		be_hostile(kind, bf_buf_text(&framed), framed.size);
		bf_buf_free(&framed);
		break;
	case 'I':
	case 'W':
		be_hostile(kind, data, size);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* No files are made where an input says, nor are passwords hashed. */
	if (size < 2 || memmem(data, size, "backup", 6) ||
	    memmem(data, size, "sign-in", 7))
		return -1;
	if (!stage)
		start();
	talk(data[0], data + 1, size - 1);
	command("ready", NULL, "{}");
	if (++runs % RUNS_MOST == 0)
		stop();
	return 0;
}
