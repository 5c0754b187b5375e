/*
 * scheduler_hand.c - what workers have in hand
 *
 * A delivery, or a test, is in hand from when it is sent to a worker until its
 * outcome comes. One whose worker died stays in hand, as a suspect that waits
 * for a worker of its own. The settings of a channel go ahead of its delivery,
 * unless the worker has them from an earlier one.
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/process/scheduler_private.h"
#include "core/registry/snapshot_wire.h"

#define STUCK_MS 5000   /* beyond its time-out, a delivery's worker is stuck */
#define KNOWN_MOST 4096 /* channels that a worker has the settings of */

/* The settings that a worker was sent: of this generation. */
struct known {
	uint32_t channel;
	uint64_t generation;
	UT_hash_handle hh;
};

struct held *
bf_worker_held(const struct scheduler *scheduler, struct bf_delivery_id id)
{
	struct held *held;

	HASH_FIND(hh, scheduler->held, &id,
	    offsetof(struct bf_delivery_id, channel) + sizeof(id.channel),
	    held);
	return held;
}

size_t
bf_worker_in_hand(const struct scheduler *scheduler)
{
	return HASH_COUNT(scheduler->held);
}

void
bf_worker_hold(struct scheduler *scheduler, struct held *held)
{
	HASH_ADD_KEYPTR(hh, scheduler->held, &held->delivery->id,
	    offsetof(struct bf_delivery_id, channel) +
		sizeof(held->delivery->id.channel),
	    held);
}

static void
forget(struct worker *worker, struct known *known)
{
	bf_link_send(worker->link, &(struct bf_message){ .kind = BF_MSG_FORGET,
				       .forget = { known->channel } });
	HASH_DEL(worker->known, known);
	free(known);
}

/* A worker knows a bounded number of channels: those it had last. It goes on
 * with the settings of what it has in hand. */
static void
forget_oldest(struct worker *worker)
{
	if (HASH_COUNT(worker->known) > KNOWN_MOST)
		forget(worker, worker->known);
}

void
bf_worker_forget(struct scheduler *scheduler, uint32_t channel)
{
	struct worker *worker;
	struct known *known;

	TAILQ_FOREACH(worker, &scheduler->workers, entry)
	{
		HASH_FIND(hh, worker->known, &channel, sizeof(channel), known);
		if (known && worker->link)
			forget(worker, known);
	}
}

static void
send_settings(struct worker *worker, const struct bf_channel *channel)
{
	struct bf_buf bytes = { 0 };

	bf_channel_encode(channel, &bytes);
	bf_link_send(worker->link, &(struct bf_message){ .kind = BF_MSG_CHANNEL,
				       .channel = { bytes.data, bytes.size } });
	bf_buf_wipe(&bytes);
}

/* Sends the settings of a channel unless the worker has them. */
static void
send_channel(struct worker *worker, const struct bf_lane_state *lane)
{
	const uint64_t generation = lane->generation;
	struct known *known;

	HASH_FIND(hh, worker->known, &lane->number, sizeof(lane->number),
	    known);
	if (known && known->generation == generation)
		return;
	if (!known) {
		known = bf_new(struct known);
		known->channel = lane->number;
		HASH_ADD(hh, worker->known, channel, sizeof(known->channel),
		    known);
	}
	forget_oldest(worker);
	known->generation = generation;
	send_settings(worker, lane->state->channel);
}

void
bf_worker_forget_all(struct worker *worker)
{
	struct known *known, *next;

	HASH_ITER(hh, worker->known, known, next)
	{
		HASH_DEL(worker->known, known);
		free(known);
	}
}

const struct bf_channel *
bf_worker_channel_of(const struct held *held)
{
	if (held->test && held->test->draft)
		return held->test->draft;
	return held->lane ? held->lane->state->channel : NULL;
}

void
bf_worker_give(struct worker *worker, struct held *held)
{
	struct scheduler *scheduler = worker->scheduler;
	struct bf_delivery *delivery = held->delivery;
	const struct bf_event_type *type =
	    bf_registry_type(scheduler->registry, delivery->event->type);
	const bool draft = held->test && held->test->draft;

	if (type && !*delivery->event->category) {
		free(delivery->event->category);
		delivery->event->category = bf_strdup(type->category);
		delivery->event->severity = type->severity;
	}
	if (draft)
		send_settings(worker, held->test->draft);
	else
		send_channel(worker, held->lane);
	held->worker = worker;
	held->deadline = bf_clock_monotonic_ms() +
			 bf_worker_channel_of(held)->policy.timeout.ms +
			 STUCK_MS;
	TAILQ_INSERT_TAIL(&worker->hand, held, entry);
	worker->in_hand++;
	bf_link_send(worker->link,
	    &(struct bf_message){ .kind = BF_MSG_DELIVER,
		.deliver = { .id = delivery->id,
		    .tries = (uint32_t)delivery->tries,
		    .attempt = (uint32_t)delivery->attempts + 1,
		    .test = held->test != NULL,
		    .event = delivery->event,
		    .settled = delivery->settled } });
	/* The attempt goes on with the settings that it began with. */
	if (draft)
		bf_link_send(worker->link,
		    &(struct bf_message){ .kind = BF_MSG_FORGET,
			.forget = { BF_DRAFT_CHANNEL } });
	bf_worker_watch(scheduler);
}

void
bf_worker_let_go(struct scheduler *scheduler, struct held *held)
{
	HASH_DEL(scheduler->held, held);
	if (held->worker) {
		TAILQ_REMOVE(&held->worker->hand, held, entry);
		held->worker->in_hand--;
		held->worker->alone = false;
	} else {
		TAILQ_REMOVE(&scheduler->suspects, held, entry);
	}
}

void
bf_worker_free_held(struct held *held)
{
	if (held->again && held->lane)
		bf_lane_state_queue(held->lane, held->again);
	else
		bf_delivery_free(held->again);
	bf_delivery_free(held->delivery);
	free(held);
}

void
bf_worker_orphan(struct scheduler *scheduler, struct bf_lane_state *lane)
{
	struct held *held, *next;

	HASH_ITER(hh, scheduler->held, held, next)
	{
		if (held->lane != lane)
			continue;
		held->lane = NULL;
		if (!held->worker) {
			bf_worker_let_go(scheduler, held);
			bf_worker_free_held(held);
		}
	}
}
