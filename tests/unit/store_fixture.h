#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "core/store/store.h"

/* What a test of an open store begins with: a directory of its own, the store
 * in it, and an empty batch. */

extern char *dir;
extern struct bf_store *store;
extern struct bf_batch batch;
extern struct bf_error err;

/* For cmocka, before and after each test. */
int set_up(void **state);
int tear_down(void **state);

#endif
