/*
 * memory.c - memory that is always there
 *
 * A process that runs out of memory can't be trusted to clean up after itself,
 * and belfry need not: every process may die at any moment.
 */
#include "core/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHED_MOST 1024 /* bytes of a piece that glibc keeps for the next */

void
bf_memory_exhausted(void)
{
	static const char text[] = "belfry: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	abort();
}

void *
bf_malloc(size_t size)
{
	void *memory = malloc(size > 0 ? size : 1);

	if (!memory)
		bf_memory_exhausted();
	return memory;
}

/* In glibc 2.36 only malloc takes from the thread's cache of small pieces;
 * calloc, which goes the long way, need not touch the pages of large ones. */
void *
bf_zalloc(size_t count, size_t size)
{
	void *memory;

	count = count > 0 ? count : 1;
	size = size > 0 ? size : 1;
	if (size <= CACHED_MOST / count)
		return memset(bf_malloc(count * size), 0, count * size);
	memory = calloc(count, size);
	if (!memory)
		bf_memory_exhausted();
	return memory;
}

void *
bf_realloc(void *memory, size_t size)
{
	return bf_resize(memory, 1, size > 0 ? size : 1);
}

void *
bf_resize(void *memory, size_t count, size_t size)
{
	void *resized = reallocarray(memory, count > 0 ? count : 1, size);

	if (!resized)
		bf_memory_exhausted();
	return resized;
}

char *
bf_strndup(const char *bytes, size_t size)
{
	char *copy = bf_malloc(size + 1);

	if (size > 0)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

char *
bf_strdup(const char *text)
{
	return text ? bf_strndup(text, strlen(text)) : NULL;
}

char *
bf_strf(const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		bf_memory_exhausted();
	return text;
}
