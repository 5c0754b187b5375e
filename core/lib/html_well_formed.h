#ifndef BF_LIB_HTML_WELL_FORMED_H
#define BF_LIB_HTML_WELL_FORMED_H

#include <stddef.h>

#include <gumbo.h>

#include "core/lib/arena.h"

/*
 * Builds the tree of HTML whose tags say where each element begins and ends,
 * as most programs write it: then a parser has nothing to mend. Of elements
 * that are not shown only their content is in the tree.
 *
 * html   borrowed for the call
 * arena  holds the tree
 *
 * Returns the root, or NULL for what a parser is to look at: an element that
 * ends before one within it, stands where it can't, or would end another; a
 * character or a reference that is no plain one; more than
 * BF_HTML_OPEN_MOST elements open, or more than BF_HTML_WORK_MOST to read.
 */
const GumboNode *bf_html_well_formed(const char *html, size_t size,
    struct bf_arena *arena);

#endif
