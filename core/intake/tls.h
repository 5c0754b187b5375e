#ifndef BF_TLS_H
#define BF_TLS_H

#include <stdbool.h>

#include <belfry/error.h>
#include <openssl/types.h>

#include "core/registry/snapshot.h"

/* Whether any listener speaks TLS. */
bool bf_tls_wanted(const struct bf_api_settings *api);

/*
 * What listeners with TLS need: certificate, chain and key, TLS 1.2 as the
 * least. The key may be readable by root alone, so this is called before a
 * process gives root up. NULL with the reason.
 */
SSL_CTX *bf_tls_server(const struct bf_api_settings *api, struct bf_error *err);

#endif
