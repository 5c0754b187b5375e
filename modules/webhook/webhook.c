/*
 * webhook.c - signed HTTP POSTs
 *
 * Two signatures over the same bytes: the X-Reoclo header, one-valued, over the
 * body, and Standard Webhooks' over id, time and body. While a secret is being
 * rotated the second carries both, and the first is made with the old secret,
 * which every receiver still knows. The keyed contexts are made once, when the
 * settings are checked.
 *
 * Source: the Standard Webhooks specification, section "Signature scheme".
 */
#include <belfry/module.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WHSEC "whsec_"

struct webhook_conf {
	struct bf_url url;
	struct bf_secret secret;
	struct bf_secret previous_secret;
	struct bf_instant previous_secret_until;
	char *signature_header;
	struct bf_pairs header;
	struct bf_choice method;
	struct bf_secret username;
	struct bf_secret password;
	struct bf_secret bearer;
	struct bf_path client_certificate;
	struct bf_path client_key;
	struct bf_path ca_file;
	bool http2;
	struct bf_choice gone;

	/* Prepared by check; no directives. */
	struct signer {
		struct bf_hmac *text;     /* keyed with the text itself */
		struct bf_hmac *standard; /* with what whsec_ stands for */
	} current, previous;
};

static const char *const methods[] = { "POST", "PUT", "PATCH", NULL };
static const char *const on_gone[] = { "retry", "stop", NULL };

static const struct bf_directive directives[] = {
	{ BF_FIELD(webhook_conf, url), .required = true,
	    .help = "Where events are posted to" },
	{ BF_FIELD(webhook_conf, secret),
	    .help = "Signs each request; one that begins with whsec_ is base64 "
		    "for Standard Webhooks" },
	{ BF_FIELD(webhook_conf, previous_secret),
	    .help = "The secret that is being replaced" },
	{ BF_FIELD(webhook_conf, previous_secret_until),
	    .help = "When the previous secret stops signing" },
	{ BF_FIELD(webhook_conf, signature_header),
	    .fallback = "X-Reoclo-Signature-256",
	    .help = "Name of the header with the signature of the body" },
	{ BF_FIELD(webhook_conf, header),
	    .help = "A further header: name and value" },
	{ BF_FIELD(webhook_conf, method), .fallback = "POST",
	    .choices = methods, .help = "HTTP method" },
	{ BF_FIELD(webhook_conf, username),
	    .help = "User name of HTTP basic authentication" },
	{ BF_FIELD(webhook_conf, password),
	    .help = "Password of HTTP basic authentication" },
	{ BF_FIELD(webhook_conf, bearer),
	    .help = "Token of HTTP bearer authentication" },
	{ BF_FIELD(webhook_conf, client_certificate),
	    .help = "PEM file of the certificate that belfry shows" },
	{ BF_FIELD(webhook_conf, client_key),
	    .help = "PEM file of its key, if not in the same file" },
	{ BF_FIELD(webhook_conf, ca_file),
	    .help = "PEM file of the authorities to trust, in place of the "
		    "system's" },
	{ BF_FIELD(webhook_conf, http2), .fallback = "off",
	    .help = "Use HTTP/2 where the server offers it" },
	{ BF_FIELD(webhook_conf, gone), .fallback = "retry", .choices = on_gone,
	    .help = "What a 410 does: retry as any failure, or stop the "
		    "channel" },
	{ 0 },
};

/* Keys a signer with a secret. -1: it is to be base64, and is not. */
static int
make_signer(struct signer *signer, const struct bf_secret *secret,
    struct bf_error *err)
{
	const size_t mark = strlen(WHSEC);
	struct bf_buf key = { 0 };

	signer->text = bf_hmac_new(secret->bytes, secret->size);
	if (strncmp(secret->bytes, WHSEC, mark) != 0) {
		signer->standard = bf_hmac_new(secret->bytes, secret->size);
		return 0;
	}
	if (bf_decode_base64(&key, secret->bytes + mark, secret->size - mark) ==
		-1 ||
	    key.size == 0) {
		bf_buf_wipe(&key);
		bf_error_set(err, "a secret that begins with whsec_ must go on "
				  "in base64");
		return -1;
	}
	signer->standard = bf_hmac_new(key.data, key.size);
	bf_buf_wipe(&key);
	return 0;
}

/* Checks the name and value of a header, as core/lib would refuse to add it,
 * at load. */
static int
check_header(const char *directive, const char *name, const char *value,
    struct bf_error *err)
{
	static const char *const ours[] = { "Content-Type", "Content-Length",
		"Transfer-Encoding", "Host", "Connection", "webhook-id",
		"webhook-timestamp", "webhook-signature" };
	struct bf_request request = { 0 };
	int status = bf_request_header(&request, name, value);

	bf_request_free(&request);
	if (status == -1)
		bf_error_set(err,
		    "%s %s: expected a name of letters, digits and dashes, and "
		    "a value without control characters",
		    directive, name);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		if (strcasecmp(name, ours[i]) != 0)
			continue;
		bf_error_set(err, "%s %s is set by belfry itself", directive,
		    name);
		status = -1;
	}
	return status;
}

