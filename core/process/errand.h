#ifndef BF_ERRAND_H
#define BF_ERRAND_H

#include <event2/event.h>

#include "core/process/committer.h"

/*
 * Makes a call on a reader's handle of the store in dir, on a thread of its
 * own, while commits go on: for what takes long. done is called on the loop
 * with the owner. A process that leaves does not wait for it. Returns -1 with
 * errno if there is no thread or descriptor for it; the call is not done then.
 */
int bf_errand_run(struct event_base *base, const char *dir,
    struct store_call *call, void *owner);

#endif
