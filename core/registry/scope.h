#ifndef BF_SCOPE_H
#define BF_SCOPE_H

#include <stdbool.h>

/*
 * What a bearer token allows. No scope includes another, but for two: manage
 * includes what ingest and read allow of its own tenant, and admin is
 * everything, of every tenant and of the daemon. Figures of the daemon tell one
 * tenant of another: who collects them has a scope for nothing else.
 */
enum bf_scope {
	BF_SCOPE_INGEST,  /* to post events */
	BF_SCOPE_METRICS, /* to read the figures of the daemon */
	BF_SCOPE_READ,    /* to read what a tenant has */
	BF_SCOPE_MANAGE,  /* all that concerns one tenant */
	BF_SCOPE_ADMIN,
};

/* The names, in the order of the numbers, NULL-terminated; with blanks between;
 * and how they are told in a sentence. */
extern const char *const bf_scope_names[];
#define BF_SCOPE_LIST "ingest metrics read manage admin"
#define BF_SCOPE_CHOICES "ingest, metrics, read, manage or admin"

/* Whether it is about all tenants, so that only an admin may give it. */
bool bf_scope_of_daemon(enum bf_scope scope);

/* The scope of a name (NULL: of none). Returns 0, or -1 if there is none. */
int bf_scope_parse(const char *name, enum bf_scope *scope);

#endif
