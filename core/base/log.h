#ifndef BELFRY_LOG_H
#define BELFRY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <belfry/api.h>
#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * The error log of the process: one line a call, to a file, stderr or syslog.
 * A line never contains a raw control character (they are written \xHH), so
 * one call is one line whatever a peer sent. Writing never blocks for longer
 * than the file system does: a line that can't be written, as the disk is full
 * or nobody reads the pipe, is counted and dropped.
 *
 * Text form:  2026/04/10 15:30:45 [notice] 1234#worker: message
 * JSON form:  {"time":"2026-04-10T15:30:45.123Z","level":"notice","pid":1234,
 *             "process":"worker","message":"message"}
 */

enum bf_log_level {
	BF_LOG_EMERG,
	BF_LOG_ALERT,
	BF_LOG_CRIT,
	BF_LOG_ERROR,
	BF_LOG_WARN,
	BF_LOG_NOTICE,
	BF_LOG_INFO,
	BF_LOG_DEBUG,
};

struct bf_log_settings {
	const char *target; /* a path, "stderr", or "syslog:" and a facility */
	enum bf_log_level level;
	bool json;
};

/*
 * Opens the log. Until it was called, lines go to stderr. Forked children
 * inherit the open log. On failure the log stays as it was.
 */
int bf_log_open(const struct bf_log_settings *settings, struct bf_error *err);

/* Opens the file anew (after rotation). On failure goes on with the old one. */
int bf_log_reopen(struct bf_error *err);

/*
 * Until fd can't be written to, or -1 is set, lines of emerg and alert go there
 * too, as plain text: to whoever waits for the daemon to start.
 */
void bf_log_echo(int fd);

/* Names this process in its lines: "master", "intake", ... To be called after
 * each fork, so that they have its pid. */
void bf_log_name(const char *process);

/* Writes one line if the level is at least as urgent as the log's. */
void bf_log(enum bf_log_level level, const char *format, ...) BF_PRINTF(2, 3);

/*
 * Gathers a line of a process that writes many, to be written with others by
 * bf_log_write: a system call for each would cost more than the line. No more
 * is gathered than PIPE_BUF bytes, which a pipe takes as a whole; what would
 * go beyond is written first. lines is the caller's, and to be freed by it.
 */
void bf_log_gather(struct bf_buf *lines, enum bf_log_level level,
    const char *format, ...) BF_PRINTF(3, 4);

/* Writes what was gathered. */
void bf_log_write(struct bf_buf *lines);

/*
 * Whether to write a line that comes again as long as something lasts: once a
 * minute. said_ms is the caller's, for that line alone, 0 at first.
 */
bool bf_log_again(int64_t *said_ms);

/* Whether a line of this level would be written. */
bool bf_log_wants(enum bf_log_level level);

/* Where lines that could not be written are counted: memory that is shared with
 * other processes; NULL: the process's own. */
void bf_log_count_drops(_Atomic uint64_t *counter);

/* How many lines could not be written. */
uint64_t bf_log_dropped(void);

/* "emerg", "alert", ... to a level: 0, or -1 when text is none of them. */
int bf_log_level_parse(const char *text, enum bf_log_level *level);

#endif
