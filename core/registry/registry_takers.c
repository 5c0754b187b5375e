/*
 * registry_takers.c - the channels that take an event type
 *
 * Of a tenant's many channels, an event mostly goes to few: to read the event
 * list of each would cost as much as there are channels. So those that take a
 * type are listed when an event of it is first routed, and the list is kept
 * along with every change. Where more than one in SHARE takes it, there is no
 * list: to look at all costs SHARE looks a delivery at most, and the lists stay
 * small beside the channels themselves, whatever these take.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/pattern.h"
#include "core/registry/registry_private.h"

#define LISTED_LEAST 16 /* channels: fewer are looked at as fast as a list */
#define SHARE 4

/* Those of one tenant that take one type. */
struct takers {
	enum {
		UNKNOWN,
		LISTED, /* each of them */
		MANY,   /* there is no list of them */
	} kind;
	struct bf_channel_state **channels; /* in order of place */
	size_t count;
	size_t changes; /* that the tenant's channels had when it was judged */
};

static void
forget(struct takers *takers)
{
	free(takers->channels);
	*takers = (struct takers){ .kind = UNKNOWN };
}

void
bf_registry_takers_free(const struct bf_registry *registry,
    struct tenant *tenant)
{
	for (size_t i = 0; tenant->takers && i < registry->snapshot->type_count;
	     i++)
		forget(&tenant->takers[i]);
	free(tenant->takers);
	tenant->takers = NULL;
}

static bool
takes(const struct bf_channel_state *state, const struct bf_event_type *type)
{
	return bf_patterns_match(&state->channel->policy.events, type);
}

static bool
is_too_long(const struct tenant *tenant, const struct takers *takers)
{
	return takers->count > tenant->read_count / SHARE;
}

/* Where a channel stands in the list, or would stand. */
static size_t
place_in(const struct takers *takers, const struct bf_channel_state *state)
{
	size_t low = 0, high = takers->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (takers->channels[middle]->place < state->place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
insert(struct takers *takers, struct bf_channel_state *state)
{
	const size_t place = place_in(takers, state);
	struct bf_channel_state **at;

	/* Grows at powers of two: count alone tells when it is full. */
	if ((takers->count & (takers->count - 1)) == 0)
		takers->channels = bf_resize(takers->channels,
		    takers->count > 0 ? takers->count * 2 : 1, sizeof(*at));
	at = takers->channels + place;
	memmove(at + 1, at, (takers->count - place) * sizeof(*at));
	*at = state;
	takers->count++;
}

/* Lists them, or finds that they are too many. */
static void
judge(const struct tenant *tenant, const struct bf_event_type *type,
    struct takers *takers)
{
	forget(takers);
	takers->kind = LISTED;
	for (size_t i = 0; takers->kind == LISTED && i < tenant->read_count;
	     i++) {
		if (!takes(tenant->channels[i], type))
			continue;
		insert(takers, tenant->channels[i]);
		if (is_too_long(tenant, takers)) {
			forget(takers);
			takers->kind = MANY;
		}
	}
	takers->changes = tenant->changes;
}

/* Whether so much has changed since that a list may be worth its while now: so
 * that judging costs a few looks a change, at most. */
static bool
is_outdated(const struct tenant *tenant, const struct takers *takers)
{
	return takers->kind == UNKNOWN ||
	       (takers->kind == MANY && tenant->changes - takers->changes >
					    tenant->read_count / SHARE);
}

struct bf_channel_state *const *
bf_registry_channels_for(const struct bf_registry *registry, const char *id,
    const struct bf_event_type *type, size_t *count)
{
	const struct bf_snapshot *snapshot = registry->snapshot;
	struct bf_channel_state *const *all =
	    bf_registry_channels(registry, id, count);
	struct tenant *tenant;
	struct takers *takers;

	if (*count < LISTED_LEAST)
		return all;
	tenant = bf_registry_tenant_find(registry, id);
	if (!tenant->takers)
		tenant->takers =
		    bf_zalloc(snapshot->type_count, sizeof(*takers));
	takers = &tenant->takers[type - snapshot->types];
	if (is_outdated(tenant, takers))
		judge(tenant, type, takers);
	if (takers->kind == MANY)
		return all;
	*count = takers->count;
	return takers->channels;
}

/* ---- changes ---- */

static void
remove_from(struct takers *takers, const struct bf_channel_state *state)
{
	struct bf_channel_state **at =
	    takers->channels + place_in(takers, state);

	takers->count--;
	memmove(at, at + 1,
	    (size_t)(takers->channels + takers->count - at) * sizeof(*at));
}

/* Brings the lists of those types that the channel takes up to date. */
static void
change(const struct bf_registry *registry, struct tenant *tenant,
    struct bf_channel_state *state, bool comes)
{
	const struct bf_snapshot *snapshot = registry->snapshot;

	tenant->changes++;
	for (size_t i = 0; tenant->takers && i < snapshot->type_count; i++) {
		struct takers *takers = &tenant->takers[i];

		if (takers->kind != LISTED ||
		    !takes(state, &snapshot->types[i]))
			continue;
		if (comes)
			insert(takers, state);
		else
			remove_from(takers, state);
		if (is_too_long(tenant, takers))
			forget(takers);
	}
}

void
bf_registry_takers_add(const struct bf_registry *registry,
    struct tenant *tenant, struct bf_channel_state *state)
{
	change(registry, tenant, state, true);
}

void
bf_registry_takers_remove(const struct bf_registry *registry,
    struct tenant *tenant, struct bf_channel_state *state)
{
	change(registry, tenant, state, false);
}
