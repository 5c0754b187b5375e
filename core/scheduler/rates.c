/*
 * rates.c - what happened in each minute of the last hour
 *
 * A series (of a channel, of a tenant, of all) is a list of the minutes in
 * which something happened to it, oldest first. Series stand in the order in
 * which they were last counted on, so that those idle for an hour are found at
 * the head.
 */
#include "core/scheduler/rates.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>
#include <sys/queue.h>

#include "core/base/hash.h"

/* Minutes in all series, of 88 bytes each, above which none are made for
 * channels any more; and for tenants. */
#define OF_CHANNELS_MOST 300000
#define OF_TENANTS_MOST 500000

struct series {
	char *tenant;     /* of a tenant's; else NULL */
	uint32_t channel; /* of a channel's; else 0 */
	struct bf_rate_minute *minutes;
	size_t count, room;
	TAILQ_ENTRY(series) entry; /* by the last minute */
	UT_hash_handle hh;
};

struct bf_rates {
	struct series all;
	struct series *tenants, *channels;
	TAILQ_HEAD(, series) by_age; /* but for all */
	size_t minutes;              /* that there is memory for */
	/* The last minute that was not counted for a channel, a tenant. */
	int64_t channels_left_out, tenants_left_out;
};

struct bf_rates *
bf_rates_new(void)
{
	struct bf_rates *rates = bf_new(struct bf_rates);

	TAILQ_INIT(&rates->by_age);
	rates->channels_left_out = rates->tenants_left_out = INT64_MIN;
	return rates;
}

static void
forget(struct bf_rates *rates, struct series *series)
{
	TAILQ_REMOVE(&rates->by_age, series, entry);
	/* NOLINTBEGIN(clang-analyzer-core.NullDereference): it is in one */
	if (series->tenant)
		HASH_DEL(rates->tenants, series);
	else
		HASH_DEL(rates->channels, series);
	/* NOLINTEND(clang-analyzer-core.NullDereference) */
	rates->minutes -= series->room;
	free(series->tenant);
	free(series->minutes);
	free(series);
}

void
bf_rates_free(struct bf_rates **rates)
{
	if (!*rates)
		return;
	while (!TAILQ_EMPTY(&(*rates)->by_age))
		forget(*rates, TAILQ_FIRST(&(*rates)->by_age));
	free((*rates)->all.minutes);
	free(*rates);
	*rates = NULL;
}

/* Forgets series whose last minute is an hour old. */
static void
sweep(struct bf_rates *rates, int64_t minute)
{
	struct series *first;

	while ((first = TAILQ_FIRST(&rates->by_age)) &&
	       first->minutes[first->count - 1].minute <=
		   minute - BF_RATES_MINUTES)
		forget(rates, first);
}

static struct series *
find(const struct bf_rates *rates, const char *tenant, uint32_t channel)
{
	struct series *found;

	if (channel != 0)
		HASH_FIND(hh, rates->channels, &channel, sizeof(channel),
		    found);
	else if (tenant)
		HASH_FIND_STR(rates->tenants, tenant, found);
	else
		found = (struct series *)&rates->all;
	return found;
}

static struct series *
make(struct bf_rates *rates, const char *tenant, uint32_t channel)
{
	struct series *series = bf_new(struct series);

	if (channel != 0) {
		series->channel = channel;
		HASH_ADD_KEYPTR(hh, rates->channels, &series->channel,
		    sizeof(series->channel), series);
	} else {
		series->tenant = bf_strdup(tenant);
		HASH_ADD_KEYPTR(hh, rates->tenants, series->tenant,
		    strlen(series->tenant), series);
	}
	TAILQ_INSERT_TAIL(&rates->by_age, series, entry);
	return series;
}

/* Takes out the minutes that are an hour old. */
static void
trim(struct series *series, int64_t minute)
{
	size_t old = 0;

	while (old < series->count &&
	       series->minutes[old].minute <= minute - BF_RATES_MINUTES)
		old++;
	series->count -= old;
	if (old > 0)
		memmove(series->minutes, series->minutes + old,
		    series->count * sizeof(*series->minutes));
}

/* The minute of a series, at its end; made if it is not there. */
static struct bf_rate_minute *
last_minute(struct bf_rates *rates, struct series *series, int64_t minute)
{
	struct bf_rate_minute *last;

	if (series->count > 0 &&
	    series->minutes[series->count - 1].minute >= minute)
		return &series->minutes[series->count - 1];
	trim(series, minute);
	if (series->count == series->room) {
		const size_t room = series->room ? 2 * series->room : 1;

		series->minutes =
		    bf_resize(series->minutes, room, sizeof(*series->minutes));
		rates->minutes += room - series->room;
		series->room = room;
	}
	last = &series->minutes[series->count++];
	*last = (struct bf_rate_minute){ .minute = minute };
	if (series != &rates->all) {
		TAILQ_REMOVE(&rates->by_age, series, entry);
		TAILQ_INSERT_TAIL(&rates->by_age, series, entry);
	}
	return last;
}

