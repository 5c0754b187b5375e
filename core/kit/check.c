/*
 * check.c - a module held against what belfry expects of modules
 *
 * Each check runs in a process of its own: a module that crashes or hangs ends
 * that, and its signal is the finding.
 */
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/kit/kit.h"
#include "core/process/worker_task.h"

#define EVENTS 500          /* that are composed */
#define ROUNDS 300          /* of the search for leaks */
#define LEAK_BYTES 4096     /* that may come of caches and fragments */
#define ALLOCATIONS 150     /* that are made to fail, each in turn */
#define CHECK_SECONDS 120   /* then it hangs */
#define SLOW_US 50000       /* of processor time, for one call */
#define BODY_MOST (8 << 20) /* bytes of a request */

/* ---- one attempt ---- */

static int
compose_one(const struct bf_kit_subject *subject, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	*request = (struct bf_request){
		.delivery_id = "dlv_000000000000000100000001",
		.attempt = 1,
		.now = { INT64_C(1775835045123) },
		.method = "POST",
	};
	return subject->module->compose(subject->settings, event, request, err);
}

static int
check_headers(const struct bf_strings *headers, struct bf_error *err)
{
	for (size_t i = 0; i < headers->count; i++) {
		if (strchr(headers->items[i], ':') &&
		    !strpbrk(headers->items[i], "\r\n"))
			continue;
		bf_error_set(err,
		    "header \"%.*s\" of the request: expected a name, \":\" "
		    "and a value in one line",
		    (int)strcspn(headers->items[i], ":\r\n"),
		    headers->items[i]);
		return -1;
	}
	return 0;
}

static int
check_request(const struct bf_request *request, struct bf_error *err)
{
	if (!request->url || !strstr(request->url, "://")) {
		bf_error_set(err, "the request has no URL");
		return -1;
	}
	if (request->body.size > BODY_MOST) {
		bf_error_set(err,
		    "the request's body has %zu bytes; expected no more than "
		    "%d",
		    request->body.size, BODY_MOST);
		return -1;
	}
	return check_headers(&request->headers, err);
}

/* ---- the checks ---- */

static int
describes_itself(struct bf_kit_subject *subject, struct bf_error *err)
{
	const struct bf_module *module = subject->module;
	const struct bf_directive *directive = module->directives;

	if (!module->license || !module->summary) {
		bf_error_set(err, "it has no %s",
		    module->license ? "summary" : "license");
		return -1;
	}
	for (; directive->name; directive++) {
		if (directive->help && *directive->help &&
		    directive->offset < module->conf_size)
			continue;
		bf_error_set(err,
		    "directive %s has no help, or stands "
		    "outside of the settings",
		    directive->name);
		return -1;
	}
	return 0;
}

static int
shows_one_symbol(struct bf_kit_subject *subject, struct bf_error *err)
{
	struct bf_strings names = { 0 };
	int result = bf_kit_symbols(subject->path, &names, err);

	for (size_t i = 0; result == 0 && i < names.count; i++) {
		/* The linker's own, where a script does not hide them. */
		if (strcmp(names.items[i], "bf_module") == 0 ||
		    strcmp(names.items[i], "_init") == 0 ||
		    strcmp(names.items[i], "_fini") == 0)
			continue;
		bf_error_set(err,
		    "it shows the symbol %.200s: expected bf_module alone "
		    "(build with -fvisibility=hidden)",
		    names.items[i]);
		result = -1;
	}
	bf_strings_free(&names);
	return result;
}

static int
composes_every_event(struct bf_kit_subject *subject, struct bf_error *err)
{
	int result = 0;

	for (unsigned i = 0; result == 0 && i < EVENTS; i++) {
		struct bf_event *event = bf_kit_event(subject->seed, i);
		struct bf_request request;
		struct bf_error why = { "" };

		if (compose_one(subject, event, &request, &why) == 0)
			result = check_request(&request, err);
		else if (!why.text[0]) {
			bf_error_set(err, "compose refused without a reason");
			result = -1;
		}
		if (result == -1)
			bf_error_prefix(err, "event %u", i);
		bf_request_free(&request);
		bf_event_unref(&event);
	}
	return result;
}

