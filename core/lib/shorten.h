#ifndef BELFRY_SHORTEN_H
#define BELFRY_SHORTEN_H

#include <stddef.h>

#include <belfry/api.h>
#include <belfry/buf.h>

/* What a limit counts: platforms differ. */
enum bf_unit {
	BF_UNIT_BYTE,       /* of UTF-8 */
	BF_UNIT_CODE_POINT, /* Slack */
	BF_UNIT_UTF16,      /* 16-bit units, as JavaScript counts; Discord */
};

/* The longest that a text may be. { 0 } is no limit. */
struct bf_limit {
	size_t most;
	enum bf_unit unit;
};

/* The length of size bytes of UTF-8 in units. */
BF_API size_t bf_length(const char *text, size_t size, enum bf_unit unit);

/*
 * Shortens plain text that is longer than the limit, and says so: it then ends
 * in "… (3,214 more characters)", where a character is a code point, and is
 * within the limit with that. It is cut behind a word where one ends in the
 * second half of what fits, else between characters as a reader sees them
 * (grapheme clusters, UAX #29), so that no emoji or accent is taken apart. A
 * limit too small for the note leaves "…", one too small for that leaves
 * nothing. text is UTF-8, valid before and after.
 */
BF_API void bf_shorten(struct bf_buf *text, struct bf_limit limit);

#endif
