/*
 * load_test.c - a snapshot from a conf file, and each kind of mistake
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/place.h"
#include "tests/unit/load_fixture.h"

#define HOUR INT64_C(3600000)

static void
an_empty_file_means_the_defaults(void **state)
{
	struct bf_snapshot *s = load_good("");

	(void)state;
	assert_true(s->worker_processes >= 1);
	assert_int_equal(s->intake_processes, 1);
	assert_int_equal(s->worker_connections, 256);
	assert_int_equal(s->worker_rlimit_data.bytes, 1 << 30);
	assert_true(s->daemonize);
	assert_null(s->user);
	assert_null(s->default_tenant);
	assert_null(s->proxy);
	assert_non_null(strstr(s->pid_file, "/belfry/belfry.pid"));
	assert_non_null(strstr(s->state_dir, "/lib/belfry"));
	assert_non_null(strstr(s->log_target, "/log/belfry/error.log"));
	assert_int_equal(s->log_level, BF_LOG_NOTICE);
	assert_false(s->log_json);
	assert_int_equal(s->retention.ms, 30 * 24 * HOUR);
	assert_int_equal(s->audit_keep.ms, 90 * 24 * HOUR);
	assert_int_equal(s->shutdown_timeout.ms, 30000);
	assert_int_equal(s->low_space.bytes, 64 << 20);
	assert_int_equal(s->api.listen_count, 2);
	assert_string_equal(s->api.listens[0].address, "127.0.0.1:8420");
	assert_int_equal(strncmp(s->api.listens[1].address, "unix:/", 6), 0);
	assert_int_equal(s->api.listens[1].mode, 0660);
	assert_int_equal(s->api.max_connections, 1024);
	assert_int_equal(s->api.max_body.bytes, 1 << 20);
	assert_int_equal(s->api.max_header.bytes, 16 << 10);
	assert_int_equal(s->api.request_timeout.ms, 30000);
	assert_int_equal(s->api.keepalive_timeout.ms, 50000);
	assert_int_equal(s->type_count, 19);
	assert_int_equal(s->tenant_count, 1);
	assert_null(s->tenants[0].id);
	assert_int_equal(s->module_count, 2);
	bf_snapshot_free(&s);
	assert_null(s);
}

static void
modules_of_others_run_alone_unless_trusted(void **state)
{
	struct bf_error err;
	struct bf_snapshot *s =
	    load_text("load_module modules/hook.so;"
		      "load_module modules/post.so isolate=off;"
		      "load_module modules/webhook.so;"
		      "load_module modules/hoo.so;",
		&err);

	(void)state;
	assert_non_null(s);
	assert_true(bf_snapshot_module(s, "hook")->isolate);
	assert_false(bf_snapshot_module(s, "post")->isolate);
	assert_false(bf_snapshot_module(s, "webhook")->isolate);
	assert_true(bf_snapshot_module(s, "hoo")->isolate);
	bf_snapshot_free(&s);
}

static void
the_main_context_is_read(void **state)
{
	struct bf_snapshot *s = load_good(
	    "worker_processes 3; intake_processes 2; daemon off;\n"
	    "user root root; pid /run/x.pid; state_dir state;\n"
	    "error_log syslog:daemon json warn; default_tenant acme;\n"
	    "proxy http://proxy:3128; bind_address 127.0.0.1;\n"
	    "disable post;\n"
	    "api { listen *:1; listen [::1]:2; listen unix:x.sock mode=0600;\n"
	    "      max_body 2m; }\n"
	    "channel hook a { url http://a/; }\n");

	(void)state;
	assert_int_equal(s->worker_processes, 3);
	assert_false(s->daemonize);
	assert_string_equal(s->user, "root");
	assert_string_equal(s->group, "root");
	assert_string_equal(s->state_dir, "/tmp/state");
	assert_string_equal(s->log_target, "syslog:daemon");
	assert_int_equal(s->log_level, BF_LOG_WARN);
	assert_true(s->log_json);
	assert_string_equal(s->default_tenant, "acme");
	assert_string_equal(s->tenants[0].id, "acme");
	assert_true(bf_snapshot_module(s, "post")->disabled);
	assert_false(bf_snapshot_module(s, "hook")->disabled);
	assert_int_equal(s->api.listen_count, 3);
	assert_string_equal(s->api.listens[0].address, "0.0.0.0:1");
	assert_string_equal(s->api.listens[1].address, "[::1]:2");
	assert_string_equal(s->api.listens[2].address, "unix:/tmp/x.sock");
	assert_int_equal(s->api.listens[2].mode, 0600);
	assert_int_equal(s->api.max_body.bytes, 2 << 20);
	assert_string_equal(s->channels[0].tenant, "acme");
	assert_string_equal(s->channels[0].policy.proxy, "http://proxy:3128");
	assert_string_equal(s->channels[0].policy.bind_address, "127.0.0.1");
	bf_snapshot_free(&s);
}

static void
event_types_and_toggles_are_registered(void **state)
{
	struct bf_snapshot *s = load_good(
	    "events {\n"
	    " backup_failed off;\n"
	    " event backup_failed { category backups; severity error;\n"
	    "  default on; description \"a backup run failed\";\n"
	    "  metadata host \"where it ran\"; metadata size bytes; }\n"
	    " deploy_started on;\n"
	    "}\n"
	    "tenant other { events { deploy_started off; } }\n"
	    "tenant another { }");
	const struct bf_event_type *type = bf_snapshot_type(s, "backup_failed");

	(void)state;
	assert_non_null(type);
	assert_string_equal(type->category, "backups");
	assert_int_equal(type->severity, BF_SEVERITY_ERROR);
	assert_true(type->enabled);
	assert_false(type->builtin);
	assert_int_equal(type->line, 4);
	assert_int_equal(type->metadata.count, 2);
	assert_string_equal(type->metadata.items[0], "host  where it ran");
	assert_true(bf_snapshot_type(s, "deploy_started")->builtin);
	assert_null(bf_snapshot_type(s, "deploy"));
	assert_int_equal(s->tenants[0].toggle_count, 2);
	assert_string_equal(s->tenants[0].toggles[0].type, "backup_failed");
	assert_false(s->tenants[0].toggles[0].enabled);
	assert_int_equal(s->tenant_count, 3);
	assert_string_equal(s->tenants[1].id, "another");
	assert_string_equal(bf_snapshot_tenant(s, "other")->id, "other");
	assert_false(bf_snapshot_tenant(s, "other")->toggles[0].enabled);
	assert_null(bf_snapshot_tenant(s, "nobody"));
	bf_snapshot_free(&s);
}

static void
a_module_has_defaults_that_a_channel_may_change(void **state)
{
	struct bf_snapshot *s =
	    load_good("load_module modules/chat.so;\n"
		      "channel chat a { }\n"
		      "channel chat b { rate 20/s; concurrency 3; }\n"
		      "channel chat c { rate off; }\n");

	(void)state;
	assert_int_equal(s->channels[0].policy.rate.count, 1);
	assert_int_equal(s->channels[0].policy.rate.period.ms, 1000);
	assert_int_equal(s->channels[0].policy.rate.burst, 4);
	assert_int_equal(s->channels[0].policy.concurrency, 1);
	assert_int_equal(s->channels[1].policy.rate.count, 20);
	assert_int_equal(s->channels[1].policy.rate.burst, 1);
	assert_int_equal(s->channels[1].policy.concurrency, 3);
	assert_int_equal(s->channels[2].policy.rate.count, 0);
	bf_snapshot_free(&s);
}

/* Whether two channels have the same endpoint, and the same platform. */
static void
check_places(const char *text, bool same_endpoint, bool same_platform)
{
	struct bf_snapshot *s = load_good(text);
	struct bf_place one, two;

	bf_place_of(&s->channels[0], &one);
	bf_place_of(&s->channels[1], &two);
	assert_int_equal(strcmp(one.endpoint, two.endpoint) == 0,
	    same_endpoint);
	assert_int_equal(strcmp(one.platform, two.platform) == 0,
	    same_platform);
	bf_snapshot_free(&s);
}

