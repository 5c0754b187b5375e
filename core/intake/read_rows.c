/*
 * read_rows.c - the readings of history, as JSON
 *
 * Everything here runs on the reader's thread.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/intake/read_private.h"

/* ---- names of channels ---- */

static void
note_name(void *context, uint32_t number, const char *tenant, const char *name)
{
	struct reader *reader = context;
	struct channel_name *known;

	HASH_FIND(hh, reader->names, &number, sizeof(number), known);
	if (known)
		return;
	known = bf_new(struct channel_name);
	known->number = number;
	known->tenant = bf_strdup(tenant);
	known->name = bf_strdup(name);
	HASH_ADD(hh, reader->names, number, sizeof(known->number), known);
}

/* Channels are few and their names never change, but new ones come: the list
 * is read again when one is not known, once in a reading. */
static void
read_names(struct reader *reader)
{
	struct bf_error err;

	if (reader->names_read)
		return;
	reader->names_read = bf_store_channels(reader->store, note_name, reader,
				 &err) == BF_STORE_OK;
}

static const struct channel_name *
find_name(struct reader *reader, uint32_t number)
{
	struct channel_name *known;

	HASH_FIND(hh, reader->names, &number, sizeof(number), known);
	if (known)
		return known;
	read_names(reader);
	HASH_FIND(hh, reader->names, &number, sizeof(number), known);
	return known;
}

/* The number of a channel by name; 0 if nobody has that name. */
static uint32_t
find_number(struct reader *reader, const char *tenant, const char *name)
{
	const struct channel_name *known;

	read_names(reader);
	for (known = reader->names; known; known = known->hh.next) {
		if (strcmp(known->name, name) == 0 &&
		    (!tenant || strcmp(known->tenant, tenant) == 0))
			return known->number;
	}
	return 0;
}

/* ---- rows as JSON ---- */

void
bf_reading_time(cJSON *json, const char *name, struct bf_instant instant)
{
	char text[40];

	if (instant.ms <= 0)
		return;
	bf_timestamp_format(instant.ms * 1000, text);
	cJSON_AddStringToObject(json, name, text);
}

static const char *
state_name(enum bf_delivery_state state)
{
	static const char *const names[] = {
		[BF_STATE_SCHEDULED] = "scheduled",
		[BF_STATE_RETRY] = "scheduled",
		[BF_STATE_DELIVERED] = "delivered",
		[BF_STATE_FAILED] = "failed",
		[BF_STATE_CANCELLED] = "cancelled",
	};

	return names[state];
}

static cJSON *
describe_row(struct reader *reader, const struct bf_delivery_row *row)
{
	const struct channel_name *name = find_name(reader, row->id.channel);
	char id[BF_DELIVERY_ID_TEXT], event[BF_EVENT_ID_TEXT];
	cJSON *json = cJSON_CreateObject();

	bf_delivery_id_format(row->id, id);
	bf_event_id_format(row->id.event, event);
	cJSON_AddStringToObject(json, "id", id);
	cJSON_AddStringToObject(json, "event_id", event);
	if (row->event) {
		cJSON_AddStringToObject(json, "event", row->event->type);
		cJSON_AddStringToObject(json, "tenant_id", row->event->tenant);
		cJSON_AddStringToObject(json, "subject",
		    bf_event_subject(row->event));
	}
	cJSON_AddStringToObject(json, "channel", name ? name->name : "");
	cJSON_AddStringToObject(json, "state", state_name(row->state));
	cJSON_AddNumberToObject(json, "tries", row->tries);
	cJSON_AddNumberToObject(json, "attempt_count", row->attempts);
	bf_reading_time(json, "accepted_at", bf_id_instant(row->id.event));
	if (row->state == BF_STATE_RETRY)
		bf_reading_time(json, "due", row->due);
	bf_reading_time(json, "ended_at", row->ended);
	return json;
}

struct rows {
	struct reader *reader;
	cJSON *list;
};

/* Keeps the reason of the last attempt. */
static void
note_why(void *context, const struct bf_attempt *attempt)
{
	char **why = context;

	free(*why);
	*why = bf_strdup(attempt->why);
}

/* Why what was tried has not succeeded; nothing where that can't be read in
 * time. */
