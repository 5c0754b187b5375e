#ifndef BF_SMTP_PRIVATE_H
#define BF_SMTP_PRIVATE_H

#include "core/transport/smtp_reply.h"
#include "core/transport/transport_private.h"

/*
 * A session with a mail server (RFC 5321, section 3). libcurl makes it: it
 * connects, greets, secures and logs in, and hands over the connection, on
 * which mails are then sent one after the other.
 */
struct smtp_session;

/* Sessions that are open, and those of them that wait for another mail. */
struct smtp_sessions;

struct smtp_sessions *bf_smtp_sessions_new(struct bf_transport *transport);
void bf_smtp_sessions_free(struct smtp_sessions **sessions);

/* What a session tells its user; each from the loop. */
struct smtp_handler {
	/* It can be used. */
	void (*ready)(void *context);
	/* A whole reply. */
	void (*replied)(void *context, const struct bf_smtp_reply *reply);
	/* It did not come about (code and reply: the server's last, or 0 and
	 * ""), or it broke. It closes after the call. */
	void (*lost)(void *context, const char *why,
	    const struct bf_smtp_reply *reply);
};

/*
 * Takes a session that suits the request: one that waits (*reused: it can be
 * used at once), or a new one. Borrows request until ready or lost. NULL: the
 * token can't be read.
 */
struct smtp_session *bf_smtp_session_take(struct smtp_sessions *sessions,
    const struct bf_request *request,
    const struct bf_transport_options *options, struct transcript *transcript,
    const struct smtp_handler *handler, void *context, bool *reused,
    struct bf_error *err);

/*
 * Sends what was put into bf_smtp_session_out, and waits for a reply no longer
 * than limit.
 *
 * doing  what is waited for, should it not come: "the reply to MAIL"; borrowed
 *        until the next one
 */
void bf_smtp_session_send(struct smtp_session *session, const char *doing,
    struct bf_duration limit);

/* Waits for another reply to what was sent. */
void bf_smtp_session_wait(struct smtp_session *session, const char *doing,
    struct bf_duration limit);

/* Where to put what is to be sent. */
struct bf_buf *bf_smtp_session_out(struct smtp_session *session);

const struct bf_smtp_features *bf_smtp_session_features(
    const struct smtp_session *session);
const struct easy *bf_smtp_session_easy(const struct smtp_session *session);
/* How libcurl ended opening it. */
CURLcode bf_smtp_session_code(const struct smtp_session *session);

/* Whether a transaction was begun and not completed: RSET comes first. */
bool bf_smtp_session_open(const struct smtp_session *session);
void bf_smtp_session_set_open(struct smtp_session *session, bool open);

/* Gives the session back; it waits for another mail if keep, else says QUIT.
 * Neither is waited for. */
void bf_smtp_session_release(struct smtp_session *session, bool keep);

#endif