static void
channels_that_go_to_the_same_place_are_found(void **state)
{
	(void)state;
	check_places("channel hook a { url https://Chat.example/in/1?x=1; }\n"
		     "channel hook b { url https://chat.example/in/1?y; }",
	    true, true);
	check_places("channel hook a { url https://chat.example/in/1; }\n"
		     "channel hook b { url https://chat.example/in/2; }",
	    false, true);
	check_places("channel hook a { url https://chat.example/in/1; }\n"
		     "channel hook b { url https://chat.example:444/in/1; }",
	    false, false);
	/* Without a URL there is one platform, and no endpoint to share. */
	check_places("channel post a { }\nchannel post b { }", true, true);
	check_places("channel hook a { url http://a/; }\nchannel post b { }",
	    false, false);
}

static void
a_channel_has_a_policy_and_settings(void **state)
{
	struct bf_snapshot *s = load_good(
	    "channel hook a { url http://a/; }\n"
	    "channel hook b {\n"
	    " url https://b/; secret env:KEY; header X-K env:KEY;\n"
	    " header X-Y z; ca_file ../etc/passwd;\n"
	    " include belfry-none*.conf;\n"
	    " events deploy_* category:incident security_ip_conflict;\n"
	    " retry 5s 5m; jitter 10%; timeout 3s; max_age 1h;\n"
	    " retry_after_max 5m; concurrency 2; rate 10/m burst=5;\n"
	    " enabled off; proxy off; bind_address eth0; }\n"
	    "channel post c { ordered on; retry none; }\n"
	    "channel post d { }\n"
	    "tenant t { channel post a { text \"x y\"; } }");
	const struct bf_channel *b = &s->channels[1];

	(void)state;
	assert_int_equal(s->channel_count, 5);
	assert_string_equal(s->channels[0].module, "hook");
	assert_null(s->channels[0].tenant);
	assert_int_equal(s->channels[0].policy.retry.count, 3);
	assert_int_equal(s->channels[0].policy.retry.delays[2].ms, 4000);
	assert_int_equal(s->channels[0].policy.timeout.ms, 10000);
	assert_int_equal(s->channels[0].policy.max_age.ms, 24 * HOUR);
	assert_int_equal(s->channels[0].policy.retry_after_max.ms, HOUR);
	assert_int_equal(s->channels[0].policy.concurrency, 64);
	assert_int_equal(s->channels[0].policy.rate.count, 0);
	assert_true(s->channels[0].policy.enabled);
	assert_int_equal(s->channels[0].policy.events.count, 0);
	assert_int_equal(b->policy.retry.count, 2);
	assert_int_equal(b->policy.retry.jitter, 10);
	assert_int_equal(b->policy.rate.count, 10);
	assert_int_equal(b->policy.rate.period.ms, 60000);
	assert_int_equal(b->policy.rate.burst, 5);
	assert_false(b->policy.enabled);
	assert_null(b->policy.proxy);
	assert_string_equal(b->policy.bind_address, "eth0");
	assert_int_equal(b->setting_count, 5);
	assert_string_equal(b->settings[1].words.items[0], "s3cret");
	assert_true(b->settings[1].secret);
	assert_string_equal(b->settings[2].words.items[1], "s3cret");
	assert_true(b->settings[2].secret);
	assert_false(b->settings[3].secret);
	assert_string_equal(b->settings[4].words.items[0],
	    "/tmp/../etc/passwd");
	assert_int_equal(b->settings[4].line, 5);
	assert_int_equal(s->channels[2].policy.concurrency, 1);
	assert_int_equal(s->channels[2].policy.retry.count, 0);
	assert_int_equal(s->channels[3].policy.retry.count, 2);
	assert_int_equal(s->channels[3].policy.retry.delays[1].ms, 300000);
	assert_int_equal(s->channels[3].policy.max_age.ms, 120 * HOUR);
	assert_string_equal(s->channels[4].tenant, "t");
	bf_snapshot_free(&s);
}

