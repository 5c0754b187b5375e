#ifndef BF_ATTEMPT_H
#define BF_ATTEMPT_H

#include <stddef.h>
#include <stdint.h>

#include <belfry/clock.h>
#include <belfry/outcome.h>

/*
 * One try at a delivery: what the worker reports, and the store keeps. Texts
 * may be NULL; it owns them.
 */
struct bf_attempt {
	int number;           /* 1 for the first */
	struct bf_instant at; /* when it began */
	int64_t took_us;
	int64_t resolve_us, connect_us, tls_us, first_byte_us; /* -1: none */
	int outcome;   /* enum bf_outcome */
	int status;    /* of HTTP or SMTP; 0: no answer */
	char *why;     /* a sentence; NULL for a plain success */
	char *excerpt; /* beginning of the answer's body */
	size_t excerpt_size;
	struct bf_recipients recipients; /* those tried, if it has such */
};

/* Frees what the attempt owns, not itself. */
void bf_attempt_clear(struct bf_attempt *attempt);

/* Frees one that was allocated. NULL is fine. */
void bf_attempt_free(struct bf_attempt *attempt);

#endif
