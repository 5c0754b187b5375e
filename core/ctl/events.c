/*
 * events.c - belfryctl send, explain, events
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/ctl/ctl.h"

/* Prints what the daemon said to one event. */
static void
print_accepted(const cJSON *json)
{
	const cJSON *delivery,
	    *deliveries = cJSON_GetObjectItemCaseSensitive(json, "deliveries");

	printf("accepted %s\n", bf_json_text(json, "id"));
	cJSON_ArrayForEach(delivery, deliveries)
	{
		const char *id = bf_json_text(delivery, "id");

		printf("  %s  ", id ? id : "");
		bf_print_text(bf_json_text(delivery, "channel"));
		putchar('\n');
	}
	if (bf_json_text(json, "reason")) {
		fputs("  no deliveries: ", stdout);
		bf_print_text(bf_json_text(json, "reason"));
		fputs(" (see belfryctl explain)\n", stdout);
	}
}

/* Prints what the daemon said to each line of a batch, in order; returns the
 * exit status of the worst. */
static int
finish_batch(const struct bf_ctl *ctl, const struct bf_answer *answer)
{
	int worst = BF_CTL_OK, number = 0;
	const char *line = answer->text;

	if (ctl->json)
		fputs(answer->text, stdout);
	while (*line) {
		struct bf_answer one = { 0 };
		int status;

		number++;
		one.json = cJSON_ParseWithOpts(line, &line, 0);
		if (!one.json)
			break;
		line += strspn(line, "\n");
		one.status = (long)bf_json_number(one.json, "status");
		status = bf_ctl_line_status(&one, number);
		if (status == BF_CTL_OK && !ctl->json)
			print_accepted(one.json);
		worst = status > worst ? status : worst;
		cJSON_Delete(one.json);
	}
	return worst;
}

static int
finish_send(struct bf_ctl *ctl, struct bf_answer *answer, bool batch)
{
	int status = bf_ctl_status(answer);

	if (status == BF_CTL_OK && batch)
		status = finish_batch(ctl, answer);
	else if (status == BF_CTL_OK && ctl->json)
		puts(answer->text);
	else if (status == BF_CTL_OK)
		print_accepted(answer->json);
	bf_answer_free(answer);
	return status;
}

static int
post(struct bf_ctl *ctl, bool batch, const char *key, const char *text,
    size_t size)
{
	const char *type = batch ? "application/x-ndjson" : "application/json";
	struct bf_answer answer;
	struct bf_error err;

	if (bf_client_post(ctl->client, "/v1/events", type, key, text, size,
		&answer, &err) == -1) {
		fprintf(stderr, "belfryctl: %s\n", err.text);
		return BF_CTL_UNREACHABLE;
	}
	return finish_send(ctl, &answer, batch);
}

/* Adds the words NAME=VALUE as metadata: a value that is JSON as that, any
 * other as a string. 0, or -1 when a word has no name or no "=". */
static int
add_metadata(cJSON *event, char **words, int count, const char **wrong)
{
	cJSON *metadata;

	if (count == 0)
		return 0;
	metadata = cJSON_AddObjectToObject(event, "metadata");
	for (int i = 0; i < count; i++) {
		char *equals = strchr(words[i], '=');
		cJSON *value;

		if (!equals || equals == words[i]) {
			*wrong = words[i];
			return -1;
		}
		*equals = '\0';
		value = cJSON_ParseWithOpts(equals + 1, NULL, 1);
		if (!value || cJSON_IsNumber(value)) {
			/* cJSON would round a long number: keep its digits. */
			cJSON *kept = value ? cJSON_CreateRaw(equals + 1)
					    : cJSON_CreateString(equals + 1);

			cJSON_Delete(value);
			value = kept;
		}
		cJSON_AddItemToObject(metadata, words[i], value);
	}
	return 0;
}

struct event_words {
	const char *subject, *body, *tenant, *timestamp;
};

