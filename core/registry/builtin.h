#ifndef BF_BUILTIN_H
#define BF_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/severity.h>

/*
 * The event types that belfry knows by itself. The metadata keys are what
 * senders usually give: documented, shown, never enforced.
 */
struct bf_builtin_type {
	const char *name;
	const char *category;
	enum bf_severity severity;
	bool enabled; /* the default of its toggle */
	const char *description;
	const char *const *metadata; /* "key  what it holds"; NULL at the end */
};

extern const struct bf_builtin_type bf_builtin_types[];
extern const size_t bf_builtin_type_count;

/* The types of events about belfry itself, which it makes on its own. */
#define BF_EVENT_CHANNEL_FAILING "channel_failing"
#define BF_EVENT_CHANNEL_RECOVERED "channel_recovered"
#define BF_EVENT_CHANNEL_STOPPED "channel_stopped"
#define BF_EVENT_STORE_LOW_SPACE "store_low_space"
#define BF_EVENT_BACKLOG_GROWING "backlog_growing"

#endif
