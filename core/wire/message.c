/*
 * message.c - messages between belfry's processes, as frames
 *
 * A row of the table for each kind: how its fields are written, read and
 * freed.
 */
#include "core/wire/message.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/wire/codec.h"
#include "core/wire/values.h"

/* ---- intake to scheduler ---- */

static void
put_intake_hello(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u32(out, message->intake_hello.version);
	bf_put_u32(out, message->intake_hello.slot);
	bf_put_i64(out, message->intake_hello.pid);
}

static void
get_intake_hello(struct bf_reader *reader, struct bf_message *message)
{
	message->intake_hello.version = bf_get_u32(reader);
	message->intake_hello.slot = bf_get_u32(reader);
	message->intake_hello.pid = bf_get_i64(reader);
}

static void
put_posted(struct bf_buf *out, const struct bf_message *message)
{
	const struct bf_msg_event *posted = &message->event;

	bf_put_u64(out, posted->token);
	bf_put_event(out, posted->event);
	bf_put_text(out, posted->key);
	if (posted->key)
		bf_buf_add(out, posted->digest, sizeof(posted->digest));
	bf_put_u8(out, posted->resent);
}

static void
get_posted(struct bf_reader *reader, struct bf_message *message)
{
	struct bf_msg_event *posted = &message->event;

	posted->token = bf_get_u64(reader);
	posted->event = bf_get_event(reader);
	posted->key = bf_get_text(reader);
	for (size_t i = 0; posted->key && i < sizeof(posted->digest); i++)
		posted->digest[i] = bf_get_u8(reader);
	posted->resent = bf_get_u8(reader) != 0;
}

static void
clear_posted(struct bf_message *message)
{
	bf_event_unref(&message->event.event);
	free(message->event.key);
}

static void
put_command(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u64(out, message->command.token);
	bf_put_text(out, message->command.verb);
	bf_put_text(out, message->command.tenant);
	bf_put_text(out, message->command.arguments);
	bf_put_text(out, message->command.actor);
	bf_put_text(out, message->command.address);
}

static void
get_command(struct bf_reader *reader, struct bf_message *message)
{
	message->command.token = bf_get_u64(reader);
	message->command.verb = bf_get_text(reader);
	message->command.tenant = bf_get_text(reader);
	message->command.arguments = bf_get_text(reader);
	message->command.actor = bf_get_text(reader);
	message->command.address = bf_get_text(reader);
	if (!message->command.verb || !message->command.arguments ||
	    !message->command.actor || !message->command.address)
		reader->bad = true;
}

static void
clear_command(struct bf_message *message)
{
	free(message->command.verb);
	free(message->command.tenant);
	free(message->command.arguments);
	free(message->command.actor);
	free(message->command.address);
}

static void
put_watch(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u8(out, message->watch.on);
}

static void
get_watch(struct bf_reader *reader, struct bf_message *message)
{
	message->watch.on = bf_get_u8(reader) != 0;
}

/* ---- scheduler to intake ---- */

static void
put_welcome(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u32(out, message->welcome.version);
	bf_put_u64(out, message->welcome.floor);
	bf_put_text(out, message->welcome.default_tenant);
	bf_put_text(out, message->welcome.state_dir);
}

static void
get_welcome(struct bf_reader *reader, struct bf_message *message)
{
	message->welcome.version = bf_get_u32(reader);
	message->welcome.floor = bf_get_u64(reader);
	message->welcome.default_tenant = bf_get_text(reader);
	message->welcome.state_dir = bf_get_text(reader);
	if (!message->welcome.default_tenant || !message->welcome.state_dir)
		reader->bad = true;
}

static void
clear_welcome(struct bf_message *message)
{
	free(message->welcome.default_tenant);
	free(message->welcome.state_dir);
}

