#ifndef BF_WORKER_PROGRAM_H
#define BF_WORKER_PROGRAM_H

#include <stdint.h>

#include <event2/event.h>

#include <belfry/error.h>

#include "core/wire/program.h"

/* Programs that the spawner runs for this worker. */
struct bf_programs;

/* How a program ended: status as from waitpid(2), or -1 when it was not
 * started, why not in reason (borrowed; else NULL). */
typedef void bf_program_ended(void *context, int status, const char *reason);

/* socket: to the spawner, which is taken over; -1: there is none. */
struct bf_programs *bf_programs_new(struct event_base *base, int socket);

/* Asks for the program of a channel; ask holds tenant, channel, environment
 * and descriptors, all borrowed. Returns its id, or 0 with the reason. */
uint64_t bf_programs_start(struct bf_programs *programs,
    struct bf_program_message *ask, bf_program_ended *ended, void *context,
    struct bf_error *err);

/* Kills the program, and does not tell of its end. */
void bf_programs_kill(struct bf_programs *programs, uint64_t id);

/* Nobody is told of what still runs; the spawner kills it. */
void bf_programs_free(struct bf_programs **programs);

#endif
