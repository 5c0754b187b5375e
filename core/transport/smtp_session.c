/*
 * smtp_session.c - what is said in a session with a mail server
 *
 * libcurl opened it, and stays the way in and out of its bytes, TLS included.
 */
#include "core/transport/smtp_session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_SIZE 4096
#define BLOCK_MS (3 * 60000) /* RFC 5321, 4.5.3.2.5: progress of sending */

/* ---- the end of a session ---- */

void
bf_smtp_session_destroy(struct smtp_session *session)
{
	TAILQ_REMOVE(&session->sessions->all, session, entry);
	if (session->readable)
		event_free(session->readable);
	if (session->writable)
		event_free(session->writable);
	event_free(session->timer);
	bf_easy_watch(&session->easy, NULL);
	curl_multi_remove_handle(session->multi, session->easy.curl);
	curl_easy_cleanup(session->easy.curl);
	curl_multi_cleanup(session->multi);
	bf_sockets_free(&session->sockets);
	bf_buf_free(&session->in);
	bf_buf_free(&session->out);
	free(session);
}

void
bf_smtp_session_close(struct smtp_session *session)
{
	session->state = SESSION_CLOSED;
	if (!session->working)
		bf_smtp_session_destroy(session);
}

void
bf_smtp_session_lose(struct smtp_session *session, const char *why)
{
	static const struct bf_smtp_reply none;
	const struct smtp_handler *handler = session->handler;
	const bool opening = session->state == SESSION_OPENING;

	session->handler = NULL;
	/* Its user may look at it, and release it. */
	session->state = SESSION_CLOSED;
	if (handler)
		handler->lost(session->context, why,
		    opening && session->reply.whole ? &session->reply : &none);
	bf_smtp_session_close(session);
}

/* ---- time ---- */

void
bf_smtp_session_arm(struct smtp_session *session, int64_t ms)
{
	const int64_t left = session->deadline_ms - bf_clock_monotonic_ms();

	if (session->handler && left < ms)
		ms = left > 0 ? left : 0;
	event_add(session->timer,
	    &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
}

void
bf_smtp_session_timer(evutil_socket_t fd, short what, void *context)
{
	struct smtp_session *session = context;
	char why[128];

	(void)fd;
	(void)what;
	if (session->state == SESSION_IDLE) {
		bf_smtp_session_release(session, false);
		return;
	}
	snprintf(why, sizeof(why), "timed out while waiting for %s",
	    session->out.size > 0 ? "the server to take the message"
	    : session->doing      ? session->doing
				  : "the server");
	bf_smtp_session_lose(session, why);
}

/* ---- what is sent ---- */

static void
flush(struct smtp_session *session)
{
	while (session->sent < session->out.size) {
		size_t size = 0;
		const CURLcode code = curl_easy_send(session->easy.curl,
		    session->out.data + session->sent,
		    session->out.size - session->sent, &size);

		session->sent += size;
		if (code == CURLE_AGAIN) {
			event_add(session->writable, NULL);
			bf_smtp_session_arm(session,
			    BLOCK_MS < session->limit_ms ? BLOCK_MS
							 : session->limit_ms);
			return;
		}
		if (code != CURLE_OK) {
			/* What the server said before it left is read first. */
			session->broken = true;
			event_active(session->readable, EV_READ, 0);
			break;
		}
	}
	bf_buf_clear(&session->out);
	session->sent = 0;
	bf_smtp_session_arm(session, session->limit_ms);
}

void
bf_smtp_session_writable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	flush(context);
}

struct bf_buf *
bf_smtp_session_out(struct smtp_session *session)
{
	return &session->out;
}

void
bf_smtp_session_wait(struct smtp_session *session, const char *doing,
    struct bf_duration limit)
{
	session->doing = doing;
	session->limit_ms = limit.ms;
	if (session->out.size == 0)
		bf_smtp_session_arm(session, limit.ms);
}

void
bf_smtp_session_send(struct smtp_session *session, const char *doing,
    struct bf_duration limit)
{
	session->doing = doing;
	session->limit_ms = limit.ms;
	session->early |= session->in.size > session->taken;
	flush(session);
}

/* ---- what is received ---- */

/* A line: 0, or -1 with why it can't go on. */
static int
take_line(struct smtp_session *session, const char *line, size_t size,
    const char **why)
{
	if (size > 0 && line[size - 1] == '\r')
		size--;
	if (session->state != SESSION_IN_USE) {
		/* The reply to QUIT; or the server ends an idle session. */
		*why = "";
		return -1;
	}
	if (session->easy.transcript)
		bf_transcript_lines(session->easy.transcript, false, line,
		    size);
	session->reply_bytes += size;
	if (bf_smtp_reply_line(&session->reply, line, size) == -1 ||
	    session->reply_bytes > SESSION_REPLY_MOST) {
		*why = "the server does not speak SMTP as it should";
		return -1;
	}
	if (!session->reply.whole)
		return 0;
	session->reply_bytes = 0;
	session->handler->replied(session->context, &session->reply);
	return 0;
}

/* The lines that were received. */
static int
take_lines(struct smtp_session *session, const char **why)
{
	struct bf_buf *in = &session->in;
	int result = 0;

	session->taken = 0;
	while (result == 0 && session->state != SESSION_CLOSED &&
	       !session->early) {
		const char *line = in->data + session->taken;
		const char *end = memchr(line, '\n', in->size - session->taken);

		if (!end)
			break;
		session->taken += (size_t)(end + 1 - line);
		result = take_line(session, line, (size_t)(end - line), why);
	}
	memmove(in->data, in->data + session->taken, in->size - session->taken);
	in->size -= session->taken;
	session->taken = 0;
	if (session->early)
		*why = "the server answered before it was asked";
	else if (in->size > READ_SIZE)
		*why = "the server does not speak SMTP as it should";
	else
		return result;
	return -1;
}

/* Reads what is there: 0, or -1 with why it can't go on. */
static int
receive(struct smtp_session *session, const char **why)
{
	size_t size = 0;

	do {
		const CURLcode code = curl_easy_recv(session->easy.curl,
		    bf_buf_reserve(&session->in, READ_SIZE), READ_SIZE, &size);

		if (code == CURLE_AGAIN && session->broken)
			*why = "the connection broke while sending";
		if (code == CURLE_AGAIN)
			return session->broken ? -1 : 0;
		*why = "the server closed the connection";
		if (code != CURLE_OK || size == 0)
			return -1;
		session->in.size += size;
		if (take_lines(session, why) == -1)
			return -1;
	} while (size == READ_SIZE && session->state != SESSION_CLOSED);
	return 0;
}

void
bf_smtp_session_readable(evutil_socket_t fd, short what, void *context)
{
	struct smtp_session *session = context;
	const char *why = "";

	(void)fd;
	(void)what;
	session->working = true;
	if (receive(session, &why) == -1 && session->state != SESSION_CLOSED)
		bf_smtp_session_lose(session, why);
	session->working = false;
	if (session->state == SESSION_CLOSED)
		bf_smtp_session_destroy(session);
}

/* ---- what its user sees of it ---- */

const struct bf_smtp_features *
bf_smtp_session_features(const struct smtp_session *session)
{
	return &session->features;
}

const struct easy *
bf_smtp_session_easy(const struct smtp_session *session)
{
	return &session->easy;
}

CURLcode
bf_smtp_session_code(const struct smtp_session *session)
{
	return session->code;
}

bool
bf_smtp_session_open(const struct smtp_session *session)
{
	return session->open;
}

void
bf_smtp_session_set_open(struct smtp_session *session, bool open)
{
	session->open = open;
}
