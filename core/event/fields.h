#ifndef BELFRY_FIELDS_H
#define BELFRY_FIELDS_H

#include <stddef.h>

#include <belfry/api.h>
#include <belfry/event.h>

/* A member of an event's metadata as a person reads it: a string as it is, any
 * other value as its canonical JSON. Borrowed from the event. */
struct bf_field {
	const char *name;
	const char *value;
};

/*
 * The metadata in an order for people: names and ids of what the event is
 * about, then what explains it, then the rest by name. Fills in most of them
 * at most, and returns how many there are in all.
 */
BF_API size_t bf_event_fields(
    const struct bf_event *event, struct bf_field *fields, size_t most);

#endif
