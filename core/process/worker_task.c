/*
 * worker_task.c - attempts that modules make themselves, on the worker's loop
 *
 * The core keeps the time and what a task watches, so that a module which
 * forgets to can neither hold a delivery for ever nor leave an event behind.
 */
#include "core/process/worker_task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <belfry/memory.h>
#include <cjson/cJSON.h>

#include "core/conf/url.h"
#include "core/transport/stream.h"

struct watch {
	struct task *task;
	int fd;
	struct event *event;
	bf_task_ready *ready;
	TAILQ_ENTRY(watch) entry;
};

struct task {
	struct bf_task open; /* first: what the module has */
	struct bf_worker_tasks *tasks;
	const struct bf_module *module;
	TAILQ_HEAD(, watch) watches;
	struct event *deadline;
	struct event *alarm;
	bf_task_ring *ring;
	uint64_t program; /* 0: none runs */
	bf_task_ended *ended;
	int64_t began_us;
	const struct bf_channel *channel;
	struct bf_transport_options options; /* how it connects */
	struct bf_stream *stream;
	bf_task_connected *connected;
	cJSON *steps; /* of a test */
	cJSON *hint;  /* of a test that could not connect; or NULL */
	bf_worker_task_done *done;
	void *context;
	TAILQ_ENTRY(task) entry;
};

struct bf_worker_tasks {
	struct event_base *base;
	struct bf_programs *programs;
	struct bf_worker_transports *transports;
	TAILQ_HEAD(, task) all;
};

static struct task *
task_of(struct bf_task *open)
{
	return (struct task *)open;
}

static struct event *
add_event(struct event_base *base, int fd, short what,
    event_callback_fn callback, void *context, const struct timeval *after)
{
	struct event *event = event_new(base, fd, what, callback, context);

	if (!event || event_add(event, after) == -1)
		abort();
	return event;
}

static struct timeval
timeval_of(struct bf_duration time)
{
	const int64_t ms = time.ms > 0 ? time.ms : 0;

	return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

static void
drop_watch(struct watch *watch)
{
	TAILQ_REMOVE(&watch->task->watches, watch, entry);
	event_free(watch->event);
	free(watch);
}

/* Forgets all that the task has set up. */
static void
free_task(struct task *task)
{
	while (!TAILQ_EMPTY(&task->watches))
		drop_watch(TAILQ_FIRST(&task->watches));
	if (task->alarm)
		event_free(task->alarm);
	if (task->deadline)
		event_free(task->deadline);
	bf_programs_kill(task->tasks->programs, task->program);
	bf_stream_close(&task->stream);
	cJSON_Delete(task->hint);
	TAILQ_REMOVE(&task->tasks->all, task, entry);
	cJSON_Delete(task->steps);
	free(task);
}

/* ---- what the module calls ---- */

static void
on_ready(evutil_socket_t fd, short what, void *context)
{
	struct watch *watch = context;
	const int events = (what & EV_READ ? BF_READABLE : 0) |
			   (what & EV_WRITE ? BF_WRITABLE : 0);

	watch->ready(&watch->task->open, fd, events);
}

static void
watch(struct bf_task *open, int fd, int events, bf_task_ready *ready)
{
	struct task *task = task_of(open);
	const short what = (short)((events & BF_READABLE ? EV_READ : 0) |
				   (events & BF_WRITABLE ? EV_WRITE : 0));
	struct watch *own;

	TAILQ_FOREACH(own, &task->watches, entry)
	{
		if (own->fd == fd)
			break;
	}
	if (own)
		drop_watch(own);
	if (!what)
		return;
	own = bf_new(struct watch);
	*own = (struct watch){ .task = task, .fd = fd, .ready = ready };
	TAILQ_INSERT_TAIL(&task->watches, own, entry);
	own->event = add_event(task->tasks->base, fd,
	    (short)(what | EV_PERSIST), on_ready, own, NULL);
}

static void
on_alarm(evutil_socket_t fd, short what, void *context)
{
	struct task *task = context;

	(void)fd;
	(void)what;
	task->ring(&task->open);
}

static void
set_alarm(struct bf_task *open, struct bf_duration after, bf_task_ring *ring)
{
	struct task *task = task_of(open);
	const struct timeval time = timeval_of(after);

	if (task->alarm)
		event_free(task->alarm);
	task->ring = ring;
	task->alarm =
	    add_event(task->tasks->base, -1, 0, on_alarm, task, &time);
}

static void
on_program_ended(void *context, int status, const char *reason)
{
	struct task *task = context;

	task->program = 0;
	task->ended(&task->open, status, reason);
}

static int
run(struct bf_task *open, const struct bf_strings *environment, int *input,
    int *output, bf_task_ended *ended, struct bf_error *err)
{
	struct task *task = task_of(open);
	struct bf_program_message ask = { .tenant = (char *)open->tenant,
		.channel = (char *)open->channel,
		.environment = *environment };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };

	if (task->program != 0) {
		bf_error_set(err, "the task runs a program already");
		return -1;
	}
	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1) {
		bf_error_errno(err, "make a pipe");
	} else {
		ask.fds[0] = in[0];
		ask.fds[1] = out[1];
		fcntl(in[1], F_SETFL, O_NONBLOCK);
		fcntl(out[0], F_SETFL, O_NONBLOCK);
		task->ended = ended;
		task->program = bf_programs_start(task->tasks->programs, &ask,
		    on_program_ended, task, err);
	}
	if (task->program != 0) {
		*input = in[1];
		*output = out[0];
		in[1] = out[0] = -1;
	}
	for (int i = 0; i < 2; i++) {
		if (in[i] != -1)
			close(in[i]);
		if (out[i] != -1)
			close(out[i]);
	}
	return task->program != 0 ? 0 : -1;
}

