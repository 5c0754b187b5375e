/*
 * judge.c - what a mail server's replies mean
 */
#include "modules/smtp/judge.h"

#include <stdio.h>

/* The login is wrong, or one is wanted: RFC 4954, section 6. No later attempt
 * fares better, until somebody changes the settings. */
static bool
is_login(int status)
{
	return status == 530 || status == 534 || status == 535 || status == 538;
}

static enum bf_outcome
outcome_of(int status)
{
	switch (status / 100) {
	case 2:
		return BF_DELIVERED;
	case 5:
		return BF_FAILED;
	default:
		return BF_RETRY;
	}
}

void
smtp_judge(const struct bf_response *response, struct bf_verdict *verdict)
{
	const bool locked_out = is_login(response->status);
	size_t silent = 0;

	for (size_t i = 0; i < verdict->recipients.count; i++) {
		struct bf_recipient *one = &verdict->recipients.items[i];

		verdict->alarm |= is_login(one->status);
		if (one->status > 0) {
			one->outcome = outcome_of(one->status);
			continue;
		}
		silent++;
		verdict->alarm |= locked_out;
		one->outcome = locked_out ? BF_FAILED : BF_RETRY;
		bf_recipient_answer(one, 0, response->error);
	}
	/* One sentence for all. */
	if (silent > 0 && silent == verdict->recipients.count)
		snprintf(verdict->why, sizeof(verdict->why), "%s",
		    response->error ? response->error : "no answer");
}
