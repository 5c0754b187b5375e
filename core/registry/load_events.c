/*
 * load_events.c - the block events: types of your own, and toggles
 *
 * Types are read before toggles, so that a toggle may stand above its type.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/builtin.h"
#include "core/registry/load_private.h"

/* ---- types ---- */

static int
compare_types(const void *a, const void *b)
{
	const struct bf_event_type *first = a;
	const struct bf_event_type *second = b;

	return strcmp(first->name, second->name);
}

static void
sort_types(struct bf_snapshot *snapshot)
{
	qsort(snapshot->types, snapshot->type_count, sizeof(snapshot->types[0]),
	    compare_types);
}

static struct bf_event_type *
add_type(struct bf_snapshot *snapshot)
{
	snapshot->types = bf_grow(snapshot->types, snapshot->type_count,
	    sizeof(snapshot->types[0]));
	return &snapshot->types[snapshot->type_count++];
}

void
bf_add_builtin_types(struct bf_snapshot *snapshot)
{
	for (size_t i = 0; i < bf_builtin_type_count; i++) {
		const struct bf_builtin_type *from = &bf_builtin_types[i];
		struct bf_event_type *type = add_type(snapshot);

		type->name = bf_strdup(from->name);
		type->category = bf_strdup(from->category);
		type->severity = from->severity;
		type->enabled = from->enabled;
		type->builtin = true;
		type->description = bf_strdup(from->description);
		for (size_t j = 0; from->metadata[j]; j++)
			bf_strings_add(&type->metadata, from->metadata[j]);
	}
	sort_types(snapshot);
}

struct event_settings {
	char *category;
	struct bf_choice severity;
	bool enabled;
	char *description;
	struct bf_pairs metadata;
};

/* In the order of enum bf_severity. */
static const char *const severities[] = { "info", "success", "warning", "error",
	"critical", NULL };

static const struct bf_directive event_table[] = {
	{ BF_FIELD(event_settings, category), .required = true,
	    .help = "What the type is about; channels may ask for a whole "
		    "category" },
	{ BF_FIELD(event_settings, severity), .fallback = "info",
	    .choices = severities, .help = "How urgent the type is" },
	{ BF_FIELD_AS("default", event_settings, enabled), .fallback = "on",
	    .help = "The state of its toggle where nobody sets it" },
	{ BF_FIELD(event_settings, description),
	    .help = "One line: what has happened" },
	{ BF_FIELD(event_settings, metadata),
	    .help = "A usual metadata key and what it holds; never enforced" },
	{ 0 },
};

const struct bf_context bf_context_event = { "event", "event NAME", event_table,
	NULL };

static void
fill_type(struct bf_event_type *type, const struct event_settings *settings,
    const struct bf_conf_node *node)
{
	char *text;

	type->name = bf_strdup(node->words.items[0]);
	type->category = bf_strdup(settings->category);
	type->severity = (enum bf_severity)settings->severity.index;
	type->enabled = settings->enabled;
	type->description = bf_strdup(settings->description);
	for (size_t i = 0; i < settings->metadata.count; i++) {
		text = bf_strf("%s  %s", settings->metadata.items[i].name,
		    settings->metadata.items[i].value);
		bf_strings_add(&type->metadata, text);
		free(text);
	}
	type->file = bf_strdup(node->file);
	type->line = node->line;
}

static int
check_type_name(struct bf_loading *loading, const struct bf_conf_node *node)
{
	const char *name = node->words.items[0];
	const struct bf_event_type *known =
	    bf_snapshot_type(loading->snapshot, name);

	if (bf_name_check(loading, node, BF_NAMING_TYPE, name) == -1)
		return -1;
	if (known && known->builtin)
		return bf_conf_error(node, loading->err,
		    "event: \"%s\" is built in; expected another name", name);
	if (strcmp(name, "event") == 0)
		return bf_conf_error(node, loading->err,
		    "event: \"event\" is the name of the directive; expected "
		    "another name");
	return bf_define(loading, node, "event type", NULL, name);
}

