/*
 * channel_edit.c - belfryctl channels create, set, delete
 *
 * Settings are words NAME=VALUE. A name may be repeated (a list), have a part
 * behind a dot (one of several pairs: header.X-Team=ops) and no value (then it
 * is taken away). A value @FILE is read from a file, @- from standard input or
 * the terminal, where nobody sees it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/ctl/ctl.h"
#include "core/ctl/secret.h"

/* Whether every channel has the directive, of whatever module. */
static bool
is_common(const char *name)
{
	static const char *const names[] = { "enabled", "events", "retry",
		"jitter", "rate", "timeout", "max_age", "retry_after_max",
		"concurrency", "ordered" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* The value behind "=": as it is, or what it names. NULL with the reason. */
static cJSON *
read_value(const char *name, const char *text, struct bf_error *err)
{
	struct bf_buf bytes = { 0 };
	cJSON *value;

	if (*text == '\0')
		return cJSON_CreateNull();
	if (*text != '@')
		return cJSON_CreateString(text);
	if (bf_ctl_read_value(text + 1, &bytes, err, name) == -1) {
		bf_buf_wipe(&bytes);
		return NULL;
	}
	/* As in the conf file, what stands elsewhere is not to be shown. */
	value = cJSON_CreateObject();
	cJSON_AddStringToObject(value, "secret", bytes.data);
	bf_buf_wipe(&bytes);
	return value;
}

/* Adds a member; the second of a name makes a list of them. */
static void
add_member(cJSON *object, const char *name, cJSON *value)
{
	cJSON *old = cJSON_GetObjectItemCaseSensitive(object, name);
	cJSON *list;

	if (!old) {
		cJSON_AddItemToObject(object, name, value);
	} else if (cJSON_IsArray(old)) {
		cJSON_AddItemToArray(old, value);
	} else {
		list = cJSON_CreateArray();
		cJSON_AddItemToArray(list,
		    cJSON_DetachItemFromObjectCaseSensitive(object, name));
		cJSON_AddItemToArray(list, value);
		cJSON_AddItemToObject(object, name, list);
	}
}

static int
add_word(struct bf_ctl *ctl, cJSON *body, const char *word)
{
	cJSON *settings = cJSON_GetObjectItemCaseSensitive(body, "settings");
	const char *equals = strchr(word, '=');
	char *name = bf_strndup(word, equals ? (size_t)(equals - word) : 0);
	char *dot = strchr(name, '.');
	struct bf_error err = { "expected NAME=VALUE" };
	cJSON *value =
	    equals && *name ? read_value(name, equals + 1, &err) : NULL;
	cJSON *pairs;

	if (!value) {
		bf_ctl_usage(ctl, "\"%s\": %s", *name ? name : word, err.text);
		free(name);
		return -1;
	}
	if (is_common(name)) {
		add_member(body, name, value);
	} else if (dot) {
		*dot = '\0';
		pairs = cJSON_GetObjectItemCaseSensitive(settings, name);
		if (!pairs)
			pairs = cJSON_AddObjectToObject(settings, name);
		add_member(pairs, dot + 1, value);
	} else {
		add_member(settings, name, value);
	}
	free(name);
	return 0;
}

int
bf_ctl_channel_edit(struct bf_ctl *ctl, const char *tenant,
    struct bf_answer *answer)
{
	const bool create = strcmp(ctl->argv[0], "create") == 0;
	const bool set = strcmp(ctl->argv[0], "set") == 0;
	const int words = create ? 3 : 2;
	const int least = set ? words + 1 : words;
	cJSON *body = cJSON_CreateObject();
	char *path;
	int status;

	if (ctl->argc < least || (!create && !set && ctl->argc > words)) {
		cJSON_Delete(body);
		return bf_ctl_usage(ctl, "expected create MODULE NAME "
					 "SETTING=VALUE..., set NAME "
					 "SETTING=VALUE..., or delete NAME");
	}
	bf_ctl_add(body, "tenant_id", tenant);
	if (!create && !set) {
		path = bf_ctl_path("/v1/channels/%s", ctl->argv[1]);
		status = bf_ctl_ask(ctl, "DELETE", path, body, NULL, answer);
		free(path);
		return status;
	}
	cJSON_AddObjectToObject(body, "settings");
	for (int i = words; i < ctl->argc; i++) {
		if (add_word(ctl, body, ctl->argv[i]) == -1) {
			cJSON_Delete(body);
			return BF_CTL_USAGE;
		}
	}
	if (create) {
		bf_ctl_add(body, "module", ctl->argv[1]);
		bf_ctl_add(body, "name", ctl->argv[2]);
		return bf_ctl_ask(ctl, "POST", "/v1/channels", NULL, body,
		    answer);
	}
	path = bf_ctl_path("/v1/channels/%s", ctl->argv[1]);
	status = bf_ctl_ask(ctl, "PATCH", path, NULL, body, answer);
	free(path);
	return status;
}
