#ifndef BF_LIB_HTML_FILTER_H
#define BF_LIB_HTML_FILTER_H

#include <belfry/buf.h>

#include "core/lib/html_element.h"

/*
 * Appends what matters of HTML, so that a parser has little to do: the tags
 * that are shown in some way, with the attributes that matter, and the text.
 * No comment, script or tag of a further name comes through.
 *
 * Returns 0, or -1 where parsing would take long: with more than
 * BF_HTML_WORK_MOST to read, or more than BF_HTML_OPEN_MOST elements open at
 * once, counting those that a parser opens again because they were never
 * closed (WHATWG HTML, "reconstruct the active formatting elements"). What was
 * appended is of no use then.
 */
int bf_html_filter(struct bf_buf *out, const char *html, size_t size);

#endif
