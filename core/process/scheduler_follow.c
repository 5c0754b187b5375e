/*
 * scheduler_follow.c - notices to whoever follows deliveries as they change
 *
 * A notice is JSON, and goes to the intakes in which somebody follows; each
 * passes it to those who may see its tenant. What a cancel or a replay changes
 * is known by its ids only, and may be a great many: then the notice says how
 * many, and whoever wants to know which lists them.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/process/scheduler_private.h"

#define NAMED_MOST 100 /* of one step of a cancel or replay */

/* Sends it, and frees it. */
static void
send_notice(const struct scheduler *scheduler, const char *tenant, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);
	struct intake *intake;

	TAILQ_FOREACH(intake, &scheduler->intakes, entry)
	{
		if (intake->watching)
			bf_link_send(intake->link,
			    &(struct bf_message){ .kind = BF_MSG_NOTICE,
				.notice = { (char *)tenant, text } });
	}
	cJSON_free(text);
	cJSON_Delete(json);
}

/* What is told of every delivery. */
static cJSON *
describe(struct bf_delivery_id id, const char *channel, const char *tenant,
    const char *state)
{
	char text[BF_DELIVERY_ID_TEXT], event[BF_EVENT_ID_TEXT];
	cJSON *json = cJSON_CreateObject();
	char at[40];

	bf_delivery_id_format(id, text);
	bf_event_id_format(id.event, event);
	bf_timestamp_format(bf_id_instant(id.event).ms * 1000, at);
	cJSON_AddStringToObject(json, "id", text);
	cJSON_AddStringToObject(json, "event_id", event);
	cJSON_AddStringToObject(json, "channel", channel);
	cJSON_AddStringToObject(json, "tenant_id", tenant);
	cJSON_AddStringToObject(json, "state", state);
	cJSON_AddStringToObject(json, "accepted_at", at);
	return json;
}

void
bf_notice_delivery(const struct scheduler *scheduler,
    const struct bf_lane_state *lane, const struct bf_delivery *delivery,
    const char *state, const char *why)
{
	cJSON *json =
	    describe(delivery->id, lane ? lane->state->channel->name : "",
		delivery->event->tenant, state);

	cJSON_AddStringToObject(json, "event", delivery->event->type);
	cJSON_AddStringToObject(json, "subject",
	    bf_event_subject(delivery->event));
	cJSON_AddNumberToObject(json, "attempt_count", delivery->attempts);
	if (why)
		cJSON_AddStringToObject(json, "why", why);
	send_notice(scheduler, delivery->event->tenant, json);
}

/* The channel of a delivery; NULL: it is there no more. */
static const struct bf_channel *
channel_of(const struct scheduler *scheduler, struct bf_delivery_id id)
{
	const struct bf_channel_state *state =
	    bf_registry_channel_numbered(scheduler->registry, id.channel);

	return state ? state->channel : NULL;
}

static const char *
tenant_of(const struct scheduler *scheduler, const struct bf_channel *channel)
{
	return channel->tenant
		   ? channel->tenant
		   : bf_registry_default_tenant(scheduler->registry);
}

static void
name_each(const struct scheduler *scheduler, const struct bf_delivery_id *ids,
    size_t count, const char *state)
{
	for (size_t i = 0; i < count; i++) {
		const struct bf_channel *channel =
		    channel_of(scheduler, ids[i]);
		const char *tenant;

		if (!channel)
			continue;
		tenant = tenant_of(scheduler, channel);
		send_notice(scheduler, tenant,
		    describe(ids[i], channel->name, tenant, state));
	}
}

/* How many are of one tenant. */
struct tally {
	size_t count;
	UT_hash_handle hh;
	char tenant[];
};

static void
count_one(struct tally **tallies, const char *tenant)
{
	const size_t size = strlen(tenant);
	struct tally *tally;

	HASH_FIND_STR(*tallies, tenant, tally);
	if (!tally) {
		tally = bf_zalloc(1, sizeof(*tally) + size + 1);
		memcpy(tally->tenant, tenant, size + 1);
		HASH_ADD_STR(*tallies, tenant, tally);
	}
	tally->count++;
}

static void
tell_numbers(const struct scheduler *scheduler,
    const struct bf_delivery_id *ids, size_t count, const char *state)
{
	struct tally *tallies = NULL, *tally, *next;

	for (size_t i = 0; i < count; i++) {
		const struct bf_channel *channel =
		    channel_of(scheduler, ids[i]);

		if (channel)
			count_one(&tallies, tenant_of(scheduler, channel));
	}
	HASH_ITER(hh, tallies, tally, next)
	{
		cJSON *json = cJSON_CreateObject();

		cJSON_AddStringToObject(json, "tenant_id", tally->tenant);
		cJSON_AddStringToObject(json, "state", state);
		cJSON_AddNumberToObject(json, "count", (double)tally->count);
		send_notice(scheduler, tally->tenant, json);
		HASH_DEL(tallies, tally);
		free(tally);
	}
}

void
bf_notice_selected(const struct scheduler *scheduler,
    const struct bf_delivery_id *ids, size_t count, const char *state)
{
	if (scheduler->watchers == 0)
		return;
	if (count <= NAMED_MOST)
		name_each(scheduler, ids, count, state);
	else
		tell_numbers(scheduler, ids, count, state);
}
