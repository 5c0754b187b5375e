/*
 * store_helpers.c - what the store's tests share
 */
#include "tests/unit/store_helpers.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <belfry/memory.h>

char *
make_directory(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = bf_strf("%s/belfry-store-XXXXXX", base ? base : "/tmp");

	assert_non_null(mkdtemp(dir));
	return dir;
}

char *
path_in(const char *dir, const char *name)
{
	return bf_strf("%s/%s", dir, name);
}

void
remove_directory(char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		char *path = path_in(dir, entry->d_name);

		unlink(path);
		free(path);
	}
	if (stream)
		closedir(stream);
	rmdir(dir);
	free(dir);
}

void
succeed(enum bf_store_result result, const struct bf_error *err)
{
	if (result != BF_STORE_OK)
		fail_msg("result %d: %s", result, err->text);
}

struct bf_store *
open_store(const char *dir)
{
	struct bf_error err = { "" };
	struct bf_store *store = bf_store_open(dir, &err);

	if (!store)
		fail_msg("%s", err.text);
	return store;
}

uint64_t
event_id(unsigned n)
{
	return bf_id_at((struct bf_instant){ START_MS + n * INT64_C(1000) });
}

struct bf_delivery_id
delivery_id(unsigned n, uint32_t channel)
{
	return (struct bf_delivery_id){ event_id(n), channel };
}

struct bf_append *
add_event(struct bf_batch *batch, unsigned n, const char *type, uint32_t count)
{
	struct bf_change *change = bf_new(struct bf_change);
	struct bf_append *append = &change->append;
	struct bf_buf json = { 0 };

	bf_buf_add_format(&json,
	    "{\"event\":\"%s\",\"n\":%u,\"subject\":\"s\"}", type, n);
	change->kind = BF_CHANGE_APPEND;
	append->event = bf_event_new(event_id(n), type, "", BF_SEVERITY_INFO,
	    TENANT, n * INT64_C(1000000), &json);
	append->channels = bf_zalloc(count + 1, sizeof(*append->channels));
	append->expires = bf_zalloc(count + 1, sizeof(*append->expires));
	append->channel_count = count;
	for (uint32_t i = 0; i < count; i++) {
		append->channels[i] = i + 1;
		append->expires[i].ms = START_MS + n * INT64_C(1000) + HOUR_MS;
	}
	bf_batch_add(batch, change);
	return append;
}

struct bf_finish *
add_finish(struct bf_batch *batch, unsigned n, uint32_t channel, int tries,
    enum bf_delivery_state state)
{
	struct bf_change *change = bf_new(struct bf_change);
	struct bf_finish *finish = &change->finish;

	change->kind = BF_CHANGE_FINISH;
	finish->id = delivery_id(n, channel);
	finish->tries = tries;
	finish->state = state;
	finish->now.ms = START_MS + n * INT64_C(1000) + 500;
	finish->due.ms = finish->now.ms + 1000;
	finish->count = true;
	finish->attempt = bf_new(struct bf_attempt);
	*finish->attempt = (struct bf_attempt){
		.number = tries + 1,
		.at.ms = finish->now.ms - 100,
		.took_us = 100000,
		.resolve_us = -1,
		.connect_us = 200,
		.tls_us = -1,
		.first_byte_us = 90000,
		.status = state == BF_STATE_DELIVERED ? 200 : 503,
	};
	bf_batch_add(batch, change);
	return finish;
}

struct bf_change *
add_select(struct bf_batch *batch, enum bf_change_kind kind)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = kind;
	change->select.now.ms = START_MS + 100 * HOUR_MS;
	change->select.max_age.ms = HOUR_MS;
	change->select.limit = 1000;
	bf_batch_add(batch, change);
	return change;
}

void
add_setting(struct bf_batch *batch, const char *name, const char *value)
{
	bf_batch_add(batch, bf_change_put(name, value));
}

struct bf_audit *
add_audit(struct bf_batch *batch, unsigned n, const char *tenant,
    const char *action)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = BF_CHANGE_AUDIT;
	change->audit = (struct bf_audit){
		.at = { START_MS + n * INT64_C(1000) },
		.actor = bf_strdup("token ci"),
		.address = bf_strdup("127.0.0.1"),
		.tenant = bf_strdup(tenant),
		.action = bf_strdup(action),
		.object = bf_strdup("ops"),
		.detail = bf_strdup("enabled=true"),
	};
	bf_batch_add(batch, change);
	return &change->audit;
}

void
commit(struct bf_store *store, struct bf_batch *batch)
{
	struct bf_error err = { "" };

	succeed(bf_store_commit(store, batch, &err), &err);
	bf_batch_clear(batch);
}

void
store_events(struct bf_store *store, unsigned first, unsigned last,
    const char *type, uint32_t count)
{
	struct bf_batch batch;

	bf_batch_init(&batch);
	for (unsigned n = first; n <= last; n++)
		add_event(&batch, n, type, count);
	commit(store, &batch);
}

void
finish(struct bf_store *store, unsigned n, uint32_t channel,
    enum bf_delivery_state state)
{
	struct bf_batch batch;

	bf_batch_init(&batch);
	add_finish(&batch, n, channel, 0, state);
	commit(store, &batch);
}

static bool
read_row(struct bf_store *store, unsigned n, uint32_t channel,
    struct bf_delivery_row *row)
{
	struct bf_error err = { "" };
	bool found;

	succeed(bf_store_get_delivery(store, delivery_id(n, channel), row,
		    &found, NULL, NULL, &err),
	    &err);
	if (found)
		bf_event_unref(&row->event);
	return found;
}

struct bf_delivery_row
row_of(struct bf_store *store, unsigned n, uint32_t channel)
{
	struct bf_delivery_row row = { 0 };

	assert_true(read_row(store, n, channel, &row));
	return row;
}

int
state_of(struct bf_store *store, unsigned n, uint32_t channel)
{
	struct bf_delivery_row row = { 0 };

	return read_row(store, n, channel, &row) ? (int)row.state : -1;
}
