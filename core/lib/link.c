/*
 * link.c - where links lead, and whether their labels say so
 *
 * A host is compared as its A-labels, so that a letter of another script in
 * it is no letter of the site that it looks like.
 */
#include "core/lib/link.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <idn2.h>

#define URL_MOST 2048

/* Appends the target without what browsers leave out: controls and spaces at
 * the ends, tabs and line ends anywhere. */
static void
trim(struct bf_buf *out, const char *target)
{
	while (*target && (unsigned char)*target <= ' ')
		target++;
	for (; *target; target++) {
		if (!strchr("\t\r\n", *target))
			bf_buf_add_byte(out, *target);
	}
	while (out->size > 0 && (unsigned char)out->data[out->size - 1] <= ' ')
		out->size--;
	bf_buf_add_text(out, "");
}

/* Appends a host name in lower case, as A-labels. 0 or -1. */
static int
read_host(struct bf_buf *host, const char *text, size_t size)
{
	struct bf_buf name = { 0 };
	char *ascii = NULL;
	int status = -1;

	bf_buf_add(&name, text, size);
	if (size > 0 && idn2_to_ascii_8z(name.data, &ascii,
			    IDN2_NONTRANSITIONAL) == IDN2_OK) {
		for (char *c = ascii; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		bf_buf_add_text(host, ascii);
		status = 0;
	}
	idn2_free(ascii);
	bf_buf_free(&name);
	return status;
}

/* Appends what may stand in a URL as it is, anything else percent-encoded
 * (RFC 3986, section 2.1). */
static void
add_encoded(struct bf_buf *url, const char *text)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c))
			bf_buf_add_format(url, "%%%02X", c);
		else
			bf_buf_add_byte(url, *text);
	}
}

static int
read_web(struct bf_link *link, char *target, size_t scheme)
{
	char *authority = target + scheme, *port;
	size_t size;

	/* As browsers read it: a backslash is a slash. */
	for (char *c = target; *c && *c != '?' && *c != '#'; c++) {
		if (*c == '\\')
			*c = '/';
	}
	if (strncmp(authority, "//", 2) != 0)
		return -1;
	authority += 2;
	size = strcspn(authority, "/?#");
	if (memchr(authority, '@', size) || memchr(authority, '%', size))
		return -1;
	port = memchr(authority, *authority == '[' ? ']' : ':', size);
	if (port && *authority == '[')
		port++;
	else if (*authority == '[')
		return -1;
	if (!port)
		port = authority + size;
	if (*authority == '[') {
		const size_t length = (size_t)(port - authority);

		if (strspn(authority, "[]:.0123456789abcdefABCDEF") < length)
			return -1;
		bf_buf_add(&link->host, authority, length);
	} else if (read_host(&link->host, authority,
		       (size_t)(port - authority)) == -1) {
		return -1;
	}
	if (strspn(link->host.data,
		"[]:.-_0123456789"
		"abcdefghijklmnopqrstuvwxyzABCDEF") != link->host.size)
		return -1;
	if (port < authority + size &&
	    (*port != ':' || 1 + strspn(port + 1, "0123456789") !=
				 (size_t)(authority + size - port)))
		return -1;
	bf_buf_add_format(&link->url, "%s//%s",
	    scheme == 5 ? "http:" : "https:", link->host.data);
	add_encoded(&link->url, port);
	return 0;
}

static int
read_mail(struct bf_link *link, const char *address)
{
	const size_t size = strcspn(address, "?");
	const char *at = memchr(address, '@', size);

	link->mail = true;
	if (!at || at == address ||
	    read_host(&link->host, at + 1, (size_t)(address + size - at - 1)) ==
		-1)
		return -1;
	bf_buf_add_text(&link->url, "mailto:");
	add_encoded(&link->url, address);
	return 0;
}

int
bf_link_read(struct bf_link *link, const char *target)
{
	struct bf_buf text = { 0 };
	int status = -1;

	*link = (struct bf_link){ 0 };
	if (strlen(target) > URL_MOST)
		return -1;
	trim(&text, target);
	if (strncasecmp(text.data, "http:", 5) == 0)
		status = read_web(link, text.data, 5);
	else if (strncasecmp(text.data, "https:", 6) == 0)
		status = read_web(link, text.data, 6);
	else if (strncasecmp(text.data, "mailto:", 7) == 0)
		status = read_mail(link, text.data + 7);
	bf_buf_free(&text);
	if (status == -1)
		bf_link_clear(link);
	return status;
}

