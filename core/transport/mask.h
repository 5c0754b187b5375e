#ifndef BF_MASK_H
#define BF_MASK_H

#include <stdbool.h>

#include <belfry/buf.h>

/*
 * What may be shown of an exchange. The rule is to show what is known to be
 * harmless, and of all else that it is there.
 */

/*
 * Appends a URL or the target of a request with *** in place of user and
 * password, of the values of the query, and of each segment of the path that
 * may be a token: one with a digit in it or of more than 16 characters, unless
 * it is a version (v1, v10, 2.0). The fragment is left out. A segment of few
 * letters and no digit is shown, so that a misspelt path can be seen.
 */
void bf_mask_url(struct bf_buf *out, const char *url);

/* Appends a line of an HTTP request or of the headers of its answer. */
void bf_mask_http(struct bf_buf *out, const char *line, bool request);

#endif