static int
judge_one(const struct bf_kit_subject *subject, int status, const char *header,
    const char *body, struct bf_error *err)
{
	struct bf_response response = { .status = status,
		.error = status == 0 ? "timed out" : NULL,
		.now = { INT64_C(1775835045123) } };
	struct bf_verdict verdict = { .outcome = BF_RETRY };
	int result = 0;

	bf_buf_add_text(&response.body, body);
	if (*header)
		bf_strings_add(&response.headers, header);
	subject->module->judge(subject->settings, &response, &verdict);
	if (verdict.outcome != BF_DELIVERED && verdict.outcome != BF_RETRY &&
	    verdict.outcome != BF_FAILED)
		bf_error_set(err, "status %d: the verdict is %d", status,
		    (int)verdict.outcome);
	else if (!memchr(verdict.why, '\0', sizeof(verdict.why)))
		bf_error_set(err, "status %d: the reason has no end", status);
	else if (status == 0 && verdict.outcome == BF_DELIVERED)
		bf_error_set(err, "no answer is no delivery");
	else if (verdict.wait.ms < 0)
		bf_error_set(err, "status %d: the wait is %lld ms", status,
		    (long long)verdict.wait.ms);
	else
		goto done;
	result = -1;
done:
	bf_response_free(&response);
	return result;
}

static int
judges_every_answer(struct bf_kit_subject *subject, struct bf_error *err)
{
	static const char *const headers[] = { "", "Retry-After: 5",
		"Retry-After: -1", "Retry-After: soon",
		"X-RateLimit-Remaining: x", "Content-Type: text/html" };
	static const char *const bodies[] = { "", "ok", "{}",
		"{\"code\":", "[[[[", "\xff\xfe", "null",
		"{\"retry_after\":1e308}" };

	if (!subject->module->judge)
		return 0;
	for (int status = 0; status < 1000; status = status ? status + 1 : 99) {
		for (size_t i = 0; i < sizeof(headers) / sizeof(*headers);
		     i++) {
			const size_t body =
			    (size_t)status % (sizeof(bodies) / sizeof(*bodies));

			if (judge_one(subject, status, headers[i], bodies[body],
				err) == -1)
				return -1;
		}
	}
	return 0;
}

static int
count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}

/* Everything that a module does, once; the same each time. */
static void
do_it_all(const struct bf_kit_subject *subject)
{
	struct bf_event *event = bf_kit_event(subject->seed, 3);
	struct bf_kit_subject own = *subject;
	struct bf_request request = { 0 };
	struct bf_error err;

	own.settings =
	    bf_module_settings(subject->module, subject->channel, &err);
	if (own.settings && subject->module->compose) {
		(void)compose_one(&own, event, &request, &err);
		bf_request_free(&request);
	}
	if (own.settings && subject->module->judge)
		(void)judge_one(&own, 500, "Retry-After: 5", "{}", &err);
	bf_module_settings_free(subject->module, &own.settings);
	bf_event_unref(&event);
}

static int
leaks_nothing(struct bf_kit_subject *subject, struct bf_error *err)
{
	const int open = count_descriptors();
	size_t before, after;

	for (int i = 0; i < ROUNDS; i++)
		do_it_all(subject);
	before = mallinfo2().uordblks;
	for (int i = 0; i < ROUNDS; i++)
		do_it_all(subject);
	after = mallinfo2().uordblks;
	if (after > before + LEAK_BYTES) {
		bf_error_set(err,
		    "%d rounds of settings, compose and judge left %zu bytes "
		    "behind",
		    ROUNDS, after - before);
		return -1;
	}
	if (count_descriptors() > open) {
		bf_error_set(err, "it leaves descriptors open");
		return -1;
	}
	return 0;
}

static int64_t
processor_us(const struct rusage *usage)
{
	return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) *
		   1000000 +
	       usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
}

/* A thread that waits for something gives the processor up, which the system
 * counts; one that computes is told by its time. */