static void
add_why(struct reader *reader, cJSON *json)
{
	const char *id =
	    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "id"));
	const char *state = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "state"));
	const cJSON *tried =
	    cJSON_GetObjectItemCaseSensitive(json, "attempt_count");
	struct bf_delivery_id delivery;
	struct bf_delivery_row row = { 0 };
	struct bf_error ignored;
	char *why = NULL;
	bool found;

	if (strcmp(state, "delivered") == 0 || tried->valuedouble < 1 ||
	    bf_delivery_id_parse(id, &delivery) == -1)
		return;
	(void)bf_store_get_delivery(reader->store, delivery, &row, &found,
	    note_why, &why, &ignored);
	bf_event_unref(&row.event);
	if (why)
		cJSON_AddStringToObject(json, "why", why);
	free(why);
}

static void
add_row(void *context, const struct bf_delivery_row *row)
{
	struct rows *rows = context;

	cJSON_AddItemToArray(rows->list, describe_row(rows->reader, row));
}

static void
add_micros(cJSON *json, const char *name, int64_t us)
{
	if (us >= 0)
		cJSON_AddNumberToObject(json, name, (double)us);
}

/* The answer's bytes may be no UTF-8: what is not is shown as "?". */
static void
add_excerpt(cJSON *json, const struct bf_attempt *attempt)
{
	char *text;

	if (attempt->excerpt_size == 0)
		return;
	text = bf_strndup(attempt->excerpt, attempt->excerpt_size);
	for (size_t i = 0; i < attempt->excerpt_size; i++) {
		if (text[i] == '\0' || (unsigned char)text[i] >= 0x80)
			text[i] = '?';
	}
	cJSON_AddStringToObject(json, "excerpt", text);
	free(text);
}

static const char *
verdict_name(int outcome)
{
	static const char *const verdicts[] = { "delivered", "retry",
		"failed" };

	return verdicts[outcome >= BF_DELIVERED && outcome <= BF_FAILED
			    ? outcome
			    : BF_FAILED];
}

/* What became of each recipient, of a channel that has several. */
static void
add_recipients(cJSON *json, const struct bf_recipients *recipients)
{
	cJSON *list;

	if (recipients->count == 0)
		return;
	list = cJSON_AddArrayToObject(json, "recipients");
	for (size_t i = 0; i < recipients->count; i++) {
		const struct bf_recipient *one = &recipients->items[i];
		cJSON *item = cJSON_CreateObject();

		cJSON_AddStringToObject(item, "address", one->address);
		cJSON_AddStringToObject(item, "verdict",
		    verdict_name(one->outcome));
		cJSON_AddNumberToObject(item, "status", one->status);
		if (one->reply)
			cJSON_AddStringToObject(item, "reply", one->reply);
		cJSON_AddItemToArray(list, item);
	}
}

static void
add_attempt(void *context, const struct bf_attempt *attempt)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "number", attempt->number);
	bf_reading_time(json, "at", attempt->at);
	add_micros(json, "took_us", attempt->took_us);
	add_micros(json, "resolve_us", attempt->resolve_us);
	add_micros(json, "connect_us", attempt->connect_us);
	add_micros(json, "tls_us", attempt->tls_us);
	add_micros(json, "first_byte_us", attempt->first_byte_us);
	cJSON_AddStringToObject(json, "verdict",
	    verdict_name(attempt->outcome));
	cJSON_AddNumberToObject(json, "status", attempt->status);
	if (attempt->why)
		cJSON_AddStringToObject(json, "why", attempt->why);
	add_excerpt(json, attempt);
	add_recipients(json, &attempt->recipients);
	cJSON_AddItemToArray(context, json);
}

/* ---- the readings ---- */

void
bf_reading_result(struct job *job, enum bf_store_result result)
{
	if (result == BF_STORE_OK)
		return;
	job->status = 503;
	job->detail = job->error.text;
}

static void
not_found(struct job *job, const char *what)
{
	job->status = 404;
	job->detail = what;
}

