/*
 * deliveries.c - belfryctl deliveries, show, replay, cancel
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/ctl/ctl.h"
#include "core/ctl/selection.h"

cJSON *
bf_selection_query(const struct bf_selection *selection)
{
	cJSON *query = cJSON_CreateObject();

	bf_ctl_add(query, "state", selection->state);
	bf_ctl_add(query, "channel", selection->channel);
	bf_ctl_add(query, "event", selection->event);
	bf_ctl_add(query, "tenant_id", selection->tenant);
	bf_ctl_add(query, "since", selection->since);
	bf_ctl_add(query, "until", selection->until);
	bf_ctl_add(query, "limit", selection->limit);
	return query;
}

static void
print_deliveries(const cJSON *json)
{
	const cJSON *deliveries =
	    cJSON_GetObjectItemCaseSensitive(json, "deliveries");
	const bool tenants = bf_json_differ(deliveries, "tenant_id");
	struct bf_table table;
	const cJSON *delivery;

	if (tenants)
		bf_table_begin(&table, 8, "DELIVERY", "ACCEPTED", "TENANT",
		    "EVENT", "CHANNEL", "STATE", "TRIES", "SUBJECT");
	else
		bf_table_begin(&table, 7, "DELIVERY", "ACCEPTED", "EVENT",
		    "CHANNEL", "STATE", "TRIES", "SUBJECT");
	table.cut = true;
	cJSON_ArrayForEach(delivery, deliveries)
	{
		bf_table_cell(&table, bf_json_text(delivery, "id"));
		bf_table_cell(&table, bf_json_text(delivery, "accepted_at"));
		if (tenants)
			bf_table_cell(&table,
			    bf_json_text(delivery, "tenant_id"));
		bf_table_cell(&table, bf_json_text(delivery, "event"));
		bf_table_cell(&table, bf_json_text(delivery, "channel"));
		bf_table_cell(&table, bf_json_text(delivery, "state"));
		bf_table_number(&table,
		    bf_json_number(delivery, "attempt_count"));
		bf_table_cell(&table, bf_json_text(delivery, "subject"));
	}
	bf_table_print(&table, "deliveries");
}

int
bf_ctl_check_event(struct bf_ctl *ctl, const char *event)
{
	char *path = bf_ctl_path("/v1/event-types/%s", event);
	struct bf_answer answer;
	int status = bf_ctl_request(ctl, "GET", path, NULL, NULL, &answer);

	free(path);
	if (status == BF_CTL_OK)
		bf_answer_free(&answer);
	return status;
}

int
bf_ctl_deliveries(struct bf_ctl *ctl)
{
	struct bf_selection selection = { 0 };
	bool following = false;
	const struct bf_ctl_option options[] = {
		{ "state", 's', "STATE",
		    "scheduled, sending, delivered, failed or cancelled",
		    &selection.state, NULL },
		{ "channel", 'c', "NAME", "of this channel", &selection.channel,
		    NULL },
		{ "event", 'e', "TYPE", "of this event type", &selection.event,
		    NULL },
		{ "tenant", 't', "ID", "of this tenant", &selection.tenant,
		    NULL },
		{ "since", 0, "TIME", "accepted at or after (RFC 3339)",
		    &selection.since, NULL },
		{ "until", 0, "TIME", "accepted before", &selection.until,
		    NULL },
		{ "limit", 'n', "COUNT", "at most this many (50)",
		    &selection.limit, NULL },
		{ "follow", 'f', NULL, "print changes as they happen", NULL,
		    &following },
		{ 0 },
	};
	struct bf_answer answer;
	int status;

	if (bf_ctl_options(ctl, options, 0, 0, &status) == -1)
		return status;
	if (following)
		return bf_ctl_follow(ctl, &selection);
	status = bf_ctl_ask(ctl, "GET", "/v1/deliveries",
	    bf_selection_query(&selection), NULL, &answer);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	print_deliveries(answer.json);
	if (bf_json_text(answer.json, "next"))
		bf_print_aside(
		    "(there are more: narrow the list, or raise --limit)\n");
	/* There may be deliveries of a type that the conf file has no more. */
	if (selection.event &&
	    cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer.json,
		"deliveries")) == 0)
		status = bf_ctl_check_event(ctl, selection.event);
	bf_answer_free(&answer);
	return status;
}

