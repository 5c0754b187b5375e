/*
 * read.c - what the store is asked for history
 *
 * A thread of its own reads through a handle of its own, so that a long list
 * delays nobody's event; each reading is bounded in time. Which of the waiting
 * deliveries are being sent just now only the scheduler knows: it is asked
 * before the answer goes out.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/intake/intake_private.h"

#define READ_MS 2000   /* for one reading */
#define LIMIT_USUAL 50 /* rows of a list */
#define LIMIT_MOST 1000
#define JOBS_MOST 256 /* readings that wait */

/* A reading: made on the loop, run on the thread, answered on the loop. */
struct job {
	struct job *next;
	struct connection *connection; /* NULL: it went away */
	void (*run)(struct reader *reader, struct job *job);
	struct bf_query query;
	char *tenant, *type, *channel; /* owned; query points to them */
	uint64_t event;
	struct bf_delivery_id delivery;
	/* What came of it. */
	int status;
	const char *detail;
	struct bf_error error;
	cJSON *json;
	cJSON *list; /* the rows in json; NULL: json is one delivery */
};

struct channel_name {
	uint32_t number;
	char *tenant, *name;
	UT_hash_handle hh;
};

struct reader {
	struct intake *intake;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct event *ready;
	int ready_fd;
	struct job *jobs, **last_job;
	struct job *done, **last_done;
	struct job *current; /* on the thread */
	struct job *running; /* to be answered in this turn */
	size_t waiting;
	bool stopping;
	/* The thread's own. */
	struct bf_store *store;
	struct channel_name *names;
};

/* ---- on the thread: names of channels ---- */

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

static const struct channel_name *
find_name(struct reader *reader, uint32_t number)
{
	struct channel_name *known;
	struct bf_error err;

	HASH_FIND(hh, reader->names, &number, sizeof(number), known);
	if (known)
		return known;
	bf_store_channels(reader->store, note_name, reader, &err);
	HASH_FIND(hh, reader->names, &number, sizeof(number), known);
	return known;
}

/* The number of a channel by name; 0 if nobody has that name. */
static uint32_t
find_number(struct reader *reader, const char *tenant, const char *name)
{
	const struct channel_name *known;
	struct bf_error err;

	bf_store_channels(reader->store, note_name, reader, &err);
	for (known = reader->names; known; known = known->hh.next) {
		if (strcmp(known->name, name) == 0 &&
		    (!tenant || strcmp(known->tenant, tenant) == 0))
			return known->number;
	}
	return 0;
}

/* ---- on the thread: rows as JSON ---- */

static void
add_time(cJSON *json, const char *name, struct bf_instant instant)
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
	add_time(json, "accepted_at", bf_id_instant(row->id.event));
	if (row->state == BF_STATE_RETRY)
		add_time(json, "due", row->due);
	add_time(json, "ended_at", row->ended);
	return json;
}

struct rows {
	struct reader *reader;
	cJSON *list;
};

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

static void
add_attempt(void *context, const struct bf_attempt *attempt)
{
	static const char *const verdicts[] = { "delivered", "retry",
		"failed" };
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "number", attempt->number);
	add_time(json, "at", attempt->at);
	add_micros(json, "took_us", attempt->took_us);
	add_micros(json, "resolve_us", attempt->resolve_us);
	add_micros(json, "connect_us", attempt->connect_us);
	add_micros(json, "tls_us", attempt->tls_us);
	add_micros(json, "first_byte_us", attempt->first_byte_us);
	cJSON_AddStringToObject(json, "verdict",
	    verdicts[attempt->outcome >= 0 && attempt->outcome < 3
			 ? attempt->outcome
			 : 2]);
	cJSON_AddNumberToObject(json, "status", attempt->status);
	if (attempt->why)
		cJSON_AddStringToObject(json, "why", attempt->why);
	add_excerpt(json, attempt);
	cJSON_AddItemToArray(context, json);
}

