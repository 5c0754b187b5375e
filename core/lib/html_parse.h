#ifndef BF_LIB_HTML_PARSE_H
#define BF_LIB_HTML_PARSE_H

#include <stddef.h>

#include <gumbo.h>

#include "core/lib/arena.h"

/*
 * Parses any HTML by the rules of HTML5 (by gumbo), after the filter left out
 * what is not shown. html is borrowed for the call, the arena holds the tree.
 * Returns the root, or NULL where parsing would take long.
 */
const GumboNode *bf_html_parse(const char *html, size_t size,
    struct bf_arena *arena);

#endif
