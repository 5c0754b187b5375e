#ifndef BELFRY_MODULE_H
#define BELFRY_MODULE_H

/*
 * What a channel module includes: the only stable interface of belfry.
 *
 * A module is a shared object that exports one symbol, a constant
 * `struct bf_module` named bf_module. It is opened by the process that reads
 * the conf file, for its table and check, and by workers, which own nothing but
 * the deliveries they were handed: a module that crashes takes its worker along
 * and nothing else. What a worker may do is in doc/manual/modules.md.
 *
 * Every function is called on one thread, one call at a time, and must not
 * block. What compose and judge are given is borrowed for the call; what a
 * module makes it frees, in clear or abandon or by the function that its type
 * names. A function that can fail returns -1 and writes to err what was wrong
 * and what was expected. Running out of memory ends the process.
 *
 * All of this header and of those it includes is of ABI 1. What is added later
 * says since which.
 */

#include <stddef.h>

#include <belfry/api.h>
#include <belfry/blank.h>
#include <belfry/buf.h>
#include <belfry/clock.h>
#include <belfry/directive.h>
#include <belfry/encode.h>
#include <belfry/error.h>
#include <belfry/event.h>
#include <belfry/fields.h>
#include <belfry/hmac.h>
#include <belfry/html.h>
#include <belfry/json.h>
#include <belfry/markup.h>
#include <belfry/memory.h>
#include <belfry/outcome.h>
#include <belfry/rate_limit.h>
#include <belfry/request.h>
#include <belfry/response.h>
#include <belfry/retry_after.h>
#include <belfry/shorten.h>
#include <belfry/strings.h>
#include <belfry/task.h>
#include <belfry/value.h>
#include <belfry/verdict.h>

/* The interface that this header describes. A module made for a newer one is
 * refused; one made for an older one keeps working. */
#define BF_MODULE_ABI 1

/* In front of the definition of bf_module. In C++ a const object would
 * otherwise have internal linkage. */
#ifdef __cplusplus
#define BF_EXPORT extern "C" BF_API
#else
#define BF_EXPORT BF_API
#endif

/* Members are only ever added at the end; size tells which a module has. */
struct bf_module {
	int abi;          /* BF_MODULE_ABI */
	size_t size;      /* sizeof(struct bf_module) */
	const char *name; /* as in `channel NAME ...`: [a-z0-9-], 32 at most */
	const char *version; /* the module's own, for people; NULL: belfry's */
	const char *license; /* SPDX identifier */
	const char *summary; /* one line: what it delivers to */

	size_t conf_size;                      /* of the struct of settings */
	const struct bf_directive *directives; /* ends with an empty one */

	/* Schedule of retries where the conf file gives none, as it would be
	 * written: "1s 2s 4s". NULL: that. */
	const char *retry;
	/* max_age where the conf file gives none. NULL: "24h". */
	const char *max_age;
	/* timeout of an attempt where the conf file gives none. NULL: "10s". */
	const char *timeout;

	/*
	 * Checks the settings as a whole, after each has been checked by its
	 * directive (a message that begins with a directive's name and a colon
	 * is shown with its line), and may prepare what compose needs in
	 * members of conf that have no directive. Returns 0, or -1 with what is
	 * wrong and what was expected. NULL: nothing to check.
	 */
	int (*check)(void *conf, struct bf_error *err);

	/* Frees what check prepared. NULL: nothing to free. */
	void (*clear)(void *conf);

	/*
	 * Makes the request for one attempt. Returns 0, or -1 with the reason:
	 * the delivery then fails for good, as it would fail each time.
	 */
	int (*compose)(const void *conf, const struct bf_event *event,
	    struct bf_request *request, struct bf_error *err);

	/* Judges the response. NULL: bf_verdict_http. */
	void (*judge)(const void *conf, const struct bf_response *response,
	    struct bf_verdict *verdict);

	/* The rate where the conf file gives none, as it would be written:
	 * "1/s burst=4". NULL: no limit. */
	const char *rate;
	/* Attempts at once where the conf file gives none. NULL: "64". */
	const char *concurrency;

	/*
	 * Makes the attempt itself, in place of compose and judge, in a
	 * protocol of the module's own: starts it and returns 0, and it goes
	 * on by what the task watches until bf_task_finish. conf and event
	 * outlive the task. -1 with the reason: the delivery fails for good.
	 * NULL: compose and judge are used.
	 */
	int (*deliver)(const void *conf, const struct bf_event *event,
	    struct bf_task *task, struct bf_error *err);

	/* The core ends the task: frees what the module has in task->state,
	 * and closes its descriptors. Required with deliver. */
	void (*abandon)(struct bf_task *task);
};

#endif
