#ifndef BELFRY_BLANK_H
#define BELFRY_BLANK_H

#include <stdbool.h>

#include <belfry/api.h>

/*
 * Whether there is nothing to be seen in a text: it is empty, or all of it is
 * white space, control characters and marks without width. Platforms trim
 * these and refuse what is left. text is UTF-8.
 */
BF_API bool bf_is_blank(const char *text);

#endif
