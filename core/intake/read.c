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

#include "core/intake/read_private.h"

#define READ_MS 2000  /* for one reading */
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

/* A tenant's own people don't see what one of its id had that was deleted. */
static bool
leave_past(struct reader *reader, struct job *job)
{
	char *name, *value = NULL;

	if (!job->of_tenant)
		return true;
	name = bf_strf(BF_TENANT_PAST "%s", job->tenant);
	bf_reading_result(job,
	    bf_store_get(reader->store, name, &value, &job->error));
	if (value)
		job->past = strtoull(value, NULL, 10);
	if (job->query.since < job->past)
		job->query.since = job->past;
	free(value);
	free(name);
	return job->status == 0;
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
		if (open_store(reader, job) && leave_past(reader, job))
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

void
bf_reading_free(struct job *job)
{
	cJSON_Delete(job->json);
	free(job->tenant);
	free(job->type);
	free(job->channel);
	free(job->actor);
	free(job->action);
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
	bf_reading_free(job);
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
		bf_reading_free(job);
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

void
bf_reading_submit(struct job *job)
{
	struct reader *reader = job->connection->intake->reader;

	if (reader->waiting >= JOBS_MOST) {
		bf_reply_problem(job->connection, 503, "busy", NULL,
		    "Retry-After: 1\r\n", "too many lists are being read");
		bf_reading_free(job);
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
		bf_reading_free(job);
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
