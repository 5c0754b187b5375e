/*
 * scheduler_accept.c - events from intakes, until they are answered
 *
 * An event is routed, handed to the committer with its deliveries, and
 * answered when that is durable. What is due then goes out from memory: the
 * store is not read back. Belfry's own events take the same way.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/base/log.h"
#include "core/process/scheduler_private.h"

#define ACCEPTING_MOST 8192 /* events: above it the intakes are not read */

/* Whom an event's answer goes to; hung on its change. */
struct accept_context {
	uint64_t intake; /* serial; 0: belfry's own */
	uint64_t token;
	struct key_in_progress *key;
	struct tenant_use *tenant;
};

/* An idempotency key whose event is not durable yet. */
struct key_in_progress {
	char *name; /* tenant, a blank, key */
	UT_hash_handle hh;
};

static struct intake *
find_intake(const struct scheduler *scheduler, uint64_t serial)
{
	struct intake *intake;

	TAILQ_FOREACH(intake, &scheduler->intakes, entry)
	{
		if (intake->serial == serial)
			return intake;
	}
	return NULL;
}

static void
answer(struct scheduler *scheduler, uint64_t serial,
    const struct bf_msg_accepted *accepted)
{
	struct intake *intake = find_intake(scheduler, serial);

	if (intake)
		bf_link_send(intake->link,
		    &(struct bf_message){ .kind = BF_MSG_ACCEPTED,
			.accepted = *accepted });
}

/* Remembers a key until its event is durable. NULL: it is in progress. */
static struct key_in_progress *
begin_key(struct scheduler *scheduler, const char *tenant, const char *key)
{
	struct key_in_progress *found;
	char *name = bf_strf("%s %s", tenant, key);

	HASH_FIND_STR(scheduler->keys, name, found);
	if (found) {
		free(name);
		return NULL;
	}
	found = bf_new(struct key_in_progress);
	found->name = name;
	HASH_ADD_KEYPTR(hh, scheduler->keys, found->name, strlen(found->name),
	    found);
	return found;
}

static void
end_key(struct scheduler *scheduler, struct key_in_progress *key)
{
	if (!key)
		return;
	HASH_DEL(scheduler->keys, key);
	free(key->name);
	free(key);
}

/* The change that keeps an event, with a delivery for each channel. */
static struct bf_change *
make_append(struct scheduler *scheduler, struct bf_event *event,
    const struct bf_route *route)
{
	const struct bf_instant now = bf_scheduler_now(scheduler);
	struct bf_change *change = bf_new(struct bf_change);
	struct bf_append *append = &change->append;

	change->kind = BF_CHANGE_APPEND;
	append->event = event;
	append->channel_count = route->count;
	if (route->count == 0) {
		append->reason = bf_strdup(route->reason);
		return change;
	}
	append->channels = bf_zalloc(route->count, sizeof(*append->channels));
	append->expires = bf_zalloc(route->count, sizeof(*append->expires));
	for (size_t i = 0; i < route->count; i++) {
		const struct bf_channel *channel = route->channels[i]->channel;

		append->channels[i] = channel->number;
		append->expires[i].ms = now.ms + channel->policy.max_age.ms;
	}
	return change;
}

/* Routes an event, and makes the change that keeps it; takes it. */
static struct bf_change *
route_event(struct scheduler *scheduler, struct bf_event *event,
    const char *about, uint64_t intake, uint64_t token)
{
	struct accept_context *context = bf_new(struct accept_context);
	struct bf_change *change;

	bf_route_event(scheduler->registry, event->tenant,
	    bf_registry_type(scheduler->registry, event->type), about,
	    &scheduler->route, NULL, NULL);
	change = make_append(scheduler, event, &scheduler->route);
	if (event->id > scheduler->latest_event)
		scheduler->latest_event = event->id;
	context->intake = intake;
	context->token = token;
	change->context = context;
	return change;
}

static void
hand_over(struct scheduler *scheduler, struct bf_change *change)
{
	struct accept_context *context = change->context;
	struct intake *intake;

	scheduler->accepting++;
	context->tenant = bf_tenant_keeping(scheduler,
	    change->append.event->tenant, bf_append_bytes(&change->append));
	bf_committer_add(scheduler->committer, change, true);
	if (scheduler->accepting < ACCEPTING_MOST || scheduler->intakes_paused)
		return;
	scheduler->intakes_paused = true;
	TAILQ_FOREACH(intake, &scheduler->intakes, entry)
	bf_link_pause(intake->link);
}

