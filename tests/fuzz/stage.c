/*
 * stage.c - belfry's processes on threads, for targets that talk to them
 */
#include "tests/fuzz/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <belfry/encode.h>
#include <belfry/memory.h>
#include <openssl/evp.h>

#include "core/base/log.h"
#include "core/registry/snapshot_wire.h"
#include "core/store/store.h"
#include "core/wire/codec.h"
#include "core/wire/control.h"
#include "tests/unit/load_fixture.h"

#define LENGTH_SIZE 4   /* bytes of a frame's length */
#define READ_SIZE 65536 /* bytes read at once */
#define WORKER_PID 2

/* A process on a thread. */
struct actor {
	pthread_t thread;
	bool runs;
	int control; /* the master's end */
	struct bf_birth birth;
	int (*run)(struct bf_birth *birth);
};

struct stage {
	char dir[40];
	struct bf_counters *counters;
	struct bf_snapshot *snapshot; /* what the intake has: no secrets */
	int listeners[2];
	struct actor scheduler, intake;
	struct line worker;
	pthread_t worker_thread;
};

static const char conf[] =
    "load_module modules/hook.so isolate=off;\n"
    "load_module modules/post.so isolate=off;\n"
    "state_dir %s; default_tenant main; worker_connections %d;\n"
    "events { event backup_done { category backups; metadata host h; } }\n"
    "token ingest { value " STAGE_INGEST "; }\n"
    "token manage { value " STAGE_MANAGE "; scope manage; tenant acme; }\n"
    "dashboard_user ada { scope admin; password "
    "$scrypt$ln=4,r=1,p=1$U29kaXVtQ2hsb3JpZGU$"
    "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI; }\n"
    "api { listen unix:%s/trusted; listen 127.0.0.1:1; dashboard off;\n"
    " cors_origin https://app.example.com; }\n"
    "egress { allow_http on; }\n"
    "channel hook h { url https://example.com/h; secret k; retry 1s; }\n"
    "channel post p { ordered on; }\n"
    "tenant acme { name Acme; channel hook a { url https://example.com/a;\n"
    " events backup_*; } }\n"
    "tenant other { channel post o { text hi; } }\n";

static void *
run(void *context)
{
	struct actor *actor = context;

	if (actor->run(&actor->birth) != EXIT_SUCCESS)
		abort();
	return NULL;
}

static void
begin(struct actor *actor)
{
	if (pthread_create(&actor->thread, NULL, run, actor) != 0)
		abort();
	actor->runs = true;
}

static void
make_pair(int type, int pair[2])
{
	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) == -1)
		abort();
}

static void
tell(const struct actor *actor, const struct bf_control *control)
{
	if (bf_control_send(actor->control, control) == -1)
		abort();
}

/* The user's session, as a sign-in leaves it in the store. */
static void
keep_session(const struct stage *stage, const struct bf_snapshot *snapshot)
{
	struct bf_store *store = bf_store_open(stage->dir, NULL);
	const long long now = bf_clock_wall().ms;
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct bf_buf name = { 0 };
	struct bf_batch batch;
	char *value;

	EVP_Digest(STAGE_SESSION, strlen(STAGE_SESSION), hash, NULL,
	    EVP_sha256(), NULL);
	bf_buf_add_text(&name, "session/");
	bf_encode_hex(&name, hash, 32);
	value = bf_strf("{\"user\":\"ada\",\"stamp\":\"%s\","
			"\"created_at\":%lld,\"seen_at\":%lld}",
	    bf_snapshot_user(snapshot, "ada")->stamp, now, now);
	bf_batch_init(&batch);
	bf_batch_add(&batch, bf_change_put(bf_buf_text(&name), value));
	bf_buf_free(&name);
	free(value);
	if (!store || bf_store_commit(store, &batch, NULL) != BF_STORE_OK)
		abort();
	bf_batch_clear(&batch);
	bf_store_close(&store);
}

/* Hands the scheduler its snapshot, with secrets. */
static void
send_snapshot(const struct stage *stage, const struct bf_snapshot *snapshot)
{
	struct bf_buf bytes = { 0 };
	const int fd = memfd_create("snapshot", MFD_CLOEXEC);

	bf_snapshot_encode(snapshot, true, &bytes);
	if (fd == -1 || write(fd, bytes.data, bytes.size) == -1)
		abort();
	tell(&stage->scheduler,
	    &(struct bf_control){ BF_CONTROL_SNAPSHOT, 0, 0, fd });
	close(fd);
	bf_buf_free(&bytes);
}

