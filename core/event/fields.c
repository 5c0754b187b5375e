/*
 * fields.c - an event's metadata in an order for people
 */
#include "core/event/fields.h"

#include <string.h>

#include "core/event/event_private.h"

/* The usual keys of the built-in types, what matters most first. */
static const char *const known[] = { "application_name", "application_id",
	"deployment_id", "environment", "domain", "monitor_name", "monitor_id",
	"incident_title", "incident_id", "operation_name", "operation_id",
	"run_id", "server_name", "server_id", "channel", "module", "url",
	"error", "last_error", "reason", "status", "severity", "status_code",
	"exit_code", "commit", "branch", "triggered_by" };

#define KNOWN (sizeof(known) / sizeof(*known))

static int
is_known(const char *name)
{
	for (size_t i = 0; i < KNOWN; i++) {
		if (strcmp(known[i], name) == 0)
			return 1;
	}
	return 0;
}

size_t
bf_event_fields(const struct bf_event *event, struct bf_field *fields,
    size_t most)
{
	const cJSON *metadata = bf_event_metadata_tree(event);
	const cJSON *member;
	size_t count = 0;

	for (size_t i = 0; i < KNOWN && count < most; i++) {
		const char *value = bf_event_metadata(event, known[i]);

		if (value)
			fields[count++] = (struct bf_field){ known[i], value };
	}
	cJSON_ArrayForEach(member, metadata)
	{
		if (count < most && !is_known(member->string))
			fields[count++] = (struct bf_field){ member->string,
				bf_event_metadata(event, member->string) };
	}
	return (size_t)cJSON_GetArraySize(metadata);
}