static void
tenants_have_names_and_limits(void **state)
{
	struct bf_snapshot *s = load_good(
	    "strict_tenants on;\n"
	    "tenant_limits { channels 7; }\n"
	    "tenant a { name \"Änne & Co\";\n"
	    " limits { events_per_second 5; burst 9; stored_bytes 64m; } }\n"
	    "tenant b { }");
	const struct bf_tenant *a = bf_snapshot_tenant(s, "a");
	const struct bf_tenant *b = bf_snapshot_tenant(s, "b");

	(void)state;
	assert_true(s->strict_tenants);
	assert_int_equal(s->tenant_limits.channels, 7);
	assert_int_equal(s->tenant_limits.events_per_second, BF_LIMIT_NONE);
	assert_int_equal(s->tenant_limits.tokens, 1000);
	assert_string_equal(a->name, "Änne & Co");
	assert_int_equal(a->limits.events_per_second, 5);
	assert_int_equal(a->limits.burst, 9);
	assert_int_equal(a->limits.channels, BF_LIMIT_DEFAULT);
	assert_int_equal(a->limits.tokens, BF_LIMIT_DEFAULT);
	assert_int_equal(a->limits.stored_bytes.bytes, 64 << 20);
	assert_int_equal(a->line, 4);
	assert_null(b->name);
	assert_int_equal(b->limits.stored_bytes.bytes, BF_LIMIT_DEFAULT);
	bf_snapshot_free(&s);
}

