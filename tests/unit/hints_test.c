/*
 * hints_test.c - each hint is reached by what servers really say
 *
 * The replies of mail servers are in the words of Gmail, Microsoft 365,
 * Outlook, Postfix, Exim, Sendmail and others, with the names changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/transport/dialogue.h"
#include "core/transport/hints.h"
#include "tests/unit/talk.h"

/* An attempt, and the hint that it gets. */
struct example {
	const char *name;
	struct bf_symptom symptom;
};

#define HTTP .protocol = BF_PROTOCOL_HTTP, .stage
#define SMTP .protocol = BF_PROTOCOL_SMTP, .stage
#define STATUS(number)                                                         \
	.protocol = BF_PROTOCOL_HTTP, .stage = BF_STAGE_ANSWER, .code = (number)

static const struct example examples[] = {
	/* ---- network ---- */
	{ "proxy-unknown",
	    { HTTP = BF_STAGE_RESOLVE,
		.error = "the proxy's address was not found (Could not resolve "
			 "proxy: px)" } },
	{ "name-server-silent",
	    { HTTP = BF_STAGE_RESOLVE,
		.error = "timed out after 2000 ms while looking up the host's "
			 "address" } },
	{ "name-server-slow",
	    { HTTP = BF_STAGE_RESOLVE, .signs = BF_SIGN_SLOW_LOOKUP,
		.error = "the host's address was not found (Could not resolve "
			 "host: h)" } },
	{ "name-unknown",
	    { SMTP = BF_STAGE_RESOLVE,
		.error = "the host's address was not found (Could not resolve "
			 "host: h)" } },
	{ "own-intake", { HTTP = BF_STAGE_CONNECT,
			    .error = "that address is belfry's own intake" } },
	{ "egress-closed", { HTTP = BF_STAGE_CONNECT,
			       .error = "10.0.0.7 is a private address, which "
					"channels made over the "
					"API may not reach" } },
	{ "bind-address",
	    { HTTP = BF_STAGE_CONNECT,
		.error = "bind failed with errno 99: Cannot assign requested "
			 "address" } },
	{ "proxy-unreachable",
	    { HTTP = BF_STAGE_CONNECT,
		.error = "cannot connect to the proxy: Connection refused" } },
	{ "connection-refused",
	    { SMTP = BF_STAGE_CONNECT,
		.error = "cannot connect to the server: Connection refused" } },
	{ "no-route", { HTTP = BF_STAGE_CONNECT,
			  .error = "cannot connect to the server: Network is "
				   "unreachable" } },
	{ "port-25-blocked",
	    { SMTP = BF_STAGE_CONNECT, .signs = BF_SIGN_PORT_25,
		.error = "timed out after 10000 ms while connecting" } },
	{ "connect-time-out",
	    { HTTP = BF_STAGE_CONNECT,
		.error = "timed out after 10000 ms while connecting" } },
	{ "proxy-credentials",
	    { HTTP = BF_STAGE_PROXY, .code = 407,
		.error = "CONNECT tunnel failed, response 407" } },
	{ "proxy-credentials", { STATUS(407), .signs = BF_SIGN_PLAIN } },
	{ "proxy-refused",
	    { HTTP = BF_STAGE_PROXY, .code = 403,
		.error = "CONNECT tunnel failed, response 403" } },
	{ "https-to-plain-port",
	    { HTTP = BF_STAGE_TLS,
		.error = "the server does not speak TLS there" } },
	{ "implicit-tls-to-starttls-port",
	    { SMTP = BF_STAGE_TLS,
		.error = "the server does not speak TLS there",
		.detail = "OpenSSL/3.0.15: error:0A00010B:SSL routines::wrong "
			  "version number" } },
	{ "certificate-expired",
	    { HTTP = BF_STAGE_TLS,
		.error = "the server's certificate has expired" } },
	{ "certificate-not-yet-valid",
	    { SMTP = BF_STAGE_TLS,
		.error = "the server's certificate is not yet valid" } },
	{ "certificate-name",
	    { HTTP = BF_STAGE_TLS,
		.error = "the server's certificate is for another host" } },
	{ "certificate-authority",
	    { HTTP = BF_STAGE_TLS,
		.error = "the server's certificate is signed by nobody that is "
			 "trusted (self-signed)",
		.detail = "SSL certificate problem: self-signed certificate in "
			  "certificate chain" } },
	{ "certificate-self-signed",
	    { SMTP = BF_STAGE_TLS,
		.error = "the server's certificate is signed by nobody that is "
			 "trusted (self-signed)",
		.detail =
		    "SSL certificate problem: self-signed certificate" } },
	{ "certificate-unknown-authority",
	    { HTTP = BF_STAGE_TLS,
		.error = "the server's certificate is signed by nobody that is "
			 "trusted" } },
	{ "client-certificate-refused",
	    { HTTP = BF_STAGE_TLS,
		.error = "the server does not take the client certificate" } },
	{ "client-certificate-required",
	    { HTTP = BF_STAGE_TLS,
		.error = "the server asks for a client certificate" } },
	{ "certificate-file",
	    { HTTP = BF_STAGE_TLS,
		.error = "error setting certificate verify locations:  CAfile: "
			 "/x" } },
	{ "tls-too-old",
	    { HTTP = BF_STAGE_TLS,
		.error = "the TLS connection could not be made (error:0A00042E:"
			 "SSL routines::tlsv1 alert protocol version)" } },
	{ "tls-time-out",
	    { HTTP = BF_STAGE_TLS,
		.error = "timed out after 10000 ms while making the TLS "
			 "connection" } },
	{ "tls-failed", { HTTP = BF_STAGE_TLS,
			    .error = "the TLS connection could not be made "
				     "(SSL_ERROR_SYSCALL)" } },

	/* ---- HTTP ---- */
	{ "plain-to-https-port",
	    { HTTP = BF_STAGE_ANSWER, .signs = BF_SIGN_PLAIN,
		.error =
		    "the server does not speak HTTP/1.1 (Received HTTP/0.9 "
		    "when not allowed)" } },
	{ "plain-to-https-port-said",
	    { STATUS(400), .signs = BF_SIGN_PLAIN | BF_SIGN_HTML,
		.text = "<center>The plain HTTP request was sent to HTTPS "
			"port</center>" } },
	{ "plain-to-https-port-said",
	    { STATUS(400), .signs = BF_SIGN_PLAIN,
		.text = "Client sent an HTTP request to an HTTPS server.\n" } },
	{ "client-certificate-asked",
	    { STATUS(400), .signs = BF_SIGN_HTML,
		.text = "<center>No required SSL certificate was "
			"sent</center>" } },
	{ "answer-time-out",
	    { HTTP = BF_STAGE_ANSWER, .signs = BF_SIGN_PLAIN,
		.error = "timed out after 10000 ms while waiting for the "
			 "answer" } },
	{ "answer-too-large",
	    { HTTP = BF_STAGE_ANSWER,
		.error = "the answer's headers are larger than belfry "
			 "reads" } },
	{ "http2-broken", { HTTP = BF_STAGE_ANSWER,
			      .error = "the HTTP/2 stream was reset" } },
	{ "not-http",
	    { HTTP = BF_STAGE_ANSWER,
		.error = "the server does not speak HTTP (Invalid status "
			 "line)" } },
	{ "answer-broken",
	    { HTTP = BF_STAGE_ANSWER,
		.error = "the server closed the connection without an "
			 "answer" } },
	{ "captive-portal", { STATUS(511), .signs = BF_SIGN_HTML } },
	{ "web-page", { STATUS(200), .signs = BF_SIGN_HTML } },
	{ "redirect", { STATUS(301), .location = "https://new.example.com" } },
	{ "slack-webhook-gone", { STATUS(404), .text = "no_service" } },
	{ "slack-channel", { STATUS(410), .text = "channel_is_archived" } },
	{ "discord-webhook-gone",
	    { STATUS(404), .text =
			       "{\"message\": \"Unknown Webhook\", \"code\": "
			       "10015}" } },
	{ "clock-skew", { STATUS(401), .signs = BF_SIGN_SKEWED } },
	{ "timestamp-refused",
	    { STATUS(400), .text = "Message timestamp too old" } },
	{ "signature-refused",
	    { STATUS(401), .text = "{\"error\":\"invalid signature\"}" } },
	{ "firewall-refused",
	    { STATUS(403), .signs = BF_SIGN_HTML,
		.text = "<title>Attention Required! | Cloudflare</title>" } },
	{ "http-401", { STATUS(401) } },
	{ "http-403", { STATUS(403) } },
	{ "http-404", { STATUS(404), .signs = BF_SIGN_HTML } },
	{ "http-405", { STATUS(405) } },
	{ "http-408", { STATUS(408) } },
	{ "http-410", { STATUS(410) } },
	{ "http-413", { STATUS(413) } },
	{ "http-415", { STATUS(415) } },
	{ "http-400", { STATUS(400) } },
	{ "http-422", { STATUS(422) } },
	{ "http-426", { STATUS(426) } },
	{ "http-429", { STATUS(429) } },
	{ "http-4xx", { STATUS(418) } },
	{ "http-502", { STATUS(502) } },
	{ "http-503", { STATUS(503) } },
	{ "http-504", { STATUS(504) } },
	{ "http-5xx", { STATUS(500) } },

	/* ---- SMTP without a reply that explains it ---- */
	{ "starttls-to-implicit-tls-port",
	    { SMTP = BF_STAGE_GREETING, .signs = BF_SIGN_PORT_465,
		.error = "timed out after 10000 ms while waiting for the "
			 "answer" } },
	{ "greeting-time-out",
	    { SMTP = BF_STAGE_GREETING,
		.error = "timed out after 10000 ms while waiting for the "
			 "answer" } },
	{ "greeting-too-long",
	    { SMTP = BF_STAGE_GREETING,
		.error = "the server's greeting or EHLO reply is longer than "
			 "belfry reads" } },
	{ "not-smtp",
	    { SMTP = BF_STAGE_GREETING,
		.error = "the server does not speak SMTP as it should" } },
	{ "greeting-broken",
	    { SMTP = BF_STAGE_GREETING,
		.error = "the server closed the connection" } },
	{ "starttls-not-offered",
	    { SMTP = BF_STAGE_EHLO, .detail = "STARTTLS not supported." } },
	{ "starttls-refused", { SMTP = BF_STAGE_STARTTLS, .code = 454,
				  .detail = "STARTTLS denied, code 454" } },
	{ "auth-not-offered",
	    { SMTP = BF_STAGE_EHLO, .detail = "Login denied" } },
	{ "login-denied", { SMTP = BF_STAGE_AUTH, .detail = "Login denied" } },
	{ "data-broken", { SMTP = BF_STAGE_DATA,
			     .error = "the server closed the connection" } },
	{ "reply-time-out",
	    { SMTP = BF_STAGE_RCPT,
		.error = "timed out after 10000 ms while waiting for the "
			 "answer" } },
	{ "dialogue-broken",
	    { SMTP = BF_STAGE_MAIL, .error = "the connection broke" } },
};

