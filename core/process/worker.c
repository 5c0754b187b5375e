/*
 * worker.c - the process that delivers: compose, perform, judge
 *
 * It owns nothing: what it has in hand is known to the scheduler, which sends
 * it again if this process dies. It ends when its link to the scheduler does.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/worker_private.h"
#include "core/process/worker_task.h"
#include "core/process/worker_transport.h"
#include "core/wire/control.h"

#define EXCERPT_MOST 1024 /* bytes of an answer that are kept */
#define EXCERPT_PLAIN 200 /* of a plain success */

struct worker {
	struct event_base *base;
	struct event *control_event;
	int control;
	struct bf_link *link;
	struct worker_channels *channels;
	struct bf_worker_transports *transports;
	struct bf_programs *programs;
	struct bf_worker_tasks *tasks;
	TAILQ_HEAD(, attempt) attempts; /* in hand */
	bool draining;
	int status;
};

/* An attempt under way. */
struct attempt {
	struct worker *worker;
	struct worker_channel *channel;
	struct bf_event *event;
	struct bf_recipients settled; /* by the attempts before */
	struct bf_msg_outcome outcome;
	char delivery_id[BF_DELIVERY_ID_TEXT];
	TAILQ_ENTRY(attempt) entry;
};

static void
leave_if_done(struct worker *worker)
{
	if (worker->draining && TAILQ_EMPTY(&worker->attempts))
		event_base_loopexit(worker->base, NULL);
}

static void
free_attempt(struct attempt *attempt)
{
	TAILQ_REMOVE(&attempt->worker->attempts, attempt, entry);
	if (attempt->channel)
		bf_worker_channel_done(attempt->channel);
	bf_event_unref(&attempt->event);
	bf_recipients_free(&attempt->settled);
	bf_attempt_clear(&attempt->outcome.attempt);
	free(attempt->outcome.transcript);
	free(attempt);
}

/* Sends the outcome, which ends the attempt. */
static void
finish(struct attempt *attempt)
{
	struct worker *worker = attempt->worker;

	bf_link_send(worker->link, &(struct bf_message){ .kind = BF_MSG_OUTCOME,
				       .outcome = attempt->outcome });
	free_attempt(attempt);
	leave_if_done(worker);
}

/* Ends the attempt with a verdict of our own. */
static void
conclude(struct attempt *attempt, enum bf_outcome outcome, const char *why)
{
	attempt->outcome.outcome = outcome;
	attempt->outcome.attempt.why = bf_strdup(why);
	finish(attempt);
}

/* Ends the attempt when every recipient that the channel has now is settled
 * already: the one that was to be tried again was taken out of it. */
static void
conclude_settled(struct attempt *attempt)
{
	struct bf_verdict verdict = { 0 };

	bf_verdict_sum(&verdict, &attempt->settled);
	conclude(attempt, verdict.outcome,
	    "no recipient is left to be tried: the channel's were changed");
}

/* The beginning of the answer's body, for the history. */
static void
keep_excerpt(struct attempt *attempt, const struct bf_response *response)
{
	const bool plain = response->status >= 200 && response->status < 300;
	const size_t most = plain ? EXCERPT_PLAIN : EXCERPT_MOST;
	const size_t size =
	    response->body.size < most ? response->body.size : most;

	if (size == 0)
		return;
	attempt->outcome.attempt.excerpt =
	    bf_strndup(response->body.data, size);
	attempt->outcome.attempt.excerpt_size = size;
}

static void
take_verdict(struct attempt *attempt, const struct bf_verdict *judged)
{
	/* Its recipients stay the judge's. */
	struct bf_verdict sum = *judged;
	const struct bf_verdict *verdict = &sum;

	if (sum.recipients.count > 0)
		bf_verdict_sum(&sum, &attempt->settled);
	bf_recipients_copy(&attempt->outcome.attempt.recipients,
	    &verdict->recipients);
	attempt->outcome.alarm = verdict->alarm;
	attempt->outcome.outcome = verdict->outcome;
	attempt->outcome.wait = verdict->wait;
	attempt->outcome.stop_channel = verdict->stop_channel;
	attempt->outcome.not_before = verdict->not_before;
	attempt->outcome.scope = verdict->scope == BF_PAUSE_PLATFORM
				     ? BF_PAUSE_PLATFORM
				     : BF_PAUSE_ENDPOINT;
	if (verdict->why[0])
		attempt->outcome.attempt.why = bf_strdup(verdict->why);
}

static void
judge(struct attempt *attempt, const struct bf_response *response)
{
	const struct bf_module *module =
	    bf_worker_channel_module(attempt->channel);
	struct bf_verdict verdict = { .outcome = BF_RETRY };

	bf_recipients_copy(&verdict.recipients, &response->recipients);
	if (module->judge)
		module->judge(bf_worker_channel_settings(attempt->channel),
		    response, &verdict);
	else
		bf_verdict_http(response, &verdict);
	take_verdict(attempt, &verdict);
	bf_recipients_free(&verdict.recipients);
}

