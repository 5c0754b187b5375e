#ifndef BF_REGISTRY_H
#define BF_REGISTRY_H

#include <stdbool.h>

#include "core/registry/channel_json.h"
#include "core/registry/snapshot.h"

/*
 * What the scheduler routes by: a snapshot of the conf file, and over it what
 * the store adds (toggles set and channels made over the API, channels switched
 * off, numbers of channels). Looked up by name in constant time.
 */
struct bf_registry;

/* Takes the snapshot. default_tenant is used where it names none. */
struct bf_registry *bf_registry_new(struct bf_snapshot *snapshot,
    const char *default_tenant);
void bf_registry_free(struct bf_registry **registry);

const struct bf_snapshot *bf_registry_snapshot(
    const struct bf_registry *registry);
const char *bf_registry_default_tenant(const struct bf_registry *registry);

const struct bf_event_type *bf_registry_type(const struct bf_registry *registry,
    const char *name);

/* Where the state of a toggle comes from. */
enum bf_toggle_source {
	BF_TOGGLE_DEFAULT, /* the event type's own default */
	BF_TOGGLE_CONF,    /* the conf file: locked */
	BF_TOGGLE_API,     /* set over the API */
};

struct bf_toggle_state {
	bool enabled;
	enum bf_toggle_source source;
	const char *file; /* with BF_TOGGLE_CONF */
	unsigned line;
};

/* The toggle of an event type for a tenant. */
struct bf_toggle_state bf_registry_toggle(const struct bf_registry *registry,
    const char *tenant, const struct bf_event_type *type);

/* Sets a toggle as the API does, or takes that back (on < 0). -1: locked. */
int bf_registry_set_toggle(struct bf_registry *registry, const char *tenant,
    const struct bf_event_type *type, int on);

/* Whether a tenant's channels of a module are switched on, all at once: the
 * default, unless the conf file disables the module. */
struct bf_toggle_state
bf_registry_module_toggle(const struct bf_registry *registry,
    const char *tenant, const struct bf_module_info *module);

/* Switches them as the API does, or takes that back (on < 0). -1: locked. */
int bf_registry_set_module(struct bf_registry *registry, const char *tenant,
    const struct bf_module_info *module, int on);

/* A tenant and what was said of it, in the conf file or over the API. */
struct bf_tenant_state {
	char *id;
	char *name;              /* as people see it; or NULL */
	struct bf_limits limits; /* its own: see bf_registry_limits */
	const char *file;        /* of its block in the conf file; or NULL */
	unsigned line;
	uint64_t version; /* how often the API was told of it; 0: never */
	char *created_at; /* with a version */
	size_t channel_count;
};

/* The tenant, or NULL if there is nothing of it. */
const struct bf_tenant_state *
bf_registry_tenant(const struct bf_registry *registry, const char *id);

/* The same, when something of it has come to be. */
const struct bf_tenant_state *
bf_registry_note_tenant(struct bf_registry *registry, const char *id);

/* What the API said of a tenant; borrowed. NULL: the conf file has it. */
struct bf_tenant_said {
	const char *name; /* or NULL */
	struct bf_limits limits;
	uint64_t version;
	const char *created_at;
};
const struct bf_tenant_state *
bf_registry_put_tenant(struct bf_registry *registry, const char *id,
    const struct bf_tenant_said *said);

/* Forgets it and its toggles, unless it has channels, or a block in the conf
 * file, or is the default one. */
void bf_registry_remove_tenant(struct bf_registry *registry, const char *id);

/* Whether somebody who may said that there is such a tenant: in the conf file,
 * or over the API. */
bool bf_registry_knows_tenant(const struct bf_registry *registry,
    const char *id);

/* Whether events, channels and tokens may name the tenant: with
 * strict_tenants, somebody who may must have said that there is one. */
bool bf_registry_takes_tenant(const struct bf_registry *registry,
    const char *id);

/* The limits that count for a tenant, known or not. */
struct bf_limits bf_registry_limits(const struct bf_registry *registry,
    const char *id);

/* At most limit tenants with ids above after (NULL: from the first on), in
 * order of id; returns how many. */
size_t bf_registry_tenants_above(struct bf_registry *registry,
    const char *after, const struct bf_tenant_state **states, size_t limit);

