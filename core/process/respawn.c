/*
 * respawn.c - the pauses before what died young is made again
 */
#include "core/process/respawn.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#define PAUSE_LEAST_MS 100
#define PAUSE_MOST_MS 5000

static struct bf_respawn *
find(const struct bf_respawns *respawns, enum bf_child_kind kind,
    const char *group)
{
	for (size_t i = 0; i < respawns->count; i++) {
		struct bf_respawn *respawn = &respawns->items[i];

		if (respawn->kind == kind &&
		    strcmp(respawn->group, group ? group : "") == 0)
			return respawn;
	}
	return NULL;
}

static struct bf_respawn *
add(struct bf_respawns *respawns, enum bf_child_kind kind, const char *group)
{
	respawns->items = bf_resize(respawns->items, respawns->count + 1,
	    sizeof(*respawns->items));
	respawns->items[respawns->count] = (struct bf_respawn){ .kind = kind,
		.group = bf_strdup(group ? group : "") };
	return &respawns->items[respawns->count++];
}

void
bf_respawn_died(struct bf_respawns *respawns, enum bf_child_kind kind,
    const char *group, bool young, int64_t now)
{
	struct bf_respawn *respawn = find(respawns, kind, group);

	if (!respawn)
		respawn = add(respawns, kind, group);
	if (!young)
		respawn->pause = 0;
	else if (respawn->pause == 0)
		respawn->pause = PAUSE_LEAST_MS;
	else if (respawn->pause < PAUSE_MOST_MS / 2)
		respawn->pause *= 2;
	else
		respawn->pause = PAUSE_MOST_MS;
	/* One of several may have died young just before. */
	if (respawn->at < now + respawn->pause)
		respawn->at = now + respawn->pause;
}

int64_t
bf_respawn_at(const struct bf_respawns *respawns, enum bf_child_kind kind,
    const char *group)
{
	const struct bf_respawn *respawn = find(respawns, kind, group);

	return respawn ? respawn->at : 0;
}

void
bf_respawn_free(struct bf_respawns *respawns)
{
	for (size_t i = 0; i < respawns->count; i++)
		free(respawns->items[i].group);
	free(respawns->items);
	*respawns = (struct bf_respawns){ 0 };
}
