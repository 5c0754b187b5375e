/*
 * tenants.c - belfryctl tenants
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/ctl/ctl.h"

#define PAGE "1000" /* tenants asked for at once: as many as may be */

static const char *const limit_names[] = { "events_per_second", "burst",
	"channels", "tokens", "stored_bytes" };

#define LIMITS (sizeof(limit_names) / sizeof(*limit_names))

/* ---- limits as words ---- */

/* What one more letter multiplies a size by, as in the conf file; or 0. */
static double
unit_factor(const char *name, const char *unit)
{
	static const char letters[] = "kmg";
	const char *letter = *unit ? strchr(letters, *unit | 0x20) : NULL;

	if (*unit == '\0')
		return 1;
	if (!letter || unit[1] != '\0' || strcmp(name, "stored_bytes") != 0)
		return 0;
	return (double)(UINT64_C(1) << (10 * (letter - letters + 1)));
}

/* A limit's value: a number, or null for the default. NULL if it is neither. */
static cJSON *
read_limit(const char *name, const char *text)
{
	const size_t digits = strspn(text, "0123456789");
	const double factor = unit_factor(name, text + digits);

	if (strcmp(text, "default") == 0)
		return cJSON_CreateNull();
	if (digits == 0 || factor == 0)
		return NULL;
	return cJSON_CreateNumber(strtod(text, NULL) * factor);
}

/* Adds NAME=VALUE; which names there are, the daemon knows. */
static int
add_limit(const struct bf_ctl *ctl, cJSON *limits, const char *word)
{
	const char *equals = strchr(word, '=');
	char *name = bf_strndup(word, equals ? (size_t)(equals - word) : 0);
	cJSON *value = equals && *name ? read_limit(name, equals + 1) : NULL;

	if (value) {
		/* The last of a name counts, as with every other option. */
		cJSON_DeleteItemFromObjectCaseSensitive(limits, name);
		cJSON_AddItemToObject(limits, name, value);
	} else {
		bf_ctl_usage(ctl,
		    "limit \"%s\": expected NAME=NUMBER or NAME=default, such "
		    "as stored_bytes=64m",
		    word);
	}
	free(name);
	return value ? 0 : -1;
}

/* The body of create and set, or NULL after saying what is wrong. */
static cJSON *
read_said(const struct bf_ctl *ctl, const char *name, const char *const *words)
{
	cJSON *body = cJSON_CreateObject();
	cJSON *limits = *words ? cJSON_AddObjectToObject(body, "limits") : NULL;

	if (name && !*name)
		cJSON_AddNullToObject(body, "name");
	else
		bf_ctl_add(body, "name", name);
	for (; *words; words++) {
		if (add_limit(ctl, limits, *words) == -1) {
			cJSON_Delete(body);
			return NULL;
		}
	}
	return body;
}

/* ---- what is shown ---- */

/* A number, or what stands for null; 0 is no limit. */
static void
limit_cell(struct bf_table *table, const cJSON *limits, const char *name,
    const char *otherwise)
{
	const cJSON *limit = cJSON_GetObjectItemCaseSensitive(limits, name);

	if (!cJSON_IsNumber(limit))
		bf_table_cell(table, otherwise);
	else if (limit->valuedouble == 0)
		bf_table_cell(table, "none");
	else
		bf_table_number(table, limit->valuedouble);
}

static void
print_limits(const cJSON *tenant)
{
	const cJSON *usage = cJSON_GetObjectItemCaseSensitive(tenant, "usage");
	struct bf_table table;

	bf_table_begin(&table, 4, "LIMIT", "SET", "IN FORCE", "USED");
	for (size_t i = 0; i < LIMITS; i++) {
		char *used = bf_json_scalar(usage, limit_names[i]);

		bf_table_cell(&table, limit_names[i]);
		limit_cell(&table,
		    cJSON_GetObjectItemCaseSensitive(tenant, "limits"),
		    limit_names[i], "default");
		limit_cell(&table,
		    cJSON_GetObjectItemCaseSensitive(tenant,
			"effective_limits"),
		    limit_names[i], "none");
		bf_table_cell(&table, used);
		free(used);
	}
	bf_table_print(&table, NULL);
}

static void
print_tenant(const cJSON *tenant)
{
	static const char *const members[] = { "id", "name", "source",
		"version", "created_at", "file", "line" };
	static const char *const used[] = { "waiting", "stored_events" };
	const cJSON *usage = cJSON_GetObjectItemCaseSensitive(tenant, "usage");
	char *text;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		text = bf_json_scalar(tenant, members[i]);
		bf_print_field(members[i], text);
		free(text);
	}
	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++) {
		text = bf_json_scalar(usage, used[i]);
		bf_print_field(used[i], text);
		free(text);
	}
	putchar('\n');
	print_limits(tenant);
}

