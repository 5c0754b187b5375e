/*
 * snapshot_wire_test.c - a snapshot crosses to another process unharmed, and
 * bytes that are none are refused
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/snapshot_wire.h"
#include "tests/unit/load_fixture.h"

static const char everything[] =
    "default_tenant d; proxy http://u:pw@proxy:1; user root; disable post;\n"
    "error_log stderr debug json;\n"
    "events { deploy_failed off; event x { category y; default off;\n"
    " metadata a b; } }\n"
    "token t { value abcdef; scope read; }\n"
    "egress { allow_http on; allow_ports 443 8000-8999; proxy "
    "http://u:pw@e:1;\n"
    " allow_private 10.0.0.0/8 fd00::/8; }\n"
    "channel hook h { url https://a/; secret env:KEY; header A env:KEY;\n"
    " events deploy_* x; retry 1s 5m; jitter 7%; rate 3/h burst=2; }\n"
    "channel post p { ordered on; }\n"
    "tenant t { events { x on; } channel post p { text hi; } }\n"
    "tenant e { }\n";

static bool
contains(const struct bf_buf *bytes, const char *text)
{
	return memmem(bytes->data, bytes->size, text, strlen(text));
}

static struct bf_snapshot *
decoded(const struct bf_buf *bytes)
{
	struct bf_error err = { "" };
	struct bf_snapshot *s =
	    bf_snapshot_decode(bytes->data, bytes->size, &err);

	assert_string_equal(err.text, "");
	assert_non_null(s);
	return s;
}

static void
a_snapshot_comes_back_whole(void **state)
{
	struct bf_snapshot *first = load_good(everything);
	struct bf_buf bytes = { 0 }, again = { 0 };
	struct bf_snapshot *s;

	(void)state;
	bf_snapshot_encode(first, true, &bytes);
	s = decoded(&bytes);
	bf_snapshot_encode(s, true, &again);
	assert_int_equal(bytes.size, again.size);
	assert_memory_equal(bytes.data, again.data, bytes.size);
	assert_string_equal(s->default_tenant, "d");
	assert_int_equal(s->type_count, first->type_count);
	assert_non_null(bf_snapshot_type(s, "x"));
	assert_string_equal(bf_snapshot_type(s, "x")->metadata.items[0],
	    "a  b");
	assert_int_equal(s->tenant_count, 3);
	assert_true(bf_snapshot_tenant(s, "t")->toggles[0].enabled);
	assert_string_equal(s->channels[0].settings[1].words.items[0],
	    "s3cret");
	assert_int_equal(s->channels[0].policy.retry.delays[1].ms, 300000);
	assert_true(bf_snapshot_module(s, "post")->disabled);
	assert_true(s->egress.allow_http);
	assert_int_equal(s->egress.range_count, 2);
	assert_true(s->egress.ranges[1].ip.six);
	assert_int_equal(s->egress.ranges[1].bits, 8);
	assert_int_equal(s->egress.port_count, 2);
	assert_int_equal(s->egress.ports[1].last, 8999);
	assert_memory_equal(s->tokens[0].hash, first->tokens[0].hash,
	    BF_TOKEN_HASH_SIZE);
	bf_snapshot_free(&s);
	bf_snapshot_free(&first);
	bf_buf_free(&bytes);
	bf_buf_free(&again);
}

static void
the_public_form_has_no_secrets(void **state)
{
	struct bf_snapshot *first = load_good(everything);
	struct bf_buf bytes = { 0 };
	struct bf_snapshot *s;

	(void)state;
	bf_snapshot_encode(first, true, &bytes);
	assert_true(contains(&bytes, "s3cret"));
	assert_true(contains(&bytes, "u:pw@"));
	bf_buf_clear(&bytes);
	bf_snapshot_encode(first, false, &bytes);
	assert_false(contains(&bytes, "s3cret"));
	assert_false(contains(&bytes, "abcdef"));
	assert_false(contains(&bytes, "u:pw@"));
	s = decoded(&bytes);
	assert_string_equal(s->proxy, "http://proxy:1");
	assert_string_equal(s->egress.proxy, "http://e:1");
	assert_string_equal(s->channels[0].settings[1].name, "secret");
	assert_true(s->channels[0].settings[1].secret);
	assert_string_equal(s->channels[0].settings[1].words.items[0], "");
	assert_string_equal(s->channels[0].settings[0].words.items[0],
	    "https://a/");
	bf_snapshot_free(&s);
	bf_snapshot_free(&first);
	bf_buf_free(&bytes);
}

static void
a_channel_travels_alone_with_its_secrets(void **state)
{
	struct bf_snapshot *s = load_good(everything);
	struct bf_channel *channel;
	struct bf_buf bytes = { 0 };
	struct bf_error err;

	(void)state;
	s->channels[0].number = 42;
	bf_channel_encode(&s->channels[0], &bytes);
	channel = bf_channel_decode(bytes.data, bytes.size, &err);
	assert_non_null(channel);
	assert_int_equal(channel->number, 42);
	assert_string_equal(channel->tenant, "d");
	assert_string_equal(channel->settings[1].words.items[0], "s3cret");
	assert_string_equal(channel->policy.proxy, "http://u:pw@proxy:1");
	bf_channel_free(&channel);
	assert_null(channel);
	assert_null(bf_channel_decode(bytes.data, bytes.size - 1, &err));
	assert_string_equal(err.text, "the bytes are no channel");
	bf_snapshot_free(&s);
	bf_buf_free(&bytes);
}

static void
bytes_that_are_cut_or_changed_are_refused_or_harmless(void **state)
{
	struct bf_snapshot *first = load_good(everything);
	struct bf_buf bytes = { 0 };
	struct bf_snapshot *s;
	struct bf_error err;

	(void)state;
	bf_snapshot_encode(first, true, &bytes);
	for (size_t size = 0; size < bytes.size; size++) {
		char *part = malloc(size + 1);

		memcpy(part, bytes.data, size);
		assert_null(bf_snapshot_decode(part, size, &err));
		free(part);
	}
	assert_string_equal(err.text,
	    "the bytes are no snapshot of a conf file");
	for (size_t i = 0; i < bytes.size; i++) {
		bytes.data[i] = (char)~bytes.data[i];
		s = bf_snapshot_decode(bytes.data, bytes.size, &err);
		bf_snapshot_free(&s);
		bytes.data[i] = (char)~bytes.data[i];
	}
	bf_buf_add_byte(&bytes, 0);
	assert_null(bf_snapshot_decode(bytes.data, bytes.size, &err));
	bf_snapshot_free(&first);
	bf_buf_free(&bytes);
}

/* ---- what the fuzzer begins with ---- */

