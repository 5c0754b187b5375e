/*
 * path.c - what a relative path in a conf file starts at
 */
#include "core/conf/conf.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

/* The current folder, for a conf file that was itself named relatively. */
static char *
here(void)
{
	char folder[PATH_MAX];

	return bf_strdup(getcwd(folder, sizeof(folder)) ? folder : "");
}

char *
bf_conf_path(const struct bf_conf_node *node, const char *path)
{
	const char *slash = strrchr(node->file, '/');
	const int length = slash ? (int)(slash - node->file) + 1 : 0;
	char *folder;
	char *whole;

	if (path[0] == '/')
		return bf_strdup(path);
	if (node->file[0] == '/')
		return bf_strf("%.*s%s", length, node->file, path);
	folder = here();
	whole = bf_strf("%s/%.*s%s", folder, length, node->file, path);
	free(folder);
	return whole;
}
