#ifndef BF_EVENT_PRIVATE_H
#define BF_EVENT_PRIVATE_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include <belfry/event.h>
#include <belfry/strings.h>

/*
 * How an event is laid out, for the core. Shared by counting references, in
 * one process and on one thread at a time.
 */
struct bf_event {
	unsigned references;
	uint64_t id; /* 0 until the intake has given it one */
	char id_text[21];
	enum bf_severity severity;
	char *type;
	char *category; /* from the registry; "" until looked up */
	char *tenant;
	int64_t timestamp_us; /* since 1970-01-01T00:00:00Z */
	struct bf_buf json;   /* the canonical text, made once */

	/* Made by the accessors when first asked for. */
	cJSON *tree;
	char timestamp_text[40];
	struct bf_strings rendered; /* metadata values given out as text */
};

/*
 * A complete event from its parts, with one reference; json (its canonical
 * text) is taken over and left empty, the texts are copied.
 */
BF_API struct bf_event *bf_event_new(uint64_t id, const char *type,
    const char *category, enum bf_severity severity, const char *tenant,
    int64_t timestamp_us, struct bf_buf *json);

/* The same, taking the texts too; they were allocated by malloc. */
BF_API struct bf_event *bf_event_of(uint64_t id, char *type, char *category,
    enum bf_severity severity, char *tenant, int64_t timestamp_us,
    struct bf_buf *json);

/* The metadata as a tree, sorted by name. Borrowed. */
const cJSON *bf_event_metadata_tree(const struct bf_event *event);

/* One more reference; returns event. */
BF_API struct bf_event *bf_event_ref(struct bf_event *event);

/* Gives up a reference and sets *event to NULL. A NULL *event is fine. */
BF_API void bf_event_unref(struct bf_event **event);

#endif
