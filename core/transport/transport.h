#ifndef BF_TRANSPORT_H
#define BF_TRANSPORT_H

#include <stdbool.h>
#include <sys/socket.h>

#include <event2/event.h>

#include <belfry/error.h>
#include <belfry/request.h>
#include <belfry/response.h>

/*
 * Performs requests: one libcurl multi on the event loop, with connections,
 * DNS entries and TLS sessions reused. The only folder that knows libcurl.
 */
struct bf_transport;

/* When each step of an attempt was done, microseconds from its start; -1:
 * it was not (a reused connection has none of the first three). */
struct bf_timings {
	int64_t resolve_us, connect_us, tls_us, first_byte_us, total_us;
};

/* How a channel's requests are made, whatever the module. */
struct bf_transport_options {
	const char *proxy;          /* NULL: none; the environment is ignored */
	const char *bind_address;   /* NULL: any */
	struct bf_duration timeout; /* from start to end, all included */
	bool transcript;            /* collect what a test shows */
	bool fresh;                 /* a new connection, as a test wants */
};

/* The request has ended. response and transcript (JSON: see
 * bf_transcript_json; or NULL) are borrowed for the call. */
typedef void bf_transport_done(void *context,
    const struct bf_response *response, const struct bf_timings *timings,
    const char *transcript);

struct bf_transport *bf_transport_new(struct event_base *base,
    long max_connections, struct bf_error *err);

/*
 * Starts a request. Takes what request owns; what it borrows (settings of the
 * channel) must outlive it. done is called exactly once, later, from the loop.
 */
void bf_transport_start(struct bf_transport *transport,
    struct bf_request *request, const struct bf_transport_options *options,
    bf_transport_done *done, void *context);

/*
 * Is asked about each address before it is connected to, be it that of the
 * proxy. Returns 0, or -1 with why not in err: the request then fails with
 * that. With each_request it is asked again before every request, also on a
 * connection that stands.
 */
typedef int bf_transport_guard(void *context, const struct sockaddr *address,
    bool proxy, struct bf_error *err);
void bf_transport_guard_with(struct bf_transport *transport,
    bf_transport_guard *guard, void *context, bool each_request);

/*
 * Bounds the threads of the process: no more than so many may run when a name
 * is looked up, or else the request fails. Each look-up is a thread, which
 * can't be stopped and outlives the request that gave up waiting for it. 0:
 * there is no bound.
 */
void bf_transport_limit_threads(struct bf_transport *transport, size_t most);

/* How many requests are under way. */
size_t bf_transport_active(const struct bf_transport *transport);

/* Ends all requests without calling done. */
void bf_transport_free(struct bf_transport **transport);

#endif
