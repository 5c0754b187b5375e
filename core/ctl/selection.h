/*
 * selection.h - the deliveries that options of belfryctl select
 */
#ifndef BF_CTL_SELECTION_H
#define BF_CTL_SELECTION_H

#include <cjson/cJSON.h>

struct bf_ctl;

/* What the options say; NULL is any. The texts are the command line's. */
struct bf_selection {
	const char *state, *channel, *event, *tenant, *since, *until, *limit;
};

/* The query that asks the daemon for them; the caller's. */
cJSON *bf_selection_query(const struct bf_selection *selection);

/* Complains of an event type that there is not. An exit status, as all here. */
int bf_ctl_check_event(struct bf_ctl *ctl, const char *event);

/* Prints each change of those that are selected until the daemon ends. */
int bf_ctl_follow(struct bf_ctl *ctl, const struct bf_selection *selection);

#endif
