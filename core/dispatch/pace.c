/*
 * pace.c - what holds lanes back together
 */
#include "core/dispatch/pace.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

/* One more user of the pace of that name, which is made if it is not there. */
static struct bf_pace *
use(struct bf_pace **paces, const char *name)
{
	struct bf_pace *pace;

	HASH_FIND_STR(*paces, name, pace);
	if (!pace) {
		pace = bf_new(struct bf_pace);
		pace->name = bf_strdup(name);
		HASH_ADD_KEYPTR(hh, *paces, pace->name, strlen(pace->name),
		    pace);
	}
	pace->users++;
	return pace;
}

bool
bf_pace_change(struct bf_pace **paces, struct bf_pace **pace, const char *name)
{
	/* Used before the old one is let go: it may be the same. */
	struct bf_pace *next = use(paces, name);
	const bool other = next != *pace;

	bf_pace_release(paces, pace);
	*pace = next;
	return other;
}

void
bf_pace_release(struct bf_pace **paces, struct bf_pace **pace)
{
	if (*pace && --(*pace)->users == 0) {
		HASH_DEL(*paces, *pace);
		free((*pace)->name);
		free(*pace);
	}
	*pace = NULL;
}
