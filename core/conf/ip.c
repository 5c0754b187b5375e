/*
 * ip.c - IP addresses, ranges, and what they are for
 */
#include "core/conf/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf/conf_private.h"

struct special {
	const char *range;
	const char *what;
};

/* The first one that holds is said. */
static const struct special four[] = {
	{ "0.0.0.0/32", "the unspecified address" },
	{ "0.0.0.0/8", "an address of \"this network\"" },     /* RFC 1122 */
	{ "10.0.0.0/8", "a private address" },                 /* RFC 1918 */
	{ "100.64.0.0/10", "a carrier's private address" },    /* RFC 6598 */
	{ "127.0.0.0/8", "a loopback address" },               /* RFC 1122 */
	{ "169.254.0.0/16", "a link-local address" },          /* RFC 3927 */
	{ "172.16.0.0/12", "a private address" },              /* RFC 1918 */
	{ "192.0.0.0/24", "an address kept for protocols" },   /* RFC 6890 */
	{ "192.0.2.0/24", "an address for documentation" },    /* RFC 5737 */
	{ "192.88.99.0/24", "a 6to4 relay's address" },        /* RFC 7526 */
	{ "192.168.0.0/16", "a private address" },             /* RFC 1918 */
	{ "198.18.0.0/15", "an address for benchmarks" },      /* RFC 2544 */
	{ "198.51.100.0/24", "an address for documentation" }, /* RFC 5737 */
	{ "203.0.113.0/24", "an address for documentation" },  /* RFC 5737 */
	{ "224.0.0.0/4", "a multicast address" },              /* RFC 5771 */
	{ "255.255.255.255/32", "the broadcast address" },     /* RFC 919 */
	{ "240.0.0.0/4", "a reserved address" },               /* RFC 1112 */
	{ NULL, NULL },
};

static const struct special six[] = {
	{ "::/128", "the unspecified address" },              /* RFC 4291 */
	{ "::1/128", "a loopback address" },                  /* RFC 4291 */
	{ "::ffff:0:0/96", "an IPv4-mapped address" },        /* RFC 4291 */
	{ "::ffff:0:0:0/96", "an IPv4-translated address" },  /* RFC 2765 */
	{ "::/96", "an IPv4-compatible address" },            /* RFC 4291 */
	{ "64:ff9b::/96", "a NAT64 address" },                /* RFC 6052 */
	{ "64:ff9b:1::/48", "a local NAT64 address" },        /* RFC 8215 */
	{ "100::/64", "an address for discarding" },          /* RFC 6666 */
	{ "fc00::/7", "a private address" },                  /* RFC 4193 */
	{ "fe80::/10", "a link-local address" },              /* RFC 4291 */
	{ "fec0::/10", "a site-local address" },              /* RFC 3879 */
	{ "ff00::/8", "a multicast address" },                /* RFC 4291 */
	{ "2001::/32", "a Teredo address" },                  /* RFC 4380 */
	{ "2001:2::/48", "an address for benchmarks" },       /* RFC 5180 */
	{ "2001:10::/28", "an ORCHID, which is no address" }, /* RFC 4843 */
	{ "2001:20::/28", "an ORCHID, which is no address" }, /* RFC 7343 */
	{ "2001::/23", "an address kept for protocols" },     /* RFC 2928 */
	{ "2001:db8::/32", "an address for documentation" },  /* RFC 3849 */
	{ "2002::/16", "a 6to4 address" },                    /* RFC 3056 */
	{ "3fff::/20", "an address for documentation" },      /* RFC 9637 */
	{ "2000::/3", NULL },                                 /* public */
	{ "::/0", "an address that is given to nobody" },     /* RFC 4291 */
	{ NULL, NULL },
};

/* Where the address of IPv4 is in one of IPv6, by its range. */
static const struct {
	const char *range;
	size_t offset;
} embedding[] = {
	{ "::ffff:0:0/96", 12 },
	{ "::ffff:0:0:0/96", 12 },
	{ "64:ff9b::/96", 12 },
	{ "2002::/16", 2 },
};

int
bf_ip_parse(const char *text, struct bf_ip *ip)
{
	*ip = (struct bf_ip){ 0 };
	if (inet_pton(AF_INET, text, ip->bytes) == 1)
		return 0;
	ip->six = true;
	return inet_pton(AF_INET6, text, ip->bytes) == 1 ? 0 : -1;
}

