/*
 * registry_unread.c - channels whose settings are not read yet
 *
 * Most tenants of many do nothing most of the time. What the store has of their
 * channels is kept as it came, and read when the tenant is first needed: all
 * of its channels at once, so that there are only tenants that are read and
 * tenants that are not. To whoever looks something up there is no difference,
 * which is why a registry that is const to the caller is changed here.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/registry_private.h"

struct unread {
	struct tenant *tenant;
	struct unread
	    *next; /* of the tenant, in the order in which they came */
	UT_hash_handle by_number;
	uint32_t number;
	uint32_t value; /* where it begins in text */
	char text[];    /* name and value */
};

void
bf_registry_open_with(struct bf_registry *registry, bf_registry_open *open,
    void *context)
{
	registry->open = open;
	registry->open_context = context;
}

int
bf_registry_put_unread(struct bf_registry *registry, const char *tenant,
    const char *name, uint32_t number, const char *value)
{
	const size_t name_size = strlen(name) + 1;
	const size_t value_size = strlen(value) + 1;
	struct tenant *known = bf_registry_tenant_make(registry, tenant);
	struct unread *unread;

	if (known->read_count > 0 &&
	    bf_registry_channel_find(registry, tenant, name))
		return -1;
	unread = bf_zalloc(1, sizeof(*unread) + name_size + value_size);
	unread->tenant = known;
	unread->number = number;
	unread->value = (uint32_t)name_size;
	memcpy(unread->text, name, name_size);
	memcpy(unread->text + name_size, value, value_size);
	if (unread->tenant->unread_last)
		unread->tenant->unread_last->next = unread;
	else
		unread->tenant->unread = unread;
	unread->tenant->unread_last = unread;
	unread->tenant->state.channel_count++;
	HASH_ADD(by_number, registry->unread_by_number, number,
	    sizeof(unread->number), unread);
	return 0;
}

static void
read_one(struct bf_registry *registry, struct unread *unread)
{
	const char *tenant = unread->tenant->state.id;
	struct bf_channel_state *state;

	HASH_DELETE(by_number, registry->unread_by_number, unread);
	unread->tenant->state.channel_count--;
	registry->open(registry->open_context, registry, tenant, unread->text,
	    unread->text + unread->value);
	state = bf_registry_channel_find(registry, tenant, unread->text);
	if (state && state->channel->number == 0)
		bf_registry_number(registry, state, unread->number);
	free(unread);
}

void
bf_registry_read_tenant(const struct bf_registry *registry,
    struct tenant *tenant)
{
	struct unread *unread = tenant->unread, *next;

	tenant->unread = tenant->unread_last = NULL;
	for (; unread; unread = next) {
		next = unread->next;
		read_one((struct bf_registry *)registry, unread);
	}
}

static struct unread *
find(const struct bf_registry *registry, uint32_t number)
{
	struct unread *unread;

	HASH_FIND(by_number, registry->unread_by_number, &number,
	    sizeof(number), unread);
	return unread;
}

void
bf_registry_read_numbered(const struct bf_registry *registry, uint32_t number)
{
	const struct unread *unread = find(registry, number);

	if (unread)
		bf_registry_read_tenant(registry, unread->tenant);
}

bool
bf_registry_has_unread(const struct bf_registry *registry, uint32_t number)
{
	return find(registry, number) != NULL;
}

void
bf_registry_read_all(struct bf_registry *registry)
{
	while (registry->unread_by_number)
		bf_registry_read_tenant(registry,
		    registry->unread_by_number->tenant);
}

void
bf_registry_each_unread(const struct bf_registry *registry,
    void (*each)(void *context, uint32_t number), void *context)
{
	const struct unread *unread = registry->unread_by_number;

	for (; unread; unread = unread->by_number.next)
		each(context, unread->number);
}

void
bf_registry_unread_free(struct bf_registry *registry)
{
	struct unread *unread, *next;

	HASH_ITER(by_number, registry->unread_by_number, unread, next)
	{
		HASH_DELETE(by_number, registry->unread_by_number, unread);
		free(unread);
	}
}
