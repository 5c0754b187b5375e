/*
 * value_fuzz.c - arbitrary text as each kind of value that has a parser of its
 * own
 *
 * The first byte says which. What is taken and can be written, is read back the
 * same; URLs that are taken have the host for libcurl that they have for us.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <belfry/memory.h>
#include <curl/curl.h>

#include "core/conf/ip.h"
#include "core/conf/password.h"
#include "core/conf/settings.h"
#include "core/conf/url.h"
#include "core/event/id.h"
#include "core/event/parse.h"
#include "core/intake/entity_tag.h"
#include "core/intake/uri.h"
#include "core/registry/rate.h"
#include "core/registry/tenant.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

/* ---- URLs ---- */

/* Whether both begin with the same address in brackets: libcurl writes it
 * anew. */
static bool
is_same_address(const char *a, const char *b)
{
	char *one = bf_strndup(a + 1, strcspn(a + 1, "]"));
	char *two = bf_strndup(b + 1, strcspn(b + 1, "]"));
	struct bf_ip first, second;
	const bool same = bf_ip_parse(one, &first) == 0 &&
			  bf_ip_parse(two, &second) == 0 &&
			  memcmp(first.bytes, second.bytes, 16) == 0;

	free(one);
	free(two);
	return same;
}

static void
compare_with_curl(const char *text)
{
	const char *place = strstr(text, "://") + 3;
	CURLU *url = curl_url();
	char *scheme, *host;

	assert(curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK);
	assert(curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK);
	assert(curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK);
	assert(strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
	/* The host stands in front of anything else. */
	assert(*place == '[' ? is_same_address(place, host)
			     : strncasecmp(place, host, strlen(host)) == 0);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(url);
}

static void
try_url(const char *text)
{
	struct bf_error err = { "" };

	if (bf_url_check(text, &err) == 0)
		compare_with_curl(text);
	else
		assert(err.text[0]);
}

static void
try_origin(const char *text)
{
	struct bf_error err = { "" };

	if (bf_origin_check(text, &err) == 0) {
		assert(bf_url_check(text, &err) == 0);
		for (const char *c = text; *c; c++)
			assert(*c > ' ' && *c < 0x7f && *c != '"');
	} else {
		assert(err.text[0]);
	}
}

static void
try_place(const char *text)
{
	struct bf_error err = { "" };

	assert(bf_proxy_check(text, &err) == 0 || err.text[0]);
	(void)bf_host_check(text, &err);
	(void)bf_endpoint_check(text, &err);
	(void)bf_bind_address_check(text, &err);
}

/* ---- what is written back ---- */

static void
try_ip(const char *text)
{
	struct bf_ip ip, again;
	struct bf_ip_range range;
	struct bf_error err = { "" };
	char written[BF_IP_TEXT];

	if (bf_ip_parse(text, &ip) == 0) {
		bf_ip_format(&ip, written);
		assert(bf_ip_parse(written, &again) == 0);
		assert(ip.six == again.six &&
		       memcmp(ip.bytes, again.bytes, ip.six ? 16 : 4) == 0);
		(void)bf_ip_special(&ip);
		(void)bf_ip_embedded(&ip, &again);
	}
	if (bf_ip_range_parse(text, &range, &err) == 0)
		assert(bf_ip_in(&range.ip, &range));
	else
		assert(err.text[0]);
}

static void
try_time(const char *text)
{
	int64_t us, again;
	char written[40];

	if (bf_timestamp_parse(text, &us) == -1)
		return;
	bf_timestamp_format(us, written);
	assert(bf_timestamp_parse(written, &again) == 0 && us == again);
}

static void
try_ids(const char *text)
{
	char written[BF_DELIVERY_ID_TEXT];
	struct bf_delivery_id delivery;
	uint64_t id;

	if (bf_event_id_parse(text, &id) == 0) {
		bf_event_id_format(id, written);
		assert(strcmp(written, text) == 0);
	}
	if (bf_audit_id_parse(text, &id) == 0) {
		bf_audit_id_format(id, written);
		assert(strcmp(written, text) == 0);
	}
	if (bf_delivery_id_parse(text, &delivery) == 0) {
		bf_delivery_id_format(delivery, written);
		assert(strcmp(written, text) == 0);
	}
}

static void
try_rate(const char *text)
{
	struct bf_rate rate, again;
	struct bf_error err = { "" };
	char written[BF_RATE_TEXT];

	if (bf_rate_read(text, &rate, &err) == -1) {
		assert(err.text[0]);
		return;
	}
	bf_rate_format(&rate, written);
	assert(bf_rate_read(written, &again, &err) == 0);
	assert(rate.count == again.count && rate.burst == again.burst);
}

static void
try_numbers(const char *text)
{
	struct bf_duration duration;
	struct bf_error err = { "" };
	struct bf_size size;
	int64_t integer;

	if (bf_duration_parse(text, &duration, &err) == 0)
		assert(duration.ms >= 0);
	if (bf_size_parse(text, &size, &err) == 0)
		assert(size.bytes >= 0);
	(void)bf_integer_parse(text, &integer, &err);
	assert(!bf_tenant_is_id(text) || bf_tenant_name_check(text, &err) == 0);
}

/* ---- passwords ---- */

/* Whether the hash is made in a moment; most are dearer by intention. */
static bool
is_cheap(const char *hash)
{
	return strncmp(hash, "$scrypt$ln=1,r=1,p=1$", 21) == 0;
}

static void
try_password(const char *text)
{
	struct bf_error err = { "" };

	if (bf_password_check(text, &err) == -1)
		assert(err.text[0]);
	else if (is_cheap(text))
		assert(!bf_password_fits(text, "not this one"));
}

/* ---- parts of requests ---- */

static void
try_parameters(const char *text)
{
	static const char *const names[] = { "a", "limit" };
	char *value;

	/* The parser of requests has made sure of it. */
	if (!bf_uri_is_encoded(text))
		return;
	for (size_t i = 0; i < 2; i++) {
		value = bf_uri_parameter(text, names[i]);
		assert(!value || strlen(value) < strlen(text));
		free(value);
	}
}

/* Whether a tag is in a list of nothing but strong tags. */
static bool
is_listed(const char *list, const char *tag)
{
	bool found = false;

	for (const char *quote = strchr(list, '"'); quote;
	     quote = strchr(strchr(quote + 1, '"') + 1, '"'))
		found = found || strncmp(quote, tag, strlen(tag)) == 0;
	return found;
}

/* The bytes between commas, made tags, as a list. */
static void
try_tags(const char *text)
{
	struct bf_buf list = { 0 };
	bool open = false;

	(void)bf_entity_tag_matches(text, "\"1\"");
	for (; *text; text++) {
		if (!open)
			bf_buf_add_text(&list, "\"");
		open = *text != ',';
		if (!open)
			bf_buf_add_text(&list, "\", ");
		else if (*text != '"')
			bf_buf_add_byte(&list, *text);
	}
	bf_buf_add_text(&list, open ? "\"" : "");
	assert(bf_entity_tag_matches(bf_buf_text(&list), "\"1\"") ==
	       is_listed(bf_buf_text(&list), "\"1\""));
	bf_buf_free(&list);
}

static void (*const tries[])(const char *text) = { try_url, try_origin,
	try_place, try_ip, try_time, try_ids, try_rate, try_numbers,
	try_password, try_parameters, try_tags };

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	char *text;

	if (size == 0)
		return -1;
	text = bf_strndup((const char *)bytes + 1, size - 1);
	tries[(unsigned)(bytes[0] - '0') % (sizeof(tries) / sizeof(*tries))](
	    text);
	free(text);
	return 0;
}
