/*
 * scope.c - what a bearer token allows, by name
 */
#include "core/registry/scope.h"

#include <stddef.h>
#include <string.h>

const char *const bf_scope_names[] = { "ingest", "metrics", "read", "manage",
	"admin", NULL };

bool
bf_scope_of_daemon(enum bf_scope scope)
{
	return scope == BF_SCOPE_METRICS || scope == BF_SCOPE_ADMIN;
}

int
bf_scope_parse(const char *name, enum bf_scope *scope)
{
	for (size_t i = 0; name && bf_scope_names[i]; i++) {
		if (strcmp(name, bf_scope_names[i]) == 0) {
			*scope = (enum bf_scope)i;
			return 0;
		}
	}
	return -1;
}
