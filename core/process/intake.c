/*
 * intake.c - the process that talks to applications: its loop and its links
 *
 * It comes and goes with the configuration: a reload makes new intakes, and
 * the old ones finish what they have and leave. The scheduler may come and go
 * too; what it has not answered is sent again to the next one.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/intake/intake_private.h"
#include "core/process/child.h"
#include "core/wire/control.h"

bool
bf_intake_ready(const struct intake *intake)
{
	return intake->link && intake->welcomed;
}

void
bf_intake_leave_if_done(struct intake *intake)
{
	if (intake->draining && TAILQ_EMPTY(&intake->connections) &&
	    bf_post_idle(intake) && bf_command_idle(intake))
		event_base_loopexit(intake->base, NULL);
}

/* The scheduler knows what an intake needs to begin: the default tenant, and
 * tokens made over the API. */
static void
take_welcome(struct intake *intake, const struct bf_msg_welcome *welcome)
{
	if (welcome->version != BF_WIRE_VERSION)
		bf_log(BF_LOG_WARN,
		    "the scheduler speaks version %u of the wire, not %u",
		    welcome->version, BF_WIRE_VERSION);
	bf_id_floor(&intake->ids, welcome->floor);
	snprintf(intake->default_tenant, sizeof(intake->default_tenant), "%s",
	    welcome->default_tenant);
	bf_auth_flush(intake);
	if (!intake->serving && !intake->draining) {
		intake->serving = true;
		bf_server_start(intake);
		bf_child_ready(intake->control);
	}
	intake->welcomed = true;
	bf_post_resend(intake);
	if (!TAILQ_EMPTY(&intake->streams))
		bf_link_send(intake->link,
		    &(struct bf_message){ .kind = BF_MSG_WATCH,
			.watch = { true } });
}

static void
on_message(void *context, struct bf_message *message)
{
	struct intake *intake = context;

	switch (message->kind) {
	case BF_MSG_WELCOME:
		take_welcome(intake, &message->welcome);
		break;
	case BF_MSG_ACCEPTED:
		bf_post_accepted(intake, &message->accepted);
		break;
	case BF_MSG_REPLY:
		bf_command_replied(intake, &message->reply);
		break;
	case BF_MSG_NOTICE:
		bf_stream_notice(intake, &message->notice);
		break;
	case BF_MSG_FLUSH:
		bf_auth_flush(intake);
		bf_stream_review(intake);
		break;
	default:
		bf_log(BF_LOG_ERROR, "the scheduler sent message %d",
		    (int)message->kind);
	}
}

static void
on_closed(void *context, const char *why)
{
	struct intake *intake = context;

	if (why)
		bf_log(BF_LOG_ERROR, "link to the scheduler: %s", why);
	bf_link_free(&intake->link);
	if (intake->welcomed)
		intake->alone_since = bf_clock_monotonic_ms();
	intake->welcomed = false;
	bf_command_fail(intake);
}

static void
take_link(struct intake *intake, int fd)
{
	static const struct bf_link_handler handler = { on_message, on_closed };

	if (intake->link)
		on_closed(intake, NULL);
	intake->link = bf_link_new(intake->base, fd, &handler, intake);
	bf_link_send(intake->link,
	    &(struct bf_message){ .kind = BF_MSG_INTAKE_HELLO,
		.intake_hello = { BF_WIRE_VERSION, intake->slot, getpid() } });
}

/* Takes no more connections. Those that wait for their next request are closed
 * at once, or only when they had it: then no client ever loses one. */
static void
drain(struct intake *intake, enum bf_quit how)
{
	intake->draining = true;
	bf_server_drain(intake, how == BF_QUIT_NOW);
	bf_intake_leave_if_done(intake);
}

static void
on_control(evutil_socket_t fd, short what, void *context)
{
	struct intake *intake = context;
	struct bf_control control;
	struct bf_error err;
	int got;

	(void)what;
	while ((got = bf_control_receive(fd, &control)) == 1) {
		if (control.kind == BF_CONTROL_LINK && control.fd != -1) {
			take_link(intake, control.fd);
			continue;
		}
		if (control.fd != -1)
			close(control.fd);
		if (control.kind == BF_CONTROL_QUIT)
			drain(intake, (enum bf_quit)control.number);
		else if (control.kind == BF_CONTROL_REOPEN &&
			 bf_log_reopen(&err) == -1)
			bf_log(BF_LOG_ERROR, "%s", err.text);
	}
	if (got == 0 || (errno != EAGAIN && errno != EPROTO))
		event_base_loopbreak(intake->base);
}

/* A dashboard that is not installed, or whose files can't be read, costs
 * nothing but itself. */
static void
load_dashboard(struct intake *intake)
{
	const struct bf_api_settings *api = &intake->snapshot->api;
	struct bf_error err;

	if (!api->dashboard)
		return;
	intake->assets = bf_assets_load(api->dashboard_root, &err);
	if (!intake->assets)
		bf_log(BF_LOG_WARN, "there is no dashboard: %s", err.text);
}

static int
start(struct intake *intake, int link, struct bf_error *err)
{
	evutil_make_socket_nonblocking(intake->control);
	intake->control_event = event_new(intake->base, intake->control,
	    EV_READ | EV_PERSIST, on_control, intake);
	if (!intake->control_event ||
	    event_add(intake->control_event, NULL) == -1)
		abort();
	if (bf_read_start(intake) == -1) {
		bf_error_errno(err, "start the thread that reads the store");
		return -1;
	}
	if (link != -1)
		take_link(intake, link);
	return 0;
}

int
bf_intake_main(struct bf_birth *birth)
{
	struct intake intake = { .control = birth->control,
		.snapshot = birth->snapshot,
		.counters = birth->counters,
		.sockets = birth->listeners,
		.socket_count = birth->listener_count,
		.tls = birth->tls,
		.slot = birth->slot,
		.ids = { .slot = birth->slot } };
	struct bf_error err;

	signal(SIGPIPE, SIG_IGN);
	TAILQ_INIT(&intake.connections);
	TAILQ_INIT(&intake.streams);
	intake.limits.head = (size_t)birth->snapshot->api.max_header.bytes;
	intake.limits.body = (size_t)birth->snapshot->api.max_body.bytes;
	intake.counters->values[intake.slot][BF_COUNT_CONNECTIONS_OPEN] = 0;
	intake.base = event_base_new();
	if (!intake.base)
		abort();
	bf_rest_init(&intake);
	load_dashboard(&intake);
	if (start(&intake, birth->link, &err) == -1) {
		bf_log(BF_LOG_EMERG, "%s", err.text);
		intake.status = EXIT_FAILURE;
	} else {
		event_base_dispatch(intake.base);
	}
	bf_server_free(&intake);
	bf_rest_free(&intake);
	bf_link_free(&intake.link);
	bf_command_fail(&intake);
	bf_post_free(&intake);
	bf_read_free(&intake);
	bf_auth_free(&intake);
	free(intake.document);
	bf_assets_free(&intake.assets);
	if (intake.control_event)
		event_free(intake.control_event);
	event_base_free(intake.base);
	return intake.status;
}
