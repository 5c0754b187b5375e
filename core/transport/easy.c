/*
 * easy.c - a handle of libcurl, as both HTTP and SMTP want it
 */
#include "core/transport/transport_private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>

static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct easy *easy = context;
	struct bf_transport *transport = easy->transport;

	(void)purpose;
	if (transport->guard &&
	    transport->guard(transport->guard_context, &address->addr,
		easy->proxied, &easy->refusal) == -1)
		return CURL_SOCKET_BAD;
	if (easy->transcript)
		bf_transcript_address(easy->transcript, &address->addr);
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

/* The threads of this process; 0: nobody can say. Source: proc(5): each is a
 * folder of task, and each folder a link of the one that it is in. */
static size_t
count_threads(void)
{
	struct stat task;

	return stat("/proc/self/task", &task) == 0 && task.st_nlink > 2
		   ? (size_t)task.st_nlink - 2
		   : 0;
}

/* libcurl is about to look a name up, on a thread: it did not find it among
 * those that it knows. */
static int
before_look_up(void *resolver, void *reserved, void *context)
{
	struct easy *easy = context;
	const size_t most = easy->transport->threads_most;

	(void)resolver;
	(void)reserved;
	if (!easy->named || most == 0 || count_threads() < most)
		return 0;
	bf_error_set(&easy->refusal,
	    "too many names are being looked up: name servers do not answer");
	return 1;
}

/* Whether the host of a URL is a name, and no address. */
static bool
has_name(const char *url)
{
	const char *mark = strstr(url, "://");
	const char *host = mark ? mark + 3 : url;
	const size_t size = strcspn(host, ":/?#");

	return *host != '[' && strspn(host, "0123456789.") < size;
}

/* Asks the guard again, about the address that is connected to. */
static bool
is_allowed(struct easy *easy, const char *ip, long port)
{
	struct bf_transport *transport = easy->transport;
	struct sockaddr_storage room = { 0 };
	struct sockaddr_in *four = (struct sockaddr_in *)&room;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&room;

	if (!transport->guard || !transport->guards_requests)
		return true;
	if (inet_pton(AF_INET, ip, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
	} else if (inet_pton(AF_INET6, ip, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
	}
	return transport->guard(transport->guard_context,
		   (struct sockaddr *)&room, easy->proxied,
		   &easy->refusal) == 0;
}

static int
before_request(void *context, char *ip, char *own_ip, int port, int own_port)
{
	(void)own_ip;
	(void)own_port;
	return is_allowed(context, ip, port) ? CURL_PREREQFUNC_OK
					     : CURL_PREREQFUNC_ABORT;
}

bool
bf_easy_may_continue(struct easy *easy)
{
	char *ip = NULL;
	long port = 0;

	curl_easy_getinfo(easy->curl, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(easy->curl, CURLINFO_PRIMARY_PORT, &port);
	return is_allowed(easy, ip ? ip : "", port);
}

/* The server asks for a client certificate; the one that is set, if any, is
 * shown. That it was asked for explains why a connection breaks afterwards. */
static int
note_asked(SSL *ssl, void *context)
{
	struct easy *easy = context;

	(void)ssl;
	easy->asked = true;
	return 1;
}

static CURLcode
set_up_tls(CURL *curl, void *ssl_context, void *context)
{
	const struct easy *easy = context;

	(void)curl;
	SSL_CTX_set_cert_cb(ssl_context, note_asked, context);
	if (easy->transcript)
		bf_transcript_watch_tls(easy->transcript, ssl_context);
	return CURLE_OK;
}

void
bf_easy_init(struct easy *easy, struct bf_transport *transport,
    struct sockets *sockets)
{
	CURL *curl = curl_easy_init();

	if (!curl)
		abort();
	easy->curl = curl;
	easy->transport = transport;
	easy->libcurl = curl_version_info(CURLVERSION_NOW);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	/* Or the thread that looks up a name would be waited for. */
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	/* Not even the exceptions from a proxy come from the environment. */
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, easy->detail);
	curl_easy_setopt(curl, CURLOPT_RESOLVER_START_FUNCTION, before_look_up);
	curl_easy_setopt(curl, CURLOPT_RESOLVER_START_DATA, easy);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, easy);
	curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(curl, CURLOPT_PREREQDATA, easy);
	curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION, bf_sockets_close);
	curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, sockets);
	curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, set_up_tls);
	curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, easy);
}

void
bf_easy_set(struct easy *easy, const struct bf_request *request,
    const struct bf_transport_options *options)
{
	const curl_version_info_data *usual = easy->libcurl;
	CURL *curl = easy->curl;

	easy->proxied = options->proxy != NULL;
	easy->named = has_name(options->proxy ? options->proxy : request->url);
	easy->timeout = options->timeout;
	/* One file, whosever it is: libcurl keeps what it read of it, which it
	 * does not with a folder; and an own authority stands in place of the
	 * system's, not beside it. */
	curl_easy_setopt(curl, CURLOPT_CAINFO,
	    request->ca_file ? request->ca_file : usual->cainfo);
	curl_easy_setopt(curl, CURLOPT_CAPATH,
	    request->ca_file || usual->cainfo ? NULL : usual->capath);
	curl_easy_setopt(curl, CURLOPT_SSLCERT, request->client_certificate);
	curl_easy_setopt(curl, CURLOPT_SSLKEY,
	    request->client_key ? request->client_key
				: request->client_certificate);
	curl_easy_setopt(curl, CURLOPT_USERNAME,
	    request->username ? request->username->bytes : NULL);
	curl_easy_setopt(curl, CURLOPT_PASSWORD,
	    request->password && request->password->bytes
		? request->password->bytes
	    : request->username ? ""
				: NULL);
	curl_easy_setopt(curl, CURLOPT_PROXY,
	    options->proxy ? options->proxy : "");
	curl_easy_setopt(curl, CURLOPT_INTERFACE, options->bind_address);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)options->timeout.ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)options->timeout.ms);
}

void
bf_easy_watch(struct easy *easy, struct transcript *transcript)
{
	easy->transcript = transcript;
	curl_easy_setopt(easy->curl, CURLOPT_VERBOSE, transcript ? 1L : 0L);
	curl_easy_setopt(easy->curl, CURLOPT_DEBUGFUNCTION,
	    transcript ? bf_transcript_debug : NULL);
	curl_easy_setopt(easy->curl, CURLOPT_DEBUGDATA, transcript);
}

struct failure
bf_easy_failure(const struct easy *easy, CURLcode code, const char *url)
{
	return (struct failure){ easy->curl, code, url, easy->detail,
		easy->timeout, easy->asked, easy->proxied, easy->refusal.text };
}

/* Microseconds from the start to a step; -1 if there was none. */
static int64_t
time_of(CURL *curl, CURLINFO info, bool reused)
{
	curl_off_t us = 0;

	curl_easy_getinfo(curl, info, &us);
	return us > 0 && !reused ? us : -1;
}

void
bf_easy_timings(const struct easy *easy, bool reused,
    struct bf_timings *timings)
{
	timings->resolve_us =
	    time_of(easy->curl, CURLINFO_NAMELOOKUP_TIME_T, reused);
	timings->connect_us =
	    time_of(easy->curl, CURLINFO_CONNECT_TIME_T, reused);
	timings->tls_us =
	    time_of(easy->curl, CURLINFO_APPCONNECT_TIME_T, reused);
}

void
bf_easy_clear(struct easy *easy)
{
	easy->asked = false;
	easy->detail[0] = '\0';
	easy->refusal.text[0] = '\0';
}