static void
start_scheduler(struct stage *stage, const struct bf_snapshot *snapshot)
{
	int pair[2];

	make_pair(SOCK_SEQPACKET, pair);
	stage->scheduler = (struct actor){ .control = pair[0],
		.run = bf_scheduler_main,
		.birth = { .control = pair[1],
		    .link = -1,
		    .counters = stage->counters } };
	send_snapshot(stage, snapshot);
	begin(&stage->scheduler);
}

static struct sockaddr_un
address_of(const struct stage *stage, bool trusted)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
	    stage->dir, trusted ? "trusted" : "tcp");
	return address;
}

static int
listen_at(const struct stage *stage, bool trusted)
{
	const struct sockaddr_un address = address_of(stage, trusted);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) ==
		-1 ||
	    listen(fd, 64) == -1)
		abort();
	return fd;
}

static void
start_intake(struct stage *stage, const struct bf_snapshot *snapshot)
{
	struct bf_buf bytes = { 0 };
	struct line line;
	int pair[2];

	bf_snapshot_encode(snapshot, false, &bytes);
	stage->snapshot = bf_snapshot_decode(bytes.data, bytes.size, NULL);
	bf_buf_free(&bytes);
	stage->listeners[0] = listen_at(stage, true);
	stage->listeners[1] = listen_at(stage, false);
	line = stage_line(stage, BF_CHILD_INTAKE, 1);
	make_pair(SOCK_SEQPACKET, pair);
	stage->intake = (struct actor){ .control = pair[0],
		.run = bf_intake_main,
		.birth = { .control = pair[1],
		    .link = line.fd,
		    .snapshot = stage->snapshot,
		    .counters = stage->counters,
		    .listeners = stage->listeners,
		    .listener_count = 2 } };
	begin(&stage->intake);
}

/* ---- a worker that delivers to nobody ---- */

/* Outcomes of all kinds, by the event's counter. */
static void
deliver(const struct line *line, const struct bf_msg_deliver *message)
{
	const enum bf_outcome outcome = message->id.event % 3;

	line_send(line, &(struct bf_message){ .kind = BF_MSG_OUTCOME,
			    .outcome = { .id = message->id,
				.tries = message->tries,
				.test = message->test,
				.attempt = { .number = (int)message->attempt,
				    .outcome = outcome,
				    .why = (char *)"because" },
				.outcome = outcome } });
}

/* Most settings are good. */
static void
check(const struct line *line, const struct bf_msg_check *message)
{
	const bool good = message->token % 8 != 0;

	line_send(line,
	    &(struct bf_message){ .kind = BF_MSG_CHECKED,
		.checked = { message->token, good ? NULL : (char *)"no" } });
}

static void *
work(void *context)
{
	struct line *line = context;
	struct bf_message message;

	line_send(line, &(struct bf_message){ .kind = BF_MSG_WORKER_HELLO,
			    .worker_hello = { BF_WIRE_VERSION, WORKER_PID,
				(char *)"", 64 } });
	while (line_read(line)) {
		while (line_next(line, &message)) {
			if (message.kind == BF_MSG_DELIVER)
				deliver(line, &message.deliver);
			else if (message.kind == BF_MSG_CHECK)
				check(line, &message.check);
			bf_message_clear(&message);
		}
	}
	return NULL;
}

static void
start_worker(struct stage *stage)
{
	stage->worker = stage_line(stage, BF_CHILD_WORKER, WORKER_PID);
	if (pthread_create(&stage->worker_thread, NULL, work, &stage->worker) !=
	    0)
		abort();
}

