/*
 * channel_numbers.c - the numbers of channels, all at once
 */
#include "core/process/channel_numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/base/hash.h"
#include "core/registry/registry.h"

/* A tenant and a line feed, which neither may contain, and a name. */
#define KEY_SIZE (BF_TENANT_MAX + 1 + BF_NAME_MAX + 1)

struct numbered {
	UT_hash_handle hh;
	uint32_t number;
	char key[];
};

struct bf_channel_numbers {
	struct bf_store *store;
	struct numbered *all;
	struct bf_numbered_channel *new; /* its texts are owned */
	uint32_t **asked;                /* where the number of each belongs */
	size_t new_count;
};

/* Writes the key of a channel and returns its length, or 0 if it has none. */
static size_t
make_key(char key[KEY_SIZE], const char *tenant, const char *name)
{
	const int size = snprintf(key, KEY_SIZE, "%s\n%s", tenant, name);

	return size < KEY_SIZE ? (size_t)size : 0;
}

static void
note(void *context, uint32_t number, const char *tenant, const char *name)
{
	struct bf_channel_numbers *numbers = context;
	struct numbered *numbered;
	char key[KEY_SIZE];
	const size_t size = make_key(key, tenant, name);

	if (size == 0)
		return;
	numbered = bf_zalloc(1, sizeof(*numbered) + size + 1);
	numbered->number = number;
	memcpy(numbered->key, key, size);
	HASH_ADD_KEYPTR(hh, numbers->all, numbered->key, size, numbered);
}

struct bf_channel_numbers *
bf_channel_numbers_read(struct bf_store *store, enum bf_store_result *result,
    struct bf_error *err)
{
	struct bf_channel_numbers *numbers = bf_new(struct bf_channel_numbers);

	numbers->store = store;
	*result = bf_store_channels(store, note, numbers, err);
	if (*result != BF_STORE_OK)
		bf_channel_numbers_free(&numbers);
	return numbers;
}

static void
note_new(struct bf_channel_numbers *numbers, const char *tenant,
    const char *name, uint32_t *number)
{
	const size_t count = numbers->new_count;

	/* They grow at powers of two: count alone tells when they are full. */
	if ((count & (count - 1)) == 0) {
		const size_t room = count > 0 ? count * 2 : 1;

		numbers->new =
		    bf_resize(numbers->new, room, sizeof(*numbers->new));
		numbers->asked =
		    bf_resize(numbers->asked, room, sizeof(*numbers->asked));
	}
	numbers->new[count] = (struct bf_numbered_channel){ bf_strdup(tenant),
		bf_strdup(name), 0 };
	numbers->asked[count] = number;
	numbers->new_count++;
}

void
bf_channel_numbers_ask(struct bf_channel_numbers *numbers, const char *tenant,
    const char *name, uint32_t *number)
{
	struct numbered *numbered = NULL;
	char key[KEY_SIZE];
	const size_t size = make_key(key, tenant, name);

	if (size > 0)
		HASH_FIND(hh, numbers->all, key, size, numbered);
	if (numbered)
		*number = numbered->number;
	else
		note_new(numbers, tenant, name, number);
}

enum bf_store_result
bf_channel_numbers_give(struct bf_channel_numbers *numbers,
    struct bf_error *err)
{
	const enum bf_store_result result =
	    bf_store_number_channels(numbers->store, numbers->new,
		numbers->new_count, err);

	for (size_t i = 0; result == BF_STORE_OK && i < numbers->new_count; i++)
		*numbers->asked[i] = numbers->new[i].number;
	return result;
}

void
bf_channel_numbers_free(struct bf_channel_numbers **numbers)
{
	struct numbered *numbered, *next;

	if (!*numbers)
		return;
	HASH_ITER(hh, (*numbers)->all, numbered, next)
	{
		HASH_DEL((*numbers)->all, numbered);
		free(numbered);
	}
	for (size_t i = 0; i < (*numbers)->new_count; i++) {
		free((char *)(*numbers)->new[i].tenant);
		free((char *)(*numbers)->new[i].name);
	}
	free((*numbers)->new);
	free((*numbers)->asked);
	free(*numbers);
	*numbers = NULL;
}
