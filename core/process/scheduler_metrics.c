/*
 * scheduler_metrics.c - counts and sizes, for Prometheus and for people
 *
 * Source of the text form: the Prometheus exposition format, version 0.0.4.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/scheduler_private.h"

/* Upper bounds of the histograms' buckets, in seconds. */
static const double bounds[BF_HISTOGRAM_STEPS] = { 0.001, 0.0025, 0.005, 0.01,
	0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10 };

static const char *const outcomes[] = { "delivered", "retry", "failed" };

void
bf_histogram_add(struct histogram *histogram, double seconds)
{
	size_t i = 0;

	while (i < BF_HISTOGRAM_STEPS && seconds > bounds[i])
		i++;
	histogram->buckets[i]++;
	histogram->count++;
	histogram->sum += seconds;
}

static void
head(struct bf_buf *out, const char *name, const char *type, const char *help)
{
	bf_buf_add_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    type);
}

static void
add_counter(struct bf_buf *out, const char *name, const char *help,
    uint64_t value)
{
	head(out, name, "counter", help);
	bf_buf_add_format(out, "%s %llu\n", name, (unsigned long long)value);
}

static void
add_gauge(struct bf_buf *out, const char *name, const char *help, double value)
{
	head(out, name, "gauge", help);
	bf_buf_add_format(out, "%s %.15g\n", name, value);
}

/* A label's value. Source: the exposition format's escapes. */
static void
add_label(struct bf_buf *out, const char *name, const char *value)
{
	bf_buf_add_format(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			bf_buf_add_text(out, "\\n");
		else if (*value == '"' || *value == '\\')
			bf_buf_add_format(out, "\\%c", *value);
		else
			bf_buf_add_byte(out, *value);
	}
	bf_buf_add_byte(out, '"');
}

static void
add_histogram(struct bf_buf *out, const char *name, const char *help,
    const struct histogram *histogram)
{
	uint64_t below = 0;

	head(out, name, "histogram", help);
	for (size_t i = 0; i < BF_HISTOGRAM_STEPS; i++) {
		below += histogram->buckets[i];
		bf_buf_add_format(out, "%s_bucket{le=\"%g\"} %llu\n", name,
		    bounds[i], (unsigned long long)below);
	}
	bf_buf_add_format(out,
	    "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", name,
	    (unsigned long long)histogram->count, name, histogram->sum, name,
	    (unsigned long long)histogram->count);
}

static const char *
tenant_of(const struct scheduler *scheduler, const struct bf_lane_state *lane)
{
	const char *tenant = lane->state->channel->tenant;

	return tenant ? tenant
		      : bf_registry_default_tenant(scheduler->registry);
}

/* Begins a line about a channel: "NAME{tenant=...,channel=...". */
static void
begin_line(struct bf_buf *out, const char *name,
    const struct scheduler *scheduler, const struct bf_lane_state *lane)
{
	bf_buf_add_format(out, "%s{", name);
	add_label(out, "tenant", tenant_of(scheduler, lane));
	bf_buf_add_byte(out, ',');
	add_label(out, "channel", lane->state->channel->name);
}

/* What is measured of each channel now. */
static double
waiting(const struct bf_lane_state *lane)
{
	return (double)bf_lane_state_waiting(lane);
}

static double
in_flight(const struct bf_lane_state *lane)
{
	return (double)bf_lane_in_flight(lane->lane);
}

static double
window(const struct bf_lane_state *lane)
{
	return (double)bf_lane_window(lane->lane);
}

static double
running(const struct bf_lane_state *lane)
{
	return !bf_lane_held(lane->lane);
}

static double
pause_seconds(const struct bf_lane_state *lane)
{
	const int64_t left =
	    bf_lane_paused_until(lane->lane) - bf_clock_monotonic_ms();

	return left > 0 ? (double)left / 1000 : 0;
}

