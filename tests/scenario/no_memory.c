/*
 * no_memory.c - to be preloaded: one allocation, of all that a program and its
 * children make, fails
 *
 * NO_MEMORY_COUNT names a file of four bytes in which they are counted, by all
 * processes together; NO_MEMORY_AT says which one fails (0: none does).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#define SHOWN __attribute__((visibility("default")))

static _Atomic unsigned *count; /* shared; NULL: not yet, or not asked for */
static unsigned at;

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("NO_MEMORY_COUNT");
	const char *number = getenv("NO_MEMORY_AT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *page;

	if (fd == -1)
		return;
	at = number ? (unsigned)strtoul(number, NULL, 10) : 0;
	page = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	close(fd);
	if (page != MAP_FAILED)
		count = page;
}

static int
fails(void)
{
	if (!count || atomic_fetch_add(count, 1) + 1 != at)
		return 0;
	errno = ENOMEM;
	return 1;
}

SHOWN void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

SHOWN void *
calloc(size_t number, size_t size)
{
	return fails() ? NULL : __libc_calloc(number, size);
}

SHOWN void *
realloc(void *memory, size_t size)
{
	return fails() ? NULL : __libc_realloc(memory, size);
}

SHOWN void *
reallocarray(void *memory, size_t number, size_t size)
{
	size_t bytes;

	if (fails() || __builtin_mul_overflow(number, size, &bytes))
		return NULL;
	return __libc_realloc(memory, bytes);
}
