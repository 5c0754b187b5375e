/*
 * own_address.c - whether an address is belfry's own
 *
 * A wildcard listener is reached over any address of this machine. Only such a
 * one can be bound to, which asks the kernel about one address instead of
 * reading the list of all.
 */
#include "core/process/own_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <event2/util.h>

/* An address without its family's accidents: IPv4 as IPv4-mapped IPv6. */
struct place {
	struct in6_addr address;
	in_port_t port;
};

static bool
read_place(const struct sockaddr *address, struct place *place)
{
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six =
		    (const struct sockaddr_in6 *)address;

		place->address = six->sin6_addr;
		place->port = six->sin6_port;
		return true;
	}
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *four =
		    (const struct sockaddr_in *)address;

		memset(&place->address, 0, sizeof(place->address));
		place->address.s6_addr[10] = 0xff;
		place->address.s6_addr[11] = 0xff;
		memcpy(&place->address.s6_addr[12], &four->sin_addr, 4);
		place->port = four->sin_port;
		return true;
	}
	return false;
}

static bool
is_wildcard(const struct in6_addr *address)
{
	static const unsigned char any_four[16] = { [10] = 0xff, [11] = 0xff };

	return IN6_IS_ADDR_UNSPECIFIED(address) ||
	       memcmp(address, any_four, sizeof(any_four)) == 0;
}

bool
bf_local_address(const struct sockaddr *address)
{
	struct sockaddr_in6 six = { 0 };
	struct sockaddr_in four = { 0 };
	const bool is_six = address->sa_family == AF_INET6;
	int fd, result;

	fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	if (is_six) {
		six = *(const struct sockaddr_in6 *)address;
		six.sin6_port = 0; /* any one that is free */
	} else {
		four = *(const struct sockaddr_in *)address;
		four.sin_port = 0;
	}
	result = bind(fd,
	    is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four,
	    is_six ? sizeof(six) : sizeof(four));
	close(fd);
	return result == 0;
}

bool
bf_own_address(const struct bf_snapshot *snapshot,
    const struct sockaddr *address)
{
	struct place there, here;

	if (!read_place(address, &there))
		return false;
	for (size_t i = 0; i < snapshot->api.listen_count; i++) {
		struct sockaddr_storage own;
		int size = sizeof(own);

		if (evutil_parse_sockaddr_port(snapshot->api.listens[i].address,
			(struct sockaddr *)&own, &size) == -1 ||
		    !read_place((struct sockaddr *)&own, &here) ||
		    here.port != there.port)
			continue;
		if (memcmp(&here.address, &there.address,
			sizeof(here.address)) == 0 ||
		    is_wildcard(&there.address) ||
		    (is_wildcard(&here.address) && bf_local_address(address)))
			return true;
	}
	return false;
}
