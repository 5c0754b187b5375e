/*
 * channel_fuzz.c - arbitrary JSON as a channel that a tenant makes
 *
 * One document, or two with an empty line between: then the second changes the
 * channel that the first has made. A channel that is taken travels to a worker
 * unharmed, reaches nothing that is the conf file's own, and its document, as
 * it is kept, makes the same channel again. A refusal says where and why.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/registry/channel_json.h"
#include "core/registry/snapshot_wire.h"
#include "tests/unit/load_fixture.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

/* The same for all runs. */
static struct bf_channel_reader *
the_reader(void)
{
	static struct bf_channel_reader *reader;
	static struct bf_snapshot *snapshot;

	if (!reader) {
		snapshot = load_good("events { event x { category y; } }");
		reader = bf_channel_reader_new(snapshot);
	}
	return reader;
}

static cJSON *
keep_secret(void *context, const char *directive, const char *word)
{
	cJSON *json = cJSON_CreateObject();

	(void)context;
	(void)directive;
	cJSON_AddStringToObject(json, "secret", word);
	return json;
}

static struct bf_channel *
read_channel(const cJSON *json, const struct bf_channel *saved)
{
	struct bf_channel_problem problem = { .field = "" };
	struct bf_channel *channel =
	    bf_channel_read(the_reader(), "acme", json, saved, &problem);

	assert(channel || problem.error.text[0]);
	assert(memchr(problem.field, '\0', sizeof(problem.field)));
	return channel;
}

static bool
is_same(const struct bf_buf *a, const struct bf_buf *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static void
travel(const struct bf_channel *channel, struct bf_buf *bytes)
{
	struct bf_buf again = { 0 };
	struct bf_channel *arrived;
	struct bf_error err;

	bf_channel_encode(channel, bytes);
	arrived = bf_channel_decode(bytes->data, bytes->size, &err);
	assert(arrived);
	bf_channel_encode(arrived, &again);
	assert(is_same(bytes, &again));
	bf_channel_free(&arrived);
	bf_buf_free(&again);
}

static void
check_reach(const struct bf_channel *channel)
{
	assert(strcmp(channel->tenant, "acme") == 0 && !channel->file);
	for (size_t i = 0; i < channel->setting_count; i++) {
		const struct bf_setting *setting = &channel->settings[i];

		/* The name of a header is a name, whatever it looks like. */
		const size_t first = strcmp(setting->name, "header") == 0;

		assert(strcmp(setting->name, "ca_file") != 0);
		for (size_t n = first; n < setting->words.count; n++)
			assert(
			    strncmp(setting->words.items[n], "file:", 5) != 0 ||
			    setting->secret);
	}
}

/* Reads the channel again from what would be kept of it. */
static void
keep(const cJSON *json, const struct bf_channel *channel,
    const struct bf_buf *bytes)
{
	cJSON *document =
	    bf_channel_document(the_reader(), json, channel, keep_secret, NULL);
	cJSON *shown = bf_channel_settings(the_reader(), channel, NULL, NULL);
	struct bf_channel *again = read_channel(document, NULL);
	struct bf_buf kept = { 0 };

	assert(again);
	bf_channel_encode(again, &kept);
	assert(is_same(bytes, &kept));
	bf_channel_free(&again);
	bf_buf_free(&kept);
	cJSON_Delete(document);
	cJSON_Delete(shown);
}

static struct bf_channel *
make(const char *text, size_t size, const struct bf_channel *saved)
{
	struct bf_error err;
	cJSON *json = bf_json_parse(text, size, &err);
	struct bf_channel *channel =
	    cJSON_IsObject(json) ? read_channel(json, saved) : NULL;
	struct bf_buf bytes = { 0 };

	if (channel) {
		check_reach(channel);
		travel(channel, &bytes);
		keep(json, channel, &bytes);
	}
	bf_buf_free(&bytes);
	cJSON_Delete(json);
	return channel;
}

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	const char *text = (const char *)bytes;
	const char *gap = memmem(text, size, "\n\n", 2);
	struct bf_channel *saved, *changed = NULL;

	saved = make(text, gap ? (size_t)(gap - text) : size, NULL);
	if (saved && gap)
		changed = make(gap, size - (size_t)(gap - text), saved);
	bf_channel_free(&changed);
	bf_channel_free(&saved);
	return 0;
}
