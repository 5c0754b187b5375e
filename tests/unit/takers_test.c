/*
 * takers_test.c - lists of the channels that take a type: that they give what a
 * look at every channel gives, whatever comes, goes and changes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/filter/route.h"
#include "tests/unit/load_fixture.h"

#define SEEDS 24
#define STEPS 1500
#define NAMES 160 /* of channels over the API */

/* An event list is made of these: names, patterns, categories. */
static const char *const words[] = { "deploy_started", "deploy_succeeded",
	"deploy_failed", "security_ip_conflict", "incident_created",
	"incident_updated", "incident_resolved", "scheduled_op_failed",
	"monitoring_uptime_down", "monitoring_dns_changed", "backup_failed",
	"channel_failing", "deploy_*", "*_failed", "incident_*", "*_op_*d",
	"category:monitoring", "category:backups", "category:belfry", "*" };
#define WORDS (sizeof(words) / sizeof(*words))

struct world {
	struct bf_registry *registry;
	unsigned seed;
	unsigned busy;   /* per cent of the channels that take everything */
	size_t narrowed; /* how often fewer than all were looked at */
	size_t routed;   /* deliveries */
};

static unsigned
draw(struct world *world, unsigned below)
{
	/* Source: the generator of POSIX's example for rand(). */
	world->seed = world->seed * 1103515245u + 12345u;
	return world->seed / 65536u % 32768u % below;
}

static void
draw_events(struct world *world, struct bf_strings *events)
{
	const unsigned count =
	    draw(world, 100) < world->busy ? 0 : 1 + draw(world, 2);

	for (unsigned i = 0; i < count; i++)
		bf_strings_add(events, words[draw(world, WORDS)]);
}

static struct bf_channel *
draw_channel(struct world *world, const char *name)
{
	struct bf_channel *channel = bf_new(struct bf_channel);

	channel->tenant = bf_strdup("d");
	channel->name = bf_strdup(name);
	channel->module = bf_strdup(draw(world, 8) ? "post" : "hook");
	channel->policy.enabled = draw(world, 16) > 0;
	draw_events(world, &channel->policy.events);
	return channel;
}

/* Reads one that was unread. */
static void
open_channel(void *context, struct bf_registry *registry, const char *tenant,
    const char *name, const char *value)
{
	(void)tenant;
	(void)value;
	assert_non_null(bf_registry_put(registry, draw_channel(context, name),
	    1, bf_strdup("{}"), NULL));
}

/* A conf file with some channels, and some over the API that are unread. */
static void
begin(struct world *world)
{
	const unsigned of_conf = draw(world, 60), unread = draw(world, 60);
	struct bf_buf text = { 0 };
	char name[16];

	bf_buf_add_format(&text,
	    "default_tenant d;\n"
	    "events { event backup_failed { category backups; } }\n");
	for (unsigned i = 0; i < of_conf; i++) {
		struct bf_strings events = { 0 };

		draw_events(world, &events);
		bf_buf_add_format(&text, "channel post conf%u { ", i);
		for (size_t k = 0; k < events.count; k++)
			bf_buf_add_format(&text, "%s%s%s", k ? " " : "events ",
			    events.items[k], k + 1 == events.count ? "; " : "");
		bf_buf_add_format(&text, "}\n");
		bf_strings_free(&events);
	}
	world->registry = bf_registry_new(load_good(bf_buf_text(&text)), "d");
	bf_buf_free(&text);
	bf_registry_open_with(world->registry, open_channel, world);
	for (unsigned i = 0; i < unread; i++) {
		snprintf(name, sizeof(name), "api%u", draw(world, NAMES));
		if (!bf_registry_has_number(world->registry, 1000 + i))
			bf_registry_put_unread(world->registry, "d", name,
			    1000 + i, "");
	}
}

static const struct bf_event_type *
draw_type(struct world *world)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(world->registry);

	return &snapshot->types[draw(world, (unsigned)snapshot->type_count)];
}

/* One of all that can happen to what events are routed by. */
static void
change_something(struct world *world)
{
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(world->registry);
	struct bf_channel_state *state;
	char name[16];

	snprintf(name, sizeof(name), "api%u", draw(world, NAMES));
	state = bf_registry_channel(world->registry, "d", name);
	switch (draw(world, 8)) {
	case 0:
		bf_registry_set_toggle(world->registry, "d", draw_type(world),
		    (int)draw(world, 3) - 1);
		return;
	case 1:
		bf_registry_set_module(world->registry, "d",
		    &snapshot->modules[draw(world,
			(unsigned)snapshot->module_count)],
		    (int)draw(world, 3) - 1);
		return;
	case 2:
		if (state)
			state->disabled = !state->disabled;
		return;
	case 3:
	case 4:
		if (state)
			bf_registry_remove(world->registry, state);
		return;
	default:
		bf_registry_put(world->registry, draw_channel(world, name), 1,
		    bf_strdup("{}"), NULL);
	}
}

/* A look at every channel. */
static void
note_accepted(void *context, const struct bf_decision *decision)
{
	const struct bf_channel_state **next =
	    *(const struct bf_channel_state ***)context;

	if (decision->rule != BF_RULE_ACCEPTED)
		return;
	*next = decision->channel;
	(*(const struct bf_channel_state ***)context)++;
}

