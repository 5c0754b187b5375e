/*
 * store.c - the store's operations, handed on to the implementation
 *
 * Batches are the callers' and know nothing of an implementation: they are
 * linked and freed here.
 */
#include "core/store/store_private.h"

#include <stdlib.h>

#include <belfry/memory.h>

#include "core/store/sqlite.h"

static void
free_append(struct bf_append *append)
{
	bf_event_unref(&append->event);
	free(append->key);
	free(append->reason);
	free(append->channels);
	free(append->expires);
}

static void
free_audit(struct bf_audit *audit)
{
	free(audit->actor);
	free(audit->address);
	free(audit->tenant);
	free(audit->action);
	free(audit->object);
	free(audit->detail);
}

void
bf_change_free(struct bf_change *change)
{
	if (!change)
		return;
	switch (change->kind) {
	case BF_CHANGE_APPEND:
		free_append(&change->append);
		break;
	case BF_CHANGE_FINISH:
		bf_attempt_free(change->finish.attempt);
		break;
	case BF_CHANGE_CANCEL:
	case BF_CHANGE_REPLAY:
		free(change->select.selector.tenant);
		free(change->select.selector.type);
		free(change->select.changed);
		free(change->select.was);
		break;
	case BF_CHANGE_PUT:
		free(change->put.name);
		free(change->put.value);
		break;
	case BF_CHANGE_AUDIT:
		free_audit(&change->audit);
		break;
	}
	free(change);
}

struct bf_change *
bf_change_put(const char *name, const char *value)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = BF_CHANGE_PUT;
	change->put.name = bf_strdup(name);
	change->put.value = bf_strdup(value);
	return change;
}

void
bf_batch_init(struct bf_batch *batch)
{
	*batch = (struct bf_batch){ 0 };
	batch->last = &batch->first;
}

void
bf_batch_add(struct bf_batch *batch, struct bf_change *change)
{
	change->next = NULL;
	*batch->last = change;
	batch->last = &change->next;
	batch->count++;
}

void
bf_batch_clear(struct bf_batch *batch)
{
	struct bf_change *change = batch->first;

	while (change) {
		struct bf_change *next = change->next;

		bf_change_free(change);
		change = next;
	}
	bf_batch_init(batch);
}

struct bf_store *
bf_store_open(const char *dir, struct bf_error *err)
{
	return bf_sqlite_open(dir, err);
}

struct bf_store *
bf_store_open_reader(const char *dir, struct bf_error *err)
{
	return bf_sqlite_open_reader(dir, err);
}

enum bf_store_result
bf_store_commit(struct bf_store *store, struct bf_batch *batch,
    struct bf_error *err)
{
	return store->vtable->commit(store, batch, err);
}

enum bf_store_result
bf_store_backlog(struct bf_store *store, struct bf_backlog **backlog,
    size_t *count, struct bf_error *err)
{
	return store->vtable->backlog(store, backlog, count, err);
}

enum bf_store_result
bf_store_claim_fresh(struct bf_store *store, uint32_t channel, uint64_t after,
    size_t limit, size_t bytes, struct bf_delivery_row *rows, size_t *count,
    bool *more, struct bf_error *err)
{
	return store->vtable->claim_fresh(store, channel, after, limit, bytes,
	    rows, count, more, err);
}

enum bf_store_result
bf_store_claim_retries(struct bf_store *store, uint32_t channel,
    struct bf_instant after_due, uint64_t after, struct bf_instant now,
    size_t limit, size_t bytes, struct bf_delivery_row *rows, size_t *count,
    struct bf_instant *next_due, struct bf_error *err)
{
	return store->vtable->claim_retries(store, channel, after_due, after,
	    now, limit, bytes, rows, count, next_due, err);
}

enum bf_store_result
bf_store_expire(struct bf_store *store, struct bf_instant now, size_t limit,
    struct bf_delivery_id *ids, enum bf_delivery_state *was, size_t *count,
    struct bf_error *err)
{
	return store->vtable->expire(store, now, limit, ids, was, count, err);
}

enum bf_store_result
bf_store_prune(struct bf_store *store, struct bf_instant before,
    struct bf_instant keys_before, size_t limit, size_t *count,
    bf_store_used *freed, void *context, struct bf_error *err)
{
	return store->vtable->prune(store, before, keys_before, limit, count,
	    freed, context, err);
}

