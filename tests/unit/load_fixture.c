/*
 * load_fixture.c - snapshots from text, for the tests of what lies above
 */
#include "tests/unit/load_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/conf/describe.h"

struct hook {
	struct bf_url url;
	struct bf_secret secret, password;
	struct bf_pairs header;
	struct bf_path ca_file;
};

static const struct bf_directive hook_table[] = {
	{ BF_FIELD(hook, url), .required = true, .help = "Where to." },
	{ BF_FIELD(hook, secret), .help = "Key." },
	{ BF_FIELD(hook, password), .help = "Another key." },
	{ BF_FIELD(hook, header), .help = "More headers." },
	{ BF_FIELD(hook, ca_file), .help = "Certificates." },
	{ 0 },
};

struct post {
	char *text;
};

static const struct bf_directive post_table[] = {
	{ BF_FIELD(post, text), .fallback = "hello", .help = "Text." },
	{ 0 },
};

struct clash {
	char *timeout;
};

static const struct bf_directive clash_table[] = {
	{ BF_FIELD(clash, timeout), .help = "Taken." },
	{ 0 },
};

static const struct {
	const char *name;
	const struct bf_directive *table;
	const char *retry, *max_age, *rate, *concurrency;
} modules[] = {
	{ "hook", hook_table, NULL, NULL, NULL, NULL },
	{ "post", post_table, "1m 5m", "5d", NULL, NULL },
	{ "clash", clash_table, NULL, NULL, NULL, NULL },
	{ "webhook", hook_table, NULL, NULL, NULL, NULL },
	{ "smtp", post_table, NULL, NULL, NULL, NULL },
	{ "slack-format", post_table, NULL, NULL, NULL, NULL },
	{ "discord-embed", post_table, NULL, NULL, NULL, NULL },
	{ "hoo", post_table, NULL, NULL, NULL, NULL },
	{ "odd", post_table, "1x", NULL, NULL, NULL },
	{ "chat", post_table, NULL, NULL, "1/s burst=4", "1" },
	{ "oddrate", post_table, NULL, NULL, "often", NULL },
	{ "oddconcurrency", post_table, NULL, NULL, NULL, "0" },
};

static int
load_module(void *context, const char *path, struct bf_module_info *info,
    const struct bf_directive **table, struct bf_error *err)
{
	char expected[100];

	(void)context;
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		snprintf(expected, sizeof(expected),
		    "/lib/belfry/modules/%s.so", modules[i].name);
		if (strcmp(path, expected) != 0)
			continue;
		*table = modules[i].table;
		info->name = bf_strdup(modules[i].name);
		info->path = bf_strdup(path);
		info->directives = bf_describe_directives(*table);
		info->retry = bf_strdup(modules[i].retry);
		info->max_age = bf_strdup(modules[i].max_age);
		info->rate = bf_strdup(modules[i].rate);
		info->concurrency = bf_strdup(modules[i].concurrency);
		info->abi = 1;
		return 0;
	}
	bf_error_set(err, "open %s: no such file", path);
	return -1;
}

static int
check_channel(void *context, const char *name, const struct bf_channel *channel,
    struct bf_error *err)
{
	(void)context;
	(void)name;
	for (size_t i = 0; i < channel->setting_count; i++) {
		if (strcmp(channel->settings[i].words.items[0], "http://no/") ==
		    0) {
			bf_error_set(err, "url: not that one");
			return -1;
		}
	}
	return 0;
}

static const char *
environment(void *context, const char *name)
{
	(void)context;
	if (strcmp(name, "HOOK") == 0)
		return "https://example.com/s3cret";
	return strcmp(name, "KEY") == 0 ? "s3cret" : NULL;
}

/* Writes CONF for the path of the file, so that messages can be compared. */
static void
hide_path(struct bf_error *err, const char *path)
{
	struct bf_buf text = { 0 };
	const char *rest = err->text;
	const char *at;

	while ((at = strstr(rest, path))) {
		bf_buf_add(&text, rest, (size_t)(at - rest));
		bf_buf_add_text(&text, "CONF");
		rest = at + strlen(path);
	}
	bf_buf_add_text(&text, rest);
	bf_error_set(err, "%s", bf_buf_text(&text));
	bf_buf_free(&text);
}

struct bf_snapshot *
load_file(const char *path, const char *globals, struct bf_error *err)
{
	static const struct bf_module_source source = { load_module,
		check_channel, NULL };
	static const struct bf_secret_source secrets = { .env = environment };

	return bf_registry_load(path, globals, "/lib/belfry", &source, &secrets,
	    err);
}

struct bf_snapshot *
load_text_with(const char *text, const char *globals, struct bf_error *err)
{
	char path[] = LOAD_PATH;
	int fd = mkstemp(path);
	struct bf_snapshot *snapshot;

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
	snapshot = load_file(path, globals, err);
	unlink(path);
	if (!snapshot)
		hide_path(err, path);
	return snapshot;
}

struct bf_snapshot *
load_text(const char *text, struct bf_error *err)
{
	return load_text_with(text, NULL, err);
}

struct bf_snapshot *
load_good(const char *text)
{
	struct bf_error err;
	char *whole = bf_strf("load_module modules/hook.so;"
			      "load_module modules/post.so;\n%s",
	    text);
	struct bf_snapshot *snapshot = load_text(whole, &err);

	if (!snapshot) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	free(whole);
	return snapshot;
}