static int
read_event(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct event_settings settings = { 0 };
	int result = check_type_name(loading, node);

	(void)special;
	if (result == 0)
		result = bf_context_read(loading, &bf_context_event, node,
		    &settings, NULL);
	if (result == 0)
		result = bf_name_check(loading, node, BF_NAMING_TYPE,
		    settings.category);
	if (result == 0)
		fill_type(add_type(target), &settings, node);
	bf_settings_clear(event_table, &settings);
	return result;
}

/* ---- toggles ---- */

static int
unknown_type(struct bf_loading *loading, const struct bf_conf_node *node)
{
	const struct bf_snapshot *snapshot = loading->snapshot;
	const char **names =
	    bf_zalloc(snapshot->type_count + 1, sizeof(*names));
	const char *nearest;

	for (size_t i = 0; i < snapshot->type_count; i++)
		names[i] = snapshot->types[i].name;
	nearest = bf_nearest(node->name, names, snapshot->type_count);
	bf_conf_error(node, loading->err, "unknown event type \"%.64s\"%s%s%s",
	    node->name, nearest ? "; did you mean \"" : "",
	    nearest ? nearest
		    : "; expected a built-in one or one registered with "
		      "\"event\"",
	    nearest ? "\"?" : "");
	free(names);
	return -1;
}

static int
read_toggle(struct bf_loading *loading, const struct bf_conf_node *node,
    struct bf_tenant *tenant)
{
	static const struct bf_shape shape = { 1, 1, "on or off", false };
	struct bf_toggle *toggle;
	struct bf_error cause;
	bool enabled;

	if (!bf_snapshot_type(loading->snapshot, node->name))
		return unknown_type(loading, node);
	if (bf_settings_shape(&shape, node, NULL, NULL, loading->err) == -1 ||
	    bf_define(loading, node, "toggle", tenant->id, node->name) == -1)
		return -1;
	if (bf_flag_parse(node->words.items[0], &enabled, &cause) == -1)
		return bf_conf_error(node, loading->err, "%s: %s", node->name,
		    cause.text);
	tenant->toggles =
	    bf_grow(tenant->toggles, tenant->toggle_count, sizeof(*toggle));
	toggle = &tenant->toggles[tenant->toggle_count++];
	toggle->type = bf_strdup(node->name);
	toggle->enabled = enabled;
	toggle->file = bf_strdup(node->file);
	toggle->line = node->line;
	return 0;
}

int
bf_load_toggles(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	(void)special;
	for (const struct bf_conf_node *toggle = node->block; toggle;
	     toggle = toggle->next) {
		if (strcmp(toggle->name, "event") == 0 && toggle->has_block)
			return bf_conf_error(toggle, loading->err,
			    "event: not in a tenant; expected it in the block "
			    "events of the main context");
		if (read_toggle(loading, toggle, target) == -1)
			return -1;
	}
	return 0;
}

/* ---- the block ---- */

static int
read_nothing(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	(void)loading;
	(void)special;
	(void)node;
	(void)target;
	return 0;
}

static const struct bf_special specials[] = {
	{ "event", "NAME", 1, 1, true, true, NULL,
	    "Registers an event type of your own", 0, read_event },
	/* Stands for the name of every event type. */
	{ "TYPE", "on | off", 1, 1, false, true, NULL,
	    "The toggle of an event type: one that is off is sent to no "
	    "channel",
	    0, read_nothing },
	{ 0 },
};

const struct bf_context bf_context_events = { "events", "events", NULL,
	specials };

int
bf_load_events(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	static const struct bf_shape shape = { 1, 1, "NAME", true };
	struct bf_snapshot *snapshot = target;

	(void)special;
	for (const struct bf_conf_node *event = node->block; event;
	     event = event->next) {
		if (strcmp(event->name, "event") != 0)
			continue;
		if (bf_settings_shape(&shape, event, NULL, NULL,
			loading->err) == -1 ||
		    read_event(loading, NULL, event, snapshot) == -1)
			return -1;
	}
	sort_types(snapshot);
	for (const struct bf_conf_node *toggle = node->block; toggle;
	     toggle = toggle->next) {
		if (strcmp(toggle->name, "event") != 0 &&
		    read_toggle(loading, toggle, &snapshot->tenants[0]) == -1)
			return -1;
	}
	return 0;
}