enum bf_store_result
bf_store_prune_audit(struct bf_store *store, struct bf_instant before,
    size_t limit, size_t *count, struct bf_error *err)
{
	return store->vtable->prune_audit(store, before, limit, count, err);
}

enum bf_store_result
bf_store_number_channels(struct bf_store *store,
    struct bf_numbered_channel *channels, size_t count, struct bf_error *err)
{
	return store->vtable->number_channels(store, channels, count, err);
}

enum bf_store_result
bf_store_channel_number(struct bf_store *store, const char *tenant,
    const char *name, uint32_t *number, struct bf_error *err)
{
	struct bf_numbered_channel channel = { tenant, name, 0 };
	const enum bf_store_result result =
	    bf_store_number_channels(store, &channel, 1, err);

	*number = channel.number;
	return result;
}

enum bf_store_result
bf_store_checkpoint(struct bf_store *store, struct bf_error *err)
{
	return store->vtable->checkpoint(store, err);
}

void
bf_store_deadline(struct bf_store *store, struct bf_duration limit)
{
	store->vtable->deadline(store, limit);
}

enum bf_store_result
bf_store_list(struct bf_store *store, const struct bf_query *query,
    bf_store_row *row, void *context, struct bf_delivery_id *next,
    struct bf_error *err)
{
	return store->vtable->list(store, query, row, context, next, err);
}

enum bf_store_result
bf_store_list_events(struct bf_store *store, const struct bf_query *query,
    bf_store_event_row *row, void *context, uint64_t *next,
    struct bf_error *err)
{
	return store->vtable->list_events(store, query, row, context, next,
	    err);
}

enum bf_store_result
bf_store_list_audit(struct bf_store *store, const struct bf_audit_query *query,
    bf_store_audit_row *row, void *context, uint64_t *next,
    struct bf_error *err)
{
	return store->vtable->list_audit(store, query, row, context, next, err);
}

enum bf_store_result
bf_store_get_event(struct bf_store *store, uint64_t id, struct bf_event **event,
    char **reason, bf_store_row *row, void *context, struct bf_error *err)
{
	return store->vtable->get_event(store, id, event, reason, row, context,
	    err);
}

enum bf_store_result
bf_store_get_delivery(struct bf_store *store, struct bf_delivery_id id,
    struct bf_delivery_row *row, bool *found, bf_store_attempt *attempt,
    void *context, struct bf_error *err)
{
	return store->vtable->get_delivery(store, id, row, found, attempt,
	    context, err);
}

enum bf_store_result
bf_store_get(struct bf_store *store, const char *name, char **value,
    struct bf_error *err)
{
	return store->vtable->get(store, name, value, err);
}

/* Whoever wants them all, and is not asked. */
struct every_setting {
	bf_store_setting *setting;
	void *context;
};

static bool
give_setting(void *context, const char *name, const char *value)
{
	const struct every_setting *every = context;

	every->setting(every->context, name, value);
	return true;
}

enum bf_store_result
bf_store_settings(struct bf_store *store, const char *prefix,
    bf_store_setting *setting, void *context, struct bf_error *err)
{
	struct every_setting every = { setting, context };

	return store->vtable->settings(store, prefix, NULL, give_setting,
	    &every, err);
}

enum bf_store_result
bf_store_settings_above(struct bf_store *store, const char *prefix,
    const char *above, bf_store_setting_more *setting, void *context,
    struct bf_error *err)
{
	return store->vtable->settings(store, prefix, above, setting, context,
	    err);
}

enum bf_store_result
bf_store_usage(struct bf_store *store, bf_store_used *used, void *context,
    struct bf_error *err)
{
	return store->vtable->usage(store, used, context, err);
}

enum bf_store_result
bf_store_channels(struct bf_store *store, bf_store_channel *channel,
    void *context, struct bf_error *err)
{
	return store->vtable->channels(store, channel, context, err);
}

enum bf_store_result
bf_store_stats(struct bf_store *store, struct bf_store_stats *stats,
    struct bf_error *err)
{
	return store->vtable->stats(store, stats, err);
}

enum bf_store_result
bf_store_check(struct bf_store *store, struct bf_error *err)
{
	return store->vtable->check(store, err);
}

enum bf_store_result
bf_store_backup(struct bf_store *store, const char *path,
    bf_store_progress *progress, void *context, struct bf_error *err)
{
	return store->vtable->backup(store, path, progress, context, err);
}

void
bf_store_close(struct bf_store **store)
{
	if (*store)
		(*store)->vtable->close(*store);
	*store = NULL;
}
