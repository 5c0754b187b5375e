/*
 * channel_read.c - channels from JSON
 */
#include "core/registry/channel_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/base/strings.h"
#include "core/conf/describe.h"
#include "core/registry/channel_draft.h"
#include "core/registry/egress.h"
#include "core/registry/snapshot_private.h"
#include "core/registry/snapshot_wire.h"

struct bf_channel_reader {
	const struct bf_snapshot *snapshot;
	struct bf_directive **tables; /* of snapshot->modules[i], once needed */
};

struct bf_channel_reader *
bf_channel_reader_new(const struct bf_snapshot *snapshot)
{
	struct bf_channel_reader *reader = bf_new(struct bf_channel_reader);

	reader->snapshot = snapshot;
	reader->tables =
	    bf_zalloc(snapshot->module_count, sizeof(*reader->tables));
	return reader;
}

void
bf_channel_reader_free(struct bf_channel_reader **reader)
{
	if (!*reader)
		return;
	for (size_t i = 0; i < (*reader)->snapshot->module_count; i++)
		bf_described_free(&(*reader)->tables[i]);
	free((*reader)->tables);
	free(*reader);
	*reader = NULL;
}

const struct bf_directive *
bf_channel_reader_table(struct bf_channel_reader *reader, const char *module)
{
	const struct bf_snapshot *snapshot = reader->snapshot;

	for (size_t i = 0; i < snapshot->module_count; i++) {
		if (strcmp(snapshot->modules[i].name, module) != 0)
			continue;
		if (!reader->tables[i])
			reader->tables[i] = bf_described_directives(
			    snapshot->modules[i].directives);
		return reader->tables[i];
	}
	return NULL;
}

/* ---- values to words ---- */

/* Adds a scalar as a word; -1 if it is none. */
static int
add_word(struct bf_draft_node *node, const cJSON *value)
{
	const cJSON *secret =
	    cJSON_IsObject(value) && cJSON_GetArraySize(value) == 1
		? cJSON_GetObjectItemCaseSensitive(value, "secret")
		: NULL;
	char number[40];

	if (secret) {
		if (!cJSON_IsString(secret) || !*secret->valuestring)
			return -1;
		node->secret = true;
		value = secret;
	}
	if (cJSON_IsString(value)) {
		bf_strings_add(&node->node.words, value->valuestring);
	} else if (cJSON_IsBool(value)) {
		bf_strings_add(&node->node.words,
		    cJSON_IsTrue(value) ? "on" : "off");
	} else if (cJSON_IsNumber(value)) {
		snprintf(number, sizeof(number), "%.17g", value->valuedouble);
		bf_strings_add(&node->node.words, number);
	} else {
		return -1;
	}
	return 0;
}

/* NAME of { "saved": NAME }, or NULL. */
static const char *
saved_name(const cJSON *value)
{
	return cJSON_IsObject(value) && cJSON_GetArraySize(value) == 1
		   ? cJSON_GetStringValue(
			 cJSON_GetObjectItemCaseSensitive(value, "saved"))
		   : NULL;
}

static int
add_words(struct bf_draft *draft, struct bf_draft_list *list,
    const char *prefix, const char *name, const cJSON *value)
{
	static const char expected[] =
	    "expected a text, a number, true or false, or an array of them";
	struct bf_draft_node *node = bf_draft_add(list, prefix, name);
	const cJSON *item;

	node->saved = bf_strdup(saved_name(value));
	if (node->saved && list == &draft->settings) {
		node->secret = true;
		return 0;
	}
	if (!cJSON_IsArray(value))
		return add_word(node, value) == 0
			   ? 0
			   : bf_draft_refuse(draft, prefix, name, "%s: %s",
				 name, expected);
	cJSON_ArrayForEach(item, value)
	{
		if (add_word(node, item) == -1)
			return bf_draft_refuse(draft, prefix, name, "%s: %s",
			    name, expected);
	}
	return 0;
}

