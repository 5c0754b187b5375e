#ifndef BF_CONTEXT_H
#define BF_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/conf/settings.h"

/*
 * The directives that belfry's own blocks know. Most are one value and stand
 * in a directive table; a special is read by a function of its own. Together
 * they are the single source for the parser, the manual and its tests.
 */

struct bf_loading; /* core/registry/load_private.h */

struct bf_special {
	const char *name;
	const char *syntax; /* its words: "USER [GROUP]" */
	size_t min, max;    /* how many */
	bool block;         /* { } stands behind them */
	bool repeats;
	const char *fallback; /* its words when it is not written; several
			       * directives parted by ";"; or NULL */
	const char *help;
	size_t offset; /* of the member in target, where read uses it */
	/* Reads one, whose shape has been checked. */
	int (*read)(struct bf_loading *loading,
	    const struct bf_special *special, const struct bf_conf_node *node,
	    void *target);
};

struct bf_context {
	const char *name;    /* "main", "api", ... */
	const char *opening; /* "channel MODULE NAME"; "" for main */
	const struct bf_directive *table;  /* ends with an empty one */
	const struct bf_special *specials; /* likewise; read in this order */
};

extern const struct bf_context bf_context_main;
extern const struct bf_context bf_context_api;
extern const struct bf_context bf_context_egress;
extern const struct bf_context bf_context_events;
extern const struct bf_context bf_context_event;
extern const struct bf_context bf_context_channel;
extern const struct bf_context bf_context_tenant;
extern const struct bf_context bf_context_limits;
extern const struct bf_context bf_context_tenant_limits;
extern const struct bf_context bf_context_token;
extern const struct bf_context bf_context_user;

/* All of them, in the order of the manual; NULL at the end. */
extern const struct bf_context *const bf_contexts[];

/*
 * Reads the block of at into target: the table first, then the specials in
 * their order. Directives named in more (NULL-terminated; may be NULL) are the
 * caller's.
 */
int bf_context_read(struct bf_loading *loading,
    const struct bf_context *context, const struct bf_conf_node *at,
    void *target, const char *const *more);

/* Reads a special from text, as if it stood in the block of at. */
int bf_special_read(struct bf_loading *loading,
    const struct bf_special *special, const char *text,
    const struct bf_conf_node *at, void *target);

/* The names of all directives of the context; free the array. */
const char **bf_context_names(const struct bf_context *context,
    const char *const *more);

/* The first directive of that name in the block, or NULL. */
const struct bf_conf_node *bf_conf_find(const struct bf_conf_node *at,
    const char *name);

#endif
