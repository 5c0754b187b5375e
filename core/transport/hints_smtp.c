/*
 * hints_smtp.c - what mail servers reply, and what it means
 *
 * Replies: RFC 5321, section 4.2. Enhanced status codes: RFC 3463, 4954 (AUTH),
 * 7372 (SPF, DKIM, reverse DNS). Texts and codes of Gmail, Outlook and
 * Microsoft 365 as their own documentation lists them; of Postfix, Exim,
 * OpenSMTPD and Sendmail as they send them.
 *
 * What says the particular in its text stands first, then the enhanced codes,
 * then the bare reply at its stage.
 */
#include "core/transport/hints_private.h"

#define SMTP .protocol = BF_PROTOCOL_SMTP
#define REFUSED .least = 400, .most = 599 /* for now or for good */

const struct hint_row bf_hints_smtp[] = {
	/* ---- before there is a dialogue ---- */
	{ SMTP, .stage = BF_STAGE_GREETING, .signs = BF_SIGN_PORT_465,
	    .marks = "timed out|closed|broke|does not speak|weird",
	    .hint = { "starttls-to-implicit-tls-port",
		"Port 465 speaks TLS from the first byte on, and belfry "
		"began in plain text.",
		"Write `tls implicit`, or use port 587 with `tls on`." } },
	{ SMTP, .stage = BF_STAGE_GREETING,
	    .marks = "does not speak|weird|HTTP/1.",
	    .hint = { "not-smtp", "What answers there is no mail server.",
		"Check `host` and `port`." } },
	{ SMTP, .stage = BF_STAGE_GREETING, .marks = "timed out",
	    .hint = { "greeting-time-out",
		"The server took the connection, but did not greet: it is "
		"slow, keeps strangers waiting, or expects TLS from the first "
		"byte on.",
		"Raise `timeout`, or write `tls implicit` if the port is one "
		"for implicit TLS (465 as a rule)." } },
	{ SMTP, .marks = "longer than belfry reads",
	    .hint = { "greeting-too-long",
		"What answers there talks without end: it is no mail server.",
		"Check `host` and `port`." } },
	{ SMTP, .stage = BF_STAGE_GREETING,
	    .marks = "closed|broke|connection reset",
	    .hint = { "greeting-broken",
		"The server closed the connection in place of a greeting: it "
		"expects TLS from the first byte on, or does not talk to this "
		"machine.",
		"Write `tls implicit` if the port is one for implicit TLS "
		"(465 as a rule); else ask who runs the server." } },
	{ SMTP, .marks = "STARTTLS not supported|does not offer STARTTLS",
	    .hint = { "starttls-not-offered",
		"The server does not offer STARTTLS, and belfry sends neither "
		"password nor mail in plain text.",
		"Use the server's submission port (587, or 465 with `tls "
		"implicit`). If it has no TLS at all and stands on this "
		"machine or a network that you trust, write `tls off`." } },
	{ SMTP, .marks = "STARTTLS denied",
	    .hint = { "starttls-refused",
		"The server offers STARTTLS, but can't do it now: its "
		"certificate or key is broken, as a rule.",
		"Tell who runs the server; port 465 with `tls implicit` may "
		"work meanwhile." } },
	{ SMTP, .stage = BF_STAGE_STARTTLS, REFUSED,
	    .hint = { "starttls-failed",
		"The server offers STARTTLS, but refuses it.",
		"Tell who runs the server; port 465 with `tls implicit` may "
		"work meanwhile." } },
	{ SMTP, .stage = BF_STAGE_EHLO,
	    .marks = "login denied|offers no way to log in|"
		     "offers none of the ways to log in",
	    .hint = { "auth-not-offered",
		"The server offers no way to log in that belfry can use here.",
		"Use the submission port (587 or 465), which offers AUTH. If "
		"`auth` is set, leave it out or set one that the server "
		"lists in its answer to EHLO above." } },

	/* ---- who is allowed to send at all ---- */
	{ SMTP, REFUSED,
	    .marks = "must issue a STARTTLS|5.7.10|5.7.11|4.7.29|"
		     "5.7.29|encryption required",
	    .hint = { "tls-required", "The server takes this only over TLS.",
		"Write `tls on`, or leave it out." } },
	{ SMTP, .stage = BF_STAGE_AUTH, REFUSED,
	    .marks =
		"application-specific password|app password|web login "
		"required|badcredentials|username and password not accepted",
	    .hint = { "app-password",
		"The provider does not take the account's usual password from "
		"programs (Google, Yahoo, iCloud and others), or the password "
		"is wrong.",
		"Make an app password in the security settings of the "
		"account, which must have two-step verification on, and write "
		"it in `password`." } },
	{ SMTP, .stage = BF_STAGE_AUTH, REFUSED,
	    .marks = "5.7.139|SmtpClientAuthentication|basic authentication is "
		     "disabled|basic authentication has been disabled",
	    .hint = { "auth-disabled",
		"The mail organisation has switched off logging in by user "
		"name and password (Microsoft 365 does by default).",
		"An administrator can allow Authenticated SMTP for this "
		"mailbox, or use `auth xoauth2` with a token." } },
	{ SMTP, .stage = BF_STAGE_AUTH, REFUSED,
	    .marks = "too many|rate limit|temporarily locked|account locked",
	    .hint = { "auth-locked",
		"After too many logins that failed the server refuses more for "
		"a while.",
		"Mend `username` and `password`, wait some minutes, and test "
		"again." } },
	{ SMTP, .stage = BF_STAGE_AUTH, .least = 504, .most = 504,
	    .hint = { "auth-mechanism",
		"The server does not know the way to log in that is set.",
		"Leave `auth` out, or set one that the server lists in its "
		"answer to EHLO above." } },
	{ SMTP, .stage = BF_STAGE_AUTH, .least = 400, .most = 499,
	    .hint = { "auth-later", "The server can't check the password now.",
		"Wait; belfry tries again by itself. If it stays, tell who "
		"runs the server." } },
	{ SMTP, .stage = BF_STAGE_AUTH, .least = 500, .most = 599,
	    .hint = { "wrong-password",
		"The server does not take this user name and password.",
		"Check `username` (often the whole address) and `password`; "
		"one that is read by file: must not end in a space. Accounts "
		"with two-step verification need an app password." } },
	{ SMTP, .marks = "login denied|refused the login",
	    .hint = { "login-denied", "The server does not let belfry log in.",
		"Check `username` (often the whole address) and "
		"`password`." } },
	{ SMTP, REFUSED,
	    .marks = "5.7.57|authentication required|client was not "
		     "authenticated|authentication is required|"
		     "authenticate first|please log in",
	    .hint = { "auth-required",
		"The server takes mail only from users who have logged in.",
		"Write `username` and `password`." } },
	{ SMTP, .least = 530, .most = 530,
	    .hint = { "auth-required-530",
		"The server takes mail only from users who have logged in.",
		"Write `username` and `password`." } },

	/* ---- SPF, DKIM, DMARC, reverse DNS ---- */
	{ SMTP, REFUSED, .marks = "DMARC|5.7.509|5.7.515|4.7.32|5.7.32",
	    .hint = { "dmarc",
		"The receiver's provider refuses the mail because it does not "
		"pass the DMARC policy of the domain in `from`.",
		"Send by the mail server of that domain, or set up SPF for "
		"the server that sends and sign with `dkim` for the very "
		"domain in `from`." } },
	{ SMTP, REFUSED,
	    .marks = "5.7.26|4.7.26|unauthenticated email|mail is "
		     "unauthenticated|sender is unauthenticated",
	    .hint = { "unauthenticated-mail",
		"The receiver's provider wants proof of who sends: neither SPF "
		"nor DKIM passed for the domain in `from`.",
		"Publish an SPF record that names the sending server, or sign "
		"with `dkim`; or send by your provider's server (port 587) "
		"with a `from` of that account." } },
	{ SMTP, REFUSED,
	    .marks = "5.7.23|5.7.24|4.7.23|4.7.24|4.7.27|5.7.27|SPF",
	    .hint = { "spf",
		"The SPF record of the sender's domain does not allow the "
		"server that sends.",
		"Add the address of the sending server to the domain's SPF "
		"record (a TXT record in DNS), or send by the server that it "
		"names." } },
	{ SMTP, REFUSED,
	    .marks = "5.7.20|5.7.21|5.7.22|4.7.20|4.7.21|4.7.22|"
		     "4.7.30|5.7.30|DKIM",
	    .hint = { "dkim",
		"The receiver's provider wants a valid DKIM signature of the "
		"sender's domain.",
		"Set `dkim` and publish its key in DNS under "
		"SELECTOR._domainkey.DOMAIN; check that the published key is "
		"the one that signs." } },
	{ SMTP, REFUSED,
	    .marks = "5.7.25|4.7.25|PTR record|reverse DNS|rDNS|"
		     "reverse hostname|reverse lookup|no PTR",
	    .hint = { "reverse-dns",
		"The address that this mail comes from has no name in DNS "
		"that leads back to it (PTR record).",
		"Have whoever gave you the address set its reverse DNS, or "
		"send by your provider's server (port 587)." } },

	/* ---- reputation and rate ---- */
	{ SMTP, REFUSED,
	    .marks = "greylist|graylist|grey-list|gray-list|grey "
		     "list",
	    .hint = { "greylisted",
		"The server asks strangers to come back later (greylisting).",
		"Nothing to do: belfry tries again by itself, and the next "
		"mails pass at once." } },
	{ SMTP, REFUSED,
	    .marks = "spamhaus|barracuda|spamcop|sorbs|dnsbl|block "
		     "list|blocklist|blacklist|banned sending ip|"
		     "poor reputation|low reputation|5.7.708|"
		     "5.7.606|5.7.511|blocked using|is blocked",
	    .hint = { "blocklisted",
		"The address that this mail comes from is on a blocklist.",
		"Follow the link in the reply to have it taken off (after "
		"finding out why), or send by your provider's server (port "
		"587)." } },
	{ SMTP, REFUSED, .marks = "too many recipients|4.5.3|5.5.3",
	    .hint = { "too-many-recipients",
		"The server takes fewer recipients for one mail.",
		"Share the recipients in `to` among several channels, or name "
		"a mailing list." } },
	{ SMTP, REFUSED,
	    .marks = "rate limit|ratelimit|throttl|too many|4.7.28|"
		     "5.7.28|4.7.500|4.7.650|unusual rate|sending "
		     "limit|5.4.5|quota for sending|slow down",
	    .hint = { "rate-limited",
		"More mail came from here than the server allows.",
		"Wait, and set `rate` to what your provider allows; belfry "
		"tries again by itself." } },

	/* ---- the message ---- */
	{ SMTP, REFUSED,
	    .marks = "5.3.4|size exceeds|too large|too big|size "
		     "limit|maximum size",
	    .hint = { "message-too-big",
		"The message is larger than the server takes.",
		"Send less in the event's body, or have the limit raised." } },

	/* ---- recipients ---- */
	{ SMTP, REFUSED,
	    .marks = "5.2.2|4.2.2|mailbox full|mailbox is full|over "
		     "quota|quota exceeded|overquota|out of "
		     "storage",
	    .hint = { "mailbox-full", "The recipient's mailbox is full.",
		"Its owner must make room; or name another recipient in "
		"`to`." } },
	{ SMTP, REFUSED,
	    .marks = "4.3.1|insufficient system storage|insufficient "
		     "disk",
	    .hint = { "server-full", "The mail server itself has no room left.",
		"Tell who runs it; belfry tries again by itself." } },
	{ SMTP, REFUSED,
	    .marks = "relay access denied|relaying denied|relay not "
		     "permitted|unable to relay|not permitted to "
		     "relay|relaying not|do not relay|relay "
		     "denied|relaying is|relay prohibited|5.7.54",
	    .hint = { "relay-denied",
		"The server does not pass mail on to that domain for "
		"strangers: belfry has not logged in, or uses the wrong "
		"server.",
		"Write `username` and `password` of an account on this "
		"server, and use its submission port (587 or 465)." } },
	{ SMTP, REFUSED,
	    .marks = "5.7.60|SendAsDenied|not owned by user|not "
		     "allowed to send as|send as this sender|"
		     "5.7.501|5.7.502",
	    .hint = { "sender-not-yours",
		"The account that belfry logs in with may not send with this "
		"sender address.",
		"Write the account's own address in `from` (and "
		"`envelope_from`), or have it given the right to send as the "
		"other." } },
	{ SMTP, REFUSED,
	    .marks = "5.1.8|4.1.8|sender address rejected|sender "
		     "rejected|sender domain|sender verify|5.1.7|"
		     "5.1.9",
	    .hint = { "sender-refused",
		"The server does not take the sender address: its domain does "
		"not exist, or is not allowed there.",
		"Write an address in `from` whose domain exists in DNS and "
		"belongs to you." } },
	{ SMTP, .stage = BF_STAGE_RCPT, REFUSED,
	    .marks = "5.1.2|domain not found|host unknown|unrouteable|no such "
		     "domain|bad destination",
	    .hint = { "recipient-domain",
		"The domain of a recipient does not exist or takes no mail.",
		"Look for a misspelling behind the @ in `to`." } },
	{ SMTP, REFUSED,
	    .marks = "5.2.1|mailbox disabled|account disabled|account "
		     "inactive|mailbox is inactive|is disabled",
	    .hint = { "mailbox-disabled",
		"The recipient's mailbox exists, but is switched off.",
		"Name another recipient in `to`." } },
	{ SMTP, REFUSED,
	    .marks = "5.1.1|5.1.10|5.1.6|user unknown|unknown user|no "
		     "such user|no mailbox|recipient not found|"
		     "does not exist|invalid recipient",
	    .hint = { "mailbox-unknown", "The server knows no such mailbox.",
		"Look for a misspelling in `to`." } },
	{ SMTP, REFUSED,
	    .marks = "spam|unsolicited|content rejected|5.7.1 message "
		     "content|message content rejected|virus",
	    .hint = { "taken-for-spam", "The server takes the mail for spam.",
		"Set up SPF and `dkim` for the sender's domain, send by your "
		"provider's server, or have the receiver allow the "
		"sender." } },

	/* ---- the bare reply, by stage ---- */
	{ SMTP, .least = 421, .most = 421,
	    .hint = { "service-unavailable",
		"The server is busy or going down, and closed the "
		"connection.",
		"Wait; belfry tries again by itself." } },
	{ SMTP, .stage = BF_STAGE_GREETING, REFUSED,
	    .hint = { "greeting-refused",
		"The server does not talk to this machine.",
		"Its reply says why. Use your provider's server with port 587, "
		"or ask who runs this one." } },
	{ SMTP, .stage = BF_STAGE_EHLO, REFUSED,
	    .hint = { "ehlo-refused",
		"The server does not take the name that belfry greets with.",
		"Set `ehlo` to this machine's full host name, as DNS knows "
		"it." } },
	{ SMTP, .stage = BF_STAGE_MAIL, .least = 500, .most = 599,
	    .hint = { "mail-refused", "The server does not take the sender.",
		"Check `from` and `envelope_from`: an address of your own on "
		"this server is taken as a rule." } },
	{ SMTP, .stage = BF_STAGE_RCPT, .least = 500, .most = 599,
	    .hint = { "rcpt-refused", "The server does not take a recipient.",
		"Check the addresses in `to`; the reply above says which and "
		"why." } },
	{ SMTP, .stage = BF_STAGE_DATA, .least = 500, .most = 599,
	    .hint = { "data-refused",
		"The server refuses the message itself, by a rule of its own.",
		"Its reply says which; if that tells nothing, ask who runs the "
		"server, with the time and the Message-ID." } },
	{ SMTP, .least = 400, .most = 499,
	    .hint = { "refused-for-now", "The server refuses for now.",
		"Wait; belfry tries again by itself. If it stays, its reply "
		"says what is missing." } },

	/* ---- a dialogue that breaks ---- */
	{ SMTP, .stage = BF_STAGE_DATA, .marks = "timed out|closed|broke",
	    .hint = { "data-broken",
		"The connection ended before the server said whether it has "
		"taken the message: it may arrive all the same.",
		"Look into the mailbox. A filter on the server that takes "
		"minutes is a usual cause: raise `timeout`." } },
	{ SMTP, .marks = "timed out",
	    .hint = { "reply-time-out",
		"The server stopped answering in the middle.",
		"Raise `timeout`; if it stays, look at the server." } },
	{ SMTP, .marks = "closed|broke",
	    .hint = { "dialogue-broken",
		"The server closed the connection in the middle.",
		"Look into the server's log: it says why, as a rule." } },
	{ 0 },
};
