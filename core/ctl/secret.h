#ifndef BF_CTL_SECRET_H
#define BF_CTL_SECRET_H

#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * Reads a secret from standard input into out: a line that is not echoed, after
 * the prompt (printf style) on the terminal; or, from elsewhere, all there is,
 * without one final line end. 0, or -1 with the reason.
 */
int bf_ctl_read_secret(struct bf_buf *out, struct bf_error *err,
    const char *prompt, ...) BF_PRINTF(3, 4);

/* The same from a file; "-" is standard input. */
int bf_ctl_read_value(const char *file, struct bf_buf *out,
    struct bf_error *err, const char *name);

#endif
