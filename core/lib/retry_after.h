#ifndef BELFRY_RETRY_AFTER_H
#define BELFRY_RETRY_AFTER_H

#include <belfry/api.h>
#include <belfry/clock.h>

/*
 * Reads how long a server asks us to wait.
 *
 * text  value of the Retry-After field; borrowed for the call
 * now   wall clock, needed for the date form
 * wait  set on success: milliseconds from now, 0 if the date has passed
 *
 * Returns 0, or -1 when text is neither a number of seconds nor a date.
 * Source: RFC 9110, sections 10.2.3 and 5.6.7.
 */
BF_API int bf_retry_after(const char *text, struct bf_instant now,
    struct bf_duration *wait);

#endif
