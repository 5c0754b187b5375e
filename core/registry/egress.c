/*
 * egress.c - what channels made over the API may reach
 */
#include "core/registry/egress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <belfry/memory.h>

#include "core/conf/url.h"

struct scheme {
	const char *name; /* with "://" */
	uint16_t port;    /* the usual one */
};

static const struct scheme schemes[] = {
	{ "http://", 80 },
	{ "https://", 443 },
	{ "smtp://", 25 },
	{ "smtps://", 465 },
};

static int
refuse_port(const struct bf_egress *egress, long port, struct bf_error *err)
{
	struct bf_buf list = { 0 };

	for (size_t i = 0; i < egress->port_count; i++) {
		const struct bf_port_range *range = &egress->ports[i];

		bf_buf_add_format(&list, i == 0 ? "%u" : " %u", range->first);
		if (range->last > range->first)
			bf_buf_add_format(&list, "-%u", range->last);
	}
	bf_error_set(err,
	    "port %ld is none that channels made over the API may connect to; "
	    "expected one of: %s",
	    port, bf_buf_text(&list));
	bf_buf_free(&list);
	return -1;
}

static int
check_port(const struct bf_egress *egress, long port, struct bf_error *err)
{
	for (size_t i = 0; i < egress->port_count; i++) {
		if (port >= egress->ports[i].first &&
		    port <= egress->ports[i].last)
			return 0;
	}
	return refuse_port(egress, port, err);
}

static bool
is_opened(const struct bf_egress *egress, const struct bf_ip *ip)
{
	for (size_t i = 0; i < egress->range_count; i++) {
		if (bf_ip_in(ip, &egress->ranges[i]))
			return true;
	}
	return false;
}

/* Where a translator is opened, what it leads to is judged as well. */
static int
check_ip(const struct bf_egress *egress, const struct bf_ip *ip,
    struct bf_error *err)
{
	const char *what = is_opened(egress, ip) ? NULL : bf_ip_special(ip);
	struct bf_ip embedded;
	char text[BF_IP_TEXT];

	if (!what && bf_ip_embedded(ip, &embedded) &&
	    !is_opened(egress, &embedded) && bf_ip_special(&embedded))
		what = "translated to one that is not public";
	if (!what)
		return 0;
	bf_ip_format(ip, text);
	bf_error_set(err,
	    "%s is %s, which channels made over the API may not reach", text,
	    what);
	return -1;
}

/* Of a host that is an address, or one of the names that are no questions for
 * a name server. */
static int
check_host(const struct bf_egress *egress, const char *host,
    struct bf_error *err)
{
	static const char local[] = "localhost";
	size_t size = strlen(host);
	struct bf_ip ip;

	if (bf_ip_parse(host, &ip) == 0)
		return check_ip(egress, &ip, err);
	if (size > 0 && host[size - 1] == '.')
		size--;
	if (size < sizeof(local) - 1)
		return 0;
	host += size - (sizeof(local) - 1);
	size -= sizeof(local) - 1;
	if (strncasecmp(host, local, sizeof(local) - 1) != 0 ||
	    (size > 0 && host[-1] != '.'))
		return 0;
	bf_ip_parse("127.0.0.1", &ip);
	if (is_opened(egress, &ip))
		return 0;
	bf_error_set(err,
	    "localhost is this machine, which channels made over the API may "
	    "not reach");
	return -1;
}

static const struct scheme *
find_scheme(const char *url)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (strncasecmp(url, schemes[i].name,
			strlen(schemes[i].name)) == 0)
			return &schemes[i];
	}
	return NULL;
}

/* Parts the authority of a URL, which has no user name: writes the host into
 * host (without brackets) and gives the port. -1: it has no such form. */
static long
split_authority(const char *authority, long usual, char *host, size_t size)
{
	const size_t end = strcspn(authority, "/?#\\");
	const bool bracket = authority[0] == '[';
	const char *begin = authority + bracket;
	const size_t length = strcspn(begin, bracket ? "]" : ":/?#\\");
	const char *rest = begin + length + bracket;

	if (length >= size || memchr(authority, '@', end) ||
	    (bracket && begin[length] != ']'))
		return -1;
	memcpy(host, begin, length);
	host[length] = '\0';
	if (*rest != ':')
		return rest == authority + end ? usual : -1;
	return strspn(rest + 1, "0123456789") ==
		       (size_t)(authority + end - rest - 1)
		   ? strtol(rest + 1, NULL, 10)
		   : -1;
}

int
bf_egress_url(const struct bf_egress *egress, const char *url,
    struct bf_error *err)
{
	const struct scheme *scheme = find_scheme(url);
	char host[256];
	long port;

	if (!scheme) {
		bf_error_set(err,
		    "not a URL that channels made over the API may have; "
		    "expected https://");
		return -1;
	}
	if (scheme == schemes && !egress->allow_http) {
		bf_error_set(err,
		    "it would be sent in plain text, as channels made over the "
		    "API may not; expected TLS, as with https://");
		return -1;
	}
	port = split_authority(url + strlen(scheme->name), scheme->port, host,
	    sizeof(host));
	if (port == -1) {
		bf_error_set(err, "no host and port; expected a URL such as "
				  "https://hooks.example.com/");
		return -1;
	}
	return check_host(egress, host, err) == -1 ||
		       check_port(egress, port, err) == -1
		   ? -1
		   : 0;
}

int
bf_egress_setting(const struct bf_egress *egress,
    const struct bf_directive *directive, const char *word,
    struct bf_error *err)
{
	char *host;
	int64_t port;
	int result;

	if (directive->type == BF_TYPE_URL)
		return bf_url_check(word, err) == -1 ||
			       bf_egress_url(egress, word, err) == -1
			   ? -1
			   : 0;
	if (strcmp(directive->name, "host") == 0) {
		if (bf_host_check(word, err) == -1)
			return -1;
		host = word[0] == '[' ? bf_strndup(word + 1, strlen(word) - 2)
				      : bf_strdup(word);
		result = check_host(egress, host, err);
		free(host);
		return result;
	}
	if (strcmp(directive->name, "tls") == 0 && strcmp(word, "off") == 0 &&
	    !egress->allow_http) {
		bf_error_set(err,
		    "it would be sent in plain text, as channels made over the "
		    "API may not; expected TLS");
		return -1;
	}
	/* What is no number is refused by the directive's own type. */
	if (directive->type == BF_TYPE_INTEGER &&
	    strcmp(directive->name, "port") == 0 &&
	    bf_integer_parse(word, &port, NULL) == 0)
		return check_port(egress, (long)port, err);
	return 0;
}

int
bf_egress_address(const struct bf_egress *egress,
    const struct sockaddr *address, struct bf_error *err)
{
	struct bf_ip ip;
	uint16_t port;

	if (bf_ip_of(address, &ip, &port) == -1) {
		bf_error_set(err,
		    "it is no IP address, which channels made over the API may "
		    "not reach");
		return -1;
	}
	return check_ip(egress, &ip, err) == -1 ||
		       check_port(egress, port, err) == -1
		   ? -1
		   : 0;
}

bool
bf_egress_opens(const struct bf_egress *egress, const struct sockaddr *address)
{
	struct bf_ip ip;

	return bf_ip_of(address, &ip, NULL) == 0 && is_opened(egress, &ip);
}