static void
tokens_are_kept_as_hashes(void **state)
{
	static const unsigned char sha256_of_abc[] = { 0xba, 0x78, 0x16, 0xbf,
		0x8f, 0x01, 0xcf, 0xea };
	struct bf_snapshot *s =
	    load_good("token app { value abc; }\n"
		      "token ops { value env:KEY; tenant t; scope admin; }");

	(void)state;
	assert_int_equal(s->token_count, 2);
	assert_memory_equal(s->tokens[0].hash, sha256_of_abc, 8);
	assert_int_equal(s->tokens[0].scope, BF_SCOPE_INGEST);
	assert_null(s->tokens[0].tenant);
	assert_int_equal(s->tokens[1].scope, BF_SCOPE_ADMIN);
	assert_string_equal(s->tokens[1].tenant, "t");
	bf_snapshot_free(&s);
}

/* A conf file of the source tree, loaded. */
static struct bf_snapshot *
load_shipped(const char *name)
{
	const char *top = getenv("srcdir");
	char *path = bf_strf("%s/conf/%s", top ? top : ".", name);
	struct bf_error err = { "" };
	struct bf_snapshot *s = load_file(path, NULL, &err);

	assert_string_equal(err.text, "");
	assert_non_null(s);
	free(path);
	return s;
}

static void
the_conf_files_as_shipped_are_good(void **state)
{
	struct bf_snapshot *s = load_shipped("belfry.conf");

	(void)state;
	assert_int_equal(s->module_count, 1);
	assert_int_equal(s->channel_count, 0);
	assert_int_equal(s->api.listen_count, 2);
	bf_snapshot_free(&s);
	s = load_shipped("quickstart.conf");
	assert_int_equal(s->channel_count, 1);
	assert_string_equal(s->api.listens[0].address, "127.0.0.1:8420");
	assert_non_null(strstr(s->pid_file, "/quickstart.d/belfry.pid"));
	bf_snapshot_free(&s);
}

static void
globals_come_on_top(void **state)
{
	struct bf_error err;
	struct bf_snapshot *s =
	    load_text_with("intake_processes 3;", "daemon off;", &err);

	(void)state;
	assert_non_null(s);
	assert_false(s->daemonize);
	assert_int_equal(s->intake_processes, 3);
	bf_snapshot_free(&s);
	assert_null(load_text_with("daemon on;", "daemon off;", &err));
	assert_string_equal(err.text,
	    "-g:1: daemon: repeated; expected it once (it stands in line 1)");
	assert_null(load_text_with("", "daemon", &err));
	assert_string_equal(err.text,
	    "-g:1: daemon is not ended; expected \";\" before the end of the "
	    "file");
}

#define LOAD "load_module modules/hook.so; load_module modules/post.so;\n"

