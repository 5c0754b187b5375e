#ifndef BF_SMTP_REPLY_H
#define BF_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define BF_SMTP_REPLY_MOST 512 /* bytes of a reply that are kept */

/*
 * A reply of an SMTP server, read line by line (RFC 5321, section 4.2). text
 * is the code and what stands behind it, that of several lines joined by
 * spaces, in printable ASCII: a server's bytes go into logs and pages.
 */
struct bf_smtp_reply {
	int code;
	bool whole; /* its last line was read */
	char text[BF_SMTP_REPLY_MOST];
	size_t size;
};

/*
 * Takes the next line, without the CRLF at its end; the one after a whole
 * reply begins another. -1: it is no line of a reply, or has another code than
 * the line before.
 */
int bf_smtp_reply_line(struct bf_smtp_reply *reply, const char *line,
    size_t size);

/* What a server offers (RFC 5321, section 4.1.1.1). */
struct bf_smtp_features {
	bool pipelining; /* RFC 2920 */
	bool size;       /* RFC 1870 */
	bool auth;       /* RFC 4954 */
};

/* Takes a line of the reply to EHLO: its first one forgets what was offered
 * before. */
void bf_smtp_features_line(struct bf_smtp_features *features, bool first,
    const char *line, size_t size);

#endif
