#ifndef BF_SQLITE_H
#define BF_SQLITE_H

#include "core/store/store.h"

/* The store on SQLite: bf_store_open and bf_store_open_reader. */
struct bf_store *bf_sqlite_open(const char *dir, struct bf_error *err);
struct bf_store *bf_sqlite_open_reader(const char *dir, struct bf_error *err);

#endif
