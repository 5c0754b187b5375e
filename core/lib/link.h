#ifndef BF_LIB_LINK_H
#define BF_LIB_LINK_H

#include <stdbool.h>

#include <belfry/buf.h>

/* Where a link leads: http, https or mailto, and nothing hidden in it. */
struct bf_link {
	struct bf_buf url;  /* ASCII without what ends a link in any markup */
	struct bf_buf host; /* in lower case, an IDN as A-labels */
	bool mail;
};

/*
 * Reads the target of a link as browsers do (WHATWG URL, section 4.4): white
 * space at the ends and tabs and line ends within don't count. Returns 0, or
 * -1 for one that is to be shown as text: another scheme, relative, with a
 * user name in front of the host, without a host, or over 2,048 octets.
 */
int bf_link_read(struct bf_link *link, const char *target);

/*
 * Whether label (UTF-8) names no other site than the link's: each word in it
 * that looks like a host is that host, or a domain above it, and no character
 * in it changes what is read (bidirectional controls).
 */
bool bf_link_is_honest(const struct bf_link *link, const char *label);

/* Whether label says the URL itself: then it need not be shown twice. */
bool bf_link_is_label(const struct bf_link *link, const char *label);

void bf_link_clear(struct bf_link *link);

#endif
