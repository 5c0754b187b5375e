/*
 * store_read_test.c - lists, settings, sizes, the check and the backup
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <belfry/memory.h>

#include "tests/unit/store_helpers.h"

#define ROWS 64

static char *dir;
static struct bf_store *store;
static struct bf_store *reader;
static struct bf_batch batch;
static struct bf_error err;

/* What a list gave. */
static struct bf_delivery_id given[ROWS];
static size_t count;
static struct bf_delivery_id next;

static int
set_up(void **state)
{
	(void)state;
	dir = make_directory();
	store = open_store(dir);
	reader = bf_store_open_reader(dir, &err);
	assert_non_null(reader);
	bf_batch_init(&batch);
	next = (struct bf_delivery_id){ 0 };
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	bf_batch_clear(&batch);
	bf_store_close(&reader);
	bf_store_close(&store);
	remove_directory(dir);
	return 0;
}

static void
take(void *context, const struct bf_delivery_row *row)
{
	(void)context;
	assert_in_range(count, 0, ROWS - 1);
	assert_non_null(row->event);
	assert_true(row->event->id == row->id.event);
	given[count++] = row->id;
}

static void
list(struct bf_query query)
{
	if (query.limit == 0)
		query.limit = ROWS;
	count = 0;
	succeed(bf_store_list(reader, &query, take, NULL, &next, &err), &err);
}

static void
assert_given(size_t position, unsigned n, uint32_t channel)
{
	assert_in_range(position, 0, count - 1);
	assert_true(given[position].event == event_id(n));
	assert_int_equal(given[position].channel, channel);
}

/* Channels 1 and 3 are TENANT's, 2 is another's. */
static void
number_channels(void)
{
	static const struct {
		const char *tenant, *name;
	} channels[] = {
		{ TENANT, "ops" },
		{ "another", "ops" },
		{ TENANT, "mail" },
	};
	uint32_t number;

	for (uint32_t i = 0; i < 3; i++) {
		succeed(bf_store_channel_number(store, channels[i].tenant,
			    channels[i].name, &number, &err),
		    &err);
		assert_int_equal(number, i + 1);
	}
}

/* ---- lists of deliveries ---- */

static void
a_list_is_newest_first_and_complete(void **state)
{
	(void)state;
	store_events(store, 1, 3, "deploy_failed", 2);
	list((struct bf_query){ .state = -1 });
	assert_int_equal(count, 6);
	assert_given(0, 3, 2);
	assert_given(1, 3, 1);
	assert_given(5, 1, 1);
	assert_int_equal(next.event, 0);
}

static void
a_list_goes_on_where_its_limit_ended(void **state)
{
	(void)state;
	store_events(store, 1, 3, "deploy_failed", 2);
	list((struct bf_query){ .state = -1, .limit = 3 });
	assert_int_equal(count, 3);
	assert_given(2, 2, 2);
	list((struct bf_query){ .state = -1, .limit = 3, .before = next });
	assert_int_equal(count, 3);
	assert_given(0, 2, 1);
	assert_given(2, 1, 1);
	assert_int_equal(next.event, 0);
}

static void
a_list_can_be_of_one_state(void **state)
{
	static const struct {
		int state;
		unsigned event;
	} states[] = {
		{ BF_STATE_DELIVERED, 1 },
		{ BF_STATE_FAILED, 2 },
		{ BF_STATE_CANCELLED, 4 },
	};

	(void)state;
	store_events(store, 1, 5, "deploy_failed", 1);
	finish(store, 1, 1, BF_STATE_DELIVERED);
	finish(store, 2, 1, BF_STATE_FAILED);
	finish(store, 3, 1, BF_STATE_RETRY);
	add_select(&batch, BF_CHANGE_CANCEL)->select.selector.id.event =
	    event_id(4);
	commit(store, &batch);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		list((struct bf_query){ .state = states[i].state });
		assert_int_equal(count, 1);
		assert_given(0, states[i].event, 1);
	}
	for (int waiting = BF_STATE_SCHEDULED; waiting <= BF_STATE_RETRY;
	     waiting++) {
		list((struct bf_query){ .state = waiting });
		assert_int_equal(count, 2);
		assert_given(0, 5, 1);
		assert_given(1, 3, 1);
	}
}

