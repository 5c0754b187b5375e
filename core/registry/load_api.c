/*
 * load_api.c - the block api: listeners, certificates, limits
 */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/conf/url.h"
#include "core/registry/load_private.h"

#define SECOND INT64_C(1000)
#define HOUR (60 * 60 * SECOND)
#define KILOBYTE INT64_C(1024)
#define MEGABYTE (KILOBYTE * KILOBYTE)

static const char unix_prefix[] = "unix:";

static bool
is_unix(const char *address)
{
	return strncmp(address, unix_prefix, sizeof(unix_prefix) - 1) == 0;
}

/* "unix:PATH" with an absolute path that fits a socket's address. */
static int
read_unix(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *word, char **address)
{
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	char *path = bf_conf_path(node, word + sizeof(unix_prefix) - 1);
	int result = 0;

	*address = bf_strf("%s%s", unix_prefix, path);
	if (word[sizeof(unix_prefix) - 1] == '\0')
		result = bf_conf_error(node, loading->err,
		    "listen: no path; expected unix:PATH");
	else if (strlen(path) > most)
		result = bf_conf_error(node, loading->err,
		    "listen: %s is too long for a Unix socket; expected %zu "
		    "bytes at most",
		    path, most);
	free(path);
	return result;
}

/* "ADDRESS:PORT"; a star is every IPv4 address. */
static int
read_endpoint(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *word, char **address)
{
	struct bf_error cause;

	*address =
	    word[0] == '*' ? bf_strf("0.0.0.0%s", word + 1) : bf_strdup(word);
	if (bf_endpoint_check(*address, &cause) == 0)
		return 0;
	return bf_conf_error(node, loading->err, "listen: %s, or unix:PATH",
	    cause.text);
}

static int
read_mode(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *text, int64_t *mode)
{
	const size_t size = strlen(text);

	if (size < 3 || size > 4 || text[strspn(text, "01234567")] != '\0' ||
	    (size == 4 && text[0] != '0'))
		return bf_conf_error(node, loading->err,
		    "listen: mode \"%.64s\": not the mode of a file; expected "
		    "three octal digits such as 0660",
		    text);
	*mode = strtol(text, NULL, 8);
	return 0;
}

static int
read_option(struct bf_loading *loading, const struct bf_conf_node *node,
    const char *word, struct bf_listen *listen)
{
	const bool unix_socket = is_unix(listen->address);

	if (strcmp(word, "tls") == 0 && !unix_socket) {
		listen->tls = true;
		return 0;
	}
	if (strncmp(word, "mode=", 5) == 0 && unix_socket)
		return read_mode(loading, node, word + 5, &listen->mode);
	return bf_conf_error(node, loading->err,
	    "listen: \"%.64s\": unknown here; expected %s", word,
	    unix_socket ? "mode=MODE" : "tls");
}

static int
read_listen(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_api_settings *api = target;
	const char *word = node->words.items[0];
	struct bf_listen *listen;
	int result;

	(void)special;
	api->listens =
	    bf_grow(api->listens, api->listen_count, sizeof(*listen));
	listen = &api->listens[api->listen_count++];
	listen->mode = 0660;
	result = is_unix(word)
		     ? read_unix(loading, node, word, &listen->address)
		     : read_endpoint(loading, node, word, &listen->address);
	if (result == 0)
		result =
		    bf_define(loading, node, "listener", NULL, listen->address);
	for (size_t i = 1; result == 0 && i < node->words.count; i++)
		result =
		    read_option(loading, node, node->words.items[i], listen);
	return result;
}

static int
read_file(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	char **member = (char **)((char *)target + special->offset);
	struct bf_error cause;

	if (bf_load_path(loading, special, node, target) == -1)
		return -1;
	if (access(*member, R_OK) == 0)
		return 0;
	bf_error_errno(&cause, "%s", *member);
	return bf_conf_error(node, loading->err, "%s: %s", node->name,
	    cause.text);
}

static int
read_origins(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_api_settings *api = target;
	struct bf_error cause;

	(void)special;
	for (size_t i = 0; i < node->words.count; i++) {
		if (bf_origin_check(node->words.items[i], &cause) == -1)
			return bf_conf_error(node, loading->err,
			    "cors_origin: %s", cause.text);
		bf_strings_add(&api->cors_origins, node->words.items[i]);
	}
	return 0;
}

