#ifndef BF_REGISTRY_LOAD_H
#define BF_REGISTRY_LOAD_H

#include <belfry/error.h>

#include "core/conf/settings.h"
#include "core/registry/snapshot.h"

/* The pid file where the conf file names none. */
#define BF_PID_FILE BF_RUNSTATEDIR "/belfry/belfry.pid"

/*
 * What the loader needs of modules while it reads a conf file. The module
 * folder is above this one, so it comes in as functions.
 */
struct bf_module_source {
	/*
	 * Loads the module at path (absolute). Returns its info in new memory
	 * inside *info and its directive table in *table (borrowed, valid as
	 * long as the process), or -1.
	 */
	int (*load)(void *context, const char *path,
	    struct bf_module_info *info, const struct bf_directive **table,
	    struct bf_error *err);
	/* Checks settings as a whole by the module's own check, or -1. Each
	 * has been checked by its directive; the message names no place. May
	 * be NULL. */
	int (*check)(void *context, const char *name,
	    const struct bf_channel *channel, struct bf_error *err);
	void *context;
};

/*
 * Makes a snapshot from a conf file. Every mistake is an error that names
 * file, line, directive and what was expected.
 *
 * globals  text of further directives (option -g), or NULL
 * modules_directory  where relative paths of load_module start: with
 *     "load_module modules/x.so;" the folder that has modules/
 */
struct bf_snapshot *bf_registry_load(const char *path, const char *globals,
    const char *modules_directory, const struct bf_module_source *modules,
    const struct bf_secret_source *secrets, struct bf_error *err);

/* The directives whose words bf_conf_dump is to mask: NULL at the end. The
 * array is new, the names are borrowed. */
const char **bf_registry_secret_names(const struct bf_snapshot *snapshot);

#endif