/* Takes over what a test is to show of the connection: see bf_transcript_json,
 * whose times count from the start of the connection. */
static void
take_steps(struct task *task, const char *transcript)
{
	cJSON *json = transcript ? cJSON_Parse(transcript) : NULL;
	cJSON *steps = cJSON_GetObjectItemCaseSensitive(json, "steps");
	cJSON *step;

	while ((step = cJSON_DetachItemFromArray(steps, 0)))
		cJSON_AddItemToArray(task->steps, step);
	task->hint = cJSON_DetachItemFromObjectCaseSensitive(json, "hint");
	cJSON_Delete(json);
}

static void
on_opened(void *context, const char *reason, const char *transcript)
{
	struct task *task = context;

	take_steps(task, transcript);
	task->connected(&task->open, bf_stream_socket(task->stream), reason);
}

static int
connect_stream(struct bf_task *open, const struct bf_endpoint *endpoint,
    bf_task_connected *connected, struct bf_error *err)
{
	struct task *task = task_of(open);
	struct bf_worker_transports *transports = task->tasks->transports;
	const bool literal = strchr(endpoint->host, ':') != NULL;
	char *url = bf_strf("%s://%s%s%s:%d", endpoint->tls ? "https" : "http",
	    literal ? "[" : "", endpoint->host, literal ? "]" : "",
	    endpoint->port);
	const struct bf_request request = { .url = url,
		.ca_file = endpoint->ca_file,
		.client_certificate = endpoint->client_certificate,
		.client_key = endpoint->client_key };
	int result = -1;

	if (task->stream)
		bf_error_set(err, "the task has a stream already");
	else if (!transports)
		bf_error_set(err, "there is no way out");
	else if (strpbrk(endpoint->host, "/?#@\\"))
		bf_error_set(err, "%s: expected the name of a host",
		    endpoint->host);
	else
		result = bf_url_check(url, err);
	if (result == 0)
		result = bf_worker_may_request(transports, task->channel,
		    &request, err);
	if (result == 0) {
		task->connected = connected;
		task->stream = bf_stream_open(bf_worker_transport(transports,
						  task->channel),
		    &request, &task->options, on_opened, task);
	}
	free(url);
	return result;
}

/* Before the stream is open, there is nothing to read from or write to. */
static bool
is_open(const struct task *task)
{
	if (task->stream && bf_stream_socket(task->stream) != -1)
		return true;
	errno = ENOTCONN;
	return false;
}

static ssize_t
read_stream(struct bf_task *open, void *bytes, size_t size)
{
	struct task *task = task_of(open);

	return is_open(task) ? bf_stream_read(task->stream, bytes, size) : -1;
}

