#ifndef BF_LOADER_H
#define BF_LOADER_H

#include <belfry/error.h>
#include <belfry/module.h>

#include "core/registry/load.h"
#include "core/registry/snapshot.h"

/*
 * Opens modules. Refuses, with the reason: a file or folder that others may
 * write to, no symbol bf_module, another ABI, a wrong size, a name that is
 * taken or no name.
 */
struct bf_loader;

struct bf_loader *bf_loader_new(void);

/* Opens the shared object at path. The module stays loaded. */
const struct bf_module *bf_loader_open(struct bf_loader *loader,
    const char *path, struct bf_error *err);

/* An opened module by name, or NULL. */
const struct bf_module *bf_loader_find(const struct bf_loader *loader,
    const char *name);

/* Fills in what the conf needs to know of a module. */
void bf_loader_describe(const struct bf_module *module, const char *path,
    struct bf_module_info *info);

/* The functions that the registry's loading wants; context is the loader. */
struct bf_module_source bf_loader_source(struct bf_loader *loader);

/*
 * A channel's settings as its module's own struct: new memory, defaults and
 * settings applied, checked by the module. NULL with the reason.
 */
void *bf_module_settings(const struct bf_module *module,
    const struct bf_channel *channel, struct bf_error *err);
void bf_module_settings_free(const struct bf_module *module, void **settings);

void bf_loader_free(struct bf_loader **loader);

#endif
