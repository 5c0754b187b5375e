/*
 * scheduler_pause.c - pauses that endpoints ask for
 *
 * What a server asks is bounded by the channel's retry_after_max. One that
 * asks again each time it is tried is tried less and less often, whatever it
 * asks for: attempts that are paced use up no retries, so nothing else would
 * end them before max_age.
 */
#include "core/base/log.h"
#include "core/process/scheduler_private.h"

#define PATIENCE 3           /* pauses in a row before they grow */
#define GROWTH_LEAST_MS 1000 /* of the first that grows */
#define GROWTH_MOST_MS 60000

/* The least pause after so many in a row. */
static int64_t
least_pause(int pauses)
{
	int64_t ms = GROWTH_LEAST_MS;

	if (pauses <= PATIENCE)
		return 0;
	for (int i = PATIENCE + 1; i < pauses && ms < GROWTH_MOST_MS; i++)
		ms *= 2;
	return ms < GROWTH_MOST_MS ? ms : GROWTH_MOST_MS;
}

struct bf_duration
bf_pause_take(struct scheduler *scheduler, struct bf_lane_state *lane,
    const struct bf_msg_outcome *outcome)
{
	const struct bf_channel *channel = lane->state->channel;
	const int64_t most = channel->policy.retry_after_max.ms;
	const int64_t now = bf_clock_monotonic_ms();
	int64_t ms = outcome->not_before.ms;

	if (outcome->outcome == BF_DELIVERED)
		lane->pauses = 0;
	if (ms <= 0 || most == 0)
		return (struct bf_duration){ 0 };
	/* Those that were under way together ask for the same pause. */
	if (outcome->outcome == BF_RETRY &&
	    bf_lane_paused_until(lane->lane) <= now)
		lane->pauses++;
	if (outcome->outcome == BF_RETRY && ms < least_pause(lane->pauses))
		ms = least_pause(lane->pauses);
	ms = ms < most ? ms : most;
	lane->pauses_total++;
	/* A clock of whole milliseconds may be one behind: not as much early.
	 */
	bf_lane_pause(lane->lane, outcome->scope, now + ms + 1);
	bf_log(outcome->scope == BF_PAUSE_PLATFORM ? BF_LOG_WARN : BF_LOG_DEBUG,
	    "%s %s is paused for %lld ms%s%s",
	    outcome->scope == BF_PAUSE_PLATFORM ? "module" : "channel",
	    outcome->scope == BF_PAUSE_PLATFORM ? channel->module
						: channel->name,
	    (long long)ms, outcome->attempt.why ? ": " : "",
	    outcome->attempt.why ? outcome->attempt.why : "");
	bf_retain_waiting(scheduler);
	return (struct bf_duration){ ms };
}
