/*
 * hints_http.c - what HTTP servers answer, and what it means for a webhook
 *
 * Meanings of the statuses: RFC 9110, section 15; RFC 6585. Texts of nginx,
 * Apache, Go and Node for plain HTTP on their TLS ports; error names of
 * Slack's incoming webhooks and JSON error codes of Discord as their own
 * documentation lists them.
 */
#include "core/transport/hints_private.h"

#define HTTP .protocol = BF_PROTOCOL_HTTP

const struct hint_row bf_hints_http[] = {
	/* ---- without an answer ---- */
	{ HTTP, .stage = BF_STAGE_ANSWER, .signs = BF_SIGN_PLAIN,
	    .marks = "does not speak HTTP|closed the connection without|broke "
		     "before the answer",
	    .hint = { "plain-to-https-port",
		"The URL begins with http:, and what answers there speaks no "
		"plain HTTP: it may expect TLS.",
		"Try https: in `url`, or another port." } },
	{ HTTP, .least = 400, .most = 499,
	    .marks =
		"plain HTTP request was sent to HTTPS port|HTTP request to "
		"an HTTPS server|speaking plain HTTP to an SSL",
	    .hint = { "plain-to-https-port-said",
		"The URL begins with http:, but that port expects TLS.",
		"Write https: in `url`." } },
	{ HTTP, .least = 400, .most = 496,
	    .marks = "no required SSL certificate|SSL certificate error|client "
		     "certificate",
	    .hint = { "client-certificate-asked",
		"The server wants belfry to show a certificate of its own, or "
		"does not take the one that it shows.",
		"Get one from whoever runs the server, and name it in "
		"`client_certificate` and its key in `client_key`." } },
	{ HTTP, .stage = BF_STAGE_ANSWER, .marks = "timed out",
	    .hint = { "answer-time-out",
		"The server took the request, but did not answer in time.",
		"Let the receiver answer first and work afterwards, or raise "
		"`timeout`." } },
	{ HTTP, .marks = "larger than belfry reads",
	    .hint = { "answer-too-large",
		"The answer is larger than any receiver's should be: "
		"something else is there.",
		"Check host, port and path in `url`." } },
	{ HTTP, .marks = "HTTP/2",
	    .hint = { "http2-broken",
		"The server, or a proxy before it, offers HTTP/2 and breaks "
		"off when it is used.",
		"Take `http2 on` out." } },
	{ HTTP, .stage = BF_STAGE_ANSWER,
	    .marks = "does not speak HTTP|which HTTP does not know",
	    .hint = { "not-http", "What answers there is no web server.",
		"Check host and port in `url`." } },
	{ HTTP, .stage = BF_STAGE_ANSWER,
	    .marks =
		"closed the connection|connection broke|ended early|encoding "
		"is broken",
	    .hint = { "answer-broken",
		"The server, or a proxy before it, broke the connection off "
		"in place of an answer.",
		"Look into the receiver's own log: it has probably crashed, "
		"or refuses the request by closing." } },

	/* ---- something else answers ---- */
	{ HTTP, .least = 511, .most = 511,
	    .hint = { "captive-portal",
		"This network wants a login before it lets anything through.",
		"Log this machine in to the network, or take another one." } },
	{ HTTP, .least = 200, .most = 299, .signs = BF_SIGN_HTML,
	    .hint = { "web-page",
		"A web page answered, which a receiver of webhooks does not "
		"send: perhaps a login page, a proxy's or a parked domain.",
		"Check `url`: it must be the address that the receiver gives "
		"for webhooks, not that of its pages." } },
	{ HTTP, .least = 300, .most = 399,
	    .hint = { "redirect",
		"The address has moved to {location}, and belfry does not "
		"follow redirects: they could lead a notification anywhere.",
		"If you know the new address to be right, write it in `url` "
		"as it stands (https:, slash at the end, www. and all). A "
		"login page means that the address is not one for "
		"webhooks." } },

	/* ---- platforms ---- */
	{ HTTP, .least = 400, .most = 499,
	    .marks = "no_service|no_active_hooks|invalid_token|no_team|"
		     "team_disabled",
	    .hint = { "slack-webhook-gone",
		"Slack does not know this webhook, or it was revoked.",
		"Make a new incoming webhook in Slack and write its URL in "
		"`url`." } },
	{ HTTP, .least = 400, .most = 499,
	    .marks = "channel_is_archived|channel_not_found|action_prohibited|"
		     "posting_to_general_channel_denied",
	    .hint = { "slack-channel",
		"Slack does not let this webhook write in its channel: it was "
		"archived or removed, or an administrator forbids it.",
		"Make a webhook for another channel, or ask the "
		"administrator." } },
	{ HTTP, .least = 400, .most = 499,
	    .marks = "unknown webhook|invalid webhook token|\"code\": 10015|"
		     "\"code\":10015|\"code\": 50027|\"code\":50027",
	    .hint = { "discord-webhook-gone",
		"Discord does not know this webhook: it was deleted, or the "
		"URL is not whole.",
		"Copy the webhook's URL anew from the channel's settings in "
		"Discord (Integrations, Webhooks) into `url`." } },

	/* ---- clocks and signatures ---- */
	{ HTTP, .least = 400, .most = 403, .signs = BF_SIGN_SKEWED,
	    .hint = { "clock-skew",
		"The clocks of this machine and of the receiver are more than "
		"five minutes apart, so it takes a signature for an old one.",
		"Compare the Date above with `date -u`, and set the clock "
		"that is wrong (`timedatectl set-ntp true`)." } },
	{ HTTP, .least = 400, .most = 403,
	    .marks =
		"timestamp too|timestamp is too|message timestamp|timestamp "
		"expired|tolerance|clock skew|request too old|too far in "
		"the",
	    .hint = { "timestamp-refused",
		"The receiver takes the time of the signature for too old or "
		"too new.",
		"Set the clocks of this machine and of the receiver "
		"(`timedatectl set-ntp true`)." } },
	{ HTTP, .least = 400, .most = 403, .marks = "signature|hmac",
	    .hint = { "signature-refused",
		"The receiver does not take the signature: the secrets "
		"differ, or it does not use the raw bytes of the body.",
		"Write the same `secret` on both sides and look for a space "
		"or line end too many; the page Verifying signatures of the "
		"manual says what to check." } },

	/* ---- statuses ---- */
	{ HTTP, .least = 403, .most = 403,
	    .marks = "cloudflare|you have been blocked|access denied|attention "
		     "required|web application firewall|ip address",
	    .hint = { "firewall-refused",
		"A firewall in front of the receiver refuses requests from "
		"this machine.",
		"Ask who runs the receiver to let this machine's address, or "
		"the path, through." } },
	{ HTTP, .least = 401, .most = 401,
	    .hint = { "http-401",
		"The receiver wants credentials, or does not take those that "
		"it gets.",
		"Check `bearer`, or `username` and `password`; for a receiver "
		"that checks signatures, `secret`." } },
	{ HTTP, .least = 403, .most = 403,
	    .hint = { "http-403",
		"The receiver knows who asks and does not allow it, or does "
		"not take the signature.",
		"Check the rights of the token or user on the receiver's "
		"side, and `secret`." } },
	{ HTTP, .least = 404, .most = 404,
	    .hint = { "http-404",
		"The server is there, but has nothing at this path.",
		"Compare the path in `url` with what the receiver says, to "
		"the last slash." } },
	{ HTTP, .least = 405, .most = 405,
	    .hint = { "http-405",
		"The server has something at this path, but takes no POST "
		"there.",
		"Check the path in `url`, or set `method` to what the "
		"receiver expects." } },
	{ HTTP, .least = 408, .most = 408,
	    .hint = { "http-408", "The server got the request too slowly.",
		"Look at the network between this machine and the server." } },
	{ HTTP, .least = 410, .most = 410,
	    .hint = { "http-410",
		"The receiver says that this webhook is gone for good.",
		"Make a new one on the receiver's side and write its address "
		"in `url`, or remove the channel." } },
	{ HTTP, .least = 413, .most = 413,
	    .hint = { "http-413",
		"The notification is larger than the receiver takes.",
		"Raise the limit on the receiver's side (nginx: "
		"client_max_body_size), or send less in the event." } },
	{ HTTP, .least = 415, .most = 415,
	    .hint = { "http-415",
		"The receiver does not take JSON at this path.",
		"Check the path in `url`: it must be one that takes webhooks "
		"with Content-Type application/json." } },
	{ HTTP, .least = 400, .most = 400,
	    .hint = { "http-400",
		"The receiver does not understand the notification: it "
		"expects another form.",
		"Read what it answered. A platform with a form of its own "
		"(Slack, Discord, ...) needs the module made for it." } },
	{ HTTP, .least = 422, .most = 422,
	    .hint = { "http-422",
		"The receiver understands JSON, but expects other members in "
		"it.",
		"Read what it answered. A platform with a form of its own "
		"(Slack, Discord, ...) needs the module made for it." } },
	{ HTTP, .least = 426, .most = 426,
	    .hint = { "http-426",
		"The server wants another version of HTTP, or TLS.",
		"Try https: in `url`, or `http2 on`." } },
	{ HTTP, .least = 429, .most = 429,
	    .hint = { "http-429",
		"The receiver got more from here than it allows.",
		"Wait, and set `rate` and `concurrency` to what it allows; "
		"belfry waits by itself as long as Retry-After says." } },
	{ HTTP, .least = 400, .most = 499,
	    .hint = { "http-4xx", "The receiver refuses the request.",
		"Read what it answered, and check `url` and credentials." } },
	{ HTTP, .least = 502, .most = 502,
	    .hint = { "http-502",
		"A proxy in front of the receiver answers that the receiver "
		"itself is not running or gives broken answers.",
		"Start the receiver, and look into its log." } },
	{ HTTP, .least = 503, .most = 503,
	    .hint = { "http-503",
		"The receiver is overloaded, or down for maintenance.",
		"Wait; belfry tries again by itself. If it stays, look at the "
		"receiver." } },
	{ HTTP, .least = 504, .most = 504,
	    .hint = { "http-504",
		"A proxy in front of the receiver waited for it in vain.",
		"Let the receiver answer first and work afterwards; look "
		"whether it hangs." } },
	{ HTTP, .least = 500, .most = 599,
	    .hint = { "http-5xx", "The receiver has an error of its own.",
		"Look into the receiver's log at this time; belfry has done "
		"its part." } },
	{ 0 },
};