static int
does_not_block(struct bf_kit_subject *subject, struct bf_error *err)
{
	for (unsigned i = 0; i < EVENTS / 5; i++) {
		struct bf_event *event = bf_kit_event(subject->seed, i);
		struct rusage before, after;
		struct bf_request request;
		struct bf_error why;

		(void)bf_event_metadata(event, "x"); /* makes its tree */
		getrusage(RUSAGE_THREAD, &before);
		(void)compose_one(subject, event, &request, &why);
		getrusage(RUSAGE_THREAD, &after);
		bf_request_free(&request);
		bf_event_unref(&event);
		if (after.ru_nvcsw > before.ru_nvcsw + 1)
			bf_error_set(err,
			    "event %u: compose waited %ld times: expected "
			    "that it does not block",
			    i, after.ru_nvcsw - before.ru_nvcsw);
		else if (processor_us(&after) - processor_us(&before) > SLOW_US)
			bf_error_set(err,
			    "event %u: compose took %lld ms of processor time",
			    i,
			    (long long)(processor_us(&after) -
					processor_us(&before)) /
				1000);
		else
			continue;
		return -1;
	}
	return 0;
}

/* With the n-th allocation failing: it ends as it likes, but for a crash. */
static int
fail_nth(const struct bf_kit_subject *subject, unsigned n, struct bf_error *err)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		/* That there is no memory need not be said. */
		(void)!freopen("/dev/null", "w", stderr);
		bf_kit_fail_allocations(n);
		do_it_all(subject);
		_exit(EXIT_SUCCESS);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1) {
		bf_error_errno(err, "fork");
		return -1;
	}
	/* The library ends the process when there is no memory. */
	if (!WIFSIGNALED(status) || WTERMSIG(status) == SIGABRT)
		return 0;
	bf_error_set(err, "when allocation %u fails it crashes: %s", n,
	    strsignal(WTERMSIG(status)));
	return -1;
}

static int
survives_failing_allocations(struct bf_kit_subject *subject,
    struct bf_error *err)
{
	if (bf_kit_fail_allocations(0) == -1)
		return 0;
	do_it_all(subject);
	for (unsigned n = 1; n <= ALLOCATIONS; n++) {
		if (fail_nth(subject, n, err) == -1)
			return -1;
	}
	return 0;
}

static void
count_done(void *context, const struct bf_response *response,
    const struct bf_verdict *verdict, const char *transcript)
{
	unsigned *done = context;

	(void)response;
	(void)verdict;
	(void)transcript;
	(*done)++;
}

/* Tasks that are ended by the core at every moment of their lives. */
static int
can_be_abandoned(struct bf_kit_subject *subject, struct bf_error *err)
{
	struct event_base *base = event_base_new();
	struct bf_programs *programs = bf_programs_new(base, -1);
	struct bf_worker_tasks *tasks =
	    bf_worker_tasks_new(base, programs, NULL);
	struct bf_event *event = bf_kit_event(subject->seed, 3);
	const int open = count_descriptors();
	unsigned done = 0;

	for (int64_t i = 0; i < 100; i++)
		bf_worker_tasks_start(tasks, subject->module, subject->settings,
		    event,
		    &(struct bf_task){ .delivery_id =
					   "dlv_000000000000000100000001",
			.channel = "check",
			.attempt = 1,
			.timeout = { 1 + i },
			.test = i % 2 },
		    NULL, &(struct bf_transport_options){ 0 }, count_done, &done);
	event_base_loopexit(base, &(struct timeval){ 1, 0 });
	event_base_dispatch(base);
	bf_worker_tasks_free(&tasks);
	bf_programs_free(&programs);
	bf_event_unref(&event);
	event_base_free(base);
	if (done != 100)
		bf_error_set(err, "%u of 100 tasks ended: expected all", done);
	else if (count_descriptors() > open)
		bf_error_set(err, "it leaves descriptors open");
	else
		return 0;
	return -1;
}

/* ---- running them ---- */