/* ---- labels ---- */

/* What of a label is no letter and shows nothing: bytes to leave out; or 0. */
static size_t
invisible(const char *text)
{
	static const char *const all[] = { "\xc2\xad", "\xe2\x80\x8b",
		"\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",
		"\xe2\x81\xa0", "\xef\xbb\xbf" };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strncmp(text, all[i], strlen(all[i])) == 0)
			return strlen(all[i]);
	}
	return 0;
}

/* Whether a character of the label is, or looks like, a dot. */
static size_t
dot(const char *text)
{
	static const char *const all[] = { ".", "\xe3\x80\x82", "\xef\xbc\x8e",
		"\xef\xbd\xa1", "\xe2\x80\xa4" };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strncmp(text, all[i], strlen(all[i])) == 0)
			return strlen(all[i]);
	}
	return 0;
}

/* Bidirectional overrides, embeddings and isolates. */
static bool
reorders(const char *label)
{
	for (; (label = strchr(label, 0xe2)) != NULL; label++) {
		const unsigned char *c = (const unsigned char *)label;

		if ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
		    (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9))
			return true;
	}
	return false;
}

/* Whether name is the host, or a domain above it. */
static bool
is_above(const struct bf_link *link, const char *name)
{
	struct bf_buf host = { 0 };
	bool above = false;

	if (read_host(&host, name, strlen(name)) == 0 &&
	    host.size <= link->host.size) {
		const size_t rest = link->host.size - host.size;

		above = strcmp(link->host.data + rest, host.data) == 0 &&
			(rest == 0 || link->host.data[rest - 1] == '.');
		/* "www." is no other site. */
	} else if (host.data && host.size == link->host.size + 4) {
		above = strncmp(host.data, "www.", 4) == 0 &&
			strcmp(host.data + 4, link->host.data) == 0;
	}
	bf_buf_free(&host);
	return above;
}

/*
 * Takes the next run of letters, digits, dashes and dots off the label, dots
 * made plain, what is invisible left out. Returns whether it looks like the
 * name of a host: a dot within and no number behind the last one, or an
 * IPv4 address.
 */
static bool
next_name(const char **label, struct bf_buf *name)
{
	const char *at = *label, *last;
	struct in_addr address;

	bf_buf_clear(name);
	for (; *at; at++) {
		const size_t skip = invisible(at), point = dot(at);

		if (skip > 0) {
			at += skip - 1;
		} else if (point > 0) {
			bf_buf_add_byte(name, '.');
			at += point - 1;
		} else if (isalnum((unsigned char)*at) || *at == '-' ||
			   (unsigned char)*at >= 0x80) {
			bf_buf_add_byte(name, *at);
		} else {
			break;
		}
	}
	*label = *at ? at + 1 : at;
	while (name->size > 0 && name->data[name->size - 1] == '.')
		name->data[--name->size] = '\0';
	last = name->size > 0 ? strrchr(name->data, '.') : NULL;
	return last && last > name->data &&
	       (!isdigit((unsigned char)last[1]) ||
		   inet_pton(AF_INET, name->data, &address) == 1);
}

bool
bf_link_is_honest(const struct bf_link *link, const char *label)
{
	struct bf_buf name = { 0 };
	bool honest = !reorders(label);

	while (honest && *label) {
		if (next_name(&label, &name))
			honest = is_above(link, name.data);
	}
	bf_buf_free(&name);
	return honest;
}

bool
bf_link_is_label(const struct bf_link *link, const char *label)
{
	const char *url = link->url.data;
	size_t size = strlen(label);

	if (strcmp(url, label) == 0)
		return true;
	url += link->mail ? strlen("mailto:") : strcspn(url, "/") + 2;
	if (size > 0 && label[size - 1] == '/')
		size--;
	return size > 0 && strncmp(url, label, size) == 0 &&
	       (url[size] == '\0' || strcmp(url + size, "/") == 0);
}

void
bf_link_clear(struct bf_link *link)
{
	bf_buf_free(&link->url);
	bf_buf_free(&link->host);
}
