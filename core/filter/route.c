/*
 * route.c - which channels get an event
 *
 * The rules are tried in the order of enum bf_rule; the first that says no
 * decides. Sentences are made only where somebody reads them: by explain, or
 * when no channel gets the event.
 */
#include "core/filter/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

/* What every channel is judged by. */
struct question {
	const struct bf_registry *registry;
	const struct bf_event_type *type;
	const char *about;
	struct bf_toggle_state toggle;
};

static const char *const rule_names[] = {
	[BF_RULE_ACCEPTED] = "accepted",
	[BF_RULE_TOGGLE_OFF] = "toggle_off",
	[BF_RULE_MODULE_DISABLED] = "module_disabled",
	[BF_RULE_CHANNEL_DISABLED] = "channel_disabled",
	[BF_RULE_NOT_LISTED] = "not_listed",
	[BF_RULE_ABOUT_ITSELF] = "about_itself",
};

const char *
bf_rule_name(enum bf_rule rule)
{
	return rule_names[rule];
}

static bool
module_disabled(const struct bf_registry *registry,
    const struct bf_channel *channel)
{
	const struct bf_module_info *module =
	    bf_snapshot_module(bf_registry_snapshot(registry), channel->module);

	return !module ||
	       !bf_registry_module_toggle(registry, channel->tenant, module)
		    .enabled;
}

static enum bf_rule
decide(const struct question *question, const struct bf_channel_state *state)
{
	const struct bf_channel *channel = state->channel;

	if (!question->toggle.enabled)
		return BF_RULE_TOGGLE_OFF;
	if (module_disabled(question->registry, channel))
		return BF_RULE_MODULE_DISABLED;
	if (!channel->policy.enabled || state->disabled)
		return BF_RULE_CHANNEL_DISABLED;
	if (!bf_patterns_match(&channel->policy.events, question->type))
		return BF_RULE_NOT_LISTED;
	if (question->about && strcmp(question->about, channel->name) == 0)
		return BF_RULE_ABOUT_ITSELF;
	return BF_RULE_ACCEPTED;
}

/* ---- sentences ---- */

#define REASON_SIZE sizeof(((struct bf_decision *)0)->reason)

typedef void explain_rule(const struct question *question,
    const struct bf_channel_state *state, char *text);

static void
explain_toggle(const struct question *question,
    const struct bf_channel_state *state, char *text)
{
	const struct bf_toggle_state *toggle = &question->toggle;
	const char *name = question->type->name;

	(void)state;
	switch (toggle->source) {
	case BF_TOGGLE_CONF:
		snprintf(text, REASON_SIZE,
		    "event type %.64s is off: switched off in %s:%u", name,
		    toggle->file, toggle->line);
		return;
	case BF_TOGGLE_API:
		snprintf(text, REASON_SIZE,
		    "event type %.64s is off: switched off over the API", name);
		return;
	case BF_TOGGLE_DEFAULT:
		snprintf(text, REASON_SIZE,
		    "event type %.64s is off: that is its default", name);
	}
}

static void
explain_module(const struct question *question,
    const struct bf_channel_state *state, char *text)
{
	const struct bf_module_info *module =
	    bf_snapshot_module(bf_registry_snapshot(question->registry),
		state->channel->module);
	const char *name = state->channel->module;

	if (!module)
		snprintf(text, REASON_SIZE,
		    "module %.64s is not loaded: what waits for it is kept",
		    name);
	else if (module->disabled)
		snprintf(text, REASON_SIZE,
		    "module %.64s is disabled: \"disable\" in %s:%u", name,
		    module->file, module->line);
	else
		snprintf(text, REASON_SIZE,
		    "module %.64s was switched off over the API, with all its "
		    "channels",
		    name);
}

static void
explain_disabled(const struct question *question,
    const struct bf_channel_state *state, char *text)
{
	const struct bf_channel *channel = state->channel;

	(void)question;
	if (channel->policy.enabled || !channel->file)
		snprintf(text, REASON_SIZE,
		    "the channel was disabled over the API");
	else
		snprintf(text, REASON_SIZE,
		    "the channel is disabled: \"enabled off\" in its block in "
		    "%s:%u",
		    channel->file, channel->line);
}

static void
explain_not_listed(const struct question *question,
    const struct bf_channel_state *state, char *text)
{
	const struct bf_channel *channel = state->channel;
	const int size = snprintf(text, REASON_SIZE,
	    "the channel's event list does not match %.64s",
	    question->type->name);

	/* That of one made over the API is shown with it. */
	if (channel->file)
		snprintf(text + size, REASON_SIZE - (size_t)size,
		    ": see \"events\" in its block in %s:%u", channel->file,
		    channel->line);
}

static void
explain_itself(const struct question *question,
    const struct bf_channel_state *state, char *text)
{
	(void)question;
	(void)state;
	snprintf(text, REASON_SIZE,
	    "the event is about this channel, and goes to the others only");
}

static void
explain_accepted(const struct question *question,
    const struct bf_channel_state *state, char *text)
{
	const struct bf_strings *events = &state->channel->policy.events;

	for (size_t i = 0; i < events->count; i++) {
		if (!bf_pattern_matches(events->items[i], question->type))
			continue;
		snprintf(text, REASON_SIZE,
		    "\"%.64s\" in the channel's event list matches",
		    events->items[i]);
		return;
	}
	snprintf(text, REASON_SIZE,
	    "the channel has no event list: it gets every type");
}

