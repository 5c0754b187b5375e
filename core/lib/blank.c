/*
 * blank.c - whether there is nothing to be seen in a text
 */
#include "core/lib/blank.h"

#include <stddef.h>
#include <string.h>

/* White space beyond ASCII (Unicode's White_Space) and marks without width
 * (Default_Ignorable_Code_Point) that are met in texts. */
/* NOLINTBEGIN(misc-misleading-bidirectional): named, to be left out */
static const char *const blanks[] = {
	"\xc2\x85",     /* U+0085 next line */
	"\xc2\xa0",     /* U+00A0 no-break space */
	"\xc2\xad",     /* U+00AD soft hyphen */
	"\xcd\x8f",     /* U+034F combining grapheme joiner */
	"\xe1\x9a\x80", /* U+1680 ogham space */
	"\xe1\xa0\x8e", /* U+180E mongolian vowel separator */
	"\xe2\x80\x80", /* U+2000 to U+200F: spaces, joiners, directions */
	"\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
	"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
	"\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\x8b", "\xe2\x80\x8c",
	"\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",
	"\xe2\x80\xa8", /* U+2028 to U+202F: separators, directions */
	"\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac",
	"\xe2\x80\xad", "\xe2\x80\xae", "\xe2\x80\xaf",
	"\xe2\x81\x9f", /* U+205F to U+2064 */
	"\xe2\x81\xa0", "\xe2\x81\xa1", "\xe2\x81\xa2", "\xe2\x81\xa3",
	"\xe2\x81\xa4", "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8",
	"\xe2\x81\xa9", /* U+2066 to U+2069: isolates */
	"\xe3\x80\x80", /* U+3000 ideographic space */
	"\xe3\x85\xa4", /* U+3164 hangul filler */
	"\xef\xb8\x8e", /* U+FE0E and U+FE0F: variation selectors */
	"\xef\xb8\x8f", "\xef\xbb\xbf", /* U+FEFF zero width no-break space */
};
/* NOLINTEND(misc-misleading-bidirectional) */

/* The length of the blank character that text begins with; 0: it is none. */
static size_t
blank_size(const char *text)
{
	if ((unsigned char)*text <= ' ' || *text == 0x7f)
		return 1;
	for (size_t i = 0; i < sizeof(blanks) / sizeof(*blanks); i++) {
		const size_t size = strlen(blanks[i]);

		if (strncmp(text, blanks[i], size) == 0)
			return size;
	}
	return 0;
}

bool
bf_is_blank(const char *text)
{
	size_t size;

	while (*text && (size = blank_size(text)) > 0)
		text += size;
	return *text == '\0';
}
