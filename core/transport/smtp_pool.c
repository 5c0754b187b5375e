/*
 * smtp_pool.c - sessions that are open, and which one a request gets
 *
 * A session that has sent its mail waits a while for another one to the same
 * server, in the same name.
 */
#include "core/transport/smtp_session_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>
#include <openssl/evp.h>

#define TOKEN_MOST (16 << 10) /* bytes of a token's file */
#define MAILS_MOST 100        /* on one connection */
#define IDLE_MS 30000         /* waiting for another mail */
#define QUIT_MS 5000          /* waiting for the reply to QUIT */

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
    unsigned char key[SESSION_KEY_SIZE])
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
    const unsigned char key[SESSION_KEY_SIZE])
{
	struct smtp_session *session;

	/* The last one used is at the end, and the least likely to be gone. */
	TAILQ_FOREACH_REVERSE(session, &sessions->all, session_list, entry)
	{
		if (session->state == SESSION_IDLE &&
		    memcmp(session->key, key, SESSION_KEY_SIZE) == 0)
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
	unsigned char key[SESSION_KEY_SIZE];
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
		session->state = SESSION_IN_USE;
	else
		session = bf_smtp_session_new(sessions, request, options,
		    &token, transcript);
	memcpy(session->key, key, sizeof(key));
	session->handler = handler;
	session->context = context;
	session->deadline_ms = bf_clock_monotonic_ms() + options->timeout.ms;
	bf_buf_wipe(&token);
	return session;
}

void
bf_smtp_session_release(struct smtp_session *session, bool keep)
{
	session->handler = NULL;
	if (session->easy.transcript)
		bf_easy_watch(&session->easy, NULL);
	if (session->state == SESSION_CLOSED)
		return;
	if (session->state != SESSION_IN_USE &&
	    session->state != SESSION_IDLE) {
		bf_smtp_session_close(session);
		return;
	}
	TAILQ_REMOVE(&session->sessions->all, session, entry);
	TAILQ_INSERT_TAIL(&session->sessions->all, session, entry);
	if (keep && ++session->mails < MAILS_MOST && !session->broken) {
		session->state = SESSION_IDLE;
		bf_smtp_session_arm(session, IDLE_MS);
		return;
	}
	session->state = SESSION_QUITTING;
	bf_buf_add_text(&session->out, "QUIT\r\n");
	bf_smtp_session_send(session, "the reply to QUIT",
	    (struct bf_duration){ QUIT_MS });
}

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
		if (session->state == SESSION_IDLE)
			bf_smtp_session_release(session, false);
		bf_smtp_session_destroy(session);
	}
	curl_share_cleanup((*sessions)->share);
	free(*sessions);
	*sessions = NULL;
}
