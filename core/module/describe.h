#ifndef BF_DESCRIBE_H
#define BF_DESCRIBE_H

#include <belfry/directive.h>

/*
 * A directive table as JSON, for the API, the dashboard and the manual: an
 * array of objects with name, type, required, default, help, min and max,
 * choices. New memory.
 */
char *bf_describe_directives(const struct bf_directive *table);

/* "flag", "integer", ... */
const char *bf_directive_type_name(enum bf_directive_type type);

#endif
