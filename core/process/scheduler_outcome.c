/*
 * scheduler_outcome.c - what an attempt means for its delivery
 */
#include "core/process/scheduler_outcome.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/scheduler/retry.h"

/* What is to become of a delivery, as decided here. */
struct decision {
	enum bf_delivery_state state;
	const char *verdict;     /* for the log */
	struct bf_duration wait; /* with BF_STATE_RETRY, or if it stays */
	bool count;              /* the attempt uses up one of the tries */
	bool stays;              /* in its place in the queue */
	bool alarm;              /* the settings must be changed */
	char why[320];
};

/* One line for each attempt, fit for grep and for a person; written when all
 * that happened in this turn of the loop is told. */
static void
log_attempt(struct scheduler *scheduler, const struct bf_lane_state *lane,
    const struct bf_delivery *delivery, const struct bf_attempt *attempt,
    const struct decision *decision)
{
	const enum bf_log_level level =
	    decision->alarm ? BF_LOG_ERROR : BF_LOG_NOTICE;
	char id[BF_DELIVERY_ID_TEXT];
	char wait[40] = "";
	char status[24] = "";

	if (!bf_log_wants(level))
		return;
	bf_delivery_id_format(delivery->id, id);
	if (decision->state == BF_STATE_RETRY || decision->wait.ms > 0)
		snprintf(wait, sizeof(wait), " wait=%lldms",
		    (long long)decision->wait.ms);
	if (attempt->status > 0)
		snprintf(status, sizeof(status), " status=%d", attempt->status);
	if (scheduler->attempts_log.size == 0)
		event_active(scheduler->log_soon, EV_TIMEOUT, 0);
	bf_log_gather(&scheduler->attempts_log, level,
	    "delivery=%s event=%s channel=%s attempt=%d verdict=%s%s%s "
	    "took=%lldus%s%s%s",
	    id, delivery->event->type, lane ? lane->state->channel->name : "-",
	    attempt->number, decision->verdict, wait, status,
	    (long long)attempt->took_us, decision->why[0] ? " why=\"" : "",
	    decision->why, decision->why[0] ? "\"" : "");
}

static uint32_t
draw(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) == -1)
		return 0;
	return random;
}

/* Ends the delivery; more is added to the reason. */
static void
end_failed(struct decision *decision, const char *more)
{
	const size_t used = strlen(decision->why);

	decision->state = BF_STATE_FAILED;
	decision->verdict = "failed";
	snprintf(decision->why + used, sizeof(decision->why) - used, "%s",
	    more);
}

/* Plans the next try after a failure, or ends the delivery. */
static void
plan_retry(const struct scheduler *scheduler,
    const struct bf_channel_policy *policy, const struct bf_delivery *delivery,
    struct bf_duration asked, struct decision *decision)
{
	const struct bf_instant now = bf_scheduler_now(scheduler);

	decision->count = true;
	if (!bf_retry_next(&policy->retry, delivery->tries + 1,
		policy->retry.jitter > 0 ? draw() : 0, &decision->wait)) {
		end_failed(decision, "");
		return;
	}
	if (asked.ms > policy->retry_after_max.ms)
		asked = policy->retry_after_max;
	if (asked.ms > decision->wait.ms)
		decision->wait = asked;
	if (now.ms + decision->wait.ms >= delivery->expires.ms) {
		end_failed(decision,
		    "; max_age would pass before the next try");
		return;
	}
	decision->state = BF_STATE_RETRY;
	decision->verdict = "retry";
}

/* Leaves the delivery where it is, to be sent again from there. */
static void
plan_stay(const struct scheduler *scheduler, const struct bf_delivery *delivery,
    const char *verdict, struct bf_duration wait, struct decision *decision)
{
	if (bf_scheduler_now(scheduler).ms + wait.ms >= delivery->expires.ms) {
		end_failed(decision,
		    "; max_age would pass before the end of the pause");
		return;
	}
	decision->state = delivery->retry ? BF_STATE_RETRY : BF_STATE_SCHEDULED;
	decision->verdict = verdict;
	decision->wait = wait;
	decision->count = false;
	decision->stays = true;
}

