/*
 * arena.c - memory that is freed at once
 *
 * Blocks double, so that a large document takes few of them. What is larger
 * than a block has one of its own.
 */
#include "core/lib/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include <belfry/memory.h>

#define FIRST_BLOCK 8192
#define LARGEST_BLOCK (256 * 1024)

struct bf_arena_block {
	struct bf_arena_block *next;
	alignas(max_align_t) char bytes[];
};

static void
add_block(struct bf_arena *arena, size_t size)
{
	struct bf_arena_block *block;
	size_t room = arena->size > 0 ? 2 * arena->size : FIRST_BLOCK;

	if (room > LARGEST_BLOCK)
		room = LARGEST_BLOCK;
	if (room < size)
		room = size;
	block = bf_resize(NULL, 1, sizeof(*block) + room);
	block->next = arena->blocks;
	arena->blocks = block;
	arena->size = room;
	arena->used = 0;
}

void *
bf_arena_take(struct bf_arena *arena, size_t size)
{
	const size_t whole = (size + alignof(max_align_t) - 1) /
			     alignof(max_align_t) * alignof(max_align_t);
	void *taken;

	if (whole > arena->size - arena->used)
		add_block(arena, whole);
	taken = arena->blocks->bytes + arena->used;
	arena->used += whole;
	return taken;
}

void
bf_arena_free(struct bf_arena *arena)
{
	while (arena->blocks) {
		struct bf_arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	*arena = (struct bf_arena){ 0 };
}
