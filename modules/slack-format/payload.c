/*
 * payload.c - an event as a Slack message
 *
 * A header with the subject, the body as mrkdwn, the metadata as fields and a
 * line of context, in an attachment, as only attachments have a colour. What
 * must be shown as it is goes into plain_text objects: mrkdwn can't escape all
 * that formats.
 *
 * Sources, docs.slack.dev: "Block Kit" reference (header, section, context and
 * text objects: lengths and numbers), "Secondary message attachments",
 * "Formatting message text" (escapes, dates, verbatim), "Truncating really long
 * messages" (text: 4,000 advised, 40,000 at most). That the texts of all blocks
 * may not be longer than about 13,000 together (msg_blocks_too_long) is not
 * documented: it was found by those who met it.
 *
 * Nobody says whether Slack counts code points or UTF-16 units; what is within
 * a limit in the larger number is within it in the other.
 */
#include "slack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MOST 4000
#define HEADER_MOST 150
#define SECTION_MOST 3000
#define FIELD_MOST 2000
#define FIELD_NAME_MOST 200 /* so that something of the value is seen */
#define FIELDS_MOST 10      /* in a section */
#define FIELDS_SIZE 5000    /* of all fields: keeps the message below 13,000 */
#define CONTEXT_MOST 200    /* of the type, and of the tenant */

/* Slack's own palette, but for info. */
static const char *const colours[] = {
	[BF_SEVERITY_INFO] = "#439fe0",
	[BF_SEVERITY_SUCCESS] = "#2eb67d",
	[BF_SEVERITY_WARNING] = "#ecb22e",
	[BF_SEVERITY_ERROR] = "#e01e5a",
	[BF_SEVERITY_CRITICAL] = "#8b0000",
};

static struct bf_limit
units(size_t most)
{
	return (struct bf_limit){ most, BF_UNIT_UTF16 };
}

/* ---- literal text ---- */

/* Appends text with & < > as entities, which is how Slack keeps all text. */
static void
escape(struct bf_buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			bf_buf_add_text(out, "&amp;");
			break;
		case '<':
			bf_buf_add_text(out, "&lt;");
			break;
		case '>':
			bf_buf_add_text(out, "&gt;");
			break;
		default:
			bf_buf_add_byte(out, *text);
		}
	}
}

/* Makes literal of at most most units of text; returns how many it has. */
static size_t
try_literal(struct bf_buf *literal, const char *text, size_t most)
{
	struct bf_buf plain = { 0 };

	bf_markup_text(&plain, BF_PLAIN_TEXT, text, units(most));
	bf_buf_clear(literal);
	escape(literal, bf_buf_text(&plain));
	bf_buf_free(&plain);
	return bf_length(bf_buf_text(literal), literal->size, BF_UNIT_UTF16);
}

/* Appends text to be shown as it is, shortened to most units with its escapes
 * counted: the longest that fits is searched for. */
static void
add_literal(struct bf_buf *out, const char *text, size_t most)
{
	struct bf_buf literal = { 0 };
	size_t fits = 0, above = most;

	if (try_literal(&literal, text, most) > most) {
		while (fits + 1 < above) {
			const size_t middle = fits + (above - fits) / 2;

			if (try_literal(&literal, text, middle) <= most)
				fits = middle;
			else
				above = middle;
		}
		try_literal(&literal, text, fits);
	}
	bf_buf_add(out, literal.data, literal.size);
	bf_buf_free(&literal);
}

/* The subject; an event without one is called by its type. */
static const char *
title_of(const struct bf_event *event)
{
	const char *subject = bf_event_subject(event);

	return bf_is_blank(subject) ? bf_event_type(event) : subject;
}

/* ---- parts of the message ---- */

static cJSON *
plain_text(const char *text)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "type", "plain_text");
	cJSON_AddStringToObject(object, "text", text);
	/* ":tada:" stays what it is. */
	cJSON_AddFalseToObject(object, "emoji");
	return object;
}

/* verbatim: Slack looks for no links, channels and names in it by itself. */
static cJSON *
mrkdwn(const char *text)
{
	cJSON *object = cJSON_CreateObject();

	cJSON_AddStringToObject(object, "type", "mrkdwn");
	cJSON_AddStringToObject(object, "text", text);
	cJSON_AddTrueToObject(object, "verbatim");
	return object;
}

static cJSON *
add_block(cJSON *blocks, const char *type)
{
	cJSON *block = cJSON_CreateObject();

	cJSON_AddStringToObject(block, "type", type);
	cJSON_AddItemToArray(blocks, block);
	return block;
}

static void
add_header(cJSON *blocks, const struct bf_event *event)
{
	struct bf_buf text = { 0 };

	add_literal(&text, title_of(event), HEADER_MOST);
	cJSON_AddItemToObject(add_block(blocks, "header"), "text",
	    plain_text(text.data));
	bf_buf_free(&text);
}

static void
add_body(cJSON *blocks, const struct bf_event *event)
{
	struct bf_buf text = { 0 };

	bf_html_convert(&text, BF_SLACK_MRKDWN, bf_event_body(event),
	    units(SECTION_MOST));
	if (!bf_is_blank(bf_buf_text(&text)))
		cJSON_AddItemToObject(add_block(blocks, "section"), "text",
		    mrkdwn(text.data));
	bf_buf_free(&text);
}

