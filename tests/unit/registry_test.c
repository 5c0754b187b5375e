/*
 * registry_test.c - lookups, toggles and states over a snapshot; patterns
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/pattern.h"
#include "core/registry/registry.h"
#include "tests/unit/load_fixture.h"

static struct bf_registry *
registry_of(const char *text)
{
	return bf_registry_new(load_good(text), "made-at-first-start");
}

static void
what_has_no_tenant_belongs_to_the_default_one(void **state)
{
	struct bf_registry *r = registry_of("channel post a { }");
	size_t count;

	(void)state;
	assert_string_equal(bf_registry_default_tenant(r),
	    "made-at-first-start");
	assert_non_null(bf_registry_channel(r, "made-at-first-start", "a"));
	assert_string_equal(bf_registry_channels(r, "made-at-first-start",
				&count)[0]
				->channel->tenant,
	    "made-at-first-start");
	assert_int_equal(count, 1);
	bf_registry_free(&r);
	assert_null(r);
	r = registry_of("default_tenant acme; channel post a { }");
	assert_string_equal(bf_registry_default_tenant(r), "acme");
	assert_non_null(bf_registry_channel(r, "acme", "a"));
	assert_null(bf_registry_channel(r, "made-at-first-start", "a"));
	bf_registry_free(&r);
}

static void
channels_are_found_by_tenant_name_and_number(void **state)
{
	struct bf_registry *r = registry_of("default_tenant d;\n"
					    "channel post b { }\n"
					    "channel post a { }\n"
					    "tenant t { channel post a { } }");
	struct bf_channel_state *a = bf_registry_channel(r, "d", "a");
	char name[200];
	size_t count;

	(void)state;
	assert_ptr_not_equal(a, bf_registry_channel(r, "t", "a"));
	assert_string_equal(bf_registry_channels(r, "d", &count)[0]
				->channel->name,
	    "b");
	assert_int_equal(count, 2);
	count = 0;
	for (a = bf_registry_next_channel(r, NULL); a;
	     a = bf_registry_next_channel(r, a))
		count++;
	assert_int_equal(count, 3);
	a = bf_registry_channel(r, "d", "a");
	assert_null(bf_registry_channels(r, "nobody", &count));
	assert_int_equal(count, 0);
	assert_null(bf_registry_channel(r, "t", "b"));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_null(bf_registry_channel(r, "t", name));
	assert_null(bf_registry_channel_numbered(r, 0));
	bf_registry_number(r, a, 7);
	assert_int_equal(a->channel->number, 7);
	assert_ptr_equal(bf_registry_channel_numbered(r, 7), a);
	bf_registry_number(r, a, 8);
	assert_null(bf_registry_channel_numbered(r, 7));
	assert_ptr_equal(bf_registry_channel_numbered(r, 8), a);
	bf_registry_free(&r);
}

/* The names of a page, from above a place on. */
static char *
page_of(struct bf_registry *r, const char *of, const char *tenant,
    const char *name, size_t limit)
{
	const struct bf_channel_state *states[8];
	const size_t count = bf_registry_channels_above(r, of,
	    (struct bf_channel_place){ tenant, name }, states, limit);
	char *text = bf_strdup("");

	for (size_t i = 0; i < count; i++) {
		char *more = bf_strf("%s%s/%s ", text,
		    states[i]->channel->tenant, states[i]->channel->name);

		free(text);
		text = more;
	}
	return text;
}

static void
assert_page(struct bf_registry *r, const char *of, const char *tenant,
    const char *name, size_t limit, const char *expected)
{
	char *text = page_of(r, of, tenant, name, limit);

	assert_string_equal(text, expected);
	free(text);
}

