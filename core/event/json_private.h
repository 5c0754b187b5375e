#ifndef BF_JSON_PRIVATE_H
#define BF_JSON_PRIVATE_H

#include <stddef.h>

/* How many bytes at the beginning of text stand for themselves in a string,
 * in what is read and in what is printed: printable ASCII but " and \. */
size_t bf_json_plain(const unsigned char *text, size_t size);

#endif
