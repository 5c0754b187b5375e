/*
 * failing_malloc.c - a malloc() that fails when it is told to
 *
 * At an allocation the process forks: the child goes on without the memory,
 * the parent waits for what becomes of it and goes on with it. So the work of
 * finding out is linear in the number of allocations.
 */
#include "tests/unit/failing_malloc.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#ifdef BF_SANITIZED
extern void *__interceptor_malloc(size_t size);
extern void *__interceptor_calloc(size_t count, size_t size);
extern void *__interceptor_realloc(void *memory, size_t size);
#define real_malloc __interceptor_malloc
#define real_calloc __interceptor_calloc
#define real_realloc __interceptor_realloc
#else
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
#define real_malloc __libc_malloc
#define real_calloc __libc_calloc
#define real_realloc __libc_realloc
#endif
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static enum {
	WORKS, /* as ever */
	FORKS, /* each allocation is tried without in children */
	FAILS, /* from here on */
} state;
static int allocations; /* that were made to fail */
static int wrong;       /* children with a wrong outcome */
static int said;        /* what a child writes to stderr */

/* Whether a child that has ended did so in one of the right ways. */
static bool
ended_well(int status)
{
	char text[4096];
	ssize_t size;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	size = pread(said, text, sizeof(text) - 1, 0);
	text[size > 0 ? size : 0] = '\0';
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
	    strstr(text, "out of memory"))
		return true;
	fprintf(stderr, "allocation %d: status %#x\n%s\n", allocations,
	    (unsigned)status, text);
	return false;
}

/* Makes a child that goes on without memory: true in it. */
static bool
try_without(bool all)
{
	pid_t pid;
	int status;

	state = WORKS;
	if (ftruncate(said, 0) == -1 || lseek(said, 0, SEEK_SET) == -1 ||
	    (pid = fork()) == -1) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (pid == 0) {
		dup2(said, STDERR_FILENO);
		allocations = -1;
		state = all ? FAILS : WORKS;
		return true;
	}
	if (waitpid(pid, &status, 0) != pid || !ended_well(status))
		wrong++;
	state = FORKS;
	return false;
}

static bool
fails(void)
{
	if (state == FORKS) {
		allocations++;
		if (!try_without(false) && !try_without(true))
			return false;
	} else if (state != FAILS) {
		return false;
	}
	errno = ENOMEM;
	return true;
}

__attribute__((visibility("default"))) void *
malloc(size_t size)
{
	return fails() ? NULL : real_malloc(size);
}

__attribute__((visibility("default"))) void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : real_calloc(count, size);
}

__attribute__((visibility("default"))) void *
realloc(void *memory, size_t size)
{
	return fails() ? NULL : real_realloc(memory, size);
}

__attribute__((visibility("default"))) void *
reallocarray(void *memory, size_t count, size_t size)
{
	size_t bytes;

	if (fails() || __builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return real_realloc(memory, bytes);
}

int
failing_malloc_each(bool (*run)(void))
{
	bool right;

	allocations = 0;
	wrong = 0;
	said = memfd_create("said", 0);
	if (said == -1)
		return -1;
	state = FORKS;
	right = run();
	state = WORKS;
	/* A child: it has nothing else to do. */
	if (allocations == -1)
		_exit(right ? EXIT_SUCCESS : EXIT_FAILURE);
	close(said);
	return right && wrong == 0 ? allocations : -1;
}