/* Opens a file of the corpus. */
static FILE *
open_corpus(const char *directory, const char *name, const char *mode)
{
	char *path =
	    bf_strf("%s/tests/fuzz/corpus/snapshot/%s", directory, name);
	FILE *file = fopen(path, mode);

	if (!file)
		fail_msg("%s does not open", path);
	free(path);
	return file;
}

static void
read_corpus(const char *name, struct bf_buf *bytes)
{
	const char *source = getenv("srcdir");
	FILE *file = open_corpus(source ? source : ".", name, "re");

	bytes->size = fread(bf_buf_reserve(bytes, 1 << 20), 1, 1 << 20, file);
	fclose(file);
}

/* What is written is the same each time, wherever the text was loaded from. */
static void
forget_path(struct bf_buf *bytes)
{
	const size_t same = strlen(LOAD_PATH) - strlen("XXXXXX");
	char *at = bytes->data, *const end = bytes->data + bytes->size;

	while ((at = memmem(at, (size_t)(end - at), LOAD_PATH, same))) {
		memset(at + same, 'X', strlen("XXXXXX"));
		at += strlen(LOAD_PATH);
	}
}

static void
write_corpus(const char *source, const char *name, struct bf_buf *bytes)
{
	FILE *file = open_corpus(source, name, "we");

	forget_path(bytes);
	fwrite(bytes->data, bytes->size, 1, file);
	fclose(file);
}

/* Else it would only ever look at the mark in front. */
static void
the_fuzzers_corpus_has_the_layout_of_today(void **state)
{
	struct bf_snapshot *snapshot;
	struct bf_channel *channel;
	struct bf_buf bytes = { 0 };
	struct bf_error err;

	(void)state;
	read_corpus("snapshot", &bytes);
	snapshot = bf_snapshot_decode(bytes.data, bytes.size, &err);
	if (!snapshot)
		fail_msg("expected it renewed by: make update-corpus");
	bf_snapshot_free(&snapshot);
	bf_buf_clear(&bytes);
	read_corpus("channel", &bytes);
	channel = bf_channel_decode(bytes.data, bytes.size, &err);
	if (!channel)
		fail_msg("expected it renewed by: make update-corpus");
	bf_channel_free(&channel);
	bf_buf_free(&bytes);
}

static int
update_corpus(const char *source)
{
	struct bf_snapshot *snapshot = load_good(everything);
	struct bf_buf bytes = { 0 };

	bf_snapshot_encode(snapshot, true, &bytes);
	write_corpus(source, "snapshot", &bytes);
	bf_buf_clear(&bytes);
	bf_channel_encode(&snapshot->channels[0], &bytes);
	write_corpus(source, "channel", &bytes);
	bf_buf_free(&bytes);
	bf_snapshot_free(&snapshot);
	return 0;
}

/* "update DIRECTORY" writes the corpus anew. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshot_comes_back_whole),
		cmocka_unit_test(the_public_form_has_no_secrets),
		cmocka_unit_test(a_channel_travels_alone_with_its_secrets),
		cmocka_unit_test(
		    bytes_that_are_cut_or_changed_are_refused_or_harmless),
		cmocka_unit_test(the_fuzzers_corpus_has_the_layout_of_today),
	};

	if (argc == 3 && strcmp(argv[1], "update") == 0)
		return update_corpus(argv[2]);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
