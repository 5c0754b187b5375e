/*
 * smtp_session.c - sessions with mail servers
 *
 * libcurl opens a session (CURLOPT_CONNECT_ONLY) and stays the way in and out
 * of its bytes, TLS included. It does not send the mails: its multi interface
 * waits for the reply to the final dot, and to QUIT, without returning (2 s of
 * a server's thinking are 2 s of standing still, measured with 7.88.1), which
 * by RFC 5321 may be ten minutes for every other delivery of the process.
 *
 * Each session has a multi of its own: in a common one, libcurl would take it
 * for an idle connection, and close it when it is readable or old.
 */
#include "core/transport/smtp_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <belfry/memory.h>
#include <openssl/evp.h>

#define KEY_SIZE 32
#define TOKEN_MOST (16 << 10) /* bytes of a token's file */
#define REPLY_MOST (32 << 10) /* bytes of a reply, or of all up to ready */
#define READ_SIZE 4096
#define MAILS_MOST 100          /* on one connection */
#define IDLE_MS 30000           /* waiting for another mail */
#define QUIT_MS 5000            /* waiting for the reply to QUIT */
#define GREETING_MS (5 * 60000) /* RFC 5321, section 4.5.3.2.1 */
#define BLOCK_MS (3 * 60000)    /* section 4.5.3.2.5: progress of sending */

enum state {
	OPENING,
	IN_USE,
	IDLE,
	QUITTING,
	CLOSED, /* to be freed when nobody is at work with it */
};

