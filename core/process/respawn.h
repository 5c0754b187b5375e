#ifndef BF_RESPAWN_H
#define BF_RESPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/process/child.h"

/*
 * When what died is made again: at once, or if it died young after a pause
 * that doubles each time. Every kind of child has a pause of its own, and
 * among workers every group, so that a module whose workers die over and over
 * delays nobody else's replacement. Times are monotonic, in milliseconds.
 */
struct bf_respawn {
	enum bf_child_kind kind;
	char *group;   /* of a worker; "" */
	int64_t pause; /* the last one; 0: none */
	int64_t at;    /* not made before */
};

/* { 0 } knows of no death. */
struct bf_respawns {
	struct bf_respawn *items;
	size_t count;
};

/* One died at now. group may be NULL. */
void bf_respawn_died(struct bf_respawns *respawns, enum bf_child_kind kind,
    const char *group, bool young, int64_t now);

/* The time before which none of that kind and group is to be made; 0: there is
 * none. */
int64_t bf_respawn_at(const struct bf_respawns *respawns,
    enum bf_child_kind kind, const char *group);

void bf_respawn_free(struct bf_respawns *respawns);

#endif
