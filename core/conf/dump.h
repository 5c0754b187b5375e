#ifndef BF_CONF_DUMP_H
#define BF_CONF_DUMP_H

#include <stddef.h>

#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * What `belfry -T` prints: the conf file as it is written, comments and all,
 * without its secrets.
 */

/*
 * Appends every file that the conf file at path consists of, each once, under
 * a line "# configuration file PATH:". The words of directives whose names are
 * in secrets (NULL-terminated) are written as ***, in comments too, unless they
 * are references (env:, file:, sealed:), as is what stands in front of the "@"
 * of a URL.
 */
int bf_conf_dump(const char *path, const char *const *secrets,
    struct bf_buf *out, struct bf_error *err);

/* The same for one text. Returns -1, and appends nothing, if it does not obey
 * the grammar. */
int bf_conf_mask(const char *text, size_t size, const char *const *secrets,
    struct bf_buf *out);

#endif
