/*
 * severity.c - how urgent an event type is
 */
#include "core/event/severity.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = { "info", "success", "warning", "error",
	"critical" };

const char *
bf_severity_name(enum bf_severity severity)
{
	return names[severity];
}

int
bf_severity_parse(const char *name, enum bf_severity *severity)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*severity = (enum bf_severity)i;
			return 0;
		}
	}
	return -1;
}