static void
add_channels(struct bf_buf *out, const struct scheduler *scheduler)
{
	static const struct {
		const char *name, *help;
		double (*value)(const struct bf_lane_state *);
	} gauges[] = {
		{ "belfry_deliveries_waiting",
		    "Deliveries that wait for an attempt.", waiting },
		{ "belfry_deliveries_in_flight",
		    "Deliveries in the hands of workers.", in_flight },
		{ "belfry_channel_window",
		    "Attempts at once that the endpoint bears, as seen so far.",
		    window },
		{ "belfry_channel_running",
		    "1 if the channel is sent to, 0 if it is held.", running },
		{ "belfry_channel_pause_seconds",
		    "Seconds until the end of a pause that the endpoint asked "
		    "for, 0 if there is none.",
		    pause_seconds },
	};
	const struct bf_lane_state *lane;

	for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++) {
		head(out, gauges[i].name, "gauge", gauges[i].help);
		for (lane = scheduler->lanes; lane; lane = lane->hh.next) {
			begin_line(out, gauges[i].name, scheduler, lane);
			bf_buf_add_format(out, "} %.15g\n",
			    gauges[i].value(lane));
		}
	}
	head(out, "belfry_attempts_total", "counter",
	    "Attempts by channel and verdict.");
	for (lane = scheduler->lanes; lane; lane = lane->hh.next) {
		for (size_t i = 0; i < 3; i++) {
			begin_line(out, "belfry_attempts_total", scheduler,
			    lane);
			bf_buf_add_format(out, ",verdict=\"%s\"} %llu\n",
			    outcomes[i], (unsigned long long)lane->counts[i]);
		}
	}
	head(out, "belfry_channel_pauses_total", "counter",
	    "Pauses that the endpoint asked for.");
	for (lane = scheduler->lanes; lane; lane = lane->hh.next) {
		begin_line(out, "belfry_channel_pauses_total", scheduler, lane);
		bf_buf_add_format(out, "} %llu\n",
		    (unsigned long long)lane->pauses_total);
	}
	head(out, "belfry_deliveries_failed_total", "counter",
	    "Deliveries that ended as failed.");
	for (lane = scheduler->lanes; lane; lane = lane->hh.next) {
		begin_line(out, "belfry_deliveries_failed_total", scheduler,
		    lane);
		bf_buf_add_format(out, "} %llu\n",
		    (unsigned long long)lane->failed);
	}
}

/* The sum of a counter over all intakes. */
static uint64_t
counted(const struct scheduler *scheduler, enum bf_counter counter)
{
	uint64_t sum = 0;

	if (!scheduler->counters)
		return 0;
	for (size_t i = 0; i < BF_COUNTER_SLOTS; i++)
		sum += scheduler->counters->values[i][counter];
	return sum;
}

static void
add_intake(struct bf_buf *out, const struct scheduler *scheduler)
{
	static const struct {
		enum bf_counter counter;
		const char *name, *help;
	} counters[] = {
		{ BF_COUNT_CONNECTIONS, "belfry_connections_total",
		    "Connections accepted." },
		{ BF_COUNT_CONNECTIONS_REFUSED,
		    "belfry_connections_refused_total",
		    "Connections refused over the limit." },
		{ BF_COUNT_REQUESTS, "belfry_requests_total",
		    "Requests answered." },
		{ BF_COUNT_REQUESTS_BAD, "belfry_requests_bad_total",
		    "Requests answered 4xx." },
		{ BF_COUNT_REQUESTS_FAILED, "belfry_requests_failed_total",
		    "Requests answered 5xx." },
		{ BF_COUNT_EVENTS_REFUSED, "belfry_events_refused_total",
		    "Events refused as wrong." },
	};

	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		add_counter(out, counters[i].name, counters[i].help,
		    counted(scheduler, counters[i].counter));
	add_gauge(out, "belfry_connections_open", "Connections open now.",
	    (double)counted(scheduler, BF_COUNT_CONNECTIONS_OPEN));
}

static void
add_store(struct bf_buf *out, const struct committer_figures *figures,
    const struct bf_store_stats *stats)
{
	add_counter(out, "belfry_store_commits_total",
	    "Commits, each one sync of the store.", figures->commits);
	add_counter(out, "belfry_store_changes_total",
	    "Changes that were committed.", figures->changes);
	add_counter(out, "belfry_store_failures_total", "Commits that failed.",
	    figures->failures);
	head(out, "belfry_store_commit_seconds_total", "counter",
	    "Time spent in commits.");
	bf_buf_add_format(out, "belfry_store_commit_seconds_total %.9g\n",
	    figures->seconds);
	add_gauge(out, "belfry_store_failing",
	    "1 while the store takes nothing.", figures->failing);
	add_gauge(out, "belfry_store_bytes", "Size of the store's main file.",
	    (double)stats->file_bytes);
	add_gauge(out, "belfry_store_wal_bytes",
	    "Size of the store's write-ahead log.", (double)stats->wal_bytes);
	add_gauge(out, "belfry_store_free_bytes",
	    "Space that is left where the store is.",
	    (double)stats->free_bytes);
}

void
bf_metrics_text(struct scheduler *scheduler, const struct bf_store_stats *stats,
    struct bf_buf *out)
{
	const struct metrics *metrics = &scheduler->metrics;
	struct committer_figures figures;