static void
channels_are_listed_in_order_of_tenant_and_name(void **state)
{
	struct bf_registry *r =
	    registry_of("default_tenant m;\n"
			"tenant t { channel post b { } channel post a { } }\n"
			"tenant a { channel post z { } }\n"
			"channel post k { }");

	(void)state;
	assert_page(r, NULL, NULL, NULL, 8, "a/z m/k t/a t/b ");
	assert_page(r, NULL, NULL, NULL, 2, "a/z m/k ");
	assert_page(r, NULL, "m", "k", 8, "t/a t/b ");
	assert_page(r, NULL, "m", "a", 1, "m/k ");
	assert_page(r, NULL, "s", "", 8, "t/a t/b ");
	assert_page(r, NULL, "t", "b", 8, "");
	assert_page(r, "t", NULL, NULL, 1, "t/a ");
	assert_page(r, "t", "t", "a", 8, "t/b ");
	assert_page(r, "t", "a", "z", 8, "t/a t/b ");
	assert_page(r, "t", "u", "a", 8, "");
	assert_page(r, "nobody", NULL, NULL, 8, "");
	/* The order of the file, in which events are routed, is as it was. */
	assert_string_equal(bf_registry_channels(r, "t", &(size_t){ 0 })[0]
				->channel->name,
	    "b");
	bf_registry_free(&r);
}

/* Puts a channel whose name begins the value, as the store's do. */
static void
open_value(void *context, struct bf_registry *r, const char *tenant,
    const char *name, const char *value)
{
	struct bf_channel *channel = bf_new(struct bf_channel);

	(*(int *)context)++;
	assert_memory_equal(value, name, strlen(name));
	channel->tenant = bf_strdup(tenant);
	channel->name = bf_strdup(name);
	channel->module = bf_strdup("post");
	assert_non_null(bf_registry_put(r, channel, 1, bf_strdup("{}"), NULL));
}

static struct bf_registry *
unread_registry(int *opened)
{
	struct bf_registry *r =
	    registry_of("default_tenant m; tenant t { channel post c { } }");

	bf_registry_open_with(r, open_value, opened);
	assert_int_equal(bf_registry_put_unread(r, "t", "a", 11, "a=1"), 0);
	assert_int_equal(bf_registry_put_unread(r, "t", "b", 12, "b=2"), 0);
	assert_int_equal(bf_registry_put_unread(r, "u", "a", 13, "a=3"), 0);
	/* The conf file has it. */
	assert_int_equal(bf_registry_put_unread(r, "t", "c", 14, "c=4"), -1);
	return r;
}

static void
count_number(void *context, uint32_t number)
{
	*(uint32_t *)context += number;
}

static void
channels_are_read_when_their_tenant_is_asked_for(void **state)
{
	int opened = 0;
	struct bf_registry *r = unread_registry(&opened);
	uint32_t sum = 0;
	size_t count;

	(void)state;
	assert_int_equal(bf_registry_tenant(r, "t")->channel_count, 3);
	assert_true(bf_registry_has_number(r, 12));
	assert_false(bf_registry_has_number(r, 14));
	bf_registry_each_number(r, count_number, &sum);
	assert_int_equal(sum, 36);
	bf_registry_channels_read(r, "t", &count);
	assert_int_equal(count, 1);
	assert_null(bf_registry_channel(r, "nobody", "a"));
	assert_non_null(bf_registry_channel(r, "t", "c"));
	assert_int_equal(opened, 0);
	assert_string_equal(bf_registry_channel_numbered(r, 12)->channel->name,
	    "b");
	assert_int_equal(opened, 2);
	assert_int_equal(bf_registry_channel(r, "t", "a")->channel->number, 11);
	bf_registry_channels_read(r, "t", &count);
	assert_int_equal(count, 3);
	assert_int_equal(bf_registry_tenant(r, "t")->channel_count, 3);
	assert_null(bf_registry_channel(r, "u", "b"));
	assert_int_equal(opened, 3);
	assert_int_equal(bf_registry_channels(r, "u", &count)[0]
			     ->channel->number,
	    13);
	sum = 0;
	bf_registry_each_number(r, count_number, &sum);
	assert_int_equal(sum, 36);
	bf_registry_free(&r);
}

static void
what_is_unread_is_listed_read_at_once_and_freed(void **state)
{
	int opened = 0;
	struct bf_registry *r = unread_registry(&opened);

	(void)state;
	assert_page(r, NULL, NULL, NULL, 2, "t/a t/b ");
	assert_int_equal(opened, 2);
	assert_page(r, NULL, "t", "b", 8, "t/c u/a ");
	bf_registry_free(&r);
	opened = 0;
	r = unread_registry(&opened);
	bf_registry_read_all(r);
	assert_int_equal(opened, 3);
	bf_registry_free(&r);
	r = unread_registry(&opened);
	bf_registry_free(&r);
}

