#ifndef BF_CONF_IP_H
#define BF_CONF_IP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <belfry/error.h>

/*
 * IP addresses and ranges of them, and what an address is for. Those of IPv4
 * are no part of IPv6 here: ::ffff:10.0.0.1 is another one than 10.0.0.1.
 */

#define BF_IP_TEXT 46 /* bytes of an address as text, with its NUL */

struct bf_ip {
	bool six;                /* of IPv6: 16 bytes, else 4 */
	unsigned char bytes[16]; /* in the order of the network */
};

/* The addresses whose first bits are those of ip. */
struct bf_ip_range {
	struct bf_ip ip;
	uint32_t bits;
};

/* Reads an address in its usual form: a dotted quad, or RFC 4291 section 2.2
 * without a zone. -1: it is none. */
int bf_ip_parse(const char *text, struct bf_ip *ip);

/* The address of a socket, and the port if wanted. -1: it is not IP. */
int bf_ip_of(const struct sockaddr *address, struct bf_ip *ip, uint16_t *port);

void bf_ip_format(const struct bf_ip *ip, char text[BF_IP_TEXT]);

/* Reads "ADDRESS/BITS" (RFC 4632 section 3.1), or one address; no bit may be
 * set behind the first BITS. */
int bf_ip_range_parse(const char *text, struct bf_ip_range *range,
    struct bf_error *err);

bool bf_ip_in(const struct bf_ip *ip, const struct bf_ip_range *range);

/*
 * What keeps an address from being one of the public Internet, with its
 * article: "a loopback address"; NULL if nothing does. Source: the IANA
 * registries of special-purpose addresses (RFC 6890) for IPv4 and IPv6, of
 * which all that is outside of 2000::/3 is not given to anybody.
 */
const char *bf_ip_special(const struct bf_ip *ip);

/* The address of IPv4 that a mapped or translated one of IPv6 leads to. False:
 * it is neither. */
bool bf_ip_embedded(const struct bf_ip *ip, struct bf_ip *embedded);

#endif
