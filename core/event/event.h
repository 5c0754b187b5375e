#ifndef BELFRY_EVENT_H
#define BELFRY_EVENT_H

#include <belfry/api.h>
#include <belfry/buf.h>
#include <belfry/clock.h>
#include <belfry/error.h>
#include <belfry/severity.h>

/*
 * Something that happened, as a module sees it: checked, complete, read only.
 * Every text is UTF-8 without U+0000, borrowed from the event.
 */
struct bf_event;

/* The event's id, "evt_" and 16 lower-case hexadecimal digits. */
BF_API const char *bf_event_id(const struct bf_event *event);

/* Name, category and severity of its type, from the registry. */
BF_API const char *bf_event_type(const struct bf_event *event);
BF_API const char *bf_event_category(const struct bf_event *event);
BF_API enum bf_severity bf_event_severity(const struct bf_event *event);

/* What the sender wrote: plain text, HTML ("" if none), whose event it is. */
BF_API const char *bf_event_subject(const struct bf_event *event);
BF_API const char *bf_event_body(const struct bf_event *event);
BF_API const char *bf_event_tenant(const struct bf_event *event);

/* When it happened: "2026-04-10T15:30:45.123456+00:00", and as an instant. */
BF_API const char *bf_event_timestamp(const struct bf_event *event);
BF_API struct bf_instant bf_event_instant(const struct bf_event *event);

/* When belfry accepted it; when it happened, for one with no id yet. */
BF_API struct bf_instant bf_event_accepted(const struct bf_event *event);

/*
 * A member of the metadata by name, as text: a string as it is, any other
 * value as its canonical JSON. NULL if there is none.
 */
BF_API const char *bf_event_metadata(
    const struct bf_event *event, const char *name);

/*
 * Appends the event as canonical JSON: the six members body, event, metadata,
 * subject, tenant_id and timestamp, as Python's json.dumps writes them with
 * sorted keys and no white space. The bytes are the same for every delivery
 * and attempt of the event. Returns 0; err is there for symmetry with compose.
 */
BF_API int bf_event_json(
    const struct bf_event *event, struct bf_buf *json, struct bf_error *err);

#endif