static int
send_words(struct bf_ctl *ctl, const struct event_words *given, const char *key)
{
	cJSON *event = cJSON_CreateObject();
	const char *wrong;
	char *text;
	int status;

	bf_ctl_add(event, "event", ctl->argv[0]);
	bf_ctl_add(event, "subject", given->subject);
	bf_ctl_add(event, "body", given->body);
	bf_ctl_add(event, "tenant_id", given->tenant);
	bf_ctl_add(event, "timestamp", given->timestamp);
	if (add_metadata(event, ctl->argv + 2,
		ctl->argc > 2 ? ctl->argc - 2 : 0, &wrong) == -1) {
		cJSON_Delete(event);
		return bf_ctl_usage(ctl, "metadata \"%s\": expected NAME=VALUE",
		    wrong);
	}
	text = cJSON_PrintUnformatted(event);
	status = post(ctl, false, key, text, strlen(text));
	cJSON_free(text);
	cJSON_Delete(event);
	return status;
}

int
bf_ctl_send(struct bf_ctl *ctl)
{
	struct event_words given = { 0 };
	const char *key = NULL, *file = NULL;
	bool batch = false;
	const struct bf_ctl_option options[] = {
		{ "body", 'b', "HTML", "body of the event", &given.body, NULL },
		{ "tenant", 't', "ID", "tenant, if not the default one",
		    &given.tenant, NULL },
		{ "timestamp", 0, "TIME", "when it happened (RFC 3339)",
		    &given.timestamp, NULL },
		{ "key", 'k', "KEY", "idempotency key", &key, NULL },
		{ "file", 'f', "FILE",
		    "post a file of JSON; - is standard input", &file, NULL },
		{ "batch", 0, NULL, "the file has one event a line (NDJSON)",
		    NULL, &batch },
		{ 0 },
	};
	struct bf_buf text = { 0 };
	int status;

	if (bf_ctl_options(ctl, options, 0, 1000, &status) == -1)
		return status;
	if (file && ctl->argc > 0)
		return bf_ctl_usage(ctl, "give either --file or TYPE SUBJECT");
	if (batch && !file)
		return bf_ctl_usage(ctl, "--batch needs --file FILE");
	if (batch && key)
		return bf_ctl_usage(ctl,
		    "--key is for one event: a line of a batch may have an "
		    "idempotency_key");
	if (key && !*key)
		return bf_ctl_usage(ctl, "--key is empty: expected a key");
	if (file && (given.body || given.tenant || given.timestamp))
		return bf_ctl_usage(ctl,
		    "what --file posts has its own body, tenant and time");
	if (!file && ctl->argc < 2)
		return bf_ctl_usage(ctl,
		    "expected TYPE SUBJECT [NAME=VALUE...], or --file FILE");
	if (!file) {
		given.subject = ctl->argv[1];
		return send_words(ctl, &given, key);
	}
	if (bf_ctl_read_file(file, &text) == -1)
		return BF_CTL_USAGE;
	status = post(ctl, batch, key, text.data, text.size);
	bf_buf_free(&text);
	return status;
}

/* any: whether a channel gets the event. */
static void
print_explained(const cJSON *json, bool any)
{
	struct bf_table table;
	const cJSON *channel;

	bf_table_begin(&table, 4, "CHANNEL", "MODULE", "GETS IT", "WHY");
	cJSON_ArrayForEach(channel,
	    cJSON_GetObjectItemCaseSensitive(json, "channels"))
	{
		bf_table_cell(&table, bf_json_text(channel, "channel"));
		bf_table_cell(&table, bf_json_text(channel, "module"));
		bf_table_cell(&table,
		    bf_json_true(channel, "receives") ? "yes" : "no");
		bf_table_cell(&table, bf_json_text(channel, "reason"));
	}
	bf_table_print(&table, NULL);
	if (!any && bf_json_text(json, "reason")) {
		fputs("no channel gets it: ", stdout);
		bf_print_text(bf_json_text(json, "reason"));
		putchar('\n');
	}
}

int
bf_ctl_explain(struct bf_ctl *ctl)
{
	const char *tenant = NULL;
	const struct bf_ctl_option options[] = {
		{ "tenant", 't', "ID", "tenant, if not the default one",
		    &tenant, NULL },
		{ 0 },
	};
	struct bf_answer answer;
	const cJSON *channel, *channels;
	bool any = false;
	cJSON *body;
	int status;

	if (bf_ctl_options(ctl, options, 1, 1, &status) == -1)
		return status;
	body = cJSON_CreateObject();
	bf_ctl_add(body, "event", ctl->argv[0]);
	bf_ctl_add(body, "tenant_id", tenant);
	status =
	    bf_ctl_request(ctl, "POST", "/v1/explain", NULL, body, &answer);
	if (status != BF_CTL_OK)
		return status;
	channels = cJSON_GetObjectItemCaseSensitive(answer.json, "channels");
	cJSON_ArrayForEach(channel, channels) any =
	    any || bf_json_true(channel, "receives");
	if (ctl->json)
		puts(answer.text);
	else
		print_explained(answer.json, any);
	bf_answer_free(&answer);
	return any ? BF_CTL_OK : BF_CTL_NO;
}