static void
tenants_that_come_and_go_keep_the_order(void **state)
{
	static const char *const coming[] = { "m", "a", "z", "k", "b" };
	const struct bf_tenant_state *states[8];
	struct bf_registry *r = registry_of("default_tenant d;");

	(void)state;
	assert_int_equal(bf_registry_tenants_above(r, NULL, states, 8), 1);
	for (size_t i = 0; i < 5; i++)
		bf_registry_note_tenant(r, coming[i]);
	bf_registry_remove_tenant(r, "k");
	bf_registry_remove_tenant(r, "a");
	bf_registry_remove_tenant(r, "z");
	assert_int_equal(bf_registry_tenants_above(r, NULL, states, 8), 3);
	assert_string_equal(states[0]->id, "b");
	assert_string_equal(states[1]->id, "d");
	assert_string_equal(states[2]->id, "m");
	bf_registry_free(&r);
}

static void
a_block_for_the_tenant_that_became_default_adds_to_it(void **state)
{
	struct bf_snapshot *s = load_good("channel post a { }\n"
					  "tenant made { channel post a { }\n"
					  " channel post b { }\n"
					  " events { deploy_failed off; } }");
	struct bf_registry *r = bf_registry_new(s, "made");
	size_t count;

	(void)state;
	bf_registry_channels(r, "made", &count);
	assert_int_equal(count, 2);
	assert_int_equal(bf_registry_channel(r, "made", "a")->channel->line, 2);
	assert_false(
	    bf_registry_toggle(r, "made", bf_registry_type(r, "deploy_failed"))
		.enabled);
	bf_registry_free(&r);
}

static void
a_toggle_is_the_conf_files_the_apis_or_the_default(void **state)
{
	struct bf_registry *r =
	    registry_of("default_tenant d; events { deploy_started on; }\n"
			"tenant t { }");
	const struct bf_event_type *type =
	    bf_registry_type(r, "deploy_started");
	struct bf_toggle_state toggle = bf_registry_toggle(r, "d", type);

	(void)state;
	assert_true(toggle.enabled);
	assert_int_equal(toggle.source, BF_TOGGLE_CONF);
	assert_int_equal(toggle.line, 2);
	assert_int_equal(bf_registry_set_toggle(r, "d", type, 0), -1);
	assert_false(bf_registry_toggle(r, "t", type).enabled);
	assert_int_equal(bf_registry_set_toggle(r, "t", type, 1), 0);
	toggle = bf_registry_toggle(r, "t", type);
	assert_true(toggle.enabled);
	assert_int_equal(toggle.source, BF_TOGGLE_API);
	assert_int_equal(bf_registry_set_toggle(r, "t", type, -1), 0);
	toggle = bf_registry_toggle(r, "t", type);
	assert_false(toggle.enabled);
	assert_int_equal(toggle.source, BF_TOGGLE_DEFAULT);
	/* A tenant that the conf file does not know has toggles, too. */
	type = bf_registry_type(r, "deploy_failed");
	assert_true(bf_registry_toggle(r, "new", type).enabled);
	assert_int_equal(bf_registry_set_toggle(r, "new", type, 0), 0);
	assert_false(bf_registry_toggle(r, "new", type).enabled);
	bf_registry_free(&r);
}

static void
a_tenant_switches_its_channels_of_a_module_together(void **state)
{
	struct bf_registry *r = registry_of("default_tenant d; disable hook;\n"
					    "channel post a { }\n"
					    "tenant t { channel post a { } }");
	const struct bf_snapshot *s = bf_registry_snapshot(r);
	const struct bf_module_info *post = bf_snapshot_module(s, "post");
	const struct bf_module_info *hook = bf_snapshot_module(s, "hook");
	struct bf_channel_state *ours = bf_registry_channel(r, "d", "a");
	struct bf_channel_state *theirs = bf_registry_channel(r, "t", "a");
	struct bf_toggle_state toggle;
	const char *why;

	(void)state;
	toggle = bf_registry_module_toggle(r, "d", post);
	assert_true(toggle.enabled);
	assert_int_equal(toggle.source, BF_TOGGLE_DEFAULT);
	assert_int_equal(bf_registry_set_module(r, "d", post, 0), 0);
	toggle = bf_registry_module_toggle(r, "d", post);
	assert_false(toggle.enabled);
	assert_int_equal(toggle.source, BF_TOGGLE_API);
	assert_false(bf_registry_channel_runs(r, ours, &why));
	assert_string_equal(why, "its module was switched off over the API");
	assert_true(bf_registry_channel_runs(r, theirs, &why));
	assert_int_equal(bf_registry_set_module(r, "d", post, -1), 0);
	assert_true(bf_registry_channel_runs(r, ours, &why));
	/* What the conf file disables stays so, for everyone. */
	toggle = bf_registry_module_toggle(r, "t", hook);
	assert_false(toggle.enabled);
	assert_int_equal(toggle.source, BF_TOGGLE_CONF);
	assert_int_equal(toggle.line, 2);
	assert_int_equal(bf_registry_set_module(r, "t", hook, 1), -1);
	assert_true(bf_registry_module_toggle(r, "new", post).enabled);
	bf_registry_free(&r);
}

