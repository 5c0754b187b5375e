/*
 * verdict.c - what a response means for the delivery
 */
#include "core/lib/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include <belfry/rate_limit.h>
#include <belfry/retry_after.h>

void
bf_verdict_set(struct bf_verdict *verdict, enum bf_outcome outcome,
    const char *why, ...)
{
	va_list args;

	verdict->outcome = outcome;
	va_start(args, why);
	vsnprintf(verdict->why, sizeof(verdict->why), why, args);
	va_end(args);
}

/* Source: RFC 9110, section 15.4. */
static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 ||
	       status == 307 || status == 308;
}

void
bf_verdict_http(const struct bf_response *response, struct bf_verdict *verdict)
{
	const char *retry_after = bf_response_header(response, "Retry-After");

	/* The status line decides, even if the body broke off after it. */
	if (response->status >= 200 && response->status < 300) {
		bf_verdict_set(verdict, BF_DELIVERED, "%s", "");
		(void)bf_rate_limit_used_up(response, &verdict->not_before);
		return;
	}
	if (response->status == 0)
		bf_verdict_set(verdict, BF_RETRY, "%s",
		    response->error ? response->error : "no answer");
	else
		bf_verdict_set(verdict, BF_RETRY, "HTTP status %d%s",
		    response->status,
		    is_redirect(response->status)
			? " (redirects are not followed)"
			: "");
	if (retry_after)
		(void)bf_retry_after(retry_after, response->now,
		    &verdict->wait);
}

/* "2 of 5 recipients accepted; a@example.com: 550 no such user", as far as it
 * fits: the outcome of each is kept elsewhere. */
static void
describe(struct bf_verdict *verdict, const struct bf_recipients *settled,
    size_t accepted)
{
	const struct bf_recipients *all = &verdict->recipients;
	const size_t size = sizeof(verdict->why);
	size_t used = (size_t)snprintf(verdict->why, size,
	    "%zu of %zu recipients accepted", accepted,
	    all->count + settled->count);

	for (size_t i = 0; i < all->count && used < size; i++) {
		const struct bf_recipient *one = &all->items[i];

		if (one->outcome == BF_DELIVERED)
			continue;
		used += (size_t)snprintf(verdict->why + used, size - used,
		    "; %s: %s", one->address,
		    one->reply ? one->reply : "no answer");
	}
}

void
bf_verdict_sum(struct bf_verdict *verdict, const struct bf_recipients *settled)
{
	const size_t accepted =
	    bf_recipients_count(&verdict->recipients, BF_DELIVERED) +
	    bf_recipients_count(settled, BF_DELIVERED);

	if (bf_recipients_count(&verdict->recipients, BF_RETRY) > 0)
		verdict->outcome = BF_RETRY;
	else if (accepted == verdict->recipients.count + settled->count)
		verdict->outcome = BF_DELIVERED;
	else
		verdict->outcome = BF_FAILED;
	if (verdict->outcome != BF_DELIVERED && !verdict->why[0])
		describe(verdict, settled, accepted);
}