int
bf_ip_of(const struct sockaddr *address, struct bf_ip *ip, uint16_t *port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	*ip = (struct bf_ip){ .six = address->sa_family == AF_INET6 };
	if (!ip->six && address->sa_family != AF_INET)
		return -1;
	if (ip->six)
		memcpy(ip->bytes, &in6->sin6_addr, 16);
	else
		memcpy(ip->bytes, &in->sin_addr, 4);
	if (port)
		*port = ntohs(ip->six ? in6->sin6_port : in->sin_port);
	return 0;
}

void
bf_ip_format(const struct bf_ip *ip, char text[BF_IP_TEXT])
{
	if (!inet_ntop(ip->six ? AF_INET6 : AF_INET, ip->bytes, text,
		BF_IP_TEXT))
		abort();
}

/* Whether the first bits of both are the same. */
static bool
agree(const unsigned char *a, const unsigned char *b, uint32_t bits)
{
	const size_t whole = bits / 8;
	const unsigned rest = bits % 8;

	return memcmp(a, b, whole) == 0 &&
	       (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

bool
bf_ip_in(const struct bf_ip *ip, const struct bf_ip_range *range)
{
	return ip->six == range->ip.six &&
	       agree(ip->bytes, range->ip.bytes, range->bits);
}

/* "0" to most, in the usual form. */
static int
read_bits(const char *text, uint32_t most, uint32_t *bits)
{
	const size_t size = strlen(text);

	if (size == 0 || size > 3 || strspn(text, "0123456789") != size ||
	    (text[0] == '0' && size > 1))
		return -1;
	*bits = (uint32_t)strtoul(text, NULL, 10);
	return *bits <= most ? 0 : -1;
}

/* Where the bits behind the first ones are set: is it no range's beginning? */
static bool
has_host_bits(const struct bf_ip_range *range)
{
	const uint32_t size = range->ip.six ? 128 : 32;

	for (uint32_t bit = range->bits; bit < size; bit++) {
		if (range->ip.bytes[bit / 8] & 0x80 >> bit % 8)
			return true;
	}
	return false;
}

int
bf_ip_range_parse(const char *text, struct bf_ip_range *range,
    struct bf_error *err)
{
	const char *slash = strchr(text, '/');
	const size_t size = slash ? (size_t)(slash - text) : strlen(text);
	char address[BF_IP_TEXT];
	const char *mistake = NULL;
	struct bf_shown room;

	*range = (struct bf_ip_range){ 0 };
	if (size < sizeof(address)) {
		memcpy(address, text, size);
		address[size] = '\0';
	}
	if (size >= sizeof(address) || bf_ip_parse(address, &range->ip) == -1)
		mistake = "not an IP address";
	range->bits = range->ip.six ? 128 : 32;
	if (!mistake && slash &&
	    read_bits(slash + 1, range->bits, &range->bits) == -1)
		mistake = "the slash is not followed by a number of bits";
	if (!mistake && has_host_bits(range))
		mistake = "bits are set behind those that count";
	if (!mistake)
		return 0;
	bf_error_set(err,
	    "%s: %s; expected a range such as 10.0.0.0/8 or fd00::/8",
	    bf_show(&room, text), mistake);
	return -1;
}

/* Whether ip is in a range of the tables above. */
static bool
is_in(const struct bf_ip *ip, const char *text)
{
	struct bf_ip_range range;
	struct bf_error err;

	if (bf_ip_range_parse(text, &range, &err) == -1)
		abort(); /* the tables are wrong */
	return bf_ip_in(ip, &range);
}

const char *
bf_ip_special(const struct bf_ip *ip)
{
	const struct special *special = ip->six ? six : four;

	for (; special->range; special++) {
		if (is_in(ip, special->range))
			return special->what;
	}
	return NULL;
}

bool
bf_ip_embedded(const struct bf_ip *ip, struct bf_ip *embedded)
{
	*embedded = (struct bf_ip){ 0 };
	for (size_t i = 0;
	     ip->six && i < sizeof(embedding) / sizeof(*embedding); i++) {
		if (!is_in(ip, embedding[i].range))
			continue;
		memcpy(embedded->bytes, ip->bytes + embedding[i].offset, 4);
		return true;
	}
	return false;
}
