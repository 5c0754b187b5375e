#ifndef BF_LOCK_H
#define BF_LOCK_H

#include <belfry/error.h>

/*
 * A lock file: held by whoever has the descriptor open, so by every process
 * that inherited it too, and gone when the last of them is. A process that is
 * killed leaves no lock behind, only the file, which means nothing by itself.
 */

/*
 * Takes the lock at path, making the file if it is absent, and writes this
 * process's name into it. Returns the descriptor (close-on-exec), or -1 with a
 * message that names the holder.
 */
int bf_lock_take(const char *path, struct bf_error *err);

/* Names this process as the holder, after it inherited the descriptor. */
void bf_lock_name(int fd);

#endif