static void
on_done(void *context, const struct bf_response *response,
    const struct bf_timings *timings, const char *transcript)
{
	struct attempt *attempt = context;
	struct bf_attempt *kept = &attempt->outcome.attempt;

	kept->took_us = timings->total_us;
	kept->resolve_us = timings->resolve_us;
	kept->connect_us = timings->connect_us;
	kept->tls_us = timings->tls_us;
	kept->first_byte_us = timings->first_byte_us;
	kept->status = response->status;
	keep_excerpt(attempt, response);
	judge(attempt, response);
	attempt->outcome.transcript = bf_strdup(transcript);
	finish(attempt);
}

static void
on_task_done(void *context, const struct bf_response *response,
    const struct bf_verdict *verdict, const char *transcript)
{
	struct attempt *attempt = context;

	attempt->outcome.attempt.took_us = response->took.ms * 1000;
	attempt->outcome.attempt.status = response->status;
	keep_excerpt(attempt, response);
	take_verdict(attempt, verdict);
	attempt->outcome.transcript = bf_strdup(transcript);
	finish(attempt);
}

/* How the channel's connections are made. */
static struct bf_transport_options
options_of(const struct attempt *attempt)
{
	const struct bf_channel *conf =
	    bf_worker_channel_conf(attempt->channel);

	return (struct bf_transport_options){
		.proxy = conf->policy.proxy,
		.bind_address = conf->policy.bind_address,
		.timeout = conf->policy.timeout,
		.transcript = attempt->outcome.test,
		.fresh = attempt->outcome.test,
	};
}

/* Lets the module make the attempt. */
static void
start_task(struct attempt *attempt)
{
	const struct bf_channel *conf =
	    bf_worker_channel_conf(attempt->channel);
	const struct bf_task task = {
		.delivery_id = attempt->delivery_id,
		.tenant = conf->tenant,
		.channel = conf->name,
		.attempt = attempt->outcome.attempt.number,
		.now = attempt->outcome.attempt.at,
		.timeout = conf->policy.timeout,
		.test = attempt->outcome.test,
		.settled = &attempt->settled,
	};
	const struct bf_transport_options options = options_of(attempt);

	bf_worker_tasks_start(attempt->worker->tasks,
	    bf_worker_channel_module(attempt->channel),
	    bf_worker_channel_settings(attempt->channel), attempt->event, &task,
	    conf, &options, on_task_done, attempt);
}

/* Composes the request and starts it. */
static void
start_request(struct attempt *attempt)
{
	struct worker *worker = attempt->worker;
	const struct bf_channel *conf =
	    bf_worker_channel_conf(attempt->channel);
	const struct bf_module *module =
	    bf_worker_channel_module(attempt->channel);
	const struct bf_transport_options options = options_of(attempt);
	struct bf_request request = {
		.delivery_id = attempt->delivery_id,
		.attempt = attempt->outcome.attempt.number,
		.now = attempt->outcome.attempt.at,
		.settled = &attempt->settled,
		.method = "POST",
	};
	struct bf_error err = { "" };

	if (module->compose(bf_worker_channel_settings(attempt->channel),
		attempt->event, &request, &err) == -1) {
		bf_request_free(&request);
		conclude(attempt, BF_FAILED, err.text);
		return;
	}
	if (request.sender && request.recipients.count == 0) {
		bf_request_free(&request);
		conclude_settled(attempt);
		return;
	}
	if (bf_worker_may_request(worker->transports, conf, &request, &err) ==
	    -1) {
		bf_request_free(&request);
		conclude(attempt, BF_FAILED, err.text);
		return;
	}
	bf_transport_start(bf_worker_transport(worker->transports, conf),
	    &request, &options, on_done, attempt);
}

static void
deliver(struct worker *worker, struct bf_msg_deliver *message)
{
	struct attempt *attempt = bf_new(struct attempt);
	struct bf_error err;

	attempt->worker = worker;
	TAILQ_INSERT_TAIL(&worker->attempts, attempt, entry);
	attempt->event = message->event;
	message->event = NULL;
	attempt->settled = message->settled;
	message->settled = (struct bf_recipients){ 0 };
	attempt->outcome.id = message->id;
	attempt->outcome.tries = message->tries;
	attempt->outcome.test = message->test;
	attempt->outcome.attempt = (struct bf_attempt){
		.number = (int)message->attempt,
		.at = bf_clock_wall(),
		.resolve_us = -1,
		.connect_us = -1,
		.tls_us = -1,
		.first_byte_us = -1,
	};
	bf_delivery_id_format(message->id, attempt->delivery_id);
	attempt->channel =
	    bf_worker_channel_use(worker->channels, message->id.channel, &err);
	if (!attempt->channel)
		conclude(attempt, BF_RETRY, err.text);
	else if (bf_worker_channel_module(attempt->channel)->deliver)
		start_task(attempt);
	else
		start_request(attempt);
}

