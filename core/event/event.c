/*
 * event.c - an event, for the core and for modules
 *
 * The canonical text is all there is of subject, body and metadata; they are
 * read back from it when a module first asks. Most deliveries never do.
 */
#include "core/event/event_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/event/id.h"
#include "core/event/parse.h"

struct bf_event *
bf_event_of(uint64_t id, char *type, char *category, enum bf_severity severity,
    char *tenant, int64_t timestamp_us, struct bf_buf *json)
{
	struct bf_event *event = bf_new(struct bf_event);

	event->references = 1;
	event->id = id;
	event->type = type;
	event->category = category;
	event->severity = severity;
	event->tenant = tenant;
	event->timestamp_us = timestamp_us;
	event->json = *json;
	*json = (struct bf_buf){ 0 };
	return event;
}

struct bf_event *
bf_event_new(uint64_t id, const char *type, const char *category,
    enum bf_severity severity, const char *tenant, int64_t timestamp_us,
    struct bf_buf *json)
{
	return bf_event_of(id, bf_strdup(type), bf_strdup(category), severity,
	    bf_strdup(tenant), timestamp_us, json);
}

struct bf_event *
bf_event_ref(struct bf_event *event)
{
	event->references++;
	return event;
}

void
bf_event_unref(struct bf_event **event)
{
	struct bf_event *own = *event;

	*event = NULL;
	if (!own || --own->references > 0)
		return;
	free(own->type);
	free(own->category);
	free(own->tenant);
	bf_buf_free(&own->json);
	cJSON_Delete(own->tree);
	bf_strings_free(&own->rendered);
	free(own);
}

/* What an accessor makes when first asked is no change to be seen: events that
 * modules hold are const, but made by this file. */
static struct bf_event *
own(const struct bf_event *event)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): sheds const */
	return (struct bf_event *)(uintptr_t)event;
}

static const cJSON *
tree_of(const struct bf_event *event)
{
	struct bf_error err;

	if (!event->tree)
		own(event)->tree =
		    bf_json_parse(event->json.data, event->json.size, &err);
	return event->tree;
}

static const char *
text_of(const struct bf_event *event, const char *name)
{
	const char *text = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(tree_of(event), name));

	return text ? text : "";
}

const char *
bf_event_id(const struct bf_event *event)
{
	if (!event->id_text[0])
		snprintf(own(event)->id_text, sizeof(event->id_text),
		    "evt_%016llx", (unsigned long long)event->id);
	return event->id_text;
}

const char *
bf_event_type(const struct bf_event *event)
{
	return event->type;
}

const char *
bf_event_category(const struct bf_event *event)
{
	return event->category;
}

enum bf_severity
bf_event_severity(const struct bf_event *event)
{
	return event->severity;
}

const char *
bf_event_subject(const struct bf_event *event)
{
	return text_of(event, "subject");
}

const char *
bf_event_body(const struct bf_event *event)
{
	return text_of(event, "body");
}

const char *
bf_event_tenant(const struct bf_event *event)
{
	return event->tenant;
}

const char *
bf_event_timestamp(const struct bf_event *event)
{
	if (!event->timestamp_text[0])
		bf_timestamp_format(event->timestamp_us,
		    own(event)->timestamp_text);
	return event->timestamp_text;
}

struct bf_instant
bf_event_instant(const struct bf_event *event)
{
	return (struct bf_instant){ event->timestamp_us / 1000 };
}

const cJSON *
bf_event_metadata_tree(const struct bf_event *event)
{
	return cJSON_GetObjectItemCaseSensitive(tree_of(event), "metadata");
}

struct bf_instant
bf_event_accepted(const struct bf_event *event)
{
	return event->id == 0 ? bf_event_instant(event)
			      : bf_id_instant(event->id);
}

const char *
bf_event_metadata(const struct bf_event *event, const char *name)
{
	const cJSON *value =
	    cJSON_GetObjectItemCaseSensitive(bf_event_metadata_tree(event),
		name);
	struct bf_strings *rendered = &own(event)->rendered;
	struct bf_buf text = { 0 };

	if (!value)
		return NULL;
	if (cJSON_IsString(value))
		return value->valuestring;
	bf_json_print(&text, value);
	bf_strings_add(rendered, text.data);
	bf_buf_free(&text);
	return rendered->items[rendered->count - 1];
}

int
bf_event_json(const struct bf_event *event, struct bf_buf *json,
    struct bf_error *err)
{
	(void)err;
	bf_buf_add(json, event->json.data, event->json.size);
	return 0;
}
