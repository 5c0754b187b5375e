#ifndef SMTP_ADDRESS_H
#define SMTP_ADDRESS_H

#include <stddef.h>

#include <belfry/error.h>
#include <belfry/strings.h>

/* A mailbox (RFC 5322, section 3.4). */
struct smtp_address {
	char *name;    /* display name, UTF-8, unquoted; NULL if none */
	char *mailbox; /* local@domain in ASCII: an IDN domain as A-labels */
};

struct smtp_addresses {
	struct smtp_address *items;
	size_t count;
};

/*
 * Reads one address: `ops@example.com`, `<ops@example.com>`,
 * `Ops <ops@example.com>` or `"Ops, Berlin" <ops@example.com>`. The domain is
 * a name of at least one label (an IDN becomes A-labels by IDNA 2008) or an
 * address literal in brackets. Refused, with what was expected: anything else,
 * control characters, a local part that is not ASCII (SMTPUTF8 is not used), a
 * local part over 64 or a mailbox over 254 octets (RFC 5321, section 4.5.3.1;
 * erratum 1690 of RFC 3696).
 */
int smtp_address_parse(struct smtp_address *address, const char *text,
    struct bf_error *err);

/*
 * Appends the addresses of a directive's words: each is a word of its own, or
 * a name followed by a word in angle brackets, so that
 * `from "Ops" <ops@example.com>;` reads as it looks. An address that is there
 * already is not added again. On failure the list is as it was.
 */
int smtp_addresses_parse(struct smtp_addresses *addresses,
    const struct bf_strings *words, struct bf_error *err);

/* The part behind the @. Borrowed from address. */
const char *smtp_address_domain(const struct smtp_address *address);

/* Free what they own; empty afterwards. */
void smtp_address_clear(struct smtp_address *address);
void smtp_addresses_clear(struct smtp_addresses *addresses);

#endif