static void
why_a_channel_does_not_run_is_said(void **state)
{
	struct bf_registry *r =
	    registry_of("default_tenant d; disable hook;\n"
			"channel post a { } channel post off { enabled off; }\n"
			"channel hook h { url http://a/; }");
	struct bf_channel_state *a = bf_registry_channel(r, "d", "a");
	const char *why;

	(void)state;
	assert_true(bf_registry_channel_runs(r, a, &why));
	assert_null(why);
	a->stopped = true;
	assert_false(bf_registry_channel_runs(r, a, &why));
	assert_string_equal(why, "its endpoint is gone");
	a->stop_reason = bf_strdup("410 Gone");
	assert_false(bf_registry_channel_runs(r, a, &why));
	assert_string_equal(why, "410 Gone");
	a->disabled = true;
	assert_false(bf_registry_channel_runs(r, a, &why));
	assert_string_equal(why, "it was disabled over the API");
	assert_false(bf_registry_channel_runs(r,
	    bf_registry_channel(r, "d", "off"), &why));
	assert_string_equal(why, "it is disabled in the conf file");
	assert_false(bf_registry_channel_runs(r,
	    bf_registry_channel(r, "d", "h"), &why));
	assert_string_equal(why, "its module is disabled in the conf file");
	bf_registry_free(&r);
}

static struct bf_limits
limits_of(const char *conf, const char *tenant)
{
	struct bf_registry *r = registry_of(conf);
	const struct bf_limits limits = bf_registry_limits(r, tenant);

	bf_registry_free(&r);
	return limits;
}

static void
limits_are_the_tenants_own_or_the_default_ones(void **state)
{
	static const char conf[] =
	    "default_tenant d;"
	    "tenant_limits { events_per_second 10; burst 30; channels 5; }"
	    "tenant own { limits { events_per_second 3; channels 0; } }"
	    "tenant bytes { limits { stored_bytes 1m; } }";
	struct bf_limits limits = limits_of(conf, "own");

	(void)state;
	assert_int_equal(limits.events_per_second, 3);
	assert_int_equal(limits.burst, 3); /* not that of another rate */
	assert_int_equal(limits.channels, BF_LIMIT_NONE);
	assert_int_equal(limits.stored_bytes.bytes, BF_LIMIT_NONE);
	limits = limits_of(conf, "bytes");
	assert_int_equal(limits.events_per_second, 10);
	assert_int_equal(limits.burst, 30);
	assert_int_equal(limits.channels, 5);
	assert_int_equal(limits.stored_bytes.bytes, 1 << 20);
	limits = limits_of(conf, "nobody");
	assert_int_equal(limits.events_per_second, 10);
	/* The operator's own has none. */
	limits = limits_of(conf, "d");
	assert_int_equal(limits.events_per_second, BF_LIMIT_NONE);
	assert_int_equal(limits.channels, BF_LIMIT_NONE);
}

