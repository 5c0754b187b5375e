#ifndef SMTP_MIME_H
#define SMTP_MIME_H

#include <stddef.h>

#include <belfry/buf.h>

#include "modules/smtp/address.h"

/*
 * Pieces of a message: headers, folded, and bodies, encoded. Whatever the
 * text, what is appended is ASCII in lines that end in CRLF.
 */

/*
 * Appends a header of free text (RFC 5322, section 2.2.1): as it is where it
 * is printable ASCII that can be folded and can't be taken for an encoded
 * word, else as encoded words (RFC 2047) of whole characters. text is UTF-8;
 * runs of control characters, line and paragraph separators in it become one
 * space, so nothing in it begins another header.
 */
void smtp_header_text(struct bf_buf *out, const char *name, const char *text);

/* Appends a header of addresses; none for an empty list. */
void smtp_header_addresses(struct bf_buf *out, const char *name,
    const struct smtp_address *items, size_t count);

/*
 * Appends Content-Type (charset utf-8), Content-Transfer-Encoding, an empty
 * line and the text: as it is where that is safe on any way (7bit), else in
 * the shorter of quoted-printable and base64 (RFC 2045). Line ends in text
 * (CRLF, CR or LF) become CRLF. "=_" is in no encoded text.
 */
void smtp_text_part(struct bf_buf *out, const char *type, const char *text);

#endif