	bf_committer_figures(scheduler->committer, &figures);
	add_counter(out, "belfry_events_accepted_total",
	    "Events on stable storage.", metrics->accepted);
	add_counter(out, "belfry_events_repeated_total",
	    "Events that were there already.", metrics->repeated);
	add_counter(out, "belfry_events_limited_total",
	    "Events refused by a tenant's limits.", metrics->limited);
	add_counter(out, "belfry_events_unrouted_total",
	    "Accepted events that no channel got.", metrics->unrouted);
	add_counter(out, "belfry_events_unstored_total",
	    "Events that the store could not take.", metrics->refused);
	add_counter(out, "belfry_deliveries_expired_total",
	    "Deliveries that waited longer than max_age.", metrics->expired);
	add_counter(out, "belfry_deliveries_cancelled_total",
	    "Deliveries that were cancelled.", metrics->cancelled);
	add_counter(out, "belfry_deliveries_replayed_total",
	    "Deliveries that were replayed.", metrics->replayed);
	add_counter(out, "belfry_outcomes_late_total",
	    "Outcomes that came too late to matter.", metrics->late_outcomes);
	add_counter(out, "belfry_workers_lost_total", "Workers that ended.",
	    metrics->crashes);
	add_counter(out, "belfry_log_lines_dropped_total",
	    "Lines that could not be written to the log.", bf_log_dropped());
	add_gauge(out, "belfry_memory_events_bytes",
	    "Bytes of events that wait in memory.",
	    (double)bf_dispatch_bytes(scheduler->dispatch));
	add_gauge(out, "belfry_start_time_seconds",
	    "When the scheduler started, seconds since 1970.",
	    (double)scheduler->started / 1000);
	add_histogram(out, "belfry_attempt_seconds", "How long attempts took.",
	    &metrics->attempt_seconds);
	add_channels(out, scheduler);
	add_intake(out, scheduler);
	add_store(out, &figures, stats);
}

static double
sum(const struct scheduler *scheduler,
    double (*value)(const struct bf_lane_state *))
{
	const struct bf_lane_state *lane;
	double total = 0;

	for (lane = scheduler->lanes; lane; lane = lane->hh.next)
		total += value(lane);
	return total;
}

char *
bf_metrics_stats(struct scheduler *scheduler,
    const struct bf_store_stats *stats)
{
	const struct metrics *metrics = &scheduler->metrics;
	const int64_t uptime =
	    (bf_scheduler_now(scheduler).ms - scheduler->started) / 1000;
	struct committer_figures figures;
	cJSON *json = cJSON_CreateObject();
	cJSON *part;
	char *text;

	bf_committer_figures(scheduler->committer, &figures);
	cJSON_AddStringToObject(json, "version", BF_VERSION);
	cJSON_AddNumberToObject(json, "uptime_seconds", (double)uptime);
	part = cJSON_AddObjectToObject(json, "events");
	cJSON_AddNumberToObject(part, "accepted", (double)metrics->accepted);
	cJSON_AddNumberToObject(part, "repeated", (double)metrics->repeated);
	cJSON_AddNumberToObject(part, "unrouted", (double)metrics->unrouted);
	cJSON_AddNumberToObject(part, "limited", (double)metrics->limited);
	cJSON_AddNumberToObject(part, "refused",
	    (double)counted(scheduler, BF_COUNT_EVENTS_REFUSED));
	part = cJSON_AddObjectToObject(json, "attempts");
	for (size_t i = 0; i < 3; i++)
		cJSON_AddNumberToObject(part, outcomes[i],
		    (double)metrics->attempts[i]);
	part = cJSON_AddObjectToObject(json, "deliveries");
	cJSON_AddNumberToObject(part, "waiting", sum(scheduler, waiting));
	cJSON_AddNumberToObject(part, "in_flight",
	    (double)bf_worker_in_hand(scheduler));
	cJSON_AddNumberToObject(part, "failed", (double)metrics->failed);
	part = cJSON_AddObjectToObject(json, "store");
	cJSON_AddNumberToObject(part, "bytes", (double)stats->file_bytes);
	cJSON_AddNumberToObject(part, "wal_bytes", (double)stats->wal_bytes);
	cJSON_AddNumberToObject(part, "free_bytes", (double)stats->free_bytes);
	cJSON_AddNumberToObject(part, "commits", (double)figures.commits);
	cJSON_AddBoolToObject(part, "failing", figures.failing);
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}
