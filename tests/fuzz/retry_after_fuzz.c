/*
 * retry_after_fuzz.c - arbitrary text as the value of Retry-After
 */
#include <assert.h>
#include <stdlib.h>

#include <belfry/memory.h>
#include <belfry/retry_after.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	const struct bf_instant now = { 1775835045123 };
	char *text = bf_strndup((const char *)bytes, size);
	struct bf_duration wait = { -1 };

	if (bf_retry_after(text, now, &wait) == 0)
		assert(wait.ms >= 0);
	else
		assert(wait.ms == -1);
	free(text);
	return 0;
}
