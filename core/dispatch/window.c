/*
 * window.c - how many attempts are made at once
 */
#include "core/dispatch/window.h"

#define FIRST 16        /* attempts at once, of which nothing is known */
#define REFUSED_MOST 16 /* deliveries in a row; then they come slower */
#define GAP_LEAST 10    /* milliseconds */
#define GAP_MOST 200

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
begin_round(struct bf_window *window)
{
	window->left = window->size;
	window->failures = 0;
	window->full = false;
}

void
bf_window_restart(struct bf_window *window)
{
	*window = (struct bf_window){ .bound = window->bound,
		.size = least(FIRST, window->bound),
		.threshold = SIZE_MAX };
	begin_round(window);
}

void
bf_window_bound(struct bf_window *window, size_t bound)
{
	if (bound == window->bound)
		return;
	window->bound = bound;
	bf_window_restart(window);
}

size_t
bf_window_room(const struct bf_window *window, size_t in_flight)
{
	return in_flight < window->size ? window->size - in_flight : 0;
}

int64_t
bf_window_ready(const struct bf_window *window)
{
	return window->gap_ms > 0 ? window->began + window->gap_ms : 0;
}

void
bf_window_begin(struct bf_window *window, size_t in_flight, int64_t now)
{
	window->began = now;
	if (in_flight >= window->size)
		window->full = true;
}

static void
grow(struct bf_window *window)
{
	size_t size = window->size + 1;

	if (window->size < window->threshold)
		size = least(2 * window->size, window->threshold);
	window->size = least(size, window->bound);
}

/* Half of the failures, rounded up, so that a few count, too. */
static void
shrink(struct bf_window *window)
{
	const size_t loss = (window->failures + 1) / 2;

	window->size = loss < window->size ? window->size - loss : 1;
	/* The first loss after a good round says what it bears; those that
	 * follow say that it is down. */
	if (!window->shrinking)
		window->threshold = window->size;
}

/* A round goes on until it has an outcome for each attempt it allowed. */
static void
count(struct bf_window *window, bool failed)
{
	window->failures += failed;
	if (--window->left > 0)
		return;
	if (window->failures > 0)
		shrink(window);
	else if (window->full)
		grow(window);
	window->shrinking = window->failures > 0;
	begin_round(window);
}

/* An endpoint that refuses one delivery after the other is left some time, but
 * it is up: no more of it than that. */
static void
wait_for_refusals(struct bf_window *window)
{
	if (window->refused < REFUSED_MOST)
		window->refused++;
	if (window->refused == REFUSED_MOST || window->gap_ms > GAP_LEAST)
		window->gap_ms = GAP_LEAST;
}

/* By a millisecond a failure: the gap follows how long an outage lasts. */
static void
wait_longer(struct bf_window *window)
{
	if (window->gap_ms < GAP_LEAST)
		window->gap_ms = GAP_LEAST;
	else if (window->gap_ms < GAP_MOST)
		window->gap_ms++;
}

void
bf_window_end(struct bf_window *window, enum bf_health health)
{
	switch (health) {
	case BF_HEALTH_UNKNOWN:
		break;
	case BF_HEALTH_WELL:
		window->refused = 0;
		window->gap_ms = 0;
		count(window, false);
		break;
	case BF_HEALTH_REFUSES:
		wait_for_refusals(window);
		break;
	case BF_HEALTH_ILL:
		if (window->size == 1)
			wait_longer(window);
		count(window, true);
		break;
	}
}