static void
print_tenants(const cJSON *tenants)
{
	static const char *const used[] = { "channels", "waiting",
		"stored_events", "stored_bytes" };
	struct bf_table table;
	const cJSON *tenant;

	bf_table_begin(&table, 7, "TENANT", "NAME", "SOURCE", "CHANNELS",
	    "WAITING", "EVENTS", "BYTES");
	cJSON_ArrayForEach(tenant, tenants)
	{
		const cJSON *usage =
		    cJSON_GetObjectItemCaseSensitive(tenant, "usage");

		bf_table_cell(&table, bf_json_text(tenant, "id"));
		bf_table_cell(&table, bf_json_text(tenant, "name"));
		bf_table_cell(&table, bf_json_text(tenant, "source"));
		for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++)
			bf_table_number(&table, bf_json_number(usage, used[i]));
	}
	bf_table_print(&table, "tenants");
}

/* ---- the actions ---- */

/* Moves the tenants of a page to the others; gives where the next one begins,
 * or NULL. */
static char *
take_page(cJSON *tenants, const cJSON *page)
{
	cJSON *more = cJSON_GetObjectItemCaseSensitive(page, "tenants");
	cJSON *tenant;

	while ((tenant = cJSON_DetachItemFromArray(more, 0)))
		cJSON_AddItemToArray(tenants, tenant);
	return bf_strdup(bf_json_text(page, "next"));
}

/* All of them, whatever number of pages that is. */
static int
list_tenants(struct bf_ctl *ctl)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *tenants = cJSON_AddArrayToObject(json, "tenants");
	struct bf_answer answer;
	char *next = NULL;
	char *text;
	int status;

	do {
		cJSON *query = cJSON_CreateObject();

		bf_ctl_add(query, "limit", PAGE);
		bf_ctl_add(query, "after", next);
		free(next);
		next = NULL;
		status = bf_ctl_request(ctl, "GET", "/v1/tenants", query, NULL,
		    &answer);
		if (status == BF_CTL_OK) {
			next = take_page(tenants, answer.json);
			bf_answer_free(&answer);
		}
	} while (next);
	if (status == BF_CTL_OK && ctl->json) {
		cJSON_AddNullToObject(json, "next");
		text = cJSON_PrintUnformatted(json);
		puts(text);
		cJSON_free(text);
	} else if (status == BF_CTL_OK) {
		print_tenants(tenants);
	}
	cJSON_Delete(json);
	return status;
}

/* Asks about one tenant; takes body. */
static int
ask(struct bf_ctl *ctl, const char *method, const char *path, cJSON *body)
{
	struct bf_answer answer;
	int status = bf_ctl_ask(ctl, method, path, NULL, body, &answer);
	const char *deleted;

	if (status != BF_CTL_OK || ctl->json)
		return status;
	deleted = bf_json_text(answer.json, "deleted");
	if (deleted)
		printf("tenant %s is deleted\n", deleted);
	else
		print_tenant(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

static int
create_tenant(struct bf_ctl *ctl, cJSON *body)
{
	bf_ctl_add(body, "id", ctl->argv[1]);
	return ask(ctl, "POST", "/v1/tenants", body);
}

static int
ask_of(struct bf_ctl *ctl, const char *method, cJSON *body)
{
	char *path = bf_ctl_path("/v1/tenants/%s", ctl->argv[1]);
	int status = ask(ctl, method, path, body);

	free(path);
	return status;
}

int
bf_ctl_tenants(struct bf_ctl *ctl)
{
	const char *name = NULL, *limits[BF_CTL_REPEATS_MAX + 1] = { NULL };
	const struct bf_ctl_option options[] = {
		{ "name", 'n', "NAME", "as people see it; \"\": none", &name,
		    NULL },
		{ "limit", 'l', "NAME=VALUE...",
		    "may be repeated; default: as for every tenant", limits,
		    NULL },
		{ 0 },
	};
	const char *action;
	cJSON *body;
	int status;
	bool create;

	if (bf_ctl_options(ctl, options, 0, 2, &status) == -1)
		return status;
	action = ctl->argc > 0 ? ctl->argv[0] : "list";
	create = strcmp(action, "create") == 0;
	if (ctl->argc == 2 && (create || strcmp(action, "set") == 0)) {
		body = read_said(ctl, name, limits);
		if (!body)
			return BF_CTL_USAGE;
		return create ? create_tenant(ctl, body)
			      : ask_of(ctl, "PATCH", body);
	}
	if (name || *limits)
		return bf_ctl_usage(ctl,
		    "--name and --limit are for create ID and set ID");
	if (ctl->argc < 2 && strcmp(action, "list") == 0)
		return list_tenants(ctl);
	if (ctl->argc == 2 && strcmp(action, "show") == 0)
		return ask_of(ctl, "GET", NULL);
	if (ctl->argc == 2 && strcmp(action, "delete") == 0)
		return ask_of(ctl, "DELETE", NULL);
	return bf_ctl_usage(ctl, "expected list, show ID, create ID, set ID or "
				 "delete ID");
}
