/*
 * audit.c - belfryctl audit
 */
#include <stdio.h>

#include "core/ctl/ctl.h"

static void
print_rows(const cJSON *json)
{
	static const char *const members[] = { "at", "actor", "address",
		"tenant_id", "action", "object", "detail" };
	struct bf_table table;
	const cJSON *row;

	bf_table_begin(&table, 7, "TIME", "WHO", "FROM", "TENANT", "ACTION",
	    "OBJECT", "DETAIL");
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(json, "audit"))
	{
		for (size_t i = 0; i < sizeof(members) / sizeof(*members);
		     i++) {
			const char *text = bf_json_text(row, members[i]);

			bf_table_cell(&table, text && *text ? text : NULL);
		}
	}
	bf_table_print(&table, "entries");
}

int
bf_ctl_audit(struct bf_ctl *ctl)
{
	const char *actor = NULL, *action = NULL, *tenant = NULL, *since = NULL,
		   *until = NULL, *limit = NULL;
	const struct bf_ctl_option options[] = {
		{ "actor", 'a', "WHO",
		    "done by: \"token NAME\", \"user NAME\", \"uid N\"", &actor,
		    NULL },
		{ "action", 0, "ACTION", "what was done, such as channel-patch",
		    &action, NULL },
		{ "tenant", 't', "ID", "about this tenant", &tenant, NULL },
		{ "since", 0, "TIME", "at or after (RFC 3339)", &since, NULL },
		{ "until", 0, "TIME", "before", &until, NULL },
		{ "limit", 'n', "COUNT", "how many at most (50)", &limit,
		    NULL },
		{ 0 },
	};
	struct bf_answer answer;
	cJSON *query;
	int status;

	if (bf_ctl_options(ctl, options, 0, 0, &status) == -1)
		return status;
	query = cJSON_CreateObject();
	bf_ctl_add(query, "actor", actor);
	bf_ctl_add(query, "action", action);
	bf_ctl_add(query, "tenant_id", tenant);
	bf_ctl_add(query, "since", since);
	bf_ctl_add(query, "until", until);
	bf_ctl_add(query, "limit", limit);
	status = bf_ctl_ask(ctl, "GET", "/v1/audit", query, NULL, &answer);
	if (status != BF_CTL_OK || ctl->json)
		return status;
	print_rows(answer.json);
	bf_answer_free(&answer);
	return BF_CTL_OK;
}
