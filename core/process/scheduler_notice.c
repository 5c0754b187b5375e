/*
 * scheduler_notice.c - belfry's own events
 *
 * channel_failing, channel_recovered, channel_stopped, store_low_space and
 * backlog_growing are events like any other: accepted, routed, kept. Two
 * guards keep them from feeding themselves: such an event does not go to the
 * channel that it is about, and the outcome of delivering one never makes
 * another.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/event/parse.h"
#include "core/process/scheduler_private.h"
#include "core/registry/builtin.h"

#define FAILING_AFTER 5 /* failed attempts in a row */
/* Between two looks while events come in. */
#define SPACE_EVERY_S 60
#define BACKLOG_EVERY_S 5

static void
add_html(struct bf_buf *html, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			bf_buf_add_text(html, "&lt;");
			break;
		case '>':
			bf_buf_add_text(html, "&gt;");
			break;
		case '&':
			bf_buf_add_text(html, "&amp;");
			break;
		default:
			bf_buf_add_byte(html, *text);
		}
	}
}

/* Accepts an event of belfry's own. metadata is taken. */
static void
tell(struct scheduler *scheduler, const char *type, const char *tenant,
    const char *about, const char *subject, const char *detail, cJSON *metadata)
{
	struct bf_event_defaults defaults = { tenant, bf_clock_wall_us() };
	struct bf_event_problem problem;
	struct bf_buf html = { 0 };
	struct bf_event *event;
	cJSON *json = cJSON_CreateObject();
	char *text;

	bf_buf_add_text(&html, "<p>");
	add_html(&html, detail);
	bf_buf_add_text(&html, "</p>");
	cJSON_AddStringToObject(json, "event", type);
	cJSON_AddStringToObject(json, "subject", subject);
	cJSON_AddStringToObject(json, "body", html.data);
	cJSON_AddItemToObject(json, "metadata", metadata);
	text = cJSON_PrintUnformatted(json);
	event = bf_event_parse(text, strlen(text), &defaults, NULL, &problem);
	if (event)
		bf_accept_own(scheduler, event, about);
	else
		bf_log(BF_LOG_ERROR, "event %s: %s", type, problem.error.text);
	cJSON_free(text);
	cJSON_Delete(json);
	bf_buf_free(&html);
}

/* metadata is taken. why: "" if there is nothing to say. */
static void
tell_about_channel(struct scheduler *scheduler, const char *type,
    const struct bf_lane_state *lane, const char *what, const char *why,
    cJSON *metadata)
{
	const struct bf_channel *channel = lane->state->channel;
	char *subject = bf_strf("Channel %s %s", channel->name, what);
	char *detail = bf_strf("Channel %s (%s) %s%s%s", channel->name,
	    channel->module, what, *why ? ": " : ".", why);

	cJSON_AddStringToObject(metadata, "channel", channel->name);
	cJSON_AddStringToObject(metadata, "module", channel->module);
	cJSON_AddNumberToObject(metadata, "waiting",
	    (double)bf_lane_state_waiting(lane));
	tell(scheduler, type,
	    channel->tenant ? channel->tenant
			    : bf_registry_default_tenant(scheduler->registry),
	    channel->name, subject, detail, metadata);
	free(subject);
	free(detail);
}

/* That it was said is kept, so that the recovery is told though the scheduler
 * was another one. */
static void
say_failing(struct scheduler *scheduler, struct bf_lane_state *lane,
    const char *why)
{
	cJSON *metadata = cJSON_CreateObject();
	char now[40];

	cJSON_AddNumberToObject(metadata, "failures", lane->failures);
	cJSON_AddStringToObject(metadata, "error", why);
	tell_about_channel(scheduler, BF_EVENT_CHANNEL_FAILING, lane,
	    "is failing", why, metadata);
	bf_timestamp_format(bf_clock_wall_us(), now);
	lane->failing_since = bf_strdup(now);
	bf_settings_channel_put(scheduler, lane->state->channel, "failing",
	    now);
}

static void
say_recovered(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	cJSON *metadata = cJSON_CreateObject();

	cJSON_AddStringToObject(metadata, "failing_since", lane->failing_since);
	tell_about_channel(scheduler, BF_EVENT_CHANNEL_RECOVERED, lane,
	    "delivers again", "", metadata);
	free(lane->failing_since);
	lane->failing_since = NULL;
	bf_settings_channel_put(scheduler, lane->state->channel, "failing",
	    NULL);
}

