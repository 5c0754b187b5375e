#ifndef BF_WORKER_TASK_H
#define BF_WORKER_TASK_H

#include "core/module/module.h"
#include "core/process/worker_program.h"
#include "core/process/worker_transport.h"

/* Attempts that modules make themselves: what is under way of them. */
struct bf_worker_tasks;

/* Borrows both, and is to be freed before them. */
struct bf_worker_tasks *bf_worker_tasks_new(struct event_base *base,
    struct bf_programs *programs, struct bf_worker_transports *transports);

/* The task has ended: done is called exactly once, possibly before start
 * returns. All but context is borrowed for the call; transcript (a JSON array
 * of steps) is NULL unless the task is a test. */
typedef void bf_worker_task_done(void *context,
    const struct bf_response *response, const struct bf_verdict *verdict,
    const char *transcript);

/* Starts an attempt of a module that has deliver. what has the first members
 * of the task, options how it connects; settings, event, channel and what
 * options point to must outlive it. */
void bf_worker_tasks_start(struct bf_worker_tasks *tasks,
    const struct bf_module *module, const void *settings,
    const struct bf_event *event, const struct bf_task *what,
    const struct bf_channel *channel,
    const struct bf_transport_options *options, bf_worker_task_done *done,
    void *context);

/* Ends all tasks without calling done. */
void bf_worker_tasks_free(struct bf_worker_tasks **tasks);

#endif
