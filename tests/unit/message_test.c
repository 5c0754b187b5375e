/*
 * message_test.c - messages as frames: there and back, cut, mutated
 *
 * Frames are decoded from memory of exactly their size, so that a sanitizer
 * sees a byte read too many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/wire/codec.h"
#include "core/wire/message.h"

#define LENGTH_SIZE 4

static char a[] = "a", text[] = "caf\xc3\xa9 {}", empty[] = "";

static struct bf_event *
make_event(void)
{
	struct bf_buf json = { 0 };

	bf_buf_add_text(&json, "{\"body\":\"\"}");
	return bf_event_new(0x0123456789abcdef, "deploy_failed", "deployment",
	    BF_SEVERITY_ERROR, "acme", -5, &json);
}

/* ---- one message of each kind ---- */

static struct bf_accepted_delivery deliveries[] = { { 1, a }, { 9, text } };

static struct bf_recipient recipients[] = { { a, BF_FAILED, 550, text },
	{ text, BF_RETRY, 0, NULL } };

static const struct bf_message plain[] = {
	{ .kind = BF_MSG_INTAKE_HELLO, .intake_hello = { 1, 254, INT64_MIN } },
	{ .kind = BF_MSG_COMMAND, .command = { UINT64_MAX, a, NULL, text, a, empty } },
	{ .kind = BF_MSG_COMMAND, .command = { 1, a, text, empty, text, a } },
	{ .kind = BF_MSG_WATCH, .watch = { true } },
	{ .kind = BF_MSG_WATCH, .watch = { false } },
	{ .kind = BF_MSG_WELCOME, .welcome = { 1, 77, a, text } },
	{ .kind = BF_MSG_ACCEPTED,
	    .accepted = { 5, BF_ACCEPTED, 6, NULL, { 0 }, deliveries, 2 } },
	{ .kind = BF_MSG_ACCEPTED,
	    .accepted = { 5, BF_ACCEPT_REFUSED, 0, text, { 0 }, NULL, 0 } },
	{ .kind = BF_MSG_ACCEPTED,
	    .accepted = { 5, BF_ACCEPT_RATE, 0, text, { 1500 }, NULL, 0 } },
	{ .kind = BF_MSG_REPLY, .reply = { 1, 200, text } },
	{ .kind = BF_MSG_REPLY, .reply = { 1, 599, empty } },
	{ .kind = BF_MSG_NOTICE, .notice = { a, text } },
	{ .kind = BF_MSG_FLUSH },
	{ .kind = BF_MSG_WORKER_HELLO,
	    .worker_hello = { 1, 4711, empty, 256 } },
	{ .kind = BF_MSG_OUTCOME,
	    .outcome = { .id = { 1, 2 },
		.tries = 3,
		.attempt = { 4, { 5 }, 6, -1, 7, -1, 8, BF_RETRY, 503, text,
		    text, 4, { recipients, 2 } },
		.outcome = BF_RETRY,
		.wait = { 120000 },
		.stop_channel = true,
		.not_before = { 1500 },
		.scope = BF_PAUSE_PLATFORM,
		.alarm = true } },
	{ .kind = BF_MSG_OUTCOME,
	    .outcome = { .test = true,
		.outcome = BF_DELIVERED,
		.transcript = text } },
	{ .kind = BF_MSG_DRAINING },
	{ .kind = BF_MSG_CHANNEL, .channel = { (char *)"a\0b", 3 } },
	{ .kind = BF_MSG_FORGET, .forget = { UINT32_MAX } },
};

#define PLAIN_COUNT (sizeof(plain) / sizeof(*plain))
#define COUNT (PLAIN_COUNT + 3)

/* The frames of all messages, those that hold an event included. */
static void
make_frames(struct bf_buf frames[COUNT])
{
	struct bf_event *event = make_event();
	struct bf_message posted = { .kind = BF_MSG_EVENT,
		.event = { 8, event, NULL, { 0 }, false } };
	const struct bf_message deliver = { .kind = BF_MSG_DELIVER,
		.deliver = { { 1, 2 }, 3, 4, true, event, { recipients, 2 } } };

	for (size_t i = 0; i < COUNT; i++)
		frames[i] = (struct bf_buf){ 0 };
	for (size_t i = 0; i < PLAIN_COUNT; i++)
		bf_message_encode(&plain[i], &frames[i]);
	bf_message_encode(&posted, &frames[PLAIN_COUNT]);
	posted.event.key = text;
	posted.event.resent = true;
	memset(posted.event.digest, 0xd1, sizeof(posted.event.digest));
	bf_message_encode(&posted, &frames[PLAIN_COUNT + 1]);
	bf_message_encode(&deliver, &frames[PLAIN_COUNT + 2]);
	bf_event_unref(&event);
}