static void
print_types(const cJSON *json)
{
	struct bf_table table;
	const cJSON *type;

	bf_table_begin(&table, 6, "EVENT TYPE", "CATEGORY", "SEVERITY",
	    "ENABLED", "SET BY", "DESCRIPTION");
	cJSON_ArrayForEach(type,
	    cJSON_GetObjectItemCaseSensitive(json, "event_types"))
	{
		bf_table_cell(&table, bf_json_text(type, "name"));
		bf_table_cell(&table, bf_json_text(type, "category"));
		bf_table_cell(&table, bf_json_text(type, "severity"));
		bf_table_cell(&table,
		    bf_json_true(type, "enabled") ? "on" : "off");
		bf_table_cell(&table, bf_json_text(type, "source"));
		bf_table_cell(&table, bf_json_text(type, "description"));
	}
	bf_table_print(&table, "event types");
}

static void
print_type(const cJSON *type)
{
	const cJSON *key,
	    *metadata = cJSON_GetObjectItemCaseSensitive(type, "metadata");
	const char *file = bf_json_text(type, "file");

	bf_print_field("event type", bf_json_text(type, "name"));
	bf_print_field("description", bf_json_text(type, "description"));
	bf_print_field("category", bf_json_text(type, "category"));
	bf_print_field("severity", bf_json_text(type, "severity"));
	bf_print_field("enabled", bf_json_true(type, "enabled") ? "on" : "off");
	bf_print_field("default", bf_json_true(type, "default") ? "on" : "off");
	bf_print_field("set by", bf_json_text(type, "source"));
	if (file) {
		char *place =
		    bf_strf("%s:%.0f", file, bf_json_number(type, "line"));

		bf_print_field("defined in", place);
		free(place);
	}
	if (cJSON_GetArraySize(metadata) > 0)
		puts("\nusual metadata (not enforced):");
	cJSON_ArrayForEach(key, metadata)
	{
		printf("  %-22s ", key->string);
		bf_print_text(cJSON_IsString(key) ? key->valuestring : "");
		putchar('\n');
	}
}

static int
set_toggle(struct bf_ctl *ctl, const char *tenant)
{
	const char *word = ctl->argv[1];
	const bool reset = strcmp(word, "default") == 0;
	struct bf_answer answer;
	cJSON *body = NULL;
	char *path;
	int status;

	if (!reset && strcmp(word, "on") != 0 && strcmp(word, "off") != 0)
		return bf_ctl_usage(ctl, "\"%s\": expected on, off or default",
		    word);
	if (!reset) {
		body = cJSON_CreateObject();
		cJSON_AddBoolToObject(body, "enabled", strcmp(word, "on") == 0);
		bf_ctl_add(body, "tenant_id", tenant);
	}
	path = bf_ctl_path("/v1/event-types/%s/toggle", ctl->argv[0]);
	status = bf_ctl_ask(ctl, reset ? "DELETE" : "PUT", path, NULL, body,
	    &answer);
	free(path);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	print_type(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

int
bf_ctl_events(struct bf_ctl *ctl)
{
	const char *tenant = NULL;
	const struct bf_ctl_option options[] = {
		{ "tenant", 't', "ID", "whose toggles, if not the default's",
		    &tenant, NULL },
		{ 0 },
	};
	struct bf_answer answer;
	cJSON *query;
	char *path;
	int status;

	if (bf_ctl_options(ctl, options, 0, 2, &status) == -1)
		return status;
	if (ctl->argc == 2)
		return set_toggle(ctl, tenant);
	query = cJSON_CreateObject();
	bf_ctl_add(query, "tenant_id", tenant);
	path = ctl->argc == 1 ? bf_ctl_path("/v1/event-types/%s", ctl->argv[0])
			      : bf_strdup("/v1/event-types");
	status = bf_ctl_ask(ctl, "GET", path, query, NULL, &answer);
	free(path);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	if (ctl->argc == 1)
		print_type(answer.json);
	else
		print_types(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}
