#ifndef BELFRY_TASK_H
#define BELFRY_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <belfry/api.h>
#include <belfry/clock.h>
#include <belfry/error.h>
#include <belfry/response.h>
#include <belfry/strings.h>
#include <belfry/verdict.h>

/*
 * One attempt that a module makes by itself, in a protocol of its own (deliver
 * in <belfry/module.h>). Everything runs on the worker's event loop, on its
 * one thread; nothing may block.
 *
 * A task ends with bf_task_finish, or the core ends it, when its time is over
 * or the worker leaves: then the module's abandon is called. Either way what
 * the task watched is forgotten, and its program is killed; descriptors and
 * memory of the module's are the module's to free. A task must not be touched
 * after its end.
 */
struct bf_task {
	const char *delivery_id;    /* "dlv_" and 24 hex digits */
	const char *tenant;         /* NULL: the default tenant */
	const char *channel;        /* its name */
	int attempt;                /* 1 for the first */
	struct bf_instant now;      /* when this attempt began */
	struct bf_duration timeout; /* then the core ends it */
	bool test;                  /* somebody looks on: see bf_task_step */
	void *state;                /* the module's own; NULL at first */
	const struct bf_task_host *host; /* the core's */
	/* Those whom earlier attempts settled: not to be tried again. Others
	 * are told of in the verdict. Borrowed. */
	const struct bf_recipients *settled;
};

enum bf_readiness {
	BF_READABLE = 1,
	BF_WRITABLE = 2,
};

/*
 * Calls ready whenever the descriptor (non-blocking, the module's own) can be
 * read from or written to, as enum bf_readiness in events says. A second call
 * for the same descriptor takes the place of the first.
 */
typedef void bf_task_ready(struct bf_task *task, int fd, int events);
BF_API void bf_task_watch(struct bf_task *task, int fd, int events,
    bf_task_ready *ready);

/* Forgets the descriptor: to be called before it is closed. */
BF_API void bf_task_unwatch(struct bf_task *task, int fd);

/* Calls ring once, after the time; each task has one alarm, a second call sets
 * it anew. */
typedef void bf_task_ring(struct bf_task *task);
BF_API void bf_task_alarm(struct bf_task *task, struct bf_duration after,
    bf_task_ring *ring);

/*
 * Starts the program that stands in the channel's settings (a directive of
 * type program, run as that of type user says, else as belfry's own user). No
 * shell is between.
 *
 * environment  "NAME=value": names that begin with BELFRY_, and those that the
 *              channel sets by a directive of pairs; the program gets these, a
 *              PATH, HOME and LOGNAME, and no others
 * input        set: what is written there the program reads as its standard
 *              input; the module's own, non-blocking
 * output       set: the program's standard output and error, likewise
 * ended        is called once, when the program has ended: status as from
 *              waitpid(2); or -1 when it could not be started, why not in
 *              reason (borrowed for the call, else NULL)
 *
 * Returns 0, or -1 with the reason.
 */
typedef void bf_task_ended(struct bf_task *task, int status,
    const char *reason);
BF_API int bf_task_run(struct bf_task *task,
    const struct bf_strings *environment, int *input, int *output,
    bf_task_ended *ended, struct bf_error *err);

/* Where a stream goes to. Borrowed for the call. */
struct bf_endpoint {
	const char *host; /* a name or an address */
	int port;
	bool tls;            /* and the certificate is to be good for host */
	const char *ca_file; /* PEM; the system's store if NULL */
	const char *client_certificate; /* PEM; or NULL */
	const char *client_key; /* PEM; in the certificate's file if NULL */
};

/*
 * Connects to where a protocol of the module's own is spoken, as belfry
 * connects to all else: by the channel's proxy and bind_address, never to
 * belfry itself, TLS verified, nothing blocking. A task has one stream, which
 * the core closes when the task ends.
 *
 * connected  is called once: with the socket, to be watched (bf_task_watch) and
 *            no more; or with -1 and the reason (borrowed for the call)
 *
 * Returns 0, or -1 with what is wrong with the endpoint.
 */
typedef void bf_task_connected(struct bf_task *task, int fd,
    const char *reason);
BF_API int bf_task_connect(struct bf_task *task,
    const struct bf_endpoint *endpoint, bf_task_connected *connected,
    struct bf_error *err);

/* On the stream, as read(2) and write(2) on a non-blocking socket. It is to be
 * read until EAGAIN: what TLS has read ahead does not make it readable. */
BF_API ssize_t bf_task_read(struct bf_task *task, void *bytes, size_t size);
BF_API ssize_t bf_task_write(struct bf_task *task, const void *bytes,
    size_t size);

/* Tells the peer that nothing more comes, as shutdown(2) with SHUT_WR does, and
 * TLS's close_notify; what it sends can still be read. 0, or -1 with errno. */
BF_API int bf_task_end_output(struct bf_task *task);

/* Adds a line to what a test shows, such as "request", "MAIL FROM:<...>";
 * secrets are the module's to mask. Does nothing unless task->test. */
BF_API void bf_task_step(struct bf_task *task, const char *kind,
    const char *text);

/*
 * Ends the task. The verdict decides; response (borrowed; may be NULL) has
 * what the history is to show: the status, a number of the protocol's own, and
 * the beginning of the body.
 */
BF_API void bf_task_finish(struct bf_task *task,
    const struct bf_response *response, const struct bf_verdict *verdict);

/* What the core does for tasks: laid out for it alone. */
struct bf_task_host {
	void (*watch)(struct bf_task *task, int fd, int events,
	    bf_task_ready *ready);
	void (*alarm)(struct bf_task *task, struct bf_duration after,
	    bf_task_ring *ring);
	int (*run)(struct bf_task *task, const struct bf_strings *environment,
	    int *input, int *output, bf_task_ended *ended,
	    struct bf_error *err);
	void (*step)(struct bf_task *task, const char *kind, const char *text);
	void (*finish)(struct bf_task *task, const struct bf_response *response,
	    const struct bf_verdict *verdict);
	int (*connect)(struct bf_task *task, const struct bf_endpoint *endpoint,
	    bf_task_connected *connected, struct bf_error *err);
	ssize_t (*read)(struct bf_task *task, void *bytes, size_t size);
	ssize_t (*write)(struct bf_task *task, const void *bytes, size_t size);
	int (*end_output)(struct bf_task *task);
};

#endif
