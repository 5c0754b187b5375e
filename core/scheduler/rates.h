#ifndef BF_RATES_H
#define BF_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/clock.h>

#define BF_RATES_MINUTES 60 /* that are kept */
#define BF_RATES_WAITS 32   /* classes of waiting times */

/*
 * How many deliveries were accepted, delivered and failed in each minute of the
 * last hour, and how long those delivered had waited: for each channel, for
 * each tenant, and in all. Only minutes in which something happened take
 * memory, and what was idle for an hour is forgotten: the cost is that of the
 * channels in use, not of those there are. Above a bound (some 40 MB) new
 * minutes of channels are no longer counted on their own, those of tenants are.
 *
 * Pure arithmetic: the caller's clock is one that never steps.
 */
struct bf_rates;

struct bf_rate_minute {
	int64_t minute; /* since the epoch */
	uint32_t accepted, delivered, failed;
	uint32_t waited_most_ms;
	/* Those delivered, by their waiting time: class 0 is below 1 ms, n is
	 * below 2^n ms. Halved all together when one is full. */
	uint16_t waited[BF_RATES_WAITS];
};

struct bf_rates *bf_rates_new(void);
void bf_rates_free(struct bf_rates **rates);

/* A delivery of a tenant's event for a channel was accepted. */
void bf_rates_accepted(struct bf_rates *rates, const char *tenant,
    uint32_t channel, struct bf_instant now);

/* It was delivered, having waited so long; or it failed. */
void bf_rates_delivered(struct bf_rates *rates, const char *tenant,
    uint32_t channel, struct bf_instant now, struct bf_duration waited);
void bf_rates_failed(struct bf_rates *rates, const char *tenant,
    uint32_t channel, struct bf_instant now);

/*
 * Reads the hour that ends with the minute of now, oldest minute first.
 *
 * channel  if not 0, of this channel; else of the tenant; NULL: of all
 *
 * Returns whether nothing of it was left out for lack of memory.
 */
bool bf_rates_read(const struct bf_rates *rates, const char *tenant,
    uint32_t channel, struct bf_instant now,
    struct bf_rate_minute minutes[BF_RATES_MINUTES]);

/* The time that half of a minute's deliveries waited at most, from the classes:
 * within a class they are taken to be spread evenly. 0 if there are none. */
struct bf_duration bf_rate_waited_median(const struct bf_rate_minute *minute);

#endif
