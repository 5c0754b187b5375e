/*
 * reason.c - why a transfer failed, as a sentence that a person can act on
 */
#include "core/transport/transport_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a code of libcurl means here; where it is not listed, libcurl's own
 * words say it. */
struct reason {
	CURLcode code;
	const char *text;
};

static const struct reason http_reasons[] = {
	{ CURLE_GOT_NOTHING, "the server closed the connection without an "
			     "answer" },
	{ CURLE_PARTIAL_FILE, "the answer ended early" },
	{ CURLE_SEND_ERROR, "the connection broke while sending" },
	{ CURLE_RECV_ERROR, "the connection broke before the answer was "
			    "whole" },
	{ CURLE_WEIRD_SERVER_REPLY, "the server does not speak HTTP" },
	{ CURLE_UNSUPPORTED_PROTOCOL, "the server does not speak HTTP/1.1" },
	{ CURLE_BAD_CONTENT_ENCODING, "the answer's encoding is broken" },
	{ CURLE_OUT_OF_MEMORY, "the answer is larger than belfry reads" },
	{ CURLE_WRITE_ERROR, "the answer's headers are larger than belfry "
			     "reads" },
	{ CURLE_SSL_CONNECT_ERROR, "the TLS connection could not be made" },
	{ CURLE_COULDNT_RESOLVE_HOST, "the host's address was not found" },
	{ CURLE_COULDNT_RESOLVE_PROXY, "the proxy's address was not found" },
	{ CURLE_HTTP2, "HTTP/2 broke" },
	{ CURLE_HTTP2_STREAM, "the HTTP/2 stream was reset" },
	{ 0, NULL },
};

static const struct reason smtp_reasons[] = {
	{ CURLE_RECV_ERROR, "the server closed the connection" },
	{ CURLE_SEND_ERROR, "the connection broke while sending" },
	{ CURLE_GOT_NOTHING, "the server closed the connection" },
	{ CURLE_WEIRD_SERVER_REPLY,
	    "the server does not speak SMTP as it should" },
	{ CURLE_WRITE_ERROR, "the server's greeting or EHLO reply is longer "
			     "than belfry reads" },
	{ CURLE_OUT_OF_MEMORY, "the server's greeting or EHLO reply is longer "
			       "than belfry reads" },
	{ CURLE_SSL_CONNECT_ERROR, "the TLS connection could not be made" },
	{ CURLE_COULDNT_RESOLVE_HOST, "the host's address was not found" },
	{ CURLE_COULDNT_RESOLVE_PROXY, "the proxy's address was not found" },
	{ 0, NULL },
};

/* What the end of a time-out means depends on how far the transfer got. */
static const char *
phase(CURL *easy)
{
	curl_off_t resolved = 0, secured = 0, ready = 0;
	long port = 0; /* of our side: known once it is connected */
	const char *scheme = NULL;

	curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &port);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	curl_easy_getinfo(easy, CURLINFO_SCHEME, &scheme);
	if (ready > 0)
		return "waiting for the answer";
	if (resolved == 0)
		return "looking up the host's address";
	if (port == 0)
		return "connecting";
	if (scheme && secured == 0 &&
	    (strcasecmp(scheme, "https") == 0 ||
		strcasecmp(scheme, "smtps") == 0))
		return "making the TLS connection";
	return "waiting for the answer";
}

/* libcurl's sentences about certificates, in fewer and plainer words. */
static const struct {
	const char *mark;
	const char *text;
} certificates[] = {
	{ "certificate has expired", "the server's certificate has expired" },
	{ "certificate is not yet valid",
	    "the server's certificate is not yet valid" },
	{ "self-signed certificate", "the server's certificate is signed by "
				     "nobody that is trusted (self-signed)" },
	{ "self signed certificate", "the server's certificate is signed by "
				     "nobody that is trusted (self-signed)" },
	{ "unable to get local issuer", "the server's certificate is signed by "
					"nobody that is trusted" },
	{ "no alternative certificate subject name matches",
	    "the server's certificate is for another host" },
	{ "does not match target host name",
	    "the server's certificate is for another host" },
	{ "certificate required", "the server asks for a client certificate" },
	{ "alert bad certificate",
	    "the server does not take the client certificate" },
	{ "alert unknown ca",
	    "the server does not know who signed the client certificate" },
	{ "alert handshake failure",
	    "the server refused the TLS handshake; it may ask for a client "
	    "certificate" },
	{ "wrong version number", "the server does not speak TLS there" },
};

