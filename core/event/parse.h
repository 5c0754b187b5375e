#ifndef BF_EVENT_PARSE_H
#define BF_EVENT_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/error.h>

#include "core/event/event_private.h"

/* What is wrong with a body that was posted, and where. */
struct bf_event_problem {
	char field[128]; /* JSON pointer (RFC 6901) to the member; "" the whole */
	bool parsed;     /* it is JSON, but no event */
	struct bf_error error;
};

/* What a member that the sender left out becomes. */
struct bf_event_defaults {
	const char *tenant;
	int64_t now_us;
};

#define BF_EVENT_KEY_MAX 255 /* bytes of an idempotency key */

/*
 * Turns the bytes of one JSON document into an event (references 1, id 0,
 * category "", severity info: the registry knows those). Everything that
 * contract.md section 8 refuses is refused here, but for the name of the
 * event type, which the caller looks up.
 *
 * bytes     as posted; borrowed
 * key       NULL where a document must not carry one; otherwise set to the
 *           member idempotency_key (lines of a batch may have it), or ""
 *
 * Returns NULL with the problem filled in. Takes time linear in size, but for
 * sorting keys, and stack bounded by BF_JSON_DEPTH.
 */
struct bf_event *bf_event_parse(const char *bytes, size_t size,
    const struct bf_event_defaults *defaults, char key[BF_EVENT_KEY_MAX + 1],
    struct bf_event_problem *problem);

/*
 * An RFC 3339 date and time to microseconds since 1970: with "Z" or an offset,
 * up to nine digits of a second (beyond six they are cut), a leap second
 * refused. Returns 0 or -1.
 */
BF_API int bf_timestamp_parse(const char *text, int64_t *us);

/* "2026-04-10T15:30:45.123456+00:00"; for years 0001 to 9999. */
BF_API void bf_timestamp_format(int64_t us, char text[40]);

#endif
