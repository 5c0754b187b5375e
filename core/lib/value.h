#ifndef BELFRY_VALUE_H
#define BELFRY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/api.h>
#include <belfry/clock.h>
#include <belfry/strings.h>

/*
 * The types that a setting can have, besides bool (on | off), int64_t (a whole
 * number), char * (text), struct bf_duration, struct bf_instant (an RFC 3339
 * date and time) and struct bf_strings (one or more words). A struct of
 * settings owns what its members point to.
 */

/* An absolute http or https URL, checked; text is as it was written. */
struct bf_url {
	char *text;
};

/*
 * A secret. A type of its own, so that it is never printed by accident. The
 * bytes are followed by a NUL that does not count. NULL bytes: not set.
 */
struct bf_secret {
	char *bytes;
	size_t size;
};

/* A number of bytes: 64k, 1m. */
struct bf_size {
	int64_t bytes;
};

/* One of the names that the directive lists: its index there. */
struct bf_choice {
	int index;
};

/* Pairs of words, one a directive: `header X-Team ops;`, repeatable. */
struct bf_pair {
	char *name;
	char *value;
};

struct bf_pairs {
	struct bf_pair *items;
	size_t count;
};

/* A program by its absolute path, and its arguments: to be started by
 * bf_task_run. In the conf file only. */
struct bf_program {
	struct bf_strings words;
};

/* A user of this system, by name: as whom the program runs. In the conf file
 * only. */
struct bf_user {
	char *name;
};

/* A file that must be readable when the conf file is tested. */
struct bf_path {
	char *text;
};

#endif
