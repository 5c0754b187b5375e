#ifndef BF_RATE_H
#define BF_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include <belfry/error.h>
#include <belfry/strings.h>

#include "core/registry/snapshot.h"

/* Rates as they are written: "100/s burst=200", "off". */

#define BF_RATE_TEXT 64 /* bytes of a rate in print */

/* Parses the words of a rate; count 0 stands for off. Returns 0, or -1 with
 * what is wrong and what was expected. */
int bf_rate_parse(const struct bf_strings *words, struct bf_rate *rate,
    struct bf_error *err);

/* The same for a text with blanks between the words. */
int bf_rate_read(const char *text, struct bf_rate *rate, struct bf_error *err);

/* Prints it as it could be written. */
void bf_rate_format(const struct bf_rate *rate, char text[BF_RATE_TEXT]);

/* Whether a rate allows something that most does not. */
bool bf_rate_exceeds(const struct bf_rate *rate, const struct bf_rate *most);

#endif
