/*
 * payload.c - an event as a Discord message with one embed
 *
 * Sources, discord.com/developers/docs: "Webhook", execute (parameters);
 * "Message", embed object and embed limits, allowed mentions object. Titles,
 * names and values of fields and the description are Markdown, a footer is
 * not. Nothing in an embed mentions anybody; the content, which would, has the
 * operator's mentions only.
 *
 * Discord counts some limits in code points: what is within them in UTF-16
 * units, which are never fewer, is within them in any case.
 */
#include "discord.h"

#include <stdlib.h>
#include <string.h>

#define TITLE_MOST 256
#define DESCRIPTION_MOST 4096
#define FIELDS_MOST 25
#define FIELD_NAME_MOST 256
#define FIELD_VALUE_MOST 1024
#define FOOTER_MOST 300 /* of 2,048: type and tenant are short */
#define EMBED_MOST 6000 /* title, description, fields and footer together */
#define INLINE_MOST 40  /* longer values have a line of their own */

#define NOTHING "\xe2\x80\x8b" /* U+200B: empty names and values are refused   \
				*/

static const int colours[] = {
	[BF_SEVERITY_INFO] = 0x3498db,
	[BF_SEVERITY_SUCCESS] = 0x2ecc71,
	[BF_SEVERITY_WARNING] = 0xf1c40f,
	[BF_SEVERITY_ERROR] = 0xe74c3c,
	[BF_SEVERITY_CRITICAL] = 0x992d22,
};

static struct bf_limit
units(size_t most)
{
	return (struct bf_limit){ most, BF_UNIT_UTF16 };
}

/* Adds a text as a member; returns how many units it has. */
static size_t
add_member(cJSON *object, const char *name, const struct bf_buf *text)
{
	cJSON_AddStringToObject(object, name, bf_buf_text(text));
	return bf_length(bf_buf_text(text), text->size, BF_UNIT_UTF16);
}

static size_t
add_title(cJSON *embed, const struct bf_event *event)
{
	const char *subject = bf_event_subject(event);
	struct bf_buf text = { 0 };
	size_t size;

	bf_markup_text(&text, BF_DISCORD_MARKDOWN,
	    bf_is_blank(subject) ? bf_event_type(event) : subject,
	    units(TITLE_MOST));
	size = add_member(embed, "title", &text);
	bf_buf_free(&text);
	return size;
}

static size_t
add_description(cJSON *embed, const struct bf_event *event)
{
	struct bf_buf text = { 0 };
	size_t size = 0;

	bf_html_convert(&text, BF_DISCORD_MARKDOWN, bf_event_body(event),
	    units(DESCRIPTION_MOST));
	if (*bf_buf_text(&text))
		size = add_member(embed, "description", &text);
	bf_buf_free(&text);
	return size;
}

static size_t
add_footer(cJSON *embed, const struct bf_event *event)
{
	cJSON *footer = cJSON_AddObjectToObject(embed, "footer");
	char *words = bf_strf("%s \xc2\xb7 %s", bf_event_type(event),
	    bf_event_tenant(event));
	struct bf_buf text = { 0 };
	size_t size;

	bf_markup_text(&text, BF_PLAIN_TEXT, words, units(FOOTER_MOST));
	size = add_member(footer, "text", &text);
	bf_buf_free(&text);
	free(words);
	return size;
}

/* Adds a name or a value of a field; returns how many units it has. */
static size_t
add_part(cJSON *object, const char *name, const char *value, size_t most)
{
	struct bf_buf text = { 0 };
	size_t size;

	bf_markup_text(&text, BF_DISCORD_MARKDOWN, value, units(most));
	if (bf_is_blank(bf_buf_text(&text))) {
		bf_buf_clear(&text);
		bf_buf_add_text(&text, NOTHING);
	}
	size = add_member(object, name, &text);
	bf_buf_free(&text);
	return size;
}

