/*
 * values.c - events, recipients and attempts as bytes
 *
 * An event travels as its canonical text and the few facts that the text does
 * not hold.
 */
#include "core/wire/values.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#define RECIPIENT_LEAST 13 /* bytes: two lengths, status, outcome */

void
bf_put_event(struct bf_buf *out, const struct bf_event *event)
{
	bf_put_u64(out, event->id);
	bf_put_text(out, event->type);
	bf_put_text(out, event->category);
	bf_put_u8(out, (uint8_t)event->severity);
	bf_put_text(out, event->tenant);
	bf_put_i64(out, event->timestamp_us);
	bf_put_bytes(out, event->json.data, event->json.size);
}

struct bf_event *
bf_get_event(struct bf_reader *reader)
{
	const uint64_t id = bf_get_u64(reader);
	char *type = bf_get_text(reader);
	char *category = bf_get_text(reader);
	const uint8_t severity = bf_get_u8(reader);
	char *tenant = bf_get_text(reader);
	const int64_t timestamp = bf_get_i64(reader);
	struct bf_buf json = { 0 };
	size_t size;
	const char *text = bf_get_bytes(reader, &size);

	if (!type || !category || !tenant || severity > BF_SEVERITY_CRITICAL ||
	    memchr(text, '\0', size))
		reader->bad = true;
	if (!reader->bad) {
		bf_buf_add(&json, text, size);
		return bf_event_of(id, type, category,
		    (enum bf_severity)severity, tenant, timestamp, &json);
	}
	free(type);
	free(category);
	free(tenant);
	return NULL;
}

void
bf_put_delivery_id(struct bf_buf *out, struct bf_delivery_id id)
{
	bf_put_u64(out, id.event);
	bf_put_u32(out, id.channel);
}

struct bf_delivery_id
bf_get_delivery_id(struct bf_reader *reader)
{
	struct bf_delivery_id id;

	id.event = bf_get_u64(reader);
	id.channel = bf_get_u32(reader);
	return id;
}

void
bf_put_recipients(struct bf_buf *out, const struct bf_recipients *recipients)
{
	bf_put_u32(out, (uint32_t)recipients->count);
	for (size_t i = 0; i < recipients->count; i++) {
		bf_put_text(out, recipients->items[i].address);
		bf_put_u8(out, (uint8_t)recipients->items[i].outcome);
		bf_put_u32(out, (uint32_t)recipients->items[i].status);
		bf_put_text(out, recipients->items[i].reply);
	}
}

void
bf_get_recipients(struct bf_reader *reader, struct bf_recipients *recipients)
{
	const uint32_t count = bf_get_count(reader, RECIPIENT_LEAST);

	for (uint32_t i = 0; i < count && !reader->bad; i++) {
		char *address = bf_get_text(reader);
		const uint8_t outcome = bf_get_u8(reader);
		const int status = (int)bf_get_u32(reader);
		char *reply = bf_get_text(reader);

		if (!address || outcome > BF_FAILED)
			reader->bad = true;
		if (!reader->bad) {
			struct bf_recipient *one =
			    bf_recipients_add(recipients, address);

			one->outcome = (enum bf_outcome)outcome;
			bf_recipient_answer(one, status, reply);
		}
		free(address);
		free(reply);
	}
}

void
bf_put_attempt(struct bf_buf *out, const struct bf_attempt *attempt)
{
	bf_put_u32(out, (uint32_t)attempt->number);
	bf_put_i64(out, attempt->at.ms);
	bf_put_i64(out, attempt->took_us);
	bf_put_i64(out, attempt->resolve_us);
	bf_put_i64(out, attempt->connect_us);
	bf_put_i64(out, attempt->tls_us);
	bf_put_i64(out, attempt->first_byte_us);
	bf_put_u32(out, (uint32_t)attempt->status);
	bf_put_text(out, attempt->why);
	bf_put_bytes(out, attempt->excerpt, attempt->excerpt_size);
	bf_put_recipients(out, &attempt->recipients);
}

void
bf_get_attempt(struct bf_reader *reader, struct bf_attempt *attempt)
{
	const char *excerpt;

	attempt->number = (int)bf_get_u32(reader);
	attempt->at.ms = bf_get_i64(reader);
	attempt->took_us = bf_get_i64(reader);
	attempt->resolve_us = bf_get_i64(reader);
	attempt->connect_us = bf_get_i64(reader);
	attempt->tls_us = bf_get_i64(reader);
	attempt->first_byte_us = bf_get_i64(reader);
	attempt->status = (int)bf_get_u32(reader);
	attempt->why = bf_get_text(reader);
	excerpt = bf_get_bytes(reader, &attempt->excerpt_size);
	if (attempt->excerpt_size > 0)
		attempt->excerpt = bf_strndup(excerpt, attempt->excerpt_size);
	bf_get_recipients(reader, &attempt->recipients);
}
