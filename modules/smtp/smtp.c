/*
 * smtp.c - mail to any number of recipients, through a mail server
 *
 * The settings become what every request needs when they are checked: the URL
 * of the server, the addresses, the key that signs. A mail is one envelope for
 * all recipients; those that an earlier attempt settled are left out of it.
 */
#include <belfry/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modules/smtp/address.h"
#include "modules/smtp/dkim.h"
#include "modules/smtp/judge.h"
#include "modules/smtp/message.h"

#define PORT_STARTTLS 587 /* RFC 6409 */
#define PORT_IMPLICIT 465 /* RFC 8314 */
#define HOST_MOST 253     /* bytes of a host name: RFC 1035 */

struct smtp_conf {
	char *host;
	int64_t port;
	struct bf_strings tls;
	struct bf_secret username;
	struct bf_secret password;
	struct bf_choice auth;
	struct bf_path token;
	char *ehlo;
	struct bf_path ca_file;
	struct bf_path client_certificate;
	struct bf_path client_key;
	struct bf_strings from;
	char *envelope_from;
	struct bf_strings to;
	struct bf_strings cc;
	struct bf_strings bcc;
	struct bf_strings reply_to;
	char *subject_prefix;
	struct bf_strings dkim;

	/* Prepared by check; no directives. */
	char *url;
	char *sender; /* the reverse-path */
	bool starttls;
	struct smtp_addresses from_address, to_addresses, cc_addresses,
	    bcc_addresses, reply_to_address;
	struct smtp_dkim *signer;
};

/* The ways to log in, and libcurl's words for them. NULL: it is built without.
 */
static const char *const ways[] = { "auto", "plain", "login", "cram-md5",
	"scram-sha-256", "xoauth2", "oauthbearer", NULL };

static const char *const mechanisms[] = {
	"AUTH=PLAIN;AUTH=LOGIN",
	"AUTH=PLAIN",
	"AUTH=LOGIN",
	"AUTH=CRAM-MD5",
#ifdef BF_CURL_GSASL
	"AUTH=SCRAM-SHA-256",
#else
	NULL,
#endif
	"AUTH=XOAUTH2",
	"AUTH=OAUTHBEARER",
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(smtp_conf, host), .required = true,
	    .help = "The mail server" },
	{ BF_FIELD(smtp_conf, port), .min = 1, .max = 65535,
	    .help = "Its port; without it 587, and 465 with tls implicit" },
	{ BF_FIELD(smtp_conf, tls), .fallback = "on",
	    .help = "on: STARTTLS is required, or TLS from the beginning on "
		    "port 465; implicit: TLS from the beginning; off: only "
		    "without credentials, on loopback, or as off "
		    "allow_plaintext_auth" },
	{ BF_FIELD(smtp_conf, username), .help = "User name to log in with" },
	{ BF_FIELD(smtp_conf, password), .help = "Password to log in with" },
	{ BF_FIELD(smtp_conf, auth), .fallback = "auto", .choices = ways,
	    .help = "How to log in; auto is plain or login" },
	{ BF_FIELD(smtp_conf, token),
	    .help = "File of the OAuth 2.0 token for xoauth2 and oauthbearer; "
		    "read for every mail, as tokens are replaced" },
	{ BF_FIELD(smtp_conf, ehlo),
	    .help = "The name that EHLO says; without it, the machine's" },
	{ BF_FIELD(smtp_conf, ca_file),
	    .help = "PEM file of the authorities to trust, in place of the "
		    "system's" },
	{ BF_FIELD(smtp_conf, client_certificate),
	    .help = "PEM file of the certificate that belfry shows" },
	{ BF_FIELD(smtp_conf, client_key),
	    .help = "PEM file of its key, if not in the same file" },
	{ BF_FIELD(smtp_conf, from), .required = true,
	    .help = "The sender, with or without a display name" },
	{ BF_FIELD(smtp_conf, envelope_from),
	    .help =
		"Where bounces go, <> for nowhere; without it, the sender" },
	{ BF_FIELD(smtp_conf, to), .required = true,
	    .help = "The recipients, each with or without a display name" },
	{ BF_FIELD(smtp_conf, cc), .help = "Recipients of a copy" },
	{ BF_FIELD(smtp_conf, bcc),
	    .help = "Recipients of a copy whom the mail does not name" },
	{ BF_FIELD(smtp_conf, reply_to), .help = "Where answers go" },
	{ BF_FIELD(smtp_conf, subject_prefix),
	    .help = "What is put in front of every subject" },
	{ BF_FIELD(smtp_conf, dkim),
	    .help = "Signs each mail: domain, selector, and the private key "
		    "in PEM" },
	{ 0 },
};