static const struct {
	const char *text, *message;
} mistakes[] = {
	/* the main context */
	{ "worker_proceses 4;",
	    "CONF:1: unknown directive \"worker_proceses\"; did you mean "
	    "\"worker_processes\"?" },
	{ "chanel hook a { }",
	    "CONF:1: unknown directive \"chanel\"; did you mean \"channel\"?" },
	{ "worker_processes 0;",
	    "CONF:1: worker_processes: \"0\": not a number of processes; "
	    "expected 1 to 256, or auto" },
	{ "worker_processes 4\nerror_log stderr;",
	    "CONF:1: worker_processes: expected NUMBER | auto; is a \";\" "
	    "missing before \"error_log\"?" },
	{ "state_dir /x\napi { }",
	    "CONF:1: state_dir: expected DIRECTORY; is a \";\" missing before "
	    "\"api\"?" },
	{ "intake_processes 99999999999999999999;",
	    "CONF:1: intake_processes: \"99999999999999999999\": too large; "
	    "expected a whole number" },
	{ "retention 30x;",
	    "CONF:1: retention: \"30x\": unknown unit; expected a duration "
	    "such as 500ms, 10s, 5m, 1h30m or 7d" },
	{ "audit_keep 59m;",
	    "CONF:1: audit_keep: 59m is out of range; expected 1h to 36500d" },
	{ "retention 1m;",
	    "CONF:1: retention: 1m is out of range; expected 1h to 36500d" },
	{ "pid a;\npid b;",
	    "CONF:2: pid: repeated; expected it once (it stands in CONF:1)" },
	{ "pid;", "CONF:1: pid: 0 values; expected FILE" },
	{ "user nobody-at-all-x;",
	    "CONF:1: user: no user \"nobody-at-all-x\"; expected one of this "
	    "system" },
	{ "user root nogroup-at-all;",
	    "CONF:1: user: no group \"nogroup-at-all\"; expected one of this "
	    "system" },
	{ "error_log stderr loud;",
	    "CONF:1: error_log: \"loud\": unknown; expected a level (debug, "
	    "info, notice, warn, error, crit, alert, emerg) or json" },
	{ "proxy example.com;",
	    "CONF:1: proxy: not the URL of a proxy; expected http://, "
	    "https://, socks5:// or socks5h:// and a host, or off" },
	{ "bind_address 1.2.3.400;",
	    "CONF:1: bind_address: \"1.2.3.400\": neither an IP address nor "
	    "the name of an interface, or off" },
	{ "default_tenant \"a b\";",
	    "CONF:1: default_tenant: \"a b\" is no name; expected an id of "
	    "letters, digits and . _ : @ -, 64 characters at most" },
	{ "api;", "CONF:1: api: no block; expected { ... }" },
	{ "api x { }", "CONF:1: api: 1 values; expected none" },
	/* modules */
	{ "load_module modules/gone.so;",
	    "CONF:1: load_module: open /lib/belfry/modules/gone.so: no such "
	    "file" },
	{ "load_module modules/hook.so isolate=yes;",
	    "CONF:1: load_module: \"isolate=yes\": unknown; expected "
	    "isolate=on or isolate=off" },
	{ "load_module modules/hook.so;\nload_module modules/hook.so;",
	    "CONF:2: module \"hook\" exists already; expected another name "
	    "(the first stands in CONF:1)" },
	{ "load_module modules/clash.so;",
	    "CONF:1: load_module: the module has a directive \"timeout\"; "
	    "expected another name, as belfry has one of its own" },
	{ "load_module modules/odd.so;",
	    "CONF:1: load_module: the module's own default: \"1x\": unknown "
	    "unit; expected a duration such as 500ms, 10s, 5m, 1h30m or 7d" },
	{ "load_module modules/oddrate.so;",
	    "CONF:1: load_module: the module's own default: \"often\": not a "
	    "rate; expected a number from 1 to 1000000 and a period, as 10/s, "
	    "300/m or 1000/h, or off" },
	{ "load_module modules/oddconcurrency.so;",
	    "CONF:1: load_module: the module's own default: concurrency 0; "
	    "expected 1 or more" },
	{ LOAD "disable hok;", "CONF:2: disable: no module \"hok\" is loaded; "
			       "did you mean \"hook\"?" },
	{ LOAD "channel hok a { }",
	    "CONF:2: channel: no module \"hok\" is loaded; did you mean "
	    "\"hook\"?" },
	{ "channel ../smtp a { }",
	    "CONF:1: channel: no module \"../smtp\" is loaded; expected "
	    "\"load_module modules/../smtp.so;\" in the main context" },
	/* api */
	{ "api { listen 8420; }",
	    "CONF:1: listen: \"8420\": no port; expected ADDRESS:PORT, or "
	    "unix:PATH" },
	{ "api { listen 127.0.0.1:0; }",
	    "CONF:1: listen: \"127.0.0.1:0\": not a port; expected 1 to 65535, "
	    "or unix:PATH" },
	{ "api { listen unix:; }",
	    "CONF:1: listen: no path; expected unix:PATH" },
	{ "api { listen unix:/x mode=9; }",
	    "CONF:1: listen: mode \"9\": not the mode of a file; expected "
	    "three octal digits such as 0660" },
	{ "api { listen unix:/x tls; }",
	    "CONF:1: listen: \"tls\": unknown here; expected mode=MODE" },
	{ "api { listen 127.0.0.1:1 mode=0600; }",
	    "CONF:1: listen: \"mode=0600\": unknown here; expected tls" },
	{ "api { listen *:1;\nlisten 0.0.0.0:1; }",
	    "CONF:2: listener \"0.0.0.0:1\" exists already; expected another "
	    "name (the first stands in CONF:1)" },
	{ "api { listen 127.0.0.1:1 tls; }",
	    "CONF:1: api: a listener with tls, but no \"certificate\"; "
	    "expected one in the block" },
	{ "api { listen 127.0.0.1:1 tls; certificate /etc/passwd; }",
	    "CONF:1: api: no \"certificate_key\"; expected it beside "
	    "\"certificate\"" },
	{ "api { certificate /nonexistent; }",
	    "CONF:1: certificate: /nonexistent: No such file or directory" },
	{ "api { max_body 1g; }",
	    "CONF:1: max_body: 1g is out of range; expected 1k to 32m" },
	/* events */
	{ "events { deploy_stated on; }",
	    "CONF:1: unknown event type \"deploy_stated\"; did you mean "
	    "\"deploy_started\"?" },
	{ "events { zzz on; }",
	    "CONF:1: unknown event type \"zzz\"; expected a built-in one or "
	    "one registered with \"event\"" },
	{ "events { deploy_failed yes; }",
	    "CONF:1: deploy_failed: \"yes\": not a switch; expected on or "
	    "off" },
	{ "events { deploy_failed on;\ndeploy_failed off; }",
	    "CONF:2: toggle \"deploy_failed\" exists already; expected another "
	    "name (the first stands in CONF:1)" },
	{ "events { event x { } }",
	    "CONF:1: event x: no \"category\"; expected it in the block" },
	{ "events { event X { category y; } }",
	    "CONF:1: event: \"X\" is no name; expected a name of small "
	    "letters, digits and underscores, 64 at most" },
	{ "events { event x { category y; severity loud; } }",
	    "CONF:1: severity: \"loud\": unknown; expected one of info, "
	    "success, warning, error, critical" },
	{ "events { event deploy_failed { category y; } }",
	    "CONF:1: event: \"deploy_failed\" is built in; expected another "
	    "name" },
	{ "events {\nevent x { category y; }\nevent x { category y; } }",
	    "CONF:3: event type \"x\" exists already; expected another name "
	    "(the first stands in CONF:2)" },
	{ "tenant t { events { event x { category y; } } }",
	    "CONF:1: event: not in a tenant; expected it in the block events "
	    "of the main context" },
	/* tenants and tokens */
	{ "tenant a { }\ntenant a { }",
	    "CONF:2: tenant \"a\" exists already; expected another name (the "
	    "first stands in CONF:1)" },
	{ "default_tenant a; tenant a { }",
	    "CONF:1: tenant \"a\" exists already; expected another name (the "
	    "first stands in CONF:1)" },
	{ "tenant a { tokn; }", "CONF:1: unknown directive \"tokn\"; expected "
				"one of name, limits, events, channel" },
	/* too many directives to list */
	{ "zebra 1;", "CONF:1: unknown directive \"zebra\"" },
	{ "tenant a { name \"\"; }",
	    "CONF:1: name: expected a name of 1 to 128 bytes, on one line" },
	{ "tenant a { limits { channels -1; } }",
	    "CONF:1: channels: -1 is out of range; expected 0 to 1000000000" },
	{ "tenant a { limits { stored_bytes 1x; } }",
	    "CONF:1: stored_bytes: \"1x\": unknown unit; expected a size such "
	    "as "
	    "512, 64k, 1m or 2g" },
	{ "tenant a { limits { burst 5; } }",
	    "CONF:1: burst: no rate; expected \"events_per_second\" beside "
	    "it" },
	{ "tenant_limits { burst 5; }",
	    "CONF:1: burst: no rate; expected \"events_per_second\" beside "
	    "it" },
	{ "token a { }",
	    "CONF:1: token a: no \"value\"; expected it in the block" },
	{ "token a { value \"x y\"; }",
	    "CONF:1: token a: a value that no header can carry; expected "
	    "visible ASCII without white space" },
	{ "token a { value x; }\ntoken b { value x; }",
	    "CONF:2: token b: it has the value of token a; expected another "
	    "one" },
	{ "token a { value x; scope root; }",
	    "CONF:1: scope: \"root\": unknown; expected one of ingest, "
	    "metrics, read, manage, admin" },
	/* channels */
	{ LOAD "channel hook a { }",
	    "CONF:2: channel a: no \"url\"; expected it in the block" },
	{ LOAD "channel hook a;", "CONF:2: channel: no block; expected MODULE "
				  "NAME { ... }" },
	{ LOAD "channel hook { url http://a/; }",
	    "CONF:2: channel: 1 values; expected MODULE NAME" },
	{ LOAD "channel hook a/b { url http://a/; }",
	    "CONF:2: channel: \"a/b\" is no name; expected a name of letters, "
	    "digits, dots, hyphens and underscores, 64 at most" },
	{ LOAD "channel hook a { url http://a/; }\n"
	       "channel post a { }",
	    "CONF:3: channel \"a\" exists already; expected another name (the "
	    "first stands in CONF:2)" },
	{ LOAD "channel hook a { ulr http://a/; }",
	    "CONF:2: unknown directive \"ulr\"; did you mean \"url\"?" },
	{ LOAD "channel hook a { url http://a/; timeot 3s; }",
	    "CONF:2: unknown directive \"timeot\"; did you mean \"timeout\"?" },
	{ LOAD "channel hook a { url http://a/; tetry 3s; }",
	    "CONF:2: unknown directive \"tetry\"; did you mean \"retry\"?" },
	{ LOAD "channel hook a { url http://a/\nsecret x; }",
	    "CONF:2: url: expected one URL; is a \";\" missing before "
	    "\"secret\"?" },
	{ LOAD "channel hook a { url http://no/; }",
	    "CONF:2: channel hook a: url: not that one" },
	{ LOAD "channel hook a { url http://0x7f.1/; }",
	    "CONF:2: url: not an IPv4 address; expected four decimal numbers "
	    "such as 192.0.2.1" },
	{ LOAD "channel post a { events deploy_faild; }",
	    "CONF:2: events: unknown event type \"deploy_faild\"; did you mean "
	    "\"deploy_failed\"?" },
	{ LOAD "channel post a { events category:incidents; }",
	    "CONF:2: events: unknown category \"incidents\"; did you mean "
	    "\"incident\"?" },
	{ LOAD "channel post a { events foo_*; }",
	    "CONF:2: events: \"foo_*\" matches no event type; expected a "
	    "pattern such as deploy_*" },
	{ LOAD "channel post a { events xyzzy; }",
	    "CONF:2: events: unknown event type \"xyzzy\"; expected the name "
	    "of an event type, a pattern such as deploy_* or category:NAME" },
	{ LOAD "channel post a { retry 1s none; }",
	    "CONF:2: retry: \"none\": not a duration; expected a duration "
	    "such as 500ms, 10s, 5m, 1h30m or 7d, or none for no retries" },
	{ LOAD "channel post a { retry 1s 2s 3s 4s 5s 6s 7s 8s 9s 10s 1s 2s "
	       "3s 4s 5s 6s 7s 8s 9s 10s 1s 2s 3s 4s 5s 6s 7s 8s 9s 10s 1s 2s "
	       "3s; }",
	    "CONF:2: retry: 33 delays; expected 32 at most, or none for no "
	    "retries" },
	{ LOAD "channel post a { retry 31d; }",
	    "CONF:2: retry: 31d is out of range; expected 30d at most, or none "
	    "for no retries" },
	{ LOAD "channel post a { retry 1s 25h; max_age 1d; }",
	    "CONF:2: retry: the last retry comes 90001s after the first "
	    "attempt, but max_age gives up after 1d; expected a longer max_age "
	    "or fewer retries" },
	{ LOAD "channel post a { max_age 6m; }",
	    "CONF:2: max_age: the last retry comes 6m after the first attempt, "
	    "but max_age gives up after 6m; expected a longer max_age or fewer "
	    "retries" },
	{ LOAD "channel post a { jitter 10; }",
	    "CONF:2: jitter: \"10\": not a share; expected 0% to 100%" },
	{ LOAD "channel post a { jitter 101%; }",
	    "CONF:2: jitter: \"101%\": not a share; expected 0% to 100%" },
	{ LOAD "channel post a { rate 10; }",
	    "CONF:2: rate: \"10\": not a rate; expected a number from 1 to "
	    "1000000 and a period, as 10/s, 300/m or 1000/h, or off" },
	{ LOAD "channel post a { rate 10/s burst; }",
	    "CONF:2: rate: \"burst\": unknown; expected burst=NUMBER, 1 to "
	    "1000000" },
	{ LOAD "channel post a { ordered on; concurrency 4; }",
	    "CONF:2: concurrency: \"ordered on\" makes one attempt at a time; "
	    "expected 1, or one of the two directives" },
	{ LOAD "channel hook a { url env:NONE; }",
	    "CONF:2: url: environment variable \"NONE\" is not set; expected "
	    "its value in the environment that belfry is started with" },
	{ LOAD "channel hook a { url http://a/; secret file:gone; }",
	    "CONF:2: secret: read /tmp/./gone: No such file or directory" },
};

