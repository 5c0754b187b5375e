/*
 * post.c - events, from the request until they are answered
 *
 * An event is kept here until the scheduler has answered for it. If that dies
 * before, the event is sent again to the next one, under the same id, and the
 * sender just waits a little longer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <belfry/json.h>
#include <belfry/memory.h>
#include <event2/buffer.h>
#include <openssl/evp.h>

#include "core/conf/settings.h"
#include "core/event/parse.h"
#include "core/intake/intake_private.h"

#define ALONE_MS 5000                           /* without a scheduler */
#define PENDING_MOST 8192                       /* events without an answer */
#define PENDING_BYTES (64 << 20)                /* and their bytes */
#define BATCH_MOST 10000                        /* lines of a batch */
#define EVENT_BYTES (BF_FRAME_MAX - (64 << 10)) /* as it goes to the others */

/* A request, and the events in it that are not answered. */
struct post {
	struct connection *connection; /* NULL: it went away */
	bool batch;
	size_t left;
	size_t count;
	struct bf_buf *lines; /* of a batch: the answer to each */
};

struct pending_event {
	uint64_t token;
	struct post *post;
	size_t line;
	struct bf_event *event;
	char *key;
	unsigned char digest[32];
	UT_hash_handle hh;
};

static void
free_post(struct post *post)
{
	for (size_t i = 0; i < post->count; i++)
		bf_buf_free(&post->lines[i]);
	free(post->lines);
	free(post);
}

static void
free_pending(struct intake *intake, struct pending_event *pending)
{
	HASH_DEL(intake->events, pending);
	intake->pending_bytes -= pending->event->json.size;
	bf_event_unref(&pending->event);
	free(pending->key);
	free(pending);
}

static void
send_event(struct intake *intake, const struct pending_event *pending,
    bool resent)
{
	struct bf_message message = { .kind = BF_MSG_EVENT,
		.event = { .token = pending->token,
		    .event = pending->event,
		    .key = pending->key,
		    .resent = resent } };

	memcpy(message.event.digest, pending->digest, sizeof(pending->digest));
	bf_link_send(intake->link, &message);
}

void
bf_post_resend(struct intake *intake)
{
	struct pending_event *pending, *next;

	HASH_ITER(hh, intake->events, pending, next)
	send_event(intake, pending, true);
}

/* ---- answers ---- */

/* {"deliveries":[...],"id":"evt_..."}, for a batch with "status" too. */
static void
print_accepted(struct bf_buf *out, const struct bf_msg_accepted *accepted,
    bool batch)
{
	char id[BF_DELIVERY_ID_TEXT];

	bf_buf_add_text(out, "{\"deliveries\":[");
	for (size_t i = 0; i < accepted->count; i++) {
		bf_delivery_id_format((struct bf_delivery_id){ accepted->event,
					  accepted->deliveries[i].channel },
		    id);
		bf_buf_add_text(out,
		    i > 0 ? ",{\"channel\":" : "{\"channel\":");
		bf_json_string(out, accepted->deliveries[i].name);
		bf_buf_add_text(out, ",\"id\":\"");
		bf_buf_add_text(out, id);
		bf_buf_add_text(out, "\"}");
	}
	bf_event_id_format(accepted->event, id);
	bf_buf_add_text(out, "],\"id\":\"");
	bf_buf_add_text(out, id);
	bf_buf_add_byte(out, '"');
	if (accepted->count == 0 && accepted->reason) {
		bf_buf_add_text(out, ",\"reason\":");
		bf_json_string(out, accepted->reason);
	}
	bf_buf_add_text(out, batch ? ",\"status\":202}" : "}");
}

/* What the scheduler's no is as an answer. */
static int
explain_no(const struct bf_msg_accepted *accepted, const char **slug,
    const char **detail)
{
	switch (accepted->result) {
	case BF_ACCEPT_CONFLICT:
		*slug = "idempotency-conflict";
		*detail = "the idempotency key was used with another body";
		return 422;
	case BF_ACCEPT_RATE:
		*slug = "limit";
		*detail = accepted->reason ? accepted->reason : "too fast";
		return 429;
	case BF_ACCEPT_FULL:
		*slug = "limit";
		*detail = accepted->reason ? accepted->reason : "too much";
		return 507;
	case BF_ACCEPT_TENANT:
		*slug = "unknown-tenant";
		*detail = accepted->reason ? accepted->reason : "unknown";
		return 422;
	case BF_ACCEPT_PROGRESS:
		*slug = "idempotency-in-progress";
		*detail = "the first request with this idempotency key is in "
			  "progress";
		return 409;
	default:
		*slug = "store";
		*detail = accepted->reason ? accepted->reason
					   : "the store takes nothing now";
		return 503;
	}
}

