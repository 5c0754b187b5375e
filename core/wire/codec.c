/*
 * codec.c - values as bytes, for messages between belfry's processes
 */
#include "core/wire/codec.h"

#include <string.h>

#include <belfry/memory.h>

#define NO_TEXT UINT32_MAX /* the length that stands for NULL */

void
bf_put_u8(struct bf_buf *out, uint8_t value)
{
	bf_buf_add_byte(out, (char)value);
}

/* The lowest byte first. */
static inline void
spread(char *bytes, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(value >> 8 * i);
}

void
bf_put_u32(struct bf_buf *out, uint32_t value)
{
	char bytes[4];

	spread(bytes, value, sizeof(bytes));
	bf_buf_add(out, bytes, sizeof(bytes));
}

void
bf_patch_u32(struct bf_buf *out, size_t offset, uint32_t value)
{
	spread(out->data + offset, value, 4);
}

void
bf_put_u64(struct bf_buf *out, uint64_t value)
{
	char bytes[8];

	spread(bytes, value, sizeof(bytes));
	bf_buf_add(out, bytes, sizeof(bytes));
}

void
bf_put_i64(struct bf_buf *out, int64_t value)
{
	bf_put_u64(out, (uint64_t)value);
}

void
bf_put_bytes(struct bf_buf *out, const void *bytes, size_t size)
{
	bf_put_u32(out, (uint32_t)size);
	bf_buf_add(out, bytes, size);
}

void
bf_put_text(struct bf_buf *out, const char *text)
{
	if (text)
		bf_put_bytes(out, text, strlen(text));
	else
		bf_put_u32(out, NO_TEXT);
}

/* The next size bytes, or NULL and a bad reader. */
static const unsigned char *
take(struct bf_reader *reader, size_t size)
{
	const char *bytes = reader->next;

	if (reader->bad || reader->left < size) {
		reader->bad = true;
		return NULL;
	}
	reader->next += size;
	reader->left -= size;
	return (const unsigned char *)bytes;
}

uint8_t
bf_get_u8(struct bf_reader *reader)
{
	const unsigned char *bytes = take(reader, 1);

	return bytes ? bytes[0] : 0;
}

uint32_t
bf_get_u32(struct bf_reader *reader)
{
	const unsigned char *bytes = take(reader, 4);

	if (!bytes)
		return 0;
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 |
	       (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint64_t
bf_get_u64(struct bf_reader *reader)
{
	const uint64_t low = bf_get_u32(reader);

	return low | (uint64_t)bf_get_u32(reader) << 32;
}

int64_t
bf_get_i64(struct bf_reader *reader)
{
	return (int64_t)bf_get_u64(reader);
}

const char *
bf_get_bytes(struct bf_reader *reader, size_t *size)
{
	const uint32_t length = bf_get_u32(reader);
	const unsigned char *bytes = take(reader, length);

	*size = bytes ? length : 0;
	return bytes ? (const char *)bytes : "";
}

char *
bf_get_text(struct bf_reader *reader)
{
	const uint32_t length = bf_get_u32(reader);
	const unsigned char *bytes;

	if (reader->bad || length == NO_TEXT)
		return NULL;
	bytes = take(reader, length);
	if (!bytes)
		return NULL;
	if (memchr(bytes, '\0', length)) {
		reader->bad = true;
		return NULL;
	}
	return bf_strndup((const char *)bytes, length);
}

uint32_t
bf_get_count(struct bf_reader *reader, size_t size)
{
	const uint32_t count = bf_get_u32(reader);

	if (count > reader->left / (size > 0 ? size : 1)) {
		reader->bad = true;
		return 0;
	}
	return count;
}

bool
bf_reader_done(const struct bf_reader *reader)
{
	return !reader->bad && reader->left == 0;
}
