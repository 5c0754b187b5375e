/*
 * conf_fuzz.c - arbitrary bytes as a conf file, then as a block of settings
 *
 * Includes are left out: the target must not read files.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/dump.h"
#include "core/conf/settings.h"

struct thing {
	bool flag;
	int64_t integer;
	char *text;
	struct bf_duration duration;
	struct bf_instant instant;
	struct bf_size size;
	struct bf_choice choice;
	struct bf_url url;
	struct bf_secret secret;
	struct bf_strings words;
	struct bf_pairs pairs;
	struct bf_path path;
};

static const char *const choices[] = { "one", "two", NULL };

static const struct bf_directive table[] = {
	{ BF_FIELD(thing, flag), .fallback = "on" },
	{ BF_FIELD(thing, integer), .min = 1, .max = 100 },
	{ BF_FIELD(thing, text) },
	{ BF_FIELD(thing, duration), .min = 1, .max = 100 },
	{ BF_FIELD(thing, instant) },
	{ BF_FIELD(thing, size) },
	{ BF_FIELD(thing, choice), .choices = choices },
	{ BF_FIELD(thing, url) },
	{ BF_FIELD(thing, secret) },
	{ BF_FIELD(thing, words) },
	{ BF_FIELD(thing, pairs) },
	{ BF_FIELD(thing, path) },
	{ 0 },
};

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	static const char *const secrets[] = { "secret", NULL };
	const char *text = (const char *)bytes;
	struct bf_conf_tree *tree;
	char name[] = "fuzz";
	struct bf_conf_node at = { .name = name, .file = "fuzz", .line = 1 };
	struct thing thing = { 0 };
	struct bf_buf out = { 0 };
	struct bf_error err;

	if (memmem(bytes, size, "include", 7))
		return 0;
	tree = bf_conf_parse(text, size, "fuzz", &err);
	if (tree) {
		at.block = tree->first;
		(void)bf_settings_apply(table, &thing, &at, NULL, NULL, &err);
		bf_settings_clear(table, &thing);
		bf_conf_mask(text, size, secrets, &out);
	}
	bf_buf_free(&out);
	bf_conf_free(&tree);
	return 0;
}