static void
resume_intakes(struct scheduler *scheduler)
{
	struct intake *intake;

	if (!scheduler->intakes_paused ||
	    scheduler->accepting > ACCEPTING_MOST / 2)
		return;
	scheduler->intakes_paused = false;
	TAILQ_FOREACH(intake, &scheduler->intakes, entry)
	bf_link_resume(intake->link);
}

/* Whether an event may be taken at all. One that was sent before, to another
 * scheduler, may be stored already: no limit holds it up. */
static bool
may_take(struct scheduler *scheduler, const struct bf_msg_event *posted,
    const struct bf_limits *limits, struct bf_msg_accepted *no)
{
	const struct bf_event *event = posted->event;

	if (!bf_registry_type(scheduler->registry, event->type)) {
		/* A reload took the type away while the event was under way. */
		no->result = BF_ACCEPT_REFUSED;
		no->reason = bf_strdup("the event type is gone");
		return false;
	}
	if (!bf_registry_takes_tenant(scheduler->registry, event->tenant)) {
		no->result = BF_ACCEPT_TENANT;
		no->reason =
		    bf_strf("there is no tenant \"%s\"", event->tenant);
		return false;
	}
	return posted->resent ||
	       bf_tenant_may_send(scheduler, event->tenant, limits, no);
}

/* Takes the change that it would have been, if there is one. */
static void
refuse(struct intake *intake, struct bf_msg_accepted *no,
    struct bf_change *change)
{
	struct scheduler *scheduler = intake->scheduler;

	scheduler->metrics.limited +=
	    no->result == BF_ACCEPT_RATE || no->result == BF_ACCEPT_FULL;
	answer(scheduler, intake->serial, no);
	free(no->reason);
	if (change)
		free(change->context);
	bf_change_free(change);
}

/* Since when keys of the tenant are known: it may be the second of its id. */
static uint64_t
keys_since(const struct scheduler *scheduler, const char *tenant)
{
	const uint64_t past = bf_tenant_past(scheduler, tenant);
	const uint64_t since = bf_retain_keys_since(scheduler);

	return past > since ? past : since;
}

static void
on_event(struct intake *intake, struct bf_msg_event *posted)
{
	struct scheduler *scheduler = intake->scheduler;
	struct bf_msg_accepted no = { .token = posted->token };
	const char *tenant = posted->event->tenant;
	const struct bf_limits limits =
	    bf_registry_limits(scheduler->registry, tenant);
	struct key_in_progress *key = NULL;
	struct bf_change *change;

	if (!may_take(scheduler, posted, &limits, &no)) {
		refuse(intake, &no, NULL);
		return;
	}
	change = route_event(scheduler, bf_event_ref(posted->event), NULL,
	    intake->serial, posted->token);
	if (!posted->resent && !bf_tenant_may_keep(scheduler, tenant, &limits,
				   bf_append_bytes(&change->append), &no)) {
		refuse(intake, &no, change);
		return;
	}
	if (posted->key && !(key = begin_key(scheduler, tenant, posted->key))) {
		no.result = BF_ACCEPT_PROGRESS;
		refuse(intake, &no, change);
		return;
	}
	((struct accept_context *)change->context)->key = key;
	change->append.key = posted->key;
	posted->key = NULL;
	change->append.key_since = keys_since(scheduler, tenant);
	memcpy(change->append.digest, posted->digest,
	    sizeof(change->append.digest));
	change->append.resent = posted->resent;
	hand_over(scheduler, change);
}

void
bf_accept_own(struct scheduler *scheduler, struct bf_event *event,
    const char *about)
{
	event->id = bf_id_next(&scheduler->ids, bf_clock_wall());
	hand_over(scheduler, route_event(scheduler, event, about, 0, 0));
}

/* Tells whoever follows of a delivery that is new. */
static void
tell_watchers(struct scheduler *scheduler, const struct bf_lane_state *lane,
    struct bf_event *event)
{
	const struct bf_delivery delivery = {
		.id = { event->id, lane->number },
		.event = event,
	};

	if (scheduler->watchers > 0)
		bf_notice_delivery(scheduler, lane, &delivery, "scheduled",
		    NULL);
}

