#ifndef BF_SCHEDULER_OUTCOME_H
#define BF_SCHEDULER_OUTCOME_H

#include "core/process/scheduler_private.h"

/*
 * What an attempt means for its delivery: recorded, and the next one planned.
 * None of these takes the delivery, but where it says so.
 */

/* What the outcome says of the endpoint. */
enum bf_health bf_outcome_health(const struct bf_msg_outcome *outcome);

/* The outcome that a worker sent; its attempt is taken over. A delivery that
 * was sent in vain (the endpoint asked for a pause, or is gone) goes back to
 * its place in the queue: held has none then. */
void bf_outcome_take(struct scheduler *scheduler, struct held *held,
    struct bf_msg_outcome *outcome);

/* The delivery waited longer than its max_age. Gives it up: takes it. */
void bf_outcome_expired(struct scheduler *scheduler, struct bf_lane_state *lane,
    struct bf_delivery *delivery);

/* The delivery killed its worker for the last time. */
void bf_outcome_crashed(struct scheduler *scheduler, struct bf_lane_state *lane,
    const struct bf_delivery *delivery, int signal);

/* The delivery killed its worker, and will be tried again: keep the count. */
void bf_outcome_note_crash(struct scheduler *scheduler,
    const struct bf_delivery *delivery);

/* The end of an attempt was committed. */
void bf_outcome_committed(struct scheduler *scheduler,
    const struct bf_finish *finish);

#endif