static void
each_mistake_is_named_with_its_place(void **state)
{
	struct bf_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct bf_snapshot *s = load_text(mistakes[i].text, &err);

		if (s)
			fail_msg("taken: %s", mistakes[i].text);
		if (strcmp(err.text, mistakes[i].message) != 0)
			print_message("text: %s\n", mistakes[i].text);
		assert_string_equal(err.text, mistakes[i].message);
	}
}

static void
secret_names_are_those_in_use_and_the_usual(void **state)
{
	struct bf_snapshot *s = load_good(
	    "channel hook a { url env:HOOK; header A env:KEY; header B c; }");
	const char **names = bf_registry_secret_names(s);
	bool url = false;
	bool header = false;
	bool value = false;

	(void)state;
	for (size_t i = 0; names[i]; i++) {
		url = url || strcmp(names[i], "url") == 0;
		header = header || strcmp(names[i], "header") == 0;
		value = value || strcmp(names[i], "value") == 0;
	}
	assert_true(url);
	assert_true(value);
	assert_false(header);
	free(names);
	bf_snapshot_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_means_the_defaults),
		cmocka_unit_test(modules_of_others_run_alone_unless_trusted),
		cmocka_unit_test(the_main_context_is_read),
		cmocka_unit_test(event_types_and_toggles_are_registered),
		cmocka_unit_test(
		    a_module_has_defaults_that_a_channel_may_change),
		cmocka_unit_test(channels_that_go_to_the_same_place_are_found),
		cmocka_unit_test(a_channel_has_a_policy_and_settings),
		cmocka_unit_test(tenants_have_names_and_limits),
		cmocka_unit_test(tokens_are_kept_as_hashes),
		cmocka_unit_test(the_conf_files_as_shipped_are_good),
		cmocka_unit_test(globals_come_on_top),
		cmocka_unit_test(each_mistake_is_named_with_its_place),
		cmocka_unit_test(secret_names_are_those_in_use_and_the_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