static ssize_t
write_stream(struct bf_task *open, const void *bytes, size_t size)
{
	struct task *task = task_of(open);

	return is_open(task) ? bf_stream_write(task->stream, bytes, size) : -1;
}

static int
end_output(struct bf_task *open)
{
	struct task *task = task_of(open);

	return is_open(task) ? bf_stream_end(task->stream) : -1;
}

static void
step(struct bf_task *open, const char *kind, const char *text)
{
	struct task *task = task_of(open);
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "step", kind);
	cJSON_AddNumberToObject(json, "at_us",
	    (double)(bf_clock_monotonic_us() - task->began_us));
	cJSON_AddStringToObject(json, "text", text);
	cJSON_AddItemToArray(task->steps, json);
}

/* As bf_transcript_json has them. */
static char *
print_steps(cJSON *steps, cJSON *hint)
{
	cJSON *json = cJSON_CreateObject();
	char *text;

	cJSON_AddItemReferenceToObject(json, "steps", steps);
	if (hint)
		cJSON_AddItemReferenceToObject(json, "hint", hint);
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}

static void
finish(struct bf_task *open, const struct bf_response *response,
    const struct bf_verdict *verdict)
{
	struct task *task = task_of(open);
	const struct bf_response none = { 0 };
	struct bf_response own = response ? *response : none;
	bf_worker_task_done *done = task->done;
	void *context = task->context;
	char *transcript =
	    task->steps ? print_steps(task->steps, task->hint) : NULL;

	own.took.ms = (bf_clock_monotonic_us() - task->began_us) / 1000;
	free_task(task);
	done(context, &own, verdict, transcript);
	cJSON_free(transcript);
}

static const struct bf_task_host host = { watch, set_alarm, run, step, finish,
	connect_stream, read_stream, write_stream, end_output };

/* ---- its beginning and its end ---- */

static void
abandon(struct task *task)
{
	if (task->module->abandon)
		task->module->abandon(&task->open);
}

static void
on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct task *task = context;
	struct bf_verdict verdict = { .outcome = BF_RETRY };

	(void)fd;
	(void)what;
	bf_verdict_set(&verdict, BF_RETRY, "timed out after %lld ms",
	    (long long)task->open.timeout.ms);
	abandon(task);
	finish(&task->open, NULL, &verdict);
}

void
bf_worker_tasks_start(struct bf_worker_tasks *tasks,
    const struct bf_module *module, const void *settings,
    const struct bf_event *event, const struct bf_task *what,
    const struct bf_channel *channel,
    const struct bf_transport_options *options, bf_worker_task_done *done,
    void *context)
{
	const struct timeval time = timeval_of(what->timeout);
	struct task *task = bf_new(struct task);
	struct bf_verdict verdict = { .outcome = BF_FAILED };
	struct bf_error err = { "" };

	task->open = *what;
	task->open.host = &host;
	task->tasks = tasks;
	task->module = module;
	task->began_us = bf_clock_monotonic_us();
	task->channel = channel;
	task->options = *options;
	task->done = done;
	task->context = context;
	if (what->test)
		task->steps = cJSON_CreateArray();
	TAILQ_INIT(&task->watches);
	TAILQ_INSERT_TAIL(&tasks->all, task, entry);
	task->deadline =
	    add_event(tasks->base, -1, 0, on_deadline, task, &time);
	if (module->deliver(settings, event, &task->open, &err) == 0)
		return;
	bf_verdict_set(&verdict, BF_FAILED, "%s", err.text);
	finish(&task->open, NULL, &verdict);
}

struct bf_worker_tasks *
bf_worker_tasks_new(struct event_base *base, struct bf_programs *programs,
    struct bf_worker_transports *transports)
{
	struct bf_worker_tasks *tasks = bf_new(struct bf_worker_tasks);

	tasks->base = base;
	tasks->programs = programs;
	tasks->transports = transports;
	TAILQ_INIT(&tasks->all);
	return tasks;
}

void
bf_worker_tasks_free(struct bf_worker_tasks **tasks)
{
	struct task *task;

	if (!*tasks)
		return;
	while ((task = TAILQ_FIRST(&(*tasks)->all))) {
		abandon(task);
		free_task(task);
	}
	free(*tasks);
	*tasks = NULL;
}
