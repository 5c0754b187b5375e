#ifndef SMTP_DKIM_H
#define SMTP_DKIM_H

#include <stddef.h>

#include <belfry/buf.h>
#include <belfry/clock.h>
#include <belfry/error.h>

/*
 * A key that signs messages for a domain (DKIM, RFC 6376 and RFC 8463):
 * rsa-sha256 or ed25519-sha256, whichever the key is, relaxed/relaxed.
 */
struct smtp_dkim;

/*
 * Reads a private key, RSA of at least 1024 bits (RFC 8301) or Ed25519.
 *
 * domain    whose key it is (d=); an IDN becomes A-labels
 * selector  where its public half is: SELECTOR._domainkey.DOMAIN
 * pem       the key in PEM, not encrypted; borrowed for the call
 *
 * NULL with what was expected.
 */
struct smtp_dkim *smtp_dkim_new(const char *domain, const char *selector,
    const char *pem, size_t size, struct bf_error *err);

/*
 * Puts a DKIM-Signature header in front of message, which is complete, ends
 * its lines in CRLF, and is sent as it is afterwards. The same message signed
 * with the same time is the same bytes. Returns 0, or -1 with the reason.
 */
int smtp_dkim_sign(const struct smtp_dkim *dkim, struct bf_buf *message,
    struct bf_instant now, struct bf_error *err);

/* Frees it and sets *dkim to NULL. A NULL *dkim is fine. */
void smtp_dkim_free(struct smtp_dkim **dkim);

#endif
