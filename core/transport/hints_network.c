/*
 * hints_network.c - what goes wrong on the way to a server, whatever it speaks
 *
 * The marks are belfry's own reasons (reason.c) or words of libcurl 7.88 and
 * OpenSSL 3.0.
 */
#include "core/transport/hints_private.h"

const struct hint_row bf_hints_network[] = {
	/* ---- the address ---- */
	{ .stage = BF_STAGE_RESOLVE,
	    .marks =
		"could not resolve proxy|the proxy's address was not found",
	    .hint = { "proxy-unknown",
		"The proxy's name is not known to the name server.",
		"Check the name in `proxy`." } },
	{ .stage = BF_STAGE_RESOLVE,
	    .marks = "timed out",
	    .hint = { "name-server-silent",
		"The name server did not answer in time, so the host's "
		"address could not be looked up.",
		"Check the name servers in /etc/resolv.conf and that this "
		"machine reaches them (`getent hosts NAME` must answer at "
		"once)." } },
	{ .stage = BF_STAGE_RESOLVE,
	    .signs = BF_SIGN_SLOW_LOOKUP,
	    .hint = { "name-server-slow",
		"The host's address was not found, and the search took so "
		"long that the name server has probably not answered.",
		"Check the name servers in /etc/resolv.conf and that this "
		"machine reaches them (`getent hosts NAME` must answer at "
		"once)." } },
	{ .stage = BF_STAGE_RESOLVE,
	    .hint = { "name-unknown",
		"The host's name is not known to the name server.",
		"Look for a misspelling in the host's name. If it is right, "
		"`getent hosts NAME` on this machine shows whether its name "
		"server knows it: internal names often need another one." } },

	/* ---- the connection ---- */
	{ .stage = BF_STAGE_CONNECT,
	    .marks = "belfry's own intake",
	    .hint = { "own-intake",
		"The address is belfry's own: what is sent there would come "
		"back as a new event without end.",
		"Write the address of the receiver, not that of belfry." } },
	{ .stage = BF_STAGE_CONNECT,
	    .marks = "channels made over the API may",
	    .hint = { "egress-closed",
		"The channel was made over the API, and belfry keeps such "
		"ones from that address or port.",
		"Use a public address and a usual port, or ask the operator to "
		"open it with `allow_private` or `allow_ports` in the block "
		"`egress` of the conf file." } },
	{ .stage = BF_STAGE_CONNECT,
	    .marks =
		"bind failed|couldn't bind|cannot assign requested address",
	    .hint = { "bind-address",
		"This machine does not have the address that connections are "
		"to be made from.",
		"Write an address or interface of this machine in "
		"`bind_address` (`ip addr` lists them), or leave it out." } },
	{ .stage = BF_STAGE_CONNECT,
	    .marks = "cannot connect to the proxy",
	    .hint = { "proxy-unreachable",
		"The proxy does not take the connection.",
		"Check host and port in `proxy`, and that the proxy runs." } },
	{ .stage = BF_STAGE_CONNECT,
	    .marks = "connection refused",
	    .hint = { "connection-refused",
		"The machine is there, but nothing listens on that port, or "
		"a firewall says no.",
		"Check the port, and that the service runs and listens on "
		"that address and not on its own 127.0.0.1 only." } },
	{ .stage = BF_STAGE_CONNECT,
	    .marks =
		"no route to host|network is unreachable|host is unreachable",
	    .hint = { "no-route", "This machine has no way to that address.",
		"Check this machine's network and default route. If the "
		"address has colons (IPv6) and this machine has IPv4 only, "
		"use a name that has an IPv4 address." } },
	{ .protocol = BF_PROTOCOL_SMTP,
	    .stage = BF_STAGE_CONNECT,
	    .signs = BF_SIGN_PORT_25,
	    .marks = "timed out",
	    .hint = { "port-25-blocked",
		"Nothing answered on port 25: most cloud and home networks "
		"block it.",
		"Use port 587 of your mail provider with username and "
		"password, or ask who runs the network to open port 25." } },
	{ .stage = BF_STAGE_CONNECT,
	    .marks = "timed out",
	    .hint = { "connect-time-out",
		"Nothing answered at that address: a firewall drops the "
		"packets, or the machine is off.",
		"Check address and port, and the firewalls between this "
		"machine and the server." } },

	/* ---- a proxy ---- */
	{ .least = 407,
	    .most = 407,
	    .hint = { "proxy-credentials",
		"The proxy wants a user name and a password.",
		"Write them in `proxy`: http://USER:PASSWORD@HOST:PORT." } },
	{ .stage = BF_STAGE_PROXY,
	    .hint = { "proxy-refused",
		"The proxy answered in place of the server: it does not let "
		"this connection through, or can't make it.",
		"Ask who runs the proxy to allow that host and port, or "
		"leave `proxy` out if the server can be reached without." } },

	/* ---- TLS ---- */
	{ .protocol = BF_PROTOCOL_HTTP,
	    .stage = BF_STAGE_TLS,
	    .marks =
		"does not speak TLS|wrong version number|packet length too "
		"long|http request",
	    .hint = { "https-to-plain-port",
		"The URL begins with https:, but that port speaks plain HTTP.",
		"Write http: if the receiver has no TLS, or the port on "
		"which it has (443 as a rule)." } },
	{ .protocol = BF_PROTOCOL_SMTP,
	    .stage = BF_STAGE_TLS,
	    .marks =
		"does not speak TLS|wrong version number|packet length too "
		"long",
	    .hint = { "implicit-tls-to-starttls-port",
		"belfry began with TLS, but that port begins in plain text "
		"and goes over to TLS by STARTTLS.",
		"With port 587 or 25 write `tls on` or leave it out; `tls "
		"implicit` belongs to port 465." } },
	{ .stage = BF_STAGE_TLS,
	    .marks = "certificate has expired",
	    .hint = { "certificate-expired",
		"The server's certificate has expired, or the clock of this "
		"machine is wrong.",
		"Have the certificate renewed by whoever runs the server; "
		"compare the expiry above with `date`." } },
	{ .stage = BF_STAGE_TLS,
	    .marks = "certificate is not yet valid",
	    .hint = { "certificate-not-yet-valid",
		"The server's certificate is valid only from a later time on: "
		"most likely the clock of this machine is behind.",
		"Compare the certificate's dates above with `date`, and set "
		"the clock (`timedatectl set-ntp true`)." } },
	{ .stage = BF_STAGE_TLS,
	    .marks =
		"certificate is for another host|does not match target host|"
		"no alternative certificate subject name|hostname mismatch|"
		"IP address mismatch",
	    .hint = { "certificate-name",
		"The server's certificate is for another host name.",
		"Use one of the names that the certificate lists (see above) "
		"as the host, or have a certificate made for this one." } },
	{ .stage = BF_STAGE_TLS,
	    .marks = "self-signed certificate in certificate chain",
	    .hint = { "certificate-authority",
		"The server's certificate is signed by an authority that "
		"this machine does not know: one of your company, or a "
		"firewall that reads along.",
		"Get the authority's certificate as a PEM file and name it "
		"in `ca_file`." } },
	{ .stage = BF_STAGE_TLS,
	    .marks = "self-signed|self signed",
	    .hint = { "certificate-self-signed",
		"The server's certificate is signed by nobody but itself.",
		"If it is your server, name its certificate (PEM) in "
		"`ca_file`; else have it get a certificate of a public "
		"authority." } },
	{ .stage = BF_STAGE_TLS,
	    .marks =
		"signed by nobody that is trusted|unable to get local issuer|"
		"unable to get issuer|unable to verify the first",
	    .hint = { "certificate-unknown-authority",
		"The server's certificate is signed by an authority that "
		"this machine does not know, or the server does not send the "
		"certificates in between.",
		"For an authority of your own, name its certificate (PEM) in "
		"`ca_file`. For a public one, the server must send its whole "
		"chain, and the package ca-certificates be up to date." } },
	{ .stage = BF_STAGE_TLS,
	    .marks = "does not take the client certificate|does not know who "
		     "signed the client certificate|alert certificate expired|"
		     "alert certificate revoked",
	    .hint = { "client-certificate-refused",
		"The server does not take the client certificate that belfry "
		"shows.",
		"Check that `client_certificate` is the one that the server "
		"expects and has not expired." } },
	{ .stage = BF_STAGE_TLS,
	    .marks = "client certificate|certificate required",
	    .hint = { "client-certificate-required",
		"The server wants belfry to show a certificate of its own.",
		"Get one from whoever runs the server, and name it in "
		"`client_certificate` and its key in `client_key`." } },
	{ .stage = BF_STAGE_TLS,
	    .marks =
		"error setting certificate|could not load PEM|unable to set "
		"private key|could not load client certificate|unable to "
		"use client certificate|key values mismatch",
	    .hint = { "certificate-file",
		"A certificate or key file can't be used.",
		"`ca_file`, `client_certificate` and `client_key` must be PEM "
		"files that the user of belfry may read, and the key must "
		"belong to the certificate." } },
	{ .stage = BF_STAGE_TLS,
	    .marks =
		"protocol version|unsupported protocol|handshake failure|no "
		"shared cipher|key too small|legacy|too weak|no "
		"suitable",
	    .hint = { "tls-too-old",
		"The server and belfry have no version or cipher of TLS in "
		"common: the server's is too old, as a rule.",
		"Have the server offer TLS 1.2 or newer with usual ciphers and "
		"a key of at least 2048 bits." } },
	{ .stage = BF_STAGE_TLS,
	    .marks = "timed out",
	    .hint = { "tls-time-out",
		"The server took the connection, but does not answer in TLS: "
		"that port may speak no TLS, or the server is overloaded.",
		"Check the port, and whether the server is well." } },
	{ .stage = BF_STAGE_TLS,
	    .hint = { "tls-failed",
		"The TLS connection broke while it was made: that port may "
		"speak no TLS, or something in between cut it.",
		"Check the port; `openssl s_client -connect HOST:PORT` shows "
		"what the server says." } },
	{ 0 },
};