static void
a_list_can_be_of_a_tenant_a_channel_a_type_a_range(void **state)
{
	(void)state;
	number_channels();
	store_events(store, 1, 2, "deploy_failed", 3);
	store_events(store, 3, 4, "deploy_succeeded", 3);
	list((struct bf_query){ .state = -1, .tenant = "another" });
	assert_int_equal(count, 4);
	assert_given(0, 4, 2);
	list((struct bf_query){ .state = 0, .tenant = TENANT, .channel = 3 });
	assert_int_equal(count, 4);
	assert_given(3, 1, 3);
	list((struct bf_query){ .state = 0, .tenant = TENANT, .channel = 2 });
	assert_int_equal(count, 0);
	list((struct bf_query){ .state = -1, .type = "deploy_failed" });
	assert_int_equal(count, 6);
	assert_given(0, 2, 3);
	list((struct bf_query){ .state = -1,
	    .since = event_id(2),
	    .until = event_id(4) });
	assert_int_equal(count, 6);
	assert_given(0, 3, 3);
	assert_given(5, 2, 1);
	list((struct bf_query){ .state = -1, .tenant = "nobody" });
	assert_int_equal(count, 0);
	list((struct bf_query){ .state = -1, .type = "never_seen" });
	assert_int_equal(count, 0);
}

static void
a_reader_sees_what_was_committed(void **state)
{
	(void)state;
	list((struct bf_query){ .state = -1 });
	assert_int_equal(count, 0);
	store_events(store, 1, 1, "deploy_failed", 1);
	list((struct bf_query){ .state = -1 });
	assert_int_equal(count, 1);
}

/* Nothing fits among many rows, and time is short. */
static void
a_list_that_runs_out_of_time_says_how_far_it_came(void **state)
{
	struct bf_query query = { .state = BF_STATE_CANCELLED, .limit = ROWS };
	size_t calls = 0;

	(void)state;
	for (int part = 0; part < 4; part++) {
		for (unsigned n = 0; n < 100; n++)
			add_event(&batch, 100 * (unsigned)part + n + 1,
			    "deploy_failed", 200);
		commit(store, &batch);
	}
	bf_store_deadline(reader, (struct bf_duration){ 1 });
	do {
		enum bf_store_result result;

		query.before = next;
		result = bf_store_list(reader, &query, take, NULL, &next, &err);
		assert_int_equal(result, BF_STORE_OK);
		if (query.before.event != 0 && next.event != 0)
			assert_true(next.event < query.before.event ||
				    (next.event == query.before.event &&
					next.channel < query.before.channel));
		calls++;
	} while (next.event != 0 && calls < 100000);
	assert_in_range(calls, 2, 99999);
}

/* ---- lists of events ---- */

static struct {
	uint64_t ids[ROWS];
	size_t reasons;
	size_t count;
	uint64_t next;
} events;

static void
take_event(void *context, struct bf_event *event, const char *reason)
{
	(void)context;
	events.ids[events.count++] = event->id;
	events.reasons += reason != NULL;
}

static void
list_events(struct bf_query query)
{
	if (query.limit == 0)
		query.limit = ROWS;
	memset(&events, 0, sizeof(events));
	succeed(bf_store_list_events(reader, &query, take_event, NULL,
		    &events.next, &err),
	    &err);
}

static void
events_are_listed_with_and_without_deliveries(void **state)
{
	(void)state;
	store_events(store, 1, 2, "deploy_failed", 1);
	add_event(&batch, 3, "deploy_started", 0)->reason =
	    bf_strdup("the type is off");
	commit(store, &batch);
	list_events((struct bf_query){ 0 });
	assert_int_equal(events.count, 3);
	assert_true(events.ids[0] == event_id(3));
	assert_true(events.ids[2] == event_id(1));
	assert_int_equal(events.reasons, 1);
	assert_int_equal(events.next, 0);
}

