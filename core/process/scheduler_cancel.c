/*
 * scheduler_cancel.c - what waits for channels and tenants that are gone
 *
 * It is cancelled in steps, as there may be much of it, up to the newest event
 * of that time: another channel of that name, which gets the same number, may
 * follow before the last step. A setting tells of each such cancel until it is
 * done, so that one that a crash broke off is ended before anything is sent:
 *
 *     cancelling/UNTIL/channel/NUMBER
 *     cancelling/UNTIL/tenant/ID
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/process/scheduler_private.h"

#define STEP 1000 /* deliveries at once */
#define PREFIX "cancelling/"

static char *
note_of(const struct bf_selector *selector)
{
	return selector->tenant ? bf_strf(PREFIX "%" PRIu64 "/tenant/%s",
				      selector->until, selector->tenant)
				: bf_strf(PREFIX "%" PRIu64 "/channel/%" PRIu32,
				      selector->until, selector->id.channel);
}

/* The cancel that a note tells of; false: it is none, as without a channel, a
 * tenant or an end it would be of more than was meant. */
static bool
read_note(const char *note, struct bf_selector *selector)
{
	static const char channel[] = "/channel/", tenant[] = "/tenant/";
	char *rest;

	*selector = (struct bf_selector){
		.until = strtoull(note + strlen(PREFIX), &rest, 10)
	};
	if (selector->until == 0)
		return false;
	if (strncmp(rest, channel, strlen(channel)) == 0) {
		selector->id.channel =
		    (uint32_t)strtoul(rest + strlen(channel), NULL, 10);
		return selector->id.channel != 0;
	}
	if (strncmp(rest, tenant, strlen(tenant)) != 0)
		return false;
	selector->tenant = bf_strdup(rest + strlen(tenant));
	return true;
}

/* A step of a cancel. Takes what selector owns. */
static struct bf_change *
step(const struct scheduler *scheduler, const struct bf_selector *selector)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = BF_CHANGE_CANCEL;
	change->select.selector = *selector;
	change->select.now = bf_scheduler_now(scheduler);
	change->select.limit = STEP;
	return change;
}

static void
begin(struct scheduler *scheduler, const struct bf_selector *selector)
{
	char *note = note_of(selector);

	bf_settings_put(scheduler, note, "");
	free(note);
	bf_committer_add(scheduler->committer, step(scheduler, selector),
	    false);
}

void
bf_cancel_channel(struct scheduler *scheduler, uint32_t number)
{
	begin(scheduler, &(struct bf_selector){ .id.channel = number,
			     .until = scheduler->latest_event + 1 });
}

void
bf_cancel_tenant(struct scheduler *scheduler, const char *tenant)
{
	begin(scheduler, &(struct bf_selector){ .tenant = bf_strdup(tenant),
			     .until = scheduler->latest_event + 1 });
}

void
bf_cancel_committed(struct scheduler *scheduler, struct bf_change *change)
{
	const struct bf_selector rest = change->select.selector;
	char *note;

	scheduler->metrics.cancelled += change->select.count;
	if (change->select.more) {
		change->select.selector = (struct bf_selector){ 0 };
		bf_committer_add(scheduler->committer, step(scheduler, &rest),
		    false);
		return;
	}
	note = note_of(&rest);
	bf_settings_put(scheduler, note, NULL);
	free(note);
}

/* ---- at the start ---- */

static void
gather_note(void *context, const char *name, const char *value)
{
	(void)value;
	bf_strings_add(context, name);
}

/* Ends the cancel that a note tells of, and forgets the note. */
static enum bf_store_result
end(struct scheduler *scheduler, struct bf_store *store, const char *note,
    struct bf_error *err)
{
	enum bf_store_result result = BF_STORE_OK;
	struct bf_selector selector;
	struct bf_batch batch;
	struct bf_change *change;
	bool more = read_note(note, &selector);

	bf_batch_init(&batch);
	if (more)
		bf_batch_add(&batch, step(scheduler, &selector));
	while (more && result == BF_STORE_OK) {
		change = batch.first;
		result = bf_store_commit(store, &batch, err);
		more = change->select.more;
		scheduler->metrics.cancelled += change->select.count;
	}
	bf_batch_clear(&batch);
	if (result != BF_STORE_OK)
		return result;
	bf_batch_add(&batch, bf_change_put(note, NULL));
	result = bf_store_commit(store, &batch, err);
	bf_batch_clear(&batch);
	return result;
}

enum bf_store_result
bf_cancel_start(struct scheduler *scheduler, struct bf_store *store,
    struct bf_error *err)
{
	struct bf_strings notes = { 0 };
	enum bf_store_result result =
	    bf_store_settings(store, PREFIX, gather_note, &notes, err);

	for (size_t i = 0; result == BF_STORE_OK && i < notes.count; i++)
		result = end(scheduler, store, notes.items[i], err);
	bf_strings_free(&notes);
	return result;
}
