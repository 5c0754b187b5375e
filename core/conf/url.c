/*
 * url.c - URLs and network addresses as the conf file may write them
 *
 * Strict on purpose: whatever curl, a proxy and a reader of the conf file could
 * understand differently is refused, so the host that is written is the host
 * that is asked.
 */
#include "core/conf/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/conf/conf_private.h"

#define URL_MAX 8000 /* RFC 9110, section 4.1 */
#define HOST_MAX 253 /* RFC 1035, section 2.3.4 */

/* A piece of the text. */
struct part {
	const char *text;
	size_t size;
};

struct scheme {
	const char *name; /* with "://" */
	bool proxy_only;
};

static const struct scheme schemes[] = {
	{ "http://", false },
	{ "https://", false },
	{ "socks5://", true },
	{ "socks5h://", true },
};

/* "<text>: <mistake>"; 0 if there is none. */
static int
refuse(struct bf_error *err, const char *text, const char *mistake)
{
	struct bf_shown room;

	if (mistake)
		bf_error_set(err, "%s: %s", bf_show(&room, text), mistake);
	return mistake ? -1 : 0;
}

/* The same for a URL, which is not shown: it may hold a password. */
static int
refuse_url(struct bf_error *err, const char *mistake)
{
	if (mistake)
		bf_error_set(err, "%s", mistake);
	return mistake ? -1 : 0;
}

/* Whether the host's last label is a number, decimal or hexadecimal: then
 * readers take the whole for an IPv4 address in one of its old spellings. */
static bool
ends_in_number(const char *host)
{
	const size_t size = strlen(host);
	const bool dot = size > 0 && host[size - 1] == '.';
	size_t begin = size - dot;

	while (begin > 0 && host[begin - 1] != '.')
		begin--;
	host += begin;
	if (host[0] == '0' && (host[1] == 'x' || host[1] == 'X'))
		return true;
	return isdigit((unsigned char)host[0]) &&
	       host[strspn(host, "0123456789")] == (dot ? '.' : '\0');
}

static bool
is_host_name(const char *host)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-_";
	size_t label;

	if (*host == '\0')
		return false;
	while (*host != '\0') {
		label = strspn(host, letters);
		if (label == 0 || label > 63 || host[0] == '-' ||
		    host[label - 1] == '-')
			return false;
		host += label;
		if (*host != '\0' && *host++ != '.')
			return false;
	}
	return true;
}

static const char *
host_mistake(struct part part)
{
	char host[HOST_MAX + 2];
	unsigned char address[16];

	if (part.size == 0)
		return "no host; expected a name or an address after \"://\"";
	if (part.size > HOST_MAX)
		return "the host is too long; expected 253 characters at most";
	memcpy(host, part.text, part.size);
	host[part.size] = '\0';
	if (host[0] == '[' && host[part.size - 1] == ']') {
		host[part.size - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, address) == 1)
			return NULL;
		return "not an IPv6 address; expected one such as "
		       "[2001:db8::1]";
	}
	if (ends_in_number(host)) {
		if (inet_pton(AF_INET, host, address) == 1)
			return NULL;
		return "not an IPv4 address; expected four decimal numbers "
		       "such "
		       "as 192.0.2.1";
	}
	if (!is_host_name(host))
		return "not a host name; expected letters, digits, hyphens and "
		       "dots (an international name in its xn-- form)";
	return NULL;
}

static const char *
port_mistake(struct part port)
{
	char digits[6];

	if (port.size == 0 || port.size > 5)
		return "not a port; expected 1 to 65535";
	memcpy(digits, port.text, port.size);
	digits[port.size] = '\0';
	if (digits[strspn(digits, "0123456789")] != '\0' || digits[0] == '0' ||
	    strtol(digits, NULL, 10) > 65535)
		return "not a port; expected 1 to 65535";
	return NULL;
}

/* Checks "host" or "host:port" (with_port: the latter only). */
static const char *
authority_mistake(struct part authority, bool with_port)
{
	struct part host = authority;
	struct part port = { 0 };
	const char *colon;
	const char *mistake;

	if (authority.size > 0 && authority.text[0] == '[') {
		const char *close = memchr(authority.text, ']', authority.size);

		if (!close)
			return "no \"]\"; expected an IPv6 address such as "
			       "[2001:db8::1]";
		host.size = (size_t)(close - authority.text) + 1;
		colon = host.size < authority.size ? close + 1 : NULL;
		if (colon && *colon != ':')
			return "text after \"]\"; expected a colon and a port";
	} else {
		colon = memchr(authority.text, ':', authority.size);
		if (colon)
			host.size = (size_t)(colon - authority.text);
	}
	if (!colon && with_port)
		return "no port; expected ADDRESS:PORT";
	mistake = host_mistake(host);
	if (mistake || !colon)
		return mistake;
	port.text = colon + 1;
	port.size = authority.size - host.size - 1;
	return port_mistake(port);
}