/* ---- checks ---- */

static bool
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 ||
	       strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       strcmp(host, "[::1]") == 0;
}

static bool
has_credentials(const struct smtp_conf *smtp)
{
	return smtp->username.bytes || smtp->password.bytes || smtp->token.text;
}

/* Reads tls: *implicit, and smtp->starttls. */
static int
check_tls(struct smtp_conf *smtp, bool *implicit, struct bf_error *err)
{
	const struct bf_strings *tls = &smtp->tls;
	const bool plain_login =
	    tls->count == 2 &&
	    strcmp(tls->items[1], "allow_plaintext_auth") == 0;

	*implicit = strcmp(tls->items[0], "implicit") == 0;
	smtp->starttls = strcmp(tls->items[0], "on") == 0;
	if (smtp->starttls && smtp->port == PORT_IMPLICIT) {
		smtp->starttls = false;
		*implicit = true;
	}
	if (strcmp(tls->items[0], "off") == 0) {
		if (tls->count == 1
			? !has_credentials(smtp) || is_loopback(smtp->host)
			: plain_login)
			return 0;
		bf_error_set(err,
		    tls->count == 1
			? "tls: off would send the password in the clear; "
			  "expected on, implicit, or off allow_plaintext_auth"
			: "tls: expected on, implicit, off, or off "
			  "allow_plaintext_auth");
		return -1;
	}
	if (tls->count == 1 && (smtp->starttls || *implicit))
		return 0;
	bf_error_set(err,
	    "tls: \"%.40s\": expected on, implicit, off, or off "
	    "allow_plaintext_auth",
	    tls->items[tls->count - 1]);
	return -1;
}

static int
check_login(const struct smtp_conf *smtp, struct bf_error *err)
{
	const char *way = ways[smtp->auth.index];
	const bool oauth =
	    strcmp(way, "xoauth2") == 0 || strcmp(way, "oauthbearer") == 0;

	if (!mechanisms[smtp->auth.index])
		bf_error_set(err,
		    "auth: the libcurl that belfry was built with lacks %s "
		    "(it is built without gsasl); expected another way",
		    way);
	else if (oauth && (!smtp->username.bytes || !smtp->token.text))
		bf_error_set(err, "auth: %s needs username and token", way);
	else if (oauth && smtp->password.bytes)
		bf_error_set(err, "password: %s has a token in its place", way);
	else if (!oauth && smtp->token.text)
		bf_error_set(err, "token: expected auth xoauth2 or oauthbearer "
				  "beside it");
	else if (!oauth && !smtp->username.bytes != !smtp->password.bytes)
		bf_error_set(err,
		    "%s: expected username and password, or "
		    "neither",
		    smtp->username.bytes ? "username" : "password");
	else if (smtp->client_key.text && !smtp->client_certificate.text)
		bf_error_set(err, "client_key: expected client_certificate "
				  "beside it");
	else
		return 0;
	return -1;
}

/* A host name, an address, or an address literal: what a URL takes. */
static bool
is_host(const char *text)
{
	const size_t length = strlen(text);

	if (length == 0 || length > HOST_MOST)
		return false;
	for (const unsigned char *c = (const void *)text; *c; c++) {
		if (*c <= 0x20 || *c == 0x7f || strchr("/@?#%\\\"<>", *c))
			return false;
	}
	return true;
}

