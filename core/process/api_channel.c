/*
 * api_channel.c - channels made over the API, as they are kept
 */
#include "core/process/api_channel.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/event/parse.h"

char *
bf_api_channel_name(const char *tenant, const char *name)
{
	return bf_strf(BF_API_CHANNEL_PREFIX "%s/%s", tenant, name);
}

bool
bf_api_channel_split(char *setting, char **tenant, char **name)
{
	const size_t prefix = strlen(BF_API_CHANNEL_PREFIX);

	if (strncmp(setting, BF_API_CHANNEL_PREFIX, prefix) != 0)
		return false;
	*tenant = setting + prefix;
	*name = strchr(*tenant, '/');
	if (!*name)
		return false;
	*(*name)++ = '\0';
	return true;
}

/* ---- every secret of a value ---- */

/* What is done to a secret: item is {"sealed": text}. -1 ends the walk. */
struct walk {
	int (*each)(struct walk *walk, const struct bf_seal_place *place,
	    cJSON *item, const char *sealed);
	struct bf_seal_place place;
	const struct bf_keyring *keys;
	size_t changed, bad;
	struct bf_error error;
	void (*found)(void *context, const char *key);
	void *context;
};

static int
walk_word(struct walk *walk, const char *directive, cJSON *item)
{
	const char *sealed = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(item, "sealed"));

	if (!sealed)
		return 0;
	walk->place.directive = directive;
	return walk->each(walk, &walk->place, item, sealed);
}

/* An item of a list: a word, or a pair. */
static int
walk_item(struct walk *walk, const char *directive, cJSON *item)
{
	const char *first =
	    cJSON_IsArray(item) ? cJSON_GetStringValue(item->child) : NULL;
	char *pair;
	int result;

	if (!first)
		return walk_word(walk, directive, item);
	pair = bf_strf("%s %s", directive, first);
	result = walk_word(walk, pair, item->child->next);
	free(pair);
	return result;
}

static int
walk_value(struct walk *walk, const cJSON *document, const char *tenant,
    const char *name)
{
	cJSON *settings =
	    cJSON_GetObjectItemCaseSensitive(document, "settings");
	cJSON *setting, *item;

	walk->place = (struct bf_seal_place){ "channel", tenant, name, "" };
	cJSON_ArrayForEach(setting, settings)
	{
		if (walk_word(walk, setting->string, setting) == -1)
			return -1;
		if (!cJSON_IsArray(setting))
			continue;
		cJSON_ArrayForEach(item, setting)
		{
			if (walk_item(walk, setting->string, item) == -1)
				return -1;
		}
	}
	return 0;
}

/* ---- to the store ---- */

struct sealing {
	const struct bf_keyring *keys;
	struct bf_seal_place place;
};

static cJSON *
seal_word(void *context, const char *directive, const char *word)
{
	struct sealing *sealing = context;
	struct bf_buf sealed = { 0 };
	cJSON *json = cJSON_CreateObject();

	sealing->place.directive = directive;
	bf_seal(sealing->keys, &sealing->place, word, strlen(word), &sealed);
	cJSON_AddStringToObject(json, "sealed", sealed.data);
	bf_buf_free(&sealed);
	return json;
}

char *
bf_api_channel_value(const struct bf_keyring *keys,
    struct bf_channel_reader *reader, const cJSON *json,
    const struct bf_channel *channel, uint64_t version, int64_t created_us)
{
	struct sealing sealing = { keys,
		{ "channel", channel->tenant, channel->name, "" } };
	cJSON *document =
	    bf_channel_document(reader, json, channel, seal_word, &sealing);
	char created[40];
	char *text, *value;

	cJSON_AddNumberToObject(document, "version", (double)version);
	if (created_us > 0) {
		bf_timestamp_format(created_us, created);
		cJSON_AddStringToObject(document, "created_at", created);
	}
	text = cJSON_PrintUnformatted(document);
	value = bf_strdup(text);
	cJSON_free(text);
	cJSON_Delete(document);
	return value;
}

/* ---- from the store ---- */

static int
open_word(struct walk *walk, const struct bf_seal_place *place, cJSON *item,
    const char *sealed)
{
	struct bf_buf plain = { 0 };

	if (bf_seal_open(walk->keys, place, sealed, &plain, &walk->error) == -1)
		return -1;
	cJSON_AddStringToObject(item, "secret", plain.data);
	cJSON_DeleteItemFromObjectCaseSensitive(item, "sealed");
	bf_buf_wipe(&plain);
	return 0;
}

/* Overwrites the secrets that were opened. */
static void
wipe(cJSON *json)
{
	cJSON *item;

	cJSON_ArrayForEach(item, json)
	{
		if (cJSON_IsString(item) && item->string &&
		    strcmp(item->string, "secret") == 0)
			explicit_bzero(item->valuestring,
			    strlen(item->valuestring));
		wipe(item);
	}
}

/* What is left of a channel whose settings can't be used: what waits for it is
 * kept until they can. */