static void
decide(const struct scheduler *scheduler, const struct bf_lane_state *lane,
    const struct bf_delivery *delivery, const struct bf_msg_outcome *outcome,
    struct bf_duration pause, struct decision *decision)
{
	*decision = (struct decision){ .count = true, .alarm = outcome->alarm };
	if (outcome->attempt.why)
		snprintf(decision->why, sizeof(decision->why), "%s",
		    outcome->attempt.why);
	if (outcome->outcome == BF_DELIVERED) {
		decision->state = BF_STATE_DELIVERED;
		decision->verdict = "delivered";
	} else if (outcome->stop_channel && lane) {
		/* It waits, with the others, until the channel is started. */
		plan_stay(scheduler, delivery, "held",
		    (struct bf_duration){ 0 }, decision);
	} else if (outcome->outcome == BF_FAILED) {
		end_failed(decision, "");
	} else if (!lane) {
		decision->state = BF_STATE_CANCELLED;
		decision->verdict = "cancelled";
	} else if (pause.ms > 0) {
		plan_stay(scheduler, delivery, "paced", pause, decision);
	} else {
		plan_retry(scheduler, &lane->state->channel->policy, delivery,
		    outcome->wait, decision);
	}
}

/* A copy of the attempt that a worker sent, taking over its texts. One that no
 * other follows has failed, whatever the worker would have liked. */
static struct bf_attempt *
take_attempt(struct bf_msg_outcome *outcome, const struct decision *decision)
{
	struct bf_attempt *attempt = bf_new(struct bf_attempt);
	const char *why = decision->why;

	*attempt = outcome->attempt;
	outcome->attempt.why = NULL;
	outcome->attempt.excerpt = NULL;
	outcome->attempt.recipients = (struct bf_recipients){ 0 };
	attempt->outcome = decision->state == BF_STATE_FAILED
			       ? BF_FAILED
			       : (int)outcome->outcome;
	for (size_t i = 0; decision->state == BF_STATE_FAILED &&
			   i < attempt->recipients.count;
	     i++) {
		struct bf_recipient *one = &attempt->recipients.items[i];

		if (one->outcome == BF_RETRY)
			one->outcome = BF_FAILED;
	}
	if (*why && (!attempt->why || strcmp(attempt->why, why) != 0)) {
		free(attempt->why);
		attempt->why = bf_strdup(why);
	}
	return attempt;
}

/* What the attempt settled holds for the next one, which follows without a
 * look into the store. */
static void
keep_settled(struct bf_delivery *delivery, const struct bf_attempt *attempt)
{
	for (size_t i = 0; i < attempt->recipients.count; i++) {
		struct bf_recipients one = { &attempt->recipients.items[i], 1 };

		if (one.items[0].outcome != BF_RETRY)
			bf_recipients_copy(&delivery->settled, &one);
	}
}

/* Hands the end of an attempt to the committer. attempt is taken over. */
static void
record(struct scheduler *scheduler, const struct bf_delivery *delivery,
    const struct decision *decision, struct bf_attempt *attempt)
{
	const struct bf_instant now = bf_scheduler_now(scheduler);
	/* A clock of whole milliseconds may be one behind: a retry must not be
	 * as much early. */
	const int64_t late = decision->state == BF_STATE_RETRY ? 1 : 0;
	const int64_t due =
	    decision->stays ? 0 : now.ms + decision->wait.ms + late;
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = BF_CHANGE_FINISH;
	change->finish = (struct bf_finish){ .id = delivery->id,
		.tries = delivery->tries,
		.state = decision->state,
		.due = { due },
		.now = now,
		.crashes = delivery->crashes,
		.count = decision->count,
		.attempt = attempt };
	bf_committer_add(scheduler->committer, change, false);
}

/* Since when the delivery waited: since its event was accepted, or since it was
 * replayed, which gave it max_age anew. */
static struct bf_instant
waits_since(const struct bf_lane_state *lane,
    const struct bf_delivery *delivery)
{
	struct bf_instant since = bf_id_instant(delivery->id.event);
	int64_t begun;

	if (lane) {
		begun = delivery->expires.ms -
			lane->state->channel->policy.max_age.ms;
		since.ms = begun > since.ms ? begun : since.ms;
	}
	return since;
}