static void
check(struct worker *worker, const struct bf_msg_check *message)
{
	struct bf_error err = { "" };
	const int result = bf_worker_channels_check(worker->channels,
	    message->bytes, message->size, &err);

	bf_link_send(worker->link,
	    &(struct bf_message){ .kind = BF_MSG_CHECKED,
		.checked = { message->token, result == 0 ? NULL : err.text } });
}

static void
on_message(void *context, struct bf_message *message)
{
	struct worker *worker = context;

	switch (message->kind) {
	case BF_MSG_CHANNEL:
		bf_worker_channels_put(worker->channels, &message->channel);
		break;
	case BF_MSG_FORGET:
		bf_worker_channels_forget(worker->channels,
		    message->forget.channel);
		break;
	case BF_MSG_CHECK:
		check(worker, &message->check);
		break;
	case BF_MSG_DELIVER:
		deliver(worker, &message->deliver);
		break;
	default:
		bf_log(BF_LOG_ERROR, "the scheduler sent message %d",
		    (int)message->kind);
	}
}

static void
on_closed(void *context, const char *why)
{
	struct worker *worker = context;

	if (why)
		bf_log(BF_LOG_ERROR, "link to the scheduler: %s", why);
	/* Nobody would hear of what is in hand. */
	event_base_loopbreak(worker->base);
}

static void
drain(struct worker *worker)
{
	if (worker->draining)
		return;
	worker->draining = true;
	bf_link_send(worker->link,
	    &(struct bf_message){ .kind = BF_MSG_DRAINING });
	leave_if_done(worker);
}

static void
on_control(evutil_socket_t fd, short what, void *context)
{
	struct worker *worker = context;
	struct bf_control control;
	struct bf_error err;
	int got;

	(void)what;
	while ((got = bf_control_receive(fd, &control)) == 1) {
		if (control.fd != -1)
			close(control.fd);
		if (control.kind == BF_CONTROL_QUIT)
			drain(worker);
		else if (control.kind == BF_CONTROL_REOPEN &&
			 bf_log_reopen(&err) == -1)
			bf_log(BF_LOG_ERROR, "%s", err.text);
	}
	if (got == 0 || (errno != EAGAIN && errno != EPROTO))
		event_base_loopbreak(worker->base);
}

static void
say_hello(struct worker *worker, const struct bf_birth *birth)
{
	bf_link_send(worker->link,
	    &(struct bf_message){ .kind = BF_MSG_WORKER_HELLO,
		.worker_hello = { .version = BF_WIRE_VERSION,
		    .pid = getpid(),
		    .group = (char *)(birth->group ? birth->group : ""),
		    .credit =
			(uint32_t)birth->snapshot->worker_connections } });
	bf_child_ready(worker->control);
}

int
bf_worker_main(struct bf_birth *birth)
{
	static const struct bf_link_handler handler = { on_message, on_closed };
	struct worker worker = { .control = birth->control };
	struct bf_error err;

	signal(SIGPIPE, SIG_IGN);
	TAILQ_INIT(&worker.attempts);
	worker.base = event_base_new();
	if (!worker.base)
		abort();
	worker.transports =
	    bf_worker_transports_new(worker.base, birth->snapshot, &err);
	if (!worker.transports) {
		bf_log(BF_LOG_EMERG, "%s", err.text);
		event_base_free(worker.base);
		return EXIT_FAILURE;
	}
	worker.programs = bf_programs_new(worker.base, birth->programs);
	worker.tasks = bf_worker_tasks_new(worker.base, worker.programs,
	    worker.transports);
	worker.channels = bf_worker_channels_new(birth->snapshot);
	worker.link = bf_link_new(worker.base, birth->link, &handler, &worker);
	evutil_make_socket_nonblocking(worker.control);
	worker.control_event = event_new(worker.base, worker.control,
	    EV_READ | EV_PERSIST, on_control, &worker);
	if (!worker.control_event ||
	    event_add(worker.control_event, NULL) == -1)
		abort();
	say_hello(&worker, birth);
	event_base_dispatch(worker.base);

	bf_link_free(&worker.link);
	bf_worker_tasks_free(&worker.tasks);
	bf_worker_transports_free(&worker.transports);
	bf_programs_free(&worker.programs);
	/* Nobody is left to hear of these; the scheduler sends them again. */
	while (!TAILQ_EMPTY(&worker.attempts))
		free_attempt(TAILQ_FIRST(&worker.attempts));
	bf_worker_channels_free(&worker.channels);
	event_free(worker.control_event);
	event_base_free(worker.base);
	return worker.status;
}
