/*
 * mask.c - what may be shown of an exchange
 */
#include "core/transport/mask.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SEGMENT_SHOWN 16 /* characters of a path's segment that is no token */
#define VERSION_SHOWN 4

/* What is not shown of an answer. */
static const char *const masked[] = { "Authorization", "Proxy-Authorization",
	"Set-Cookie", NULL };

/* All that is shown of a request: any other header may be a secret. */
static const char *const shown[] = { "Accept", "Content-Length", "Content-Type",
	"Host", "Proxy-Connection", "User-Agent", "webhook-id",
	"webhook-timestamp", NULL };

/* What holds a URL. */
static const char *const urls[] = { "Location", "Content-Location", NULL };

static bool
is_version(const char *segment, size_t size)
{
	if (size > VERSION_SHOWN)
		return false;
	if (size > 1 && (*segment == 'v' || *segment == 'V'))
		segment++, size--;
	return strspn(segment, "0123456789.") >= size;
}

static bool
may_be_token(const char *segment, size_t size)
{
	if (is_version(segment, size))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!isalpha((unsigned char)segment[i]) &&
		    !strchr("-_.", segment[i]))
			return true;
	}
	return size > SEGMENT_SHOWN;
}

static void
mask_path(struct bf_buf *out, const char *path, const char *end)
{
	while (path < end) {
		const size_t size = strcspn(path, "/?#");

		if (size > 0 && may_be_token(path, size))
			bf_buf_add_text(out, "***");
		else
			bf_buf_add(out, path, size);
		path += size;
		if (path < end)
			bf_buf_add_byte(out, *path++);
	}
}

/* a=b&c => a=***&***: a word without a value may be a token itself. */
static void
mask_query(struct bf_buf *out, const char *query)
{
	const char *const end = query + strcspn(query, "#");

	while (query < end) {
		const size_t whole = strcspn(query, "&#");
		const size_t name = strcspn(query, "=&#");

		if (name < whole && !may_be_token(query, name))
			bf_buf_add(out, query, name + 1);
		bf_buf_add_text(out, whole > 0 ? "***" : "");
		query += whole;
		if (query < end)
			bf_buf_add_byte(out, *query++);
	}
}

void
bf_mask_url(struct bf_buf *out, const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *path = url, *query;

	if (scheme && scheme < url + strcspn(url, "/?#") + 1) {
		const char *host = scheme + 3;
		const char *at = NULL;

		path = host + strcspn(host, "/?#");
		for (const char *c = host; c < path; c++) {
			if (*c == '@')
				at = c;
		}
		bf_buf_add(out, url, (size_t)(host - url));
		if (at)
			bf_buf_add_text(out, "***@");
		host = at ? at + 1 : host;
		bf_buf_add(out, host, (size_t)(path - host));
	}
	query = path + strcspn(path, "?#");
	mask_path(out, path, query);
	if (*query != '?')
		return;
	bf_buf_add_byte(out, '?');
	mask_query(out, query + 1);
}

static bool
is_listed(const char *const *names, const char *name, size_t length)
{
	for (; *names; names++) {
		if (strlen(*names) == length &&
		    strncasecmp(*names, name, length) == 0)
			return true;
	}
	return false;
}

/* "POST /in HTTP/1.1"; the target of CONNECT is a host and a port. */
static void
mask_request_line(struct bf_buf *out, const char *line)
{
	const size_t method = strcspn(line, " ");
	const char *target = line + method + (line[method] == ' ');
	const size_t size = strcspn(target, " ");
	struct bf_buf copy = { 0 };

	if (strncmp(line, "CONNECT ", 8) == 0) {
		bf_buf_add_text(out, line);
		return;
	}
	bf_buf_add(out, line, (size_t)(target - line));
	bf_buf_add(&copy, target, size);
	bf_mask_url(out, bf_buf_text(&copy));
	bf_buf_wipe(&copy);
	bf_buf_add_text(out, target + size);
}

void
bf_mask_http(struct bf_buf *out, const char *line, bool request)
{
	const size_t length = strcspn(line, ": ");
	const char *value = line + length + (line[length] == ':');

	if (line[length] != ':') {
		if (request)
			mask_request_line(out, line);
		else
			bf_buf_add_text(out, line);
		return;
	}
	bf_buf_add(out, line, length + 1);
	value += strspn(value, " \t");
	bf_buf_add_byte(out, ' ');
	if (request ? !is_listed(shown, line, length)
		    : is_listed(masked, line, length))
		bf_buf_add_text(out, "***");
	else if (is_listed(urls, line, length))
		bf_mask_url(out, value);
	else
		bf_buf_add_text(out, value);
}
