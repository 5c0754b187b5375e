#ifndef SMTP_MESSAGE_H
#define SMTP_MESSAGE_H

#include <belfry/buf.h>
#include <belfry/error.h>
#include <belfry/event.h>

#include "modules/smtp/address.h"

/* What a message is made from. All borrowed. */
struct smtp_message {
	const struct smtp_address *from;
	const struct smtp_addresses *to;     /* at least one */
	const struct smtp_addresses *cc;     /* NULL or empty: no Cc */
	const struct smtp_address *reply_to; /* NULL: no Reply-To */
	const char *subject_prefix; /* UTF-8, put before the subject; or NULL */
	const char *domain;  /* of Message-ID; NULL: the domain of from */
	const char *list_id; /* "label.example.com"; NULL: "belfry.<domain>" */
	const char *delivery_id; /* as in struct bf_request */
	const struct bf_event *event;
};

/*
 * Appends the message (RFC 5322): headers, an empty line, a
 * multipart/alternative body of a text part made from the event's HTML and the
 * HTML. Lines end in CRLF and have 78 octets at most (998 in a header that
 * can't be folded), all bytes are ASCII, nothing is dot-stuffed.
 *
 * The bytes depend on parts alone, so that every attempt at a delivery sends
 * the same message. Date is when belfry accepted the event, Message-ID is made
 * from the delivery's id, and mails about one incident (metadata.incident_id,
 * per tenant) refer to the same message id, which makes them one thread
 * (RFC 5322, section 3.6.4). X-Belfry-Delivery and X-Belfry-Event carry the
 * delivery's id and the event's type, Auto-Submitted (RFC 3834) and List-Id
 * (RFC 2919) say that no person wrote it.
 *
 * Returns 0, or -1 with the reason.
 */
int smtp_message(struct bf_buf *out, const struct smtp_message *parts,
    struct bf_error *err);

#endif
