/*
 * memory_test.c - parsers when there is no memory, at each allocation in turn
 *
 * What belfry's own code asks for ends the process when it can't be had; what
 * the libraries behind it ask for may also make the call fail, with a reason.
 * A result that is only nearly right is neither.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/html.h>
#include <belfry/json.h>
#include <belfry/memory.h>
#include <belfry/retry_after.h>

#include "core/conf/conf.h"
#include "core/conf/dump.h"
#include "core/conf/seal.h"
#include "core/event/parse.h"
#include "core/filter/route.h"
#include "core/intake/http.h"
#include "core/intake/uri.h"
#include "core/registry/channel_json.h"
#include "core/registry/snapshot_wire.h"
#include "core/transport/dialogue.h"
#include "core/transport/hints.h"
#include "core/transport/libraries.h"
#include "core/transport/mask.h"
#include "core/transport/smtp_reply.h"
#include "core/wire/message.h"
#include "core/wire/program.h"
#include "tests/unit/failing_malloc.h"
#include "tests/unit/load_fixture.h"

#define DOCUMENT                                                               \
	"{\"event\":\"deploy_failed\",\"subject\":\"a\\u00e9\\ud83d\\ude00\"," \
	"\"body\":\"<p>b</p>\",\"metadata\":{\"b\":[1,2.5e3,true,null],"       \
	"\"a\":{\"c\":12345678901234567890}}}"

#define CANONICAL                                                              \
	"{\"a\":[1,2.5,\"x\\u00e9\"],\"b\":{\"c\":123456789012345678901}}"

/* Made once, with memory. */
static struct {
	struct bf_snapshot *snapshot;
	struct bf_channel_reader *reader;
	struct bf_buf snapshot_bytes, message_bytes;
	struct bf_keyring *keys;
	cJSON *channel;
} made;

static const struct bf_seal_place place = { "channel", "acme", "ops",
	"secret" };

/* A refusal must have a reason. */
static bool
refused(const struct bf_error *err)
{
	return err->text[0] != '\0';
}

static bool
conf_file(void)
{
	static const char text[] =
	    "worker_processes 2; # two\n"
	    "channel hook \"a b\" { url 'https://x/'; events a_* b;\n"
	    "  header X-Y \"1 \\\" 2\"; secret literal; }\n";
	static const char *const secrets[] = { "secret", NULL };
	struct bf_error err = { "" };
	struct bf_conf_tree *tree =
	    bf_conf_parse(text, sizeof(text) - 1, "memory", &err);
	struct bf_buf masked = { 0 };
	bool right;

	if (!tree)
		return refused(&err);
	bf_conf_mask(text, sizeof(text) - 1, secrets, &masked);
	right = strcmp(tree->first->next->words.items[1], "a b") == 0 &&
		!strstr(bf_buf_text(&masked), "literal");
	bf_buf_free(&masked);
	bf_conf_free(&tree);
	return right;
}

static bool
conf_file_with_a_mistake(void)
{
	static const char text[] = "channel hook a { url \"https://x/\n; }\n";
	struct bf_error err = { "" };

	return !bf_conf_parse(text, sizeof(text) - 1, "memory", &err) &&
	       refused(&err);
}

static bool
json(void)
{
	static const char text[] =
	    "{\"b\":{\"c\":123456789012345678901},\"a\":[1,2.5,\"x\\u00e9\"]}";
	struct bf_error err = { "" };
	cJSON *tree = bf_json_parse(text, sizeof(text) - 1, &err);
	struct bf_buf out = { 0 };
	bool right;

	if (!tree)
		return refused(&err);
	bf_json_print(&out, tree);
	right = strcmp(bf_buf_text(&out), CANONICAL) == 0;
	bf_buf_free(&out);
	cJSON_Delete(tree);
	return right;
}

static bool
event(void)
{
	const struct bf_event_defaults defaults = { "tenant", 1 };
	struct bf_event_problem problem = { .error = { "" } };
	struct bf_event *event = bf_event_parse(DOCUMENT, sizeof(DOCUMENT) - 1,
	    &defaults, NULL, &problem);
	const char *value;
	bool right;

	if (!event)
		return refused(&problem.error);
	value = bf_event_metadata(event, "b");
	right =
	    strcmp(bf_event_subject(event), "a\xc3\xa9\xf0\x9f\x98\x80") == 0 &&
	    strcmp(bf_event_body(event), "<p>b</p>") == 0 && value &&
	    strcmp(value, "[1,2500.0,true,null]") == 0;
	bf_event_unref(&event);
	return right;
}

