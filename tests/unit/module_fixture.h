#ifndef MODULE_FIXTURE_H
#define MODULE_FIXTURE_H

#include "core/module/loader.h"

/* A directive and its words; one without a name ends a list. */
struct setting {
	const char *name;
	const char *words[2];
};

/* The module's settings from directives; NULL and err if it refuses them. */
void *fixture_configure(const struct bf_module *module,
    const struct setting *settings, struct bf_error *err);

/* Its verdict about an answer with at most two headers (or NULL), judged at
 * 2026-04-10T15:30:45.123Z. */
struct bf_verdict fixture_judge(const struct bf_module *module,
    const void *conf, int status, const char *body, const char *first,
    const char *second);

/* The body that it composes for a posted event of that severity; free it. */
char *fixture_compose(const struct bf_module *module, const void *conf,
    const char *posted, enum bf_severity severity);

#endif
