#ifndef BF_URI_H
#define BF_URI_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Request targets: percent-encoding (RFC 3986, section 2.1) and queries as
 * forms write them (WHATWG URL, section 5.1).
 */

/* Whether every "%" begins an encoded byte, and none is a NUL. */
bool bf_uri_is_encoded(const char *text);

/* Decodes in place. What text is must have been found to be encoded rightly. */
void bf_uri_decode(char *text);

/* The value of a parameter of a query that is encoded rightly, decoded, in new
 * memory; NULL if it is not there, or query is NULL. */
char *bf_uri_parameter(const char *query, const char *name);

#endif
