/*
 * admin.c - belfryctl token, stats, backup, check
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/ctl/ctl.h"

static int
create_token(struct bf_ctl *ctl, const char *tenant, const char *scope,
    const char *rate)
{
	struct bf_answer answer;
	cJSON *body = cJSON_CreateObject();
	int status;

	bf_ctl_add(body, "name", ctl->argv[1]);
	bf_ctl_add(body, "scope", scope);
	bf_ctl_add(body, "tenant_id", tenant);
	bf_ctl_add(body, "rate", rate);
	status = bf_ctl_ask(ctl, "POST", "/v1/tokens", NULL, body, &answer);
	if (status == BF_CTL_OK)
		bf_ctl_doubt_tenant(ctl, tenant);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	/* The token alone on standard output, so that it can be captured. */
	puts(bf_json_text(answer.json, "token"));
	fputs("This is the only time that the token is shown.\n", stderr);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

static int
revoke_token(struct bf_ctl *ctl, const char *tenant)
{
	char *path = bf_ctl_path("/v1/tokens/%s", ctl->argv[1]);
	cJSON *query = cJSON_CreateObject();
	struct bf_answer answer;
	int status;

	bf_ctl_add(query, "tenant_id", tenant);
	status = bf_ctl_ask(ctl, "DELETE", path, query, NULL, &answer);
	free(path);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	puts("revoked");
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

static int
list_tokens(struct bf_ctl *ctl, const char *tenant)
{
	cJSON *query = cJSON_CreateObject();
	struct bf_answer answer;
	struct bf_table table;
	const cJSON *token;
	int status;

	bf_ctl_add(query, "tenant_id", tenant);
	status = bf_ctl_ask_all(ctl, "/v1/tokens", query, "tokens", &answer);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	bf_table_begin(&table, 7, "TOKEN", "TENANT", "SCOPE", "RATE", "CREATED",
	    "ID", "FILE");
	cJSON_ArrayForEach(token,
	    cJSON_GetObjectItemCaseSensitive(answer.json, "tokens"))
	{
		bf_table_cell(&table, bf_json_text(token, "name"));
		bf_table_cell(&table, bf_json_text(token, "tenant_id"));
		bf_table_cell(&table, bf_json_text(token, "scope"));
		bf_table_cell(&table, bf_json_text(token, "rate"));
		bf_table_cell(&table, bf_json_text(token, "created_at"));
		bf_table_cell(&table, bf_json_text(token, "id"));
		bf_table_cell(&table, bf_json_text(token, "file"));
	}
	bf_table_print(&table, "tokens");
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

int
bf_ctl_token(struct bf_ctl *ctl)
{
	const char *tenant = NULL, *scope = NULL, *rate = NULL;
	const struct bf_ctl_option options[] = {
		{ "tenant", 't', "ID", "whose token it is", &tenant, NULL },
		{ "scope", 's', "SCOPE",
		    "ingest (default), metrics, read, manage or admin", &scope,
		    NULL },
		{ "rate", 'r', "RATE",
		    "how fast it may be used: \"100/s burst=200\", off", &rate,
		    NULL },
		{ 0 },
	};
	const char *action;
	int status;

	if (bf_ctl_options(ctl, options, 0, 2, &status) == -1)
		return status;
	action = ctl->argc > 0 ? ctl->argv[0] : "list";
	if (ctl->argc == 2 && strcmp(action, "create") == 0)
		return create_token(ctl, tenant, scope ? scope : "ingest",
		    rate);
	if (scope || rate)
		return bf_ctl_usage(ctl,
		    "--scope and --rate are for create NAME");
	if (ctl->argc < 2 && strcmp(action, "list") == 0)
		return list_tokens(ctl, tenant);
	if (ctl->argc == 2 && strcmp(action, "revoke") == 0)
		return revoke_token(ctl, tenant);
	return bf_ctl_usage(ctl,
	    "expected create NAME, list, or revoke NAME or ID");
}

/* Prints an object: scalars a line each, objects below, indented. */
static void
print_object(const cJSON *object, int indent)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, object)
	{
		if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
			printf("%*s%s\n", indent, "",
			    item->string ? item->string : "-");
			print_object(item, indent + 2);
		} else {
			char *text = item->string
					 ? bf_json_scalar(object, item->string)
					 : cJSON_PrintUnformatted(item);

			printf("%*s%-24s ", indent, "",
			    item->string ? item->string : "-");
			bf_print_text(text ? text : "-");
			putchar('\n');
			free(text);
		}
	}
}

int
bf_ctl_stats(struct bf_ctl *ctl)
{
	struct bf_answer answer;
	int status;

	if (bf_ctl_options(ctl, NULL, 0, 0, &status) == -1)
		return status;
	status = bf_ctl_ask(ctl, "GET", "/v1/stats", NULL, NULL, &answer);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	print_object(answer.json, 0);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}

int
bf_ctl_backup(struct bf_ctl *ctl)
{
	struct bf_answer answer;
	char here[PATH_MAX];
	cJSON *body;
	char *file;
	int status;

	if (bf_ctl_options(ctl, NULL, 1, 1, &status) == -1)
		return status;
	/* The daemon writes the file: it needs the whole path. */
	if (ctl->argv[0][0] == '/' || !getcwd(here, sizeof(here)))
		file = bf_strdup(ctl->argv[0]);
	else
		file = bf_strf("%s/%s", here, ctl->argv[0]);
	body = cJSON_CreateObject();
	bf_ctl_add(body, "file", file);
	status = bf_ctl_ask(ctl, "POST", "/v1/backup", NULL, body, &answer);
	if (status == BF_CTL_OK && !ctl->json) {
		printf("%s: %.0f bytes\n", file,
		    bf_json_number(answer.json, "bytes"));
		bf_answer_free(&answer);
	} else if (status == BF_CTL_FAILED) {
		fputs("The daemon writes the file, as its own user: it may do "
		      "so in its state_dir.\n",
		    stderr);
	}
	free(file);
	return status;
}

int
bf_ctl_check(struct bf_ctl *ctl)
{
	struct bf_answer answer;
	const cJSON *check;
	int status;
	bool ok;

	if (bf_ctl_options(ctl, NULL, 0, 0, &status) == -1)
		return status;
	status = bf_ctl_request(ctl, "POST", "/v1/check", NULL, NULL, &answer);
	if (status != BF_CTL_OK)
		return status;
	ok = bf_json_true(answer.json, "ok");
	if (ctl->json)
		puts(answer.text);
	else
		cJSON_ArrayForEach(check,
		    cJSON_GetObjectItemCaseSensitive(answer.json, "checks"))
		{
			printf("%-8s %-20s ",
			    bf_json_true(check, "ok") ? "ok" : "FAILED",
			    bf_json_text(check, "name"));
			if (bf_json_text(check, "text"))
				bf_print_text(bf_json_text(check, "text"));
			putchar('\n');
		}
	bf_answer_free(&answer);
	return ok ? BF_CTL_OK : BF_CTL_NO;
}
