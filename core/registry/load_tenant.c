/*
 * load_tenant.c - the block tenant, and the limits of tenants
 */
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/load_private.h"

/* What is not written stays as it was: the default, or no limit. */
#define LIMITS(none, token_count)                                              \
	{ BF_FIELD(bf_limits, events_per_second), .fallback = none,            \
		.max = BF_LIMIT_MOST,                                          \
		.help =                                                        \
		    "How many events a tenant may post in a second; 0: no "    \
		    "limit" },                                                 \
	    { BF_FIELD(bf_limits, burst), .fallback = none,                    \
		    .max = BF_LIMIT_MOST,                                      \
		    .help =                                                    \
			"How many at once, after a pause; 0: as many as in a " \
			"second" },                                            \
	    { BF_FIELD(bf_limits, channels), .fallback = none,                 \
		    .max = BF_LIMIT_MOST,                                      \
		    .help =                                                    \
			"How many channels a tenant may have; those of the "   \
			"conf "                                                \
			"file count, and are never refused; 0: no limit" },    \
	    { BF_FIELD(bf_limits, tokens), .fallback = token_count,            \
		    .max = BF_LIMIT_MOST,                                      \
		    .help = "How many tokens made over the API a tenant may "  \
			    "have; 0: no limit" },                             \
	    { BF_FIELD(bf_limits, stored_bytes), .fallback = none,             \
		    .max = BF_LIMIT_BYTES_MOST,                                \
		    .help =                                                    \
			"How much of the store a tenant's events and their "   \
			"deliveries may take, history included; 0: no "        \
			"limit" },

static const struct bf_directive limits_table[] = { LIMITS(NULL, NULL){ 0 } };
static const struct bf_directive defaults_table[] = { LIMITS("0", "1000"){
    0 } };

const struct bf_context bf_context_limits = { "limits", "limits", limits_table,
	NULL };
const struct bf_context bf_context_tenant_limits = { "tenant_limits",
	"tenant_limits", defaults_table, NULL };

/* A burst is one of a rate. */
static int
check_limits(struct bf_loading *loading, const struct bf_conf_node *node)
{
	const struct bf_conf_node *burst = bf_conf_find(node, "burst");

	if (!burst || bf_conf_find(node, "events_per_second"))
		return 0;
	return bf_conf_error(burst, loading->err,
	    "burst: no rate; expected \"events_per_second\" beside it");
}

int
bf_load_tenant_limits(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target)
{
	struct bf_snapshot *snapshot = target;

	(void)special;
	if (bf_context_read(loading, &bf_context_tenant_limits, node,
		&snapshot->tenant_limits, NULL) == -1)
		return -1;
	return check_limits(loading, node);
}

static int
read_limits(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_tenant *tenant = target;

	(void)special;
	if (bf_context_read(loading, &bf_context_limits, node, &tenant->limits,
		NULL) == -1)
		return -1;
	return check_limits(loading, node);
}

static int
read_name(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_tenant *tenant = target;
	struct bf_error cause;

	(void)special;
	if (bf_tenant_name_check(node->words.items[0], &cause) == -1)
		return bf_conf_error(node, loading->err, "name: %s",
		    cause.text);
	tenant->name = bf_strdup(node->words.items[0]);
	return 0;
}

static const struct bf_special specials[] = {
	{ "name", "NAME", 1, 1, false, false, NULL,
	    "The tenant's name, as people see it", 0, read_name },
	{ "limits", "", 0, 0, true, false, NULL,
	    "What the tenant may have, where that is not what tenant_limits "
	    "says",
	    0, read_limits },
	{ "events", "", 0, 0, true, false, NULL,
	    "The tenant's toggles of event types", 0, bf_load_toggles },
	{ "channel", "MODULE NAME", 2, 2, true, true, NULL,
	    "A destination of the tenant", 0, bf_load_channel },
	{ 0 },
};

const struct bf_context bf_context_tenant = { "tenant", "tenant ID", NULL,
	specials };

int
bf_load_tenant(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	static const struct bf_limits limits = BF_LIMITS_DEFAULT;
	struct bf_snapshot *snapshot = target;
	const char *id = node->words.items[0];
	struct bf_tenant *tenant;
	int result;

	(void)special;
	if (bf_name_check(loading, node, BF_NAMING_TENANT, id) == -1 ||
	    bf_define(loading, node, "tenant", NULL, id) == -1)
		return -1;
	snapshot->tenants =
	    bf_grow(snapshot->tenants, snapshot->tenant_count, sizeof(*tenant));
	tenant = &snapshot->tenants[snapshot->tenant_count++];
	tenant->id = bf_strdup(id);
	tenant->limits = limits;
	tenant->file = bf_strdup(node->file);
	tenant->line = node->line;
	loading->tenant = id;
	result =
	    bf_context_read(loading, &bf_context_tenant, node, tenant, NULL);
	loading->tenant = NULL;
	return result;
}
