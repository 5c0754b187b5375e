/*
 * store_fuzz.c - opens and uses a store whose file was mangled
 *
 * The input is a list of patches to a sound store: two bytes of offset (in
 * units of 4 bytes), one of length, the bytes. Anything may be refused; what
 * isn't is read, claimed from, written to and checked, within a deadline.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/store/store.h"

#define START_MS INT64_C(1775835045000)
#define EVENTS 40u
#define ROWS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[40];
static char *path;
static uint8_t *sound; /* the file before it is mangled */
static size_t sound_size;

static uint64_t
event_id(unsigned n)
{
	return bf_id_at((struct bf_instant){ START_MS + n });
}

static void
add_event(struct bf_batch *batch, unsigned n)
{
	struct bf_change *change = bf_new(struct bf_change);
	struct bf_append *append = &change->append;
	struct bf_buf json = { 0 };

	bf_buf_add_format(&json, "{\"body\":\"%0*u\"}", n % 7 * 100, n);
	change->kind = BF_CHANGE_APPEND;
	append->event = bf_event_new(event_id(n), n % 3 ? "a" : "b", "",
	    BF_SEVERITY_INFO, "t", 0, &json);
	append->key = bf_strf("%u", n);
	append->channels = bf_zalloc(2, sizeof(*append->channels));
	append->channels[0] = 1;
	append->channels[1] = 2;
	append->channel_count = 2;
	append->expires = bf_zalloc(2, sizeof(*append->expires));
	bf_batch_add(batch, change);
}

static void
add_finish(struct bf_batch *batch, unsigned n, int tries)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = BF_CHANGE_FINISH;
	change->finish = (struct bf_finish){
		.id = { event_id(n), 1 + n % 2 },
		.tries = tries,
		.state = 1 + n % 3,
		.count = true,
		.attempt = bf_new(struct bf_attempt),
	};
	change->finish.attempt->number = tries + 1;
	change->finish.attempt->why = bf_strdup("because");
	if (n % 4 == 1)
		bf_recipients_add(&change->finish.attempt->recipients,
		    "ops@example.com")
		    ->outcome = (enum bf_outcome)(n % 3);
	bf_batch_add(batch, change);
}

static void
add_setting(struct bf_batch *batch, const char *name, const char *value)
{
	bf_batch_add(batch, bf_change_put(name, value));
}

static void
add_audit(struct bf_batch *batch, const char *tenant)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = BF_CHANGE_AUDIT;
	change->audit = (struct bf_audit){
		.at = { START_MS },
		.actor = bf_strdup("token ops"),
		.address = bf_strdup("192.0.2.1"),
		.tenant = bf_strdup(tenant),
		.action = bf_strdup("channel-put"),
		.object = bf_strdup("c"),
		.detail = bf_strdup("url"),
	};
	bf_batch_add(batch, change);
}

static void
add_select(struct bf_batch *batch, enum bf_change_kind kind)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = kind;
	change->select.limit = ROWS;
	change->select.selector.tenant = bf_strdup("t");
	bf_batch_add(batch, change);
}

static void
read_sound(void)
{
	FILE *file = fopen(path, "r");
	struct stat status;

	if (!file || fstat(fileno(file), &status) == -1)
		abort();
	sound_size = (size_t)status.st_size;
	sound = bf_zalloc(sound_size, 1);
	if (fread(sound, 1, sound_size, file) != sound_size)
		abort();
	fclose(file);
}

static void
remove_files(void)
{
	static const char *const names[] = { "belfry.db", "belfry.db-wal",
		"belfry.db-shm", "belfry.db-journal", "belfry.id",
		"belfry.lock" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *name = bf_strf("%s/%s", dir, names[i]);

		unlink(name);
		free(name);
	}
	rmdir(dir);
}

