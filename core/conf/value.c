/*
 * value.c - numbers, durations, sizes and switches as the conf file writes them
 *
 * Every sum is checked for overflow. Durations end at a hundred years, so that
 * one can be added to any date without another check.
 */
#include "core/conf/settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/conf/conf_private.h"

#define DURATION_MAX_MS (INT64_C(36500) * 24 * 60 * 60 * 1000)

struct unit {
	const char *name;
	int64_t factor;
};

/* In descending order, which is the order they are written in: 1h30m. */
static const struct unit duration_units[] = {
	{ "w", INT64_C(7) * 24 * 60 * 60 * 1000 },
	{ "d", INT64_C(24) * 60 * 60 * 1000 },
	{ "h", INT64_C(60) * 60 * 1000 },
	{ "m", INT64_C(60) * 1000 },
	{ "s", INT64_C(1000) },
	{ "ms", INT64_C(1) },
};

static const struct unit size_units[] = {
	{ "g", INT64_C(1) << 30 },
	{ "m", INT64_C(1) << 20 },
	{ "k", INT64_C(1) << 10 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "<word>: <what>; expected <expected>". Always -1. */
static int
refuse(struct bf_error *err, const char *word, const char *what,
    const char *expected)
{
	struct bf_shown room;

	bf_error_set(err, "%s: %s; expected %s", bf_show(&room, word), what,
	    expected);
	return -1;
}

/* Reads digits. Returns how many, 0 if there are none, -1 on overflow. */
static int
read_digits(const char *text, int64_t *value)
{
	int count = 0;

	for (*value = 0; isdigit((unsigned char)text[count]); count++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, text[count] - '0', value))
			return -1;
	}
	return count;
}

int
bf_integer_parse(const char *text, int64_t *value, struct bf_error *err)
{
	static const char expected[] = "a whole number";
	const bool negative = text[0] == '-';
	int64_t number;
	int length = read_digits(text + negative, &number);

	if (length == -1)
		return refuse(err, text, "too large", expected);
	if (length == 0 || text[negative + length] != '\0')
		return refuse(err, text, "not a number", expected);
	*value = negative ? -number : number;
	return 0;
}

/* The unit that stands at text, longest name first ("ms" before "m"). */
static const struct unit *
find_unit(const struct unit *units, size_t count, const char *text,
    size_t length)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(units[i].name) == length &&
		    strncasecmp(units[i].name, text, length) == 0)
			return &units[i];
	}
	return NULL;
}

int
bf_duration_parse(const char *text, struct bf_duration *value,
    struct bf_error *err)
{
	static const char expected[] =
	    "a duration such as 500ms, 10s, 5m, 1h30m or 7d";
	static const struct unit seconds = { "", 1000 };
	const struct unit *unit;
	const struct unit *last = NULL;
	const char *at = text;
	int64_t number;
	int64_t sum = 0;
	int digits;
	size_t letters;

	do {
		digits = read_digits(at, &number);
		if (digits == 0)
			return refuse(err, text, "not a duration", expected);
		at += digits > 0 ? digits : (int)strspn(at, "0123456789");
		letters = strcspn(at, "0123456789");
		unit = letters == 0 ? &seconds
				    : find_unit(duration_units,
					  COUNT(duration_units), at, letters);
		if (!unit)
			return refuse(err, text, "unknown unit", expected);
		if (last && last->factor <= unit->factor)
			return refuse(err, text, "units out of order",
			    expected);
		if (digits == -1 ||
		    __builtin_mul_overflow(number, unit->factor, &number) ||
		    __builtin_add_overflow(sum, number, &sum) ||
		    sum > DURATION_MAX_MS)
			return refuse(err, text, "too long", "36500d at most");
		last = unit;
		at += letters;
	} while (*at != '\0');
	value->ms = sum;
	return 0;
}

int
bf_size_parse(const char *text, struct bf_size *value, struct bf_error *err)
{
	static const char expected[] = "a size such as 512, 64k, 1m or 2g";
	static const struct unit bytes = { "", 1 };
	const struct unit *unit = &bytes;
	int64_t number;
	int digits = read_digits(text, &number);
	const size_t skip = strspn(text, "0123456789");

	if (digits == 0)
		return refuse(err, text, "not a size", expected);
	if (text[skip] != '\0')
		unit = find_unit(size_units, COUNT(size_units), text + skip,
		    strlen(text + skip));
	if (!unit)
		return refuse(err, text, "unknown unit", expected);
	if (digits == -1 ||
	    __builtin_mul_overflow(number, unit->factor, &number))
		return refuse(err, text, "too large", expected);
	value->bytes = number;
	return 0;
}

int
bf_flag_parse(const char *text, bool *value, struct bf_error *err)
{
	*value = strcmp(text, "on") == 0;
	if (*value || strcmp(text, "off") == 0)
		return 0;
	return refuse(err, text, "not a switch", "on or off");
}

void
bf_duration_format(struct bf_duration value, char text[32])
{
	size_t i = 0;

	if (value.ms == 0) {
		snprintf(text, 32, "0s");
		return;
	}
	while (value.ms % duration_units[i].factor != 0)
		i++;
	snprintf(text, 32, "%" PRId64 "%s", value.ms / duration_units[i].factor,
	    duration_units[i].name);
}

void
bf_size_format(struct bf_size value, char text[32])
{
	const struct unit *unit = NULL;

	for (size_t i = 0; !unit && i < COUNT(size_units); i++) {
		if (value.bytes > 0 && value.bytes % size_units[i].factor == 0)
			unit = &size_units[i];
	}
	snprintf(text, 32, "%" PRId64 "%s",
	    unit ? value.bytes / unit->factor : value.bytes,
	    unit ? unit->name : "");
}