static int
add_pair(struct bf_draft *draft, const char *name, const char *key,
    const cJSON *value)
{
	struct bf_draft_node *node;

	if (key && cJSON_IsNull(value))
		return 0;
	node = bf_draft_add(&draft->settings, "/settings", name);
	bf_strings_add(&node->node.words, key ? key : "");
	if (key && add_word(node, value) == 0)
		return 0;
	return bf_draft_refuse(draft, "/settings", name,
	    "%s: expected an object of names and values, or an array of "
	    "[name, value]",
	    name);
}

static int
add_pairs(struct bf_draft *draft, const char *name, const cJSON *value)
{
	const bool object = cJSON_IsObject(value);
	const cJSON *item;

	if (!object && !cJSON_IsArray(value))
		return add_pair(draft, name, NULL, NULL);
	cJSON_ArrayForEach(item, value)
	{
		const bool pair = object || cJSON_GetArraySize(item) == 2;
		const char *key = object ? item->string
				  : pair ? cJSON_GetStringValue(item->child)
					 : NULL;

		if (add_pair(draft, name, key,
			object ? item
			: pair ? item->child->next
			       : NULL) == -1)
			return -1;
	}
	return 0;
}

/* The words of a text, cut at the spaces: the values that every channel has
 * hold none ("1s 2s 4s"). */
static void
cut_words(struct bf_draft *draft, const char *name, const char *text)
{
	struct bf_draft_node *node = bf_draft_add(&draft->policy, "", name);
	char *copy = bf_strdup(text);
	char *rest = NULL;

	for (char *word = strtok_r(copy, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		bf_strings_add(&node->node.words, word);
	free(copy);
}

/* ---- members ---- */

/* One directive that every channel has. As answers have it, an empty list of
 * events means all, and one of retries none; jitter is a number of per cent. */
static int
read_directive(struct bf_draft *draft, const char *name, const cJSON *value)
{
	char percent[32];

	if (strcmp(name, "proxy") == 0 || strcmp(name, "bind_address") == 0)
		return bf_draft_refuse(draft, "", name,
		    "%s: the operator's; expected it in the conf file only",
		    name);
	if (cJSON_IsArray(value) && !value->child) {
		if (strcmp(name, "events") == 0)
			return 0;
		if (strcmp(name, "retry") == 0) {
			cut_words(draft, name, "none");
			return 0;
		}
	}
	if (strcmp(name, "jitter") == 0 && cJSON_IsNumber(value)) {
		snprintf(percent, sizeof(percent), "%.17g%%",
		    value->valuedouble);
		cut_words(draft, name, percent);
		return 0;
	}
	if (cJSON_IsString(value)) {
		cut_words(draft, name, value->valuestring);
		return 0;
	}
	return add_words(draft, &draft->policy, "", name, value);
}

static int
read_policy(struct bf_draft *draft, const cJSON *json)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json)
	{
		if (cJSON_IsNull(item) || bf_draft_ignores(item->string))
			continue;
		if (bf_draft_check_name(draft, "", item->string) == -1 ||
		    read_directive(draft, item->string, item) == -1)
			return -1;
	}
	return 0;
}

