/*
 * hostile_test.c - what an intake or a worker says that was taken over
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/stage.h"

#define HONEST_PID 2 /* the stage's own worker */
#define HOSTILE_PID 3

static int
set_up(void **state)
{
	*state = stage_new(false);
	return 0;
}

static int
set_up_with_intake(void **state)
{
	*state = stage_new(true);
	return 0;
}

static int
tear_down(void **state)
{
	struct stage *stage = *state;

	stage_free(&stage);
	return 0;
}

static void
say(const struct line *intake, const char *verb, const char *arguments)
{
	line_send(intake, &(struct bf_message){ .kind = BF_MSG_COMMAND,
			      .command = { .token = 1,
				  .verb = (char *)verb,
				  .arguments = (char *)arguments,
				  .actor = (char *)"token test",
				  .address = (char *)"unix" } });
}

/* Waits for a message of a kind. */
static struct bf_message
hear(struct line *line, enum bf_message_kind kind)
{
	struct bf_message message;

	for (;;) {
		while (line_next(line, &message)) {
			if (message.kind == kind)
				return message;
			bf_message_clear(&message);
		}
		assert_true(line_read(line));
	}
}

static void
commands_that_an_intake_would_not_send_are_refused(void **state)
{
	static const struct {
		const char *verb, *arguments;
		unsigned status;
		const char *says;
	} cases[] = {
		{ "tenant", "{}", 422, "/id" },
		{ "tenant", "{\"id\":5}", 422, "/id" },
		{ "channel-patch", "{\"tenant_id\":\"acme\"}", 422, "/name" },
		{ "sign-out", "{\"everywhere\":true}", 422, "/session" },
		{ "tenant-create", "{\"id\":\"\xff\"}", 400, "UTF-8" },
		{ "channels", "[]", 400, "expected a JSON object" },
		{ "channels", "", 400, "bad-json" },
		{ "nothing", "{}", 404, "unknown-verb" },
	};
	struct line intake = stage_line(*state, BF_CHILD_INTAKE, 1);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bf_message reply;

		say(&intake, cases[i].verb, cases[i].arguments);
		reply = hear(&intake, BF_MSG_REPLY);
		assert_int_equal(reply.reply.status, cases[i].status);
		if (!strstr(reply.reply.body, cases[i].says))
			fail_msg("%s", reply.reply.body);
		bf_message_clear(&reply);
	}
	line_close(&intake);
}

/* One that has named another's number is found all the same when it is gone,
 * and what it has in hand with it. */
static void
a_worker_is_the_one_that_the_master_says(void **state)
{
	struct line intake = stage_line(*state, BF_CHILD_INTAKE, 1);
	struct line worker = stage_line(*state, BF_CHILD_WORKER, HOSTILE_PID);
	struct bf_message message;

	stage_lost(*state, HONEST_PID);
	line_send(&worker, &(struct bf_message){ .kind = BF_MSG_WORKER_HELLO,
			       .worker_hello = { BF_WIRE_VERSION, HONEST_PID,
				   (char *)"", UINT32_MAX } });
	say(&intake, "channel-create",
	    "{\"name\":\"n\",\"module\":\"post\",\"tenant_id\":\"acme\"}");
	message = hear(&worker, BF_MSG_CHECK);
	bf_message_clear(&message);
	line_close(&worker);
	stage_lost(*state, HOSTILE_PID);
	message = hear(&intake, BF_MSG_REPLY);
	assert_int_equal(message.reply.status, 503);
	assert_non_null(strstr(message.reply.body, "not-checked"));
	bf_message_clear(&message);
	line_close(&intake);
}

/* Posts so many events, and waits until they are accepted. */
static void
post(const struct stage *stage, unsigned count)
{
	struct bf_buf request = { 0 };
	const uint64_t before = stage_accepted(stage);
	const int fd = stage_connect(stage, true);
	char answer[64];

	for (unsigned i = 0; i < count; i++)
		bf_buf_add_text(&request,
		    "POST /v1/events HTTP/1.1\r\nHost: x\r\n"
		    "Authorization: Bearer " STAGE_INGEST "\r\n"
		    "Content-Type: application/json\r\n"
		    "Content-Length: 39\r\n\r\n"
		    "{\"event\":\"deploy_failed\",\"subject\":\"s\"}");
	assert_int_equal(write(fd, request.data, request.size), request.size);
	shutdown(fd, SHUT_WR);
	while (read(fd, answer, sizeof(answer)) > 0)
		continue;
	close(fd);
	bf_buf_free(&request);
	assert_int_equal(stage_accepted(stage), before + count);
}

/* Ends the attempt well. */
static void
deliver(const struct line *worker, const struct bf_msg_deliver *message)
{
	line_send(worker, &(struct bf_message){ .kind = BF_MSG_OUTCOME,
			      .outcome = { .id = message->id,
				  .tries = message->tries,
				  .attempt = { .number = (int)message->attempt,
				      .outcome = BF_DELIVERED },
				  .outcome = BF_DELIVERED } });
}

/* One that says that it can take any number gets as many as the conf file
 * allows, and the next one for each that it is done with. */
static void
a_worker_gets_no_more_than_the_conf_file_allows(void **state)
{
	struct line worker = stage_line(*state, BF_CHILD_WORKER, HOSTILE_PID);
	struct line intake = stage_line(*state, BF_CHILD_INTAKE, 1);
	struct bf_message in_hand[STAGE_IN_HAND], message;

	stage_lost(*state, HONEST_PID);
	line_send(&worker, &(struct bf_message){ .kind = BF_MSG_WORKER_HELLO,
			       .worker_hello = { BF_WIRE_VERSION, HOSTILE_PID,
				   (char *)"", UINT32_MAX } });
	/* Two channels get each, and have no more than 16 in hand. */
	post(*state, 32);
	for (unsigned i = 0; i < STAGE_IN_HAND; i++)
		in_hand[i] = hear(&worker, BF_MSG_DELIVER);
	for (unsigned i = 0; i < STAGE_IN_HAND; i++) {
		deliver(&worker, &in_hand[i].deliver);
		bf_message_clear(&in_hand[i]);
		in_hand[i] = hear(&worker, BF_MSG_DELIVER);
	}
	/* When the scheduler has answered, it has sent what it will. */
	for (unsigned i = 0; i < 3; i++) {
		post(*state, 1);
		say(&intake, "ready", "{}");
		message = hear(&intake, BF_MSG_REPLY);
		bf_message_clear(&message);
	}
	shutdown(worker.fd, SHUT_WR);
	while (line_read(&worker))
		continue;
	while (line_next(&worker, &message)) {
		assert_int_not_equal(message.kind, BF_MSG_DELIVER);
		bf_message_clear(&message);
	}
	for (unsigned i = 0; i < STAGE_IN_HAND; i++)
		bf_message_clear(&in_hand[i]);
	line_close(&worker);
	line_close(&intake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    commands_that_an_intake_would_not_send_are_refused, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    a_worker_is_the_one_that_the_master_says, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    a_worker_gets_no_more_than_the_conf_file_allows,
		    set_up_with_intake, tear_down),
	};

	/* An answer that does not come is a failure, not a wait. */
	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
