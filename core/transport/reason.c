/*
 * reason.c - why a transfer failed, as a sentence that a person can act on
 */
#include "core/transport/transport_private.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a code of libcurl means here. NULL: libcurl's own words say it. */
static const struct {
	CURLcode code;
	const char *text;
} reasons[] = {
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
	{ CURLE_HTTP2, "HTTP/2 broke" },
	{ CURLE_HTTP2_STREAM, "the HTTP/2 stream was reset" },
};

/* What the end of a time-out means depends on how far the transfer got. */
static const char *
phase(CURL *easy)
{
	curl_off_t resolved = 0, connected = 0, secured = 0, ready = 0;
	const char *scheme = NULL;

	curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	curl_easy_getinfo(easy, CURLINFO_SCHEME, &scheme);
	if (ready > 0)
		return "waiting for the answer";
	if (resolved == 0)
		return "looking up the host's address";
	if (connected == 0)
		return "connecting";
	if (scheme && strcasecmp(scheme, "https") == 0 && secured == 0)
		return "making the TLS connection";
	return "waiting for the answer";
}

/* libcurl's sentences about certificates, in fewer and plainer words. */
static const struct {
	const char *mark;
	const char *text;
} certificates[] = {
	{ "certificate has expired", "the server's certificate has expired" },
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

void
bf_reason(CURL *easy, CURLcode code, const char *detail,
    struct bf_duration timeout, char *text, size_t size)
{
	const char *certificate = find_certificate(detail);

	if (code == CURLE_OPERATION_TIMEDOUT) {
		snprintf(text, size, "timed out after %lld ms while %s",
		    (long long)timeout.ms, phase(easy));
		return;
	}
	if (certificate) {
		snprintf(text, size, "%s", certificate);
		return;
	}
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (reasons[i].code == code) {
			snprintf(text, size, "%s%s%s%s", reasons[i].text,
			    *detail ? " (" : "", detail, *detail ? ")" : "");
			return;
		}
	}
	snprintf(text, size, "%s", *detail ? detail : curl_easy_strerror(code));
}
