#ifndef BF_LIB_HTML_REFERENCE_H
#define BF_LIB_HTML_REFERENCE_H

#include <stddef.h>

/*
 * What a character reference at the "&" of a text stands for, if it is one of
 * those that escaping makes; else NULL. Sets used to its bytes.
 */
const char *bf_html_reference(const char *text, size_t size, size_t *used);

#endif