static explain_rule *const explain[] = {
	[BF_RULE_ACCEPTED] = explain_accepted,
	[BF_RULE_TOGGLE_OFF] = explain_toggle,
	[BF_RULE_MODULE_DISABLED] = explain_module,
	[BF_RULE_CHANNEL_DISABLED] = explain_disabled,
	[BF_RULE_NOT_LISTED] = explain_not_listed,
	[BF_RULE_ABOUT_ITSELF] = explain_itself,
};

static void
record(const struct question *question, const struct bf_channel_state *state,
    enum bf_rule rule, bf_route_recorder *recorder, void *context)
{
	struct bf_decision decision = { .channel = state, .rule = rule };

	explain[rule](question, state, decision.reason);
	recorder(context, &decision);
}

/* Those that would get the event if they were not off. */
struct off {
	size_t count;
	const struct bf_channel_state *one;
	enum bf_rule rule; /* of that one */
};

static struct off
find_off(const struct question *question,
    struct bf_channel_state *const *channels, size_t count)
{
	struct off off = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct bf_channel_state *state = channels[i];
		const enum bf_rule rule = decide(question, state);

		if ((rule == BF_RULE_MODULE_DISABLED ||
			rule == BF_RULE_CHANNEL_DISABLED) &&
		    bf_patterns_match(&state->channel->policy.events,
			question->type))
			off = (struct off){ off.count + 1, state, rule };
	}
	return off;
}

static void
explain_off(const struct question *question, const struct off *off,
    struct bf_route *route)
{
	const char *type = question->type->name;
	const struct bf_channel *one = off->one->channel;

	if (off->count > 1)
		snprintf(route->reason, REASON_SIZE,
		    "the %zu channels that want %.64s are disabled", off->count,
		    type);
	else if (off->rule == BF_RULE_MODULE_DISABLED)
		snprintf(route->reason, REASON_SIZE,
		    "only channel %.64s wants %.64s, and its module %.64s is "
		    "off",
		    one->name, type, one->module);
	else
		snprintf(route->reason, REASON_SIZE,
		    "only channel %.64s wants %.64s, and it is disabled",
		    one->name, type);
}

static void
explain_no_channels(const struct bf_registry *registry, const char *tenant,
    struct bf_route *route)
{
	if (strcmp(tenant, bf_registry_default_tenant(registry)) == 0)
		snprintf(route->reason, REASON_SIZE,
		    "the default tenant has no channels");
	else
		snprintf(route->reason, REASON_SIZE,
		    bf_registry_knows_tenant(registry, tenant)
			? "tenant %.64s has no channels"
			: "tenant %.64s is unknown, and has no channels",
		    tenant);
}

/* Says why none of the channels that were judged gets the event. */
static void
explain_none(const struct question *question, const char *tenant,
    struct bf_channel_state *const *judged, size_t count,
    struct bf_route *route)
{
	struct off off;
	size_t channels;

	if (!question->toggle.enabled) {
		explain_toggle(question, NULL, route->reason);
		return;
	}
	bf_registry_channels(question->registry, tenant, &channels);
	off = find_off(question, judged, count);
	if (channels == 0)
		explain_no_channels(question->registry, tenant, route);
	else if (off.count > 0)
		explain_off(question, &off, route);
	else
		snprintf(route->reason, REASON_SIZE,
		    "no channel of the tenant wants %.64s",
		    question->type->name);
}

/* ---- the route ---- */

/* The channels that need to be judged: all, for who wants to know of each; else
 * those that can get the event. */
static struct bf_channel_state *const *
candidates(const struct question *question, const char *tenant, bool all,
    size_t *count)
{
	if (all)
		return bf_registry_channels(question->registry, tenant, count);
	if (question->toggle.enabled)
		return bf_registry_channels_for(question->registry, tenant,
		    question->type, count);
	*count = 0;
	return NULL;
}

static void
add(struct bf_route *route, struct bf_channel_state *state)
{
	if (route->count == route->capacity) {
		route->capacity = route->capacity ? route->capacity * 2 : 8;
		route->channels = bf_resize(route->channels, route->capacity,
		    sizeof(*route->channels));
	}
	route->channels[route->count++] = state;
}

void
bf_route_event(const struct bf_registry *registry, const char *tenant,
    const struct bf_event_type *type, const char *about, struct bf_route *route,
    bf_route_recorder *recorder, void *context)
{
	const struct question question = {
		.registry = registry,
		.type = type,
		.about = about,
		.toggle = bf_registry_toggle(registry, tenant, type),
	};
	struct bf_channel_state *const *channels;
	enum bf_rule rule;
	size_t count;

	route->count = 0;
	route->reason[0] = '\0';
	channels = candidates(&question, tenant, recorder != NULL, &count);
	for (size_t i = 0; i < count; i++) {
		rule = decide(&question, channels[i]);
		if (rule == BF_RULE_ACCEPTED)
			add(route, channels[i]);
		if (recorder)
			record(&question, channels[i], rule, recorder, context);
	}
	if (route->count == 0)
		explain_none(&question, tenant, channels, count, route);
}

void
bf_route_free(struct bf_route *route)
{
	free(route->channels);
	*route = (struct bf_route){ 0 };
}