/* Adds a field of most units at most; returns how many it has. */
static size_t
add_field(cJSON *fields, const char *name, const char *value, size_t most)
{
	const size_t half = most / 2;
	cJSON *field = cJSON_CreateObject();
	size_t name_size, value_size;

	name_size = add_part(field, "name", name,
	    half < FIELD_NAME_MOST ? half : FIELD_NAME_MOST);
	most -= name_size;
	value_size = add_part(field, "value", value,
	    most < FIELD_VALUE_MOST ? most : FIELD_VALUE_MOST);
	cJSON_AddBoolToObject(field, "inline", value_size <= INLINE_MOST);
	cJSON_AddItemToArray(fields, field);
	return name_size + value_size;
}

/* Adds the metadata within what is left of the embed's units. */
static void
add_fields(cJSON *embed, const struct bf_event *event, size_t left)
{
	struct bf_field known[FIELDS_MOST];
	const size_t all = bf_event_fields(event, known, FIELDS_MOST);
	const size_t shown = all <= FIELDS_MOST ? all : FIELDS_MOST - 1;
	cJSON *fields;

	if (all == 0)
		return;
	fields = cJSON_AddArrayToObject(embed, "fields");
	for (size_t i = 0; i < shown; i++)
		/* An equal share of what the others left; one for the rest. */
		left -= add_field(fields, known[i].name, known[i].value,
		    left / (shown - i + (all > shown)));
	if (all > shown) {
		char *more = bf_strf("and %zu more", all - shown);

		add_field(fields, NOTHING, more, left);
		free(more);
	}
}

/* Adds those whom the operator wants mentioned, and allows nobody else. */
static void
add_mentions(cJSON *message, const struct discord_conf *discord,
    const struct bf_event *event)
{
	static const char *const
	    lists[] = { [DISCORD_ROLE] = "roles", [DISCORD_USER] = "users" };
	const char *severity = bf_severity_name(bf_event_severity(event));
	cJSON *allowed = cJSON_CreateObject();
	cJSON *parse = cJSON_AddArrayToObject(allowed, "parse");
	struct bf_buf content = { 0 };

	for (size_t i = 0; i < discord->mention.count; i++) {
		const struct bf_pair *pair = &discord->mention.items[i];
		enum discord_mention kind;
		cJSON *list = parse;
		char id[24];

		if (strcmp(pair->name, severity) != 0 ||
		    discord_mention_parse(pair->value, &kind, id) == -1)
			continue;
		if (kind != DISCORD_EVERYONE) {
			list = cJSON_GetObjectItemCaseSensitive(allowed,
			    lists[kind]);
			if (!list)
				list = cJSON_AddArrayToObject(allowed,
				    lists[kind]);
		}
		if (kind != DISCORD_EVERYONE || cJSON_GetArraySize(list) == 0)
			cJSON_AddItemToArray(list,
			    cJSON_CreateString(
				kind == DISCORD_EVERYONE ? "everyone" : id));
		bf_buf_add_format(&content, "%s%s", content.size > 0 ? " " : "",
		    pair->value);
	}
	if (content.size > 0)
		cJSON_AddStringToObject(message, "content", content.data);
	cJSON_AddItemToObject(message, "allowed_mentions", allowed);
	bf_buf_free(&content);
}

void
discord_payload(const struct discord_conf *discord,
    const struct bf_event *event, struct bf_buf *json)
{
	cJSON *message = cJSON_CreateObject();
	cJSON *embed = cJSON_CreateObject();
	size_t used;
	char *text;

	cJSON_AddItemToArray(cJSON_AddArrayToObject(message, "embeds"), embed);
	used = add_title(embed, event);
	used += add_description(embed, event);
	used += add_footer(embed, event);
	cJSON_AddNumberToObject(embed, "color",
	    colours[bf_event_severity(event)]);
	cJSON_AddStringToObject(embed, "timestamp", bf_event_timestamp(event));
	add_fields(embed, event, EMBED_MOST - used);
	add_mentions(message, discord, event);
	if (discord->username)
		cJSON_AddStringToObject(message, "username", discord->username);
	if (discord->avatar_url.text)
		cJSON_AddStringToObject(message, "avatar_url",
		    discord->avatar_url.text);
	text = cJSON_PrintUnformatted(message);
	bf_buf_add_text(json, text);
	cJSON_free(text);
	cJSON_Delete(message);
}