static void
a_list_ends_where_its_bytes_do(void **state)
{
	struct bf_query query = { .state = -1, .bytes = 1 };
	size_t rows = 0;

	(void)state;
	store_events(store, 1, 3, "deploy_failed", 2);
	do {
		query.before = next;
		list(query);
		assert_int_equal(count, 1);
		rows++;
	} while (next.event != 0);
	assert_int_equal(rows, 6);
	for (rows = 0; rows == 0 || events.next != 0; rows++) {
		query.before.event = rows == 0 ? 0 : events.next;
		list_events(query);
		assert_int_equal(events.count, 1);
	}
	assert_int_equal(rows, 3);
}

static void
events_are_listed_by_type_tenant_and_range(void **state)
{
	struct bf_append *append;

	(void)state;
	store_events(store, 1, 4, "deploy_failed", 1);
	append = add_event(&batch, 5, "deploy_succeeded", 1);
	free(append->event->tenant);
	append->event->tenant = bf_strdup("another");
	commit(store, &batch);
	list_events((struct bf_query){ .type = "deploy_succeeded" });
	assert_int_equal(events.count, 1);
	list_events((struct bf_query){ .tenant = "another" });
	assert_int_equal(events.count, 1);
	assert_true(events.ids[0] == event_id(5));
	list_events((struct bf_query){ .tenant = TENANT, .limit = 3 });
	assert_int_equal(events.count, 3);
	assert_true(events.next == event_id(2));
	list_events((struct bf_query){ .tenant = TENANT,
	    .limit = 3,
	    .before = { events.next, 0 } });
	assert_int_equal(events.count, 1);
	assert_int_equal(events.next, 0);
	list_events(
	    (struct bf_query){ .since = event_id(2), .until = event_id(4) });
	assert_int_equal(events.count, 2);
	assert_true(events.ids[0] == event_id(3));
	list_events((struct bf_query){ .type = "never_seen" });
	assert_int_equal(events.count, 0);
}

static void
what_is_not_there_is_not_found(void **state)
{
	struct bf_delivery_row row;
	struct bf_event *event;
	char *reason;
	bool found;

	(void)state;
	succeed(bf_store_get_event(reader, event_id(1), &event, &reason, take,
		    NULL, &err),
	    &err);
	assert_null(event);
	succeed(bf_store_get_delivery(reader, delivery_id(1, 1), &row, &found,
		    NULL, NULL, &err),
	    &err);
	assert_false(found);
}

/* ---- settings and channels ---- */

static void
join(void *context, const char *name, const char *value)
{
	bf_buf_add_format(context, "%s=%s;", name, value);
}

static void
settings_are_found_by_the_beginning_of_their_names(void **state)
{
	struct bf_buf text = { 0 };

	(void)state;
	add_setting(&batch, "toggle/b", "off");
	add_setting(&batch, "toggle/a", "on");
	add_setting(&batch, "toggles", "no");
	add_setting(&batch, "token/x", "{}");
	commit(store, &batch);
	succeed(bf_store_settings(reader, "toggle/", join, &text, &err), &err);
	assert_string_equal(bf_buf_text(&text), "toggle/a=on;toggle/b=off;");
	bf_buf_clear(&text);
	succeed(bf_store_settings(reader, "", join, &text, &err), &err);
	assert_string_equal(bf_buf_text(&text),
	    "log-in-use=;toggle/a=on;toggle/b=off;toggles=no;token/x={};");
	bf_buf_free(&text);
}

/* Two of them. */
static bool
join_some(void *context, const char *name, const char *value)
{
	struct bf_buf *text = context;

	join(text, name, value);
	return text->size < 10;
}