/* ---- on the thread: the readings ---- */

static void
note_result(struct job *job, enum bf_store_result result)
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

static void
run_deliveries(struct reader *reader, struct job *job)
{
	struct rows rows = { reader, NULL };
	struct bf_delivery_id next = { 0 };
	char cursor[BF_DELIVERY_ID_TEXT];

	if (job->channel) {
		job->query.channel =
		    find_number(reader, job->query.tenant, job->channel);
		if (job->query.channel == 0) {
			not_found(job, "there is no such channel");
			return;
		}
	}
	job->json = cJSON_CreateObject();
	job->list = rows.list = cJSON_AddArrayToObject(job->json, "deliveries");
	note_result(job, bf_store_list(reader->store, &job->query, add_row,
			     &rows, &next, &job->error));
	if (next.event != 0) {
		bf_delivery_id_format(next, cursor);
		cJSON_AddStringToObject(job->json, "next", cursor);
	} else {
		cJSON_AddNullToObject(job->json, "next");
	}
}

static void
run_delivery(struct reader *reader, struct job *job)
{
	struct bf_delivery_row row = { 0 };
	cJSON *attempts = cJSON_CreateArray();
	bool found = false;

	note_result(job, bf_store_get_delivery(reader->store, job->delivery,
			     &row, &found, add_attempt, attempts, &job->error));
	if (job->status == 0 && found && row.event &&
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
	add_time(json, "accepted_at", bf_id_instant(event->id));
	if (reason)
		cJSON_AddStringToObject(json, "reason", reason);
	cJSON_AddItemToArray(context, json);
}

static void
run_events(struct reader *reader, struct job *job)
{
	char cursor[BF_EVENT_ID_TEXT];
	uint64_t next = 0;

	job->json = cJSON_CreateObject();
	note_result(job,
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

static void
run_event(struct reader *reader, struct job *job)
{
	struct rows rows = { reader, cJSON_CreateArray() };
	struct bf_event *event = NULL;
	char *reason = NULL;

	note_result(job, bf_store_get_event(reader->store, job->event, &event,
			     &reason, add_row, &rows, &job->error));
	if (job->status == 0 && event &&
	    (!job->tenant || strcmp(event->tenant, job->tenant) == 0)) {
		/* The canonical text keeps every digit. */
		job->json = bf_json_parse(event->json.data, event->json.size,
		    &job->error);
		cJSON_AddStringToObject(job->json, "id", bf_event_id(event));
		add_time(job->json, "accepted_at", bf_id_instant(event->id));
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

/* Opens the store at the first reading, and again after it failed. */
static bool
open_store(struct reader *reader, struct job *job)
{
	if (!reader->store)
		reader->store =
		    bf_store_open_reader(reader->intake->snapshot->state_dir,
			&job->error);
	if (reader->store) {
		bf_store_deadline(reader->store,
		    (struct bf_duration){ READ_MS });
		return true;
	}
	note_result(job, BF_STORE_AGAIN);
	return false;
}

static void *
run(void *context)
{
	struct reader *reader = context;
	const uint64_t one = 1;
	struct job *job;

	pthread_mutex_lock(&reader->mutex);
	for (;;) {
		while (!reader->jobs && !reader->stopping)
			pthread_cond_wait(&reader->wake, &reader->mutex);
		if (reader->stopping)
			break;
		job = reader->jobs;
		reader->jobs = job->next;
		if (!reader->jobs)
			reader->last_job = &reader->jobs;
		job->next = NULL;
		reader->current = job;
		pthread_mutex_unlock(&reader->mutex);
		if (open_store(reader, job))
			job->run(reader, job);
		pthread_mutex_lock(&reader->mutex);
		reader->current = NULL;
		*reader->last_done = job;
		reader->last_done = &job->next;
		if (write(reader->ready_fd, &one, sizeof(one)) == -1)
			continue;
	}
	pthread_mutex_unlock(&reader->mutex);
	return NULL;
}

/* ---- on the loop ---- */

static void
free_job(struct job *job)
{
	cJSON_Delete(job->json);
	free(job->tenant);
	free(job->type);
	free(job->channel);
	free(job);
}

/* Prints by our own printer, which keeps numbers' digits. */
static void
answer(struct job *job)
{
	struct bf_buf body = { 0 };

	if (job->connection) {
		bf_json_print(&body, job->json);
		bf_reply(job->connection, 200, "application/json", NULL,
		    body.data, body.size);
		bf_buf_free(&body);
	}
	free_job(job);
}

static void
mark_sending(cJSON *delivery, const cJSON *ids)
{
	const char *id = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(delivery, "id"));
	const cJSON *item;

	cJSON_ArrayForEach(item, ids)
	{
		if (cJSON_IsString(item) && id &&
		    strcmp(item->valuestring, id) == 0)
			cJSON_ReplaceItemInObjectCaseSensitive(delivery,
			    "state", cJSON_CreateString("sending"));
	}
}

static void
on_in_flight(void *context, struct connection *connection, int status,
    cJSON *json)
{
	struct job *job = context;
	const cJSON *ids = cJSON_GetObjectItemCaseSensitive(json, "ids");
	cJSON *row;

	job->connection = connection;
	if (status == 200 && job->list) {
		cJSON_ArrayForEach(row, job->list) mark_sending(row, ids);
	} else if (status == 200) {
		mark_sending(job->json, ids);
	}
	answer(job);
}

static void
add_waiting(cJSON *ids, const cJSON *delivery)
{
	const char *state = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(delivery, "state"));
	const char *id = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(delivery, "id"));

	if (state && id && strcmp(state, "scheduled") == 0)
		cJSON_AddItemToArray(ids, cJSON_CreateString(id));
}

/* Answers a reading, after asking which of its deliveries are being sent. */
static void
finish_job(struct job *job)
{
	cJSON *arguments, *ids;
	const cJSON *row;

	if (!job->connection || job->status != 0) {
		if (job->connection)
			bf_reply_problem(job->connection, job->status,
			    job->status == 404 ? "not-found" : "store", NULL,
			    job->status == 503 ? "Retry-After: 1\r\n" : NULL,
			    "%s", job->detail);
		free_job(job);
		return;
	}
	arguments = cJSON_CreateObject();
	ids = cJSON_AddArrayToObject(arguments, "ids");
	cJSON_ArrayForEach(row, job->list) add_waiting(ids, row);
	if (!job->list)
		add_waiting(ids, job->json);
	if (cJSON_GetArraySize(ids) == 0) {
		cJSON_Delete(arguments);
		answer(job);
		return;
	}
	bf_command_ask(job->connection, "in-flight", arguments, on_in_flight,
	    job);
}

static void
on_ready(evutil_socket_t fd, short what, void *context)
{
	struct reader *reader = context;
	struct job *job, *next;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	pthread_mutex_lock(&reader->mutex);
	job = reader->done;
	reader->done = NULL;
	reader->last_done = &reader->done;
	pthread_mutex_unlock(&reader->mutex);
	for (; job; job = next) {
		next = job->next;
		reader->waiting--;
		reader->running = next;
		finish_job(job);
	}
	reader->running = NULL;
}

static void
submit(struct job *job)
{
	struct reader *reader = job->connection->intake->reader;

	if (reader->waiting >= JOBS_MOST) {
		bf_reply_problem(job->connection, 503, "busy", NULL,
		    "Retry-After: 1\r\n", "too many lists are being read");
		free_job(job);
		return;
	}
	reader->waiting++;
	pthread_mutex_lock(&reader->mutex);
	*reader->last_job = job;
	reader->last_job = &job->next;
	pthread_cond_signal(&reader->wake);
	pthread_mutex_unlock(&reader->mutex);
}

static void
bad_parameter(struct job *job, const char *name, const char *expected)
{
	bf_reply_problem(job->connection, 422, "invalid", NULL, NULL,
	    "%s: expected %s", name, expected);
	free_job(job);
}

static int
state_of(const char *name)
{
	static const struct {
		const char *name;
		int state;
	} states[] = {
		{ "scheduled", BF_STATE_SCHEDULED },
		{ "sending", BF_STATE_SCHEDULED },
		{ "delivered", BF_STATE_DELIVERED },
		{ "failed", BF_STATE_FAILED },
		{ "cancelled", BF_STATE_CANCELLED },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (strcmp(states[i].name, name) == 0)
			return states[i].state;
	}
	return -2;
}

/* Reads a time parameter into the bound of a range of ids. 0 or -1. */
static int
read_time(const char *query, const char *name, uint64_t *id)
{
	char *text = bf_http_parameter(query, name);
	int64_t us;
	int status = 0;

	if (text && bf_timestamp_parse(text, &us) == 0)
		*id = bf_id_at((struct bf_instant){ us / 1000 });
	else if (text)
		status = -1;
	free(text);
	return status;
}

/* Whose rows the caller may see: NULL for all. 0, or -1 after a 403. */
static int
read_tenant(struct job *job)
{
	const struct caller *caller = &job->connection->caller;
	const struct bf_http_request *request =
	    bf_http_request(job->connection->http);

	job->tenant = bf_http_parameter(request->query, "tenant_id");
	if (!caller->any_tenant && job->tenant &&
	    strcmp(job->tenant, caller->tenant) != 0) {
		bf_reply_problem(job->connection, 403, "wrong-tenant",
		    "/tenant_id", NULL, "the token is for another tenant");
		free_job(job);
		return -1;
	}
	if (!caller->any_tenant && !job->tenant)
		job->tenant = bf_strdup(caller->tenant);
	return 0;
}

/* Reads the filters that lists share; takes the job on a problem. */
static int
read_filters(struct job *job)
{
	const char *query = bf_http_request(job->connection->http)->query;
	char *limit = bf_http_parameter(query, "limit");
	char *state = bf_http_parameter(query, "state");
	long rows = limit ? strtol(limit, NULL, 10) : LIMIT_USUAL;
	const int wanted = state ? state_of(state) : -1;

	free(limit);
	free(state);
	if (read_tenant(job) == -1)
		return -1;
	job->channel = bf_http_parameter(query, "channel");
	job->type = bf_http_parameter(query, "event");
	if (!job->type)
		job->type = bf_http_parameter(query, "type");
	job->query.tenant = job->tenant;
	job->query.type = job->type;
	job->query.limit = (size_t)rows;
	job->query.state = wanted;
	if (rows < 1 || rows > LIMIT_MOST)
		bad_parameter(job, "limit", "1 to 1000");
	else if (wanted == -2)
		bad_parameter(job, "state",
		    "scheduled, sending, delivered, failed or cancelled");
	else if (read_time(query, "since", &job->query.since) == -1)
		bad_parameter(job, "since", "an RFC 3339 date and time");
	else if (read_time(query, "until", &job->query.until) == -1)
		bad_parameter(job, "until", "an RFC 3339 date and time");
	else
		return 0;
	return -1;
}

static struct job *
new_job(struct connection *connection,
    void (*run_job)(struct reader *reader, struct job *job))
{
	struct job *job = bf_new(struct job);

	job->connection = connection;
	job->run = run_job;
	return job;
}

void
bf_read_deliveries(struct connection *connection)
{
	struct job *job = new_job(connection, run_deliveries);
	char *before;
	int status;

	if (read_filters(job) == -1)
		return;
	before = bf_http_parameter(bf_http_request(connection->http)->query,
	    "before");
	status = before ? bf_delivery_id_parse(before, &job->query.before) : 0;
	free(before);
	if (status == -1)
		bad_parameter(job, "before", "the \"next\" of a list before");
	else
		submit(job);
}

void
bf_read_events(struct connection *connection)
{
	struct job *job = new_job(connection, run_events);
	char *before;
	int status;

	if (read_filters(job) == -1)
		return;
	before = bf_http_parameter(bf_http_request(connection->http)->query,
	    "before");
	status =
	    before ? bf_event_id_parse(before, &job->query.before.event) : 0;
	free(before);
	if (status == -1)
		bad_parameter(job, "before", "the \"next\" of a list before");
	else
		submit(job);
}

void
bf_read_delivery(struct connection *connection)
{
	struct job *job = new_job(connection, run_delivery);

	if (bf_delivery_id_parse(connection->parameter, &job->delivery) == -1) {
		bf_reply_problem(connection, 404, "not-found", NULL, NULL,
		    "there is no such delivery");
		free_job(job);
	} else if (read_tenant(job) == 0) {
		submit(job);
	}
}

void
bf_read_event(struct connection *connection)
{
	struct job *job = new_job(connection, run_event);

	if (bf_event_id_parse(connection->parameter, &job->event) == -1) {
		bf_reply_problem(connection, 404, "not-found", NULL, NULL,
		    "there is no such event");
		free_job(job);
	} else if (read_tenant(job) == 0) {
		submit(job);
	}
}

static void
forget_in(struct job *job, const struct connection *connection)
{
	for (; job; job = job->next) {
		if (job->connection == connection)
			job->connection = NULL;
	}
}

void
bf_read_forget(struct connection *connection)
{
	struct reader *reader = connection->intake->reader;

	if (!reader || !connection->answering)
		return;
	/* The one that the thread has is found when it comes back: it is
	 * looked at under the mutex, and only its connection is changed. */
	pthread_mutex_lock(&reader->mutex);
	forget_in(reader->jobs, connection);
	forget_in(reader->done, connection);
	if (reader->current && reader->current->connection == connection)
		reader->current->connection = NULL;
	pthread_mutex_unlock(&reader->mutex);
	forget_in(reader->running, connection);
}

int
bf_read_start(struct intake *intake)
{
	struct reader *reader = bf_new(struct reader);

	intake->reader = reader;
	reader->intake = intake;
	reader->last_job = &reader->jobs;
	reader->last_done = &reader->done;
	reader->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	reader->ready = event_new(intake->base, reader->ready_fd,
	    EV_READ | EV_PERSIST, on_ready, reader);
	pthread_mutex_init(&reader->mutex, NULL);
	pthread_cond_init(&reader->wake, NULL);
	if (reader->ready_fd == -1 || !reader->ready ||
	    event_add(reader->ready, NULL) == -1 ||
	    pthread_create(&reader->thread, NULL, run, reader) != 0)
		abort();
	return 0;
}

void
bf_read_free(struct intake *intake)
{
	struct reader *reader = intake->reader;
	struct channel_name *name, *next_name;
	struct job *job;

	if (!reader)
		return;
	pthread_mutex_lock(&reader->mutex);
	reader->stopping = true;
	pthread_cond_signal(&reader->wake);
	pthread_mutex_unlock(&reader->mutex);
	pthread_join(reader->thread, NULL);
	*reader->last_done = reader->jobs;
	while ((job = reader->done)) {
		reader->done = job->next;
		free_job(job);
	}
	HASH_ITER(hh, reader->names, name, next_name)
	{
		HASH_DEL(reader->names, name);
		free(name->tenant);
		free(name->name);
		free(name);
	}
	bf_store_close(&reader->store);
	event_free(reader->ready);
	close(reader->ready_fd);
	pthread_cond_destroy(&reader->wake);
	pthread_mutex_destroy(&reader->mutex);
	free(reader);
	intake->reader = NULL;
}
