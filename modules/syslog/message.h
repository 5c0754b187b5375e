#ifndef SYSLOG_MESSAGE_H
#define SYSLOG_MESSAGE_H

#include <belfry/module.h>

/* What every message of a channel has. Borrowed. */
struct syslog_form {
	int facility; /* 0..23: RFC 5424, section 6.2.1 */
	const char *hostname;
	const char *app_name;
	int64_t enterprise_number; /* in the ids of structured data */
	int64_t max_size;          /* bytes of a message */
};

/*
 * Appends the message (RFC 5424, section 6) in a frame of its length (RFC 5425,
 * section 4.3; RFC 6587, section 3.4.1). What does not fit is left out from the
 * end: metadata first, then the rest of the subject, which says so.
 */
void syslog_message(const struct syslog_form *form,
    const struct bf_event *event, const char *delivery_id,
    struct bf_buf *frame);

/* Whether text may be a field of the header: 1 to most characters of printable
 * ASCII, no space (section 6). */
bool syslog_is_field(const char *text, size_t most);

#endif
