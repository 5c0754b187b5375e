#ifndef BF_EVENT_ID_H
#define BF_EVENT_ID_H

#include <stdint.h>

#include <belfry/api.h>
#include <belfry/clock.h>

/*
 * Ids of events: 63 bits that sort by time. From the top: 41 bits of
 * milliseconds since 2024-01-01T00:00:00Z, 8 bits that name the maker (an
 * intake's slot), 14 bits of a counter. Made by the node, not by the store, so
 * that an event sent to the scheduler twice is recognised.
 *
 * Rows of the audit log have ids of the same kind, made by the store.
 *
 * A delivery is named by its event and its channel: a channel gets an event
 * once. So it needs no id of its own, and the deliveries of an event stand
 * together in the store.
 */

#define BF_EVENT_ID_TEXT 21    /* "evt_", 16 digits, NUL */
#define BF_DELIVERY_ID_TEXT 29 /* "dlv_", 16 + 8 digits, NUL */
#define BF_AUDIT_ID_TEXT 21    /* "aud_", 16 digits, NUL */

/* Names a delivery: the event's id and the channel's number in the store. */
struct bf_delivery_id {
	uint64_t event;
	uint32_t channel;
};

/* Makes ids. slot < 256. { .slot = n } is ready for use. */
struct bf_id_maker {
	unsigned slot;
	uint64_t last;
};

/*
 * The next id: always above the one before and above floor, also when the
 * clock stepped back (floor is the highest id in the store at start).
 */
BF_API uint64_t bf_id_next(struct bf_id_maker *maker, struct bf_instant now);

/* Ids made from now on will be above id. */
BF_API void bf_id_floor(struct bf_id_maker *maker, uint64_t id);

/* The lowest id that could have been made at the instant, and the reverse. */
BF_API uint64_t bf_id_at(struct bf_instant instant);
BF_API struct bf_instant bf_id_instant(uint64_t id);

/* "evt_0123456789abcdef" and back: 0, or -1 when text is no such id. */
BF_API void bf_event_id_format(uint64_t id, char text[BF_EVENT_ID_TEXT]);
BF_API int bf_event_id_parse(const char *text, uint64_t *id);

/* "dlv_0123456789abcdef0000002a" and back, likewise. */
BF_API void bf_delivery_id_format(
    struct bf_delivery_id id, char text[BF_DELIVERY_ID_TEXT]);
BF_API int bf_delivery_id_parse(const char *text, struct bf_delivery_id *id);

/* "aud_0123456789abcdef" and back, likewise. */
BF_API void bf_audit_id_format(uint64_t id, char text[BF_AUDIT_ID_TEXT]);
BF_API int bf_audit_id_parse(const char *text, uint64_t *id);

#endif