/* Prints and takes json. */
static void
print_json(cJSON *json, struct bf_buf *out)
{
	char *text = cJSON_PrintUnformatted(json);

	bf_buf_add_text(out, text);
	cJSON_free(text);
	cJSON_Delete(json);
}

/* When it is worth trying again, in seconds; 0: that can't be told. */
static long
retry_after(const struct bf_msg_accepted *accepted, int status)
{
	if (accepted->result == BF_ACCEPT_RATE)
		return (long)((accepted->wait.ms + 999) / 1000);
	return status == 503 || status == 409 ? 1 : 0;
}

/* The problem of a line: what a header would say stands in it. */
static cJSON *
describe_no(const struct bf_msg_accepted *accepted)
{
	const char *slug, *detail;
	const int status = explain_no(accepted, &slug, &detail);
	const bool tenant = accepted->result == BF_ACCEPT_TENANT;
	cJSON *json =
	    bf_problem(status, slug, tenant ? "/tenant_id" : NULL, detail);

	if (accepted->result == BF_ACCEPT_RATE)
		cJSON_AddNumberToObject(json, "retry_after",
		    (double)retry_after(accepted, status));
	return json;
}

/* Answers a batch of which every line has its answer. */
static void
answer_batch(struct post *post)
{
	struct bf_buf body = { 0 };

	for (size_t i = 0; post->connection && i < post->count; i++) {
		bf_buf_add(&body, bf_buf_text(&post->lines[i]),
		    post->lines[i].size);
		bf_buf_add_byte(&body, '\n');
	}
	if (post->connection)
		bf_reply(post->connection, 200, "application/x-ndjson", NULL,
		    bf_buf_text(&body), body.size);
	bf_buf_free(&body);
	free_post(post);
}

static void
answer_line(struct post *post, size_t line,
    const struct bf_msg_accepted *accepted)
{
	if (accepted->result == BF_ACCEPTED)
		print_accepted(&post->lines[line], accepted, true);
	else
		print_json(describe_no(accepted), &post->lines[line]);
	if (--post->left == 0)
		answer_batch(post);
}

static void
answer_single(struct post *post, const struct bf_msg_accepted *accepted)
{
	struct connection *connection = post->connection;
	struct bf_buf body = { 0 };
	const char *slug, *detail;
	char wait[40] = "";
	int status;

	free_post(post);
	if (!connection)
		return;
	if (accepted->result == BF_ACCEPTED) {
		print_accepted(&body, accepted, false);
		bf_reply(connection, 202, "application/json", NULL, body.data,
		    body.size);
		bf_buf_free(&body);
		return;
	}
	status = explain_no(accepted, &slug, &detail);
	if (retry_after(accepted, status) > 0)
		snprintf(wait, sizeof(wait), "Retry-After: %ld\r\n",
		    retry_after(accepted, status));
	bf_reply_problem(connection, status, slug,
	    accepted->result == BF_ACCEPT_TENANT ? "/tenant_id" : NULL, wait,
	    "%s", detail);
}

void
bf_post_accepted(struct intake *intake, struct bf_msg_accepted *accepted)
{
	struct pending_event *pending;
	struct post *post;
	size_t line;

	HASH_FIND(hh, intake->events, &accepted->token, sizeof(accepted->token),
	    pending);
	if (!pending)
		return;
	post = pending->post;
	line = pending->line;
	free_pending(intake, pending);
	if (accepted->result == BF_ACCEPTED)
		bf_intake_count(intake, BF_COUNT_EVENTS_ACCEPTED, 1);
	if (post->batch)
		answer_line(post, line, accepted);
	else
		answer_single(post, accepted);
	bf_intake_leave_if_done(intake);
}

/* ---- requests ---- */

struct problem {
	int status;
	const char *slug;
	char field[130];
	char detail[700];
	char nearest[BF_NAME_MAX + 1];
};

static cJSON *
describe(const struct problem *problem)
{
	cJSON *json = bf_problem(problem->status, problem->slug,
	    problem->field[0] ? problem->field : NULL, problem->detail);

	if (problem->nearest[0])
		cJSON_AddStringToObject(json, "nearest", problem->nearest);
	return json;
}

