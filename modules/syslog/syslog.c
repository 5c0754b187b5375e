/*
 * syslog.c - messages to a syslog receiver: RFC 5424 over TLS (RFC 5425) or TCP
 *
 * Syslog acknowledges nothing. What tells most is how a connection ends: each
 * delivery has one of its own, says after the message that nothing more comes,
 * and waits for the receiver to close its side. A receiver's kernel does that
 * in peace only if the receiver has read all there was, and else resets.
 */
#include <belfry/module.h>

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "modules/syslog/message.h"

#define PORT_TLS 6514 /* RFC 5425, section 4.1 */
#define PORT_TCP 601  /* IANA's syslog-conn */
/* How long a receiver has to close its side, and how often it is looked at
 * whether all was taken while it does not. */
#define CLOSING_MS 3000
#define LOOK_MS 50
#define TALK_MOST (64 << 10) /* bytes that are read of a receiver */

enum transport { OVER_TLS, OVER_TCP };

static const char *const transports[] = { "tls", "tcp", NULL };

/* By number: RFC 5424, section 6.2.1, table 1; names as syslog.conf has them,
 * and those of 12 to 15 as rsyslog has. */
static const char *const facilities[] = { "kern", "user", "mail", "daemon",
	"auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	"ntp", "audit", "alert", "clock", "local0", "local1", "local2",
	"local3", "local4", "local5", "local6", "local7", NULL };

struct syslog_conf {
	char *host;
	int64_t port;
	struct bf_choice transport;
	struct bf_path ca_file;
	struct bf_path client_certificate;
	struct bf_path client_key;
	struct bf_choice facility;
	char *hostname;
	char *app_name;
	int64_t enterprise_number;
	struct bf_size max_size;
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(syslog_conf, host), .required = true,
	    .help = "The receiver" },
	{ BF_FIELD(syslog_conf, port), .min = 1, .max = 65535,
	    .help = "Its port; without it 6514, and 601 with transport tcp" },
	{ BF_FIELD(syslog_conf, transport), .fallback = "tls",
	    .choices = transports,
	    .help = "tls: the receiver's certificate must be good; tcp: "
		    "readable by whoever is on the way" },
	{ BF_FIELD(syslog_conf, ca_file),
	    .help = "PEM file of the authorities to trust, in place of the "
		    "system's" },
	{ BF_FIELD(syslog_conf, client_certificate),
	    .help = "PEM file of the certificate that belfry shows" },
	{ BF_FIELD(syslog_conf, client_key),
	    .help = "PEM file of its key, if not in the same file" },
	{ BF_FIELD(syslog_conf, facility), .fallback = "daemon",
	    .choices = facilities,
	    .help = "The facility that messages are filed under" },
	{ BF_FIELD(syslog_conf, hostname),
	    .help = "HOSTNAME of the messages; without it, the machine's" },
	{ BF_FIELD(syslog_conf, app_name), .fallback = "belfry",
	    .help = "APP-NAME of the messages" },
	{ BF_FIELD(syslog_conf, enterprise_number), .fallback = "32473",
	    .min = 1, .max = INT32_MAX,
	    .help = "Your private enterprise number (IANA), for the ids of "
		    "structured data; the default is the one of examples" },
	{ BF_FIELD(syslog_conf, max_size), .fallback = "8k", .min = 2048,
	    .max = 65536,
	    .help = "How long a message may be; what does not fit is left "
		    "out" },
	{ 0 },
};

/* A message under way. */
struct sending {
	struct bf_buf frame;
	size_t written;
	int fd;
	size_t heard; /* bytes */
	bool closed;  /* the receiver has closed its side */
	int64_t ended_ms;
};

static int
wrong(struct bf_error *err, const char *what, const char *expected)
{
	bf_error_set(err, "%s: expected %s", what, expected);
	return -1;
}

static int
check(void *conf, struct bf_error *err)
{
	struct syslog_conf *syslog = conf;
	char name[256] = "";

	if (!syslog->hostname) {
		gethostname(name, sizeof(name) - 1);
		syslog->hostname =
		    bf_strdup(syslog_is_field(name, 255) ? name : "-");
	}
	if (strpbrk(syslog->host, "/?#@\\[] ") || !*syslog->host)
		return wrong(err, "host", "the name or address of a machine");
	if (!syslog_is_field(syslog->hostname, 255))
		return wrong(err, "hostname",
		    "up to 255 characters of ASCII, no space");
	if (!syslog_is_field(syslog->app_name, 48))
		return wrong(err, "app_name",
		    "up to 48 characters of ASCII, no space");
	if (syslog->client_key.text && !syslog->client_certificate.text)
		return wrong(err, "client_key", "client_certificate with it");
	if (syslog->transport.index == OVER_TCP &&
	    (syslog->ca_file.text || syslog->client_certificate.text))
		return wrong(err, "transport tcp",
		    "neither ca_file nor client_certificate, which are for "
		    "tls");
	return 0;
}

static void
free_sending(struct bf_task *task)
{
	struct sending *sending = task->state;

	if (!sending)
		return;
	bf_buf_free(&sending->frame);
	free(sending);
	task->state = NULL;
}

