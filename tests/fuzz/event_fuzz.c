/*
 * event_fuzz.c - arbitrary bytes as a posted event
 *
 * An event that is accepted is accepted again in its canonical form, and that
 * form stays the same. A refusal says why.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/event/parse.h"

static const struct bf_event_defaults defaults = { "tenant", 1 };

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void
read_all(const struct bf_event *event)
{
	(void)bf_event_id(event);
	(void)bf_event_timestamp(event);
	(void)bf_event_subject(event);
	(void)bf_event_body(event);
	(void)bf_event_metadata(event, "a");
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct bf_event_problem problem;
	char key[BF_EVENT_KEY_MAX + 1];
	struct bf_event *event, *again;

	event =
	    bf_event_parse((const char *)bytes, size, &defaults, key, &problem);
	if (!event) {
		assert(problem.error.text[0]);
		assert(strlen(problem.field) < sizeof(problem.field));
		return 0;
	}
	read_all(event);
	again = bf_event_parse(event->json.data, event->json.size, &defaults,
	    NULL, &problem);
	assert(again);
	assert(
	    event->json.size == again->json.size &&
	    memcmp(event->json.data, again->json.data, again->json.size) == 0);
	assert(event->timestamp_us == again->timestamp_us);
	bf_event_unref(&event);
	bf_event_unref(&again);
	return 0;
}