/* Whether the event type is registered; names the nearest one if not. */
static bool
check_type(const struct intake *intake, const struct bf_event *event,
    struct problem *problem)
{
	const struct bf_snapshot *snapshot = intake->snapshot;
	const char **names;
	const char *nearest;

	if (bf_snapshot_type(snapshot, event->type))
		return true;
	names = bf_zalloc(snapshot->type_count, sizeof(*names));
	for (size_t i = 0; i < snapshot->type_count; i++)
		names[i] = snapshot->types[i].name;
	nearest = bf_nearest(event->type, names, snapshot->type_count);
	problem->status = 422;
	problem->slug = "unknown-event-type";
	strcpy(problem->field, "/event");
	snprintf(problem->detail, sizeof(problem->detail),
	    "there is no event type \"%s\"%s%s%s", event->type,
	    nearest ? "; did you mean " : "", nearest ? nearest : "",
	    nearest ? "?" : "");
	snprintf(problem->nearest, sizeof(problem->nearest), "%s",
	    nearest ? nearest : "");
	free(names);
	return false;
}

/* One document becomes an event, or problem says why not. */
static struct bf_event *
read_event(const struct connection *connection, const char *text, size_t size,
    char *key, struct problem *problem)
{
	const struct caller *caller = &connection->caller;
	const struct bf_event_defaults defaults = { caller->tenant,
		bf_clock_wall_us() };
	struct bf_event_problem wrong;
	struct bf_event *event;

	*problem = (struct problem){ 0 };
	event = bf_event_parse(text, size, &defaults, key, &wrong);
	if (!event) {
		problem->status = wrong.parsed ? 422 : 400;
		problem->slug = wrong.parsed ? "invalid-event" : "bad-json";
		snprintf(problem->field, sizeof(problem->field), "%s",
		    wrong.field);
		snprintf(problem->detail, sizeof(problem->detail), "%s",
		    wrong.error.text);
		return NULL;
	}
	/* A byte may become six of its canonical text. */
	if (event->json.size > EVENT_BYTES) {
		problem->status = 413;
		problem->slug = "invalid-event";
		strcpy(problem->detail,
		    "the event is too large as it would be sent, with all but "
		    "ASCII escaped");
	} else if (!caller->any_tenant &&
		   strcmp(event->tenant, caller->tenant) != 0) {
		problem->status = 403;
		problem->slug = "wrong-tenant";
		strcpy(problem->field, "/tenant_id");
		strcpy(problem->detail, "the token is for another tenant");
	}
	if (problem->status == 0 &&
	    check_type(connection->intake, event, problem))
		return event;
	bf_event_unref(&event);
	return NULL;
}

/* Sends an event to the scheduler and keeps it until the answer. */
static void
submit(struct intake *intake, struct post *post, size_t line,
    struct bf_event *event, const char *key, const char *text, size_t size)
{
	struct pending_event *pending = bf_new(struct pending_event);

	event->id = bf_id_next(&intake->ids, bf_clock_wall());
	pending->token = ++intake->next_token;
	pending->post = post;
	pending->line = line;
	pending->event = event;
	if (key && *key) {
		pending->key = bf_strdup(key);
		if (!EVP_Digest(text, size, pending->digest, NULL, EVP_sha256(),
			NULL))
			abort();
	}
	HASH_ADD(hh, intake->events, token, sizeof(pending->token), pending);
	intake->pending_bytes += event->json.size;
	post->left++;
	if (intake->link && intake->welcomed)
		send_event(intake, pending, false);
}

static void
post_single(struct connection *connection)
{
	struct bf_http_request *request = bf_http_request(connection->http);
	const char *key = request->idempotency_key;
	struct problem problem;
	struct bf_event *event;
	struct post *post;
	struct bf_buf text = { 0 };

	event = read_event(connection, bf_buf_text(&request->body),
	    request->body.size, NULL, &problem);
	if (event) {
		post = bf_new(struct post);
		post->connection = connection;
		submit(connection->intake, post, 0, event, key,
		    bf_buf_text(&request->body), request->body.size);
		return;
	}
	bf_intake_count(connection->intake, BF_COUNT_EVENTS_REFUSED, 1);
	print_json(describe(&problem), &text);
	bf_reply(connection, problem.status, "application/problem+json", NULL,
	    text.data, text.size);
	bf_buf_free(&text);
}

