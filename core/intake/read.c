/*
 * read.c - what the store is asked for history
 *
 * A thread of its own reads through a handle of its own, so that a long list
 * delays nobody's event; each reading is bounded in time. Which of the waiting
 * deliveries are being sent just now only the scheduler knows: it is asked
 * before the answer goes out.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/intake/read_private.h"
#include "core/intake/uri.h"

#define READ_MS 2000   /* for one reading */
#define LIMIT_USUAL 50 /* rows of a list */
#define LIMIT_MOST 1000
#define JOBS_MOST 256 /* readings that wait */

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
	bf_reading_result(job, BF_STORE_AGAIN);
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
		reader->names_read = false;
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
	char *field = bf_strf("/%s", name);

	bf_reply_problem(job->connection, 422, "invalid", field, NULL,
	    "%s: expected %s", name, expected);
	free(field);
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

/* Reads how many rows are wanted, 1 to LIMIT_MOST. 0 or -1. */
static int
read_limit(const char *query, size_t *limit)
{
	char *text = bf_uri_parameter(query, "limit");
	char *end = text;
	const long rows = text ? strtol(text, &end, 10) : LIMIT_USUAL;
	const bool whole = !text || (*text && *end == '\0');

	free(text);
	*limit = (size_t)rows;
	return whole && rows >= 1 && rows <= LIMIT_MOST ? 0 : -1;
}

/* Reads a time parameter into the bound of a range of ids. 0 or -1. */
static int
read_time(const char *query, const char *name, uint64_t *id)
{
	char *text = bf_uri_parameter(query, name);
	int64_t us;
	int status = 0;

	if (text && bf_timestamp_parse(text, &us) == 0) {
		/* 0 would be no bound. */
		*id = bf_id_at((struct bf_instant){ us / 1000 });
		*id = *id ? *id : 1;
	} else if (text) {
		status = -1;
	}
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

	job->tenant = bf_uri_parameter(request->query, "tenant_id");
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
	char *state = bf_uri_parameter(query, "state");
	const int wanted = state ? state_of(state) : -1;

	free(state);
	if (read_tenant(job) == -1)
		return -1;
	job->channel = bf_uri_parameter(query, "channel");
	job->type = bf_uri_parameter(query, "event");
	if (!job->type)
		job->type = bf_uri_parameter(query, "type");
	job->query.tenant = job->tenant;
	job->query.type = job->type;
	job->query.state = wanted;
	if (read_limit(query, &job->query.limit) == -1)
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
	struct job *job = new_job(connection, bf_reading_deliveries);
	char *before;
	int status;

	if (read_filters(job) == -1)
		return;
	before = bf_uri_parameter(bf_http_request(connection->http)->query,
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
	struct job *job = new_job(connection, bf_reading_events);
	char *before;
	int status;

	if (read_filters(job) == -1)
		return;
	before = bf_uri_parameter(bf_http_request(connection->http)->query,
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
	struct job *job = new_job(connection, bf_reading_delivery);

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
	struct job *job = new_job(connection, bf_reading_event);

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
	    event_add(reader->ready, NULL) == -1)
		abort();
	errno = pthread_create(&reader->thread, NULL, run, reader);
	reader->runs = errno == 0;
	return reader->runs ? 0 : -1;
}

void
bf_read_free(struct intake *intake)
{
	struct reader *reader = intake->reader;
	struct job *job;

	if (!reader)
		return;
	pthread_mutex_lock(&reader->mutex);
	reader->stopping = true;
	pthread_cond_signal(&reader->wake);
	pthread_mutex_unlock(&reader->mutex);
	if (reader->runs)
		pthread_join(reader->thread, NULL);
	*reader->last_done = reader->jobs;
	while ((job = reader->done)) {
		reader->done = job->next;
		free_job(job);
	}
	bf_reading_forget(reader);
	bf_store_close(&reader->store);
	event_free(reader->ready);
	close(reader->ready_fd);
	pthread_cond_destroy(&reader->wake);
	pthread_mutex_destroy(&reader->mutex);
	free(reader);
	intake->reader = NULL;
}