/* Adds a field of most units at most; returns how many it has. */
static size_t
add_field(cJSON *fields, const struct bf_field *field, size_t most)
{
	const size_t name_most =
	    most / 2 < FIELD_NAME_MOST ? most / 2 : FIELD_NAME_MOST;
	struct bf_buf text = { 0 };
	size_t size;

	add_literal(&text, field->name, name_most);
	bf_buf_add_byte(&text, '\n');
	size = bf_length(text.data, text.size, BF_UNIT_UTF16);
	add_literal(&text, field->value, most - size);
	size = bf_length(text.data, text.size, BF_UNIT_UTF16);
	/* A member without name and value still is one. */
	cJSON_AddItemToArray(fields,
	    plain_text(bf_is_blank(text.data) ? "-" : text.data));
	bf_buf_free(&text);
	return size;
}

/* Adds the metadata; returns how many members had no room. */
static size_t
add_fields(cJSON *blocks, const struct bf_event *event)
{
	struct bf_field known[FIELDS_MOST];
	const size_t all = bf_event_fields(event, known, FIELDS_MOST);
	const size_t count = all < FIELDS_MOST ? all : FIELDS_MOST;
	size_t left = FIELDS_SIZE;
	cJSON *fields;

	if (count == 0)
		return 0;
	fields = cJSON_AddArrayToObject(add_block(blocks, "section"), "fields");
	for (size_t i = 0; i < count; i++) {
		/* An equal share of what the others left. */
		const size_t share = left / (count - i);

		left -= add_field(fields, &known[i],
		    share < FIELD_MOST ? share : FIELD_MOST);
	}
	return all - count;
}

/* The time, as the reader's own clock and language have it. */
static cJSON *
date_of(const struct bf_event *event)
{
	const char *written = bf_event_timestamp(event);
	const long long seconds =
	    (long long)(bf_event_instant(event).ms / 1000);
	/* "2026-04-10T15:30:45.123456+00:00" without its fraction. */
	char *text =
	    bf_strf("<!date^%lld^{date_short_pretty} {time_secs}|%.10s %.8s "
		    "UTC>",
		seconds, written, written + 11);
	cJSON *object = mrkdwn(text);

	free(text);
	return object;
}

static void
add_context(cJSON *blocks, const struct bf_event *event, size_t more)
{
	cJSON *elements =
	    cJSON_AddArrayToObject(add_block(blocks, "context"), "elements");
	const char *const texts[] = { bf_event_type(event),
		bf_event_tenant(event) };

	for (size_t i = 0; i < 2; i++) {
		struct bf_buf text = { 0 };

		add_literal(&text, texts[i], CONTEXT_MOST);
		if (!bf_is_blank(bf_buf_text(&text)))
			cJSON_AddItemToArray(elements, plain_text(text.data));
		bf_buf_free(&text);
	}
	cJSON_AddItemToArray(elements, date_of(event));
	if (more > 0) {
		char *text = bf_strf("and %zu more", more);

		cJSON_AddItemToArray(elements, plain_text(text));
		free(text);
	}
}

/* ---- the message ---- */

/* What notifications show, after those whom the operator wants mentioned. */
static void
add_text(cJSON *message, const struct slack_conf *slack,
    const struct bf_event *event)
{
	const char *severity = bf_severity_name(bf_event_severity(event));
	struct bf_buf text = { 0 };
	struct bf_limit limit;

	for (size_t i = 0; i < slack->mention.count; i++) {
		if (strcmp(slack->mention.items[i].name, severity) == 0)
			bf_buf_add_format(&text, "%s ",
			    slack->mention.items[i].value);
	}
	limit = units(TEXT_MOST -
		      bf_length(bf_buf_text(&text), text.size, BF_UNIT_UTF16));
	bf_markup_text(&text, BF_SLACK_MRKDWN, title_of(event), limit);
	cJSON_AddStringToObject(message, "text", bf_buf_text(&text));
	bf_buf_free(&text);
}

static void
add_option(cJSON *message, const char *name, const char *value)
{
	if (value)
		cJSON_AddStringToObject(message, name, value);
}

void
slack_payload(const struct slack_conf *slack, const struct bf_event *event,
    struct bf_buf *json)
{
	cJSON *message = cJSON_CreateObject();
	cJSON *attachment = cJSON_CreateObject();
	cJSON *blocks;
	char *text;
	size_t more;

	add_text(message, slack, event);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(message, "attachments"),
	    attachment);
	cJSON_AddStringToObject(attachment, "color",
	    colours[bf_event_severity(event)]);
	blocks = cJSON_AddArrayToObject(attachment, "blocks");
	add_header(blocks, event);
	add_body(blocks, event);
	more = add_fields(blocks, event);
	add_context(blocks, event, more);
	add_option(message, "username", slack->username);
	add_option(message, "icon_emoji", slack->icon_emoji);
	add_option(message, "channel", slack->channel);
	text = cJSON_PrintUnformatted(message);
	bf_buf_add_text(json, text);
	cJSON_free(text);
	cJSON_Delete(message);
}
