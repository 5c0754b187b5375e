#ifndef BF_DUE_H
#define BF_DUE_H

#include <stddef.h>

#include <belfry/clock.h>

/*
 * Things in the order they fall due: a binary heap. A thing is in the heap
 * once, and can be moved or taken out wherever it stands. The heap borrows
 * its things.
 */
struct bf_due {
	struct bf_instant at;
	size_t place; /* in the heap, from 1; 0: not in it */
};

struct bf_due_heap {
	struct bf_due **items;
	size_t count, capacity;
};

/* Puts a thing in, or moves it, to be due at the instant. */
void bf_due_set(struct bf_due_heap *heap, struct bf_due *due,
    struct bf_instant at);

/* Takes it out; one that is not in is left alone. */
void bf_due_remove(struct bf_due_heap *heap, struct bf_due *due);

/* The thing that is due first, or NULL. It stays in. */
struct bf_due *bf_due_first(const struct bf_due_heap *heap);

void bf_due_free(struct bf_due_heap *heap);

#endif