static void
free_frames(struct bf_buf frames[COUNT])
{
	for (size_t i = 0; i < COUNT; i++)
		bf_buf_free(&frames[i]);
}

/* Decodes size bytes from memory of that size. */
static int
decode(const char *bytes, size_t size, struct bf_message *message)
{
	char *copy = bf_zalloc(size ? size : 1, 1);
	int result;

	memcpy(copy, bytes, size);
	result = bf_message_decode(copy, size, message);
	free(copy);
	return result;
}

static void
every_message_comes_back_the_same(void **state)
{
	struct bf_buf frames[COUNT];
	struct bf_buf again = { 0 };
	unsigned seen = 0;

	(void)state;
	make_frames(frames);
	for (size_t i = 0; i < COUNT; i++) {
		struct bf_reader reader = { frames[i].data, LENGTH_SIZE,
			false };
		struct bf_message message;

		assert_int_equal(bf_get_u32(&reader),
		    frames[i].size - LENGTH_SIZE);
		assert_int_equal(decode(frames[i].data + LENGTH_SIZE,
				     frames[i].size - LENGTH_SIZE, &message),
		    0);
		seen |= 1u << message.kind;
		bf_buf_clear(&again);
		bf_message_encode(&message, &again);
		assert_int_equal(again.size, frames[i].size);
		assert_memory_equal(again.data, frames[i].data, again.size);
		bf_message_clear(&message);
		assert_int_equal(message.kind, 0);
	}
	assert_int_equal(seen, (2u << BF_MSG_DELIVER) - 2);
	bf_buf_free(&again);
	free_frames(frames);
}

static void
fields_keep_their_values(void **state)
{
	struct bf_buf frames[COUNT];
	struct bf_message message;

	(void)state;
	make_frames(frames);
	decode(frames[14].data + 4, frames[14].size - 4, &message);
	assert_int_equal(message.outcome.id.channel, 2);
	assert_int_equal(message.outcome.attempt.number, 4);
	assert_int_equal(message.outcome.attempt.resolve_us, -1);
	assert_int_equal(message.outcome.attempt.status, 503);
	assert_int_equal(message.outcome.attempt.outcome, BF_RETRY);
	assert_string_equal(message.outcome.attempt.why, text);
	assert_int_equal(message.outcome.attempt.excerpt_size, 4);
	assert_int_equal(message.outcome.wait.ms, 120000);
	assert_true(message.outcome.stop_channel);
	assert_int_equal(message.outcome.not_before.ms, 1500);
	assert_int_equal(message.outcome.scope, BF_PAUSE_PLATFORM);
	assert_true(message.outcome.alarm);
	assert_int_equal(message.outcome.attempt.recipients.count, 2);
	assert_string_equal(message.outcome.attempt.recipients.items[0].reply,
	    text);
	assert_int_equal(message.outcome.attempt.recipients.items[0].outcome,
	    BF_FAILED);
	assert_null(message.outcome.attempt.recipients.items[1].reply);
	assert_null(message.outcome.transcript);
	bf_message_clear(&message);

	decode(frames[PLAIN_COUNT + 1].data + 4,
	    frames[PLAIN_COUNT + 1].size - 4, &message);
	assert_int_equal(message.event.event->id, 0x0123456789abcdef);
	assert_string_equal(message.event.event->type, "deploy_failed");
	assert_int_equal(message.event.event->severity, BF_SEVERITY_ERROR);
	assert_int_equal(message.event.event->timestamp_us, -5);
	assert_string_equal(message.event.event->json.data, "{\"body\":\"\"}");
	assert_string_equal(message.event.key, text);
	assert_int_equal(message.event.digest[31], 0xd1);
	assert_true(message.event.resent);
	bf_message_clear(&message);
	free_frames(frames);
}

static void
frames_cut_anywhere_are_refused(void **state)
{
	struct bf_buf frames[COUNT];

	(void)state;
	make_frames(frames);
	for (size_t i = 0; i < COUNT; i++) {
		const char *inside = frames[i].data + LENGTH_SIZE;
		const size_t size = frames[i].size - LENGTH_SIZE;
		struct bf_message message;

		for (size_t cut = 0; cut < size; cut++)
			assert_int_equal(decode(inside, cut, &message), -1);
		/* One byte more: the NUL behind the buffer's bytes. */
		assert_int_equal(decode(inside, size + 1, &message), -1);
	}
	free_frames(frames);
}

