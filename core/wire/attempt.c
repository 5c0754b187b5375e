/*
 * attempt.c - what an attempt owns, freed
 */
#include "core/wire/attempt.h"

#include <stdlib.h>

void
bf_attempt_clear(struct bf_attempt *attempt)
{
	free(attempt->why);
	free(attempt->excerpt);
	bf_recipients_free(&attempt->recipients);
}

void
bf_attempt_free(struct bf_attempt *attempt)
{
	if (!attempt)
		return;
	bf_attempt_clear(attempt);
	free(attempt);
}
