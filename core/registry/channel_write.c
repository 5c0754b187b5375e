/*
 * channel_write.c - channels as JSON
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/channel_draft.h"

static cJSON *
word_json(const struct bf_setting *setting, const char *directive, size_t index,
    bf_channel_secret *secret, void *context)
{
	const char *word = setting->words.items[index];

	return setting->secret ? secret(context, directive, word)
			       : cJSON_CreateString(word);
}

/* A pair: [name, value]; only the value may be secret. */
static void
add_pair_json(cJSON *list, const struct bf_setting *setting,
    bf_channel_secret *secret, void *context)
{
	cJSON *pair = cJSON_CreateArray();
	char *directive =
	    bf_strf("%s %s", setting->name, setting->words.items[0]);

	cJSON_AddItemToArray(pair, cJSON_CreateString(setting->words.items[0]));
	cJSON_AddItemToArray(pair,
	    word_json(setting, directive, 1, secret, context));
	cJSON_AddItemToArray(list, pair);
	free(directive);
}

cJSON *
bf_channel_settings(struct bf_channel_reader *reader,
    const struct bf_channel *channel, bf_channel_secret *secret, void *context)
{
	const struct bf_directive *table =
	    bf_channel_reader_table(reader, channel->module);
	cJSON *json = cJSON_CreateObject();

	for (size_t i = 0; i < channel->setting_count; i++) {
		const struct bf_setting *setting = &channel->settings[i];
		const struct bf_directive *directive =
		    table ? bf_settings_find(table, setting->name) : NULL;
		const enum bf_directive_type type =
		    directive ? directive->type : BF_TYPE_WORDS;
		const bool words =
		    type == BF_TYPE_WORDS || type == BF_TYPE_PROGRAM;
		cJSON *list;

		if (setting->secret && !secret)
			continue;
		if (type != BF_TYPE_PAIRS && !words) {
			cJSON_AddItemToObject(json, setting->name,
			    word_json(setting, setting->name, 0, secret,
				context));
			continue;
		}
		list = cJSON_GetObjectItemCaseSensitive(json, setting->name);
		if (!list)
			list = cJSON_AddArrayToObject(json, setting->name);
		if (type == BF_TYPE_PAIRS)
			add_pair_json(list, setting, secret, context);
		for (size_t k = 0;
		     words && k < setting->words.count; k++)
			cJSON_AddItemToArray(list,
			    word_json(setting, setting->name, k, secret,
				context));
	}
	return json;
}

cJSON *
bf_channel_document(struct bf_channel_reader *reader, const cJSON *json,
    const struct bf_channel *channel, bf_channel_secret *secret, void *context)
{
	cJSON *document = cJSON_CreateObject();
	const cJSON *item;

	cJSON_AddStringToObject(document, "name", channel->name);
	cJSON_AddStringToObject(document, "module", channel->module);
	cJSON_ArrayForEach(item, json)
	{
		if (!cJSON_IsNull(item) && !bf_draft_ignores(item->string))
			cJSON_AddItemToObject(document, item->string,
			    cJSON_Duplicate(item, 1));
	}
	cJSON_AddItemToObject(document, "settings",
	    bf_channel_settings(reader, channel, secret, context));
	return document;
}
