/*
 * tls.c - the certificate that listeners with TLS show
 */
#include "core/intake/tls.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

bool
bf_tls_wanted(const struct bf_api_settings *api)
{
	for (size_t i = 0; i < api->listen_count; i++) {
		if (api->listens[i].tls)
			return true;
	}
	return false;
}

/* Sets the cause to what could not be done, and OpenSSL's own words. */
static void
explain(struct bf_error *err, const char *what, const char *path)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	bf_error_set(err, "%s %s can't be used: %s", what, path,
	    reason ? reason : "unknown reason");
	ERR_clear_error();
}

SSL_CTX *
bf_tls_server(const struct bf_api_settings *api, struct bf_error *err)
{
	const char *key =
	    api->certificate_key ? api->certificate_key : api->certificate;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls)
		abort();
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	/* What was recorded stays secret when the key gets known: RFC 9325,
	 * sections 4.1 and 4.2. Those of TLS 1.3 are all so. */
	if (SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
		abort();
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	/* A renegotiation costs us more than who asks for it. */
	SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
	if (SSL_CTX_use_certificate_chain_file(tls, api->certificate) != 1)
		explain(err, "certificate", api->certificate);
	else if (SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(tls) != 1)
		explain(err, "certificate_key", key);
	else
		return tls;
	SSL_CTX_free(tls);
	return NULL;
}
