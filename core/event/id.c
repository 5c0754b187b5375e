/*
 * id.c - ids of events and deliveries
 */
#include "core/event/id.h"

#include <string.h>

#define EPOCH_MS 1704067200000 /* 2024-01-01T00:00:00Z */
#define COUNTER_BITS 14
#define SLOT_BITS 8
#define TIME_SHIFT (COUNTER_BITS + SLOT_BITS)
#define COUNTER_MASK ((UINT64_C(1) << COUNTER_BITS) - 1)

static const char hex[] = "0123456789abcdef";

static uint64_t
time_part(struct bf_instant instant)
{
	return instant.ms > EPOCH_MS ? (uint64_t)(instant.ms - EPOCH_MS) : 0;
}

uint64_t
bf_id_next(struct bf_id_maker *maker, struct bf_instant now)
{
	const uint64_t last_time = maker->last >> TIME_SHIFT;
	uint64_t time = time_part(now);
	uint64_t counter = 0;

	/* A clock that stands or steps back: count on in the last millisecond,
	 * and borrow the next one when that is full. */
	if (time <= last_time) {
		time = last_time;
		counter = (maker->last & COUNTER_MASK) + 1;
		if (counter > COUNTER_MASK) {
			time++;
			counter = 0;
		}
	}
	maker->last = time << TIME_SHIFT |
		      (uint64_t)(maker->slot & 0xff) << COUNTER_BITS | counter;
	return maker->last;
}

void
bf_id_floor(struct bf_id_maker *maker, uint64_t id)
{
	/* Above every id of that millisecond, whatever its slot. */
	const uint64_t floor = ((id >> TIME_SHIFT) + 1) << TIME_SHIFT;

	if (id > 0 && floor > maker->last)
		maker->last = floor;
}

uint64_t
bf_id_at(struct bf_instant instant)
{
	return time_part(instant) << TIME_SHIFT;
}

struct bf_instant
bf_id_instant(uint64_t id)
{
	return (struct bf_instant){ (int64_t)(id >> TIME_SHIFT) + EPOCH_MS };
}

/* Reads exactly digits lower-case hexadecimal digits. 0 or -1. */
static int
parse_hex(const char *text, int digits, uint64_t *value)
{
	*value = 0;
	for (int i = 0; i < digits; i++) {
		const char *at = memchr(hex, text[i], sizeof(hex) - 1);

		if (!at)
			return -1;
		*value = *value << 4 | (uint64_t)(at - hex);
	}
	return 0;
}

/* Writes exactly digits lower-case hexadecimal digits; the end of them. */
static char *
format_hex(char *text, int digits, uint64_t value)
{
	for (int i = digits; i-- > 0; value >>= 4)
		text[i] = hex[value & 15];
	return text + digits;
}

void
bf_event_id_format(uint64_t id, char text[BF_EVENT_ID_TEXT])
{
	memcpy(text, "evt_", 4);
	*format_hex(text + 4, 16, id) = '\0';
}

/* A tag of 4 letters, 16 digits. */
static int
parse_id(const char *text, const char *tag, uint64_t *id)
{
	if (strlen(text) != 20 || strncmp(text, tag, 4) != 0)
		return -1;
	return parse_hex(text + 4, 16, id);
}

int
bf_event_id_parse(const char *text, uint64_t *id)
{
	return parse_id(text, "evt_", id);
}

void
bf_audit_id_format(uint64_t id, char text[BF_AUDIT_ID_TEXT])
{
	memcpy(text, "aud_", 4);
	*format_hex(text + 4, 16, id) = '\0';
}

int
bf_audit_id_parse(const char *text, uint64_t *id)
{
	return parse_id(text, "aud_", id);
}

void
bf_delivery_id_format(struct bf_delivery_id id, char text[BF_DELIVERY_ID_TEXT])
{
	memcpy(text, "dlv_", 4);
	text = format_hex(text + 4, 16, id.event);
	*format_hex(text, 8, id.channel) = '\0';
}

int
bf_delivery_id_parse(const char *text, struct bf_delivery_id *id)
{
	uint64_t channel;

	if (strlen(text) != BF_DELIVERY_ID_TEXT - 1 ||
	    strncmp(text, "dlv_", 4) != 0 ||
	    parse_hex(text + 4, 16, &id->event) == -1 ||
	    parse_hex(text + 20, 8, &channel) == -1)
		return -1;
	id->channel = (uint32_t)channel;
	return 0;
}
