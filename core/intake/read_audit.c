/*
 * read_audit.c - the reading of the audit log, as JSON
 *
 * Runs on the reader's thread. A row is told to who may act for the tenant that
 * it is about; what is about the daemon, to an admin who names no tenant.
 */
#include <belfry/memory.h>

#include "core/intake/read_private.h"

static void
add_row(void *context, const struct bf_audit *row)
{
	cJSON *json = cJSON_CreateObject();
	char id[BF_AUDIT_ID_TEXT];

	bf_audit_id_format(row->id, id);
	cJSON_AddStringToObject(json, "id", id);
	bf_reading_time(json, "at", row->at);
	cJSON_AddStringToObject(json, "actor", row->actor);
	cJSON_AddStringToObject(json, "address", row->address);
	if (row->tenant)
		cJSON_AddStringToObject(json, "tenant_id", row->tenant);
	else
		cJSON_AddNullToObject(json, "tenant_id");
	cJSON_AddStringToObject(json, "action", row->action);
	cJSON_AddStringToObject(json, "object", row->object);
	cJSON_AddStringToObject(json, "detail", row->detail);
	cJSON_AddItemToArray(context, json);
}

void
bf_reading_audit(struct reader *reader, struct job *job)
{
	const struct bf_audit_query query = {
		.tenant = job->tenant,
		.actor = job->actor,
		.action = job->action,
		.since = job->query.since,
		.until = job->query.until,
		.before = job->query.before.event,
		.limit = job->query.limit,
	};
	char cursor[BF_AUDIT_ID_TEXT];
	uint64_t next = 0;

	job->json = cJSON_CreateObject();
	bf_reading_result(job,
	    bf_store_list_audit(reader->store, &query, add_row,
		cJSON_AddArrayToObject(job->json, "audit"), &next,
		&job->error));
	if (next != 0) {
		bf_audit_id_format(next, cursor);
		cJSON_AddStringToObject(job->json, "next", cursor);
	} else {
		cJSON_AddNullToObject(job->json, "next");
	}
}
