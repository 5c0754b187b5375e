#ifndef BF_EGRESS_H
#define BF_EGRESS_H

#include "core/conf/settings.h"
#include "core/registry/snapshot.h"

/*
 * What channels made over the API may reach. Their settings are a stranger's:
 * without a limit, whoever may make a channel could have belfry knock at every
 * door of the network it stands in, and read the answers in the history.
 *
 * Each sentence names what is refused; err has it without a place.
 */

/*
 * A URL of a request (http, https, smtp, smtps): its scheme, its port, and its
 * host as far as it is an address or localhost (RFC 6761 section 6.3). What a
 * name stands for is only known when it is connected to. With a proxy, that is
 * the proxy's to judge.
 */
int bf_egress_url(const struct bf_egress *egress, const char *url,
    struct bf_error *err);

/*
 * A setting that says where a channel connects to, and how: of type URL, or
 * called "host" (a name, or an address without brackets), "port", or "tls" with
 * the word off. Any other is fine.
 */
int bf_egress_setting(const struct bf_egress *egress,
    const struct bf_directive *directive, const char *word,
    struct bf_error *err);

/* An address that is about to be connected to, and its port. */
int bf_egress_address(const struct bf_egress *egress,
    const struct sockaddr *address, struct bf_error *err);

/* Whether allow_private opens the address. */
bool bf_egress_opens(const struct bf_egress *egress,
    const struct sockaddr *address);

#endif