static void
count_rate(struct scheduler *scheduler, const struct bf_lane_state *lane,
    const struct bf_delivery *delivery, enum bf_delivery_state state)
{
	const struct bf_instant now = bf_scheduler_now(scheduler);
	const char *tenant = delivery->event->tenant;

	if (state == BF_STATE_DELIVERED)
		bf_rates_delivered(scheduler->rates, tenant,
		    delivery->id.channel, now,
		    (struct bf_duration){
			now.ms - waits_since(lane, delivery).ms });
	else if (state == BF_STATE_FAILED)
		bf_rates_failed(scheduler->rates, tenant, delivery->id.channel,
		    now);
}

static void
count_attempt(struct scheduler *scheduler, struct bf_lane_state *lane,
    const struct bf_delivery *delivery, const struct bf_attempt *attempt,
    const struct decision *decision)
{
	struct metrics *metrics = &scheduler->metrics;

	metrics->attempts[attempt->outcome]++;
	bf_histogram_add(&metrics->attempt_seconds,
	    (double)attempt->took_us / 1e6);
	if (decision->state == BF_STATE_FAILED)
		metrics->failed++;
	count_rate(scheduler, lane, delivery, decision->state);
	if (!lane)
		return;
	lane->counts[attempt->outcome]++;
	lane->failed += decision->state == BF_STATE_FAILED;
}

static const char *
state_name(enum bf_delivery_state state)
{
	static const char *const names[] = { [BF_STATE_SCHEDULED] = "scheduled",
		[BF_STATE_RETRY] = "scheduled",
		[BF_STATE_DELIVERED] = "delivered",
		[BF_STATE_FAILED] = "failed",
		[BF_STATE_CANCELLED] = "cancelled" };

	return names[state];
}

/* Tells of a channel that fails or recovers, unless by one of belfry's own
 * events: they would make one another without end. */
static void
notice(struct scheduler *scheduler, struct bf_lane_state *lane,
    const struct bf_event *event, const struct decision *decision)
{
	const enum bf_delivery_state state = decision->state;
	const struct bf_event_type *type =
	    bf_registry_type(scheduler->registry, event->type);

	if (type && strcmp(type->category, "belfry") == 0)
		return;
	bf_notice_outcome(scheduler, lane, state == BF_STATE_DELIVERED,
	    state == BF_STATE_FAILED || decision->alarm, decision->why);
}

/* What the outcome means for the channel. */
static void
tell_channel(struct scheduler *scheduler, struct bf_lane_state *lane,
    const struct bf_event *event, const struct bf_msg_outcome *outcome,
    const struct decision *decision)
{
	if (outcome->stop_channel && outcome->outcome != BF_DELIVERED)
		bf_settings_stop_channel(scheduler, lane, decision->why);
	else if (!decision->stays)
		notice(scheduler, lane, event, decision);
	bf_lane_state_wanted(scheduler, lane);
}

/* Gives the delivery back to its lane, unless another one took its place. */
static void
give_back(struct scheduler *scheduler, struct held *held)
{
	if (held->again)
		return;
	bf_lane_state_return(scheduler, held->lane, held->delivery);
	held->delivery = NULL;
}

/* Whether the answer is about the one delivery: by its code, of HTTP (RFC 9110,
 * section 15.5; RFC 6585, section 4) or of SMTP (RFC 5321, section 4.2.3), but
 * for those that are about the server: 408 and 421 (it closes the connection),
 * 425 and 429. */
static bool
is_refusal(int status)
{
	return status > 0 && status < 500 && status != 408 && status != 421 &&
	       status != 425 && status != 429;
}

enum bf_health
bf_outcome_health(const struct bf_msg_outcome *outcome)
{
	if (outcome->outcome == BF_DELIVERED)
		return BF_HEALTH_WELL;
	if (outcome->outcome == BF_FAILED)
		return BF_HEALTH_REFUSES;
	return outcome->not_before.ms == 0 &&
		       is_refusal(outcome->attempt.status)
		   ? BF_HEALTH_REFUSES
		   : BF_HEALTH_ILL;
}

void
bf_outcome_take(struct scheduler *scheduler, struct held *held,
    struct bf_msg_outcome *outcome)
{
	struct bf_lane_state *lane = held->lane;
	struct bf_delivery *delivery = held->delivery;
	struct bf_event *event = bf_event_ref(delivery->event);
	struct bf_duration pause = { 0 };
	struct bf_attempt *attempt;
	struct decision decision;

