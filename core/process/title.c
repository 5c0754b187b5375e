/*
 * title.c - the title that ps shows
 *
 * The arguments and the environment that the kernel laid out stand in one
 * piece; the title is written over them, as nginx and PostgreSQL do.
 */
#include <stdlib.h>
#include <string.h>

#include "core/process/child.h"

extern char **environ;

static struct {
	char *start;
	size_t size;
} title;

void
bf_title_init(int argc, char **argv)
{
	char *end;

	if (argc == 0)
		return;
	end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
	for (char **variable = environ; *variable; variable++) {
		if (*variable == end)
			end = *variable + strlen(*variable) + 1;
	}
	title.start = argv[0];
	title.size = (size_t)(end - argv[0]);
}

void
bf_title_set(const char *text)
{
	static const char name[] = "belfry: ";
	const size_t length = strlen(text);

	if (title.size < sizeof(name))
		return;
	memset(title.start, 0, title.size);
	memcpy(title.start, name, sizeof(name) - 1);
	memcpy(title.start + sizeof(name) - 1, text,
	    length < title.size - sizeof(name) ? length
					       : title.size - sizeof(name));
}