static void
settings_are_read_from_a_name_on_until_no_more_are_wanted(void **state)
{
	struct bf_buf text = { 0 };

	(void)state;
	add_setting(&batch, "t/a", "1");
	add_setting(&batch, "t/b", "2");
	add_setting(&batch, "t/c", "3");
	add_setting(&batch, "u/d", "4");
	commit(store, &batch);
	succeed(bf_store_settings_above(reader, "t/", NULL, join_some, &text,
		    &err),
	    &err);
	assert_string_equal(bf_buf_text(&text), "t/a=1;t/b=2;");
	bf_buf_clear(&text);
	succeed(bf_store_settings_above(reader, "t/", "t/b", join_some, &text,
		    &err),
	    &err);
	assert_string_equal(bf_buf_text(&text), "t/c=3;");
	bf_buf_clear(&text);
	succeed(bf_store_settings_above(reader, "t/", "t/bb", join_some, &text,
		    &err),
	    &err);
	assert_string_equal(bf_buf_text(&text), "t/c=3;");
	bf_buf_clear(&text);
	succeed(bf_store_settings_above(reader, "t/", "a", join_some, &text,
		    &err),
	    &err);
	assert_string_equal(bf_buf_text(&text), "t/a=1;t/b=2;");
	bf_buf_clear(&text);
	succeed(bf_store_settings_above(reader, "t/", "z", join_some, &text,
		    &err),
	    &err);
	assert_string_equal(bf_buf_text(&text), "");
	bf_buf_free(&text);
}

static void
join_channel(void *context, uint32_t number, const char *tenant,
    const char *name)
{
	bf_buf_add_format(context, "%u=%s/%s;", (unsigned)number, tenant, name);
}

static void
a_channel_keeps_its_number(void **state)
{
	struct bf_buf text = { 0 };

	(void)state;
	number_channels();
	number_channels();
	bf_store_close(&store);
	store = open_store(dir);
	number_channels();
	succeed(bf_store_channels(reader, join_channel, &text, &err), &err);
	assert_string_equal(bf_buf_text(&text),
	    "1=" TENANT "/ops;2=another/ops;3=" TENANT "/mail;");
	bf_buf_free(&text);
}

/* ---- sizes, check, backup ---- */

static void
sizes_and_the_highest_id_are_told(void **state)
{
	struct bf_store_stats stats;

	(void)state;
	succeed(bf_store_stats(reader, &stats, &err), &err);
	assert_int_equal(stats.highest_event, 0);
	store_events(store, 1, 7, "deploy_failed", 1);
	succeed(bf_store_stats(reader, &stats, &err), &err);
	assert_true(stats.highest_event == event_id(7));
	assert_true(stats.file_bytes > 0);
	assert_true(stats.wal_bytes > 0);
	assert_true(stats.free_bytes > 0);
	assert_int_equal(stats.schema, 4);
}

static void
a_sound_store_passes_the_check(void **state)
{
	(void)state;
	store_events(store, 1, 20, "deploy_failed", 3);
	succeed(bf_store_check(reader, &err), &err);
	succeed(bf_store_check(store, &err), &err);
}

static void
note_progress(void *context, int left, int total)
{
	int *last = context;

	assert_in_range(left, 0, total);
	*last = left;
}