/* What only the conf file may say. */
static int
check_words(struct bf_draft *draft, const struct bf_egress *egress,
    const struct bf_directive *directive, const struct bf_draft_node *node)
{
	struct bf_error cause;
	const struct bf_strings *words = &node->node.words;
	const size_t first = directive->type == BF_TYPE_PAIRS ? 1 : 0;
	const bool refers = first == 1 || directive->type == BF_TYPE_URL ||
			    directive->type == BF_TYPE_WORDS ||
			    directive->type == BF_TYPE_SECRET;

	if (directive->type == BF_TYPE_PATH ||
	    directive->type == BF_TYPE_PROGRAM ||
	    directive->type == BF_TYPE_USER)
		return bf_draft_refuse(draft, "/settings", directive->name,
		    "%s: names a %s of the server; expected it in the conf "
		    "file only",
		    directive->name,
		    directive->type == BF_TYPE_PATH
			? "file"
			: bf_directive_type_name(directive->type));
	for (size_t i = 0; i < words->count; i++) {
		/* No line may be added to a header, nor a command to SMTP. */
		if (bf_has_control(words->items[i]))
			return bf_draft_refuse(draft, "/settings",
			    directive->name,
			    "%s: a control character; expected text without",
			    directive->name);
		if (refers && i >= first &&
		    bf_secret_is_reference(words->items[i]))
			return bf_draft_refuse(draft, "/settings",
			    directive->name,
			    "%s: env:, file: and sealed: are for the conf "
			    "file; expected the value itself",
			    directive->name);
		if (bf_egress_setting(egress, directive, words->items[i],
			&cause) == -1)
			return bf_draft_refuse(draft, "/settings",
			    directive->name, "%s: %s", directive->name,
			    cause.text);
	}
	return 0;
}

static int
read_settings(struct bf_draft *draft, const struct bf_egress *egress)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, draft->given)
	{
		const struct bf_directive *directive =
		    bf_settings_find(draft->table, item->string);
		struct bf_draft_node *before = draft->settings.last;
		int result;

		if (cJSON_IsNull(item))
			continue;
		if (bf_draft_check_name(draft, "/settings", item->string) == -1)
			return -1;
		result = directive && directive->type == BF_TYPE_PAIRS
			     ? add_pairs(draft, item->string, item)
			     : add_words(draft, &draft->settings, "/settings",
				   item->string, item);
		if (result == -1)
			return -1;
		for (struct bf_draft_node *node =
			 before ? before->next : draft->settings.first;
		     directive && node; node = node->next) {
			node->secret |= directive->type == BF_TYPE_SECRET ||
					directive->secret;
			if (check_words(draft, egress, directive, node) == -1)
				return -1;
		}
	}
	return 0;
}

/* ---- the channel ---- */

static int
check_required(struct bf_draft *draft)
{
	const struct bf_directive *directive = draft->table;
	const struct bf_draft_node *node = draft->settings.first;

	/* A slip of a name is told first: what is missing may be that. */
	for (; node; node = node->next) {
		if (!bf_settings_find(draft->table, node->node.name))
			return 0; /* until they are applied */
	}
	for (; directive->type != BF_TYPE_NONE; directive++) {
		node = draft->settings.first;
		while (node && strcmp(node->node.name, directive->name) != 0)
			node = node->next;
		if (directive->required && !node)
			return bf_draft_refuse(draft, "/settings",
			    directive->name,
			    "%s: missing; expected it in the settings",
			    directive->name);
	}
	return 0;
}

/* Reads the policy and checks the settings, each by its table. */
static int
apply(struct bf_draft *draft, struct bf_loading *loading,
    const struct bf_module_info *module, struct bf_channel *channel)
{
	struct bf_conf_node at = { .name = channel->name,
		.has_block = true,
		.file = "" };
	const struct bf_draft_node *node = draft->settings.first;
	void *scratch;
	int result;

	at.block = draft->policy.first ? &draft->policy.first->node : NULL;
	if (bf_load_policy(loading, &at, module, NULL, &channel->policy) ==
	    -1) {
		bf_draft_blame(draft, &draft->policy);
		return -1;
	}
	free(channel->policy.proxy);
	channel->policy.proxy = bf_strdup(loading->snapshot->egress.proxy);
	at.block = node ? &draft->settings.first->node : NULL;
	scratch = bf_zalloc(1, bf_settings_size(draft->table) + 1);
	result = bf_settings_apply(draft->table, scratch, &at, NULL, NULL,
	    loading->err);
	bf_settings_clear(draft->table, scratch);
	free(scratch);
	if (result == -1)
		bf_draft_blame(draft, &draft->settings);
	for (; result == 0 && node; node = node->next) {
		struct bf_setting *setting;

		channel->settings = bf_grow(channel->settings,
		    channel->setting_count, sizeof(*setting));
		setting = &channel->settings[channel->setting_count++];
		setting->name = bf_strdup(node->node.name);
		setting->secret = node->secret;
		for (size_t i = 0; i < node->node.words.count; i++)
			bf_strings_add(&setting->words,
			    node->node.words.items[i]);
	}
	return result;
}