/* Characters of a path and a query: RFC 3986, sections 3.3 and 3.4. */
static const char *
path_mistake(const char *path)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-._~!$&'()*+,;=:@/?";

	for (path += strspn(path, allowed); *path != '\0';
	     path += strspn(path, allowed)) {
		if (*path == '#')
			return "a fragment; expected a URL without \"#\"";
		if (*path != '%')
			return "a character that does not belong in a URL; "
			       "expected it as %XX";
		if (!isxdigit((unsigned char)path[1]) ||
		    !isxdigit((unsigned char)path[2]))
			return "\"%\" without two hexadecimal digits; expected "
			       "%XX";
		path += 3;
	}
	return NULL;
}

static const struct scheme *
find_scheme(const char *text, bool proxy)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncasecmp(text, schemes[i].name,
			strlen(schemes[i].name)) == 0 &&
		    (proxy || !schemes[i].proxy_only))
			return &schemes[i];
	}
	return NULL;
}

static const char *
mistake_of(const char *text, bool proxy)
{
	const struct scheme *scheme = find_scheme(text, proxy);
	struct part authority;
	const char *mistake;
	const char *rest;
	const char *at;

	if (!scheme)
		return proxy ? "not the URL of a proxy; expected http://, "
			       "https://, socks5:// or socks5h:// and a host"
			     : "not an absolute URL; expected http:// or "
			       "https:// and a host";
	if (strlen(text) > URL_MAX)
		return "the URL is too long; expected 8000 characters at most";
	authority.text = text + strlen(scheme->name);
	authority.size = strcspn(authority.text, "/?#\\");
	rest = authority.text + authority.size;
	at = memchr(authority.text, '@', authority.size);
	if (at && !proxy)
		return "a user name in front of the host; expected it in a "
		       "directive of its own";
	if (at) {
		authority.text = at + 1;
		authority.size = (size_t)(rest - authority.text);
	}
	mistake = authority_mistake(authority, false);
	if (mistake)
		return mistake;
	if (proxy && *rest != '\0' && strcmp(rest, "/") != 0)
		return "a path; expected nothing after host and port";
	return path_mistake(rest);
}

int
bf_url_check(const char *text, struct bf_error *err)
{
	return refuse_url(err, mistake_of(text, false));
}

int
bf_proxy_check(const char *text, struct bf_error *err)
{
	return refuse_url(err, mistake_of(text, true));
}

static const char *
origin_mistake(const char *text)
{
	const bool secure = strncmp(text, "https://", 8) == 0;
	const char *port = strrchr(text, ':');

	if (!secure && strncmp(text, "http://", 7) != 0)
		return "not an origin; expected http:// or https:// and a "
		       "host, such as https://app.example.com";
	if (strchr(text + (secure ? 8 : 7), '/') || strchr(text, '?'))
		return "not an origin but a URL; expected nothing after host "
		       "and port";
	for (const char *c = text; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			return "capital letters; expected lower case, as "
			       "browsers send it";
	}
	if (strcmp(port, secure ? ":443" : ":80") == 0)
		return "the scheme's own port; expected none, as browsers "
		       "send it";
	return mistake_of(text, false);
}

int
bf_origin_check(const char *text, struct bf_error *err)
{
	return refuse(err, text, origin_mistake(text));
}

int
bf_host_check(const char *text, struct bf_error *err)
{
	const struct part whole = { text, strlen(text) };
	unsigned char address[16];

	if (inet_pton(AF_INET6, text, address) == 1)
		return 0;
	return refuse(err, text, host_mistake(whole));
}

int
bf_endpoint_check(const char *text, struct bf_error *err)
{
	const struct part whole = { text, strlen(text) };
	const char *mistake = authority_mistake(whole, true);

	if (!mistake && text[0] != '[' &&
	    text[strspn(text, "0123456789.:")] != '\0')
		mistake = "not an address; expected numbers such as "
			  "127.0.0.1:8420";
	return refuse(err, text, mistake);
}

int
bf_bind_address_check(const char *text, struct bf_error *err)
{
	unsigned char address[16];
	const size_t size = strlen(text);

	if (inet_pton(AF_INET, text, address) == 1 ||
	    inet_pton(AF_INET6, text, address) == 1)
		return 0;
	/* Names of interfaces: 15 characters, no slash, no white space. */
	if (size > 0 && size < 16 && strcspn(text, "/ \t\r\n:") == size &&
	    !ends_in_number(text))
		return 0;
	return refuse(err, text,
	    "neither an IP address nor the name of an interface");
}
