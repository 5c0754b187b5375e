/*
 * worker_transport.c - the ways out: for the operator's channels and others
 */
#include "core/process/worker_transport.h"

#include <stdlib.h>

#include <belfry/memory.h>

#include "core/process/own_address.h"
#include "core/process/sandbox.h"
#include "core/registry/egress.h"

struct bf_worker_transports {
	const struct bf_snapshot *snapshot;
	struct bf_transport *trusted;   /* for channels of the conf file */
	struct bf_transport *untrusted; /* for those made over the API */
};

/* An event that is delivered to belfry itself would never end. */
static int
guard_intake(void *context, const struct sockaddr *address, bool proxy,
    struct bf_error *err)
{
	const struct bf_worker_transports *transports = context;

	(void)proxy;
	if (!bf_own_address(transports->snapshot, address))
		return 0;
	bf_error_set(err, "that address is belfry's own intake");
	return -1;
}

/* The address of the operator's proxy is the operator's choice. */
static int
guard_egress(void *context, const struct sockaddr *address, bool proxy,
    struct bf_error *err)
{
	const struct bf_worker_transports *transports = context;
	const struct bf_egress *egress = &transports->snapshot->egress;

	if (guard_intake(context, address, proxy, err) == -1)
		return -1;
	if (proxy)
		return 0;
	if (bf_egress_address(egress, address, err) == -1)
		return -1;
	if (bf_egress_opens(egress, address) || !bf_local_address(address))
		return 0;
	bf_error_set(err,
	    "that is an address of this machine, which channels made over the "
	    "API may not reach");
	return -1;
}

/*
 * Names whose servers do not answer may take a quarter of the worker's memory
 * for their threads if they are strangers', and half of it in all.
 */
static void
limit_threads(struct bf_worker_transports *transports)
{
	const size_t stacks =
	    (size_t)transports->snapshot->worker_rlimit_data.bytes /
	    BF_THREAD_STACK;

	bf_transport_limit_threads(transports->untrusted, stacks / 4);
	bf_transport_limit_threads(transports->trusted, stacks / 2);
}

struct bf_worker_transports *
bf_worker_transports_new(struct event_base *base,
    const struct bf_snapshot *snapshot, struct bf_error *err)
{
	struct bf_worker_transports *transports =
	    bf_new(struct bf_worker_transports);
	const long connections = 2 * (long)snapshot->worker_connections;

	transports->snapshot = snapshot;
	transports->trusted = bf_transport_new(base, connections, err);
	if (transports->trusted)
		transports->untrusted =
		    bf_transport_new(base, connections, err);
	if (!transports->untrusted) {
		bf_worker_transports_free(&transports);
		return NULL;
	}
	limit_threads(transports);
	bf_transport_guard_with(transports->trusted, guard_intake, transports,
	    false);
	bf_transport_guard_with(transports->untrusted, guard_egress, transports,
	    true);
	return transports;
}

struct bf_transport *
bf_worker_transport(const struct bf_worker_transports *transports,
    const struct bf_channel *channel)
{
	return bf_channel_is_trusted(channel) ? transports->trusted
					      : transports->untrusted;
}

int
bf_worker_may_request(const struct bf_worker_transports *transports,
    const struct bf_channel *channel, const struct bf_request *request,
    struct bf_error *err)
{
	if (bf_channel_is_trusted(channel))
		return 0;
	return bf_egress_url(&transports->snapshot->egress, request->url, err);
}

void
bf_worker_transports_free(struct bf_worker_transports **transports)
{
	if (!*transports)
		return;
	bf_transport_free(&(*transports)->trusted);
	bf_transport_free(&(*transports)->untrusted);
	free(*transports);
	*transports = NULL;
}
