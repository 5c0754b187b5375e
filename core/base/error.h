#ifndef BELFRY_ERROR_H
#define BELFRY_ERROR_H

#include <belfry/api.h>

/*
 * Why a call failed, as one sentence for a person. The cause is written where
 * it happens, callers put in front what they were doing, and the process loop
 * logs or answers it once. Lives on the caller's stack; owns nothing.
 */
struct bf_error {
	char text[512];
};

/* Writes the cause, replacing what was there. A NULL err is fine. */
BF_API void bf_error_set(struct bf_error *err, const char *format, ...)
    BF_PRINTF(2, 3);

/* As bf_error_set, followed by ": " and the message of errno. */
BF_API void bf_error_errno(struct bf_error *err, const char *format, ...)
    BF_PRINTF(2, 3);

/* Puts "<format>: " in front of the text. A NULL err is fine. */
BF_API void bf_error_prefix(struct bf_error *err, const char *format, ...)
    BF_PRINTF(2, 3);

#endif
