/*
 * buf.c - bytes that grow at the end
 *
 * Capacity doubles, so that adding a byte at a time stays linear. One byte
 * beyond size is always there for the NUL.
 */
#include "core/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

char *
bf_buf_reserve(struct bf_buf *buf, size_t size)
{
	const size_t needed = buf->size + size + 1;
	size_t capacity = buf->capacity > 0 ? buf->capacity : 64;

	if (needed > buf->capacity) {
		while (capacity < needed)
			capacity *= 2;
		buf->data = bf_resize(buf->data, capacity, 1);
		buf->capacity = capacity;
	}
	return buf->data + buf->size;
}

void
bf_buf_add(struct bf_buf *buf, const void *bytes, size_t size)
{
	char *end = bf_buf_reserve(buf, size);

	if (size > 0)
		memcpy(end, bytes, size);
	end[size] = '\0';
	buf->size += size;
}

void
bf_buf_add_text(struct bf_buf *buf, const char *text)
{
	bf_buf_add(buf, text, strlen(text));
}

void
bf_buf_add_byte(struct bf_buf *buf, char byte)
{
	bf_buf_add(buf, &byte, 1);
}

void
bf_buf_add_format(struct bf_buf *buf, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		return;
	bf_buf_reserve(buf, (size_t)length);
	va_start(args, format);
	vsnprintf(buf->data + buf->size, (size_t)length + 1, format, args);
	va_end(args);
	buf->size += (size_t)length;
}

const char *
bf_buf_text(const struct bf_buf *buf)
{
	return buf->data ? buf->data : "";
}

char *
bf_buf_take(struct bf_buf *buf)
{
	char *data = buf->data ? buf->data : bf_zalloc(1, 1);

	*buf = (struct bf_buf){ 0 };
	return data;
}

void
bf_buf_clear(struct bf_buf *buf)
{
	buf->size = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void
bf_buf_wipe(struct bf_buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->capacity);
	bf_buf_free(buf);
}

void
bf_buf_free(struct bf_buf *buf)
{
	free(buf->data);
	*buf = (struct bf_buf){ 0 };
}
