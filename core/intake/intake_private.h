#ifndef BF_INTAKE_PRIVATE_H
#define BF_INTAKE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <cjson/cJSON.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "core/base/hash.h"
#include "core/base/counters.h"
#include "core/conf/ip.h"
#include "core/intake/api_schema.h"
#include "core/intake/assets.h"
#include "core/intake/http.h"
#include "core/registry/snapshot.h"
#include "core/store/store.h"
#include "core/wire/link.h"

/*
 * The intake: HTTP on one side, the scheduler on the other. What its files
 * share.
 *
 *   http.c         one request, read strictly
 *   uri.c          its target: percent-encoding, parameters
 *   server.c       listeners, connections let in and kept out
 *   connection.c   one connection's life
 *   rest.c         requests in pieces, from whoever has shown no token
 *   reply.c        answers, problem documents
 *   assets.c       the files of the dashboard
 *   auth.c         tokens and peers
 *   token_rate.c   how fast requests may be made with one token
 *   cors.c         pages of other sites
 *   session.c      people who sign in, and their cookies
 *   routes.c       the table of the API
 *   api_schema.c   whether requests are as the tables beside it say:
 *   api_requests.c   parameters and bodies
 *   api_answers.c    answers
 *   openapi.c      the document that says all this to programs
 *   check.c        requests, held against the tables
 *   post.c         events, until they are answered
 *   command.c      requests that the scheduler answers
 *   read.c         requests that the store answers, on the reader's thread
 *   stream.c       deliveries as they happen
 *   intake.c       the process: its loop, its link, its master
 */

struct intake;
struct connection;
struct route;

/* Who asks, and what they may do. */
struct caller {
	enum bf_scope scope;
	char tenant[BF_TENANT_MAX + 1]; /* whom they may act for */
	bool any_tenant;                /* admin over every tenant */
	struct bf_rate rate;            /* of a token */
	uint64_t rate_key;              /* by which it is known, if limited */
	char actor[BF_ACTOR_MAX + 1];   /* "token NAME", "user NAME", "uid N",
					 * or "" where nobody is asked */
};

struct listener {
	struct intake *intake;
	int fd;
	const struct bf_listen *conf;
	struct event *event;
};

struct connection {
	struct intake *intake;
	struct bufferevent *bev;
	struct bf_http *http;
	const struct route *route;
	struct caller caller;
	char session[65]; /* the hash of the session's number; or "" */
	bool by_token;    /* the caller had one, whose hash follows */
	unsigned char token_hash[BF_TOKEN_HASH_SIZE];
	bool tls;
	bool local;               /* over a Unix socket */
	uid_t uid;                /* of the peer there */
	char address[BF_IP_TEXT]; /* of the peer; "unix" if local */
	bool trusted;             /* and by root or the service user */
	bool begun;               /* the first byte of a request came */
	bool ended;               /* the peer has sent all it will */
	bool answering;           /* a request is being dealt with */
	bool keep_alive;
	size_t forgotten; /* bytes that came for nothing */
	bool lingering;   /* answered, closing: reads what comes, forgets */
	bool streaming;   /* it gets server-sent events */
	bool resting;     /* it is not read for a moment */
	int64_t since;    /* monotonic ms: of its birth, the first byte of the
			   * request, or the last answer */
	int64_t deadline; /* monotonic ms: then it is closed */
	struct event *timer;
	char *parameter;                /* the {name} of the route's path */
	TAILQ_ENTRY(connection) entry;  /* of all, in the order of since */
	TAILQ_ENTRY(connection) stream; /* of those that stream */
	TAILQ_ENTRY(connection) rest;   /* of those that rest */
};

/* Something sent to the scheduler that it has not answered. */
struct pending_event;
struct pending_command;

struct reader;
struct token_cache;

struct intake {
	struct event_base *base;
	const struct bf_snapshot *snapshot;
	struct bf_counters *counters;
	unsigned slot;
	int control;
	struct event *control_event;
	struct bf_link *link; /* NULL while there is no scheduler */
	bool welcomed;
	int64_t alone_since; /* monotonic ms; while not welcomed */
	bool draining;       /* no new connections, then out */
	struct bf_id_maker ids;
	char default_tenant[BF_TENANT_MAX + 1];
	struct listener *listeners;
	size_t listener_count;
	struct event *accept_again; /* after descriptors ran out */
	const int *sockets; /* listening: one for each of snapshot's listens */
	size_t socket_count;
	bool serving; /* it has begun to accept connections */
	SSL_CTX *tls;
	struct bf_http_limits limits;
	TAILQ_HEAD(, connection) connections;
	size_t connection_count;
	size_t connections_most; /* over TCP */
	TAILQ_HEAD(, connection) streams;
	TAILQ_HEAD(, connection) resting;
	struct event *rest_timer;
	int64_t pieces_since; /* monotonic ms: pieces of requests were read */
	unsigned pieces;
	uint64_t next_token;
	struct pending_event *events;
	size_t pending_bytes; /* of the events that have no answer */
	struct pending_command *commands;
	struct reader *reader;
	struct token_cache *tokens;
	char *document;           /* OpenAPI; NULL until it is asked for */
	struct bf_assets *assets; /* NULL: there is no dashboard */
	char date[40];            /* as answers have it */
	time_t date_made;
	int status;
};

