#ifndef BF_CONF_URL_H
#define BF_CONF_URL_H

#include <belfry/error.h>

/*
 * Whether text is an absolute http or https URL in RFC 3986's own spelling:
 * ASCII, no user name, no fragment, a host that is a name, a dotted quad or an
 * IPv6 address in brackets, and nothing that two readers could take for two
 * hosts (RFC 3986 section 3.2.2; WHATWG URL section 3.5 for "ends in a
 * number"). Returns 0, or -1 with what is wrong and what was expected.
 */
int bf_url_check(const char *text, struct bf_error *err);

/*
 * The same for a proxy: http, https, socks5 or socks5h, no path; a user name
 * and password may stand in it.
 */
int bf_proxy_check(const char *text, struct bf_error *err);

/* The origin of a page as browsers send it (RFC 6454, section 6.2): scheme and
 * host in lower case, and a port that is not the scheme's own. */
int bf_origin_check(const char *text, struct bf_error *err);

/* A host alone, as it stands in a URL; an IPv6 address also without brackets.
 */
int bf_host_check(const char *text, struct bf_error *err);

/* "ADDRESS:PORT", "[ADDRESS]:PORT" with a numeric address and 1..65535. */
int bf_endpoint_check(const char *text, struct bf_error *err);

/* An IP address or the name of a network interface. */
int bf_bind_address_check(const char *text, struct bf_error *err);

#endif