static char *
milliseconds(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!cJSON_IsNumber(item) || item->valuedouble < 0)
		return NULL;
	return bf_strf("%.1f", item->valuedouble / 1000);
}

static void
print_attempts(const cJSON *attempts)
{
	static const char *const timings[] = { "took_us", "resolve_us",
		"connect_us", "tls_us", "first_byte_us" };
	struct bf_table table;
	const cJSON *attempt;

	bf_table_begin(&table, 10, "TRY", "AT", "VERDICT", "STATUS", "TOOK MS",
	    "RESOLVE", "CONNECT", "TLS", "ANSWER", "WHY");
	cJSON_ArrayForEach(attempt, attempts)
	{
		bf_table_number(&table, bf_json_number(attempt, "number"));
		bf_table_cell(&table, bf_json_text(attempt, "at"));
		bf_table_cell(&table, bf_json_text(attempt, "verdict"));
		if (bf_json_number(attempt, "status") > 0)
			bf_table_number(&table,
			    bf_json_number(attempt, "status"));
		else
			bf_table_cell(&table, NULL);
		for (size_t i = 0; i < sizeof(timings) / sizeof(*timings);
		     i++) {
			char *text = milliseconds(attempt, timings[i]);

			bf_table_cell(&table, text);
			free(text);
		}
		bf_table_cell(&table, bf_json_text(attempt, "why"));
	}
	bf_table_print(&table, NULL);
}

/* Who was tried, by attempt, and what each was answered. */
static void
print_recipients(const cJSON *attempts)
{
	struct bf_table table;
	const cJSON *attempt, *recipient;
	bool any = false;

	bf_table_begin(&table, 5, "TRY", "RECIPIENT", "VERDICT", "STATUS",
	    "REPLY");
	cJSON_ArrayForEach(attempt, attempts)
	{
		cJSON_ArrayForEach(recipient,
		    cJSON_GetObjectItemCaseSensitive(attempt, "recipients"))
		{
			any = true;
			bf_table_number(&table,
			    bf_json_number(attempt, "number"));
			bf_table_cell(&table,
			    bf_json_text(recipient, "address"));
			bf_table_cell(&table,
			    bf_json_text(recipient, "verdict"));
			if (bf_json_number(recipient, "status") > 0)
				bf_table_number(&table,
				    bf_json_number(recipient, "status"));
			else
				bf_table_cell(&table, NULL);
			bf_table_cell(&table, bf_json_text(recipient, "reply"));
		}
	}
	if (any)
		putchar('\n');
	bf_table_print(&table, NULL);
}

static void
print_excerpts(const cJSON *attempts)
{
	const cJSON *attempt;

	cJSON_ArrayForEach(attempt, attempts)
	{
		const char *excerpt = bf_json_text(attempt, "excerpt");

		if (!excerpt || !*excerpt)
			continue;
		printf("\nanswer to try %.0f begins:\n  ",
		    bf_json_number(attempt, "number"));
		bf_print_text(excerpt);
		putchar('\n');
	}
}

static void
print_whole(const cJSON *json)
{
	static const char *const names[] = { "id", "event_id", "event",
		"subject", "channel", "tenant_id", "state", "timestamp",
		"accepted_at", "due", "ended_at", "reason" };
	const cJSON *attempts =
	    cJSON_GetObjectItemCaseSensitive(json, "attempts");
	const cJSON *metadata =
	    cJSON_GetObjectItemCaseSensitive(json, "metadata");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *text = bf_json_scalar(json, names[i]);

		bf_print_field(names[i], text);
		free(text);
	}
	if (metadata) {
		char *text = cJSON_PrintUnformatted(metadata);

		bf_print_field("metadata", text);
		cJSON_free(text);
	}
	if (bf_json_text(json, "body"))
		bf_print_field("body", bf_json_text(json, "body"));
	if (cJSON_IsArray(attempts)) {
		putchar('\n');
		print_attempts(attempts);
		print_recipients(attempts);
		print_excerpts(attempts);
	}
	if (cJSON_HasObjectItem(json, "deliveries")) {
		putchar('\n');
		print_deliveries(json);
	}
}

