/*
 * later.c - the loader of a belfry whose struct bf_module has one member more
 *
 * Loads the module of its argument. Exit status 0: the module lacks the member,
 * and has all others.
 */
#include <stdio.h>

#include "core/module/loader.h"

int
main(int argc, char **argv)
{
	struct bf_loader *loader = bf_loader_new();
	struct bf_error err = { "" };
	const struct bf_module *module =
	    argc == 2 ? bf_loader_open(loader, argv[1], &err) : NULL;
	int status = 1;

	if (!module)
		fprintf(stderr, "%s\n", err.text);
	else if (module->size >= sizeof(struct bf_module))
		fprintf(stderr, "the module is not older\n");
	else if (module->later)
		fprintf(stderr, "a member that it does not have is set\n");
	else if (module->compose && module->judge && module->check)
		status = 0;
	bf_loader_free(&loader);
	return status;
}
