/*
 * timestamp.c - dates and times of RFC 3339
 */
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "core/event/parse.h"

/* Reads exactly count decimal digits; -1 if they are none. */
static int
digits(const char **text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

static bool
skip(const char **text, const char *any)
{
	if (**text == '\0' || !strchr(any, **text))
		return false;
	(*text)++;
	return true;
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* The date and the time of day, up to whole seconds. */
static int
read_date(const char **text, struct tm *tm)
{
	int year;

	if ((year = digits(text, 4)) < 1 || !skip(text, "-") ||
	    (tm->tm_mon = digits(text, 2) - 1) < 0 || tm->tm_mon > 11 ||
	    !skip(text, "-") || (tm->tm_mday = digits(text, 2)) < 1 ||
	    tm->tm_mday > days_in(year, tm->tm_mon + 1) || !skip(text, "Tt ") ||
	    (tm->tm_hour = digits(text, 2)) < 0 || tm->tm_hour > 23 ||
	    !skip(text, ":") || (tm->tm_min = digits(text, 2)) < 0 ||
	    tm->tm_min > 59 || !skip(text, ":") ||
	    (tm->tm_sec = digits(text, 2)) < 0 || tm->tm_sec > 59)
		return -1;
	tm->tm_year = year - 1900;
	return 0;
}

/* ".5" to ".123456789", or nothing; microseconds. */
static int
read_fraction(const char **text, int64_t *us)
{
	int64_t unit = 100000;
	int count = 0;

	*us = 0;
	if (!skip(text, "."))
		return 0;
	for (; **text >= '0' && **text <= '9'; (*text)++, count++) {
		*us += (**text - '0') * unit;
		unit /= 10;
	}
	return count >= 1 && count <= 9 ? 0 : -1;
}

/* "Z" or "+02:00"; seconds east of UTC. */
static int
read_offset(const char **text, int64_t *east)
{
	const bool west = **text == '-';
	int hours, minutes;

	*east = 0;
	if (skip(text, "Zz"))
		return 0;
	if (!skip(text, "+-") || (hours = digits(text, 2)) < 0 || hours > 23 ||
	    !skip(text, ":") || (minutes = digits(text, 2)) < 0 || minutes > 59)
		return -1;
	*east = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return 0;
}

int
bf_timestamp_parse(const char *text, int64_t *us)
{
	/* 0001-01-01 and the end of 9999-12-31, in seconds since 1970. */
	const int64_t first = -62135596800, last = 253402300799;
	struct tm tm = { 0 };
	int64_t fraction, east, seconds;

	if (read_date(&text, &tm) == -1 ||
	    read_fraction(&text, &fraction) == -1 ||
	    read_offset(&text, &east) == -1 || *text != '\0')
		return -1;
	seconds = (int64_t)timegm(&tm) - east;
	if (seconds < first || seconds > last)
		return -1;
	*us = seconds * 1000000 + fraction;
	return 0;
}

/* Writes a number with so many digits, and what follows it; the end of that. */
static char *
put_digits(char *text, int digits, int64_t value, char after)
{
	for (int i = digits; i-- > 0; value /= 10)
		text[i] = (char)('0' + value % 10);
	text[digits] = after;
	return text + digits + 1;
}

void
bf_timestamp_format(int64_t us, char text[40])
{
	int64_t fraction = us % 1000000;
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (fraction < 0) {
		fraction += 1000000;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	text = put_digits(text, 4, tm.tm_year + 1900, '-');
	text = put_digits(text, 2, tm.tm_mon + 1, '-');
	text = put_digits(text, 2, tm.tm_mday, 'T');
	text = put_digits(text, 2, tm.tm_hour, ':');
	text = put_digits(text, 2, tm.tm_min, ':');
	text = put_digits(text, 2, tm.tm_sec, '.');
	text = put_digits(text, 6, fraction, '+');
	memcpy(text, "00:00", sizeof("00:00"));
}
