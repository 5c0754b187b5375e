#ifndef BELFRY_BUF_H
#define BELFRY_BUF_H

#include <stddef.h>

#include <belfry/api.h>

/*
 * Bytes that grow at the end. Always followed by a NUL that does not count, so
 * that data is a C string when the bytes are text. { 0 } is an empty buffer;
 * data may be NULL while size is 0. Running out of memory ends the process.
 */
struct bf_buf {
	char *data;
	size_t size;
	size_t capacity;
};

/* Appends size bytes; borrows them for the call. */
BF_API void bf_buf_add(struct bf_buf *buf, const void *bytes, size_t size);

/* Appends a C string, a byte, or formatted text. */
BF_API void bf_buf_add_text(struct bf_buf *buf, const char *text);
BF_API void bf_buf_add_byte(struct bf_buf *buf, char byte);
BF_API void bf_buf_add_format(struct bf_buf *buf, const char *format, ...)
    BF_PRINTF(2, 3);

/* Makes room for size more bytes and returns where they go. */
BF_API char *bf_buf_reserve(struct bf_buf *buf, size_t size);

/* The bytes as a C string: "" for an empty buffer. Borrowed from buf. */
BF_API const char *bf_buf_text(const struct bf_buf *buf);

/* Gives the bytes to the caller, who frees them; buf is empty afterwards. */
BF_API char *bf_buf_take(struct bf_buf *buf);

/* Forgets the bytes and keeps the memory. */
BF_API void bf_buf_clear(struct bf_buf *buf);

/* Overwrites what the buffer held, then frees it: for secrets. */
BF_API void bf_buf_wipe(struct bf_buf *buf);

/* Frees the memory; buf is empty afterwards. */
BF_API void bf_buf_free(struct bf_buf *buf);

#endif
