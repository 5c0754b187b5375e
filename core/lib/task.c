/*
 * task.c - attempts that modules make themselves, as modules see them
 *
 * The worker does the work; here its functions get names that a module links
 * with, so that they can change behind them.
 */
#include "core/lib/task.h"

void
bf_task_watch(struct bf_task *task, int fd, int events, bf_task_ready *ready)
{
	task->host->watch(task, fd, events, ready);
}

void
bf_task_unwatch(struct bf_task *task, int fd)
{
	task->host->watch(task, fd, 0, NULL);
}

void
bf_task_alarm(struct bf_task *task, struct bf_duration after,
    bf_task_ring *ring)
{
	task->host->alarm(task, after, ring);
}

int
bf_task_run(struct bf_task *task, const struct bf_strings *environment,
    int *input, int *output, bf_task_ended *ended, struct bf_error *err)
{
	return task->host->run(task, environment, input, output, ended, err);
}

int
bf_task_connect(struct bf_task *task, const struct bf_endpoint *endpoint,
    bf_task_connected *connected, struct bf_error *err)
{
	return task->host->connect(task, endpoint, connected, err);
}

ssize_t
bf_task_read(struct bf_task *task, void *bytes, size_t size)
{
	return task->host->read(task, bytes, size);
}

ssize_t
bf_task_write(struct bf_task *task, const void *bytes, size_t size)
{
	return task->host->write(task, bytes, size);
}

int
bf_task_end_output(struct bf_task *task)
{
	return task->host->end_output(task);
}

void
bf_task_step(struct bf_task *task, const char *kind, const char *text)
{
	if (task->test)
		task->host->step(task, kind, text);
}

void
bf_task_finish(struct bf_task *task, const struct bf_response *response,
    const struct bf_verdict *verdict)
{
	task->host->finish(task, response, verdict);
}
