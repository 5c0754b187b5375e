#ifndef BF_ROUTE_H
#define BF_ROUTE_H

#include <stdbool.h>

#include "core/registry/pattern.h"
#include "core/registry/registry.h"

/*
 * Which channels get an event: a pure function of the event's type and tenant
 * and the registry. `explain` is the same function with a recorder. A channel
 * that is stopped (its endpoint is gone) still gets events: they wait until it
 * is started again, or until their max_age has passed.
 */

/* The rule that decided about a channel, in the order they are tried. */
enum bf_rule {
	BF_RULE_ACCEPTED,        /* every rule let it through */
	BF_RULE_TOGGLE_OFF,      /* the event type's toggle is off */
	BF_RULE_MODULE_DISABLED, /* disable MODULE; or over the API */
	BF_RULE_CHANNEL_DISABLED,
	BF_RULE_NOT_LISTED,      /* a non-empty list without the type */
	BF_RULE_ABOUT_ITSELF,    /* belfry's own event about this channel */
};

struct bf_decision {
	const struct bf_channel_state *channel;
	enum bf_rule rule;
	char reason[256]; /* a sentence: which rule, where it stands */
};

/* Called once for each channel of the tenant. */
typedef void bf_route_recorder(
    void *context, const struct bf_decision *decision);

struct bf_route {
	struct bf_channel_state **channels; /* borrowed from the registry */
	size_t count, capacity;
	char reason[256]; /* why no channel gets it, or "" */
};

/*
 * Routes an event. about is the name of the channel that the event is about
 * (belfry's own events), or NULL; such an event does not go there. recorder
 * may be NULL. route is reused: it is emptied first, and freed with
 * bf_route_free.
 */
void bf_route_event(const struct bf_registry *registry, const char *tenant,
    const struct bf_event_type *type, const char *about,
    struct bf_route *route, bf_route_recorder *recorder, void *context);

void bf_route_free(struct bf_route *route);

/* "toggle_off", "not_listed", ... for programs. */
const char *bf_rule_name(enum bf_rule rule);

#endif
