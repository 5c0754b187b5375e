#ifndef BF_LOADER_PROCESS_H
#define BF_LOADER_PROCESS_H

#include <stdbool.h>

#include <belfry/error.h>

#include "core/registry/snapshot.h"

/*
 * Reads the conf file in a process of its own, which opens the modules and
 * ends: a module that crashes when it is opened is an error in the conf file
 * and nothing worse, and no secret stays in the master's memory.
 */
struct bf_load {
	const char *path;
	const char *globals; /* option -g, or NULL */
	int vault;           /* of the environment */
	bool dump;           /* write the files to standard output (-T) */
};

/*
 * secrets  set to a memfd with the whole snapshot as bytes, for the scheduler
 *
 * Returns the snapshot without secrets, or NULL with the reason.
 */
struct bf_snapshot *bf_load_conf(
    const struct bf_load *load, int *secrets, struct bf_error *err);

#endif
