/*
 * log.c - the error log of the process
 *
 * One write() for a line, or for some that were gathered, to a descriptor
 * opened with O_APPEND, so that lines of several processes never mix. The log
 * is the one piece of global state in belfry: it belongs to the process, as
 * stderr does.
 */
#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <belfry/buf.h>
#include <belfry/clock.h>
#include <belfry/memory.h>

#define AGAIN_MS 60000

static struct {
	int fd;
	char *path; /* NULL: stderr or syslog */
	bool syslog;
	bool json;
	enum bf_log_level level;
	char process[24];
	bool socket; /* fd is one: stderr under systemd */
	_Atomic uint64_t own_dropped;
	_Atomic uint64_t *dropped;
	int echo; /* -1: none */
} logger = { .fd = STDERR_FILENO,
	.dropped = &logger.own_dropped,
	.level = BF_LOG_NOTICE,
	.process = "main",
	.echo = -1 };

/* The beginning of this thread's last line: the next one has the same, mostly.
 */
static _Thread_local struct {
	time_t second;
	enum bf_log_level level;
	char text[96];
} last_head;

static const char *const level_names[] = {
	"emerg",
	"alert",
	"crit",
	"error",
	"warn",
	"notice",
	"info",
	"debug",
};

static const struct {
	const char *name;
	int value;
} facilities[] = {
	{ "daemon", LOG_DAEMON },
	{ "user", LOG_USER },
	{ "mail", LOG_MAIL },
	{ "local0", LOG_LOCAL0 },
	{ "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 },
	{ "local7", LOG_LOCAL7 },
};

static int
open_file(const char *path, struct bf_error *err)
{
	int fd = open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);

	if (fd == -1)
		bf_error_errno(err, "open log %s", path);
	return fd;
}

/* stderr; if it is a pipe or a terminal, whose reader may have stopped to read,
 * by a description of its own: others who share it expect it to block. */
static int
open_stderr(const struct stat *file)
{
	int fd = -1;

	if (S_ISFIFO(file->st_mode) || S_ISCHR(file->st_mode))
		fd = open("/proc/self/fd/2",
		    O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd == -1 ? STDERR_FILENO : fd;
}

static int
open_syslog(const char *facility, struct bf_error *err)
{
	for (size_t i = 0; i < sizeof(facilities) / sizeof(*facilities); i++) {
		if (strcmp(facility, facilities[i].name) == 0) {
			openlog("belfry", LOG_PID | LOG_NDELAY,
			    facilities[i].value);
			return 0;
		}
	}
	bf_error_set(err,
	    "unknown syslog facility \"%s\": expected daemon, "
	    "user, mail or local0 to local7",
	    facility);
	return -1;
}

int
bf_log_open(const struct bf_log_settings *settings, struct bf_error *err)
{
	const char *target = settings->target;
	const bool to_syslog = strncmp(target, "syslog:", 7) == 0;
	const bool to_stderr = strcmp(target, "stderr") == 0;
	struct stat file = { 0 };
	int fd = STDERR_FILENO;

	if (to_syslog && open_syslog(target + 7, err) == -1)
		return -1;
	if (!to_syslog && !to_stderr && (fd = open_file(target, err)) == -1)
		return -1;
	if (to_stderr && fstat(STDERR_FILENO, &file) == 0)
		fd = open_stderr(&file);
	if (logger.fd != STDERR_FILENO)
		close(logger.fd);
	free(logger.path);
	logger.path = to_syslog || to_stderr ? NULL : bf_strdup(target);
	logger.fd = fd;
	logger.socket = S_ISSOCK(file.st_mode);
	logger.syslog = to_syslog;
	logger.json = settings->json;
	logger.level = settings->level;
	return 0;
}

int
bf_log_reopen(struct bf_error *err)
{
	int fd;

	if (!logger.path)
		return 0;
	if ((fd = open_file(logger.path, err)) == -1)
		return -1;
	close(logger.fd);
	logger.fd = fd;
	return 0;
}

void
bf_log_name(const char *process)
{
	snprintf(logger.process, sizeof(logger.process), "%s", process);
	last_head.second = 0;
}

/* The beginning of a line in text form, local time as nginx has it. */
static void
add_head(struct bf_buf *line, enum bf_log_level level)
{
	const time_t now = (time_t)(bf_clock_wall().ms / 1000);
	struct tm local;
	char time[32];

	if (now != last_head.second || level != last_head.level) {
		localtime_r(&now, &local);
		strftime(time, sizeof(time), "%Y/%m/%d %H:%M:%S", &local);
		snprintf(last_head.text, sizeof(last_head.text),
		    "%s [%s] %d#%s: ", time, level_names[level], (int)getpid(),
		    logger.process);
		last_head.second = now;
		last_head.level = level;
	}
	bf_buf_add_text(line, last_head.text);
}

static void
add_json_head(struct bf_buf *line, enum bf_log_level level)
{
	const int64_t now = bf_clock_wall().ms;
	const time_t seconds = (time_t)(now / 1000);
	struct tm utc;
	char time[32];

	gmtime_r(&seconds, &utc);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &utc);
	bf_buf_add_format(line,
	    "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"pid\":%d,"
	    "\"process\":\"%s\",\"message\":\"",
	    time, (int)(now % 1000), level_names[level], (int)getpid(),
	    logger.process);
}

