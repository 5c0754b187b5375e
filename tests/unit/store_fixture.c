/*
 * store_fixture.c - an open store for each test
 */
#include "tests/unit/store_fixture.h"

#include "tests/unit/store_helpers.h"

char *dir;
struct bf_store *store;
struct bf_batch batch;
struct bf_error err;

int
set_up(void **state)
{
	(void)state;
	dir = make_directory();
	store = open_store(dir);
	bf_batch_init(&batch);
	return 0;
}

int
tear_down(void **state)
{
	(void)state;
	bf_batch_clear(&batch);
	bf_store_close(&store);
	remove_directory(dir);
	return 0;
}
