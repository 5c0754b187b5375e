#ifndef BELFRY_ENCODE_H
#define BELFRY_ENCODE_H

#include <stddef.h>

#include <belfry/api.h>
#include <belfry/buf.h>

/* Appends bytes as lower-case hexadecimal digits. */
BF_API void bf_encode_hex(struct bf_buf *out, const void *bytes, size_t size);

/* Appends bytes as base64 with padding (RFC 4648, section 4). */
BF_API void bf_encode_base64(
    struct bf_buf *out, const void *bytes, size_t size);

/*
 * Appends the bytes that text stands for: base64 with or without padding,
 * nothing else. Returns 0, or -1 and leaves out as it was.
 */
BF_API int bf_decode_base64(
    struct bf_buf *out, const char *text, size_t size);

#endif
