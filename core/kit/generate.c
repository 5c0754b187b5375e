/*
 * generate.c - events such as somebody will send one day
 *
 * A seed and an index make the same event everywhere: what fails here can be
 * made to fail again.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/buf.h>
#include <belfry/json.h>

#include "core/event/parse.h"
#include "core/kit/kit.h"

#define ABOUT_NOW_US INT64_C(1775835045123456) /* 2026-04-10 */

/* splitmix64, by Sebastiano Vigna: a generator that any seed does for. */
static uint64_t
draw(uint64_t *state)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return value ^ (value >> 31);
}

static unsigned
below(uint64_t *state, unsigned limit)
{
	return (unsigned)(draw(state) % limit);
}

static const char *const pieces[] = { "deploy of shop failed", "Grüße",
	"日本語", "שלום עולם", "مرحبا", "👩‍👩‍👧‍👦",
	"🏴󠁧󠁢󠁥󠁮󠁧󠁿", "e\u0301", "\u200b", "\u2028", "\x01",
	"\x7f", "\r\nBcc: x@example.com", "\n.\n", "@everyone", "<!channel>",
	"=?utf-8?q?x?=", "\"'\\/", "*_~`", "../../etc/passwd", "{{7*7}}",
	"%s%n", "'; DROP TABLE events; --", "&amp;lt;", "\t" };

static const char *const html[] = { "<p>", "</p>", "<b>", "</i>",
	"<a href=\"javascript:x\">", "<a href='https://example.com/?a=1&b=2'>",
	"</a>", "<table><tr><td>", "</table>", "<ul><li>", "<pre>",
	"<script>alert(1)</script>", "<!-- ", " -->", "<![CDATA[", "&#0;",
	"&#1114112;", "&bogus;", "<img src=x onerror=y>", "<", ">", "<br/>",
	"</", "<blockquote>", "<code>" };

static void
add_text(struct bf_buf *out, uint64_t *state, unsigned most, bool markup)
{
	const unsigned count = below(state, most + 1);

	for (unsigned i = 0; i < count; i++) {
		const bool tag = markup && below(state, 2) == 0;

		bf_buf_add_text(out,
		    tag ? html[below(state, sizeof(html) / sizeof(*html))]
			: pieces[below(state,
			      sizeof(pieces) / sizeof(*pieces))]);
		bf_buf_add_byte(out, ' ');
	}
}

static void
add_member(struct bf_buf *json, const char *name, uint64_t *state,
    unsigned most, bool markup)
{
	struct bf_buf text = { 0 };

	add_text(&text, state, most, markup);
	bf_json_string(json, name);
	bf_buf_add_byte(json, ':');
	bf_json_string(json, bf_buf_text(&text));
	bf_buf_free(&text);
}

static void
add_metadata(struct bf_buf *json, uint64_t *state)
{
	static const char *const known[] = { "deployment_id", "incident_id",
		"application_name", "__proto__", "", "10", "9" };
	const unsigned keys = below(state, 8) == 0 ? 400 : below(state, 6);
	const unsigned depth = below(state, 8) == 0 ? 60 : below(state, 3);

	bf_buf_add_text(json, "\"metadata\":{");
	for (unsigned i = 0; i < keys; i++) {
		struct bf_buf name = { 0 };

		if (i < sizeof(known) / sizeof(*known))
			bf_buf_add_text(&name, known[i]);
		else
			bf_buf_add_format(&name, "key %u", i);
		add_member(json, bf_buf_text(&name), state, 3, false);
		bf_buf_add_byte(json, ',');
		bf_buf_free(&name);
	}
	bf_buf_add_text(json, "\"deep\":");
	for (unsigned i = 0; i < depth; i++)
		bf_buf_add_text(json, i % 2 ? "[" : "{\"x\":");
	bf_buf_add_text(json, "[1e-05,1e22,-0.0,9007199254740993,null,true]");
	for (unsigned i = depth; i > 0; i--)
		bf_buf_add_text(json, (i - 1) % 2 ? "]" : "}");
	bf_buf_add_byte(json, '}');
}

/* Some texts are as long as the intake takes them. */
static unsigned
body_length(unsigned index)
{
	static const unsigned lengths[] = { 0, 5, 50, 500, 20000 };

	return index % 101 == 100 ? lengths[4] : lengths[index % 4];
}

struct bf_event *
bf_kit_event(uint64_t seed, unsigned index)
{
	static const char *const types[] = { "deploy_failed", "deploy_started",
		"incident_created", "monitoring_uptime_recovered" };
	static const char *const categories[] = { "deployment", "deployment",
		"incident", "monitoring" };
	const struct bf_event_defaults defaults = {
		"550e8400-e29b-41d4-a716-446655440000", ABOUT_NOW_US
	};
	uint64_t state = seed + UINT64_C(0x100000001b3) * index;
	struct bf_event_problem problem;
	struct bf_buf json = { 0 };
	struct bf_event *posted, *event;

	bf_buf_add_format(&json, "{\"event\":\"%s\",", types[index % 4]);
	add_member(&json, "subject", &state, index % 7 == 6 ? 400 : 4, false);
	bf_buf_add_byte(&json, ',');
	add_member(&json, "body", &state, body_length(index), true);
	bf_buf_add_byte(&json, ',');
	add_metadata(&json, &state);
	bf_buf_add_byte(&json, '}');
	posted =
	    bf_event_parse(json.data, json.size, &defaults, NULL, &problem);
	bf_buf_free(&json);
	if (!posted)
		abort(); /* what is generated is accepted */
	event = bf_event_new(index + 1, posted->type, categories[index % 4],
	    (enum bf_severity)(index % 5), posted->tenant, posted->timestamp_us,
	    &posted->json);
	bf_event_unref(&posted);
	return event;
}