/* How many bytes of the message need no escape. */
static size_t
plain_length(const char *message, bool json)
{
	const char *c = message;

	while ((unsigned char)*c >= 0x20 && *c != 0x7f &&
	       !(json && (*c == '"' || *c == '\\')))
		c++;
	return (size_t)(c - message);
}

/* Adds message with control characters escaped; for JSON also \ and ". */
static void
add_escaped(struct bf_buf *line, const char *message, bool json)
{
	for (;; message++) {
		const size_t plain = plain_length(message, json);

		bf_buf_add(line, message, plain);
		message += plain;
		if (!*message)
			return;
		if (*message == '"' || *message == '\\')
			bf_buf_add_format(line, "\\%c", *message);
		else
			bf_buf_add_format(line, json ? "\\u%04x" : "\\x%02X",
			    (unsigned)*message);
	}
}

static void
add_line(struct bf_buf *out, enum bf_log_level level, const char *message)
{
	if (logger.json)
		add_json_head(out, level);
	else
		add_head(out, level);
	add_escaped(out, message, logger.json);
	bf_buf_add_text(out, logger.json ? "\"}\n" : "\n");
}

static void
send_to_syslog(enum bf_log_level level, const char *message)
{
	struct bf_buf line = { 0 };

	add_escaped(&line, message, false);
	syslog((int)level, "%s", bf_buf_text(&line));
	bf_buf_free(&line);
}

/* Writes whole lines; counts those of which something was left. */
static void
write_lines(const struct bf_buf *lines)
{
	ssize_t written;

	do {
		written = logger.socket
			      ? send(logger.fd, lines->data, lines->size,
				    MSG_DONTWAIT | MSG_NOSIGNAL)
			      : write(logger.fd, lines->data, lines->size);
	} while (written == -1 && errno == EINTR);
	for (size_t i = written > 0 ? (size_t)written : 0; i < lines->size; i++)
		*logger.dropped += lines->data[i] == '\n';
}

void
bf_log_echo(int fd)
{
	logger.echo = fd;
}

/* Says why belfry does not start to whoever started it. */
static void
echo(const char *message)
{
	if (dprintf(logger.echo, "belfry: %s\n", message) < 0)
		logger.echo = -1;
}

/* What is to be said, in text if it is long enough, else in a buffer. */
static char *
format_message(char *text, size_t size, const char *format, va_list args)
{
	struct bf_buf message = { 0 };
	va_list again;
	int length;

	va_copy(again, args);
	length = vsnprintf(text, size, format, args);
	if (length >= (int)size) {
		text = bf_buf_reserve(&message, (size_t)length);
		vsnprintf(text, (size_t)length + 1, format, again);
	}
	va_end(again);
	return text;
}

static void
write_line(enum bf_log_level level, const char *message)
{
	struct bf_buf line = { 0 };

	add_line(&line, level, message);
	write_lines(&line);
	bf_buf_free(&line);
}

/* Adds a line to those that are gathered, which leave first if they and it are
 * too much for one write. */
static void
gather_line(struct bf_buf *lines, enum bf_log_level level, const char *message)
{
	const size_t gathered = lines->size;

	add_line(lines, level, message);
	if (lines->size <= PIPE_BUF || gathered == 0)
		return;
	write_lines(&(struct bf_buf){ .data = lines->data, .size = gathered });
	lines->size -= gathered;
	memmove(lines->data, lines->data + gathered, lines->size + 1);
}

/* Logs a message at once or, with lines, when they are written. */
static void
log_message(struct bf_buf *lines, enum bf_log_level level, const char *format,
    va_list args)
{
	char text[1024];
	char *message = format_message(text, sizeof(text), format, args);

	if (logger.syslog)
		send_to_syslog(level, message);
	else if (lines)
		gather_line(lines, level, message);
	else
		write_line(level, message);
	if (logger.echo != -1 && level <= BF_LOG_ALERT)
		echo(message);
	if (message != text)
		free(message);
}

void
bf_log(enum bf_log_level level, const char *format, ...)
{
	va_list args;

	if (!bf_log_wants(level))
		return;
	va_start(args, format);
	log_message(NULL, level, format, args);
	va_end(args);
}

void
bf_log_gather(struct bf_buf *lines, enum bf_log_level level, const char *format,
    ...)
{
	va_list args;

	if (!bf_log_wants(level))
		return;
	va_start(args, format);
	log_message(lines, level, format, args);
	va_end(args);
}

void
bf_log_write(struct bf_buf *lines)
{
	if (lines->size > 0)
		write_lines(lines);
	bf_buf_clear(lines);
}

bool
bf_log_again(int64_t *said_ms)
{
	const int64_t now = bf_clock_monotonic_ms();

	if (*said_ms != 0 && now - *said_ms < AGAIN_MS)
		return false;
	*said_ms = now;
	return true;
}

bool
bf_log_wants(enum bf_log_level level)
{
	return level <= logger.level;
}

void
bf_log_count_drops(_Atomic uint64_t *counter)
{
	logger.dropped = counter ? counter : &logger.own_dropped;
}

uint64_t
bf_log_dropped(void)
{
	return *logger.dropped;
}

int
bf_log_level_parse(const char *text, enum bf_log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(*level_names);
	     i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum bf_log_level)i;
			return 0;
		}
	}
	return -1;
}
