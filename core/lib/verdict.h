#ifndef BELFRY_VERDICT_H
#define BELFRY_VERDICT_H

#include <stdbool.h>

#include <belfry/api.h>
#include <belfry/clock.h>
#include <belfry/outcome.h>
#include <belfry/response.h>

/* What a response means for the delivery. */
/* Whom a pause holds back. */
enum bf_pause_scope {
	BF_PAUSE_ENDPOINT, /* every channel that posts to the endpoint */
	BF_PAUSE_PLATFORM, /* every channel of the module on the platform */
};

struct bf_verdict {
	enum bf_outcome outcome;
	struct bf_duration wait; /* with BF_RETRY: at least this long, if > 0 */
	bool stop_channel;       /* the endpoint is gone: stop the channel */
	char why[256];           /* a sentence for the log; UTF-8 */

	/*
	 * If > 0: whatever the outcome, nothing is sent within the scope for
	 * that long; the channel's retry_after_max bounds it. With BF_RETRY
	 * the delivery keeps its place in the queue, and the attempt uses up
	 * none of its retries.
	 */
	struct bf_duration not_before;
	enum bf_pause_scope scope;

	/* Nothing will be delivered until somebody changes the settings: the
	 * log has it as an error, and it is told of at once. */
	bool alarm;

	/* Of a request that has recipients: those of the response, for judge to
	 * give each its outcome. The outcome above then follows from them. */
	struct bf_recipients recipients;
};

/* Sets outcome and the sentence. */
BF_API void bf_verdict_set(struct bf_verdict *verdict, enum bf_outcome outcome,
    const char *why, ...) BF_PRINTF(3, 4);

/*
 * The usual judgement, which a module without judge gets: 2xx is delivered,
 * anything else is retried, and Retry-After is taken over from any answer that
 * has one (RFC 9110, section 10.2.3). A success that says by its headers that
 * it was the last one for now (bf_rate_limit_used_up) sets not_before.
 */
BF_API void bf_verdict_http(const struct bf_response *response,
    struct bf_verdict *verdict);

/*
 * Sets the outcome from those of the recipients: retry if one is to be tried
 * again, else failed if one has failed, now or in an attempt before (settled),
 * else delivered. Sets a sentence that says who did not get it, if judge set
 * none.
 */
BF_API void bf_verdict_sum(struct bf_verdict *verdict,
    const struct bf_recipients *settled);

#endif
