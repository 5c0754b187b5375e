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

static void
grow(struct bf_buf *buf, size_t needed)
{
	size_t capacity = buf->capacity > 0 ? buf->capacity : 64;

	while (capacity < needed)
		capacity *= 2;
	buf->data = bf_resize(buf->data, capacity, 1);
	buf->capacity = capacity;
}

/* Makes room for size bytes and the NUL; the end of what is there. */
static inline char *
room_for(struct bf_buf *buf, size_t size)
{
	if (buf->size + size >= buf->capacity)
		grow(buf, buf->size + size + 1);
	return buf->data + buf->size;
}

char *
bf_buf_reserve(struct bf_buf *buf, size_t size)
{
	return room_for(buf, size);
}

void
bf_buf_add(struct bf_buf *buf, const void *bytes, size_t size)
{
	char *end = room_for(buf, size);

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
	char *end = room_for(buf, 1);

	end[0] = byte;
	end[1] = '\0';
	buf->size++;
}

void
bf_buf_add_format(struct bf_buf *buf, const char *format, ...)
{
	char *end = room_for(buf, 0);
	const size_t room = buf->capacity - buf->size;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(end, room, format, args);
	va_end(args);
	if (length < 0) {
		*end = '\0';
		return;
	}
	if ((size_t)length >= room) {
		end = room_for(buf, (size_t)length);
		va_start(args, format);
		vsnprintf(end, (size_t)length + 1, format, args);
		va_end(args);
	}
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