int
bf_ctl_show(struct bf_ctl *ctl)
{
	struct bf_answer answer;
	char *path;
	int status;

	if (bf_ctl_options(ctl, NULL, 1, 1, &status) == -1)
		return status;
	path = bf_ctl_path(strncmp(ctl->argv[0], "evt_", 4) == 0
			       ? "/v1/events/%s"
			       : "/v1/deliveries/%s",
	    ctl->argv[0]);
	status = bf_ctl_ask(ctl, "GET", path, NULL, NULL, &answer);
	free(path);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	print_whole(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

/* Posts to a path; adds to *count how many deliveries that changed. Takes
 * query. */
static int
change_some(struct bf_ctl *ctl, const char *path, cJSON *query,
    const char *counted, double *count)
{
	struct bf_answer answer;
	int status = bf_ctl_request(ctl, "POST", path, query, NULL, &answer);

	if (status != BF_CTL_OK)
		return status;
	*count += bf_json_number(answer.json, counted);
	if (ctl->json)
		puts(answer.text);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

/* Does to each id, or to what is selected, what action says. none: why it may
 * have been nothing, of a selection and of ids. */
static int
change(struct bf_ctl *ctl, const struct bf_selection *selection,
    const char *action, const char *counted, const char *const none[2])
{
	char *each = bf_strf("/v1/deliveries/%%s/%s", action);
	char *all = bf_strf("/v1/deliveries/%s", action);
	int status = BF_CTL_OK;
	double count = 0;

	for (int i = 0; status == BF_CTL_OK && i < ctl->argc; i++) {
		char *path = bf_ctl_path(each, ctl->argv[i]);

		status = change_some(ctl, path, NULL, counted, &count);
		free(path);
	}
	if (ctl->argc == 0)
		status = change_some(ctl, all, bf_selection_query(selection),
		    counted, &count);
	free(each);
	free(all);
	if (status != BF_CTL_OK)
		return status;
	if (!ctl->json && count == 0)
		printf("0 %s: %s\n", counted, none[ctl->argc > 0]);
	else if (!ctl->json)
		printf("%.0f %s\n", count, counted);
	return count > 0 ? BF_CTL_OK : BF_CTL_NO;
}

/* Reads the options that replay and cancel share, then does it. */
static int
select_and_change(struct bf_ctl *ctl, const char *action, const char *counted,
    const char *const none[2])
{
	struct bf_selection selection = { 0 };
	const struct bf_ctl_option options[] = {
		{ "channel", 'c', "NAME", "all of this channel",
		    &selection.channel, NULL },
		{ "event", 'e', "TYPE", "all of this event type",
		    &selection.event, NULL },
		{ "tenant", 't', "ID", "tenant, if not the default one",
		    &selection.tenant, NULL },
		{ "since", 0, "TIME", "accepted at or after (RFC 3339)",
		    &selection.since, NULL },
		{ "until", 0, "TIME", "accepted before", &selection.until,
		    NULL },
		{ 0 },
	};
	bool selected;
	int status;

	if (bf_ctl_options(ctl, options, 0, 1000, &status) == -1)
		return status;
	selected = selection.channel || selection.event || selection.since ||
		   selection.until;
	if (selected == (ctl->argc > 0))
		return bf_ctl_usage(ctl,
		    "expected either IDs or a selection (--channel, --event, "
		    "--since, --until)");
	return change(ctl, &selection, action, counted, none);
}

int
bf_ctl_replay(struct bf_ctl *ctl)
{
	static const char *const none[] = {
		"no delivery that has failed is selected (one that was "
		"delivered is replayed by its ID)",
		"only what is there and has ended is replayed (see belfryctl "
		"show ID)",
	};

	return select_and_change(ctl, "replay", "replayed", none);
}

int
bf_ctl_cancel(struct bf_ctl *ctl)
{
	static const char *const none[] = {
		"no delivery that waits is selected",
		"only what is there and waits is cancelled (see belfryctl show "
		"ID)",
	};

	return select_and_change(ctl, "cancel", "cancelled", none);
}