/* The name for EHLO, as a part of the URL: [ and ] are escaped. */
static int
put_ehlo(const struct smtp_conf *smtp, struct bf_buf *url, struct bf_error *err)
{
	char own[HOST_MOST + 1] = "";
	const char *name = smtp->ehlo ? smtp->ehlo : own;

	if (!smtp->ehlo && (gethostname(own, sizeof(own) - 1) == -1 || !*own))
		snprintf(own, sizeof(own), "localhost");
	if (!is_host(name)) {
		bf_error_set(err,
		    "ehlo: \"%.60s\": expected a host name, or an "
		    "address in brackets",
		    name);
		return -1;
	}
	for (; *name; name++) {
		if (*name == '[' || *name == ']')
			bf_buf_add_text(url, *name == '[' ? "%5B" : "%5D");
		else
			bf_buf_add_byte(url, *name);
	}
	return 0;
}

static int
make_url(struct smtp_conf *smtp, bool implicit, struct bf_error *err)
{
	const bool bare = strchr(smtp->host, ':') && smtp->host[0] != '[';
	struct bf_buf url = { 0 };

	if (!is_host(smtp->host)) {
		bf_error_set(err,
		    "host: \"%.60s\": expected a host name or an "
		    "address",
		    smtp->host);
		return -1;
	}
	if (smtp->port == 0)
		smtp->port = implicit ? PORT_IMPLICIT : PORT_STARTTLS;
	bf_buf_add_format(&url, "%s://%s%s%s:%d/", implicit ? "smtps" : "smtp",
	    bare ? "[" : "", smtp->host, bare ? "]" : "", (int)smtp->port);
	if (put_ehlo(smtp, &url, err) == -1) {
		bf_buf_free(&url);
		return -1;
	}
	smtp->url = bf_buf_take(&url);
	return 0;
}

/* Reads the addresses of one directive. */
static int
read_addresses(const char *name, const struct bf_strings *words,
    struct smtp_addresses *addresses, struct bf_error *err)
{
	if (smtp_addresses_parse(addresses, words, err) == 0)
		return 0;
	bf_error_prefix(err, "%s", name);
	return -1;
}

static int
read_sender(struct smtp_conf *smtp, struct bf_error *err)
{
	struct smtp_address address = { 0 };

	if (!smtp->envelope_from) {
		smtp->sender = bf_strdup(smtp->from_address.items[0].mailbox);
		return 0;
	}
	/* The null reverse-path: RFC 5321, section 4.5.5. */
	if (strcmp(smtp->envelope_from, "<>") == 0) {
		smtp->sender = bf_strdup("");
		return 0;
	}
	if (smtp_address_parse(&address, smtp->envelope_from, err) == -1) {
		bf_error_prefix(err, "envelope_from");
		return -1;
	}
	smtp->sender = address.mailbox;
	address.mailbox = NULL;
	smtp_address_clear(&address);
	return 0;
}

static int
check_addresses(struct smtp_conf *smtp, struct bf_error *err)
{
	if (read_addresses("from", &smtp->from, &smtp->from_address, err) ==
		-1 ||
	    read_addresses("to", &smtp->to, &smtp->to_addresses, err) == -1 ||
	    read_addresses("cc", &smtp->cc, &smtp->cc_addresses, err) == -1 ||
	    read_addresses("bcc", &smtp->bcc, &smtp->bcc_addresses, err) ==
		-1 ||
	    read_addresses("reply_to", &smtp->reply_to, &smtp->reply_to_address,
		err) == -1)
		return -1;
	if (smtp->from_address.count != 1) {
		bf_error_set(err, "from: %zu addresses; expected one",
		    smtp->from_address.count);
		return -1;
	}
	if (smtp->reply_to_address.count > 1) {
		bf_error_set(err, "reply_to: %zu addresses; expected one",
		    smtp->reply_to_address.count);
		return -1;
	}
	return read_sender(smtp, err);
}

static int
check_dkim(struct smtp_conf *smtp, struct bf_error *err)
{
	const struct bf_strings *dkim = &smtp->dkim;

	if (dkim->count == 0)
		return 0;
	if (dkim->count != 3) {
		bf_error_set(err,
		    "dkim: %zu values; expected a domain, a "
		    "selector and a key",
		    dkim->count);
		return -1;
	}
	smtp->signer = smtp_dkim_new(dkim->items[0], dkim->items[1],
	    dkim->items[2], strlen(dkim->items[2]), err);
	if (smtp->signer)
		return 0;
	bf_error_prefix(err, "dkim");
	return -1;
}