/* Hands the deliveries of an event that is durable now to their lanes. */
static void
hand_to_lanes(struct scheduler *scheduler, const struct bf_append *append)
{
	for (size_t i = 0; i < append->channel_count; i++) {
		struct bf_lane_state *lane =
		    bf_lane_state_of(scheduler, append->channels[i]);

		/* A channel that was deleted meanwhile: what waits for it is
		 * cancelled by the steps that its removal has begun. */
		if (lane) {
			tell_watchers(scheduler, lane, append->event);
			bf_lane_state_appended(scheduler, lane, append->event,
			    append->expires[i]);
		}
		bf_rates_accepted(scheduler->rates, append->event->tenant,
		    append->channels[i], bf_scheduler_now(scheduler));
	}
}

static const char *
channel_name(const struct scheduler *scheduler, uint32_t number)
{
	const struct bf_channel_state *state =
	    bf_registry_channel_numbered(scheduler->registry, number);

	return state ? state->channel->name : "";
}

static void
answer_accepted(struct scheduler *scheduler,
    const struct accept_context *context, const struct bf_append *append)
{
	struct bf_accepted_delivery deliveries[16];
	struct bf_msg_accepted accepted = { .token = context->token,
		.event = append->event->id,
		.reason = append->reason,
		.count = append->channel_count };

	accepted.deliveries =
	    append->channel_count > 16
		? bf_zalloc(append->channel_count, sizeof(*deliveries))
		: deliveries;
	for (size_t i = 0; i < append->channel_count; i++) {
		accepted.deliveries[i].channel = append->channels[i];
		accepted.deliveries[i].name =
		    (char *)channel_name(scheduler, append->channels[i]);
	}
	answer(scheduler, context->intake, &accepted);
	if (accepted.deliveries != deliveries)
		free(accepted.deliveries);
}

/* Reads the first event of a repeat, whose answer is to be given again. */
struct repeat_call {
	struct store_call call;
	uint64_t intake, token, event;
	char *reason;
	uint32_t *channels;
	size_t count;
};

static void
note_channel(void *context, const struct bf_delivery_row *row)
{
	struct repeat_call *repeat = context;

	repeat->channels = bf_resize(repeat->channels, repeat->count + 1,
	    sizeof(*repeat->channels));
	repeat->channels[repeat->count++] = row->id.channel;
}

static enum bf_store_result
run_repeat(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	struct repeat_call *repeat = (struct repeat_call *)call;
	struct bf_event *event = NULL;
	enum bf_store_result result;

	result = bf_store_get_event(store, repeat->event, &event,
	    &repeat->reason, note_channel, repeat, err);
	bf_event_unref(&event);
	return result;
}

static void
repeat_done(void *owner, struct store_call *call)
{
	struct scheduler *scheduler = owner;
	struct repeat_call *repeat = (struct repeat_call *)call;
	struct bf_msg_accepted accepted = { .token = repeat->token,
		.event = repeat->event,
		.reason = repeat->reason,
		.count = repeat->count };

	accepted.deliveries =
	    bf_zalloc(repeat->count, sizeof(*accepted.deliveries));
	for (size_t i = 0; i < repeat->count; i++) {
		accepted.deliveries[i].channel = repeat->channels[i];
		accepted.deliveries[i].name =
		    (char *)channel_name(scheduler, repeat->channels[i]);
	}
	if (call->result != BF_STORE_OK)
		accepted.result = BF_ACCEPT_REFUSED;
	answer(scheduler, repeat->intake, &accepted);
	free(accepted.deliveries);
	free(repeat->channels);
	free(repeat->reason);
	free(repeat);
}

static void
answer_repeat(struct scheduler *scheduler, const struct accept_context *context,
    uint64_t event)
{
	struct repeat_call *repeat = bf_new(struct repeat_call);

	repeat->call.run = run_repeat;
	repeat->call.done = repeat_done;
	repeat->intake = context->intake;
	repeat->token = context->token;
	repeat->event = event;
	bf_committer_call(scheduler->committer, &repeat->call);
}