/* The next line that holds more than white space; false at the end. */
static bool
next_line(const char **text, size_t *left, const char **line, size_t *size)
{
	while (*left > 0) {
		const char *end = memchr(*text, '\n', *left);
		const size_t length = end ? (size_t)(end - *text) : *left;

		*line = *text;
		*size = length;
		*text += length + (end != NULL);
		*left -= length + (end != NULL);
		for (size_t i = 0; i < length; i++) {
			if (!strchr(" \t\r", (*line)[i]) || (*line)[i] == '\0')
				return true;
		}
	}
	return false;
}

static size_t
count_lines(const char *text, size_t left)
{
	const char *line;
	size_t size, count = 0;

	while (next_line(&text, &left, &line, &size))
		count++;
	return count;
}

static void
post_line(struct connection *connection, struct post *post, size_t index,
    const char *line, size_t size)
{
	char key[BF_EVENT_KEY_MAX + 1];
	struct problem problem;
	struct bf_event *event =
	    read_event(connection, line, size, key, &problem);

	if (event) {
		submit(connection->intake, post, index, event, key, line, size);
		return;
	}
	bf_intake_count(connection->intake, BF_COUNT_EVENTS_REFUSED, 1);
	print_json(describe(&problem), &post->lines[index]);
}

static void
post_batch(struct connection *connection)
{
	struct bf_http_request *request = bf_http_request(connection->http);
	const char *text = bf_buf_text(&request->body);
	size_t left = request->body.size;
	const size_t count = count_lines(text, left);
	struct post *post;
	const char *line;
	size_t size;

	if (count == 0 || count > BATCH_MOST) {
		bf_reply_problem(connection, count == 0 ? 400 : 413, "batch",
		    NULL, NULL, "expected 1 to %d lines, each one event",
		    BATCH_MOST);
		return;
	}
	if (bf_token_rate_take_lines(connection, count) == -1)
		return;
	post = bf_new(struct post);
	post->connection = connection;
	post->batch = true;
	post->count = count;
	post->lines = bf_zalloc(count, sizeof(*post->lines));
	for (size_t i = 0; next_line(&text, &left, &line, &size); i++)
		post_line(connection, post, i, line, size);
	if (post->left == 0)
		answer_batch(post);
}

static bool
is_full(const struct intake *intake)
{
	return HASH_COUNT(intake->events) >= PENDING_MOST ||
	       intake->pending_bytes >= PENDING_BYTES;
}

/* A scheduler that died is replaced at once, and events wait for it; one that
 * stays away can't be waited for. */
static bool
is_alone(const struct intake *intake)
{
	return !bf_intake_ready(intake) &&
	       bf_clock_monotonic_ms() - intake->alone_since > ALONE_MS;
}

/* What is wrong with the header Idempotency-Key, or NULL. */
static const char *
check_key(const char *key, bool batch)
{
	if (!key)
		return NULL;
	if (batch)
		return "expected none with a batch, but \"idempotency_key\" in "
		       "its lines";
	return *key && strlen(key) <= BF_EVENT_KEY_MAX
		   ? NULL
		   : "expected 1 to 255 bytes";
}

void
bf_post_events(struct connection *connection)
{
	const struct bf_http_request *request =
	    bf_http_request(connection->http);
	const bool batch =
	    request->content_type &&
	    strncasecmp(request->content_type, "application/x-ndjson", 20) == 0;
	const char *wrong = check_key(request->idempotency_key, batch);

	if (is_full(connection->intake))
		bf_reply_problem(connection, 503, "busy", NULL,
		    "Retry-After: 1\r\n",
		    "too many events are waiting for the store");
	else if (is_alone(connection->intake))
		bf_reply_problem(connection, 503, "not-ready", NULL,
		    "Retry-After: 1\r\n", "the scheduler is not there now");
	else if (wrong)
		bf_reply_problem(connection, 400, "idempotency-key", NULL, NULL,
		    "Idempotency-Key: %s", wrong);
	else if (batch)
		post_batch(connection);
	else
		post_single(connection);
}

void
bf_post_forget(struct connection *connection)
{
	struct pending_event *pending, *next;

	if (!connection->answering)
		return;
	HASH_ITER(hh, connection->intake->events, pending, next)
	{
		if (pending->post->connection == connection)
			pending->post->connection = NULL;
	}
}

bool
bf_post_idle(const struct intake *intake)
{
	return HASH_COUNT(intake->events) == 0;
}

void
bf_post_free(struct intake *intake)
{
	struct pending_event *pending, *next;

	HASH_ITER(hh, intake->events, pending, next)
	{
		struct post *post = pending->post;

		free_pending(intake, pending);
		if (--post->left == 0)
			free_post(post);
	}
}
