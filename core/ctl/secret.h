#ifndef BF_CTL_SECRET_H
#define BF_CTL_SECRET_H

#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * Reads a secret, without one final line end, from a file into out. "-" is
 * standard input: on a terminal, a line that is not echoed after the prompt
 * "name: ". 0, or -1 with the reason.
 */
int bf_ctl_read_value(const char *file, struct bf_buf *out,
    struct bf_error *err, const char *name);

#endif