/* An event's change is done: durable, or refused (why). */
void
bf_accept_changed(struct scheduler *scheduler, struct bf_change *change,
    const char *why)
{
	struct accept_context *context = change->context;
	struct bf_append *append = &change->append;

	scheduler->accepting--;
	bf_tenant_kept(context->tenant, bf_append_bytes(append),
	    !why && append->result == BF_APPENDED);
	end_key(scheduler, context->key);
	if (why) {
		scheduler->metrics.refused++;
		answer(scheduler, context->intake,
		    &(struct bf_msg_accepted){ .token = context->token,
			.result = BF_ACCEPT_REFUSED,
			.reason = (char *)why });
	} else if (append->result == BF_CONFLICT) {
		answer(scheduler, context->intake,
		    &(struct bf_msg_accepted){ .token = context->token,
			.result = BF_ACCEPT_CONFLICT });
	} else if (append->result == BF_REPEATED) {
		scheduler->metrics.repeated++;
		answer_repeat(scheduler, context, append->found);
	} else {
		scheduler->metrics.accepted++;
		scheduler->metrics.unrouted += append->channel_count == 0;
		answer_accepted(scheduler, context, append);
		hand_to_lanes(scheduler, append);
	}
	free(context);
	change->context = NULL;
	resume_intakes(scheduler);
}

static void
welcome(struct intake *intake, const struct bf_msg_intake_hello *hello)
{
	struct scheduler *scheduler = intake->scheduler;
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(scheduler->registry);

	if (hello->version != BF_WIRE_VERSION)
		bf_log(BF_LOG_WARN,
		    "intake %lld speaks version %u of the wire, not %u",
		    (long long)hello->pid, hello->version, BF_WIRE_VERSION);
	intake->pid = hello->pid;
	intake->welcomed = true;
	bf_link_send(intake->link,
	    &(struct bf_message){ .kind = BF_MSG_WELCOME,
		.welcome = { .version = BF_WIRE_VERSION,
		    .floor = scheduler->ids.last,
		    .default_tenant =
			(char *)bf_registry_default_tenant(scheduler->registry),
		    .state_dir = snapshot->state_dir } });
}

static void
watch(struct intake *intake, bool on)
{
	if (on == intake->watching)
		return;
	intake->watching = on;
	intake->scheduler->watchers += on ? 1 : (size_t)-1;
}

static void
intake_message(void *context, struct bf_message *message)
{
	struct intake *intake = context;

	switch (message->kind) {
	case BF_MSG_INTAKE_HELLO:
		welcome(intake, &message->intake_hello);
		break;
	case BF_MSG_EVENT:
		on_event(intake, &message->event);
		break;
	case BF_MSG_COMMAND:
		bf_command_run(intake->scheduler, intake, &message->command);
		break;
	case BF_MSG_WATCH:
		watch(intake, message->watch.on);
		break;
	default:
		bf_log(BF_LOG_ERROR, "intake %lld sent message %d",
		    (long long)intake->pid, (int)message->kind);
	}
}

static void
intake_closed(void *context, const char *why)
{
	struct intake *intake = context;
	struct scheduler *scheduler = intake->scheduler;

	if (why)
		bf_log(BF_LOG_ERROR, "intake %lld: %s", (long long)intake->pid,
		    why);
	watch(intake, false);
	TAILQ_REMOVE(&scheduler->intakes, intake, entry);
	bf_link_free(&intake->link);
	free(intake);
	bf_scheduler_leave_if_done(scheduler);
}

void
bf_accept_link(struct scheduler *scheduler, int fd, int64_t pid)
{
	static const struct bf_link_handler handler = { intake_message,
		intake_closed };
	struct intake *intake = bf_new(struct intake);

	intake->scheduler = scheduler;
	intake->serial = ++scheduler->next_serial;
	intake->pid = pid;
	intake->link = bf_link_new(scheduler->base, fd, &handler, intake);
	if (scheduler->intakes_paused)
		bf_link_pause(intake->link);
	TAILQ_INSERT_TAIL(&scheduler->intakes, intake, entry);
}

void
bf_accept_reply(struct scheduler *scheduler, uint64_t serial, uint64_t token,
    uint32_t status, const char *body)
{
	struct intake *intake = find_intake(scheduler, serial);

	if (intake)
		bf_link_send(intake->link,
		    &(struct bf_message){ .kind = BF_MSG_REPLY,
			.reply = { token, status, (char *)body } });
}

void
bf_accept_flush(struct scheduler *scheduler)
{
	struct intake *intake;

	TAILQ_FOREACH(intake, &scheduler->intakes, entry)
	bf_link_send(intake->link,
	    &(struct bf_message){ .kind = BF_MSG_FLUSH });
}

void
bf_accept_free(struct scheduler *scheduler)
{
	struct intake *intake;

	while ((intake = TAILQ_FIRST(&scheduler->intakes))) {
		TAILQ_REMOVE(&scheduler->intakes, intake, entry);
		bf_link_free(&intake->link);
		free(intake);
	}
	bf_route_free(&scheduler->route);
}