static void
make_sound(void)
{
	const struct bf_log_settings quiet = { "stderr", BF_LOG_EMERG, false };
	struct bf_store *store;
	struct bf_batch batch;
	uint32_t number;

	bf_log_open(&quiet, NULL);
	/* In memory where that can be: nothing here is to outlive the power. */
	snprintf(dir, sizeof(dir), "%s/belfry-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		abort();
	atexit(remove_files);
	path = bf_strf("%s/belfry.db", dir);
	store = bf_store_open(dir, NULL);
	bf_batch_init(&batch);
	for (unsigned n = 0; n < EVENTS; n++)
		add_event(&batch, n);
	for (unsigned n = 0; n < EVENTS / 2; n++)
		add_finish(&batch, n, 0);
	for (unsigned n = 0; n < ROWS; n++)
		add_audit(&batch, n % 2 ? "t" : NULL);
	add_setting(&batch, "tenant/t", "{\"name\":\"Tea\"}");
	add_setting(&batch, "toggle/t/a", "on");
	add_setting(&batch, "clock", "1775835045000");
	if (!store ||
	    bf_store_channel_number(store, "t", "c", &number, NULL) !=
		BF_STORE_OK ||
	    bf_store_commit(store, &batch, NULL) != BF_STORE_OK)
		abort();
	bf_batch_clear(&batch);
	bf_store_close(&store);
	read_sound();
}

/* Writes the file with the patches of the input. */
static void
mangle(const uint8_t *data, size_t size)
{
	uint8_t *bytes = bf_zalloc(sound_size, 1);
	char *log = bf_strf("%s-wal", path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	memcpy(bytes, sound, sound_size);
	while (size >= 3) {
		const size_t at =
		    (size_t)(data[0] << 8 | data[1]) * 4 % sound_size;
		size_t length = data[2] % 32 + 1;

		data += 3;
		size -= 3;
		if (length > size)
			length = size;
		if (length > sound_size - at)
			length = sound_size - at;
		memcpy(bytes + at, data, length);
		data += length;
		size -= length;
	}
	if (write(fd, bytes, sound_size) != (ssize_t)sound_size)
		abort();
	close(fd);
	unlink(log);
	free(log);
	free(bytes);
}

/* ---- use ---- */

static void
look_at(void *context, const struct bf_delivery_row *row)
{
	(void)context;
	if (!row->event || row->event->json.size < 2)
		abort();
}

static void
look_at_event(void *context, struct bf_event *event, const char *reason)
{
	(void)context;
	(void)reason;
	if (event->json.size < 2)
		abort();
}

static void
look_at_attempt(void *context, const struct bf_attempt *attempt)
{
	*(size_t *)context += attempt->excerpt_size;
}

static void
look_at_audit(void *context, const struct bf_audit *row)
{
	(void)context;
	if (!row->actor || !row->address || !row->action || !row->object ||
	    !row->detail)
		abort();
}

static bool
look_at_setting(void *context, const char *name, const char *value)
{
	unsigned *left = context;

	if (!name || !value)
		abort();
	return --*left > 0;
}

static void
look_at_usage(void *context, const char *tenant, int64_t events, int64_t bytes)
{
	(void)events;
	(void)bytes;
	look_at_setting(context, tenant, "");
}

static void
look_at_channel(void *context, uint32_t number, const char *tenant,
    const char *name)
{
	(void)number;
	look_at_setting(context, tenant, name);
}

static void
read_the_rest(struct bf_store *store)
{
	struct bf_audit_query query = { .limit = ROWS / 2 };
	struct bf_store_stats stats;
	unsigned left = ROWS;
	uint64_t next;
	char *value;

	bf_store_list_audit(store, &query, look_at_audit, NULL, &next, NULL);
	query = (struct bf_audit_query){ .tenant = "t",
		.actor = "token ops",
		.before = next,
		.limit = ROWS };
	bf_store_list_audit(store, &query, look_at_audit, NULL, &next, NULL);
	bf_store_settings_above(store, "t", "tenant/", look_at_setting, &left,
	    NULL);
	if (bf_store_get(store, "clock", &value, NULL) == BF_STORE_OK)
		free(value);
	left = UINT32_MAX;
	bf_store_usage(store, look_at_usage, &left, NULL);
	bf_store_channels(store, look_at_channel, &left, NULL);
	bf_store_stats(store, &stats, NULL);
}

static void
read_lists(struct bf_store *store)
{
	struct bf_query query = { .tenant = "t", .type = "a", .limit = ROWS };
	struct bf_delivery_id next;
	uint64_t next_event;

	for (query.state = -1; query.state <= BF_STATE_CANCELLED; query.state++)
		bf_store_list(store, &query, look_at, NULL, &next, NULL);
	bf_store_list_events(store, &query, look_at_event, NULL, &next_event,
	    NULL);
}

static void
read_one(struct bf_store *store, unsigned n)
{
	const struct bf_delivery_id id = { event_id(n), 1 };
	struct bf_delivery_row row;
	struct bf_event *event;
	size_t sum = 0;
	char *reason;
	bool found;

	bf_store_get_event(store, id.event, &event, &reason, look_at, NULL,
	    NULL);
	bf_event_unref(&event);
	free(reason);
	if (bf_store_get_delivery(store, id, &row, &found, look_at_attempt,
		&sum, NULL) == BF_STORE_OK &&
	    found)
		bf_event_unref(&row.event);
}

static void
claim(struct bf_store *store)
{
	const struct bf_instant start = { 0 };
	const struct bf_instant now = { INT64_MAX };
	struct bf_delivery_row rows[ROWS];
	struct bf_backlog *backlog;
	struct bf_instant next;
	size_t count;
	bool more;

	bf_store_claim_fresh(store, 1, 0, ROWS, 4096, rows, &count, &more,
	    NULL);
	while (count > 0)
		bf_event_unref(&rows[--count].event);
	bf_store_claim_retries(store, 2, start, 0, now, ROWS, 4096, rows,
	    &count, &next, NULL);
	while (count > 0) {
		bf_event_unref(&rows[--count].event);
		bf_recipients_free(&rows[count].settled);
	}
	bf_store_backlog(store, &backlog, &count, NULL);
	free(backlog);
}

static void
change(struct bf_store *store)
{
	const struct bf_instant late = { START_MS + 20 };
	struct bf_delivery_id ids[ROWS];
	enum bf_delivery_state was[ROWS];
	struct bf_batch batch;
	size_t count;

	bf_batch_init(&batch);
	add_event(&batch, EVENTS + 1);
	add_finish(&batch, 1, 1);
	add_finish(&batch, EVENTS - 1, 0);
	add_select(&batch, BF_CHANGE_REPLAY);
	add_select(&batch, BF_CHANGE_CANCEL);
	add_setting(&batch, "tenant/t", NULL);
	add_audit(&batch, "t");
	bf_store_commit(store, &batch, NULL);
	bf_batch_clear(&batch);
	bf_store_expire(store, late, ROWS, ids, was, &count, NULL);
	bf_store_prune(store, late, late, ROWS, &count, NULL, NULL, NULL);
	bf_store_prune_audit(store, late, ROWS, &count, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bf_store *store;

	if (!sound)
		make_sound();
	mangle(data, size);
	store = bf_store_open(dir, NULL);
	if (!store)
		return 0;
	bf_store_deadline(store, (struct bf_duration){ 100 });
	read_lists(store);
	read_the_rest(store);
	read_one(store, 1);
	read_one(store, EVENTS - 1);
	claim(store);
	change(store);
	bf_store_check(store, NULL);
	bf_store_close(&store);
	return 0;
}
