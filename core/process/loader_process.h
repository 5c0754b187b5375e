#ifndef BF_LOADER_PROCESS_H
#define BF_LOADER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

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
	bool *unset; /* set if what failed is an env:NAME that the vault does
			not have; or NULL */
};

/*
 * secrets  set to a memfd with the whole snapshot as bytes, for the scheduler
 *
 * Returns the snapshot without secrets, or NULL with the reason. Waits for the
 * loader, for a minute at most.
 */
struct bf_snapshot *bf_load_conf(const struct bf_load *load, int *secrets,
    struct bf_error *err);

/* The same for who has other things to do meanwhile. */
struct bf_loading;

/* Starts the loader; NULL with the reason. Shares load's path until the end. */
struct bf_loading *bf_load_start(const struct bf_load *load,
    struct bf_error *err);

/* Readable when bf_load_heard is to be called; -1: no more. */
int bf_load_fd(const struct bf_loading *loading);

/* Takes what the loader said. */
void bf_load_heard(struct bf_loading *loading);

/* To be called with every process that was reaped, until it says that this was
 * the loader. */
bool bf_load_reaped(struct bf_loading *loading, pid_t pid, int status);

/* What bf_load_conf returns, of a loader that was reaped. Frees. */
struct bf_snapshot *bf_load_end(struct bf_loading **loading, int *secrets,
    struct bf_error *err);

/* Kills the loader, if there is one, and frees. */
void bf_load_abandon(struct bf_loading **loading);

/* In a child that was forked meanwhile: closes what is not its business. */
void bf_load_close(const struct bf_loading *loading);

#endif
