#ifndef BF_SMTP_SESSION_PRIVATE_H
#define BF_SMTP_SESSION_PRIVATE_H

#include <sys/queue.h>

#include "core/transport/smtp_private.h"

/*
 * A session with a mail server: what its files share.
 *
 *   smtp_open.c     made with libcurl, until mails can be sent
 *   smtp_session.c  what is said in it, until its end
 *   smtp_pool.c     those that are open, and which one a request gets
 */

#define SESSION_KEY_SIZE 32
#define SESSION_REPLY_MOST (32 << 10) /* bytes; or of all up to ready */

enum session_state {
	SESSION_OPENING,
	SESSION_IN_USE,
	SESSION_IDLE,
	SESSION_QUITTING,
	SESSION_CLOSED, /* to be freed when nobody is at work with it */
};

struct smtp_session {
	struct easy easy; /* first: libcurl's callbacks get it */
	struct smtp_sessions *sessions;
	unsigned char key[SESSION_KEY_SIZE]; /* shared by requests with it */
	CURLM *multi;
	struct sockets *sockets;
	enum session_state state;
	CURLcode code; /* of opening it */
	bool working;  /* in its own callbacks */
	bool wants_login;
	bool open;   /* a transaction is */
	bool broken; /* for sending */
	bool early;  /* the server answered before it was asked */
	unsigned mails;
	struct bf_smtp_features features;
	struct bf_smtp_reply reply;
	size_t reply_bytes;
	struct bf_buf in, out;
	size_t taken; /* of in */
	size_t sent;  /* of out */
	struct event *readable, *writable, *timer;
	const char *doing;
	int64_t limit_ms;    /* of what is waited for */
	int64_t deadline_ms; /* of the attempt; monotonic */
	const struct smtp_handler *handler;
	void *context;
	TAILQ_ENTRY(smtp_session) entry;
};

TAILQ_HEAD(session_list, smtp_session);

struct smtp_sessions {
	struct bf_transport *transport;
	CURLSH *share; /* addresses and TLS sessions, which multis keep */
	struct session_list all;
};

/* ---- smtp_open.c ---- */
/* Begins to open a session, and puts it into the list. token: for XOAUTH2 and
 * OAUTHBEARER, or empty; borrowed for the call. */
struct smtp_session *bf_smtp_session_new(struct smtp_sessions *sessions,
    const struct bf_request *request,
    const struct bf_transport_options *options, const struct bf_buf *token,
    struct transcript *transcript);

/* ---- smtp_session.c ---- */
/* Tells its user, if it has one, that it is no more, and closes it. */
void bf_smtp_session_lose(struct smtp_session *session, const char *why);
/* Frees it, now or when its callback returns. */
void bf_smtp_session_close(struct smtp_session *session);
void bf_smtp_session_destroy(struct smtp_session *session);
/* Sets the timer, to the attempt's deadline at the latest. */
void bf_smtp_session_arm(struct smtp_session *session, int64_t ms);
/* The callbacks of its events. */
void bf_smtp_session_readable(evutil_socket_t fd, short what, void *context);
void bf_smtp_session_writable(evutil_socket_t fd, short what, void *context);
void bf_smtp_session_timer(evutil_socket_t fd, short what, void *context);

#endif