static void
put_accepted(struct bf_buf *out, const struct bf_message *message)
{
	const struct bf_msg_accepted *accepted = &message->accepted;

	bf_put_u64(out, accepted->token);
	bf_put_u8(out, (uint8_t)accepted->result);
	bf_put_u64(out, accepted->event);
	bf_put_text(out, accepted->reason);
	bf_put_i64(out, accepted->wait.ms);
	bf_put_u32(out, (uint32_t)accepted->count);
	for (size_t i = 0; i < accepted->count; i++) {
		bf_put_u32(out, accepted->deliveries[i].channel);
		bf_put_text(out, accepted->deliveries[i].name);
	}
}

static void
get_accepted(struct bf_reader *reader, struct bf_message *message)
{
	struct bf_msg_accepted *accepted = &message->accepted;
	uint8_t result;

	accepted->token = bf_get_u64(reader);
	result = bf_get_u8(reader);
	if (result > BF_ACCEPT_TENANT)
		reader->bad = true;
	accepted->result = (enum bf_accept)result;
	accepted->event = bf_get_u64(reader);
	accepted->reason = bf_get_text(reader);
	accepted->wait.ms = bf_get_i64(reader);
	accepted->count = bf_get_count(reader, 8);
	accepted->deliveries =
	    bf_zalloc(accepted->count, sizeof(*accepted->deliveries));
	for (size_t i = 0; i < accepted->count; i++) {
		accepted->deliveries[i].channel = bf_get_u32(reader);
		accepted->deliveries[i].name = bf_get_text(reader);
		if (!accepted->deliveries[i].name)
			reader->bad = true;
	}
}

static void
clear_accepted(struct bf_message *message)
{
	free(message->accepted.reason);
	for (size_t i = 0; i < message->accepted.count; i++)
		free(message->accepted.deliveries[i].name);
	free(message->accepted.deliveries);
}

static void
put_reply(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u64(out, message->reply.token);
	bf_put_u32(out, message->reply.status);
	bf_put_text(out, message->reply.body);
}

static void
get_reply(struct bf_reader *reader, struct bf_message *message)
{
	message->reply.token = bf_get_u64(reader);
	message->reply.status = bf_get_u32(reader);
	message->reply.body = bf_get_text(reader);
	if (!message->reply.body || message->reply.status < 200 ||
	    message->reply.status > 599)
		reader->bad = true;
}

static void
clear_reply(struct bf_message *message)
{
	free(message->reply.body);
}

static void
put_notice(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_text(out, message->notice.tenant);
	bf_put_text(out, message->notice.body);
}

static void
get_notice(struct bf_reader *reader, struct bf_message *message)
{
	message->notice.tenant = bf_get_text(reader);
	message->notice.body = bf_get_text(reader);
	if (!message->notice.tenant || !message->notice.body)
		reader->bad = true;
}

static void
clear_notice(struct bf_message *message)
{
	free(message->notice.tenant);
	free(message->notice.body);
}

/* ---- worker to scheduler ---- */

static void
put_worker_hello(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u32(out, message->worker_hello.version);
	bf_put_i64(out, message->worker_hello.pid);
	bf_put_text(out, message->worker_hello.group);
	bf_put_u32(out, message->worker_hello.credit);
}

static void
get_worker_hello(struct bf_reader *reader, struct bf_message *message)
{
	message->worker_hello.version = bf_get_u32(reader);
	message->worker_hello.pid = bf_get_i64(reader);
	message->worker_hello.group = bf_get_text(reader);
	message->worker_hello.credit = bf_get_u32(reader);
	if (!message->worker_hello.group)
		reader->bad = true;
}

static void
clear_worker_hello(struct bf_message *message)
{
	free(message->worker_hello.group);
}

