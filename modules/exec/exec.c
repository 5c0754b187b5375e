/*
 * exec.c - a program for each delivery, so that any language can be a channel
 *
 * The event's JSON is its standard input, what it is about its environment,
 * and its exit status the verdict. What it prints is kept up to a bound, and
 * the rest is read and dropped, so that it does not wait for a reader.
 */
#include <belfry/module.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define PIPE_HOLDS 65536 /* bytes: pipe(7) */
#define READ_SIZE 4096

struct exec_conf {
	struct bf_program program;
	struct bf_user user;
	struct bf_pairs environment;
	struct bf_size max_output;
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(exec_conf, program), .required = true,
	    .help = "The program, by its absolute path, and its arguments" },
	{ BF_FIELD(exec_conf, user),
	    .help = "As whom it runs; without it, belfry's own user" },
	{ BF_FIELD(exec_conf, environment),
	    .help = "A variable that it gets: name and value" },
	{ BF_FIELD(exec_conf, max_output), .fallback = "4k", .min = 1,
	    .max = 65536, .help = "How much of what it prints is kept" },
	{ 0 },
};

/* A program under way. */
struct run {
	const struct exec_conf *conf;
	struct bf_buf input;
	size_t written;
	struct bf_response response; /* body: what it printed */
	int in, out;                 /* -1: closed */
};

static int
check(void *conf, struct bf_error *err)
{
	const struct exec_conf *exec = conf;

	for (size_t i = 0; i < exec->environment.count; i++) {
		const char *name = exec->environment.items[i].name;
		const bool letters =
		    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
				 "qrstuvwxyz_0123456789") == strlen(name);

		if (letters && *name && !(*name >= '0' && *name <= '9') &&
		    strncmp(name, "BELFRY_", 7) != 0)
			continue;
		bf_error_set(err,
		    "environment %.64s: expected a name of letters, digits "
		    "and _ that does not begin with a digit or with BELFRY_",
		    name);
		return -1;
	}
	return 0;
}

static void
close_end(struct bf_task *task, int *fd)
{
	if (*fd == -1)
		return;
	bf_task_unwatch(task, *fd);
	close(*fd);
	*fd = -1;
}

static void
free_run(struct bf_task *task)
{
	struct run *run = task->state;

	close_end(task, &run->in);
	close_end(task, &run->out);
	bf_buf_free(&run->input);
	bf_response_free(&run->response);
	free(run);
	task->state = NULL;
}

static void
write_input(struct bf_task *task, int fd, int events)
{
	struct run *run = task->state;
	const size_t left = run->input.size - run->written;
	const ssize_t written = write(fd, run->input.data + run->written, left);

	(void)events;
	if (written > 0)
		run->written += (size_t)written;
	/* A program that reads no further may know enough. */
	if (run->written == run->input.size ||
	    (written == -1 && errno != EAGAIN && errno != EINTR))
		close_end(task, &run->in);
}

/* Reads what is there now; false at the end. */
static bool
read_some(struct run *run)
{
	const size_t most = (size_t)run->conf->max_output.bytes;
	const size_t room = most - run->response.body.size;
	char bytes[READ_SIZE];
	const ssize_t got = read(run->out, bytes, sizeof(bytes));

	if (got > 0)
		bf_buf_add(&run->response.body, bytes,
		    (size_t)got < room ? (size_t)got : room);
	return got > 0;
}

static void
read_output(struct bf_task *task, int fd, int events)
{
	struct run *run = task->state;

	(void)fd;
	(void)events;
	if (!read_some(run) && errno != EAGAIN && errno != EINTR)
		close_end(task, &run->out);
}

/* The first line of what it printed, for the reason. */
static void
add_first_line(struct bf_verdict *verdict, const struct bf_buf *output)
{
	const char *text = bf_buf_text(output);
	const size_t used = strlen(verdict->why);
	const size_t length = strcspn(text, "\r\n");

	if (length > 0)
		snprintf(verdict->why + used, sizeof(verdict->why) - used,
		    ": %.*s", (int)length, text);
}

/* Source of the codes: EX_TEMPFAIL of sysexits.h; 126 and 127, POSIX.1-2008,
 * XCU 2.8.2. */
