#ifndef BF_LIB_ARENA_H
#define BF_LIB_ARENA_H

#include <stddef.h>

/* Memory that is handed out piece by piece and freed at once. { 0 } is an
 * empty arena. Running out of memory ends the process. */
struct bf_arena {
	struct bf_arena_block *blocks; /* the one in use first */
	size_t used, size;             /* bytes of that block */
};

/* Bytes for any kind of object, not zeroed, valid until the arena is freed. */
void *bf_arena_take(struct bf_arena *arena, size_t size);

/* Frees all that was taken; the arena is empty afterwards. */
void bf_arena_free(struct bf_arena *arena);

#endif
