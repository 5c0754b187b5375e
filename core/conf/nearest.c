/*
 * nearest.c - what a misspelt name was meant to be
 *
 * The distance of two names is how many letters have to be changed, added,
 * taken away or swapped with the next one (optimal string alignment). Upper and
 * lower case are the same letter here.
 */
#include "core/conf/settings.h"

#include <ctype.h>
#include <string.h>

#define LONGEST 64 /* longer words have no nearest name */

static unsigned
min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The distance, or more than most if it is. */
static unsigned
distance(const char *a, size_t a_size, const char *b, size_t b_size,
    unsigned most)
{
	unsigned rows[3][LONGEST + 1] = { 0 };
	unsigned *before = rows[0], *last = rows[1], *row = rows[2], *free_row;

	for (size_t j = 0; j <= b_size; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_size; i++) {
		unsigned least = row[0] = (unsigned)i;

		for (size_t j = 1; j <= b_size; j++) {
			const bool equal = same(a[i - 1], b[j - 1]);

			row[j] = min(last[j - 1] + !equal,
			    min(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]))
				row[j] = min(row[j], before[j - 2] + 1);
			least = min(least, row[j]);
		}
		if (least > most + 1)
			return least;
		free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return last[b_size];
}

const char *
bf_nearest(const char *word, const char *const *names, size_t count)
{
	const size_t size = strlen(word);
	/* One slip in three letters is still a slip. */
	unsigned best = size < 3 ? 1 : (unsigned)size / 3;
	const char *nearest = NULL;

	if (size > LONGEST)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const size_t name_size = strlen(names[i]);
		unsigned d;

		if (name_size > LONGEST || name_size > size + best ||
		    size > name_size + best)
			continue;
		d = distance(word, size, names[i], name_size, best);
		if (d < best || (d == best && !nearest)) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}