static bool
message(void)
{
	struct bf_message read;
	bool right;

	if (bf_message_decode(made.message_bytes.data + 4,
		made.message_bytes.size - 4, &read) == -1)
		return false; /* it knows no other reason than the bytes */
	right = read.kind == BF_MSG_EVENT &&
		strcmp(bf_event_subject(read.event.event),
		    "a\xc3\xa9\xf0\x9f\x98\x80") == 0;
	bf_message_clear(&read);
	return right;
}

static bool
snapshot(void)
{
	struct bf_error err = { "" };
	struct bf_snapshot *read = bf_snapshot_decode(made.snapshot_bytes.data,
	    made.snapshot_bytes.size, &err);
	struct bf_buf again = { 0 };
	bool right;

	if (!read)
		return false;
	bf_snapshot_encode(read, true, &again);
	right = again.size == made.snapshot_bytes.size &&
		memcmp(again.data, made.snapshot_bytes.data, again.size) == 0;
	bf_buf_free(&again);
	bf_snapshot_free(&read);
	return right;
}

static bool
registry_and_route(void)
{
	struct bf_error err = { "" };
	struct bf_snapshot *read = bf_snapshot_decode(made.snapshot_bytes.data,
	    made.snapshot_bytes.size, &err);
	struct bf_registry *registry;
	struct bf_route route = { 0 };
	size_t count;

	if (!read)
		return false;
	registry = bf_registry_new(read, "default");
	bf_route_event(registry, "default",
	    bf_snapshot_type(read, "deploy_failed"), NULL, &route, NULL, NULL);
	count = route.count;
	bf_route_free(&route);
	bf_registry_free(&registry);
	return count == 1;
}

static bool
channel_from_json(void)
{
	struct bf_channel_problem problem = { .error = { "" } };
	struct bf_channel *channel = bf_channel_read(made.reader, "default",
	    made.channel, NULL, &problem);
	bool right;

	if (!channel)
		return refused(&problem.error);
	right = strcmp(channel->module, "hook") == 0;
	bf_channel_free(&channel);
	return right;
}

static bool
request(void)
{
	static const char text[] =
	    "POST /v1/events?a=%41+b&limit=5 HTTP/1.1\r\nHost: x\r\n"
	    "Authorization: Bearer 123\r\nContent-Type: application/json\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
	const struct bf_http_limits limits = { 4096, 100 };
	struct bf_http *http = bf_http_new(&limits);
	const struct bf_http_request *read = bf_http_request(http);
	enum bf_http_state state = BF_HTTP_HEAD;
	size_t at = 0, used = 1;
	char *value;
	bool right;

	while (state != BF_HTTP_DONE && state != BF_HTTP_ERROR && used > 0) {
		state =
		    bf_http_read(http, text + at, sizeof(text) - 1 - at, &used);
		at += used;
	}
	if (state != BF_HTTP_DONE)
		return state == BF_HTTP_ERROR && read->status >= 500;
	value = bf_uri_parameter(read->query, "a");
	right = strcmp(value, "A b") == 0 &&
		strcmp(read->authorization, "Bearer 123") == 0 &&
		read->body.size == 5;
	free(value);
	bf_http_free(&http);
	return right;
}

static bool
converts(enum bf_markup markup, const char *html, const char *part)
{
	struct bf_buf out = { 0 };
	bool right;

	bf_html_convert(&out, markup, html, (struct bf_limit){ 4000, 0 });
	right = strstr(bf_buf_text(&out), part);
	bf_buf_free(&out);
	return right;
}

static bool
html(void)
{
	return converts(BF_PLAIN_TEXT,
	    "<h1>t</h1><p>a <b>b</b> <a href=\"https://example.org/\">c</a>"
	    "<ul><li>x<li>y</ul><table><tr><td>1<td>2</table>",
	    "x");
}

static bool
html_that_is_well_formed(void)
{
	return converts(BF_SLACK_MRKDWN,
	    "<p>a <b>b</b> &amp; <a href=\"https://xn--bcher-kva.example/\">"
	    "b\xc3\xbc"
	    "cher.example</a></p><ol><li>x</li></ol>",
	    "*b*");
}