static inline void
bf_intake_count(struct intake *intake, enum bf_counter counter, int64_t more)
{
	atomic_fetch_add_explicit(&intake->counters
				       ->values[intake->slot][counter],
	    (uint64_t)more, memory_order_relaxed);
}

/* ---- server.c ---- */
/* Begins to accept connections on the sockets. */
void bf_server_start(struct intake *intake);
/* Takes no more connections; closes streams, and what is idle if that is said,
 * and others after their answer. */
void bf_server_drain(struct intake *intake, bool idle);
void bf_server_free(struct intake *intake);

/* ---- connection.c ---- */
void bf_connection_new(struct intake *intake, int fd,
    const struct bf_listen *listen);
/* Sends the answer, and goes on with the next request, or closes. Borrows
 * answer: the bytes from the status line to the end. */
void bf_connection_answer(struct connection *connection,
    const struct bf_buf *answer);
void bf_connection_close(struct connection *connection);
/* Whether its request is for the head of an answer only. */
bool bf_connection_asks_head(const struct connection *connection);

/* Whether it has begun a request and shown no token for it so far. */
bool bf_connection_is_unproven(const struct connection *connection);

/* ---- rest.c ---- */
void bf_rest_init(struct intake *intake);
void bf_rest_free(struct intake *intake);
/* Read, and the request is not whole: may stop reading for a moment. */
void bf_rest_after_piece(struct connection *connection);
void bf_rest_end(struct connection *connection);

/* ---- reply.c ---- */
void bf_reply(struct connection *connection, int status,
    const char *content_type, const char *extra, const char *body, size_t size);
/* The same for what clients may keep, if they ask whether it has changed. */
void bf_reply_cached(struct connection *connection, int status,
    const char *content_type, const char *extra, const char *body, size_t size);
void bf_reply_json(struct connection *connection, int status, cJSON *json);
void bf_reply_text(struct connection *connection, int status,
    const char *content_type, const char *body);
/* A problem document. field (a JSON pointer) and extra (whole header lines)
 * may be NULL. */
void bf_reply_problem(struct connection *connection, int status,
    const char *slug, const char *field, const char *extra, const char *format,
    ...) BF_PRINTF(6, 7);
/* The document itself, for lines of a batch too. */
cJSON *bf_problem(int status, const char *slug, const char *field,
    const char *detail);

/* ---- auth.c ---- */
/* Who the connection's request is from; answers and returns -1 if nobody who
 * may use the route. */
int bf_auth(struct connection *connection);
void bf_auth_flush(struct intake *intake);
void bf_auth_free(struct intake *intake);

/* Whether the caller's token or session is still one; true while the store
 * can't be asked. */
bool bf_auth_goes_on(struct connection *connection);
/* Notes who is at the other end: address, uid, whether it is trusted. */
void bf_auth_peer(struct connection *connection, int fd);

void bf_auth_set_caller(struct caller *caller, const char *kind,
    const char *name, enum bf_scope scope, const char *tenant);
/* The value of a setting, new memory or NULL; -1: it can't be told now. */
int bf_auth_ask_store(struct intake *intake, const char *name, char **value);

/* ---- token_rate.c ---- */
uint64_t bf_token_rate_key(const unsigned char hash[BF_TOKEN_HASH_SIZE],
    const struct bf_rate *rate);
/* Takes a request of the caller's rate; answers and returns -1 if that is
 * spent. */
int bf_token_rate_take(struct connection *connection);
/* The same for the lines of a batch, the first of which is the request. */
int bf_token_rate_take_lines(struct connection *connection, size_t lines);

/* ---- cors.c ---- */
/* Adds the headers by which a browser shows the answer to other sites' pages,
 * if they may have it. */