enum applies {
	TO_ALL,
	TO_COMPOSE,
	TO_DELIVER,
};

static const struct {
	const char *promise;
	int (*run)(struct bf_kit_subject *subject, struct bf_error *err);
	enum applies to;
} checks[] = {
	{ "describes itself and its directives", describes_itself, TO_ALL },
	{ "shows one symbol", shows_one_symbol, TO_ALL },
	{ "makes a sound request of every event", composes_every_event,
	    TO_COMPOSE },
	{ "does not block", does_not_block, TO_COMPOSE },
	{ "has a verdict on every answer", judges_every_answer, TO_COMPOSE },
	{ "leaks neither memory nor descriptors", leaks_nothing, TO_ALL },
	{ "survives allocations that fail", survives_failing_allocations,
	    TO_ALL },
	{ "can be ended at any time", can_be_abandoned, TO_DELIVER },
};

#define CHECKS (sizeof(checks) / sizeof(*checks))

/* In the child: the reason goes to the pipe; what the module prints, which
 * would spoil somebody's log, becomes a finding. */
static void
be_check(const struct bf_kit_check *check, size_t which, int reason)
{
	const int printed = memfd_create("printed", MFD_CLOEXEC);
	struct bf_kit_subject subject;
	struct bf_error err = { "" };
	struct stat file;
	int result;

	alarm(CHECK_SECONDS);
	dup2(printed, STDOUT_FILENO);
	result = bf_kit_open(check, &subject, &err);
	if (result == 0 && which < CHECKS)
		result = checks[which].run(&subject, &err);
	bf_kit_close(&subject);
	fflush(stdout);
	if (result == 0 && fstat(printed, &file) == 0 && file.st_size > 0) {
		bf_error_set(&err, "it writes to the standard output");
		result = -1;
	}
	(void)!write(reason, err.text, strlen(err.text));
	_exit(result == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Runs one check (CHECKS: only the loading); -1 with the finding. */
static int
run(const struct bf_kit_check *check, size_t which, struct bf_error *err)
{
	int pipes[2], status;
	ssize_t got;
	pid_t pid;

	fflush(NULL);
	if (pipe(pipes) == -1 || (pid = fork()) == -1) {
		bf_error_errno(err, "fork");
		return -1;
	}
	if (pid == 0)
		be_check(check, which, pipes[1]);
	close(pipes[1]);
	got = read(pipes[0], err->text, sizeof(err->text) - 1);
	err->text[got > 0 ? got : 0] = '\0';
	close(pipes[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		bf_error_set(err,
		    WTERMSIG(status) == SIGALRM ? "it hangs" : "it crashed: %s",
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != EXIT_SUCCESS && !err->text[0])
		bf_error_set(err, "it ended the process with status %d",
		    WEXITSTATUS(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0
									: -1;
}

static bool
applies(const struct bf_module *module, enum applies to)
{
	return to == TO_ALL || (to == TO_COMPOSE && !module->deliver) ||
	       (to == TO_DELIVER && module->deliver);
}

/* Prints the line of a check; 1 if it failed. */
static int
report(const char *promise, int result, const struct bf_error *err)
{
	printf("%-7s %s%s%s\n", result == 0 ? "ok" : "FAILED", promise,
	    result == 0 ? "" : ": ", result == 0 ? "" : err->text);
	return result == 0 ? 0 : 1;
}

int
bf_kit_check(const struct bf_kit_check *check)
{
	struct bf_loader *loader;
	const struct bf_module *module;
	struct bf_error err = { "" };
	int failed;

	failed = report("loads, and takes its settings",
	    run(check, CHECKS, &err), &err);
	if (failed)
		return failed;
	/* What has just been loaded in peace can be loaded here. */
	loader = bf_loader_new();
	module = bf_loader_open(loader, check->path, &err);
	for (size_t i = 0; module && i < CHECKS; i++) {
		if (applies(module, checks[i].to))
			failed += report(checks[i].promise, run(check, i, &err),
			    &err);
	}
	bf_loader_free(&loader);
	return failed;
}
