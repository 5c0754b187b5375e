/*
 * errand.c - long calls on the store, beside its commits
 */
#include "core/process/errand.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <belfry/memory.h>

struct errand {
	struct store_call *call;
	void *owner;
	char *dir;
	struct event *ended;
	int ends[2]; /* a pipe: closed by the thread when it is done */
};

static void *
run(void *context)
{
	struct errand *errand = context;
	struct store_call *call = errand->call;
	struct bf_store *store =
	    bf_store_open_reader(errand->dir, &call->error);

	call->result =
	    store ? call->run(store, call, &call->error) : BF_STORE_AGAIN;
	bf_store_close(&store);
	close(errand->ends[1]);
	return NULL;
}

static void
free_errand(struct errand *errand)
{
	if (errand->ended)
		event_free(errand->ended);
	for (int i = 0; i < 2; i++) {
		if (errand->ends[i] != -1)
			close(errand->ends[i]);
	}
	free(errand->dir);
	free(errand);
}

static void
on_ended(evutil_socket_t fd, short what, void *context)
{
	struct errand *errand = context;

	(void)fd;
	(void)what;
	errand->ends[1] = -1; /* closed by the thread */
	errand->call->done(errand->owner, errand->call);
	free_errand(errand);
}

static int
start_thread(struct errand *errand)
{
	pthread_attr_t detached;
	pthread_t thread;
	int fault;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	fault = pthread_create(&thread, &detached, run, errand);
	pthread_attr_destroy(&detached);
	errno = fault;
	return fault == 0 ? 0 : -1;
}

int
bf_errand_run(struct event_base *base, const char *dir, struct store_call *call,
    void *owner)
{
	struct errand *errand = bf_new(struct errand);

	errand->call = call;
	errand->owner = owner;
	errand->dir = bf_strdup(dir);
	errand->ends[0] = errand->ends[1] = -1;
	if (pipe2(errand->ends, O_CLOEXEC) == -1) {
		free_errand(errand);
		return -1;
	}
	errand->ended =
	    event_new(base, errand->ends[0], EV_READ, on_ended, errand);
	if (!errand->ended)
		abort();
	if (start_thread(errand) == -1) {
		free_errand(errand);
		return -1;
	}
	event_add(errand->ended, NULL);
	return 0;
}
