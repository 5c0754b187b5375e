/*
 * parse.c - a posted document becomes a checked event
 *
 * The canonical text is put together here, once, member by member in the
 * order of their names; nobody makes it again.
 */
#include "core/event/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#define TYPE_MAX 64   /* bytes of an event type's name */
#define TENANT_MAX 64 /* bytes of a tenant's id */

static const char *const members[] = { "body", "event", "metadata", "subject",
	"tenant_id", "timestamp" };

/*
 * Points at a member; "" is the whole. Source of the escapes: RFC 6901, section
 * 3. A name that is too long is cut, but not inside a character: it is UTF-8,
 * so no more than three bytes follow the one that found room.
 */
static void
point_at(struct bf_event_problem *problem, const char *name)
{
	const size_t most = sizeof(problem->field) - 4;
	size_t size = 0;

	if (*name)
		problem->field[size++] = '/';
	for (; *name && (size < most || (*name & 0xc0) == 0x80); name++) {
		const bool escaped = *name == '~' || *name == '/';

		problem->field[size++] = escaped ? '~' : *name;
		if (escaped)
			problem->field[size++] = *name == '~' ? '0' : '1';
	}
	problem->field[size] = '\0';
}

static int
refuse(struct bf_event_problem *problem, const char *field, const char *format,
    const char *detail)
{
	point_at(problem, field);
	bf_error_set(&problem->error, format, detail);
	return -1;
}

/* Refuses members that an event does not have. */
static int
check_names(const cJSON *tree, bool keyed, struct bf_event_problem *problem)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, tree)
	{
		size_t i = 0;

		while (i < sizeof(members) / sizeof(*members) &&
		       strcmp(members[i], member->string) != 0)
			i++;
		if (i < sizeof(members) / sizeof(*members) ||
		    (keyed && strcmp(member->string, "idempotency_key") == 0))
			continue;
		return refuse(problem, member->string,
		    "unknown member; an event has %s",
		    "event, subject, body, metadata, tenant_id, timestamp");
	}
	return 0;
}

/* The text of a member; fallback if it is not there. 0 or -1. */
static int
read_text(const cJSON *tree, const char *name, const char *fallback,
    const char **text, struct bf_event_problem *problem)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(tree, name);

	*text = member ? cJSON_GetStringValue(member) : fallback;
	if (member && !*text)
		return refuse(problem, name, "expected a string%s", "");
	if (!*text)
		return refuse(problem, name, "%s", "is required");
	return 0;
}

/* A name that may stand in a setting's name, a log line and a URL. */
static bool
is_word(const char *text, size_t most)
{
	const size_t length = strlen(text);

	return length > 0 && length <= most &&
	       strspn(text,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789_.:-") == length;
}

struct parts {
	const char *type, *subject, *body, *tenant;
	const cJSON *metadata;
	int64_t timestamp_us;
};

static int
read_timestamp(const cJSON *tree, int64_t now_us, int64_t *us,
    struct bf_event_problem *problem)
{
	const char *text;

	*us = now_us;
	if (!cJSON_HasObjectItem(tree, "timestamp"))
		return 0;
	if (read_text(tree, "timestamp", NULL, &text, problem) == -1)
		return -1;
	if (bf_timestamp_parse(text, us) == -1)
		return refuse(problem, "timestamp",
		    "expected a date and time of RFC 3339, such as %s",
		    "2026-04-10T15:30:45.123456+00:00");
	return 0;
}

static int
read_parts(const cJSON *tree, const struct bf_event_defaults *defaults,
    struct parts *parts, struct bf_event_problem *problem)
{
	if (read_text(tree, "event", NULL, &parts->type, problem) == -1 ||
	    read_text(tree, "subject", NULL, &parts->subject, problem) == -1 ||
	    read_text(tree, "body", "", &parts->body, problem) == -1 ||
	    read_text(tree, "tenant_id", defaults->tenant, &parts->tenant,
		problem) == -1 ||
	    read_timestamp(tree, defaults->now_us, &parts->timestamp_us,
		problem) == -1)
		return -1;
	if (!is_word(parts->tenant, TENANT_MAX))
		return refuse(problem, "tenant_id", "expected 1 to 64 of %s",
		    "letters, digits, and _ . : -");
	if (!*parts->type || strlen(parts->type) > TYPE_MAX)
		return refuse(problem, "event",
		    "expected the name of an "
		    "event type, 1 to 64 bytes%s",
		    "");
	parts->metadata = cJSON_GetObjectItemCaseSensitive(tree, "metadata");
	if (parts->metadata && !cJSON_IsObject(parts->metadata))
		return refuse(problem, "metadata", "expected an object%s", "");
	return 0;
}

static int
read_key(const cJSON *tree, char *key, struct bf_event_problem *problem)
{
	const char *text;

	key[0] = '\0';
	if (!cJSON_HasObjectItem(tree, "idempotency_key"))
		return 0;
	if (read_text(tree, "idempotency_key", NULL, &text, problem) == -1)
		return -1;
	if (!*text || strlen(text) > BF_EVENT_KEY_MAX)
		return refuse(problem, "idempotency_key",
		    "expected 1 to 255 bytes%s", "");
	memcpy(key, text, strlen(text) + 1);
	return 0;
}

static void
print_event(const struct parts *parts, struct bf_buf *json)
{
	char timestamp[40];

	bf_timestamp_format(parts->timestamp_us, timestamp);
	bf_buf_add_text(json, "{\"body\":");
	bf_json_string(json, parts->body);
	bf_buf_add_text(json, ",\"event\":");
	bf_json_string(json, parts->type);
	bf_buf_add_text(json, ",\"metadata\":");
	if (parts->metadata)
		bf_json_print(json, parts->metadata);
	else
		bf_buf_add_text(json, "{}");
	bf_buf_add_text(json, ",\"subject\":");
	bf_json_string(json, parts->subject);
	bf_buf_add_text(json, ",\"tenant_id\":");
	bf_json_string(json, parts->tenant);
	bf_buf_add_text(json, ",\"timestamp\":\"");
	bf_buf_add_text(json, timestamp);
	bf_buf_add_text(json, "\"}");
}

struct bf_event *
bf_event_parse(const char *bytes, size_t size,
    const struct bf_event_defaults *defaults, char key[BF_EVENT_KEY_MAX + 1],
    struct bf_event_problem *problem)
{
	struct bf_event *event = NULL;
	struct bf_buf json = { 0 };
	struct parts parts;
	cJSON *tree;

	*problem = (struct bf_event_problem){ 0 };
	tree = bf_json_parse(bytes, size, &problem->error);
	if (!tree)
		return NULL;
	problem->parsed = true;
	if (!cJSON_IsObject(tree)) {
		refuse(problem, "", "expected a JSON object%s", "");
	} else if (check_names(tree, key != NULL, problem) == 0 &&
		   read_parts(tree, defaults, &parts, problem) == 0 &&
		   (!key || read_key(tree, key, problem) == 0)) {
		bf_buf_reserve(&json, size + 256);
		print_event(&parts, &json);
		event = bf_event_new(0, parts.type, "", BF_SEVERITY_INFO,
		    parts.tenant, parts.timestamp_us, &json);
	}
	cJSON_Delete(tree);
	return event;
}