struct stage *
stage_new(bool intake)
{
	const struct bf_log_settings quiet = { "stderr", BF_LOG_EMERG, false };
	struct stage *stage = bf_new(struct stage);
	struct bf_snapshot *snapshot;
	struct bf_error err;
	char *text;

	bf_log_open(&quiet, NULL);
	/* In memory where that can be: nothing here is to outlive the power. */
	snprintf(stage->dir, sizeof(stage->dir), "%s/belfry-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(stage->dir))
		abort();
	text = bf_strf(conf, stage->dir, STAGE_IN_HAND, stage->dir);
	snapshot = load_text(text, &err);
	free(text);
	if (!snapshot) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	stage->counters = bf_new(struct bf_counters);
	keep_session(stage, snapshot);
	start_scheduler(stage, snapshot);
	start_worker(stage);
	if (intake)
		start_intake(stage, snapshot);
	bf_snapshot_free(&snapshot);
	return stage;
}

/* Has a process end, and waits for it. */
static void
end(struct actor *actor)
{
	if (!actor->runs)
		return;
	tell(actor,
	    &(struct bf_control){ BF_CONTROL_QUIT, 0, BF_QUIT_NOW, -1 });
	/* The intake ends when its connections have; or, like the scheduler,
	 * when its master has. */
	close(actor->control);
	pthread_join(actor->thread, NULL);
	close(actor->birth.control);
}

static void
remove_files(const struct stage *stage)
{
	static const char *const names[] = { "belfry.db", "belfry.db-wal",
		"belfry.db-shm", "belfry.db-journal", "belfry.id",
		"belfry.lock", "belfry.key", "trusted", "tcp" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *name = bf_strf("%s/%s", stage->dir, names[i]);

		unlink(name);
		free(name);
	}
	if (rmdir(stage->dir) == -1)
		abort();
}

void
stage_free(struct stage **stage)
{
	if (!*stage)
		return;
	end(&(*stage)->intake);
	end(&(*stage)->scheduler);
	pthread_join((*stage)->worker_thread, NULL);
	line_close(&(*stage)->worker);
	remove_files(*stage);
	bf_snapshot_free(&(*stage)->snapshot);
	free((*stage)->counters);
	free(*stage);
	*stage = NULL;
}

int
stage_connect(const struct stage *stage, bool trusted)
{
	const struct sockaddr_un address = address_of(stage, trusted);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    -1)
		abort();
	return fd;
}

uint64_t
stage_accepted(const struct stage *stage)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < BF_COUNTER_SLOTS; i++)
		sum += stage->counters->values[i][BF_COUNT_EVENTS_ACCEPTED];
	return sum;
}

void
stage_lost(const struct stage *stage, int64_t pid)
{
	tell(&stage->scheduler,
	    &(struct bf_control){ BF_CONTROL_LOST, pid, SIGSEGV, -1 });
}

/* ---- links ---- */

struct line
stage_line(const struct stage *stage, enum bf_child_kind kind, int64_t pid)
{
	int pair[2];

	make_pair(SOCK_STREAM, pair);
	tell(&stage->scheduler,
	    &(struct bf_control){ BF_CONTROL_LINK, pid, kind, pair[1] });
	close(pair[1]);
	return (struct line){ .fd = pair[0] };
}

void
line_send(const struct line *line, const struct bf_message *message)
{
	struct bf_buf bytes = { 0 };

	bf_message_encode(message, &bytes);
	/* One that was closed is found by who reads. */
	(void)send(line->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
	bf_buf_free(&bytes);
}

bool
line_read(struct line *line)
{
	char *space = bf_buf_reserve(&line->in, READ_SIZE);
	ssize_t got;

	while ((got = read(line->fd, space, READ_SIZE)) == -1 && errno == EINTR)
		continue;
	if (got <= 0)
		return false;
	line->in.size += (size_t)got;
	return true;
}

bool
line_next(struct line *line, struct bf_message *message)
{
	struct bf_reader reader = { line->in.data, line->in.size, false };
	const uint32_t size = bf_get_u32(&reader);

	if (reader.bad || reader.left < size)
		return false;
	if (bf_message_decode(reader.next, size, message) == -1)
		abort();
	line->in.size -= LENGTH_SIZE + size;
	memmove(line->in.data, line->in.data + LENGTH_SIZE + size,
	    line->in.size);
	return true;
}

void
line_frame(const uint8_t *data, size_t size, struct bf_buf *out)
{
	while (size > 2) {
		size_t length = (size_t)(data[0] << 8 | data[1]);

		length = length < size - 2 ? length : size - 2;
		bf_put_u32(out, (uint32_t)length);
		bf_buf_add(out, data + 2, length);
		data += 2 + length;
		size -= 2 + length;
	}
}

void
line_close(struct line *line)
{
	close(line->fd);
	bf_buf_free(&line->in);
	line->fd = -1;
}
