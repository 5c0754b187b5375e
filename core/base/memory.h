#ifndef BELFRY_MEMORY_H
#define BELFRY_MEMORY_H

#include <stddef.h>

#include <belfry/api.h>

/*
 * Memory that is always there: running out of it ends the process with a line
 * in the log, and the master starts another. So callers do not check.
 */

/* Ends the process with that line: for those who ask elsewhere for memory. */
BF_API _Noreturn void bf_memory_exhausted(void);

/* A zeroed object of the type, to be freed with free(). */
#define bf_new(type) ((type *)bf_zalloc(1, sizeof(type)))

/* A zeroed array of count elements of size bytes; never NULL. */
BF_API void *bf_zalloc(size_t count, size_t size);

/* As malloc() and realloc(), but never NULL: for libraries that take such. */
BF_API void *bf_malloc(size_t size);
BF_API void *bf_realloc(void *memory, size_t size);

/* As reallocarray(), but never NULL. */
BF_API void *bf_resize(void *memory, size_t count, size_t size);

/* A copy of a C string (NULL for NULL), or of size bytes and a NUL. */
BF_API char *bf_strdup(const char *text);
BF_API char *bf_strndup(const char *bytes, size_t size);

/* Formatted text in new memory. */
BF_API char *bf_strf(const char *format, ...) BF_PRINTF(1, 2);

#endif
