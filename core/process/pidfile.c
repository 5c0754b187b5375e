/*
 * pidfile.c - the file that names the master
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/conf/conf.h"
#include "core/process/master_private.h"
#include "core/registry/load.h"

/* The path in a "pid" of the main context, if there is one. 0, or -1. */
static int
find_name(const struct bf_conf_tree *tree, char **name, struct bf_error *err)
{
	for (const struct bf_conf_node *node = tree->first; node;
	     node = node->next) {
		if (strcmp(node->name, "pid") != 0)
			continue;
		if (node->words.count != 1)
			return bf_conf_error(node, err,
			    "pid: expected one path");
		free(*name);
		*name = bf_conf_path(node, node->words.items[0]);
	}
	return 0;
}

char *
bf_pidfile_name(const char *conf, const char *globals, struct bf_error *err)
{
	struct bf_conf_tree *tree = bf_conf_read(conf, err);
	struct bf_conf_tree *more = NULL;
	char *name = bf_strdup(BF_PID_FILE);
	bool found = tree && find_name(tree, &name, err) == 0;

	if (found && globals) {
		more = bf_conf_parse(globals, strlen(globals), "-g", err);
		found = more && find_name(more, &name, err) == 0;
	}
	if (!found) {
		free(name);
		name = NULL;
	}
	bf_conf_free(&more);
	bf_conf_free(&tree);
	return name;
}

int
bf_pidfile_write(const char *path, struct bf_error *err)
{
	char *draft = bf_strf("%s.%d", path, (int)getpid());
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int status = -1;

	/* Written aside and renamed: nobody reads half a number. */
	if (fd != -1 && dprintf(fd, "%d\n", (int)getpid()) > 0 &&
	    rename(draft, path) == 0)
		status = 0;
	else
		bf_error_errno(err, "write the pid file %s", path);
	if (fd != -1)
		close(fd);
	if (status == -1)
		unlink(draft);
	free(draft);
	return status;
}

pid_t
bf_pidfile_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char text[32] = "";
	long pid;

	if (!file)
		return 0;
	/* 1 is belfry's own in a container. */
	pid = fgets(text, sizeof(text), file) ? strtol(text, NULL, 10) : 0;
	fclose(file);
	if (pid < 1 || pid > INT_MAX)
		return 0;
	if (kill((pid_t)pid, 0) == -1 && errno == ESRCH)
		pid = 0;
	return (pid_t)pid;
}

void
bf_pidfile_set_aside(const char *path, bool aside)
{
	char *old = bf_strf("%s.oldbin", path);

	if (rename(aside ? path : old, aside ? old : path) == -1 &&
	    errno != ENOENT)
		bf_log(BF_LOG_ERROR, "rename the pid file %s: %s", path,
		    strerror(errno));
	free(old);
}

void
bf_pidfile_remove_aside(const char *path)
{
	char *old = bf_strf("%s.oldbin", path);

	unlink(old);
	free(old);
}
