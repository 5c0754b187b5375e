#ifndef BF_LOAD_PRIVATE_H
#define BF_LOAD_PRIVATE_H

#include <stddef.h>

#include "core/registry/context.h"
#include "core/registry/load.h"
#include "core/registry/snapshot.h"

/*
 * What the readers of the conf file's blocks share while a snapshot is made.
 */

struct bf_definition; /* what has a name so far, and where it stands */

struct bf_loading {
	struct bf_snapshot *snapshot;
	const struct bf_module_source *modules;
	const char *modules_directory;
	struct bf_secret_source *secrets;   /* its place: of what is read now */
	const struct bf_directive **tables; /* of snapshot->modules[i] */
	struct bf_definition *definitions;
	const char *tenant; /* whose block is being read; NULL: the default */
	struct bf_error *err;
};

/* The first members of a struct bf_directive whose name is not that of the
 * struct's member. */
#define BF_FIELD_AS(directive, settings, member)                               \
	.name = directive, .type = BF_TYPE_OF(((struct settings *)0)->member), \
	.offset = offsetof(struct settings, member)

/*
 * Notes that there is a thing of a kind, with a name, in a tenant (NULL where
 * tenants do not matter). Refuses a second one, saying where the first stands.
 */
int bf_define(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *kind, const char *tenant, const char *name);
void bf_definitions_free(struct bf_loading *loading);

/* Makes room for one item more than count, zeroed, and returns the items. */
void *bf_grow(void *items, size_t count, size_t size);

/* Whether text may name something; if not, says so at node. */
enum bf_naming {
	BF_NAMING_THING, /* a channel or a token */
	BF_NAMING_TYPE,  /* an event type or a category */
	BF_NAMING_TENANT,
};
int bf_name_check(struct bf_loading *loading, const struct bf_conf_node *node,
    enum bf_naming naming, const char *text);

/* From here on, secrets are those of a "channel" or "token": sealed ones open
 * for that place only. Notes which keys those in the block of node need. */
void bf_load_place(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *tenant, const char *name);

/* Readers of specials that several contexts have. */
int bf_load_path(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
int bf_load_proxy(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
int bf_load_bind_address(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target);
int bf_load_rate(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
#define BF_RATE_SYNTAX "NUMBER/s | NUMBER/m | NUMBER/h [burst=NUMBER] | off"

/* Readers of blocks. */
int bf_load_api(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
int bf_load_egress(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
int bf_load_events(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
int bf_load_toggles(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target);
int bf_load_channel(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target);
int bf_load_tenant(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
int bf_load_tenant_limits(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target);
int bf_load_user(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
int bf_load_token(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target);
int bf_load_module_block(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target);
int bf_load_disable(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target);

/*
 * What the core does for a channel: the directives of bf_context_channel, with
 * the module's own defaults. names are the module's directives, NULL at the
 * end.
 */
int bf_load_policy(struct bf_loading *loading, const struct bf_conf_node *node,
    const struct bf_module_info *module, const char *const *names,
    struct bf_channel_policy *policy);

/* Parses a schedule of retries as it is written. */
int bf_retry_parse(const struct bf_strings *words, struct bf_retry *retry,
    struct bf_error *err);

/* Adds the event types that belfry knows by itself, and sorts all by name. */
void bf_add_builtin_types(struct bf_snapshot *snapshot);

/* The place of a module among snapshot->modules; -1, and says so at node with
 * the nearest name or how to load it, if there is none. */
int bf_find_module(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *name);

/* Whether name may be that of a module that is not loaded now: it is none of
 * the loaded ones, nor like one of them. */
bool bf_module_is_missing(const struct bf_loading *loading, const char *name);

#endif
