/*
 * lone.c - an intake or a worker on a thread, whose scheduler is a fuzz target
 */
#include "tests/fuzz/lone.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/wire/control.h"
#include "tests/unit/load_fixture.h"

static const char conf[] =
    "load_module modules/webhook.so isolate=off;\n"
    "load_module modules/post.so isolate=off;\n"
    "state_dir %s; default_tenant main;\n"
    "token ingest { value " STAGE_INGEST "; }\n"
    "api { listen unix:%s/lone; listen 127.0.0.1:1; dashboard off; }\n"
    "egress { allow_http on; }\n"
    "channel webhook hook { url http://127.0.0.1:1/; secret k; }\n"
    "channel post p { ordered on; }\n";

static void *
run(void *context)
{
	struct lone *lone = context;

	if (lone->run(&lone->birth) != EXIT_SUCCESS)
		abort();
	return NULL;
}

static struct sockaddr_un
address_of(const struct lone *lone)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/lone",
	    lone->dir);
	return address;
}

static int
listen_at(const struct lone *lone)
{
	const struct sockaddr_un address = address_of(lone);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) ==
		-1 ||
	    listen(fd, 64) == -1)
		abort();
	return fd;
}

static struct bf_snapshot *
load(const struct lone *lone)
{
	char *text = bf_strf(conf, lone->dir, lone->dir);
	struct bf_snapshot *snapshot;
	struct bf_error err;

	snapshot = load_text(text, &err);
	free(text);
	if (!snapshot) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return snapshot;
}

/* The module that was built is in the place of the one of the fixture. */
static void
find_webhook(struct bf_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->module_count; i++) {
		struct bf_module_info *info = &snapshot->modules[i];

		if (strcmp(info->name, "webhook") != 0)
			continue;
		free(info->path);
		info->path = bf_strdup(BF_FUZZ_MODULES "/webhook.so");
	}
}

struct lone *
lone_new(enum bf_child_kind kind, struct ssl_ctx_st *tls)
{
	const struct bf_log_settings quiet = { "stderr", BF_LOG_EMERG, false };
	struct lone *lone = bf_new(struct lone);
	const bool serves = kind == BF_CHILD_INTAKE;
	int link[2], control[2];

	bf_log_open(&quiet, NULL);
	snprintf(lone->dir, sizeof(lone->dir), "%s/belfry-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(lone->dir) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) == -1 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) ==
		-1)
		abort();
	lone->snapshot = load(lone);
	lone->snapshot->api.listens[0].tls = tls != NULL;
	find_webhook(lone->snapshot);
	lone->counters = bf_new(struct bf_counters);
	lone->scheduler.fd = link[0];
	lone->control = control[0];
	lone->listener = serves ? listen_at(lone) : -1;
	lone->run = serves ? bf_intake_main : bf_worker_main;
	lone->birth = (struct bf_birth){ .control = control[1],
		.link = link[1],
		.programs = -1,
		.snapshot = lone->snapshot,
		.counters = lone->counters,
		.listeners = &lone->listener,
		.listener_count = serves ? 1 : 0,
		.tls = tls };
	if (pthread_create(&lone->thread, NULL, run, lone) != 0)
		abort();
	return lone;
}

void
lone_free(struct lone **lone)
{
	struct lone *own = *lone;
	char *path;

	if (!own)
		return;
	(void)bf_control_send(own->control,
	    &(struct bf_control){ BF_CONTROL_QUIT, 0, BF_QUIT_NOW, -1 });
	line_close(&own->scheduler);
	close(own->control);
	pthread_join(own->thread, NULL);
	close(own->birth.control);
	path = bf_strf("%s/lone", own->dir);
	unlink(path);
	free(path);
	if (rmdir(own->dir) == -1)
		abort();
	bf_snapshot_free(&own->snapshot);
	free(own->counters);
	free(own);
	*lone = NULL;
}

void
lone_welcome(const struct lone *lone)
{
	line_send(&lone->scheduler,
	    &(struct bf_message){ .kind = BF_MSG_WELCOME,
		.welcome = { BF_WIRE_VERSION, 0, (char *)"main",
		    (char *)lone->dir } });
}

int
lone_connect(const struct lone *lone)
{
	const struct sockaddr_un address = address_of(lone);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    -1)
		abort();
	return fd;
}