static void
mutated_frames_do_no_harm(void **state)
{
	static const char values[] = { '\0', '\x01', '\x7f', '\x80', '\xff' };
	struct bf_buf frames[COUNT];
	struct bf_buf again = { 0 };

	(void)state;
	make_frames(frames);
	for (size_t i = 0; i < COUNT; i++) {
		for (size_t at = LENGTH_SIZE; at < frames[i].size; at++) {
			const char before = frames[i].data[at];

			for (size_t v = 0; v < sizeof(values); v++) {
				struct bf_message message;

				frames[i].data[at] = values[v];
				if (decode(frames[i].data + LENGTH_SIZE,
					frames[i].size - LENGTH_SIZE,
					&message) == -1)
					continue;
				bf_buf_clear(&again);
				bf_message_encode(&message, &again);
				bf_message_clear(&message);
			}
			frames[i].data[at] = before;
		}
	}
	bf_buf_free(&again);
	free_frames(frames);
}

static void
values_outside_their_range_are_refused(void **state)
{
	static const char *const frames[] = {
		"",
		/* Kinds that are not. */
		"\x00",
		"\x10",
		"\xff",
	};
	struct bf_message message;
	struct bf_buf frame = { 0 };

	(void)state;
	assert_int_equal(decode(frames[0], 0, &message), -1);
	for (size_t i = 1; i < sizeof(frames) / sizeof(*frames); i++)
		assert_int_equal(decode(frames[i], 1, &message), -1);

	/* A verdict, an answer and a severity beyond their enumerations. */
	bf_message_encode(&plain[7], &frame);
	frame.data[LENGTH_SIZE + 9] = BF_ACCEPT_TENANT + 1;
	assert_int_equal(decode(frame.data + 4, frame.size - 4, &message), -1);
	bf_buf_clear(&frame);
	bf_message_encode(&(struct bf_message){ .kind = BF_MSG_REPLY,
			      .reply = { 1, 600, text } },
	    &frame);
	assert_int_equal(decode(frame.data + 4, frame.size - 4, &message), -1);
	bf_buf_clear(&frame);
	bf_message_encode(&(struct bf_message){ .kind = BF_MSG_NOTICE,
			      .notice = { NULL, text } },
	    &frame);
	assert_int_equal(decode(frame.data + 4, frame.size - 4, &message), -1);
	bf_buf_free(&frame);
}

static void
a_count_that_cannot_be_true_is_refused(void **state)
{
	struct bf_message message;
	struct bf_buf frame = { 0 };

	(void)state;
	bf_put_u8(&frame, BF_MSG_ACCEPTED);
	bf_put_u64(&frame, 1);
	bf_put_u8(&frame, BF_ACCEPTED);
	bf_put_u64(&frame, 1);
	bf_put_text(&frame, NULL);
	bf_put_u32(&frame, 0x40000000);
	assert_int_equal(decode(frame.data, frame.size, &message), -1);
	bf_buf_free(&frame);
}

/* ---- values ---- */

static void
a_reader_that_went_bad_stays_bad(void **state)
{
	struct bf_buf out = { 0 };
	struct bf_reader reader;
	size_t size;

	(void)state;
	bf_put_u8(&out, 7);
	bf_put_u32(&out, 100);
	bf_put_u64(&out, 9);
	reader = (struct bf_reader){ out.data, out.size, false };
	assert_int_equal(bf_get_u8(&reader), 7);
	assert_string_equal(bf_get_bytes(&reader, &size), "");
	assert_int_equal(size, 0);
	assert_true(reader.bad);
	assert_int_equal(bf_get_u64(&reader), 0);
	assert_null(bf_get_text(&reader));
	assert_int_equal(bf_get_count(&reader, 1), 0);
	assert_false(bf_reader_done(&reader));
	bf_buf_free(&out);
}

static void
no_text_is_not_the_empty_text(void **state)
{
	struct bf_buf out = { 0 };
	struct bf_reader reader;
	char *copy;

	(void)state;
	bf_put_text(&out, NULL);
	bf_put_text(&out, "");
	bf_put_bytes(&out, "a\0b", 3);
	reader = (struct bf_reader){ out.data, out.size, false };
	assert_null(bf_get_text(&reader));
	copy = bf_get_text(&reader);
	assert_string_equal(copy, "");
	free(copy);
	assert_false(reader.bad);
	assert_null(bf_get_text(&reader));
	assert_true(reader.bad);
	bf_buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_comes_back_the_same),
		cmocka_unit_test(fields_keep_their_values),
		cmocka_unit_test(frames_cut_anywhere_are_refused),
		cmocka_unit_test(mutated_frames_do_no_harm),
		cmocka_unit_test(values_outside_their_range_are_refused),
		cmocka_unit_test(a_count_that_cannot_be_true_is_refused),
		cmocka_unit_test(a_reader_that_went_bad_stays_bad),
		cmocka_unit_test(no_text_is_not_the_empty_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