static void
a_tenant_is_the_conf_files_or_the_apis(void **state)
{
	const struct bf_tenant_said said = { .name = "Said",
		.limits = { 1, 2, 3, 5, { 4 } },
		.version = 2,
		.created_at = "then" };
	struct bf_registry *r =
	    registry_of("default_tenant d; strict_tenants on;\n"
			"tenant written { name Written; }\n"
			"token a { value x; tenant token; }");
	const struct bf_tenant_state *tenant;

	(void)state;
	assert_null(bf_registry_put_tenant(r, "written", &said));
	tenant = bf_registry_tenant(r, "written");
	assert_string_equal(tenant->name, "Written");
	assert_int_equal(tenant->line, 3);
	assert_false(bf_registry_takes_tenant(r, "made"));
	tenant = bf_registry_put_tenant(r, "made", &said);
	assert_string_equal(tenant->name, "Said");
	assert_int_equal(tenant->version, 2);
	assert_int_equal(bf_registry_limits(r, "made").channels, 3);
	for (size_t i = 0; i < 4; i++)
		assert_true(bf_registry_takes_tenant(r,
		    (const char *[]){ "d", "written", "made", "token" }[i]));
	bf_registry_note_tenant(r, "noted"); /* as an event may have */
	assert_false(bf_registry_takes_tenant(r, "noted"));
	for (size_t i = 0; i < 3; i++)
		bf_registry_remove_tenant(r,
		    (const char *[]){ "d", "written", "made" }[i]);
	assert_non_null(bf_registry_tenant(r, "d"));
	assert_non_null(bf_registry_tenant(r, "written"));
	assert_null(bf_registry_tenant(r, "made"));
	assert_false(bf_registry_takes_tenant(r, "made"));
	bf_registry_free(&r);
}

static void
tenants_are_listed_in_order_of_id_a_page_at_a_time(void **state)
{
	struct bf_registry *r =
	    registry_of("default_tenant d; tenant b { } tenant c { }");
	const struct bf_tenant_state *page[3];

	(void)state;
	assert_int_equal(bf_registry_tenants_above(r, NULL, page, 2), 2);
	assert_string_equal(page[0]->id, "b");
	assert_string_equal(page[1]->id, "c");
	bf_registry_note_tenant(r, "cc");
	assert_int_equal(bf_registry_tenants_above(r, "c", page, 3), 2);
	assert_string_equal(page[0]->id, "cc");
	assert_string_equal(page[1]->id, "d");
	/* The one to go on above need not be there any more. */
	assert_int_equal(bf_registry_tenants_above(r, "c1", page, 1), 1);
	assert_string_equal(page[0]->id, "cc");
	assert_int_equal(bf_registry_tenants_above(r, "d", page, 3), 0);
	bf_registry_free(&r);
}

static void
patterns_match_names_stars_and_categories(void **state)
{
	static const struct {
		const char *pattern;
		bool matches;
	} cases[] = {
		{ "deploy_failed", true },
		{ "deploy_faile", false },
		{ "deploy_failed_", false },
		{ "deploy_*", true },
		{ "*", true },
		{ "**", true },
		{ "*failed", true },
		{ "*fail*", true },
		{ "d*y_*d", true },
		{ "d*x*d", false },
		{ "*_started", false },
		{ "deploy_failed*", true },
		{ "", false },
		{ "category:deployment", true },
		{ "category:deploy", false },
		{ "category:*", false },
		{ "category:", false },
	};
	const struct bf_event_type type = { .name = (char *)"deploy_failed",
		.category = (char *)"deployment" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (bf_pattern_matches(cases[i].pattern, &type) !=
		    cases[i].matches)
			fail_msg("%s", cases[i].pattern);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_no_tenant_belongs_to_the_default_one),
		cmocka_unit_test(channels_are_found_by_tenant_name_and_number),
		cmocka_unit_test(
		    channels_are_listed_in_order_of_tenant_and_name),
		cmocka_unit_test(
		    channels_are_read_when_their_tenant_is_asked_for),
		cmocka_unit_test(
		    what_is_unread_is_listed_read_at_once_and_freed),
		cmocka_unit_test(tenants_that_come_and_go_keep_the_order),
		cmocka_unit_test(
		    a_block_for_the_tenant_that_became_default_adds_to_it),
		cmocka_unit_test(
		    a_toggle_is_the_conf_files_the_apis_or_the_default),
		cmocka_unit_test(
		    a_tenant_switches_its_channels_of_a_module_together),
		cmocka_unit_test(why_a_channel_does_not_run_is_said),
		cmocka_unit_test(
		    limits_are_the_tenants_own_or_the_default_ones),
		cmocka_unit_test(a_tenant_is_the_conf_files_or_the_apis),
		cmocka_unit_test(
		    tenants_are_listed_in_order_of_id_a_page_at_a_time),
		cmocka_unit_test(patterns_match_names_stars_and_categories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