	if (lane)
		pause = bf_pause_take(scheduler, lane, outcome);
	decide(scheduler, lane, delivery, outcome, pause, &decision);
	attempt = take_attempt(outcome, &decision);
	log_attempt(scheduler, lane, delivery, attempt, &decision);
	count_attempt(scheduler, lane, delivery, attempt, &decision);
	delivery->attempts++;
	if (scheduler->watchers > 0)
		bf_notice_delivery(scheduler, lane, delivery,
		    state_name(decision.state), attempt->why);
	if (decision.stays)
		keep_settled(delivery, attempt);
	record(scheduler, delivery, &decision, attempt);
	if (decision.stays)
		give_back(scheduler, held);
	else if (lane && decision.state == BF_STATE_RETRY)
		bf_lane_state_retrying(scheduler, lane);
	if (decision.stays || decision.state == BF_STATE_RETRY)
		bf_scheduler_keep_clock(scheduler, false);
	if (lane)
		tell_channel(scheduler, lane, event, outcome, &decision);
	bf_event_unref(&event);
}

/* Ends a delivery without an attempt. */
static void
give_up(struct scheduler *scheduler, struct bf_lane_state *lane,
    const struct bf_delivery *delivery, const char *why, bool expired)
{
	struct decision decision = { .state = BF_STATE_FAILED,
		.verdict = "failed" };
	struct bf_attempt *attempt = bf_new(struct bf_attempt);

	snprintf(decision.why, sizeof(decision.why), "%s", why);
	*attempt = (struct bf_attempt){ .number = delivery->attempts + 1,
		.at = bf_clock_wall(),
		.resolve_us = -1,
		.connect_us = -1,
		.tls_us = -1,
		.first_byte_us = -1,
		.outcome = BF_FAILED,
		.why = bf_strdup(why) };
	log_attempt(scheduler, lane, delivery, attempt, &decision);
	scheduler->metrics.failed++;
	scheduler->metrics.expired += expired;
	lane->failed++;
	count_rate(scheduler, lane, delivery, BF_STATE_FAILED);
	if (scheduler->watchers > 0)
		bf_notice_delivery(scheduler, lane, delivery, "failed", why);
	record(scheduler, delivery, &decision, attempt);
	notice(scheduler, lane, delivery->event, &decision);
}

void
bf_outcome_expired(struct scheduler *scheduler, struct bf_lane_state *lane,
    struct bf_delivery *delivery)
{
	bf_lane_done(lane->lane, BF_HEALTH_UNKNOWN);
	give_up(scheduler, lane, delivery, BF_STORE_EXPIRED, true);
	bf_delivery_free(delivery);
}

void
bf_outcome_crashed(struct scheduler *scheduler, struct bf_lane_state *lane,
    const struct bf_delivery *delivery, int signal)
{
	char *why = signal > 0
			? bf_strf("module %s crashed its worker %d times with "
				  "signal %d (%s)",
			      lane->state->channel->module, delivery->crashes,
			      signal, strsignal(signal))
			: bf_strf("module %s ended its worker %d times",
			      lane->state->channel->module, delivery->crashes);

	give_up(scheduler, lane, delivery, why, false);
	free(why);
}

void
bf_outcome_note_crash(struct scheduler *scheduler,
    const struct bf_delivery *delivery)
{
	const struct decision decision = {
		.state = delivery->retry ? BF_STATE_RETRY : BF_STATE_SCHEDULED,
		.stays = true,
	};

	record(scheduler, delivery, &decision, NULL);
}

void
bf_outcome_committed(struct scheduler *scheduler,
    const struct bf_finish *finish)
{
	struct bf_lane_state *lane;

	if (finish->state > BF_STATE_RETRY || !finish->attempt)
		return;
	lane = bf_lane_state_find(scheduler, finish->id.channel);
	if (!lane)
		return;
	if (finish->due.ms == 0) {
		if (finish->late)
			bf_lane_state_not_returned(lane, finish);
	} else if (finish->late) {
		bf_lane_state_not_retrying(scheduler, lane);
	} else {
		bf_lane_state_retry(scheduler, lane, finish->due);
	}
}
