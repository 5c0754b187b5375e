/*
 * route_test.c - which channels get an event, and why the others do not
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/buf.h>

#include "core/filter/route.h"
#include "tests/unit/load_fixture.h"

static const char conf[] =
    "default_tenant d; disable hook;\n"
    "events { monitoring_uptime_down off; }\n"
    "channel post all { }\n"
    "channel post deploys { events deploy_* category:incident; }\n"
    "channel post one { events security_ip_conflict; }\n"
    "channel post off { enabled off; }\n"
    "channel hook dis { url http://a/; }\n"
    "tenant other { channel post own { events deploy_started; }\n"
    " events { deploy_started on; } }\n"
    "tenant empty { }\n";

static struct bf_registry *registry;

static int
make_registry(void **state)
{
	(void)state;
	registry = bf_registry_new(load_good(conf), "unused");
	return 0;
}

static int
free_registry(void **state)
{
	(void)state;
	bf_registry_free(&registry);
	return 0;
}

/* The names of the channels that get an event, in one text. */
static const char *
route(const char *tenant, const char *type, const char *about)
{
	static char names[200];
	struct bf_route to = { 0 };

	bf_route_event(registry, tenant, bf_registry_type(registry, type),
	    about, &to, NULL, NULL);
	names[0] = '\0';
	for (size_t i = 0; i < to.count; i++) {
		strcat(names, to.channels[i]->channel->name);
		strcat(names, " ");
	}
	if (to.count == 0)
		strcpy(names, to.reason);
	bf_route_free(&to);
	return names;
}

static void
write_decision(void *context, const struct bf_decision *decision)
{
	bf_buf_add_format(context, "%s %s: %s\n",
	    decision->channel->channel->name, bf_rule_name(decision->rule),
	    decision->reason);
}

/* What explain says, CONF for the path of the conf file. */
static const char *
explain(const char *tenant, const char *type, const char *about)
{
	static struct bf_buf text;
	const char *path = bf_registry_snapshot(registry)->path;
	struct bf_route to = { 0 };
	char *at;

	bf_buf_clear(&text);
	bf_route_event(registry, tenant, bf_registry_type(registry, type),
	    about, &to, write_decision, &text);
	bf_route_free(&to);
	while ((at = strstr(bf_buf_text(&text), path))) {
		memcpy(at, "CONF", 4);
		memmove(at + 4, at + strlen(path),
		    strlen(at + strlen(path)) + 1);
	}
	return bf_buf_text(&text);
}

static void
lists_patterns_and_categories_select(void **state)
{
	(void)state;
	assert_string_equal(route("d", "deploy_failed", NULL), "all deploys ");
	assert_string_equal(route("d", "incident_created", NULL),
	    "all deploys ");
	assert_string_equal(route("d", "security_ip_conflict", NULL),
	    "all one ");
	assert_string_equal(route("d", "monitoring_dns_changed", NULL), "all ");
}

static void
a_type_that_is_off_goes_nowhere_and_says_why(void **state)
{
	const struct bf_event_type *type =
	    bf_registry_type(registry, "deploy_failed");

	(void)state;
	assert_string_equal(route("d", "deploy_started", NULL),
	    "event type deploy_started is off: that is its default");
	assert_non_null(strstr(route("d", "monitoring_uptime_down", NULL),
	    "event type monitoring_uptime_down is off: switched off in /tmp/"));
	assert_int_equal(bf_registry_set_toggle(registry, "d", type, 0), 0);
	assert_string_equal(route("d", "deploy_failed", NULL),
	    "event type deploy_failed is off: switched off over the API");
}

