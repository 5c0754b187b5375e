#ifndef LOAD_FIXTURE_H
#define LOAD_FIXTURE_H

#include "core/registry/load.h"

/* The names of the files that texts are loaded from; the end differs. */
#define LOAD_PATH "/tmp/belfry-load-XXXXXX"

/*
 * Snapshots from text, with modules "hook" and "webhook" (url, secret, header,
 * ca_file) and a module "post" (none but text; own retry and max_age) that need
 * no shared object. Environment: KEY is "s3cret", HOOK a URL.
 */

/* Loads the text as a conf file. In messages that file is called CONF. NULL
 * with err set if it is refused. */
struct bf_snapshot *load_text(const char *text, struct bf_error *err);

/* The same with the text of -g. */
struct bf_snapshot *load_text_with(const char *text, const char *globals,
    struct bf_error *err);

/* The same with a file, whose name stays as it is. */
struct bf_snapshot *load_file(const char *path, const char *globals,
    struct bf_error *err);

/* The same, with both modules loaded in front and a failing test if it is
 * refused. */
struct bf_snapshot *load_good(const char *text);

#endif
