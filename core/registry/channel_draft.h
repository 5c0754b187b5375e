#ifndef BF_CHANNEL_DRAFT_H
#define BF_CHANNEL_DRAFT_H

#include "core/registry/channel_json.h"
#include "core/registry/load_private.h"

/*
 * A channel on its way from JSON: its directives as nodes, as the conf file's
 * parser would make them. The place of each ("file") is its JSON pointer.
 */
struct bf_draft_node {
	struct bf_conf_node node; /* first; node.next is next's */
	struct bf_draft_node *next;
	bool secret;
	char *saved; /* name of the saved secret that it takes; or NULL */
};

struct bf_draft_list {
	struct bf_draft_node *first, *last;
};

struct bf_draft {
	const struct bf_directive *table; /* of the module */
	struct bf_draft_list policy;      /* what every channel has */
	struct bf_draft_list settings;    /* the module's own */
	const cJSON *given;               /* "settings", or NULL */
	struct bf_channel_problem *problem;
};

/* Appends a node without words. prefix: "" or "/settings". */
struct bf_draft_node *bf_draft_add(struct bf_draft_list *list,
    const char *prefix, const char *name);

/* Says what is wrong with a member. Always -1. */
int bf_draft_refuse(struct bf_draft *draft, const char *prefix,
    const char *name, const char *format, ...) BF_PRINTF(4, 5);

/* -1 for a member that is no directive and whose name is too long to be shown;
 * the pointer is then that of what it stands in. */
int bf_draft_check_name(struct bf_draft *draft, const char *prefix,
    const char *name);

/* Splits problem's "POINTER: message" where the pointer is that of a node. */
void bf_draft_blame(struct bf_draft *draft, const struct bf_draft_list *list);

/* Frees the nodes, wiping those that are secret. */
void bf_draft_clear(struct bf_draft_list *list);

/* Whether a member of a channel is no directive, or only stands in answers. */
bool bf_draft_ignores(const char *name);

/* Gives nodes the saved secrets that they name, and adds those of the saved
 * channel (NULL: there is none) that were left out; -1 if there is no such
 * secret, or they can't be kept, as the channel goes to another place now. */
int bf_draft_keep(struct bf_draft *draft, const struct bf_channel *saved);

#endif