static struct bf_channel *
make_stub(const cJSON *document, const char *tenant, const char *name)
{
	struct bf_channel *channel = bf_new(struct bf_channel);
	const char *module = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(document, "module"));
	const cJSON *event;

	channel->tenant = bf_strdup(tenant);
	channel->name = bf_strdup(name);
	channel->module = bf_strdup(module ? module : "");
	channel->policy.enabled = true;
	channel->policy.concurrency = 1;
	channel->policy.max_age.ms = INT64_C(24) * 60 * 60 * 1000;
	cJSON_ArrayForEach(event,
	    cJSON_GetObjectItemCaseSensitive(document, "events"))
	{
		if (cJSON_IsString(event))
			bf_strings_add(&channel->policy.events,
			    event->valuestring);
	}
	return channel;
}

/* When it was made; 0: not known. */
static int64_t
read_created(const cJSON *document)
{
	const char *text = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(document, "created_at"));
	int64_t us;

	return text && bf_timestamp_parse(text, &us) == 0 ? us : 0;
}

struct bf_channel_state *
bf_api_channel_load(struct bf_registry *registry, const struct bf_keyring *keys,
    const char *tenant, const char *name, const char *value)
{
	struct bf_channel_reader *reader = bf_registry_reader(registry);
	struct walk walk = { .each = open_word, .keys = keys };
	struct bf_channel_problem problem = { 0 };
	cJSON *document = cJSON_Parse(value);
	const cJSON *version =
	    cJSON_GetObjectItemCaseSensitive(document, "version");
	const uint64_t number =
	    cJSON_IsNumber(version) ? (uint64_t)version->valuedouble : 1;
	struct bf_channel *channel = NULL;
	char *fault = NULL;
	cJSON *shown = NULL;
	char *text = NULL;
	struct bf_channel_state *state;

	if (!document)
		fault = bf_strdup("what the store has of it is damaged");
	else if (walk_value(&walk, document, tenant, name) == -1)
		fault = bf_strdup(walk.error.text);
	else if (!(channel = bf_channel_read(reader, tenant, document, NULL,
		       &problem)))
		fault = bf_strdup(problem.error.text);
	if (!channel)
		channel = make_stub(document, tenant, name);
	shown = bf_channel_document(reader, document, channel, NULL, NULL);
	text = cJSON_PrintUnformatted(shown);
	if (fault)
		bf_log(BF_LOG_ERROR, "channel %s of tenant %s: %s", name,
		    tenant, fault);
	state =
	    bf_registry_put(registry, channel, number, bf_strdup(text), fault);
	if (state)
		state->created_us = read_created(document);
	else
		bf_log(BF_LOG_WARN,
		    "channel %s of tenant %s, which was made over the API, is "
		    "left out: the conf file has one of that name",
		    name, tenant);
	cJSON_free(text);
	cJSON_Delete(shown);
	wipe(document);
	cJSON_Delete(document);
	return state;
}

/* ---- another key ---- */

static int
reseal_word(struct walk *walk, const struct bf_seal_place *place, cJSON *item,
    const char *sealed)
{
	struct bf_buf plain = { 0 }, again = { 0 };
	char key[BF_KEY_ID + 1];

	if (bf_seal_key(sealed, key) &&
	    strcmp(key, bf_keyring_current(walk->keys)) == 0)
		return 0;
	if (bf_seal_open(walk->keys, place, sealed, &plain, &walk->error) ==
	    -1) {
		walk->bad++;
		return 0;
	}
	bf_seal(walk->keys, place, plain.data, plain.size, &again);
	cJSON_SetValuestring(cJSON_GetObjectItemCaseSensitive(item, "sealed"),
	    again.data);
	walk->changed++;
	bf_buf_wipe(&plain);
	bf_buf_free(&again);
	return 0;
}

char *
bf_api_channel_reseal(const struct bf_keyring *keys, const char *tenant,
    const char *name, const char *value, size_t *bad)
{
	struct walk walk = { .each = reseal_word, .keys = keys };
	cJSON *document = cJSON_Parse(value);
	char *text, *again = NULL;

	walk_value(&walk, document, tenant, name);
	*bad = walk.bad;
	if (walk.changed > 0) {
		text = cJSON_PrintUnformatted(document);
		again = bf_strdup(text);
		cJSON_free(text);
	}
	cJSON_Delete(document);
	return again;
}

static int
find_key(struct walk *walk, const struct bf_seal_place *place, cJSON *item,
    const char *sealed)
{
	char key[BF_KEY_ID + 1];

	(void)place;
	(void)item;
	if (bf_seal_key(sealed, key))
		walk->found(walk->context, key);
	return 0;
}

void
bf_api_channel_keys(const char *value,
    void (*found)(void *context, const char *key), void *context)
{
	struct walk walk = { .each = find_key,
		.found = found,
		.context = context };
	cJSON *document = cJSON_Parse(value);

	walk_value(&walk, document, "", "");
	cJSON_Delete(document);
}