void bf_cors_headers(struct connection *connection, struct bf_buf *out);
/* Answers a browser that asks whether a page may use methods ("GET, HEAD");
 * false: it may not, or that is not the question. */
bool bf_cors_preflight(struct connection *connection, const char *methods);

/* ---- session.c ---- */
/* Who the cookie's session is of: 1 with the caller set, 0 if there is no such
 * session; answers and returns -1 if the request may be forged. */
int bf_session_identify(struct connection *connection);
/* Whether the session that began a stream, if one did, has not ended. */
bool bf_session_goes_on(struct connection *connection);
void bf_session_sign_in(struct connection *connection);
void bf_session_show(struct connection *connection);
void bf_session_sign_out(struct connection *connection);
void bf_session_sign_out_everywhere(struct connection *connection);

/* ---- routes.c ---- */
struct route {
	const char *method;
	const char *path; /* "{}" stands for one segment */
	enum bf_scope scope;
	bool open;        /* needs no token */
	const char *body; /* content type of its body; NULL: none */
	void (*handle)(struct connection *connection);
	const char *verb;         /* of the command that answers it */
	const char *argument;     /* what {} is called there */
	const char *content_type; /* of the answer; NULL: JSON */
	bool versioned; /* takes If-Match; the answer's version is its ETag */
	bool of_tenant; /* it is about what one tenant has */
	const char *summary;
	const char *query; /* its parameters, with a blank between; or NULL */
	const struct api_schema *request; /* what its body holds */
	const struct api_schema *answer;
	int status; /* of the answer; 0: 200 */
};

/* The first route, or the one after; NULL: there are no more. */
const struct route *bf_route_next(const struct route *route);

/* The route of a request. NULL: allowed gets the methods that the path has
 * ("GET, HEAD, POST"), none if there is nothing. HEAD is a GET. parameter is
 * set to new memory or NULL. */
const struct route *bf_route_find(const char *method, const char *path,
    char **parameter, struct bf_buf *allowed);

/* ---- check.c ---- */
/* Whether the query has the route's parameters only, each once and as it is to
 * be, and there is a body only where one is taken. Answers with a problem
 * otherwise. */
bool bf_check_query(struct connection *connection);
/* The same for the members of a body. */
bool bf_check_body(struct connection *connection, const cJSON *body);

/* ---- openapi.c ---- */
void bf_openapi_answer(struct connection *connection);

/* ---- post.c ---- */
void bf_post_events(struct connection *connection);
void bf_post_accepted(struct intake *intake, struct bf_msg_accepted *accepted);
/* Sends again what is unanswered, to a new scheduler. */
void bf_post_resend(struct intake *intake);
void bf_post_forget(struct connection *connection);
bool bf_post_idle(const struct intake *intake);
void bf_post_free(struct intake *intake);

/* ---- command.c ---- */
/* The arguments of a request: its body, its query, its path. NULL after a
 * problem was answered. */
cJSON *bf_command_arguments(struct connection *connection);
/* Sends the route's verb with the request's arguments. */
void bf_command_request(struct connection *connection);
/* Sends a verb of our own; done gets the answer, or status 503. Takes
 * arguments. */
typedef void bf_command_done(void *context, struct connection *connection,
    int status, cJSON *json);
void bf_command_ask(struct connection *connection, const char *verb,
    cJSON *arguments, bf_command_done *done, void *context);
void bf_command_replied(struct intake *intake, struct bf_msg_reply *reply);
/* The link is gone: nobody will answer. */
void bf_command_fail(struct intake *intake);
void bf_command_forget(struct connection *connection);
bool bf_command_idle(const struct intake *intake);

/* ---- read.c ---- */
/* Starts the thread; -1 with errno. */
int bf_read_start(struct intake *intake);
void bf_read_events(struct connection *connection);
void bf_read_event(struct connection *connection);
void bf_read_deliveries(struct connection *connection);
void bf_read_delivery(struct connection *connection);
void bf_read_audit(struct connection *connection);
void bf_read_forget(struct connection *connection);
void bf_read_free(struct intake *intake);

/* ---- stream.c ---- */
void bf_stream_start(struct connection *connection);
void bf_stream_notice(struct intake *intake, struct bf_msg_notice *notice);
/* Ends the streams of whoever may not have one any more. */
void bf_stream_review(struct intake *intake);
/* A sign of life, for proxies, and to find out that the client is gone. */
void bf_stream_beat(struct connection *connection);
void bf_stream_stop(struct connection *connection);

/* ---- intake.c ---- */
void bf_intake_leave_if_done(struct intake *intake);
bool bf_intake_ready(const struct intake *intake);

#endif
