#ifndef BELFRY_VERDICT_H
#define BELFRY_VERDICT_H

#include <stdbool.h>

#include <belfry/api.h>
#include <belfry/clock.h>
#include <belfry/response.h>

/* What a response means for the delivery. */
enum bf_outcome {
	BF_DELIVERED,
	BF_RETRY,  /* try again by the channel's schedule */
	BF_FAILED, /* refused for good */
};

struct bf_verdict {
	enum bf_outcome outcome;
	struct bf_duration wait; /* with BF_RETRY: at least this long, if > 0 */
	bool stop_channel;       /* the endpoint is gone: stop the channel */
	char why[256];           /* a sentence for the log; UTF-8 */
};

/* Sets outcome and the sentence. */
BF_API void bf_verdict_set(struct bf_verdict *verdict,
    enum bf_outcome outcome, const char *why, ...) BF_PRINTF(3, 4);

/*
 * The usual judgement, which a module without judge gets: 2xx is delivered,
 * anything else is retried, and Retry-After is taken over from any answer that
 * has one (RFC 9110, section 10.2.3).
 */
BF_API void bf_verdict_http(
    const struct bf_response *response, struct bf_verdict *verdict);

#endif