static void
route_both_ways(struct world *world)
{
	const struct bf_event_type *type = draw_type(world);
	struct bf_route listed = { 0 }, walked = { 0 };
	const struct bf_channel_state *accepted[1000], **end = accepted;
	const struct bf_channel_state *const *first = accepted;
	size_t all, some;

	bf_route_event(world->registry, "d", type, NULL, &listed, NULL, NULL);
	bf_route_event(world->registry, "d", type, NULL, &walked, note_accepted,
	    &end);
	assert_int_equal(listed.count, end - accepted);
	for (size_t i = 0; i < listed.count; i++)
		assert_ptr_equal(listed.channels[i], first[i]);
	assert_string_equal(listed.reason, walked.reason);
	world->routed += listed.count;
	bf_registry_channels(world->registry, "d", &all);
	bf_registry_channels_for(world->registry, "d", type, &some);
	world->narrowed += some < all;
	bf_route_free(&listed);
	bf_route_free(&walked);
}

static void
lists_route_as_a_look_at_every_channel_does(void **state)
{
	struct world world = { 0 };

	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		world.seed = seed;
		begin(&world);
		for (unsigned step = 0; step < STEPS; step++) {
			/* Types that few take become such that many do, and
			 * the other way round. */
			if (step % 300 == 0)
				world.busy = draw(&world, 4) * 10;
			if (draw(&world, 3) == 0)
				change_something(&world);
			route_both_ways(&world);
		}
		bf_registry_free(&world.registry);
	}
	/* Both ways of looking were taken, and there was something to find. */
	assert_in_range(world.narrowed, SEEDS * STEPS / 4,
	    SEEDS * STEPS * 3 / 4);
	assert_true(world.routed > SEEDS * STEPS);
}

static size_t
looked_at(struct bf_registry *registry, const char *type)
{
	size_t count;

	bf_registry_channels_for(registry, "d",
	    bf_registry_type(registry, type), &count);
	return count;
}

static void
put(struct bf_registry *registry, const char *name, const char *events)
{
	struct bf_channel *channel = bf_new(struct bf_channel);

	channel->tenant = bf_strdup("d");
	channel->name = bf_strdup(name);
	channel->module = bf_strdup("post");
	channel->policy.enabled = true;
	bf_strings_add(&channel->policy.events, events);
	assert_non_null(
	    bf_registry_put(registry, channel, 1, bf_strdup("{}"), NULL));
}

static void
only_those_that_take_the_type_are_looked_at_where_they_are_few(void **state)
{
	struct bf_registry *registry =
	    bf_registry_new(load_good("default_tenant d;"), "d");
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		put(registry, name, i < 3 ? "deploy_*" : "incident_created");
	}
	assert_int_equal(looked_at(registry, "deploy_failed"), 3);
	assert_int_equal(looked_at(registry, "incident_updated"), 0);
	assert_int_equal(looked_at(registry, "incident_created"), 100);
	put(registry, "c3", "deploy_failed");
	put(registry, "c99", "category:incident");
	assert_int_equal(looked_at(registry, "deploy_failed"), 4);
	assert_int_equal(looked_at(registry, "incident_updated"), 1);
	bf_registry_remove(registry, bf_registry_channel(registry, "d", "c3"));
	assert_int_equal(looked_at(registry, "deploy_failed"), 3);
	/* More than a quarter: there is no list any more. */
	for (unsigned i = 4; i < 30; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		put(registry, name, "deploy_failed");
	}
	assert_int_equal(looked_at(registry, "deploy_failed"), 99);
	/* Few again; there is one when as much has changed. */
	for (unsigned i = 4; i < 30; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		put(registry, name, "incident_updated");
	}
	assert_int_equal(looked_at(registry, "deploy_failed"), 3);
	bf_registry_free(&registry);
}

static void
note_reading(void *context, struct bf_registry *registry, const char *tenant,
    const char *name, const char *value)
{
	(void)registry;
	(void)tenant;
	(void)name;
	(void)value;
	++*(unsigned *)context;
}

static void
a_type_that_is_off_reads_no_channels(void **state)
{
	struct bf_registry *registry =
	    bf_registry_new(load_good("default_tenant d;"), "d");
	struct bf_route route = { 0 };
	unsigned readings = 0;

	(void)state;
	bf_registry_open_with(registry, note_reading, &readings);
	assert_int_equal(bf_registry_put_unread(registry, "d", "c", 11, ""), 0);
	bf_route_event(registry, "d",
	    bf_registry_type(registry, "deploy_started"), NULL, &route, NULL,
	    NULL);
	assert_int_equal(route.count, 0);
	assert_non_null(strstr(route.reason, "deploy_started is off"));
	assert_int_equal(readings, 0);
	bf_route_event(registry, "d",
	    bf_registry_type(registry, "deploy_failed"), NULL, &route, NULL,
	    NULL);
	assert_int_equal(readings, 1);
	bf_route_free(&route);
	bf_registry_free(&registry);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_type_that_is_off_reads_no_channels),
		cmocka_unit_test(lists_route_as_a_look_at_every_channel_does),
		cmocka_unit_test(
		    only_those_that_take_the_type_are_looked_at_where_they_are_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