static bool
smtp_dialogue(void)
{
	struct bf_dialogue dialogue = { 0 };
	struct bf_buf shown = { 0 };
	const struct bf_hint *hint;

	bf_dialogue_received(&dialogue, "220 mail.example ESMTP", &shown);
	bf_dialogue_sent(&dialogue, "AUTH PLAIN AHVzZXIAcGFzcw==", &shown);
	bf_dialogue_received(&dialogue, "535 5.7.8 no", &shown);
	bf_mask_http(&shown, "Authorization: Bearer secret", true);
	bf_mask_url(&shown, "https://user:secret@example.org/x?key=1");
	hint = bf_hint_find(&(struct bf_symptom){ .protocol = BF_PROTOCOL_SMTP,
	    .stage = dialogue.refused,
	    .code = dialogue.code,
	    .text = bf_buf_text(&dialogue.text) });
	bf_dialogue_free(&dialogue);
	if (!hint || strstr(bf_buf_text(&shown), "secret"))
		return false;
	bf_buf_free(&shown);
	return true;
}

static bool
seal(void)
{
	struct bf_buf sealed = { 0 }, out = { 0 };
	struct bf_error err = { "" };
	bool right;

	bf_seal(made.keys, &place, "hello", 5, &sealed);
	if (bf_seal_open(made.keys, &place, bf_buf_text(&sealed), &out, &err) ==
	    -1)
		right = refused(&err) && out.size == 0;
	else
		right = strcmp(bf_buf_text(&out), "hello") == 0;
	bf_buf_free(&sealed);
	bf_buf_wipe(&out);
	return right;
}

static bool
retry_after(void)
{
	const struct bf_instant now = { 1775835045123 };
	char *text = bf_strdup("Fri, 10 Apr 2026 15:31:00 GMT");
	struct bf_duration wait = { -1 };
	bool right;

	right = bf_retry_after(text, now, &wait) == 0 && wait.ms >= 0;
	free(text);
	return right;
}

static const struct {
	const char *name;
	bool (*run)(void);
} parsers[] = {
	{ "conf file", conf_file },
	{ "conf file with a mistake", conf_file_with_a_mistake },
	{ "JSON", json },
	{ "event", event },
	{ "message between processes", message },
	{ "snapshot", snapshot },
	{ "registry and route", registry_and_route },
	{ "channel from JSON", channel_from_json },
	{ "request", request },
	{ "HTML", html },
	{ "HTML that is well formed", html_that_is_well_formed },
	{ "SMTP dialogue", smtp_dialogue },
	{ "sealed secret", seal },
	{ "Retry-After", retry_after },
};

static void
make_message(void)
{
	const struct bf_event_defaults defaults = { "tenant", 1 };
	struct bf_event_problem problem;
	struct bf_message message = { .kind = BF_MSG_EVENT };

	message.event.event = bf_event_parse(DOCUMENT, sizeof(DOCUMENT) - 1,
	    &defaults, NULL, &problem);
	bf_message_encode(&message, &made.message_bytes);
	bf_message_clear(&message);
}

static int
set_up(void **state)
{
	(void)state;
	/* valgrind has a malloc() of its own in front of ours. */
	if (getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "vgpreload"))
		exit(77);
	bf_libraries_start();
	made.snapshot = load_good("channel hook a { url https://x/; }\n"
				  "tenant t { channel post b { } }\n");
	made.reader = bf_channel_reader_new(made.snapshot);
	bf_snapshot_encode(made.snapshot, true, &made.snapshot_bytes);
	make_message();
	made.keys = bf_keyring_new();
	bf_keyring_add(made.keys);
	made.channel = cJSON_Parse(
	    "{\"name\":\"ops\",\"module\":\"hook\",\"events\":[\"deploy_*\"],"
	    "\"settings\":{\"url\":\"https://example.com/a\","
	    "\"secret\":\"s\"}}");
	return made.channel ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	cJSON_Delete(made.channel);
	bf_keyring_free(&made.keys);
	bf_buf_free(&made.message_bytes);
	bf_buf_free(&made.snapshot_bytes);
	bf_channel_reader_free(&made.reader);
	bf_snapshot_free(&made.snapshot);
	return 0;
}

static void
parsers_end_or_refuse_without_memory(void **state)
{
	int failures = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(parsers) / sizeof(*parsers); i++) {
		/* What is made once is made now. */
		assert_true(parsers[i].run());
		const int count = failing_malloc_each(parsers[i].run);

		print_message("%s: %d allocations\n", parsers[i].name, count);
		failures += count == -1;
	}
	assert_int_equal(failures, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsers_end_or_refuse_without_memory),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