static void
a_backup_is_a_store_by_itself(void **state)
{
	char *other = make_directory();
	char *path = path_in(other, "belfry.db");
	struct stat status;
	int last = -1;

	(void)state;
	store_events(store, 1, 20, "deploy_failed", 2);
	succeed(bf_store_backup(reader, path, note_progress, &last, &err),
	    &err);
	assert_int_equal(last, 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	store_events(store, 21, 22, "deploy_failed", 2);
	bf_store_close(&store);
	store = open_store(other);
	assert_int_equal(state_of(store, 20, 2), BF_STATE_SCHEDULED);
	assert_int_equal(state_of(store, 21, 1), -1);
	succeed(bf_store_check(store, &err), &err);
	store_events(store, 30, 31, "deploy_failed", 2);
	bf_store_close(&store);
	free(path);
	remove_directory(other);
	store = open_store(dir);
}

static void
a_backup_never_replaces_a_file(void **state)
{
	char *path = path_in(dir, "there");
	FILE *file = fopen(path, "w");
	struct stat status;

	(void)state;
	fputs("x", file);
	fclose(file);
	assert_int_equal(bf_store_backup(reader, path, NULL, NULL, &err),
	    BF_STORE_AGAIN);
	assert_non_null(strstr(err.text, "exists"));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 1);
	free(path);
	path = path_in(dir, "no/such/folder");
	assert_int_equal(bf_store_backup(reader, path, NULL, NULL, &err),
	    BF_STORE_AGAIN);
	assert_non_null(strstr(err.text, "no/such/folder"));
	free(path);
}

static void
a_backup_put_beside_an_older_log_is_refused(void **state)
{
	char *path = path_in(dir, "copy");
	char *main_file = path_in(dir, "belfry.db");
	char *log = path_in(dir, "belfry.db-wal");
	FILE *file;

	(void)state;
	store_events(store, 1, 2, "deploy_failed", 2);
	succeed(bf_store_backup(reader, path, NULL, NULL, &err), &err);
	bf_store_close(&reader);
	bf_store_close(&store);
	assert_int_equal(rename(path, main_file), 0);
	file = fopen(log, "w");
	fputs("frames of the store before", file);
	fclose(file);
	assert_null(bf_store_open(dir, &err));
	assert_non_null(strstr(err.text, "belfry.db-wal"));
	unlink(log);
	store = open_store(dir);
	assert_int_equal(state_of(store, 2, 2), BF_STATE_SCHEDULED);
	free(path);
	free(main_file);
	free(log);
}

/* ---- the log ---- */

static int64_t
log_bytes(void)
{
	struct bf_store_stats stats;

	succeed(bf_store_stats(store, &stats, &err), &err);
	return stats.wal_bytes;
}

/* Commits about 4 MiB. */
static void
store_much(unsigned first)
{
	for (unsigned n = first; n < first + 40; n++) {
		struct bf_append *append = add_event(&batch, n, "x", 10);

		bf_buf_clear(&append->event->json);
		bf_buf_add_format(&append->event->json, "{\"n\":\"%0100000u\"}",
		    n);
	}
	commit(store, &batch);
}

static void
the_log_is_bounded_by_checkpoints(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 10; n++) {
		store_much(100 * n);
		succeed(bf_store_checkpoint(store, &err), &err);
	}
	assert_in_range(log_bytes(), 1, 8 << 20);
}

static void
the_log_is_bounded_without_them_too(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 20; n++)
		store_much(100 * n);
	assert_in_range(log_bytes(), 1, 44 << 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_is_newest_first_and_complete),
		TEST(a_list_goes_on_where_its_limit_ended),
		TEST(a_list_can_be_of_one_state),
		TEST(a_list_can_be_of_a_tenant_a_channel_a_type_a_range),
		TEST(a_reader_sees_what_was_committed),
		TEST(a_list_that_runs_out_of_time_says_how_far_it_came),
		TEST(events_are_listed_with_and_without_deliveries),
		TEST(a_list_ends_where_its_bytes_do),
		TEST(events_are_listed_by_type_tenant_and_range),
		TEST(what_is_not_there_is_not_found),
		TEST(settings_are_found_by_the_beginning_of_their_names),
		TEST(settings_are_read_from_a_name_on_until_no_more_are_wanted),
		TEST(a_channel_keeps_its_number),
		TEST(sizes_and_the_highest_id_are_told),
		TEST(a_sound_store_passes_the_check),
		TEST(a_backup_is_a_store_by_itself),
		TEST(a_backup_never_replaces_a_file),
		TEST(a_backup_put_beside_an_older_log_is_refused),
		TEST(the_log_is_bounded_by_checkpoints),
		TEST(the_log_is_bounded_without_them_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
