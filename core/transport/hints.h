#ifndef BF_HINTS_H
#define BF_HINTS_H

#include <stddef.h>

/*
 * What an attempt that failed most likely suffers from and what to do about
 * it, for people who run no servers of their own: looked up in tables by what
 * is known of the attempt. The manual's page of symptoms is made from the same
 * tables.
 */

enum bf_protocol {
	BF_PROTOCOL_ANY, /* in a row only */
	BF_PROTOCOL_HTTP,
	BF_PROTOCOL_SMTP,
};

/* How far an attempt got: what it was doing when it failed. */
enum bf_stage {
	BF_STAGE_ANY, /* in a row only */
	BF_STAGE_RESOLVE,
	BF_STAGE_CONNECT,
	BF_STAGE_PROXY, /* asking a proxy for the way */
	BF_STAGE_TLS,
	BF_STAGE_ANSWER, /* HTTP: the request, and the answer to it */
	/* SMTP: up to the reply to that command (RFC 5321) */
	BF_STAGE_GREETING,
	BF_STAGE_EHLO,
	BF_STAGE_STARTTLS,
	BF_STAGE_AUTH,
	BF_STAGE_MAIL,
	BF_STAGE_RCPT,
	BF_STAGE_DATA, /* and the message behind it, up to the final dot */
};

/* What else was seen; bits. */
enum bf_sign {
	BF_SIGN_PLAIN = 1,        /* the URL begins with http: */
	BF_SIGN_PROXIED = 2,      /* it was to go by a proxy */
	BF_SIGN_HTML = 4,         /* the answer is a web page */
	BF_SIGN_SKEWED = 8,       /* the server's Date is minutes off ours */
	BF_SIGN_SLOW_LOOKUP = 16, /* longer than a name server's time-out */
	BF_SIGN_PORT_25 = 32,
	BF_SIGN_PORT_465 = 64,
};

/* What is known of an attempt. Any text may be NULL. */
struct bf_symptom {
	enum bf_protocol protocol;
	enum bf_stage stage;
	int code;             /* HTTP status, or SMTP reply; 0: none came */
	unsigned signs;       /* bits of enum bf_sign */
	const char *error;    /* why there is no answer */
	const char *detail;   /* the same in the words of libcurl or OpenSSL */
	const char *text;     /* of the SMTP reply; beginning of an HTTP body */
	const char *location; /* host that a redirect leads to */
};

struct bf_hint {
	const char *name;  /* of the row, for programs: it stays */
	const char *cause; /* a sentence; {location} stands for that */
	const char *fix;   /* a sentence or two */
};

/* The first row that fits, or NULL: then there is nothing to say. */
const struct bf_hint *bf_hint_find(const struct bf_symptom *symptom);

/* The cause with its {location} filled in; new memory. */
char *bf_hint_cause(const struct bf_hint *hint,
    const struct bf_symptom *symptom);

/* Every hint, in order, for the manual and the tests; NULL behind the last.
 * *protocol: what the row is for. */
const struct bf_hint *bf_hint_at(size_t index, enum bf_protocol *protocol);

#endif
