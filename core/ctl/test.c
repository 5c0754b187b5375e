/*
 * test.c - belfryctl test
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/ctl/ctl.h"

/* What the options say of settings that are not saved. */
struct draft {
	const char *module;
	const char *channel; /* whose secrets are taken, or NULL */
	const char *file;    /* with settings as JSON, or NULL */
	const char *timeout;
};

/* ---- the answer ---- */

static void
print_steps(const cJSON *result)
{
	const cJSON *step;

	cJSON_ArrayForEach(step,
	    cJSON_GetObjectItemCaseSensitive(result, "steps"))
	{
		const char *name = bf_json_text(step, "step");

		printf("%9.3f ms  %-11s ", bf_json_number(step, "at_us") / 1000,
		    name ? name : "");
		if (bf_json_text(step, "text"))
			bf_print_text(bf_json_text(step, "text"));
		putchar('\n');
	}
}

/* "label: text", if there is one. */
static void
print_line(const char *label, const char *text)
{
	if (!text)
		return;
	printf("%s: ", label);
	bf_print_text(text);
	putchar('\n');
}

static void
print_result(const cJSON *result)
{
	const cJSON *hint = cJSON_GetObjectItemCaseSensitive(result, "hint");
	const bool ok = bf_json_true(result, "ok");
	char *label;

	print_steps(result);
	if (!ok)
		print_line("the answer begins",
		    bf_json_text(result, "excerpt"));
	label = bf_strf("%s after %.0f ms", ok ? "delivered" : "not delivered",
	    bf_json_number(result, "took_ms"));
	if (bf_json_text(result, "why"))
		print_line(label, bf_json_text(result, "why"));
	else
		puts(label);
	free(label);
	print_line("cause", bf_json_text(hint, "cause"));
	print_line("fix", bf_json_text(hint, "fix"));
}

/* ---- settings that are not saved ---- */

/* A value that is a JSON list or object as that, any other as text. */
static cJSON *
make_value(const char *text)
{
	struct bf_error err;
	cJSON *value = NULL;

	if (*text == '{' || *text == '[')
		value = bf_json_parse(text, strlen(text), &err);
	return value ? value : cJSON_CreateString(text);
}

/* Adds a setting: one that is there already becomes a list. */
static void
add_setting(cJSON *settings, const char *name, cJSON *value)
{
	cJSON *old = cJSON_GetObjectItemCaseSensitive(settings, name);
	cJSON *list;

	if (!old) {
		cJSON_AddItemToObject(settings, name, value);
		return;
	}
	if (!cJSON_IsArray(old)) {
		list = cJSON_CreateArray();
		cJSON_AddItemToArray(list,
		    cJSON_DetachItemFromObjectCaseSensitive(settings, name));
		cJSON_AddItemToObject(settings, name, list);
		old = list;
	}
	cJSON_AddItemToArray(old, value);
}

/* The settings from a file and from words; NULL, and says what is wrong. */
static cJSON *
read_settings(const struct bf_ctl *ctl, const char *file, int *status)
{
	struct bf_buf text = { 0 };
	struct bf_error err = { "" };
	cJSON *settings = NULL;

	if (file && bf_ctl_read_file(file, &text) == -1) {
		*status = BF_CTL_USAGE;
		return NULL;
	}
	settings = file ? bf_json_parse(bf_buf_text(&text), text.size, &err)
			: cJSON_CreateObject();
	bf_buf_wipe(&text);
	if (!cJSON_IsObject(settings)) {
		*status = bf_ctl_usage(ctl, "%s: %s", file,
		    settings ? "expected a JSON object" : err.text);
		cJSON_Delete(settings);
		return NULL;
	}
	for (int i = 0; i < ctl->argc; i++) {
		char *equals = strchr(ctl->argv[i], '=');

		if (!equals || equals == ctl->argv[i]) {
			*status = bf_ctl_usage(ctl,
			    "setting \"%s\": expected NAME=VALUE",
			    ctl->argv[i]);
			cJSON_Delete(settings);
			return NULL;
		}
		*equals = '\0';
		add_setting(settings, ctl->argv[i], make_value(equals + 1));
	}
	return settings;
}

static int
test_draft(struct bf_ctl *ctl, const struct draft *draft, cJSON *body,
    struct bf_answer *answer)
{
	int status = BF_CTL_USAGE;
	cJSON *settings = read_settings(ctl, draft->file, &status);

	if (!settings) {
		cJSON_Delete(body);
		return status;
	}
	bf_ctl_add(body, "module", draft->module);
	bf_ctl_add(body, "name", draft->channel);
	bf_ctl_add(body, "timeout", draft->timeout);
	cJSON_AddItemToObject(body, "settings", settings);
	return bf_ctl_request(ctl, "POST", "/v1/channels/test", NULL, body,
	    answer);
}

static int
test_channel(struct bf_ctl *ctl, cJSON *body, struct bf_answer *answer)
{
	char *path;
	int status;

	if (ctl->argc != 1) {
		cJSON_Delete(body);
		return bf_ctl_usage(ctl,
		    "expected one channel, or --module MODULE and settings");
	}
	path = bf_ctl_path("/v1/channels/%s/test", ctl->argv[0]);
	status = bf_ctl_request(ctl, "POST", path, NULL, body, answer);
	free(path);
	return status;
}

int
bf_ctl_test(struct bf_ctl *ctl)
{
	struct draft draft = { 0 };
	const char *tenant = NULL;
	const struct bf_ctl_option options[] = {
		{ "tenant", 't', "ID", "tenant, if not the default one",
		    &tenant, NULL },
		{ "module", 'm', "MODULE",
		    "test settings that are not saved: NAME=VALUE ...",
		    &draft.module, NULL },
		{ "settings", 'f', "FILE",
		    "read them from a file, as a JSON object (- is stdin)",
		    &draft.file, NULL },
		{ "channel", 'c', "NAME",
		    "take secrets that are left out from this channel",
		    &draft.channel, NULL },
		{ "timeout", 0, "TIME", "how long to wait for the endpoint",
		    &draft.timeout, NULL },
		{ 0 },
	};
	struct bf_answer answer = { 0 };
	cJSON *body;
	int status;
	bool ok;

	if (bf_ctl_options(ctl, options, 0, 64, &status) == -1)
		return status;
	if (!draft.module && (draft.file || draft.channel || draft.timeout))
		return bf_ctl_usage(ctl,
		    "--settings, --channel and --timeout belong to --module");
	body = cJSON_CreateObject();
	bf_ctl_add(body, "tenant_id", tenant);
	status = draft.module ? test_draft(ctl, &draft, body, &answer)
			      : test_channel(ctl, body, &answer);
	if (status != BF_CTL_OK)
		return status;
	ok = bf_json_true(answer.json, "ok");
	if (ctl->json)
		puts(answer.text);
	else
		print_result(answer.json);
	bf_answer_free(&answer);
	return ok ? BF_CTL_OK : BF_CTL_NO;
}
