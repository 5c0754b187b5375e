/*
 * error.c - why a call failed, as one sentence
 *
 * A text that is too long is cut, never overrun; a prefix that would push the
 * cause out keeps the beginning of both.
 */
#include "core/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
bf_error_set(struct bf_error *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
}

void
bf_error_errno(struct bf_error *err, const char *format, ...)
{
	const int cause = errno;
	va_list args;
	size_t used;

	if (!err)
		return;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s",
	    strerror(cause));
	errno = cause;
}

void
bf_error_prefix(struct bf_error *err, const char *format, ...)
{
	struct bf_error cause;
	va_list args;
	size_t used;

	if (!err)
		return;
	cause = *err;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s",
	    cause.text);
}
