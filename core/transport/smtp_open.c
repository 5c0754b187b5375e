/*
 * smtp_open.c - a session with a mail server, opened by libcurl
 *
 * libcurl connects, greets, secures and logs in (CURLOPT_CONNECT_ONLY). It
 * does not send the mails: its multi interface waits for the reply to the
 * final dot, and to QUIT, without returning (2 s of a server's thinking are
 * 2 s of standing still, measured with 7.88.1), which by RFC 5321 may be ten
 * minutes for every other delivery of the process.
 *
 * Each session has a multi of its own: in a common one, libcurl would take it
 * for an idle connection, and close it when it is readable or old.
 */
#include "core/transport/smtp_session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#define GREETING_MS (5 * 60000) /* RFC 5321, section 4.5.3.2.1 */

/* A line of what the server says until it is logged in to. */
static size_t
take_header(char *bytes, size_t size, size_t count, void *context)
{
	struct smtp_session *session = context;
	struct bf_smtp_reply *reply = &session->reply;
	const bool first = reply->size == 0 || reply->whole;
	size_t length = size *= count;

	session->reply_bytes += size;
	while (length > 0 && strchr("\r\n", bytes[length - 1]))
		length--;
	if (session->reply_bytes > SESSION_REPLY_MOST)
		return 0;
	/* What is no reply is libcurl's to complain of; 334 has none. */
	if (bf_smtp_reply_line(reply, bytes, length) == 0 && reply->code == 250)
		bf_smtp_features_line(&session->features, first, bytes, length);
	return size;
}

/* Takes the connection over from libcurl. */
static int
take_over(struct smtp_session *session)
{
	struct event_base *base = session->sessions->transport->base;
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(session->easy.curl, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD)
		return -1;
	bf_sockets_release(session->sockets, fd);
	session->readable = event_new(base, fd, EV_READ | EV_PERSIST,
	    bf_smtp_session_readable, session);
	session->writable =
	    event_new(base, fd, EV_WRITE, bf_smtp_session_writable, session);
	if (!session->readable || !session->writable ||
	    event_add(session->readable, NULL) == -1)
		abort();
	session->state = SESSION_IN_USE;
	session->reply_bytes = 0;
	return 0;
}

/* libcurl is done with opening the session, or failed. */
static void
opened(struct smtp_session *session, CURLcode code)
{
	const struct failure failure =
	    bf_easy_failure(&session->easy, code, "");
	char why[600] = "";

	session->code = code;
	/* libcurl has a bound of its own, and other words for it. */
	if (code != CURLE_OK &&
	    (session->reply_bytes > SESSION_REPLY_MOST ||
		strstr(session->easy.detail, "Too large response headers")))
		snprintf(why, sizeof(why),
		    "the server's greeting or EHLO reply is longer than "
		    "belfry reads");
	else if (code != CURLE_OK)
		bf_reason_smtp(&failure,
		    session->reply.whole ? session->reply.text : "", why,
		    sizeof(why));
	else if (session->wants_login && !session->features.auth)
		snprintf(why, sizeof(why),
		    "the server offers no way to log in");
	else if (take_over(session) == -1)
		snprintf(why, sizeof(why), "the connection is gone");
	if (why[0])
		bf_smtp_session_lose(session, why);
	else
		session->handler->ready(session->context);
}

static void
on_progress(void *context)
{
	struct smtp_session *session = context;
	CURLMsg *message;
	int left;

	if (session->state != SESSION_OPENING)
		return;
	message = curl_multi_info_read(session->multi, &left);
	if (message && message->msg == CURLMSG_DONE)
		opened(session, message->data.result);
}

static void
set_up(struct smtp_session *session, const struct bf_request *request,
    const struct bf_transport_options *options, const struct bf_buf *token)
{
	CURL *curl = session->easy.curl;
	const int64_t limit_ms = options->timeout.ms < GREETING_MS
				     ? options->timeout.ms
				     : GREETING_MS;

	bf_easy_set(&session->easy, request, options);
	session->easy.timeout.ms = limit_ms;
	curl_easy_setopt(curl, CURLOPT_SHARE, session->sessions->share);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(curl, CURLOPT_USE_SSL,
	    request->starttls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS, request->mechanisms);
	curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER,
	    token->size > 0 ? token->data : NULL);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, session);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)limit_ms);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limit_ms);
	curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT,
	    (long)GREETING_MS / 1000);
	session->wants_login = request->username != NULL;
}

struct smtp_session *
bf_smtp_session_new(struct smtp_sessions *sessions,
    const struct bf_request *request,
    const struct bf_transport_options *options, const struct bf_buf *token,
    struct transcript *transcript)
{
	struct smtp_session *session = bf_new(struct smtp_session);
	struct event_base *base = sessions->transport->base;

	session->sessions = sessions;
	session->multi = curl_multi_init();
	session->timer = event_new(base, -1, 0, bf_smtp_session_timer, session);
	if (!session->multi || !session->timer)
		abort();
	session->sockets =
	    bf_sockets_new(base, session->multi, on_progress, session);
	bf_easy_init(&session->easy, sessions->transport, session->sockets);
	set_up(session, request, options, token);
	if (transcript)
		bf_easy_watch(&session->easy, transcript);
	TAILQ_INSERT_TAIL(&sessions->all, session, entry);
	if (curl_multi_add_handle(session->multi, session->easy.curl) !=
	    CURLM_OK)
		abort();
	return session;
}
