#ifndef BF_VALUES_H
#define BF_VALUES_H

#include "core/event/event_private.h"
#include "core/event/id.h"
#include "core/wire/attempt.h"
#include "core/wire/codec.h"

/*
 * What more than one message carries, as bytes. Writing borrows; what was read
 * is the caller's, though the reader is bad in the end. A value that can't be
 * makes the reader bad.
 */

void bf_put_event(struct bf_buf *out, const struct bf_event *event);

/* An event with one reference; NULL when bad. */
struct bf_event *bf_get_event(struct bf_reader *reader);

void bf_put_delivery_id(struct bf_buf *out, struct bf_delivery_id id);
struct bf_delivery_id bf_get_delivery_id(struct bf_reader *reader);

/* Adds those that are read to recipients: when bad, those before it. */
void bf_put_recipients(struct bf_buf *out,
    const struct bf_recipients *recipients);
void bf_get_recipients(struct bf_reader *reader,
    struct bf_recipients *recipients);

/* An attempt without its outcome: that stands in the message. What was read is
 * the caller's to clear. */
void bf_put_attempt(struct bf_buf *out, const struct bf_attempt *attempt);
void bf_get_attempt(struct bf_reader *reader, struct bf_attempt *attempt);

#endif