static const char *
find_certificate(const char *detail)
{
	const size_t count = sizeof(certificates) / sizeof(*certificates);

	for (size_t i = 0; i < count; i++) {
		if (strstr(detail, certificates[i].mark))
			return certificates[i].text;
	}
	return NULL;
}

/* A sentence from a table, with libcurl's own behind it. */
static bool
find_reason(const struct reason *reasons, CURLcode code, const char *detail,
    char *text, size_t size)
{
	for (size_t i = 0; reasons[i].text; i++) {
		if (reasons[i].code != code)
			continue;
		snprintf(text, size, "%s%s%s%s", reasons[i].text,
		    *detail ? " (" : "", detail, *detail ? ")" : "");
		return true;
	}
	return false;
}

/* Whether it failed because of what was refused here, not there: of a host's
 * addresses, another may have been connected to. */
static bool
is_refused(const struct failure *failure)
{
	return failure->refusal[0] &&
	       (failure->code == CURLE_COULDNT_CONNECT ||
		   failure->code == CURLE_COULDNT_RESOLVE_HOST ||
		   failure->code == CURLE_COULDNT_RESOLVE_PROXY ||
		   failure->code == CURLE_ABORTED_BY_CALLBACK);
}

/* What is said of a failure of the connection, whatever is spoken on it. */
static bool
find_common(const struct failure *failure, char *text, size_t size)
{
	const CURLcode code = failure->code;
	const char *certificate = find_certificate(failure->detail);
	const char *own =
	    *failure->detail ? failure->detail : curl_easy_strerror(code);
	long number = 0;

	curl_easy_getinfo(failure->easy, CURLINFO_OS_ERRNO, &number);
	if (is_refused(failure))
		snprintf(text, size, "%s", failure->refusal);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		snprintf(text, size, "timed out after %lld ms while %s",
		    (long long)failure->timeout.ms, phase(failure->easy));
	else if (certificate)
		snprintf(text, size, "%s", certificate);
	else if (failure->asked)
		snprintf(text, size,
		    "the connection broke after the server had asked for a "
		    "client certificate (%s)",
		    own);
	else if (code == CURLE_COULDNT_CONNECT && number != 0)
		snprintf(text, size, "%s: %s",
		    failure->proxied ? "cannot connect to the proxy"
				     : "cannot connect to the server",
		    strerror((int)number));
	else
		return false;
	return true;
}

void
bf_reason(const struct failure *failure, char *text, size_t size)
{
	if (!find_common(failure, text, size) &&
	    !find_reason(http_reasons, failure->code, failure->detail, text,
		size))
		snprintf(text, size, "%s",
		    *failure->detail ? failure->detail
				     : curl_easy_strerror(failure->code));
}

/* Why the session did not come about, as far as the server's reply tells. */
static bool
find_refusal(CURLcode code, const char *reply, char *text, size_t size)
{
	const char *what = NULL;

	if (code == CURLE_LOGIN_DENIED && *reply == '2')
		what = "the server offers none of the ways to log in that are "
		       "allowed";
	else if (code == CURLE_USE_SSL_FAILED && *reply == '2')
		what = "the server does not offer STARTTLS: nothing was sent "
		       "to it";
	if (what) {
		snprintf(text, size, "%s", what);
		return true;
	}
	if (*reply != '4' && *reply != '5')
		return false;
	snprintf(text, size, "%s: %s",
	    code == CURLE_LOGIN_DENIED     ? "the server refused the login"
	    : code == CURLE_USE_SSL_FAILED ? "the server refused STARTTLS"
					   : "the server refused the session",
	    reply);
	return true;
}

void
bf_reason_smtp(const struct failure *failure, const char *reply, char *text,
    size_t size)
{
	if (!find_common(failure, text, size) &&
	    !find_refusal(failure->code, reply, text, size) &&
	    !find_reason(smtp_reasons, failure->code, failure->detail, text,
		size))
		snprintf(text, size, "%s",
		    *failure->detail ? failure->detail
				     : curl_easy_strerror(failure->code));
}