static int
check_headers(const struct webhook_conf *webhook, struct bf_error *err)
{
	for (size_t i = 0; i < webhook->header.count; i++) {
		const struct bf_pair *pair = &webhook->header.items[i];

		if (check_header("header", pair->name, pair->value, err) == -1)
			return -1;
	}
	return check_header("signature_header", webhook->signature_header, "x",
	    err);
}

static int
check(void *conf, struct bf_error *err)
{
	struct webhook_conf *webhook = conf;

	if (webhook->previous_secret.bytes &&
	    (!webhook->secret.bytes ||
		webhook->previous_secret_until.ms == 0)) {
		bf_error_set(err, "previous_secret needs secret and "
				  "previous_secret_until beside it");
		return -1;
	}
	if (webhook->bearer.bytes && webhook->username.bytes) {
		bf_error_set(err, "expected either bearer, or username and "
				  "password");
		return -1;
	}
	if (webhook->client_key.text && !webhook->client_certificate.text) {
		bf_error_set(err, "client_key needs client_certificate");
		return -1;
	}
	if (check_headers(webhook, err) == -1)
		return -1;
	if (webhook->secret.bytes &&
	    make_signer(&webhook->current, &webhook->secret, err) == -1)
		return -1;
	if (webhook->previous_secret.bytes &&
	    make_signer(&webhook->previous, &webhook->previous_secret, err) ==
		-1)
		return -1;
	return 0;
}

static void
clear(void *conf)
{
	struct webhook_conf *webhook = conf;

	bf_hmac_free(&webhook->current.text);
	bf_hmac_free(&webhook->current.standard);
	bf_hmac_free(&webhook->previous.text);
	bf_hmac_free(&webhook->previous.standard);
}

/* Appends "v1,<base64>" of what Standard Webhooks signs. */
static void
add_standard(struct bf_buf *value, const struct signer *signer,
    const struct bf_buf *head, const struct bf_buf *body)
{
	unsigned char digest[BF_HMAC_SIZE];

	bf_hmac_sign(signer->standard, head->data, head->size, body->data,
	    body->size, digest);
	if (value->size > 0)
		bf_buf_add_byte(value, ' ');
	bf_buf_add_text(value, "v1,");
	bf_encode_base64(value, digest, sizeof(digest));
}

/* seconds: the time of the attempt, as the header webhook-timestamp has it. */
static void
sign(const struct webhook_conf *webhook, const char *seconds,
    struct bf_request *request)
{
	const bool overlap =
	    webhook->previous.text &&
	    request->now.ms < webhook->previous_secret_until.ms;
	const struct signer *one =
	    overlap ? &webhook->previous : &webhook->current;
	unsigned char digest[BF_HMAC_SIZE];
	struct bf_buf head = { 0 }, value = { 0 };

	bf_buf_add_text(&value, "sha256=");
	bf_hmac_sign(one->text, request->body.data, request->body.size, NULL, 0,
	    digest);
	bf_encode_hex(&value, digest, sizeof(digest));
	bf_request_header(request, webhook->signature_header, value.data);

	bf_buf_clear(&value);
	bf_buf_add_text(&head, request->delivery_id);
	bf_buf_add_byte(&head, '.');
	bf_buf_add_text(&head, seconds);
	bf_buf_add_byte(&head, '.');
	add_standard(&value, &webhook->current, &head, &request->body);
	if (overlap)
		add_standard(&value, &webhook->previous, &head, &request->body);
	bf_request_header(request, "webhook-signature", value.data);
	bf_buf_free(&value);
	bf_buf_free(&head);
}

static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct webhook_conf *webhook = conf;
	char seconds[24];

	bf_request_post(request, &webhook->url, "application/json");
	request->method = methods[webhook->method.index];
	request->http2 = webhook->http2;
	request->ca_file = webhook->ca_file.text;
	request->client_certificate = webhook->client_certificate.text;
	request->client_key = webhook->client_key.text;
	if (webhook->username.bytes) {
		request->username = &webhook->username;
		request->password = &webhook->password;
	}
	bf_request_bearer(request, &webhook->bearer);
	for (size_t i = 0; i < webhook->header.count; i++)
		bf_request_header(request, webhook->header.items[i].name,
		    webhook->header.items[i].value);
	if (bf_event_json(event, &request->body, err) == -1)
		return -1;
	snprintf(seconds, sizeof(seconds), "%lld",
	    (long long)(request->now.ms / 1000));
	bf_request_header(request, "webhook-id", request->delivery_id);
	bf_request_header(request, "webhook-timestamp", seconds);
	if (webhook->current.text)
		sign(webhook, seconds, request);
	return 0;
}

static void
judge(const void *conf, const struct bf_response *response,
    struct bf_verdict *verdict)
{
	const struct webhook_conf *webhook = conf;

	bf_verdict_http(response, verdict);
	if (response->status == 410 &&
	    strcmp(on_gone[webhook->gone.index], "stop") == 0) {
		bf_verdict_set(verdict, BF_RETRY,
		    "the endpoint answered 410 Gone");
		verdict->stop_channel = true;
	}
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "webhook",
	.license = "BSD-2-Clause",
	.summary = "Posts events to an HTTP endpoint, signed",
	.conf_size = sizeof(struct webhook_conf),
	.directives = directives,
	.check = check,
	.clear = clear,
	.compose = compose,
	.judge = judge,
};