/* A dialogue: "> " in front of what belfry sends, "< " of what comes. */
struct talk {
	const char *name;
	const char *lines;
};

#define TO(reply)                                                              \
	HELLO "> MAIL FROM:<a@example.com>\n< 250 ok\n"                        \
	      "> RCPT TO:<b@example.org>\n" reply
#define MESSAGE(reply) TO("< 250 ok\n> DATA\n< 354 go on\n" reply)
#define LOGIN(reply) HELLO "> AUTH PLAIN AGEAYg==\n" reply

static const struct talk talks[] = {
	{ "starttls-failed",
	    HELLO "> STARTTLS\n< 502 5.5.1 not implemented\n" },
	{ "tls-required", HELLO "> MAIL FROM:<a@example.com>\n"
				"< 530 5.7.0 Must issue a STARTTLS command "
				"first\n" },
	{ "app-password",
	    LOGIN("< 534-5.7.9 Application-specific password required. For "
		  "more\n< 534 5.7.9 information, go to "
		  "https://support.example/\n") },
	{ "app-password",
	    LOGIN("< 535-5.7.8 Username and Password not accepted.\n"
		  "< 535 5.7.8  https://support.example/?p=BadCredentials\n") },
	{ "auth-disabled",
	    LOGIN("< 535 5.7.139 Authentication unsuccessful, "
		  "SmtpClientAuthentication is disabled for the Tenant.\n") },
	{ "auth-locked",
	    LOGIN("< 454 4.7.0 Too many login attempts, please try again "
		  "later.\n") },
	{ "auth-mechanism", LOGIN("< 504 5.5.4 Unrecognized authentication "
				  "type\n") },
	{ "auth-later", LOGIN("< 454 4.7.0 Temporary authentication "
			      "failure\n") },
	{ "wrong-password", LOGIN("< 535 5.7.8 Error: authentication failed: "
				  "authentication failure\n") },
	{ "wrong-password",
	    HELLO "> AUTH LOGIN\n< 334 VXNlcm5hbWU6\n> YQ==\n"
		  "< 334 UGFzc3dvcmQ6\n> Yg==\n"
		  "< 535 Incorrect authentication data\n> QUIT\n< 221 bye\n" },
	{ "auth-required",
	    HELLO "> MAIL FROM:<a@example.com>\n"
		  "< 530 5.7.57 Client not authenticated to send mail\n" },
	{ "auth-required-530",
	    HELLO "> MAIL FROM:<a@example.com>\n< 530 5.7.0 Log in\n" },
	{ "dmarc",
	    MESSAGE("< 550 5.7.509 Access denied, sending domain example.com "
		    "does not pass DMARC verification\n") },
	{ "dmarc",
	    MESSAGE("< 550 5.7.515 Access denied, sending domain EXAMPLE.COM "
		    "doesn't meet the required authentication level.\n") },
	{ "unauthenticated-mail",
	    MESSAGE("< 550-5.7.26 Your email has been blocked because the "
		    "sender is unauthenticated.\n< 550-5.7.26 Gmail requires "
		    "all senders to authenticate with either SPF or DKIM.\n"
		    "< 550 5.7.26  DKIM = did not pass\n") },
	{ "spf", TO("< 550 5.7.23 The message was rejected because of Sender "
		    "Policy Framework violation\n") },
	{ "dkim", MESSAGE("< 550 5.7.20 No passing DKIM signature found\n") },
	{ "reverse-dns",
	    TO("< 550-5.7.25 The IP address sending this message does not "
	       "have a\n< 550 5.7.25 PTR record setup\n") },
	{ "greylisted", TO("< 450 4.2.0 <b@example.org>: Recipient address "
			   "rejected: Greylisted\n") },
	{ "blocklisted",
	    TO("< 554 5.7.1 Service unavailable; Client host [192.0.2.1] "
	       "blocked using zen.spamhaus.org\n") },
	{ "blocklisted",
	    "< 550 5.7.606 Access denied, banned sending IP [192.0.2.1]\n" },
	{ "too-many-recipients",
	    TO("< 452 4.5.3 Error: too many recipients\n") },
	{ "rate-limited",
	    TO("< 421-4.7.28 Gmail has detected an unusual rate of "
	       "email\n< 421 4.7.28 originating from your IP address\n") },
	{ "message-too-big", HELLO "> MAIL FROM:<a@example.com> SIZE=99999\n"
				   "< 552 5.3.4 Message size exceeds fixed "
				   "limit\n" },
	{ "mailbox-full",
	    TO("< 552-5.2.2 The recipient's inbox is out of storage "
	       "space.\n< 552 5.2.2 Please direct them\n") },
	{ "mailbox-full", TO("< 452 4.2.2 Mailbox full\n") },
	{ "server-full", HELLO "> MAIL FROM:<a@example.com>\n"
			       "< 452 4.3.1 Insufficient system storage\n" },
	{ "relay-denied", TO("< 554 5.7.1 <b@example.org>: Relay access "
			     "denied\n") },
	{ "relay-denied", TO("< 550 5.7.54 SMTP; Unable to relay recipient in "
			     "non-accepted domain\n") },
	{ "sender-not-yours",
	    MESSAGE("< 554 5.2.252 SendAsDenied; a@example.com not allowed "
		    "to send as c@example.com\n") },
	{ "sender-not-yours",
	    TO("< 553 5.7.1 <a@example.com>: Sender address rejected: not "
	       "owned by user c\n") },
	{ "sender-refused",
	    TO("< 450 4.1.8 <a@example.invalid>: Sender address rejected: "
	       "Domain not found\n") },
	{ "recipient-domain",
	    TO("< 550 5.1.2 <b@example.org>: Recipient address rejected: "
	       "Domain not found\n") },
	{ "mailbox-disabled",
	    TO("< 550 5.2.1 The email account that you tried to reach is "
	       "disabled.\n") },
	{ "mailbox-unknown",
	    TO("< 550 5.1.1 <b@example.org>: Recipient address rejected: "
	       "User unknown in local recipient table\n") },
	{ "mailbox-unknown",
	    TO("< 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not "
	       "found by SMTP address lookup\n") },
	{ "taken-for-spam", MESSAGE("< 554 5.7.1 Spam message rejected\n") },
	{ "greeting-refused",
	    "< 554 mx.example.com No SMTP service here\n> QUIT\n< 221 bye\n" },
	{ "ehlo-refused",
	    "< 220 mx\n> EHLO localhost\n< 550 no\n> HELO localhost\n"
	    "< 504 5.5.2 <localhost>: Helo command rejected: need "
	    "fully-qualified hostname\n" },
	{ "service-unavailable", TO("< 421 4.3.2 Service shutting down\n") },
	{ "mail-refused", HELLO "> MAIL FROM:<a@example.com>\n< 550 no\n" },
	{ "rcpt-refused", TO("< 550 no\n> RCPT TO:<c@example.org>\n"
			     "< 250 ok\n> RSET\n< 250 ok\n") },
	{ "data-refused", MESSAGE("< 554 5.6.0 no\n") },
	{ "refused-for-now", TO("< 451 4.3.0 Try again\n") },
};

