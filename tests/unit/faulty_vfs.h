#ifndef FAULTY_VFS_H
#define FAULTY_VFS_H

#include <stdbool.h>

/*
 * A disk for SQLite that fails and that forgets. It lies over the real files
 * and remembers what of each is on stable storage: what was written reaches it
 * with the next sync that succeeds, and is lost with one that fails, as it is
 * on Linux: a page whose write-back failed counts as clean afterwards.
 */

/* Makes it SQLite's default; and takes it away, with all it remembers. */
void faulty_install(void);
void faulty_remove(void);

/* Writes, syncs, truncations and deletions since the last faulty_fail. */
unsigned faulty_operations(void);

/* Lets the n-th operation from now on fail (1: the next), and so many after
 * it: count 1 is a hiccup. n 0: none fails. */
void faulty_fail(unsigned n, unsigned count);

/* Makes the file system one to read only, under files that are open, too; and
 * one to write to again. */
void faulty_read_only(bool is);

/* Calls watch before each operation; NULL: no more. It may cut the power, and
 * may not use a store. */
void faulty_watch(void (*watch)(void));

enum faulty_luck {
	FAULTY_NOTHING,    /* only what was synced is there after the cut */
	FAULTY_EVERYTHING, /* what was written too */
	FAULTY_SOMETHING,  /* some of what was written */
};

/* Writes the files as they are after a power cut, under their names in
 * another directory. */
void faulty_cut_power(const char *to, enum faulty_luck luck);

#endif