/* The minute to count on; NULL: there is no memory for it. */
static struct bf_rate_minute *
count_on(struct bf_rates *rates, const char *tenant, uint32_t channel,
    struct bf_instant now)
{
	const int64_t minute = now.ms / 60000;
	struct series *series;

	sweep(rates, minute);
	series = find(rates, tenant, channel);
	if (series && series->count > 0 &&
	    series->minutes[series->count - 1].minute >= minute)
		return &series->minutes[series->count - 1];
	if (channel != 0 && rates->minutes >= OF_CHANNELS_MOST) {
		rates->channels_left_out = minute;
		return NULL;
	}
	if (tenant && rates->minutes >= OF_TENANTS_MOST) {
		rates->tenants_left_out = minute;
		return NULL;
	}
	if (!series)
		series = make(rates, tenant, channel);
	return last_minute(rates, series, minute);
}

/* The minutes that a delivery counts on: of its channel, of its tenant, of all;
 * those that there is no memory for are left out. */
struct counted {
	struct bf_rate_minute *minutes[3];
	size_t count;
};

static struct counted
count_all(struct bf_rates *rates, const char *tenant, uint32_t channel,
    struct bf_instant now)
{
	struct bf_rate_minute *const found[] = {
		count_on(rates, NULL, channel, now),
		count_on(rates, tenant, 0, now),
		count_on(rates, NULL, 0, now),
	};
	struct counted counted = { .count = 0 };

	for (size_t i = 0; i < 3; i++) {
		if (found[i])
			counted.minutes[counted.count++] = found[i];
	}
	return counted;
}

void
bf_rates_accepted(struct bf_rates *rates, const char *tenant, uint32_t channel,
    struct bf_instant now)
{
	const struct counted on = count_all(rates, tenant, channel, now);

	for (size_t i = 0; i < on.count; i++)
		on.minutes[i]->accepted++;
}

void
bf_rates_failed(struct bf_rates *rates, const char *tenant, uint32_t channel,
    struct bf_instant now)
{
	const struct counted on = count_all(rates, tenant, channel, now);

	for (size_t i = 0; i < on.count; i++)
		on.minutes[i]->failed++;
}

static int
step_of(int64_t ms)
{
	int step = 0;

	while (ms > 0 && step < BF_RATES_WAITS - 1) {
		ms >>= 1;
		step++;
	}
	return step;
}

static void
add_wait(struct bf_rate_minute *one, int64_t ms)
{
	const int step = step_of(ms);

	one->delivered++;
	if (ms > UINT32_MAX)
		ms = UINT32_MAX;
	if (ms > one->waited_most_ms)
		one->waited_most_ms = (uint32_t)ms;
	if (one->waited[step] == UINT16_MAX) {
		for (int i = 0; i < BF_RATES_WAITS; i++)
			one->waited[i] /= 2;
	}
	one->waited[step]++;
}

void
bf_rates_delivered(struct bf_rates *rates, const char *tenant, uint32_t channel,
    struct bf_instant now, struct bf_duration waited)
{
	const struct counted on = count_all(rates, tenant, channel, now);

	for (size_t i = 0; i < on.count; i++)
		add_wait(on.minutes[i], waited.ms > 0 ? waited.ms : 0);
}

bool
bf_rates_read(const struct bf_rates *rates, const char *tenant,
    uint32_t channel, struct bf_instant now,
    struct bf_rate_minute minutes[BF_RATES_MINUTES])
{
	const int64_t first = now.ms / 60000 - BF_RATES_MINUTES + 1;
	const struct series *series = find(rates, tenant, channel);

	for (int i = 0; i < BF_RATES_MINUTES; i++)
		minutes[i] = (struct bf_rate_minute){ .minute = first + i };
	for (size_t i = 0; series && i < series->count; i++) {
		const int64_t at = series->minutes[i].minute - first;

		if (at >= 0 && at < BF_RATES_MINUTES)
			minutes[at] = series->minutes[i];
	}
	return channel != 0 ? rates->channels_left_out < first
	       : tenant     ? rates->tenants_left_out < first
			    : true;
}

struct bf_duration
bf_rate_waited_median(const struct bf_rate_minute *minute)
{
	uint32_t all = 0, below = 0;
	int64_t low, high;
	int step = 0;

	for (int i = 0; i < BF_RATES_WAITS; i++)
		all += minute->waited[i];
	if (all == 0)
		return (struct bf_duration){ 0 };
	while ((below + minute->waited[step]) * 2 < all)
		below += minute->waited[step++];
	low = step == 0 ? 0 : (int64_t)1 << (step - 1);
	high = (int64_t)1 << step;
	if (high > (int64_t)minute->waited_most_ms + 1)
		high = (int64_t)minute->waited_most_ms + 1;
	return (struct bf_duration){ low + (high - low) * (all - 2 * below) /
					       (2 * minute->waited[step]) };
}