static const struct bf_hint *
hint_of(const struct talk *talk)
{
	struct bf_dialogue dialogue = { 0 };
	struct bf_buf shown = { 0 };
	const struct bf_hint *hint;

	talk_follow(talk->lines, &dialogue, &shown);
	hint = bf_hint_find(&(struct bf_symptom){ .protocol = BF_PROTOCOL_SMTP,
	    .stage = dialogue.refused,
	    .code = dialogue.code,
	    .text = bf_buf_text(&dialogue.text) });
	bf_dialogue_free(&dialogue);
	bf_buf_free(&shown);
	return hint;
}

static void
what_servers_say_gets_its_hint(void **state)
{
	const struct bf_hint *hint;

	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		hint = bf_hint_find(&examples[i].symptom);
		if (!hint || strcmp(hint->name, examples[i].name) != 0)
			fail_msg("%s (example %zu) got %s", examples[i].name, i,
			    hint ? hint->name : "none");
	}
	for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
		hint = hint_of(&talks[i]);
		if (!hint || strcmp(hint->name, talks[i].name) != 0)
			fail_msg("%s got %s:\n%s", talks[i].name,
			    hint ? hint->name : "none", talks[i].lines);
	}
}

static bool
has_example(const char *name)
{
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		if (strcmp(examples[i].name, name) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
		if (strcmp(talks[i].name, name) == 0)
			return true;
	}
	return false;
}

