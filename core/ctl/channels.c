/*
 * channels.c - belfryctl channels, modules
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/ctl/ctl.h"

#define WORDS_MOST 256 /* of a command line */

/* Why a channel sends nothing now, or to no avail; free it. */
static char *
reason_of(const cJSON *channel)
{
	const char *paced = bf_json_text(channel, "paced_until");
	const char *failing = bf_json_text(channel, "failing_since");
	const char *reason = bf_json_text(channel, "reason");

	if (!reason && failing)
		return bf_strf("failing since %s", failing);
	return reason || !paced ? bf_strdup(reason)
				: bf_strf("paced until %s", paced);
}

static void
print_channels(const cJSON *json)
{
	const cJSON *channels =
	    cJSON_GetObjectItemCaseSensitive(json, "channels");
	const bool tenants = bf_json_differ(channels, "tenant_id");
	struct bf_table table;
	const cJSON *channel;

	if (tenants)
		bf_table_begin(&table, 8, "CHANNEL", "TENANT", "MODULE",
		    "STATE", "WAITING", "IN FLIGHT", "EVENTS", "REASON");
	else
		bf_table_begin(&table, 7, "CHANNEL", "MODULE", "STATE",
		    "WAITING", "IN FLIGHT", "EVENTS", "REASON");
	cJSON_ArrayForEach(channel, channels)
	{
		char *events = bf_json_words(channel, "events");
		char *reason = reason_of(channel);

		bf_table_cell(&table, bf_json_text(channel, "name"));
		if (tenants)
			bf_table_cell(&table,
			    bf_json_text(channel, "tenant_id"));
		bf_table_cell(&table, bf_json_text(channel, "module"));
		bf_table_cell(&table, bf_json_text(channel, "state"));
		bf_table_number(&table, bf_json_number(channel, "waiting"));
		bf_table_number(&table, bf_json_number(channel, "in_flight"));
		bf_table_cell(&table, *events ? events : "(all)");
		bf_table_cell(&table, reason);
		free(reason);
		free(events);
	}
	bf_table_print(&table, "channels");
}

/* The words of a list, or what an empty one means. */
static char *
list_of(const cJSON *object, const char *name)
{
	char *words = bf_json_words(object, name);

	if (*words)
		return words;
	free(words);
	return bf_strdup(strcmp(name, "events") == 0 ? "(all)" : "(none)");
}

/* Prints each scalar or list of the names that the object has. */
static void
print_members(const cJSON *object, const char *const *names)
{
	for (; *names; names++) {
		const cJSON *item =
		    cJSON_GetObjectItemCaseSensitive(object, *names);
		char *text = cJSON_IsArray(item)
				 ? list_of(object, *names)
				 : bf_json_scalar(object, *names);

		bf_print_field(*names, text);
		free(text);
	}
}

/* A setting in a line; pairs in a line each. */
static void
print_setting(const cJSON *settings, const cJSON *setting)
{
	const cJSON *pair = NULL;
	char *text;

	if (cJSON_IsArray(setting) && cJSON_IsArray(setting->child)) {
		cJSON_ArrayForEach(pair, setting)
		{
			printf("  %-22s ", setting->string);
			bf_print_text(cJSON_GetStringValue(pair->child));
			putchar(' ');
			bf_print_text(cJSON_GetStringValue(pair->child->next));
			putchar('\n');
		}
		return;
	}
	text = cJSON_IsArray(setting)
		   ? bf_json_words(settings, setting->string)
		   : bf_json_scalar(settings, setting->string);
	printf("  %-22s ", setting->string);
	bf_print_text(text);
	putchar('\n');
	free(text);
}

static void
print_channel(const cJSON *channel)
{
	static const char *const names[] = { "name", "tenant_id", "module",
		"state", "reason", "paced_until", "failing_since", "waiting",
		"in_flight", "window", "events", "retry", "timeout",
		"concurrency", "rate", "max_age", "secrets", "version",
		"created_at", "file", "line", NULL };
	const cJSON *setting,
	    *settings = cJSON_GetObjectItemCaseSensitive(channel, "settings");

	print_members(channel, names);
	if (cJSON_GetArraySize(settings) > 0)
		puts("\nsettings:");
	cJSON_ArrayForEach(setting, settings)
	{
		print_setting(settings, setting);
	}
}

/* Whether the channel is as the verb was to make it. Says what keeps it from
 * running otherwise, and what would let it. */
static bool
is_as_meant(const char *verb, const cJSON *channel)
{
	const char *name = bf_json_text(channel, "name");
	const char *state = bf_json_text(channel, "state");
	const char *reason = bf_json_text(channel, "reason");
	const char *remedy = NULL;

	if (strcmp(verb, "disable") == 0 || strcmp(state, "running") == 0)
		return true;
	if (bf_json_true(channel, "disabled"))
		remedy = "enable";
	else if (strcmp(state, "stopped") == 0)
		remedy = "start";
	fprintf(stderr, "belfryctl: channel %s is still %s: %s\n", name, state,
	    reason ? reason : "no reason is known");
	if (remedy)
		fprintf(stderr, "Try \"belfryctl channels %s %s\".\n", remedy,
		    name);
	return false;
}

static bool
is_switch(const char *word)
{
	return strcmp(word, "start") == 0 || strcmp(word, "enable") == 0 ||
	       strcmp(word, "disable") == 0;
}

