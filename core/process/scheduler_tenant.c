/*
 * scheduler_tenant.c - what tenants do and have, and their limits
 *
 * All intakes hand their events to this one process, so a limit that is kept
 * here is kept for the daemon. What a tenant has in the store is known from the
 * store's own count when it starts, and counted along from then on; what is on
 * its way there counts as if it were there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/dispatch/bucket.h"
#include "core/process/scheduler_private.h"

struct tenant_use {
	struct bf_bucket bucket; /* of its events a second */
	struct bf_tenant_figures stored;
	int64_t coming;  /* bytes handed to the committer */
	int64_t tokens;  /* made over the API */
	uint64_t past;   /* event ids below are of one that was deleted */
	unsigned claims; /* pages of its deliveries that are being read */
	UT_hash_handle hh;
	char id[];
};

static struct tenant_use *
find(const struct scheduler *scheduler, const char *id)
{
	struct tenant_use *use;

	HASH_FIND_STR(scheduler->tenants, id, use);
	return use;
}

static struct tenant_use *
make(struct scheduler *scheduler, const char *id)
{
	struct tenant_use *use = find(scheduler, id);
	const size_t size = strlen(id);

	if (use)
		return use;
	use = bf_zalloc(1, sizeof(*use) + size + 1);
	memcpy(use->id, id, size + 1);
	HASH_ADD_STR(scheduler->tenants, id, use);
	if (scheduler->registry)
		bf_registry_note_tenant(scheduler->registry, id);
	return use;
}

static void
note_used(void *context, const char *tenant, int64_t events, int64_t bytes)
{
	make(context, tenant)->stored =
	    (struct bf_tenant_figures){ events, bytes };
}

static void
note_past(void *context, const char *name, const char *value)
{
	make(context, name + strlen(BF_TENANT_PAST))->past =
	    strtoull(value, NULL, 10);
}

static void
note_token(void *context, const char *name, const char *value)
{
	cJSON *token = cJSON_Parse(value);
	const char *tenant = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(token, "tenant_id"));

	(void)name;
	if (tenant)
		make(context, tenant)->tokens++;
	cJSON_Delete(token);
}

enum bf_store_result
bf_tenants_start(struct scheduler *scheduler, struct bf_store *store,
    struct bf_error *err)
{
	enum bf_store_result result =
	    bf_store_settings(store, BF_TENANT_PAST, note_past, scheduler, err);

	if (result == BF_STORE_OK)
		result = bf_store_settings(store, BF_TOKEN_PREFIX, note_token,
		    scheduler, err);
	return result == BF_STORE_OK
		   ? bf_store_usage(store, note_used, scheduler, err)
		   : result;
}

void
bf_tenant_gone(struct scheduler *scheduler, const char *id, uint64_t past)
{
	struct tenant_use *use = find(scheduler, id);

	/* Without one it has no history. */
	if (!use)
		return;
	use->past = past;
	use->tokens = 0;
}

int64_t
bf_tenant_tokens(const struct scheduler *scheduler, const char *tenant)
{
	const struct tenant_use *use = find(scheduler, tenant);

	return use ? use->tokens : 0;
}

bool
bf_tenant_may_have_token(const struct scheduler *scheduler, const char *tenant)
{
	const int64_t most =
	    bf_registry_limits(scheduler->registry, tenant).tokens;

	return most == BF_LIMIT_NONE ||
	       bf_tenant_tokens(scheduler, tenant) < most;
}

void
bf_tenant_put_token(struct scheduler *scheduler, const char *tenant,
    const char *setting, const char *value)
{
	struct bf_change *change = bf_change_put(setting, value);
	struct tenant_use *use = make(scheduler, tenant);

	use->tokens += value != NULL;
	change->context = use;
	bf_committer_add(scheduler->committer, change, true);
}

void
bf_tenant_setting_committed(const struct bf_change *change)
{
	struct tenant_use *use = change->context;

	/* Two may revoke one token at the same time: it is one less. */
	if (use && change->put.forgotten && use->tokens > 0)
		use->tokens--;
}

uint64_t
bf_tenant_past(const struct scheduler *scheduler, const char *id)
{
	const struct tenant_use *use = find(scheduler, id);

	return use ? use->past : 0;
}

void
bf_tenants_free(struct scheduler *scheduler)
{
	struct tenant_use *use, *next;

	HASH_ITER(hh, scheduler->tenants, use, next)
	{
		HASH_DEL(scheduler->tenants, use);
		free(use);
	}
}

void
bf_tenants_note(const struct scheduler *scheduler, struct bf_registry *registry)
{
	const struct tenant_use *use;

	for (use = scheduler->tenants; use; use = use->hh.next) {
		if (use->stored.events > 0 || use->tokens > 0)
			bf_registry_note_tenant(registry, use->id);
	}
}

unsigned *
bf_tenant_claims(struct scheduler *scheduler, const char *id)
{
	return &make(scheduler, id)->claims;
}

bool
bf_tenant_may_send(struct scheduler *scheduler, const char *tenant,
    const struct bf_limits *limits, struct bf_msg_accepted *answer)
{
	const struct bf_rate rate = { limits->events_per_second, { 1000 },
		limits->burst };
	const int64_t now = bf_clock_monotonic_ms();
	struct tenant_use *use;
	int64_t wait;

	if (limits->events_per_second == BF_LIMIT_NONE)
		return true;
	use = make(scheduler, tenant);
	if (bf_bucket_take(&use->bucket, &rate, now))
		return true;
	wait = bf_bucket_ready(&use->bucket, &rate, now) - now;
	answer->result = BF_ACCEPT_RATE;
	answer->wait.ms = wait > 1 ? wait : 1;
	answer->reason =
	    bf_strf("the tenant may post %lld event%s a second, %lld at once",
		(long long)limits->events_per_second,
		limits->events_per_second == 1 ? "" : "s",
		(long long)limits->burst);
	return false;
}

bool
bf_tenant_may_keep(struct scheduler *scheduler, const char *tenant,
    const struct bf_limits *limits, int64_t bytes,
    struct bf_msg_accepted *answer)
{
	const int64_t most = limits->stored_bytes.bytes;
	const struct tenant_use *use;
	int64_t has;

	if (most == BF_LIMIT_NONE)
		return true;
	use = find(scheduler, tenant);
	has = use ? use->stored.bytes + use->coming : 0;
	if (has + bytes <= most)
		return true;
	answer->result = BF_ACCEPT_FULL;
	answer->reason = bf_strf("the tenant has %lld bytes stored and may "
				 "have %lld: no room for %lld more",
	    (long long)has, (long long)most, (long long)bytes);
	return false;
}

struct tenant_use *
bf_tenant_keeping(struct scheduler *scheduler, const char *tenant,
    int64_t bytes)
{
	struct tenant_use *use = make(scheduler, tenant);

	use->coming += bytes;
	return use;
}

void
bf_tenant_kept(struct tenant_use *use, int64_t bytes, bool kept)
{
	use->coming -= bytes;
	if (!kept)
		return;
	use->stored.events++;
	use->stored.bytes += bytes;
}

void
bf_tenant_freed(struct scheduler *scheduler, const char *tenant, int64_t events,
    int64_t bytes)
{
	struct tenant_use *use = make(scheduler, tenant);

	use->stored.events -= events;
	use->stored.bytes -= bytes;
}

struct bf_tenant_figures
bf_tenant_figures(const struct scheduler *scheduler, const char *tenant)
{
	const struct tenant_use *use = find(scheduler, tenant);

	return use ? use->stored : (struct bf_tenant_figures){ 0 };
}