static void
every_row_is_reached_and_reads_well(void **state)
{
	enum bf_protocol protocol, other;
	const struct bf_hint *hint;
	size_t count = 0;

	(void)state;
	for (; (hint = bf_hint_at(count, &protocol)); count++) {
		if (!has_example(hint->name))
			fail_msg("no example of %s", hint->name);
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(hint->name,
			    bf_hint_at(i, &other)->name);
		assert_int_equal(hint->cause[strlen(hint->cause) - 1], '.');
		assert_int_equal(hint->fix[strlen(hint->fix) - 1] == '.' ||
				     hint->fix[strlen(hint->fix) - 1] == ')',
		    true);
	}
	assert_in_range(count, 80, 1000);
}

static void
what_went_well_gets_none(void **state)
{
	(void)state;
	assert_null(bf_hint_find(&(struct bf_symptom){ STATUS(204) }));
	/* What an answer says is not taken for what happened to its TLS. */
	assert_string_equal(bf_hint_find(
				&(struct bf_symptom){ STATUS(500),
				    .text = "certificate has expired" })
				->name,
	    "http-5xx");
}

static void
a_number_is_matched_as_a_whole(void **state)
{
	static const struct talk longer = { "", TO("< 550 5.1.111 no\n") };
	static const struct talk within = { "", TO("< 550 15.1.1 no\n") };

	(void)state;
	assert_string_equal(hint_of(&longer)->name, "rcpt-refused");
	assert_string_equal(hint_of(&within)->name, "rcpt-refused");
}

