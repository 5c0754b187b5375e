/*
 * read_query.c - what is asked of history: filters, and where to go on
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/intake/read_private.h"
#include "core/intake/uri.h"

#define LIMIT_USUAL 50 /* rows of a list */
#define LIMIT_MOST 1000
#define BYTES_MOST (1 << 20) /* of subjects in a list */

static void
bad_parameter(struct job *job, const char *name, const char *expected)
{
	char *field = bf_strf("/%s", name);

	bf_reply_problem(job->connection, 422, "invalid", field, NULL,
	    "%s: expected %s", name, expected);
	free(field);
	bf_reading_free(job);
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
		bf_reading_free(job);
		return -1;
	}
	job->of_tenant = !caller->any_tenant;
	if (!caller->any_tenant && !job->tenant)
		job->tenant = bf_strdup(caller->tenant);
	return 0;
}

/* Reads how many rows are wanted, and of when; takes the job on a problem. */
static int
read_range(struct job *job)
{
	const char *query = bf_http_request(job->connection->http)->query;

	if (read_limit(query, &job->query.limit) == -1)
		bad_parameter(job, "limit", "1 to 1000");
	else if (read_time(query, "since", &job->query.since) == -1)
		bad_parameter(job, "since", "an RFC 3339 date and time");
	else if (read_time(query, "until", &job->query.until) == -1)
		bad_parameter(job, "until", "an RFC 3339 date and time");
	else
		return 0;
	return -1;
}

/* Reads the filters that lists of events and deliveries share; takes the job
 * on a problem. */
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
	job->query.bytes = BYTES_MOST;
	if (wanted != -2)
		return read_range(job);
	bad_parameter(job, "state",
	    "scheduled, sending, delivered, failed or cancelled");
	return -1;
}

/* Reads where a list is to go on; takes the job on a problem. */
static int
read_before(struct job *job, int (*parse)(const char *text, uint64_t *id))
{
	char *before =
	    bf_uri_parameter(bf_http_request(job->connection->http)->query,
		"before");
	const int status = before ? parse(before, &job->query.before.event) : 0;

	free(before);
	if (status == -1)
		bad_parameter(job, "before", "the \"next\" of a list before");
	return status;
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
		bf_reading_submit(job);
}

void
bf_read_events(struct connection *connection)
{
	struct job *job = new_job(connection, bf_reading_events);

	if (read_filters(job) == 0 && read_before(job, bf_event_id_parse) == 0)
		bf_reading_submit(job);
}

void
bf_read_audit(struct connection *connection)
{
	const char *query = bf_http_request(connection->http)->query;
	struct job *job = new_job(connection, bf_reading_audit);

	if (read_tenant(job) == -1 || read_range(job) == -1)
		return;
	job->actor = bf_uri_parameter(query, "actor");
	job->action = bf_uri_parameter(query, "action");
	if (read_before(job, bf_audit_id_parse) == 0)
		bf_reading_submit(job);
}

void
bf_read_delivery(struct connection *connection)
{
	struct job *job = new_job(connection, bf_reading_delivery);

	if (bf_delivery_id_parse(connection->parameter, &job->delivery) == -1) {
		bf_reply_problem(connection, 404, "not-found", NULL, NULL,
		    "there is no such delivery");
		bf_reading_free(job);
	} else if (read_tenant(job) == 0) {
		bf_reading_submit(job);
	}
}

void
bf_read_event(struct connection *connection)
{
	struct job *job = new_job(connection, bf_reading_event);

	if (bf_event_id_parse(connection->parameter, &job->event) == -1) {
		bf_reply_problem(connection, 404, "not-found", NULL, NULL,
		    "there is no such event");
		bf_reading_free(job);
	} else if (read_tenant(job) == 0) {
		bf_reading_submit(job);
	}
}
