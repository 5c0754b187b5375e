#ifndef BELFRY_OUTCOME_H
#define BELFRY_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/api.h>

/* What became of a delivery by one attempt, or of one of its recipients. */
enum bf_outcome {
	BF_DELIVERED,
	BF_RETRY,  /* try again by the channel's schedule */
	BF_FAILED, /* refused for good */
};

/*
 * One of several recipients of a delivery, with an outcome of its own: a mail
 * server answers for each by itself (RFC 5321, section 3.3). One that is
 * delivered or failed is settled: no later attempt is made for it.
 */
struct bf_recipient {
	char *address; /* unique in the delivery */
	enum bf_outcome outcome;
	int status;  /* code of the answer; 0: none came */
	char *reply; /* the answer, in printable ASCII; or NULL */
};

/* A list of recipients, which it owns. { 0 } is an empty list. */
struct bf_recipients {
	struct bf_recipient *items;
	size_t count;
};

/* Appends a recipient to be tried: BF_RETRY, without an answer. Borrowed from
 * the list until it changes. */
BF_API struct bf_recipient *bf_recipients_add(struct bf_recipients *recipients,
    const char *address);

/* Sets the answer; replaces one that is there. */
BF_API void bf_recipient_answer(struct bf_recipient *recipient, int status,
    const char *reply);

/* Appends copies of all of another list. */
BF_API void bf_recipients_copy(struct bf_recipients *recipients,
    const struct bf_recipients *others);

/* The recipient by its exact address, or NULL. */
BF_API const struct bf_recipient *
bf_recipients_find(const struct bf_recipients *recipients, const char *address);

/* How many have the outcome. */
BF_API size_t bf_recipients_count(const struct bf_recipients *recipients,
    enum bf_outcome outcome);

/* Frees the items; the list is empty afterwards. */
BF_API void bf_recipients_free(struct bf_recipients *recipients);

#endif
