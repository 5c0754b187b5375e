#ifndef BF_DESCRIBE_H
#define BF_DESCRIBE_H

#include <belfry/directive.h>

/*
 * A directive table as JSON, for the API, the dashboard and the manual: an
 * array of objects with name, type, required, default, help, min and max,
 * choices. New memory.
 */
char *bf_describe_directives(const struct bf_directive *table);

/*
 * The table that such a description was made of, for processes that do not
 * open modules: directives mean what they did, but for the offsets, which are
 * those of a struct of bf_settings_size bytes that only holds the members.
 * NULL if the text is no description.
 */
struct bf_directive *bf_described_directives(const char *text);
void bf_described_free(struct bf_directive **table);

/* "flag", "integer", ... */
const char *bf_directive_type_name(enum bf_directive_type type);

#endif