static void
put_outcome(struct bf_buf *out, const struct bf_message *message)
{
	const struct bf_msg_outcome *outcome = &message->outcome;

	bf_put_delivery_id(out, outcome->id);
	bf_put_u32(out, outcome->tries);
	bf_put_u8(out, outcome->test);
	bf_put_attempt(out, &outcome->attempt);
	bf_put_u8(out, (uint8_t)outcome->outcome);
	bf_put_i64(out, outcome->wait.ms);
	bf_put_u8(out, outcome->stop_channel);
	bf_put_i64(out, outcome->not_before.ms);
	bf_put_u8(out, (uint8_t)outcome->scope);
	bf_put_u8(out, outcome->alarm);
	bf_put_text(out, outcome->transcript);
}

static void
get_outcome(struct bf_reader *reader, struct bf_message *message)
{
	struct bf_msg_outcome *outcome = &message->outcome;
	uint8_t verdict, scope;

	outcome->id = bf_get_delivery_id(reader);
	outcome->tries = bf_get_u32(reader);
	outcome->test = bf_get_u8(reader) != 0;
	bf_get_attempt(reader, &outcome->attempt);
	verdict = bf_get_u8(reader);
	if (verdict > BF_FAILED)
		reader->bad = true;
	outcome->outcome = (enum bf_outcome)verdict;
	outcome->attempt.outcome = verdict;
	outcome->wait.ms = bf_get_i64(reader);
	outcome->stop_channel = bf_get_u8(reader) != 0;
	outcome->not_before.ms = bf_get_i64(reader);
	scope = bf_get_u8(reader);
	if (scope > BF_PAUSE_PLATFORM)
		reader->bad = true;
	outcome->scope = (enum bf_pause_scope)scope;
	outcome->alarm = bf_get_u8(reader) != 0;
	outcome->transcript = bf_get_text(reader);
}

static void
clear_outcome(struct bf_message *message)
{
	bf_attempt_clear(&message->outcome.attempt);
	free(message->outcome.transcript);
}

/* ---- scheduler to worker ---- */

static void
put_channel(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_bytes(out, message->channel.bytes, message->channel.size);
}

static void
get_channel(struct bf_reader *reader, struct bf_message *message)
{
	const char *bytes = bf_get_bytes(reader, &message->channel.size);

	message->channel.bytes = bf_strndup(bytes, message->channel.size);
}

static void
clear_channel(struct bf_message *message)
{
	/* The settings may hold secrets. */
	if (message->channel.bytes)
		explicit_bzero(message->channel.bytes, message->channel.size);
	free(message->channel.bytes);
}

static void
put_forget(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u32(out, message->forget.channel);
}

static void
get_forget(struct bf_reader *reader, struct bf_message *message)
{
	message->forget.channel = bf_get_u32(reader);
}

static void
put_deliver(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_delivery_id(out, message->deliver.id);
	bf_put_u32(out, message->deliver.tries);
	bf_put_u32(out, message->deliver.attempt);
	bf_put_u8(out, message->deliver.test);
	bf_put_event(out, message->deliver.event);
	bf_put_recipients(out, &message->deliver.settled);
}

static void
get_deliver(struct bf_reader *reader, struct bf_message *message)
{
	message->deliver.id = bf_get_delivery_id(reader);
	message->deliver.tries = bf_get_u32(reader);
	message->deliver.attempt = bf_get_u32(reader);
	message->deliver.test = bf_get_u8(reader) != 0;
	message->deliver.event = bf_get_event(reader);
	bf_get_recipients(reader, &message->deliver.settled);
}

static void
clear_deliver(struct bf_message *message)
{
	bf_event_unref(&message->deliver.event);
	bf_recipients_free(&message->deliver.settled);
}

/* ---- checks of settings ---- */

static void
put_check(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u64(out, message->check.token);
	bf_put_bytes(out, message->check.bytes, message->check.size);
}

static void
get_check(struct bf_reader *reader, struct bf_message *message)
{
	const char *bytes;

	message->check.token = bf_get_u64(reader);
	bytes = bf_get_bytes(reader, &message->check.size);
	message->check.bytes = bf_strndup(bytes, message->check.size);
}

