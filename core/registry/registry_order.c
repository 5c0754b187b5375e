/*
 * registry_order.c - pages of tenants and channels, in order of their names
 *
 * A page begins above a name, so that it does not shift when something before
 * it comes or goes. The order is made when it is first asked for: whoever only
 * routes events needs none. That of the tenants, which may be many, is kept
 * from then on; that of a tenant's channels is made anew after a change.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/registry_private.h"

/* ---- tenants ---- */

static int
compare_tenants(const void *left, const void *right)
{
	const struct tenant *const *a = left;
	const struct tenant *const *b = right;

	return strcmp((*a)->state.id, (*b)->state.id);
}

static void
sort_tenants(struct bf_registry *registry)
{
	const size_t count = HASH_COUNT(registry->tenants);
	struct tenant *tenant;
	size_t i = 0;

	registry->sorted = bf_zalloc(count, sizeof(struct tenant *));
	for (tenant = registry->tenants; tenant; tenant = tenant->hh.next)
		registry->sorted[i++] = tenant;
	qsort(registry->sorted, count, sizeof(struct tenant *),
	    compare_tenants);
}

/* The place, among the first count, of the first whose id is not below that of
 * the given one. */
static size_t
tenant_place(const struct bf_registry *registry, size_t count, const char *id)
{
	size_t low = 0, high = count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(registry->sorted[middle]->state.id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
bf_registry_order_tenant(struct bf_registry *registry, struct tenant *tenant)
{
	const size_t count = HASH_COUNT(registry->tenants);
	struct tenant **place;

	if (!registry->sorted)
		return;
	registry->sorted = bf_resize(registry->sorted, count, sizeof(*place));
	place = registry->sorted +
		tenant_place(registry, count - 1, tenant->state.id);
	memmove(place + 1, place,
	    (size_t)(registry->sorted + count - 1 - place) * sizeof(*place));
	*place = tenant;
}

void
bf_registry_unorder_tenant(struct bf_registry *registry,
    const struct tenant *tenant)
{
	const size_t count = HASH_COUNT(registry->tenants);
	struct tenant **place;

	if (!registry->sorted)
		return;
	place =
	    registry->sorted + tenant_place(registry, count, tenant->state.id);
	memmove(place, place + 1,
	    (size_t)(registry->sorted + count - 1 - place) * sizeof(*place));
}

/* The place of the first that is not below id (NULL: of the first). */
static size_t
first_tenant(struct bf_registry *registry, const char *id)
{
	if (!registry->sorted)
		sort_tenants(registry);
	return id ? tenant_place(registry, HASH_COUNT(registry->tenants), id)
		  : 0;
}

size_t
bf_registry_tenants_above(struct bf_registry *registry, const char *after,
    const struct bf_tenant_state **states, size_t limit)
{
	const size_t all = HASH_COUNT(registry->tenants);
	size_t at = first_tenant(registry, after), count = 0;

	if (after && at < all &&
	    strcmp(registry->sorted[at]->state.id, after) == 0)
		at++;
	while (count < limit && at < all)
		states[count++] = &registry->sorted[at++]->state;
	return count;
}

/* ---- channels ---- */

void
bf_registry_unorder_channels(struct tenant *tenant)
{
	free(tenant->sorted);
	tenant->sorted = NULL;
}

static int
compare_channels(const void *left, const void *right)
{
	const struct bf_channel_state *const *a = left;
	const struct bf_channel_state *const *b = right;

	return strcmp((*a)->channel->name, (*b)->channel->name);
}

static void
sort_channels(struct tenant *tenant)
{
	const size_t count = tenant->read_count;

	tenant->sorted = bf_zalloc(count, sizeof(struct bf_channel_state *));
	memcpy(tenant->sorted, tenant->channels,
	    count * sizeof(struct bf_channel_state *));
	qsort(tenant->sorted, count, sizeof(struct bf_channel_state *),
	    compare_channels);
}

/* The place of the first channel whose name is above the given one. */
static size_t
channel_place(const struct tenant *tenant, const char *name)
{
	size_t low = 0, high = tenant->read_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(tenant->sorted[middle]->channel->name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Adds those of one tenant: above name, or (NULL) all. */
static size_t
add_channels(const struct bf_registry *registry, struct tenant *tenant,
    const char *name, const struct bf_channel_state **states, size_t limit)
{
	size_t at, count = 0;

	bf_registry_read_tenant(registry, tenant);
	if (tenant->read_count == 0)
		return 0;
	if (!tenant->sorted)
		sort_channels(tenant);
	at = name ? channel_place(tenant, name) : 0;
	while (count < limit && at < tenant->read_count)
		states[count++] = tenant->sorted[at++];
	return count;
}

/* The name to begin above in a tenant; NULL: with its first. */
static const char *
name_above(const struct tenant *tenant, struct bf_channel_place above)
{
	return above.tenant && strcmp(tenant->state.id, above.tenant) == 0
		   ? above.name
		   : NULL;
}

size_t
bf_registry_channels_above(struct bf_registry *registry, const char *of,
    struct bf_channel_place above, const struct bf_channel_state **states,
    size_t limit)
{
	struct tenant *tenant;
	size_t count = 0;

	if (of) {
		tenant = bf_registry_tenant_find(registry, of);
		if (!tenant || (above.tenant && strcmp(of, above.tenant) < 0))
			return 0;
		return add_channels(registry, tenant, name_above(tenant, above),
		    states, limit);
	}
	for (size_t at = first_tenant(registry, above.tenant);
	     count < limit && at < HASH_COUNT(registry->tenants); at++) {
		tenant = registry->sorted[at];
		count += add_channels(registry, tenant,
		    name_above(tenant, above), states + count, limit - count);
	}
	return count;
}