void
bf_notice_outcome(struct scheduler *scheduler, struct bf_lane_state *lane,
    bool delivered, bool ended, const char *why)
{
	if (delivered) {
		lane->failures = 0;
		if (lane->failing_since)
			say_recovered(scheduler, lane);
		return;
	}
	lane->failures++;
	if (!lane->failing_since && (ended || lane->failures >= FAILING_AFTER))
		say_failing(scheduler, lane, why);
}

void
bf_notice_stopped(struct scheduler *scheduler, struct bf_lane_state *lane,
    const char *why)
{
	cJSON *metadata = cJSON_CreateObject();

	cJSON_AddStringToObject(metadata, "error", why);
	tell_about_channel(scheduler, BF_EVENT_CHANNEL_STOPPED, lane,
	    "was stopped", why, metadata);
}

/* Looks at the space that is left where the store is. */
static void
on_space(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(scheduler->registry);
	struct statvfs fs;
	int64_t space;
	cJSON *metadata;
	char *detail;
	bool low;

	(void)fd;
	(void)what;
	if (statvfs(snapshot->state_dir, &fs) == -1)
		return;
	space = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	low = space < snapshot->low_space.bytes;
	if (low && !scheduler->low_space) {
		metadata = cJSON_CreateObject();
		cJSON_AddNumberToObject(metadata, "free_bytes", (double)space);
		cJSON_AddNumberToObject(metadata, "low_space_bytes",
		    (double)snapshot->low_space.bytes);
		cJSON_AddStringToObject(metadata, "state_dir",
		    snapshot->state_dir);
		detail = bf_strf("%lld bytes are free in %s; when there are "
				 "none, events "
				 "are refused.",
		    (long long)space, snapshot->state_dir);
		bf_log(BF_LOG_CRIT, "low space: %s", detail);
		tell(scheduler, BF_EVENT_STORE_LOW_SPACE,
		    bf_registry_default_tenant(scheduler->registry), NULL,
		    "The store is running out of space", detail, metadata);
		free(detail);
	}
	scheduler->low_space = low;
}

static int64_t
all_waiting(const struct scheduler *scheduler)
{
	const struct bf_lane_state *lane;
	int64_t waiting = 0;

	for (lane = scheduler->lanes; lane; lane = lane->hh.next)
		waiting += bf_lane_state_waiting(lane);
	return waiting;
}

static void
on_backlog(evutil_socket_t fd, short what, void *context)
{
	struct scheduler *scheduler = context;
	const int64_t limit =
	    bf_registry_snapshot(scheduler->registry)->large_backlog;
	const int64_t before = scheduler->backlog.seen;
	const int64_t waiting = all_waiting(scheduler);
	cJSON *metadata;
	char *detail;

	(void)fd;
	(void)what;
	if (!bf_backlog_grows(&scheduler->backlog, waiting, limit))
		return;
	metadata = cJSON_CreateObject();
	cJSON_AddNumberToObject(metadata, "waiting", (double)waiting);
	cJSON_AddNumberToObject(metadata, "large_backlog", (double)limit);
	detail = bf_strf("%lld deliveries are waiting, %lld more than at the "
			 "last look.",
	    (long long)waiting, (long long)(waiting - before));
	bf_log(BF_LOG_WARN, "backlog: %s", detail);
	tell(scheduler, BF_EVENT_BACKLOG_GROWING,
	    bf_registry_default_tenant(scheduler->registry), NULL,
	    "The backlog is growing", detail, metadata);
	free(detail);
}

void
bf_notice_busy(struct scheduler *scheduler)
{
	if (!event_pending(scheduler->space_timer, EV_TIMEOUT, NULL))
		event_add(scheduler->space_timer,
		    &(struct timeval){ SPACE_EVERY_S, 0 });
	if (!event_pending(scheduler->backlog_timer, EV_TIMEOUT, NULL))
		event_add(scheduler->backlog_timer,
		    &(struct timeval){ BACKLOG_EVERY_S, 0 });
}

void
bf_notice_start(struct scheduler *scheduler)
{
	scheduler->space_timer =
	    event_new(scheduler->base, -1, 0, on_space, scheduler);
	scheduler->backlog_timer =
	    event_new(scheduler->base, -1, 0, on_backlog, scheduler);
	if (!scheduler->space_timer || !scheduler->backlog_timer)
		abort();
	event_add(scheduler->space_timer, &(struct timeval){ 1, 0 });
}
