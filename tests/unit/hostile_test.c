/*
 * hostile_test.c - what an intake or a worker says that was taken over
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
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
	};

	/* An answer that does not come is a failure, not a wait. */
	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