/* A prefix with a line end in it could make headers. */
static int
check_prefix(const struct smtp_conf *smtp, struct bf_error *err)
{
	const unsigned char *c = (const void *)smtp->subject_prefix;

	for (; c && *c; c++) {
		if (*c < 0x20 || *c == 0x7f) {
			bf_error_set(err,
			    "subject_prefix: a control character; "
			    "expected text");
			return -1;
		}
	}
	return 0;
}

static int
check(void *conf, struct bf_error *err)
{
	struct smtp_conf *smtp = conf;
	bool implicit;

	if (check_tls(smtp, &implicit, err) == -1 ||
	    check_login(smtp, err) == -1 ||
	    make_url(smtp, implicit, err) == -1 ||
	    check_addresses(smtp, err) == -1 || check_prefix(smtp, err) == -1)
		return -1;
	return check_dkim(smtp, err);
}

static void
clear(void *conf)
{
	struct smtp_conf *smtp = conf;

	free(smtp->url);
	free(smtp->sender);
	smtp_addresses_clear(&smtp->from_address);
	smtp_addresses_clear(&smtp->to_addresses);
	smtp_addresses_clear(&smtp->cc_addresses);
	smtp_addresses_clear(&smtp->bcc_addresses);
	smtp_addresses_clear(&smtp->reply_to_address);
	smtp_dkim_free(&smtp->signer);
}

/* ---- a mail ---- */

static int
add_recipients(struct bf_request *request,
    const struct smtp_addresses *addresses, struct bf_error *err)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const char *mailbox = addresses->items[i].mailbox;

		if (bf_request_recipient(request, mailbox) == -1) {
			bf_error_set(err, "recipient %s can't be sent to",
			    mailbox);
			return -1;
		}
	}
	return 0;
}

static void
set_login(const struct smtp_conf *smtp, struct bf_request *request)
{
	if (!smtp->username.bytes)
		return;
	request->username = &smtp->username;
	request->password = &smtp->password;
	request->mechanisms = mechanisms[smtp->auth.index];
	request->token_file = smtp->token.text;
}

static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct smtp_conf *smtp = conf;
	const struct smtp_message parts = {
		.from = &smtp->from_address.items[0],
		.to = &smtp->to_addresses,
		.cc = &smtp->cc_addresses,
		.reply_to = smtp->reply_to_address.items,
		.subject_prefix = smtp->subject_prefix,
		.delivery_id = request->delivery_id,
		.event = event,
	};

	request->url = smtp->url;
	request->sender = smtp->sender;
	request->starttls = smtp->starttls;
	request->ca_file = smtp->ca_file.text;
	request->client_certificate = smtp->client_certificate.text;
	request->client_key = smtp->client_key.text;
	set_login(smtp, request);
	if (add_recipients(request, &smtp->to_addresses, err) == -1 ||
	    add_recipients(request, &smtp->cc_addresses, err) == -1 ||
	    add_recipients(request, &smtp->bcc_addresses, err) == -1 ||
	    smtp_message(&request->body, &parts, err) == -1)
		return -1;
	return smtp->signer ? smtp_dkim_sign(smtp->signer, &request->body,
				  request->now, err)
			    : 0;
}

static void
judge(const void *conf, const struct bf_response *response,
    struct bf_verdict *verdict)
{
	(void)conf;
	smtp_judge(response, verdict);
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "smtp",
	.license = "BSD-2-Clause",
	.summary = "Sends events as mail through a mail server",
	.conf_size = sizeof(struct smtp_conf),
	.directives = directives,
	.retry = "1m 5m 15m 30m 1h 2h 4h 8h",
	.max_age = "5d",
	/* Ten minutes behind the final dot (RFC 5321, section 4.5.3.2.6), and
	 * what comes before it. */
	.timeout = "20m",
	/* Postfix takes 50 connections of a client by default
	 * (smtpd_client_connection_count_limit). */
	.concurrency = "16",
	.check = check,
	.clear = clear,
	.compose = compose,
	.judge = judge,
};
