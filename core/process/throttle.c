/*
 * throttle.c - who has failed how often, and how long that makes them wait
 */
#include "core/process/throttle.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include <belfry/memory.h>

#define KNOWN_MOST 4096
#define NETWORK_BYTES 8 /* of an address of IPv6 */

struct entry {
	char *who;
	unsigned failures;
	int64_t last_ms;
	UT_hash_handle hh;
};

struct bf_throttle {
	struct bf_throttle_policy policy;
	struct entry *all; /* in the order of last_ms */
};

struct bf_throttle *
bf_throttle_new(const struct bf_throttle_policy *policy)
{
	struct bf_throttle *throttle = bf_new(struct bf_throttle);

	throttle->policy = *policy;
	return throttle;
}

static void
forget(struct bf_throttle *throttle, struct entry *entry)
{
	HASH_DEL(throttle->all, entry);
	free(entry->who);
	free(entry);
}

static struct entry *
find(const struct bf_throttle *throttle, const char *who)
{
	struct entry *entry;

	HASH_FIND_STR(throttle->all, who, entry);
	return entry;
}

static bool
is_over(const struct bf_throttle *throttle, const struct entry *entry,
    int64_t now_ms)
{
	return now_ms - entry->last_ms >= throttle->policy.forget_ms;
}

/* How long the failures of an entry make it wait. */
static int64_t
delay_of(const struct bf_throttle_policy *policy, const struct entry *entry)
{
	int64_t delay = policy->first_ms;

	if (entry->failures <= policy->free)
		return 0;
	for (unsigned i = policy->free + 1;
	     i < entry->failures && delay < policy->most_ms; i++)
		delay *= 2;
	return delay < policy->most_ms ? delay : policy->most_ms;
}

int64_t
bf_throttle_wait(const struct bf_throttle *throttle, const char *who,
    int64_t now_ms)
{
	const struct entry *entry = find(throttle, who);
	int64_t left;

	if (!entry || is_over(throttle, entry, now_ms))
		return 0;
	left = entry->last_ms + delay_of(&throttle->policy, entry) - now_ms;
	return left > 0 ? left : 0;
}

void
bf_throttle_count(struct bf_throttle *throttle, const char *who, int64_t now_ms)
{
	struct entry *entry = find(throttle, who);

	if (entry && is_over(throttle, entry, now_ms)) {
		forget(throttle, entry);
		entry = NULL;
	}
	if (entry) {
		/* To the end: the order is that of last_ms. */
		HASH_DEL(throttle->all, entry);
	} else {
		if (HASH_COUNT(throttle->all) >= KNOWN_MOST)
			forget(throttle, throttle->all);
		entry = bf_new(struct entry);
		entry->who = bf_strdup(who);
	}
	entry->failures++;
	entry->last_ms = now_ms;
	HASH_ADD_KEYPTR(hh, throttle->all, entry->who, strlen(entry->who),
	    entry);
}

void
bf_throttle_forgive(struct bf_throttle *throttle, const char *who)
{
	struct entry *entry = find(throttle, who);

	if (entry)
		forget(throttle, entry);
}

void
bf_throttle_network(const char *address, char text[BF_NETWORK_TEXT])
{
	struct bf_ip ip, embedded;
	char prefix[BF_IP_TEXT];

	if (bf_ip_parse(address, &ip) == -1 || !ip.six) {
		snprintf(text, BF_NETWORK_TEXT, "%s", address);
	} else if (bf_ip_embedded(&ip, &embedded)) {
		bf_ip_format(&embedded, text);
	} else {
		memset(ip.bytes + NETWORK_BYTES, 0,
		    sizeof(ip.bytes) - NETWORK_BYTES);
		bf_ip_format(&ip, prefix);
		snprintf(text, BF_NETWORK_TEXT, "%s/64", prefix);
	}
}

void
bf_throttle_free(struct bf_throttle **throttle)
{
	struct entry *entry, *next;

	if (!*throttle)
		return;
	HASH_ITER(hh, (*throttle)->all, entry, next)
	forget(*throttle, entry);
	free(*throttle);
	*throttle = NULL;
}