static int
change_channel(struct bf_ctl *ctl, cJSON *body)
{
	const char *verb = ctl->argv[0];
	struct bf_answer answer;
	char *format, *path;
	int status;

	if (!is_switch(verb)) {
		cJSON_Delete(body);
		return bf_ctl_usage(ctl,
		    "\"%s\": expected enable, disable, start, create, set or "
		    "delete",
		    verb);
	}
	format = bf_strf("/v1/channels/%%s/%s", verb);
	path = bf_ctl_path(format, ctl->argv[1]);
	status = bf_ctl_request(ctl, "POST", path, NULL, body, &answer);
	free(path);
	free(format);
	if (status != BF_CTL_OK)
		return status;
	if (ctl->json)
		puts(answer.text);
	else
		print_channel(answer.json);
	if (!is_as_meant(verb, answer.json))
		status = BF_CTL_NO;
	bf_answer_free(&answer);
	return status;
}

static bool
is_edit(const char *word)
{
	return strcmp(word, "create") == 0 || strcmp(word, "set") == 0 ||
	       strcmp(word, "delete") == 0;
}

static int
edit_channel(struct bf_ctl *ctl, const char *tenant)
{
	const char *deleted;
	struct bf_answer answer;
	int status;

	if (!is_edit(ctl->argv[0]))
		return bf_ctl_usage(ctl, "too many words: expected %s",
		    ctl->command->arguments);
	status = bf_ctl_channel_edit(ctl, tenant, &answer);
	if (status == BF_CTL_OK && strcmp(ctl->argv[0], "create") == 0)
		bf_ctl_doubt_tenant(ctl, tenant);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	deleted = bf_json_text(answer.json, "deleted");
	if (deleted)
		printf("channel %s is deleted\n", deleted);
	else
		print_channel(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

int
bf_ctl_channels(struct bf_ctl *ctl)
{
	const char *tenant = NULL;
	const struct bf_ctl_option options[] = {
		{ "tenant", 't', "ID", "tenant, if not the default one",
		    &tenant, NULL },
		{ 0 },
	};
	struct bf_answer answer;
	cJSON *members;
	char *path;
	int status;

	if (bf_ctl_options(ctl, options, 0, WORDS_MOST, &status) == -1)
		return status;
	if (ctl->argc > 2 || (ctl->argc == 2 && is_edit(ctl->argv[0])))
		return edit_channel(ctl, tenant);
	members = cJSON_CreateObject();
	bf_ctl_add(members, "tenant_id", tenant);
	if (ctl->argc == 2)
		return change_channel(ctl, members);
	if (ctl->argc == 0) {
		status = bf_ctl_ask_all(ctl, "/v1/channels", members,
		    "channels", &answer);
	} else {
		path = bf_ctl_path("/v1/channels/%s", ctl->argv[0]);
		status = bf_ctl_ask(ctl, "GET", path, members, NULL, &answer);
		free(path);
	}
	/* A channel may be called so; if none is, its name is missing. */
	if (status == BF_CTL_REFUSED && ctl->argc == 1 &&
	    (is_switch(ctl->argv[0]) || is_edit(ctl->argv[0])))
		fprintf(stderr,
		    "\"channels %s\" wants more words: see "
		    "\"belfryctl channels --help\".\n",
		    ctl->argv[0]);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	if (ctl->argc == 1)
		print_channel(answer.json);
	else
		print_channels(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

static void
print_modules(const cJSON *json)
{
	struct bf_table table;
	const cJSON *module;

	bf_table_begin(&table, 7, "MODULE", "VERSION", "ABI", "LICENSE",
	    "ISOLATED", "CHANNELS", "FILE");
	cJSON_ArrayForEach(module,
	    cJSON_GetObjectItemCaseSensitive(json, "modules"))
	{
		char *channels = bf_json_words(module, "channels");

		bf_table_cell(&table, bf_json_text(module, "name"));
		bf_table_cell(&table, bf_json_text(module, "version"));
		bf_table_number(&table, bf_json_number(module, "abi"));
		bf_table_cell(&table, bf_json_text(module, "license"));
		bf_table_cell(&table,
		    bf_json_true(module, "isolate") ? "yes" : "no");
		bf_table_cell(&table, *channels ? channels : NULL);
		bf_table_cell(&table, bf_json_text(module, "path"));
		free(channels);
	}
	bf_table_print(&table, "modules");
}

/* A module, and what a channel of it can be told. */
static void
print_module(const cJSON *module)
{
	static const char *const names[] = { "name", "summary", "version",
		"abi", "license", "path", "isolate", "enabled", "channels",
		NULL };
	struct bf_table table;
	const cJSON *directive;

	print_members(module, names);
	bf_table_begin(&table, 4, "SETTING", "TYPE", "DEFAULT", "MEANING");
	cJSON_ArrayForEach(directive,
	    cJSON_GetObjectItemCaseSensitive(module, "directives"))
	{
		bf_table_cell(&table, bf_json_text(directive, "name"));
		bf_table_cell(&table, bf_json_text(directive, "type"));
		bf_table_cell(&table, bf_json_true(directive, "required")
					  ? "(required)"
					  : bf_json_text(directive, "default"));
		bf_table_cell(&table, bf_json_text(directive, "help"));
	}
	putchar('\n');
	bf_table_print(&table, NULL);
}

int
bf_ctl_modules(struct bf_ctl *ctl)
{
	struct bf_answer answer;
	char *path;
	int status;

	if (bf_ctl_options(ctl, NULL, 0, 1, &status) == -1)
		return status;
	path = ctl->argc == 1 ? bf_ctl_path("/v1/modules/%s", ctl->argv[0])
			      : bf_strdup("/v1/modules");
	status = bf_ctl_ask(ctl, "GET", path, NULL, NULL, &answer);
	free(path);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	if (ctl->argc == 1)
		print_module(answer.json);
	else
		print_modules(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}