static void
finish(struct bf_task *task, enum bf_outcome outcome, const char *what,
    const char *why)
{
	struct bf_verdict verdict = { .outcome = outcome };

	if (what)
		bf_verdict_set(&verdict, outcome, "%s: %s", what, why);
	free_sending(task);
	bf_task_finish(task, NULL, &verdict);
}

static void
delivered(struct bf_task *task, const char *how)
{
	bf_task_step(task, "end", how);
	finish(task, BF_DELIVERED, NULL, NULL);
}

/* How the receiver took it, once we have said that nothing more comes. */
static void
look(struct bf_task *task)
{
	struct sending *sending = task->state;
	const int64_t waited = bf_clock_monotonic_ms() - sending->ended_ms;
	socklen_t size = sizeof(int);
	int unsent = 0, error = 0;

	if (getsockopt(sending->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
	    error != 0) {
		finish(task, BF_RETRY, "the receiver did not take the message",
		    strerror(error));
		return;
	}
	/* What the peer's kernel has not acknowledged, it may yet refuse. */
	if (ioctl(sending->fd, SIOCOUTQ, &unsent) == 0 && unsent == 0) {
		if (sending->closed) {
			delivered(task, "the receiver read it and closed");
			return;
		}
		if (waited >= CLOSING_MS) {
			delivered(task, "the receiver's system has it");
			return;
		}
	}
	bf_task_alarm(task, (struct bf_duration){ LOOK_MS }, look);
}

static void
read_end(struct bf_task *task, int fd, int events)
{
	struct sending *sending = task->state;
	char bytes[1024];
	ssize_t got = 0;

	(void)events;
	/* There is nothing that a receiver could have to say. One that says it
	 * without end would have the worker for itself: it is heard no more,
	 * and what its system has taken decides. */
	while (sending->heard < TALK_MOST &&
	       (got = bf_task_read(task, bytes, sizeof(bytes))) > 0)
		sending->heard += (size_t)got;
	if (got == -1 && errno == EAGAIN)
		return;
	bf_task_unwatch(task, fd);
	if (got > 0)
		return;
	if (got == -1) {
		finish(task, BF_RETRY, "the receiver did not take the message",
		    strerror(errno));
		return;
	}
	sending->closed = true;
	look(task);
}

static void
end_message(struct bf_task *task)
{
	struct sending *sending = task->state;
	char byte;
	const ssize_t got = bf_task_read(task, &byte, 1);

	/* Whoever has left before may not have read anything. */
	if (got == 0 || (got == -1 && errno != EAGAIN) ||
	    bf_task_end_output(task) == -1) {
		finish(task, BF_RETRY, "the receiver",
		    "it closed the connection before the message was sent");
		return;
	}
	bf_task_step(task, "sent", sending->frame.data);
	sending->ended_ms = bf_clock_monotonic_ms();
	bf_task_watch(task, sending->fd, BF_READABLE, read_end);
	bf_task_alarm(task, (struct bf_duration){ CLOSING_MS }, look);
}

static void
write_message(struct bf_task *task, int fd, int events)
{
	struct sending *sending = task->state;

	(void)fd;
	(void)events;
	while (sending->written < sending->frame.size) {
		const ssize_t written =
		    bf_task_write(task, sending->frame.data + sending->written,
			sending->frame.size - sending->written);

		if (written == -1 && errno == EAGAIN)
			return;
		if (written == -1) {
			finish(task, BF_RETRY, "send the message",
			    strerror(errno));
			return;
		}
		sending->written += (size_t)written;
	}
	end_message(task);
}

static void
on_connected(struct bf_task *task, int fd, const char *reason)
{
	struct sending *sending = task->state;

	if (fd == -1) {
		finish(task, BF_RETRY, "connect to the receiver", reason);
		return;
	}
	sending->fd = fd;
	bf_task_watch(task, fd, BF_WRITABLE, write_message);
}

static int
deliver(const void *conf, const struct bf_event *event, struct bf_task *task,
    struct bf_error *err)
{
	const struct syslog_conf *syslog = conf;
	const bool tls = syslog->transport.index == OVER_TLS;
	const struct syslog_form form = {
		.facility = syslog->facility.index,
		.hostname = syslog->hostname,
		.app_name = syslog->app_name,
		.enterprise_number = syslog->enterprise_number,
		.max_size = syslog->max_size.bytes,
	};
	const struct bf_endpoint receiver = {
		.host = syslog->host,
		.port = syslog->port ? (int)syslog->port
			: tls        ? PORT_TLS
				     : PORT_TCP,
		.tls = tls,
		.ca_file = syslog->ca_file.text,
		.client_certificate = syslog->client_certificate.text,
		.client_key = syslog->client_key.text,
	};
	struct sending *sending = bf_new(struct sending);

	sending->fd = -1;
	task->state = sending;
	syslog_message(&form, event, task->delivery_id, &sending->frame);
	if (bf_task_connect(task, &receiver, on_connected, err) == 0)
		return 0;
	free_sending(task);
	return -1;
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "syslog",
	.license = "BSD-2-Clause",
	.summary = "Messages to a syslog receiver, over TLS or TCP",
	.conf_size = sizeof(struct syslog_conf),
	.directives = directives,
	.retry = "5s 30s 5m 30m 2h",
	.concurrency = "16", /* each is a connection */
	.check = check,
	.deliver = deliver,
	.abandon = free_sending,
};