/* A channel and what is known of it beyond its conf. */
struct bf_channel_state {
	const struct bf_channel *channel; /* number is filled in */
	uint64_t place;                   /* in the order of its tenant's */
	bool disabled;                    /* switched off over the API */
	bool stopped; /* by its module's verdict: endpoint gone */
	char *stop_reason;
	char *failing_since; /* as the store had it when it was read; or NULL */
	/* Of one made over the API: how often it was changed (from 1; 0: the
	 * conf file's), when it was made (since 1970; 0: not known), what was
	 * said (JSON, without secrets), and why its settings can't be used now,
	 * or NULL. */
	uint64_t version;
	int64_t created_us;
	char *document;
	char *fault;
};

/* The channels of a tenant, in order of the file; *count is set. */
struct bf_channel_state *const *
bf_registry_channels(const struct bf_registry *registry, const char *tenant,
    size_t *count);

/*
 * Those among them that can get an event of the type: each whose event list
 * takes it, and perhaps others, in the same order. What it costs depends on how
 * many take it, not on how many there are; but for the first event of a type
 * since the registry was made. Good until one of the channels changes.
 */
struct bf_channel_state *const *
bf_registry_channels_for(const struct bf_registry *registry, const char *tenant,
    const struct bf_event_type *type, size_t *count);

/* All of them but what is unread: nothing of that waits, or ever did since the
 * registry was made. */
struct bf_channel_state *const *
bf_registry_channels_read(const struct bf_registry *registry,
    const char *tenant, size_t *count);

struct bf_channel_state *bf_registry_channel(const struct bf_registry *registry,
    const char *tenant, const char *name);
struct bf_channel_state *
bf_registry_channel_numbered(const struct bf_registry *registry,
    uint32_t number);

/* Whether a channel has that number; and every number. */
bool bf_registry_has_number(const struct bf_registry *registry,
    uint32_t number);
void bf_registry_each_number(const struct bf_registry *registry,
    void (*each)(void *context, uint32_t number), void *context);

/* Every channel that is read, in the order in which they were added (those of
 * the conf file first, in its order): the first one (after NULL), the next,
 * NULL at the end. */
struct bf_channel_state *
bf_registry_next_channel(const struct bf_registry *registry,
    const struct bf_channel_state *after);

/*
 * At most limit channels, in order of tenant and name; returns how many. What a
 * page costs depends on limit, not on how many there are; but for the first
 * one of a tenant whose channels have changed, which puts those in order.
 *
 * of     the tenant, or NULL: of all
 * above  the tenant and name that they come after; tenant NULL: from the first
 */
struct bf_channel_place {
	const char *tenant, *name;
};
size_t bf_registry_channels_above(struct bf_registry *registry, const char *of,
    struct bf_channel_place above, const struct bf_channel_state **states,
    size_t limit);

/* Gives a channel its number in the store. */
void bf_registry_number(struct bf_registry *registry,
    struct bf_channel_state *state, uint32_t number);

/*
 * Puts a channel that was made over the API, in place of the one of its tenant
 * and name, whose number and switches it gets. Takes channel, document and
 * fault. NULL if the conf file has a channel of that name; then they are freed.
 */
struct bf_channel_state *bf_registry_put(struct bf_registry *registry,
    struct bf_channel *channel, uint64_t version, char *document, char *fault);

/*
 * The same of one that is read when it, or another of its tenant, is first
 * asked for: by the function that the registry was given, which hands it to
 * bf_registry_put. Borrows all. -1 if there is a channel of that name.
 */
typedef void bf_registry_open(void *context, struct bf_registry *registry,
    const char *tenant, const char *name, const char *value);
void bf_registry_open_with(struct bf_registry *registry, bf_registry_open *open,
    void *context);
int bf_registry_put_unread(struct bf_registry *registry, const char *tenant,
    const char *name, uint32_t number, const char *value);

/* Reads all that are unread: before they can't be any more. */
void bf_registry_read_all(struct bf_registry *registry);

/* Removes a channel that was made over the API. */
void bf_registry_remove(struct bf_registry *registry,
    struct bf_channel_state *state);

/* For reading channels by the modules of the snapshot. */
struct bf_channel_reader *bf_registry_reader(struct bf_registry *registry);

/* Whether nothing keeps the channel from being sent to: enabled, not
 * disabled or stopped, its module loaded and switched on. */
bool bf_registry_channel_runs(const struct bf_registry *registry,
    const struct bf_channel_state *state, const char **why_not);

#endif