/* The module and the name; -1 if they are none. */
static int
read_names(struct bf_draft *draft, struct bf_loading *loading,
    const cJSON *json, const struct bf_channel *saved,
    struct bf_channel *channel, int *module)
{
	const char *kind = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "module"));
	const char *name = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "name"));
	struct bf_conf_node node = { .name = (char *)"name", .file = "" };

	if (!kind && saved && !cJSON_HasObjectItem(json, "module"))
		kind = saved->module;
	if (!name || !kind)
		return bf_draft_refuse(draft, "", name ? "module" : "name",
		    "%s: missing; expected the name of %s",
		    name ? "module" : "name",
		    name ? "a module that is loaded" : "the channel");
	if (bf_name_check(loading, &node, BF_NAMING_THING, name) == -1) {
		snprintf(draft->problem->field, sizeof(draft->problem->field),
		    "/name");
		return -1;
	}
	node.name = (char *)"module";
	*module = bf_find_module(loading, &node, kind);
	if (*module == -1) {
		snprintf(draft->problem->field, sizeof(draft->problem->field),
		    "/module");
		return -1;
	}
	if (saved && strcmp(saved->module, kind) != 0)
		return bf_draft_refuse(draft, "", "module",
		    "module: the channel is one of %s; expected that, or "
		    "another channel",
		    saved->module);
	channel->name = bf_strdup(name);
	channel->module = bf_strdup(kind);
	return 0;
}

static int
read_channel(struct bf_draft *draft, struct bf_loading *loading,
    struct bf_channel_reader *reader, const cJSON *json,
    const struct bf_channel *saved, struct bf_channel *channel)
{
	int module = -1;

	draft->given = cJSON_GetObjectItemCaseSensitive(json, "settings");
	if (draft->given && !cJSON_IsObject(draft->given))
		return bf_draft_refuse(draft, "", "settings",
		    "settings: expected an object");
	if (read_names(draft, loading, json, saved, channel, &module) == -1)
		return -1;
	draft->table = bf_channel_reader_table(reader, channel->module);
	if (!draft->table)
		return bf_draft_refuse(draft, "", "module",
		    "module: its directives can't be read");
	if (read_policy(draft, json) == -1 ||
	    read_settings(draft, &reader->snapshot->egress) == -1 ||
	    bf_draft_keep(draft, saved) == -1 || check_required(draft) == -1)
		return -1;
	return apply(draft, loading, &reader->snapshot->modules[module],
	    channel);
}

struct bf_channel *
bf_channel_read(struct bf_channel_reader *reader, const char *tenant,
    const cJSON *json, const struct bf_channel *saved,
    struct bf_channel_problem *problem)
{
	struct bf_channel *channel = bf_new(struct bf_channel);
	struct bf_draft draft = { .problem = problem };
	/* Read only: nothing is added to the snapshot here. */
	struct bf_loading loading = {
		.snapshot = (struct bf_snapshot *)reader->snapshot,
		.err = &problem->error,
	};

	*problem = (struct bf_channel_problem){ 0 };
	channel->tenant = bf_strdup(tenant);
	if (read_channel(&draft, &loading, reader, json, saved, channel) == -1)
		bf_channel_free(&channel);
	bf_draft_clear(&draft.policy);
	bf_draft_clear(&draft.settings);
	return channel;
}
