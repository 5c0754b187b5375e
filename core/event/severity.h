#ifndef BELFRY_SEVERITY_H
#define BELFRY_SEVERITY_H

#include <belfry/api.h>

/* How urgent an event type is, from the registry. */
enum bf_severity {
	BF_SEVERITY_INFO,
	BF_SEVERITY_SUCCESS,
	BF_SEVERITY_WARNING,
	BF_SEVERITY_ERROR,
	BF_SEVERITY_CRITICAL,
};

/* "info", "success", ... */
BF_API const char *bf_severity_name(enum bf_severity severity);

/* The reverse: 0, or -1 when name is none of them. */
BF_API int bf_severity_parse(const char *name, enum bf_severity *severity);

#endif
