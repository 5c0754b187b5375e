/*
 * retry_after.c - how long a server asks us to wait
 */
#include "core/lib/retry_after.h"

#include <string.h>
#include <time.h>

#define SECONDS_MOST (INT64_C(1) << 40) /* beyond it, it is all the same */

/* A number of seconds. 0 or -1. */
static int
read_seconds(const char *text, struct bf_duration *wait)
{
	int64_t seconds = 0;

	if (*text == '\0')
		return -1;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		if (seconds < SECONDS_MOST)
			seconds = seconds * 10 + (*text - '0');
	}
	wait->ms = seconds * 1000;
	return 0;
}

/*
 * A date in one of the three forms of RFC 9110, section 5.6.7. strptime reads
 * names of days and months in the C locale, which belfry never leaves.
 */
static int
read_date(const char *text, struct bf_instant now, struct bf_duration *wait)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %e %H:%M:%S %Y",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		int64_t ms;

		if (!end || *end != '\0')
			continue;
		ms = (int64_t)timegm(&tm) * 1000;
		wait->ms = ms > now.ms ? ms - now.ms : 0;
		return 0;
	}
	return -1;
}

int
bf_retry_after(const char *text, struct bf_instant now,
    struct bf_duration *wait)
{
	if (read_seconds(text, wait) == 0)
		return 0;
	return read_date(text, now, wait);
}
