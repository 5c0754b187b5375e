/*
 * worker_program.c - programs that the spawner runs for this worker
 */
#include "core/process/worker_program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <belfry/memory.h>

struct running {
	uint64_t id;
	bf_program_ended *ended;
	void *context;
	TAILQ_ENTRY(running) entry;
};

struct bf_programs {
	int socket;
	struct event *event;
	uint64_t last;
	TAILQ_HEAD(, running) running;
};

static struct running *
find(const struct bf_programs *programs, uint64_t id)
{
	struct running *running;

	TAILQ_FOREACH(running, &programs->running, entry)
	{
		if (running->id == id)
			return running;
	}
	return NULL;
}

/* Tells of the end, which may lead to anything but the end of programs. */
static void
end(struct bf_programs *programs, struct running *running, int status,
    const char *reason)
{
	const struct running copy = *running;

	TAILQ_REMOVE(&programs->running, running, entry);
	free(running);
	copy.ended(copy.context, status, reason);
}

static void
close_socket(struct bf_programs *programs)
{
	if (programs->event)
		event_free(programs->event);
	programs->event = NULL;
	if (programs->socket != -1)
		close(programs->socket);
	programs->socket = -1;
}

static void
on_message(evutil_socket_t socket, short what, void *context)
{
	struct bf_programs *programs = context;
	struct bf_program_message message;
	struct running *running;
	int got;

	(void)what;
	while ((got = bf_program_receive(socket, &message)) == 1) {
		running = find(programs, message.id);
		if (running && message.kind == BF_PROGRAM_REFUSED)
			end(programs, running, -1, message.reason);
		else if (running)
			end(programs, running, message.status, NULL);
		bf_program_clear(&message);
	}
	if (got == -1 && errno == EAGAIN)
		return;
	close_socket(programs);
	while ((running = TAILQ_FIRST(&programs->running)))
		end(programs, running, -1, "the spawner process is gone");
}

struct bf_programs *
bf_programs_new(struct event_base *base, int socket)
{
	struct bf_programs *programs = bf_new(struct bf_programs);

	TAILQ_INIT(&programs->running);
	programs->socket = socket;
	if (socket == -1)
		return programs;
	programs->event =
	    event_new(base, socket, EV_READ | EV_PERSIST, on_message, programs);
	if (!programs->event || event_add(programs->event, NULL) == -1)
		abort();
	return programs;
}

uint64_t
bf_programs_start(struct bf_programs *programs, struct bf_program_message *ask,
    bf_program_ended *ended, void *context, struct bf_error *err)
{
	struct running *running;

	ask->kind = BF_PROGRAM_START;
	ask->id = ++programs->last;
	if (programs->socket == -1) {
		bf_error_set(err, "there is no spawner process");
		return 0;
	}
	if (bf_program_send(programs->socket, ask) == -1) {
		bf_error_errno(err, "ask the spawner process");
		return 0;
	}
	running = bf_new(struct running);
	*running = (struct running){ .id = ask->id,
		.ended = ended,
		.context = context };
	TAILQ_INSERT_TAIL(&programs->running, running, entry);
	return ask->id;
}

void
bf_programs_kill(struct bf_programs *programs, uint64_t id)
{
	struct running *running = find(programs, id);

	if (!running)
		return;
	TAILQ_REMOVE(&programs->running, running, entry);
	free(running);
	/* A socket that is full for good makes the spawner drop us. */
	if (bf_program_send(programs->socket,
		&(struct bf_program_message){ .kind = BF_PROGRAM_KILL,
		    .id = id,
		    .fds = { -1, -1 } }) == -1)
		close_socket(programs);
}

void
bf_programs_free(struct bf_programs **programs)
{
	struct running *running;

	if (!*programs)
		return;
	while ((running = TAILQ_FIRST(&(*programs)->running))) {
		TAILQ_REMOVE(&(*programs)->running, running, entry);
		free(running);
	}
	close_socket(*programs);
	free(*programs);
	*programs = NULL;
}