static void
tenants_have_their_own_toggles_and_channels(void **state)
{
	(void)state;
	assert_string_equal(route("other", "deploy_started", NULL), "own ");
	assert_int_equal(bf_registry_set_module(registry, "d",
			     bf_snapshot_module(bf_registry_snapshot(registry),
				 "post"),
			     0),
	    0);
	assert_string_equal(route("other", "deploy_started", NULL), "own ");
	assert_non_null(strstr(explain("d", "deploy_failed", NULL),
	    "all module_disabled: module post was switched off over the API, "
	    "with all its channels\n"));
	assert_string_equal(route("other", "deploy_failed", NULL),
	    "no channel of the tenant wants deploy_failed");
	assert_string_equal(route("empty", "deploy_failed", NULL),
	    "tenant empty has no channels");
	assert_string_equal(route("unknown", "deploy_failed", NULL),
	    "tenant unknown is unknown, and has no channels");
}

static void
an_event_about_a_channel_goes_to_the_others(void **state)
{
	(void)state;
	assert_string_equal(route("d", "channel_failing", NULL), "all ");
	assert_string_equal(route("d", "channel_failing", "deploys"), "all ");
	assert_string_equal(route("d", "channel_failing", "all"),
	    "the 2 channels that want channel_failing are disabled");
}

static void
channels_that_are_off_are_the_reason(void **state)
{
	const struct bf_module_info *post =
	    bf_snapshot_module(bf_registry_snapshot(registry), "post");

	(void)state;
	bf_registry_channel(registry, "d", "all")->disabled = true;
	assert_string_equal(route("d", "monitoring_dns_changed", NULL),
	    "the 3 channels that want monitoring_dns_changed are disabled");
	assert_int_equal(bf_registry_set_module(registry, "other", post, 0), 0);
	assert_string_equal(route("other", "deploy_started", NULL),
	    "only channel own wants deploy_started, and its module post is "
	    "off");
	assert_string_equal(route("other", "deploy_failed", NULL),
	    "no channel of the tenant wants deploy_failed");
	assert_int_equal(bf_registry_set_module(registry, "other", post, 1), 0);
	bf_registry_channel(registry, "other", "own")->disabled = true;
	assert_string_equal(route("other", "deploy_started", NULL),
	    "only channel own wants deploy_started, and it is disabled");
}

static void
every_decision_names_its_rule(void **state)
{
	(void)state;
	bf_registry_channel(registry, "d", "deploys")->disabled = true;
	assert_string_equal(explain("d", "security_ip_conflict", "all"),
	    "all about_itself: the event is about this channel, and goes to "
	    "the others only\n"
	    "deploys channel_disabled: the channel was disabled over the API\n"
	    "one accepted: \"security_ip_conflict\" in the channel's event "
	    "list matches\n"
	    "off channel_disabled: the channel is disabled: \"enabled off\" in "
	    "its block in CONF:7\n"
	    "dis module_disabled: module hook is disabled: \"disable\" in "
	    "CONF:2\n");
	assert_non_null(strstr(explain("d", "deploy_failed", NULL),
	    "all accepted: the channel has no event list: it gets every "
	    "type\n"));
	assert_non_null(strstr(explain("d", "deploy_failed", NULL),
	    "one not_listed: the channel's event list does not match "
	    "deploy_failed: see \"events\" in its block in CONF:6\n"));
	assert_non_null(strstr(explain("d", "monitoring_uptime_down", NULL),
	    "one toggle_off: event type monitoring_uptime_down is off: "
	    "switched off in CONF:3\n"));
}

static void
a_stopped_channel_still_collects(void **state)
{
	(void)state;
	bf_registry_channel(registry, "d", "all")->stopped = true;
	assert_string_equal(route("d", "deploy_failed", NULL), "all deploys ");
}

#define WITH_REGISTRY(test)                                                    \
	cmocka_unit_test_setup_teardown(test, make_registry, free_registry)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_REGISTRY(lists_patterns_and_categories_select),
		WITH_REGISTRY(a_type_that_is_off_goes_nowhere_and_says_why),
		WITH_REGISTRY(tenants_have_their_own_toggles_and_channels),
		WITH_REGISTRY(an_event_about_a_channel_goes_to_the_others),
		WITH_REGISTRY(channels_that_are_off_are_the_reason),
		WITH_REGISTRY(every_decision_names_its_rule),
		WITH_REGISTRY(a_stopped_channel_still_collects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