static void
clear_check(struct bf_message *message)
{
	if (message->check.bytes)
		explicit_bzero(message->check.bytes, message->check.size);
	free(message->check.bytes);
}

static void
put_checked(struct bf_buf *out, const struct bf_message *message)
{
	bf_put_u64(out, message->checked.token);
	bf_put_text(out, message->checked.why);
}

static void
get_checked(struct bf_reader *reader, struct bf_message *message)
{
	message->checked.token = bf_get_u64(reader);
	message->checked.why = bf_get_text(reader);
}

static void
clear_checked(struct bf_message *message)
{
	free(message->checked.why);
}

/* ---- the table, and what is read by it ---- */

static void
put_nothing(struct bf_buf *out, const struct bf_message *message)
{
	(void)out;
	(void)message;
}

static void
get_nothing(struct bf_reader *reader, struct bf_message *message)
{
	(void)reader;
	(void)message;
}

static void
clear_nothing(struct bf_message *message)
{
	(void)message;
}

static const struct {
	void (*put)(struct bf_buf *, const struct bf_message *);
	void (*get)(struct bf_reader *, struct bf_message *);
	void (*clear)(struct bf_message *);
} kinds[] = {
	[BF_MSG_INTAKE_HELLO] = { put_intake_hello, get_intake_hello,
	    clear_nothing },
	[BF_MSG_EVENT] = { put_posted, get_posted, clear_posted },
	[BF_MSG_COMMAND] = { put_command, get_command, clear_command },
	[BF_MSG_WATCH] = { put_watch, get_watch, clear_nothing },
	[BF_MSG_WELCOME] = { put_welcome, get_welcome, clear_welcome },
	[BF_MSG_ACCEPTED] = { put_accepted, get_accepted, clear_accepted },
	[BF_MSG_REPLY] = { put_reply, get_reply, clear_reply },
	[BF_MSG_NOTICE] = { put_notice, get_notice, clear_notice },
	[BF_MSG_FLUSH] = { put_nothing, get_nothing, clear_nothing },
	[BF_MSG_WORKER_HELLO] = { put_worker_hello, get_worker_hello,
	    clear_worker_hello },
	[BF_MSG_OUTCOME] = { put_outcome, get_outcome, clear_outcome },
	[BF_MSG_DRAINING] = { put_nothing, get_nothing, clear_nothing },
	[BF_MSG_CHANNEL] = { put_channel, get_channel, clear_channel },
	[BF_MSG_FORGET] = { put_forget, get_forget, clear_nothing },
	[BF_MSG_DELIVER] = { put_deliver, get_deliver, clear_deliver },
	[BF_MSG_CHECK] = { put_check, get_check, clear_check },
	[BF_MSG_CHECKED] = { put_checked, get_checked, clear_checked },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

void
bf_message_encode(const struct bf_message *message, struct bf_buf *out)
{
	const size_t start = out->size;

	/* The length comes first and is known last: written twice. */
	bf_put_u32(out, 0);
	bf_put_u8(out, (uint8_t)message->kind);
	kinds[message->kind].put(out, message);
	bf_patch_u32(out, start, (uint32_t)(out->size - start - 4));
}

int
bf_message_decode(const char *bytes, size_t size, struct bf_message *message)
{
	struct bf_reader reader = { bytes, size, false };
	const uint8_t kind = bf_get_u8(&reader);

	*message = (struct bf_message){ 0 };
	if (kind >= KINDS || !kinds[kind].get)
		return -1;
	message->kind = (enum bf_message_kind)kind;
	kinds[kind].get(&reader, message);
	if (bf_reader_done(&reader))
		return 0;
	bf_message_clear(message);
	return -1;
}

void
bf_message_clear(struct bf_message *message)
{
	if (message->kind < KINDS && kinds[message->kind].clear)
		kinds[message->kind].clear(message);
	*message = (struct bf_message){ 0 };
}
