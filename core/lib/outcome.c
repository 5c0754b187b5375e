/*
 * outcome.c - recipients, and what became of each
 */
#include "core/lib/outcome.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

struct bf_recipient *
bf_recipients_add(struct bf_recipients *recipients, const char *address)
{
	struct bf_recipient *recipient;

	/* The room doubles, so that it need not be kept. */
	if ((recipients->count & (recipients->count - 1)) == 0)
		recipients->items = bf_resize(recipients->items,
		    recipients->count ? 2 * recipients->count : 1,
		    sizeof(*recipients->items));
	recipient = &recipients->items[recipients->count++];
	*recipient = (struct bf_recipient){ .address = bf_strdup(address),
		.outcome = BF_RETRY };
	return recipient;
}

void
bf_recipient_answer(struct bf_recipient *recipient, int status,
    const char *reply)
{
	free(recipient->reply);
	recipient->status = status;
	recipient->reply = bf_strdup(reply);
}

void
bf_recipients_copy(struct bf_recipients *recipients,
    const struct bf_recipients *others)
{
	for (size_t i = 0; i < others->count; i++) {
		const struct bf_recipient *other = &others->items[i];
		struct bf_recipient *copy =
		    bf_recipients_add(recipients, other->address);

		copy->outcome = other->outcome;
		bf_recipient_answer(copy, other->status, other->reply);
	}
}

const struct bf_recipient *
bf_recipients_find(const struct bf_recipients *recipients, const char *address)
{
	for (size_t i = 0; i < recipients->count; i++) {
		if (strcmp(recipients->items[i].address, address) == 0)
			return &recipients->items[i];
	}
	return NULL;
}

size_t
bf_recipients_count(const struct bf_recipients *recipients,
    enum bf_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < recipients->count; i++)
		count += recipients->items[i].outcome == outcome;
	return count;
}

void
bf_recipients_free(struct bf_recipients *recipients)
{
	for (size_t i = 0; i < recipients->count; i++) {
		free(recipients->items[i].address);
		free(recipients->items[i].reply);
	}
	free(recipients->items);
	*recipients = (struct bf_recipients){ 0 };
}
