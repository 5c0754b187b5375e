/*
 * vault.c - the environment, kept out of every process's memory
 */
#include "core/process/vault.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

extern char **environ;

struct bf_vault {
	char *bytes; /* "NAME=value" after one another, each with a NUL */
	size_t size;
};

/* Whether a variable stays: it is no secret, and libraries look for it. */
static bool
stays(const char *variable)
{
	static const char *const names[] = { "PATH=", "TZ=", "LANG=", "LC_",
		"HOME=", "TMPDIR=", "NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_",
		"SSL_CERT_" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

static int
write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t written = write(fd, bytes, size);

		if (written <= 0)
			return -1;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

int
bf_vault_take(void)
{
	int fd = memfd_create("belfry-environment", MFD_CLOEXEC);
	struct bf_buf all = { 0 };
	char **kept;
	size_t count = 0;

	if (fd == -1)
		return -1;
	for (char **variable = environ; *variable; variable++, count++)
		bf_buf_add(&all, *variable, strlen(*variable) + 1);
	if (write_all(fd, bf_buf_text(&all), all.size) == -1) {
		bf_buf_wipe(&all);
		close(fd);
		return -1;
	}
	bf_buf_wipe(&all);
	kept = bf_zalloc(count + 1, sizeof(*kept));
	count = 0;
	for (char **variable = environ; *variable; variable++) {
		if (stays(*variable))
			kept[count++] = bf_strdup(*variable);
		explicit_bzero(*variable, strlen(*variable));
	}
	environ = kept;
	return fd;
}

struct bf_vault *
bf_vault_open(int fd)
{
	struct bf_vault *vault = bf_new(struct bf_vault);
	struct stat file;

	if (fd == -1 || fstat(fd, &file) == -1 || file.st_size == 0)
		return vault;
	vault->bytes =
	    mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (vault->bytes == MAP_FAILED)
		vault->bytes = NULL;
	else
		vault->size = (size_t)file.st_size;
	return vault;
}

/* The variable after this one, or the first; NULL at the end. */
static const char *
next(const struct bf_vault *vault, const char *variable)
{
	variable = variable ? variable + strlen(variable) + 1 : vault->bytes;
	if (!variable || variable >= vault->bytes + vault->size)
		return NULL;
	return variable;
}

const char *
bf_vault_get(void *context, const char *name)
{
	const struct bf_vault *vault = context;
	const size_t length = strlen(name);
	const char *variable = NULL;

	while ((variable = next(vault, variable))) {
		if (strncmp(variable, name, length) == 0 &&
		    variable[length] == '=')
			return variable + length + 1;
	}
	return NULL;
}

char **
bf_vault_environment(struct bf_vault *vault, const char *more)
{
	const char *variable = NULL;
	char **all;
	size_t count = 1;

	while ((variable = next(vault, variable)))
		count++;
	all = bf_zalloc(count + 1, sizeof(*all));
	count = 0;
	all[count++] = bf_strdup(more);
	while ((variable = next(vault, variable))) {
		/* WATCHDOG_PID names the process that is being replaced. */
		if (strncmp(variable, "BELFRY_UPGRADE=", 15) != 0 &&
		    strncmp(variable, "WATCHDOG_PID=", 13) != 0)
			all[count++] = bf_strdup(variable);
	}
	return all;
}

void
bf_vault_close(struct bf_vault **vault)
{
	if (!*vault)
		return;
	if ((*vault)->bytes)
		munmap((*vault)->bytes, (*vault)->size);
	free(*vault);
	*vault = NULL;
}
