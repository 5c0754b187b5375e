#ifndef BF_READ_PRIVATE_H
#define BF_READ_PRIVATE_H

#include <pthread.h>

#include "core/intake/intake_private.h"

/*
 * Readings of history: what their files share.
 *
 *   read.c        the thread, and its way to and from the loop
 *   read_query.c  requests, until they are a job
 *   read_rows.c   the readings
 *   read_audit.c  the reading of the audit log
 */

/* A reading: made on the loop, run on the thread, answered on the loop. */
struct job {
	struct job *next;
	struct connection *connection; /* NULL: it went away */
	void (*run)(struct reader *reader, struct job *job);
	struct bf_query query;
	bool of_tenant; /* by one of its own: not what was before it */
	uint64_t past;  /* then: ids below are of one that was deleted */
	char *tenant, *type, *channel; /* owned; query points to them */
	char *actor, *action;          /* of the audit log; owned */
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
	bool runs; /* the thread was made */
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
	bool names_read; /* in this reading: who is unknown stays so */
};

/* The readings: each is a job's run. */
void bf_reading_deliveries(struct reader *reader, struct job *job);
void bf_reading_delivery(struct reader *reader, struct job *job);
void bf_reading_events(struct reader *reader, struct job *job);
void bf_reading_event(struct reader *reader, struct job *job);
void bf_reading_audit(struct reader *reader, struct job *job);

/* Gives the thread a job to run, or answers that there are too many. Takes
 * it. */
void bf_reading_submit(struct job *job);
void bf_reading_free(struct job *job);

/* Adds an instant as a text, unless it is 0. */
void bf_reading_time(cJSON *json, const char *name, struct bf_instant instant);

/* Takes note of what the store said. */
void bf_reading_result(struct job *job, enum bf_store_result result);

/* Frees what the readings keep: the names of channels. */
void bf_reading_forget(struct reader *reader);

#endif
