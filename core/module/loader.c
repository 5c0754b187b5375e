/*
 * loader.c - opens modules, and refuses what is none
 */
#include "core/module/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/conf/describe.h"

#define MODULE_NAME_MAX 32

/* What a module for the first ABI has: the least size of its struct. */
#define SIZE_LEAST                                                             \
	(offsetof(struct bf_module, judge) +                                   \
	    sizeof(((struct bf_module *)0)->judge))

struct opened {
	struct opened *next;
	char *path;
	struct bf_module module; /* with what an older one lacks as NULL */
};

struct bf_loader {
	struct opened *modules;
};

struct bf_loader *
bf_loader_new(void)
{
	return bf_new(struct bf_loader);
}

/* Whoever may write to it could run code as us. */
static int
check_mode(const char *path, const char *what, struct bf_error *err)
{
	struct stat file;

	if (stat(path, &file) == -1) {
		bf_error_set(err, "%s", strerror(errno));
		return -1;
	}
	if (file.st_mode & S_IWOTH && !(file.st_mode & S_ISVTX)) {
		bf_error_set(err,
		    "%s %s may be written by anyone: expected mode o-w", what,
		    path);
		return -1;
	}
	if (file.st_uid != 0 && file.st_uid != geteuid()) {
		bf_error_set(err,
		    "%s %s belongs to user %u: expected root or belfry's own",
		    what, path, (unsigned)file.st_uid);
		return -1;
	}
	return 0;
}

static int
check_place(const char *path, struct bf_error *err)
{
	char copy[PATH_MAX];

	/* dlopen would search its own folders, and not open what was checked.
	 */
	if (!strchr(path, '/')) {
		bf_error_set(err, "expected a path with a folder");
		return -1;
	}
	snprintf(copy, sizeof(copy), "%s", path);
	if (check_mode(path, "module", err) == -1)
		return -1;
	return check_mode(dirname(copy), "folder", err);
}

static int
check_name(const char *name, struct bf_error *err)
{
	size_t length = name ? strlen(name) : 0;

	if (length > 0 && length <= MODULE_NAME_MAX &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length)
		return 0;
	bf_error_set(err,
	    "its name is \"%.40s\": expected 1 to %d of a-z, 0-9 "
	    "and -",
	    name ? name : "", MODULE_NAME_MAX);
	return -1;
}

/* Checks what the symbol says of itself. */
static int
check_module(const struct bf_loader *loader, const struct bf_module *module,
    struct bf_error *err)
{
	if (module->abi < 1 || module->abi > BF_MODULE_ABI) {
		bf_error_set(err,
		    "it was made for module ABI %d and this belfry "
		    "has %d: build it with this belfry's headers",
		    module->abi, BF_MODULE_ABI);
		return -1;
	}
	if (module->size < SIZE_LEAST) {
		bf_error_set(err,
		    "its struct bf_module has %zu bytes, at least "
		    "%zu are needed: build it with this belfry's headers",
		    module->size, SIZE_LEAST);
		return -1;
	}
	if (check_name(module->name, err) == -1)
		return -1;
	if (!module->directives) {
		bf_error_set(err, "it has no directives");
		return -1;
	}
	if (bf_loader_find(loader, module->name)) {
		bf_error_set(err, "another module is named \"%s\" already",
		    module->name);
		return -1;
	}
	return 0;
}

/* Which functions it has: those of later ABIs too. */
static int
check_functions(const struct bf_module *module, struct bf_error *err)
{
	if (!module->compose && !module->deliver)
		bf_error_set(err, "it has neither compose nor deliver");
	else if (module->deliver && !module->abandon)
		bf_error_set(err, "it has deliver and no abandon");
	else
		return 0;
	return -1;
}

static const struct opened *
find_path(const struct bf_loader *loader, const char *path)
{
	for (const struct opened *own = loader->modules; own; own = own->next) {
		if (strcmp(own->path, path) == 0)
			return own;
	}
	return NULL;
}

const struct bf_module *
bf_loader_open(struct bf_loader *loader, const char *path, struct bf_error *err)
{
	const struct opened *known = find_path(loader, path);
	const struct bf_module *module;
	struct bf_module whole = { 0 };
	struct opened *opened;
	void *handle = NULL;

	if (known)
		return &known->module;
	if (check_place(path, err) == -1)
		goto fail;
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		bf_error_set(err, "%s", dlerror());
		goto fail;
	}
	module = dlsym(handle, "bf_module");
	if (!module) {
		bf_error_set(err, "it has no symbol bf_module: it is no "
				  "module of belfry");
		goto fail;
	}
	if (check_module(loader, module, err) == -1)
		goto fail;
	memcpy(&whole, module,
	    module->size < sizeof(whole) ? module->size : sizeof(whole));
	if (check_functions(&whole, err) == -1)
		goto fail;
	opened = bf_new(struct opened);
	opened->module = whole;
	opened->path = bf_strdup(path);
	opened->next = loader->modules;
	loader->modules = opened;
	return &opened->module;

fail:
	if (handle)
		dlclose(handle);
	bf_error_prefix(err, "load module %s", path);
	return NULL;
}

const struct bf_module *
bf_loader_find(const struct bf_loader *loader, const char *name)
{
	for (const struct opened *own = loader->modules; own; own = own->next) {
		if (strcmp(own->module.name, name) == 0)
			return &own->module;
	}
	return NULL;
}

void
bf_loader_describe(const struct bf_module *module, const char *path,
    struct bf_module_info *info)
{
	info->name = bf_strdup(module->name);
	info->path = bf_strdup(path);
	info->version =
	    bf_strdup(module->version ? module->version : BF_VERSION);
	info->license = bf_strdup(module->license);
	info->summary = bf_strdup(module->summary);
	info->abi = module->abi;
	info->directives = bf_describe_directives(module->directives);
	for (const struct bf_directive *directive = module->directives;
	     directive->name; directive++)
		info->runs_programs |= directive->type == BF_TYPE_PROGRAM;
	info->retry = bf_strdup(module->retry ? module->retry : "1s 2s 4s");
	info->max_age = bf_strdup(module->max_age ? module->max_age : "24h");
	info->rate = bf_strdup(module->rate);
	info->concurrency = bf_strdup(module->concurrency);
	info->timeout = bf_strdup(module->timeout ? module->timeout : "10s");
}

static int
load(void *context, const char *path, struct bf_module_info *info,
    const struct bf_directive **table, struct bf_error *err)
{
	const struct bf_module *module = bf_loader_open(context, path, err);

	if (!module)
		return -1;
	bf_loader_describe(module, path, info);
	*table = module->directives;
	return 0;
}

static int
check(void *context, const char *name, const struct bf_channel *channel,
    struct bf_error *err)
{
	const struct bf_module *module = bf_loader_find(context, name);
	void *settings;

	if (!module) {
		bf_error_set(err, "module %s is not loaded", name);
		return -1;
	}
	settings = bf_module_settings(module, channel, err);
	if (!settings)
		return -1;
	bf_module_settings_free(module, &settings);
	return 0;
}

struct bf_module_source
bf_loader_source(struct bf_loader *loader)
{
	return (struct bf_module_source){ load, check, loader };
}

void
bf_loader_free(struct bf_loader **loader)
{
	struct opened *opened;

	if (!*loader)
		return;
	/* The objects stay mapped: their code may be on somebody's stack. */
	while ((opened = (*loader)->modules)) {
		(*loader)->modules = opened->next;
		free(opened->path);
		free(opened);
	}
	free(*loader);
	*loader = NULL;
}
