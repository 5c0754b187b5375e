/*
 * rate.c - rates as they are written
 */
#include "core/registry/rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/conf/settings.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

#define RATE_MAX 1000000

static const struct {
	const char *name;
	int64_t ms;
} periods[] = { { "/s", SECOND }, { "/m", MINUTE }, { "/h", HOUR } };

#define PERIODS (sizeof(periods) / sizeof(periods[0]))

/* "10/s" to a count and a period. */
static int
parse_rate(const char *text, struct bf_rate *rate)
{
	const char *slash = strchr(text, '/');
	char *count;
	int result;

	if (!slash)
		return -1;
	count = bf_strndup(text, (size_t)(slash - text));
	result = bf_integer_parse(count, &rate->count, NULL);
	free(count);
	if (result == -1 || rate->count < 1 || rate->count > RATE_MAX)
		return -1;
	for (size_t i = 0; i < PERIODS; i++) {
		if (strcmp(slash, periods[i].name) == 0) {
			rate->period.ms = periods[i].ms;
			return 0;
		}
	}
	return -1;
}

int
bf_rate_parse(const struct bf_strings *words, struct bf_rate *rate,
    struct bf_error *err)
{
	const char *burst = words->count > 1 ? words->items[1] : "burst=1";

	*rate = (struct bf_rate){ 0 };
	if (words->count == 1 && strcmp(words->items[0], "off") == 0)
		return 0;
	if (words->count > 2) {
		bf_error_set(err,
		    "\"%.64s\": too much; expected a rate and burst=NUMBER",
		    words->items[2]);
		return -1;
	}
	if (words->count == 0 || parse_rate(words->items[0], rate) == -1) {
		bf_error_set(err,
		    "\"%.64s\": not a rate; expected a number from 1 to "
		    "%d and a period, as 10/s, 300/m or 1000/h, or off",
		    words->count > 0 ? words->items[0] : "", RATE_MAX);
		return -1;
	}
	if (strncmp(burst, "burst=", 6) != 0 ||
	    bf_integer_parse(burst + 6, &rate->burst, NULL) == -1 ||
	    rate->burst < 1 || rate->burst > RATE_MAX) {
		bf_error_set(err,
		    "\"%.64s\": unknown; expected burst=NUMBER, 1 to %d", burst,
		    RATE_MAX);
		return -1;
	}
	return 0;
}

int
bf_rate_read(const char *text, struct bf_rate *rate, struct bf_error *err)
{
	struct bf_strings words = { 0 };
	char *copy = bf_strdup(text);
	char *rest = NULL;
	int result;

	for (char *word = strtok_r(copy, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		bf_strings_add(&words, word);
	result = bf_rate_parse(&words, rate, err);
	bf_strings_free(&words);
	free(copy);
	return result;
}

void
bf_rate_format(const struct bf_rate *rate, char text[BF_RATE_TEXT])
{
	size_t i = 0;

	if (rate->count == 0) {
		strcpy(text, "off");
		return;
	}
	while (i + 1 < PERIODS && periods[i].ms != rate->period.ms)
		i++;
	snprintf(text, BF_RATE_TEXT, "%" PRId64 "%s burst=%" PRId64,
	    rate->count, periods[i].name, rate->burst);
}

bool
bf_rate_exceeds(const struct bf_rate *rate, const struct bf_rate *most)
{
	if (most->count == 0)
		return false;
	return rate->count == 0 || rate->burst > most->burst ||
	       rate->count * most->period.ms > most->count * rate->period.ms;
}
