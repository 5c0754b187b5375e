#ifndef BF_WORKER_TRANSPORT_H
#define BF_WORKER_TRANSPORT_H

#include "core/registry/snapshot.h"
#include "core/transport/transport.h"

/*
 * How a worker reaches the world: one way for channels of the conf file, and
 * one for those made over the API, which has a stricter guard (egress.h). They
 * share no connection, no DNS entry and no TLS session.
 */
struct bf_worker_transports;

/* Borrows the snapshot. */
struct bf_worker_transports *bf_worker_transports_new(struct event_base *base,
    const struct bf_snapshot *snapshot, struct bf_error *err);
void bf_worker_transports_free(struct bf_worker_transports **transports);

/* The transport for a channel. Borrowed. */
struct bf_transport *
bf_worker_transport(const struct bf_worker_transports *transports,
    const struct bf_channel *channel);

/* Whether the channel may make the request, as far as its URL tells. -1: no,
 * whatever its host's name stands for. */
int bf_worker_may_request(const struct bf_worker_transports *transports,
    const struct bf_channel *channel, const struct bf_request *request,
    struct bf_error *err);

#endif