static void
judge(int status, const struct bf_buf *output, struct bf_verdict *verdict)
{
	const int code = WEXITSTATUS(status);

	if (WIFSIGNALED(status))
		bf_verdict_set(verdict, BF_RETRY,
		    "the program ended on signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (code == 0)
		bf_verdict_set(verdict, BF_DELIVERED, "%s", "");
	else if (code == EX_TEMPFAIL)
		bf_verdict_set(verdict, BF_RETRY,
		    "the program exited with %d, for now", code);
	else if (code == 126 || code == 127)
		bf_verdict_set(verdict, BF_FAILED,
		    "the program could not be run");
	else
		bf_verdict_set(verdict, BF_FAILED, "the program exited with %d",
		    code);
	if (verdict->outcome != BF_DELIVERED)
		add_first_line(verdict, output);
}

static void
on_ended(struct bf_task *task, int status, const char *reason)
{
	struct run *run = task->state;
	struct bf_verdict verdict = { .outcome = BF_RETRY };
	struct bf_response response;

	/* What it started may hold the pipe open, and write to it without end:
	 * what the pipe holds now is all. */
	for (int i = 0;
	     run->out != -1 && i < PIPE_HOLDS / READ_SIZE && read_some(run);
	     i++)
		continue;
	if (reason) {
		bf_verdict_set(&verdict, BF_RETRY, "%s", reason);
	} else {
		judge(status, &run->response.body, &verdict);
		run->response.status =
		    WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	}
	if (run->response.body.size > 0)
		bf_task_step(task, "output", bf_buf_text(&run->response.body));
	response = run->response;
	run->response = (struct bf_response){ 0 };
	free_run(task);
	bf_task_finish(task, &response, &verdict);
	bf_response_free(&response);
}

static void
abandon(struct bf_task *task)
{
	if (task->state)
		free_run(task);
}

static void
add_variable(struct bf_strings *environment, const char *name,
    const char *value)
{
	char *pair = bf_strf("%s=%s", name, value ? value : "");

	bf_strings_add(environment, pair);
	explicit_bzero(pair, strlen(pair));
	free(pair);
}

static void
make_environment(const struct exec_conf *exec, const struct bf_event *event,
    const struct bf_task *task, struct bf_strings *environment)
{
	char attempt[16];

	snprintf(attempt, sizeof(attempt), "%d", task->attempt);
	add_variable(environment, "BELFRY_DELIVERY_ID", task->delivery_id);
	add_variable(environment, "BELFRY_ATTEMPT", attempt);
	add_variable(environment, "BELFRY_CHANNEL", task->channel);
	add_variable(environment, "BELFRY_TENANT_ID", bf_event_tenant(event));
	add_variable(environment, "BELFRY_EVENT", bf_event_type(event));
	add_variable(environment, "BELFRY_CATEGORY", bf_event_category(event));
	add_variable(environment, "BELFRY_SEVERITY",
	    bf_severity_name(bf_event_severity(event)));
	for (size_t i = 0; i < exec->environment.count; i++)
		add_variable(environment, exec->environment.items[i].name,
		    exec->environment.items[i].value);
}

static void
wipe(struct bf_strings *environment)
{
	for (size_t i = 0; i < environment->count; i++)
		explicit_bzero(environment->items[i],
		    strlen(environment->items[i]));
	bf_strings_free(environment);
}

static int
deliver(const void *conf, const struct bf_event *event, struct bf_task *task,
    struct bf_error *err)
{
	struct run *run = bf_new(struct run);
	struct bf_strings environment = { 0 };
	int result;

	*run = (struct run){ .conf = conf, .in = -1, .out = -1 };
	task->state = run;
	if (bf_event_json(event, &run->input, err) == -1) {
		free_run(task);
		return -1;
	}
	make_environment(conf, event, task, &environment);
	result =
	    bf_task_run(task, &environment, &run->in, &run->out, on_ended, err);
	wipe(&environment);
	if (result == -1) {
		/* Not the event's fault: it is to be tried again. */
		on_ended(task, -1, err->text);
		return 0;
	}
	bf_task_watch(task, run->in, BF_WRITABLE, write_input);
	bf_task_watch(task, run->out, BF_READABLE, read_output);
	return 0;
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "exec",
	.license = "BSD-2-Clause",
	.summary = "Runs a program for each event",
	.conf_size = sizeof(struct exec_conf),
	.directives = directives,
	.concurrency = "16", /* each is a process */
	.check = check,
	.deliver = deliver,
	.abandon = abandon,
};
