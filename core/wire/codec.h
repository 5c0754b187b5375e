#ifndef BF_CODEC_H
#define BF_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/buf.h>

/*
 * Values as bytes, for messages between belfry's processes: integers are
 * little-endian, texts and bytes carry a 32-bit length. A reader trusts
 * nothing: the first value that does not fit makes it bad, and it stays so,
 * every later value being 0 or empty; the caller asks once, at the end.
 */

void bf_put_u8(struct bf_buf *out, uint8_t value);
void bf_put_u32(struct bf_buf *out, uint32_t value);
/* Writes over four bytes that are there already. */
void bf_patch_u32(struct bf_buf *out, size_t offset, uint32_t value);
void bf_put_u64(struct bf_buf *out, uint64_t value);
void bf_put_i64(struct bf_buf *out, int64_t value);
void bf_put_bytes(struct bf_buf *out, const void *bytes, size_t size);
void bf_put_text(struct bf_buf *out, const char *text); /* NULL is kept */

struct bf_reader {
	const char *next;
	size_t left;
	bool bad;
};

uint8_t bf_get_u8(struct bf_reader *reader);
uint32_t bf_get_u32(struct bf_reader *reader);
uint64_t bf_get_u64(struct bf_reader *reader);
int64_t bf_get_i64(struct bf_reader *reader);

/* The next bytes, borrowed from the reader's memory; *size is set. */
const char *bf_get_bytes(struct bf_reader *reader, size_t *size);

/* A copy of the next text; NULL if it was NULL, or when bad. A text that
 * contains a NUL makes the reader bad. */
char *bf_get_text(struct bf_reader *reader);

/* A count of things of at least size bytes each: bad if they can't fit. */
uint32_t bf_get_count(struct bf_reader *reader, size_t size);

/* Whether everything was read and nothing was bad. */
bool bf_reader_done(const struct bf_reader *reader);

#endif
