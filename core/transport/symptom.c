/*
 * symptom.c - what is known of a transfer that ended, for the table of hints
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/transport/transport_private.h"

#define SKEW_S 300     /* beyond it receivers refuse signatures */
#define LOOKUP_MS 4900 /* a name server has 5 s: resolv.conf(5) */
#define SYMPTOM_LOCATION 300

/* A symptom, and room for what it points to. */
struct symptom {
	struct bf_symptom symptom;
	char location[SYMPTOM_LOCATION];
};

/* What libcurl says of TLS that does not come about. */
static bool
is_about_tls(CURLcode code)
{
	switch (code) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CLIENTCERT:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return true;
	default:
		return false;
	}
}

/* How far a connection got, by what libcurl knows of it. */
static enum bf_stage
stage_of(const struct failure *failure, const struct bf_dialogue *dialogue)
{
	const bool implicit = strncasecmp(failure->url, "https:", 6) == 0 ||
			      strncasecmp(failure->url, "smtps:", 6) == 0;
	curl_off_t resolved = 0, secured = 0;
	long port = 0, tunnel = 0;

	curl_easy_getinfo(failure->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
	curl_easy_getinfo(failure->easy, CURLINFO_LOCAL_PORT, &port);
	curl_easy_getinfo(failure->easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	curl_easy_getinfo(failure->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
	if (is_about_tls(failure->code) ||
	    (failure->asked && failure->code != CURLE_OK))
		return BF_STAGE_TLS;
	if (tunnel >= 300)
		return BF_STAGE_PROXY;
	if (resolved == 0)
		return BF_STAGE_RESOLVE;
	if (port == 0)
		return BF_STAGE_CONNECT;
	if (implicit && secured == 0)
		return BF_STAGE_TLS;
	if (strncasecmp(failure->url, "smtp", 4) != 0)
		return BF_STAGE_ANSWER;
	return dialogue->stage == BF_STAGE_ANY ? BF_STAGE_GREETING
					       : dialogue->stage;
}

/* libcurl's own words. */
static const char *
words_of(const struct failure *failure)
{
	if (failure->code == CURLE_OK)
		return NULL;
	return *failure->detail ? failure->detail
				: curl_easy_strerror(failure->code);
}

/* The server's clock against ours, by its Date (RFC 9110, section 6.6.1). */
static bool
is_skewed(const struct bf_response *response)
{
	const char *date = bf_response_header(response, "Date");
	const time_t there = date ? curl_getdate(date, NULL) : -1;
	const int64_t here = response->now.ms / 1000;

	return there != -1 && llabs((long long)there - here) > SKEW_S;
}

/* By its first tag, too: Slack's "ok" comes as text/html. */
static bool
is_web_page(const struct bf_response *response)
{
	const char *type = bf_response_header(response, "Content-Type");
	const char *body = bf_buf_text(&response->body);

	return type && strncasecmp(type, "text/html", 9) == 0 &&
	       body[strspn(body, " \t\r\n")] == '<';
}

static unsigned
port_sign(CURLU *url)
{
	char *port = NULL;
	unsigned sign = 0;

	if (curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) !=
	    CURLUE_OK)
		return 0;
	if (strcmp(port, "25") == 0)
		sign = BF_SIGN_PORT_25;
	else if (strcmp(port, "465") == 0)
		sign = BF_SIGN_PORT_465;
	curl_free(port);
	return sign;
}

static unsigned
read_signs(const struct failure *failure, const struct bf_response *response)
{
	CURLU *url = curl_url();
	unsigned signs = 0;

	if (url &&
	    curl_url_set(url, CURLUPART_URL, failure->url, 0) == CURLUE_OK)
		signs = port_sign(url);
	curl_url_cleanup(url);
	if (strncasecmp(failure->url, "http:", 5) == 0)
		signs |= BF_SIGN_PLAIN;
	if (failure->proxied)
		signs |= BF_SIGN_PROXIED;
	if (is_web_page(response))
		signs |= BF_SIGN_HTML;
	if (is_skewed(response))
		signs |= BF_SIGN_SKEWED;
	if (response->took.ms >= LOOKUP_MS)
		signs |= BF_SIGN_SLOW_LOOKUP;
	return signs;
}

/* The host of the Location header: a redirect by a path alone stays. */
static void
read_location(const struct failure *failure, const struct bf_response *response,
    char location[SYMPTOM_LOCATION])
{
	const char *value = bf_response_header(response, "Location");
	CURLU *url = curl_url();
	char *scheme = NULL, *host = NULL;

	location[0] = '\0';
	if (value && url &&
	    curl_url_set(url, CURLUPART_URL, failure->url, 0) == CURLUE_OK &&
	    curl_url_set(url, CURLUPART_URL, value, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		snprintf(location, SYMPTOM_LOCATION, "%s://%s", scheme, host);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(url);
}

/* Reads what a transfer suffers from: the rest of what found points to is
 * borrowed. dialogue: of SMTP, as far as it went. False: it went well. */
static bool
read_symptom(const struct failure *failure, const struct bf_response *response,
    const struct bf_dialogue *dialogue, struct symptom *found)
{
	struct bf_symptom *symptom = &found->symptom;
	long proxy = 0;

	*found = (struct symptom){ .symptom = {
				       .protocol = strncasecmp(failure->url,
						       "smtp", 4) == 0
						       ? BF_PROTOCOL_SMTP
						       : BF_PROTOCOL_HTTP,
				       .stage = stage_of(failure, dialogue),
				       .signs = read_signs(failure, response),
				       .code = response->status,
				       .error = response->error,
				       .detail = words_of(failure),
				       .text = bf_buf_text(&response->body),
				   } };
	curl_easy_getinfo(failure->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (symptom->protocol == BF_PROTOCOL_SMTP) {
		symptom->code = dialogue->code;
		symptom->text = bf_buf_text(&dialogue->text);
		if (dialogue->code != 0)
			symptom->stage = dialogue->refused;
	}
	if (symptom->stage == BF_STAGE_PROXY)
		symptom->code = (int)proxy;
	read_location(failure, response, found->location);
	if (found->location[0])
		symptom->location = found->location;
	if (symptom->protocol == BF_PROTOCOL_SMTP)
		return response->error || dialogue->code != 0;
	return response->error || response->status < 200 ||
	       response->status > 299 || (symptom->signs & BF_SIGN_HTML);
}

char *
bf_transcript_finish(struct transcript *transcript,
    const struct failure *failure, const struct bf_response *response)
{
	struct symptom symptom;
	bool failed;

	bf_transcript_end(transcript, failure->easy, response);
	failed = read_symptom(failure, response,
	    bf_transcript_dialogue(transcript), &symptom);
	return bf_transcript_json(transcript, failed ? &symptom.symptom : NULL);
}