static const struct bf_directive table[] = {
	{ BF_FIELD(bf_api_settings, max_connections), .fallback = "1024",
	    .min = 1, .max = 100000,
	    .help = "How many connections one intake process holds at once" },
	{ BF_FIELD(bf_api_settings, max_body), .fallback = "1m",
	    .min = KILOBYTE, .max = 32 * MEGABYTE,
	    .help = "The largest body of a request" },
	{ BF_FIELD(bf_api_settings, max_header), .fallback = "16k",
	    .min = KILOBYTE, .max = MEGABYTE,
	    .help = "The largest request line and headers together" },
	{ BF_FIELD(bf_api_settings, request_timeout), .fallback = "30s",
	    .min = SECOND, .max = HOUR,
	    .help = "How long a request may take to arrive, in all" },
	{ BF_FIELD(bf_api_settings, keepalive_timeout), .fallback = "50s",
	    .min = 0, .max = HOUR,
	    .help = "How long a connection may wait for its next request" },
	{ BF_FIELD(bf_api_settings, dashboard), .fallback = "on",
	    .help = "Whether the dashboard is served, under /dashboard/" },
	{ BF_FIELD(bf_api_settings, session_timeout), .fallback = "8h",
	    .min = 60 * SECOND, .max = 8760 * HOUR,
	    .help = "After which time of rest a dashboard's user has to sign "
		    "in again" },
	{ BF_FIELD(bf_api_settings, session_lifetime), .fallback = "7d",
	    .min = 60 * SECOND, .max = 8760 * HOUR,
	    .help = "After which time they have to in any case" },
	{ BF_FIELD(bf_api_settings, secure_cookies), .fallback = "off",
	    .help = "Whether browsers come by https although no listener here "
		    "has tls: a proxy in front of belfry has it" },
	{ 0 },
};

static const struct bf_special specials[] = {
	{ "listen", "ADDRESS:PORT [tls] | unix:PATH [mode=MODE]", 1, 3, false,
	    true,
	    "127.0.0.1:8420;unix:" BF_RUNSTATEDIR
	    "/belfry/belfry.sock mode=0660",
	    "Where the API listens", 0, read_listen },
	{ "certificate", "FILE", 1, 1, false, false, NULL,
	    "The certificate of listeners with tls, and its chain (PEM)",
	    offsetof(struct bf_api_settings, certificate), read_file },
	{ "certificate_key", "FILE", 1, 1, false, false, NULL,
	    "The private key of the certificate (PEM)",
	    offsetof(struct bf_api_settings, certificate_key), read_file },
	{ "dashboard_root", "FOLDER", 1, 1, false, false,
	    BF_DATADIR "/dashboard", "Where the dashboard's files are",
	    offsetof(struct bf_api_settings, dashboard_root), bf_load_path },
	{ "token_rate", BF_RATE_SYNTAX, 1, 2, false, false, "off",
	    "How many requests may be made with one token that has no rate "
	    "of its own, burst of them at once",
	    offsetof(struct bf_api_settings, token_rate), bf_load_rate },
	{ "cors_origin", "ORIGIN ...", 1, BF_WORDS_ANY, false, true, NULL,
	    "The sites whose pages may use the API in a browser, with a token "
	    "(CORS); without it, none",
	    0, read_origins },
	{ 0 },
};

const struct bf_context bf_context_api = { "api", "api", table, specials };

int
bf_load_api(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_api_settings *api = &((struct bf_snapshot *)target)->api;
	bool tls = false;

	(void)special;
	if (bf_context_read(loading, &bf_context_api, node, api, NULL) == -1)
		return -1;
	for (size_t i = 0; i < api->listen_count; i++)
		tls = tls || api->listens[i].tls;
	if (tls && !api->certificate)
		return bf_conf_error(node, loading->err,
		    "api: a listener with tls, but no \"certificate\"; "
		    "expected one in the block");
	if ((tls || api->certificate) && !api->certificate_key)
		return bf_conf_error(node, loading->err,
		    "api: no \"certificate_key\"; expected it beside "
		    "\"certificate\"");
	return 0;
}
