#ifndef BF_MESSAGE_H
#define BF_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/buf.h>
#include <belfry/verdict.h>

#include "core/event/event_private.h"
#include "core/event/id.h"
#include "core/wire/attempt.h"

/*
 * What belfry's processes say to one another, and how it is written. A message
 * goes in a frame: a 32-bit length of what follows, a byte that names the
 * kind, the fields. Every decoder treats its peer as hostile.
 */

#define BF_WIRE_VERSION 3
#define BF_FRAME_MAX (64u << 20) /* bytes; a longer frame ends the link */

enum bf_message_kind {
	/* intake -> scheduler */
	BF_MSG_INTAKE_HELLO = 1,
	BF_MSG_EVENT,
	BF_MSG_COMMAND,
	BF_MSG_WATCH,
	/* scheduler -> intake */
	BF_MSG_WELCOME,
	BF_MSG_ACCEPTED,
	BF_MSG_REPLY,
	BF_MSG_NOTICE,
	BF_MSG_FLUSH,
	/* worker -> scheduler */
	BF_MSG_WORKER_HELLO,
	BF_MSG_OUTCOME,
	BF_MSG_DRAINING,
	/* scheduler -> worker */
	BF_MSG_CHANNEL,
	BF_MSG_FORGET,
	BF_MSG_DELIVER,
	BF_MSG_CHECK,
	/* worker -> scheduler */
	BF_MSG_CHECKED,
};

/* The first message of an intake. slot is the one in the ids it makes. */
struct bf_msg_intake_hello {
	uint32_t version;
	uint32_t slot;
	int64_t pid;
};

/* An event to accept. The intake keeps it until the answer came, and sends it
 * again, marked as resent, to a scheduler that took the place of a dead one. */
struct bf_msg_event {
	uint64_t token;         /* the intake's own: comes back in the answer */
	struct bf_event *event; /* one reference */
	char *key;              /* idempotency key, or NULL */
	unsigned char digest[32];
	bool resent;
};

/* Something to be done or told by the scheduler: a verb and its arguments as
 * a JSON object. The verbs stand in core/process/command.h. */
struct bf_msg_command {
	uint64_t token;
	char *verb;
	char *tenant; /* whom the caller may act for; NULL: any */
	char *arguments;
	char *actor;     /* who asks: "token NAME", "user NAME", "uid N" */
	char *address;   /* from where: an IP address, or "unix" */
};

/* Whether the intake wants notices. */
struct bf_msg_watch {
	bool on;
};

/* The answer to the hello: ids are to be above floor. */
struct bf_msg_welcome {
	uint32_t version;
	uint64_t floor;
	char *default_tenant;
	char *state_dir; /* of the store, for readers */
};

enum bf_accept {
	BF_ACCEPTED,        /* on stable storage, just now or before */
	BF_ACCEPT_CONFLICT, /* the key was used with another body */
	BF_ACCEPT_PROGRESS, /* the first with this key is in progress */
	BF_ACCEPT_REFUSED,  /* the store can't take it now: reason says why */
	/* The tenant: too many events a second, too much stored, or unknown. */
	BF_ACCEPT_RATE,
	BF_ACCEPT_FULL,
	BF_ACCEPT_TENANT,
};

struct bf_accepted_delivery {
	uint32_t channel;
	char *name;
};

struct bf_msg_accepted {
	uint64_t token;
	enum bf_accept result;
	uint64_t event; /* id: of the first one, for a repeat */
	char *reason;   /* why no deliveries, or why refused; or NULL */
	struct bf_duration wait; /* with BF_ACCEPT_RATE: until one is taken */
	struct bf_accepted_delivery *deliveries;
	size_t count;
};

/* The answer to a command: an HTTP status and a JSON document. */
struct bf_msg_reply {
	uint64_t token;
	uint32_t status;
	char *body;
};

/* A delivery changed: the JSON object that `deliveries --follow` prints. */
struct bf_msg_notice {
	char *tenant;
	char *body;
};

/* What a worker may be given: group is the module that it runs alone, or "".
 * credit: how many deliveries it can have in hand. */
struct bf_msg_worker_hello {
	uint32_t version;
	int64_t pid;
	char *group;
	uint32_t credit;
};

struct bf_msg_outcome {
	struct bf_delivery_id id;
	uint32_t tries;            /* as in the deliver message */
	bool test;                 /* answers a test */
	struct bf_attempt attempt; /* owns its texts */
	enum bf_outcome outcome;
	struct bf_duration wait; /* that the server asked for */
	bool stop_channel;
	struct bf_duration not_before; /* a pause of the scope, if > 0 */
	enum bf_pause_scope scope;
	bool alarm;
	char *transcript; /* of a test, as JSON; else NULL */
};

/* The settings of a channel, before its first delivery: the bytes of
 * bf_channel_encode. */
struct bf_msg_channel {
	char *bytes;
	size_t size;
};

struct bf_msg_forget {
	uint32_t channel;
};

struct bf_msg_deliver {
	struct bf_delivery_id id;
	uint32_t tries;         /* attempts that count, before this one */
	uint32_t attempt;       /* number of this attempt, from 1 */
	bool test;              /* keep a transcript */
	struct bf_event *event; /* one reference; category, severity set */
	struct bf_recipients settled; /* by the attempts before; owned */
};

/* Settings that a module is to check as a whole: the bytes of
 * bf_channel_encode. */
struct bf_msg_check {
	uint64_t token; /* comes back in the answer */
	char *bytes;
	size_t size;
};

struct bf_msg_checked {
	uint64_t token;
	char *why; /* what is wrong with them; NULL: nothing */
};

struct bf_message {
	enum bf_message_kind kind;
	union {
		struct bf_msg_intake_hello intake_hello;
		struct bf_msg_event event;
		struct bf_msg_command command;
		struct bf_msg_watch watch;
		struct bf_msg_welcome welcome;
		struct bf_msg_accepted accepted;
		struct bf_msg_reply reply;
		struct bf_msg_notice notice;
		struct bf_msg_worker_hello worker_hello;
		struct bf_msg_outcome outcome;
		struct bf_msg_channel channel;
		struct bf_msg_forget forget;
		struct bf_msg_deliver deliver;
		struct bf_msg_check check;
		struct bf_msg_checked checked;
	};
};

/* Appends the message as a frame. Borrows what it holds. */
void bf_message_encode(const struct bf_message *message, struct bf_buf *out);

/*
 * Reads the inside of a frame (kind and fields, without the length). Returns
 * 0, and the message owns new memory; or -1 when it is not one.
 */
int bf_message_decode(const char *bytes, size_t size,
    struct bf_message *message);

/* Frees what a decoded message owns. */
void bf_message_clear(struct bf_message *message);

#endif
