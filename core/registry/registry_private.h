#ifndef BF_REGISTRY_PRIVATE_H
#define BF_REGISTRY_PRIVATE_H

#include "core/base/hash.h"
#include "core/registry/registry.h"

/*
 * The maps over a snapshot: what the registry's files share.
 *
 *   registry.c          channels, and the whole
 *   registry_tenant.c   tenants and their toggles
 *   registry_unread.c   channels of which nobody asked yet
 *   registry_order.c    pages of tenants and channels, in order of names
 *   registry_takers.c   channels by the event types that they take
 */

/* What is known of one toggle of one tenant. */
struct toggle {
	const struct bf_toggle *conf; /* NULL: not set there */
	signed char api;              /* -1: not set there */
};

struct tenant {
	struct bf_tenant_state state;       /* first: what callers hold */
	struct bf_channel_state **channels; /* those that are read */
	size_t read_count;                  /* how many; state has all */
	struct bf_channel_state **sorted; /* the same by name; NULL: to be made
					   * when wanted */
	struct takers *takers; /* by index of the type; NULL: of none yet */
	size_t changes;        /* of its channels: how many there were */
	struct unread *unread, *unread_last; /* NULL: all are read */
	struct toggle *toggles; /* by index of the type; NULL: none is set */
	signed char *modules;   /* by index, as set over the API: 1, 0, -1 not;
				 * NULL: none is set */
	UT_hash_handle hh;
};

struct channel;
struct takers;
struct unread;

struct bf_registry {
	struct bf_snapshot *snapshot;
	char *default_tenant;
	struct tenant *tenants;
	struct tenant **sorted; /* by id; NULL: to be made when wanted */
	struct channel *by_key; /* in the order in which they were added */
	struct channel *by_number;
	uint64_t places; /* of channels: how many were given */
	struct unread *unread_by_number;
	bf_registry_open *open;
	void *open_context;
	struct bf_channel_reader *reader; /* made when it is wanted */
};

struct tenant *bf_registry_tenant_find(const struct bf_registry *registry,
    const char *id);
struct tenant *bf_registry_tenant_make(struct bf_registry *registry,
    const char *id);
/* A tenant of the snapshot: its place, limits and toggles. */
void bf_registry_tenant_add(struct bf_registry *registry,
    struct bf_tenant *from);
void bf_registry_tenants_free(struct bf_registry *registry);

/* A channel that is read; NULL if there is none. */
struct bf_channel_state *
bf_registry_channel_find(const struct bf_registry *registry, const char *tenant,
    const char *name);

/* Reads the channels of a tenant; those of the one that has that number. */
void bf_registry_read_tenant(const struct bf_registry *registry,
    struct tenant *tenant);
void bf_registry_read_numbered(const struct bf_registry *registry,
    uint32_t number);

bool bf_registry_has_unread(const struct bf_registry *registry,
    uint32_t number);
void bf_registry_each_unread(const struct bf_registry *registry,
    void (*each)(void *context, uint32_t number), void *context);
void bf_registry_unread_free(struct bf_registry *registry);

/* Keeps the order of tenants, if it was made, when one comes or goes. */
void bf_registry_order_tenant(struct bf_registry *registry,
    struct tenant *tenant);
void bf_registry_unorder_tenant(struct bf_registry *registry,
    const struct tenant *tenant);

/* Keeps the lists of who takes which type, when a channel has come, or has been
 * taken from the tenant's. While it is there, its event list is the same. */
void bf_registry_takers_add(const struct bf_registry *registry,
    struct tenant *tenant, struct bf_channel_state *state);
void bf_registry_takers_remove(const struct bf_registry *registry,
    struct tenant *tenant, struct bf_channel_state *state);
void bf_registry_takers_free(const struct bf_registry *registry,
    struct tenant *tenant);

/* Forgets that of a tenant's channels, which are others now. */
void bf_registry_unorder_channels(struct tenant *tenant);

#endif