struct smtp_session {
	struct easy easy; /* first: libcurl's callbacks get it */
	struct smtp_sessions *sessions;
	unsigned char key[KEY_SIZE]; /* what makes two requests share it */
	CURLM *multi;
	struct sockets *sockets;
	enum state state;
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

/* ---- the end of a session ---- */

static void
destroy(struct smtp_session *session)
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

static void
close_session(struct smtp_session *session)
{
	session->state = CLOSED;
	if (!session->working)
		destroy(session);
}

/* Tells its user, if it has one, that it is no more. */
static void
lose(struct smtp_session *session, const char *why)
{
	static const struct bf_smtp_reply none;
	const struct smtp_handler *handler = session->handler;
	const bool opening = session->state == OPENING;

	session->handler = NULL;
	/* Its user may look at it, and release it. */
	session->state = CLOSED;
	if (handler)
		handler->lost(session->context, why,
		    opening && session->reply.whole ? &session->reply : &none);
	close_session(session);
}

/* ---- time ---- */

static void
arm(struct smtp_session *session, int64_t ms)
{
	const int64_t left = session->deadline_ms - bf_clock_monotonic_ms();

	if (session->handler && left < ms)
		ms = left > 0 ? left : 0;
	event_add(session->timer,
	    &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
}

static void
on_timer(evutil_socket_t fd, short what, void *context)
{
	struct smtp_session *session = context;
	char why[128];

	(void)fd;
	(void)what;
	if (session->state == IDLE) {
		bf_smtp_session_release(session, false);
		return;
	}
	snprintf(why, sizeof(why), "timed out while waiting for %s",
	    session->out.size > 0 ? "the server to take the message"
	    : session->doing      ? session->doing
				  : "the server");
	lose(session, why);
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
			arm(session, BLOCK_MS < session->limit_ms
					 ? BLOCK_MS
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
	arm(session, session->limit_ms);
}

static void
on_writable(evutil_socket_t fd, short what, void *context)
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
		arm(session, limit.ms);
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
	if (session->state != IN_USE) {
		/* The reply to QUIT; or the server ends an idle session. */
		*why = "";
		return -1;
	}
	if (session->easy.transcript)
		bf_transcript_lines(session->easy.transcript, false, line,
		    size);
	session->reply_bytes += size;
	if (bf_smtp_reply_line(&session->reply, line, size) == -1 ||
	    session->reply_bytes > REPLY_MOST) {
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
	while (result == 0 && session->state != CLOSED && !session->early) {
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
	} while (size == READ_SIZE && session->state != CLOSED);
	return 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *context)
{
	struct smtp_session *session = context;
	const char *why = "";

	(void)fd;
	(void)what;
	session->working = true;
	if (receive(session, &why) == -1 && session->state != CLOSED)
		lose(session, why);
	session->working = false;
	if (session->state == CLOSED)
		destroy(session);
}

/* ---- the beginning of a session ---- */

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
	if (session->reply_bytes > REPLY_MOST)
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
	session->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, session);
	session->writable = event_new(base, fd, EV_WRITE, on_writable, session);
	if (!session->readable || !session->writable ||
	    event_add(session->readable, NULL) == -1)
		abort();
	session->state = IN_USE;
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
	    (session->reply_bytes > REPLY_MOST ||
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
		lose(session, why);
	else
		session->handler->ready(session->context);
}

static void
on_progress(void *context)
{
	struct smtp_session *session = context;
	CURLMsg *message;
	int left;

	if (session->state != OPENING)
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

static struct smtp_session *
new_session(struct smtp_sessions *sessions, const struct bf_request *request,
    const struct bf_transport_options *options, const struct bf_buf *token,
    struct transcript *transcript)
{
	struct smtp_session *session = bf_new(struct smtp_session);
	struct event_base *base = sessions->transport->base;

	session->sessions = sessions;
	session->multi = curl_multi_init();
	session->timer = event_new(base, -1, 0, on_timer, session);
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

/* ---- which session ---- */

/* Reads the token afresh: it is replaced from outside when it expires. */
static int
read_token(const char *path, struct bf_buf *token, struct bf_error *err)
{
	FILE *file;

	if (!path)
		return 0;
	file = fopen(path, "re");
	if (!file) {
		bf_error_errno(err, "token %s", path);
		return -1;
	}
	token->size =
	    fread(bf_buf_reserve(token, TOKEN_MOST), 1, TOKEN_MOST, file);
	fclose(file);
	while (
	    token->size > 0 && strchr(" \t\r\n", token->data[token->size - 1]))
		token->size--;
	token->data[token->size] = '\0';
	if (token->size > 0 && token->size + 1 < TOKEN_MOST &&
	    strlen(token->data) == token->size)
		return 0;
	bf_error_set(err, "token %s: expected one token", path);
	return -1;
}

static void
digest_text(EVP_MD_CTX *digest, const char *text)
{
	/* With its NUL, so that no two lists of texts look the same. */
	EVP_DigestUpdate(digest, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* Two requests may share a session if they agree in all of this. */
static void
make_key(const struct bf_request *request,
    const struct bf_transport_options *options, const struct bf_buf *token,
    unsigned char key[KEY_SIZE])
{
	const char *const texts[] = { request->url, request->ca_file,
		request->client_certificate, request->client_key,
		request->mechanisms, request->starttls ? "starttls" : "",
		request->username ? request->username->bytes : NULL,
		request->password ? request->password->bytes : NULL,
		bf_buf_text(token), options->proxy, options->bind_address };
	EVP_MD_CTX *digest = EVP_MD_CTX_new();

	if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
		abort();
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		digest_text(digest, texts[i]);
	EVP_DigestFinal_ex(digest, key, NULL);
	EVP_MD_CTX_free(digest);
}

static struct smtp_session *
find_idle(const struct smtp_sessions *sessions,
    const unsigned char key[KEY_SIZE])
{
	struct smtp_session *session;

	/* The last one used is at the end, and the least likely to be gone. */
	TAILQ_FOREACH_REVERSE(session, &sessions->all, session_list, entry)
	{
		if (session->state == IDLE &&
		    memcmp(session->key, key, KEY_SIZE) == 0)
			return session;
	}
	return NULL;
}

struct smtp_session *
bf_smtp_session_take(struct smtp_sessions *sessions,
    const struct bf_request *request,
    const struct bf_transport_options *options, struct transcript *transcript,
    const struct smtp_handler *handler, void *context, bool *reused,
    struct bf_error *err)
{
	struct smtp_session *session = NULL;
	unsigned char key[KEY_SIZE];
	struct bf_buf token = { 0 };

	if (read_token(request->token_file, &token, err) == -1) {
		bf_buf_wipe(&token);
		return NULL;
	}
	make_key(request, options, &token, key);
	if (!options->fresh)
		session = find_idle(sessions, key);
	if (session && !bf_easy_may_continue(&session->easy)) {
		bf_smtp_session_release(session, false);
		session = NULL;
	}
	*reused = session != NULL;
	if (session)
		session->state = IN_USE;
	else
		session =
		    new_session(sessions, request, options, &token, transcript);
	memcpy(session->key, key, sizeof(key));
	session->handler = handler;
	session->context = context;
	session->deadline_ms = bf_clock_monotonic_ms() + options->timeout.ms;
	bf_buf_wipe(&token);
	return session;
}

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

void
bf_smtp_session_release(struct smtp_session *session, bool keep)
{
	session->handler = NULL;
	if (session->easy.transcript)
		bf_easy_watch(&session->easy, NULL);
	if (session->state == CLOSED)
		return;
	if (session->state != IN_USE && session->state != IDLE) {
		close_session(session);
		return;
	}
	TAILQ_REMOVE(&session->sessions->all, session, entry);
	TAILQ_INSERT_TAIL(&session->sessions->all, session, entry);
	if (keep && ++session->mails < MAILS_MOST && !session->broken) {
		session->state = IDLE;
		arm(session, IDLE_MS);
		return;
	}
	session->state = QUITTING;
	bf_buf_add_text(&session->out, "QUIT\r\n");
	bf_smtp_session_send(session, "the reply to QUIT",
	    (struct bf_duration){ QUIT_MS });
}

/* ---- all sessions ---- */

struct smtp_sessions *
bf_smtp_sessions_new(struct bf_transport *transport)
{
	struct smtp_sessions *sessions = bf_new(struct smtp_sessions);

	TAILQ_INIT(&sessions->all);
	sessions->transport = transport;
	sessions->share = curl_share_init();
	if (!sessions->share)
		abort();
	curl_share_setopt(sessions->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	curl_share_setopt(sessions->share, CURLSHOPT_SHARE,
	    CURL_LOCK_DATA_SSL_SESSION);
	return sessions;
}

void
bf_smtp_sessions_free(struct smtp_sessions **sessions)
{
	struct smtp_session *session;

	if (!*sessions)
		return;
	while ((session = TAILQ_FIRST(&(*sessions)->all))) {
		/* Nobody waits for the reply, but the server is told. */
		if (session->state == IDLE)
			bf_smtp_session_release(session, false);
		destroy(session);
	}
	curl_share_cleanup((*sessions)->share);
	free(*sessions);
	*sessions = NULL;
}