void
bf_reading_deliveries(struct reader *reader, struct job *job)
{
	struct rows rows = { reader, NULL };
	struct bf_delivery_id next = { 0 };
	char cursor[BF_DELIVERY_ID_TEXT];
	cJSON *row;

	if (job->channel) {
		job->query.channel =
		    find_number(reader, job->query.tenant, job->channel);
		if (job->query.channel == 0) {
			bf_error_set(&job->error, "there is no channel \"%s\"",
			    job->channel);
			not_found(job, job->error.text);
			return;
		}
	}
	job->json = cJSON_CreateObject();
	job->list = rows.list = cJSON_AddArrayToObject(job->json, "deliveries");
	bf_reading_result(job, bf_store_list(reader->store, &job->query,
				   add_row, &rows, &next, &job->error));
	cJSON_ArrayForEach(row, rows.list) add_why(reader, row);
	if (next.event != 0) {
		bf_delivery_id_format(next, cursor);
		cJSON_AddStringToObject(job->json, "next", cursor);
	} else {
		cJSON_AddNullToObject(job->json, "next");
	}
}

void
bf_reading_delivery(struct reader *reader, struct job *job)
{
	struct bf_delivery_row row = { 0 };
	cJSON *attempts = cJSON_CreateArray();
	bool found = false;

	bf_reading_result(job,
	    bf_store_get_delivery(reader->store, job->delivery, &row, &found,
		add_attempt, attempts, &job->error));
	if (job->status == 0 && found && row.event &&
	    row.event->id >= job->past &&
	    (!job->tenant || strcmp(row.event->tenant, job->tenant) == 0)) {
		job->json = describe_row(reader, &row);
		cJSON_AddItemToObject(job->json, "attempts", attempts);
	} else {
		cJSON_Delete(attempts);
		if (job->status == 0)
			not_found(job, "there is no such delivery");
	}
	bf_event_unref(&row.event);
}

static void
add_event(void *context, struct bf_event *event, const char *reason)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "id", bf_event_id(event));
	cJSON_AddStringToObject(json, "event", event->type);
	cJSON_AddStringToObject(json, "subject", bf_event_subject(event));
	cJSON_AddStringToObject(json, "tenant_id", event->tenant);
	cJSON_AddStringToObject(json, "timestamp", bf_event_timestamp(event));
	bf_reading_time(json, "accepted_at", bf_id_instant(event->id));
	if (reason)
		cJSON_AddStringToObject(json, "reason", reason);
	cJSON_AddItemToArray(context, json);
}

void
bf_reading_events(struct reader *reader, struct job *job)
{
	char cursor[BF_EVENT_ID_TEXT];
	uint64_t next = 0;

	job->json = cJSON_CreateObject();
	bf_reading_result(job,
	    bf_store_list_events(reader->store, &job->query, add_event,
		cJSON_AddArrayToObject(job->json, "events"), &next,
		&job->error));
	if (next != 0) {
		bf_event_id_format(next, cursor);
		cJSON_AddStringToObject(job->json, "next", cursor);
	} else {
		cJSON_AddNullToObject(job->json, "next");
	}
}

void
bf_reading_event(struct reader *reader, struct job *job)
{
	struct rows rows = { reader, cJSON_CreateArray() };
	struct bf_event *event = NULL;
	char *reason = NULL;

	bf_reading_result(job,
	    bf_store_get_event(reader->store, job->event, &event, &reason,
		add_row, &rows, &job->error));
	if (job->status == 0 && event && event->id >= job->past &&
	    (!job->tenant || strcmp(event->tenant, job->tenant) == 0)) {
		/* The canonical text keeps every digit. */
		job->json = bf_json_parse(event->json.data, event->json.size,
		    &job->error);
		cJSON_AddStringToObject(job->json, "id", bf_event_id(event));
		bf_reading_time(job->json, "accepted_at",
		    bf_id_instant(event->id));
		if (reason)
			cJSON_AddStringToObject(job->json, "reason", reason);
		cJSON_AddItemToObject(job->json, "deliveries", rows.list);
		job->list = rows.list;
	} else {
		cJSON_Delete(rows.list);
		if (job->status == 0)
			not_found(job, "there is no such event");
	}
	bf_event_unref(&event);
	free(reason);
}

void
bf_reading_forget(struct reader *reader)
{
	struct channel_name *name, *next;

	HASH_ITER(hh, reader->names, name, next)
	{
		HASH_DEL(reader->names, name);
		free(name->tenant);
		free(name->name);
		free(name);
	}
}
