/*
 * due.c - things in the order they fall due
 *
 * Places count from 1, so that a zeroed thing is in no heap and a parent's
 * place is half of its child's.
 */
#include "core/scheduler/due.h"

#include <stdlib.h>

#include <belfry/memory.h>

static void
put(struct bf_due_heap *heap, size_t place, struct bf_due *due)
{
	heap->items[place] = due;
	due->place = place;
}

static void
sift_up(struct bf_due_heap *heap, struct bf_due *due)
{
	size_t place = due->place;

	while (place > 1 && heap->items[place / 2]->at.ms > due->at.ms) {
		put(heap, place, heap->items[place / 2]);
		place /= 2;
	}
	put(heap, place, due);
}

static void
sift_down(struct bf_due_heap *heap, struct bf_due *due)
{
	size_t place = due->place;
	size_t child;

	while ((child = 2 * place) <= heap->count) {
		if (child < heap->count &&
		    heap->items[child + 1]->at.ms < heap->items[child]->at.ms)
			child++;
		if (heap->items[child]->at.ms >= due->at.ms)
			break;
		put(heap, place, heap->items[child]);
		place = child;
	}
	put(heap, place, due);
}

void
bf_due_set(struct bf_due_heap *heap, struct bf_due *due, struct bf_instant at)
{
	due->at = at;
	if (due->place == 0) {
		if (heap->count + 1 >= heap->capacity) {
			heap->capacity =
			    heap->capacity ? heap->capacity * 2 : 16;
			heap->items = bf_resize(heap->items, heap->capacity,
			    sizeof(*heap->items));
		}
		put(heap, ++heap->count, due);
	}
	sift_up(heap, due);
	sift_down(heap, due);
}

void
bf_due_remove(struct bf_due_heap *heap, struct bf_due *due)
{
	struct bf_due *last;
	const size_t place = due->place;

	if (place == 0)
		return;
	last = heap->items[heap->count--];
	due->place = 0;
	if (last == due)
		return;
	put(heap, place, last);
	sift_up(heap, last);
	sift_down(heap, last);
}

struct bf_due *
bf_due_first(const struct bf_due_heap *heap)
{
	return heap->count > 0 ? heap->items[1] : NULL;
}

void
bf_due_free(struct bf_due_heap *heap)
{
	free(heap->items);
	*heap = (struct bf_due_heap){ 0 };
}
