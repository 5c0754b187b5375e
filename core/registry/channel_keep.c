/*
 * channel_keep.c - the secrets of a channel that is changed
 *
 * Secrets are never shown, so whoever changes a channel can't give them back:
 * what is left out stays. But not if the channel is sent elsewhere: whoever may
 * change a channel would learn its secrets by pointing it at a host of theirs,
 * or at a port of a host on which they may listen, too.
 */
#include <string.h>
#include <strings.h>

#include "core/registry/channel_draft.h"

bool
bf_channel_same_pair(const char *directive, const char *name, const char *other)
{
	return strcmp(directive, "header") == 0 ? strcasecmp(name, other) == 0
						: strcmp(name, other) == 0;
}

/* Whether a directive says where the channel connects to. */
static bool
names_a_place(const struct bf_directive *directive)
{
	return directive->type == BF_TYPE_URL ||
	       strcmp(directive->name, "host") == 0 ||
	       (directive->type == BF_TYPE_INTEGER &&
		   strcmp(directive->name, "port") == 0);
}

/* The name that tells pairs of one directive apart; NULL if it has none. */
static const char *
pair_name(const struct bf_directive *directive, const struct bf_strings *words)
{
	return directive->type == BF_TYPE_PAIRS && words->count > 0
		   ? words->items[0]
		   : NULL;
}

static const struct bf_draft_node *
find_node(const struct bf_draft *draft, const char *name, const char *pair)
{
	const struct bf_draft_node *node = draft->settings.first;

	for (; node; node = node->next) {
		if (strcmp(node->node.name, name) == 0 &&
		    (!pair || strcmp(node->node.words.items[0], pair) == 0))
			return node;
	}
	return NULL;
}

/* Whether JSON has a member for it, be it null. */
static bool
is_given(const struct bf_draft *draft, const char *name, const char *pair)
{
	const cJSON *given =
	    cJSON_GetObjectItemCaseSensitive(draft->given, name);
	const cJSON *item;

	if (!pair || cJSON_IsNull(given))
		return given != NULL;
	cJSON_ArrayForEach(item, given)
	{
		const char *first = cJSON_IsObject(given)
					? item->string
					: cJSON_GetStringValue(item->child);

		if (first && bf_channel_same_pair(name, first, pair))
			return true;
	}
	return false;
}

static void
keep(struct bf_draft *draft, const struct bf_setting *setting)
{
	struct bf_draft_node *node =
	    bf_draft_add(&draft->settings, "/settings", setting->name);

	node->secret = true;
	for (size_t i = 0; i < setting->words.count; i++)
		bf_strings_add(&node->node.words, setting->words.items[i]);
}

/* Goes over the saved secrets that were left out: those that name a place, or
 * the others. With place set (it changed), they are missed instead of kept. */
static int
keep_those(struct bf_draft *draft, const struct bf_channel *saved, bool places,
    const char *changed)
{
	for (size_t i = 0; i < saved->setting_count; i++) {
		const struct bf_setting *setting = &saved->settings[i];
		const struct bf_directive *directive =
		    bf_settings_find(draft->table, setting->name);
		const char *pair;

		if (!directive || !setting->secret ||
		    names_a_place(directive) != places)
			continue;
		pair = pair_name(directive, &setting->words);
		if (is_given(draft, setting->name, pair))
			continue;
		if (changed)
			return bf_draft_refuse(draft, "/settings",
			    setting->name,
			    "%s: left out, and %s is another one now; expected "
			    "the secret anew, or null for none",
			    setting->name, changed);
		keep(draft, setting);
	}
	return 0;
}

static bool
same_words(const struct bf_strings *a, const struct bf_strings *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = strcmp(a->items[i], b->items[i]) == 0;
	return same;
}

static const struct bf_setting *
find_setting(const struct bf_channel *channel, const char *name)
{
	for (size_t i = 0; i < channel->setting_count; i++) {
		if (strcmp(channel->settings[i].name, name) == 0)
			return &channel->settings[i];
	}
	return NULL;
}

/* The directive by which the channel goes to another place now, or NULL. */
static const char *
changed_place(const struct bf_draft *draft, const struct bf_channel *saved)
{
	const struct bf_directive *directive = draft->table;

	for (; directive->type != BF_TYPE_NONE; directive++) {
		const struct bf_draft_node *now;
		const struct bf_setting *was;

		if (!names_a_place(directive))
			continue;
		now = find_node(draft, directive->name, NULL);
		was = find_setting(saved, directive->name);
		if (!now != !was ||
		    (now && !same_words(&now->node.words, &was->words)))
			return directive->name;
	}
	return NULL;
}

/* Gives a node the saved secret that it names. */
static int
take_saved(struct bf_draft *draft, const struct bf_channel *saved,
    struct bf_draft_node *node)
{
	const struct bf_directive *directive =
	    bf_settings_find(draft->table, node->node.name);
	const struct bf_setting *setting =
	    saved ? find_setting(saved, node->saved) : NULL;
	const char *changed = saved ? changed_place(draft, saved) : NULL;

	if (!directive)
		return 0; /* until they are applied */
	if (directive->type != BF_TYPE_SECRET)
		return bf_draft_refuse(draft, "/settings", node->node.name,
		    "%s: no secret; expected the value itself",
		    node->node.name);
	if (!setting || !setting->secret || setting->words.count != 1)
		return bf_draft_refuse(draft, "/settings", node->node.name,
		    "%s: no secret \"%.64s\" is saved; expected the name of "
		    "one, or the secret itself",
		    node->node.name, node->saved);
	if (changed)
		return bf_draft_refuse(draft, "/settings", node->node.name,
		    "%s: %s is another one now; expected the secret itself",
		    node->node.name, changed);
	bf_strings_add(&node->node.words, setting->words.items[0]);
	return 0;
}

int
bf_draft_keep(struct bf_draft *draft, const struct bf_channel *saved)
{
	struct bf_draft_node *node = draft->settings.first;

	for (; node; node = node->next) {
		if (node->saved && take_saved(draft, saved, node) == -1)
			return -1;
	}
	if (!saved)
		return 0;
	if (keep_those(draft, saved, true, NULL) == -1)
		return -1;
	return keep_those(draft, saved, false, changed_place(draft, saved));
}
