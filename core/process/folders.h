#ifndef BF_FOLDERS_H
#define BF_FOLDERS_H

#include <sys/types.h>

#include <belfry/error.h>
#include <belfry/strings.h>

#include "core/registry/snapshot.h"

/*
 * The folders that the conf file names, made where they are not there: the
 * state_dir, for its user alone (0700), and those of the log, the pid file and
 * the Unix sockets (0755, ours), with all above them.
 */

/*
 * uid, gid  whose the state_dir is to be; -1: ours
 * made      gets the path of each that was made, in order; the caller's to give
 *           to one of the two below, on failure too
 */
int bf_folders_make(const struct bf_snapshot *snapshot, uid_t uid, gid_t gid,
    struct bf_strings *made, struct bf_error *err);

/* Notes them in the log: a slip in the conf file makes folders, too. Frees. */
void bf_folders_tell(struct bf_strings *made);

/* Removes those that nothing was put into: what they were made for failed.
 * Frees. */
void bf_folders_remove(struct bf_strings *made);

#endif
