/*
 * compose.c - prints the mail for each line of standard input in base64, or
 * "!" and why there is none: for tests that read mails with other programs
 *
 * A line is a JSON object: from, to, cc (lists of words), reply_to,
 * subject_prefix, domain, list_id, event (as posted), dkim (domain, selector,
 * key: PEM), and time (seconds, of the signature).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/encode.h>
#include <belfry/json.h>

#include "core/event/parse.h"
#include "modules/smtp/dkim.h"
#include "modules/smtp/message.h"

static const char *
text_of(const cJSON *line, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(line, name));
}

static int
read_addresses(const cJSON *line, const char *name,
    struct smtp_addresses *addresses, struct bf_error *err)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(line, name);
	const cJSON *item;
	struct bf_strings words = { 0 };
	int status;

	cJSON_ArrayForEach(item, list)
	    bf_strings_add(&words, cJSON_GetStringValue(item));
	status = smtp_addresses_parse(addresses, &words, err);
	if (status == -1)
		bf_error_prefix(err, "%s", name);
	bf_strings_free(&words);
	return status;
}

static struct bf_event *
read_event(const cJSON *line, struct bf_error *err)
{
	static const struct bf_event_defaults defaults = { "tenant",
		1760000000000000 };
	struct bf_event_problem problem;
	struct bf_buf json = { 0 };
	struct bf_event *event;

	bf_json_print(&json, cJSON_GetObjectItemCaseSensitive(line, "event"));
	event = bf_event_parse(json.data, json.size, &defaults, NULL, &problem);
	if (!event)
		bf_error_set(err, "%s: %s", problem.field, problem.error.text);
	bf_buf_free(&json);
	return event;
}

static int
sign(const cJSON *line, struct bf_buf *message, struct bf_error *err)
{
	const cJSON *dkim = cJSON_GetObjectItemCaseSensitive(line, "dkim");
	const char *time = text_of(line, "time");
	struct smtp_dkim *key;
	int status = -1;

	if (!dkim)
		return 0;
	key = smtp_dkim_new(text_of(dkim, "domain"), text_of(dkim, "selector"),
	    text_of(dkim, "key"), strlen(text_of(dkim, "key")), err);
	if (key)
		status = smtp_dkim_sign(key, message,
		    (struct bf_instant){ time ? atoll(time) * 1000 : 0 }, err);
	smtp_dkim_free(&key);
	return status;
}

static int
compose(const cJSON *line, struct bf_buf *message, struct bf_error *err)
{
	struct smtp_addresses from = { 0 }, to = { 0 }, cc = { 0 };
	struct smtp_addresses reply_to = { 0 };
	struct bf_event *event = NULL;
	int status = -1;

	if (read_addresses(line, "from", &from, err) == 0 &&
	    read_addresses(line, "to", &to, err) == 0 &&
	    read_addresses(line, "cc", &cc, err) == 0 &&
	    read_addresses(line, "reply_to", &reply_to, err) == 0 &&
	    (event = read_event(line, err)) != NULL) {
		const struct smtp_message parts = {
			.from = from.items,
			.to = &to,
			.cc = &cc,
			.reply_to = reply_to.items,
			.subject_prefix = text_of(line, "subject_prefix"),
			.domain = text_of(line, "domain"),
			.list_id = text_of(line, "list_id"),
			.delivery_id = "dlv_0123456789abcdef0000002a",
			.event = event,
		};

		status = smtp_message(message, &parts, err);
		if (status == 0)
			status = sign(line, message, err);
	}
	bf_event_unref(&event);
	smtp_addresses_clear(&from);
	smtp_addresses_clear(&to);
	smtp_addresses_clear(&cc);
	smtp_addresses_clear(&reply_to);
	return status;
}

int
main(void)
{
	char *text = NULL;
	size_t capacity = 0;
	ssize_t size;

	while ((size = getline(&text, &capacity, stdin)) > 0) {
		struct bf_buf message = { 0 }, coded = { 0 };
		struct bf_error err;
		cJSON *line = bf_json_parse(text, (size_t)size - 1, &err);

		if (line && compose(line, &message, &err) == 0) {
			bf_encode_base64(&coded, message.data, message.size);
			puts(coded.data);
		} else {
			printf("!%s\n", err.text);
		}
		cJSON_Delete(line);
		bf_buf_free(&message);
		bf_buf_free(&coded);
	}
	free(text);
	return 0;
}