static void
a_redirect_names_where_it_leads(void **state)
{
	struct bf_symptom symptom = { STATUS(302) };
	char *cause;

	(void)state;
	cause = bf_hint_cause(bf_hint_find(&symptom), &symptom);
	assert_non_null(strstr(cause, "moved to another address, and"));
	free(cause);
	symptom.location = "https://login.example.com";
	cause = bf_hint_cause(bf_hint_find(&symptom), &symptom);
	assert_non_null(strstr(cause, "moved to https://login.example.com,"));
	free(cause);
}

/* Commands that are sent ahead of their replies (RFC 2920). */
static void
what_follows_from_a_refusal_does_not_hide_it(void **state)
{
	static const struct talk pipelined[] = {
		{ "sender-refused",
		    HELLO "> MAIL FROM:<a@example.com>\n"
			  "> RCPT TO:<b@example.com>\n> DATA\n"
			  "< 550 5.1.8 Sender address rejected\n"
			  "< 503 5.5.1 MAIL first\n< 503 5.5.1 RCPT first\n" },
		{ "rcpt-refused", HELLO "> MAIL FROM:<a@example.com>\n"
					"> RCPT TO:<b@example.com>\n> DATA\n"
					"< 250 ok\n< 550 no\n"
					"< 554 5.5.1 no valid recipients\n" },
		{ "data-refused",
		    HELLO "> MAIL FROM:<a@example.com>\n"
			  "> RCPT TO:<b@example.com>\n"
			  "> RCPT TO:<c@example.com>\n> DATA\n"
			  "< 250 ok\n< 550-no\n< 550 such\n< 250 ok\n"
			  "< 354 go\n> .\n< 554 no\n> QUIT\n< 221 bye\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pipelined) / sizeof(*pipelined); i++)
		assert_string_equal(hint_of(&pipelined[i])->name,
		    pipelined[i].name);
}

#define TEST(name) cmocka_unit_test(name)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_servers_say_gets_its_hint),
		TEST(every_row_is_reached_and_reads_well),
		TEST(what_went_well_gets_none),
		TEST(a_number_is_matched_as_a_whole),
		TEST(a_redirect_names_where_it_leads),
		TEST(what_follows_from_a_refusal_does_not_hide_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
