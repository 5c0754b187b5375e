/*
 * message_fuzz.c - arbitrary bytes as the inside of a frame
 *
 * What is decoded is a message: written and read again, it stays the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/message.h"

#define LENGTH_SIZE 4

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct bf_buf once = { 0 }, twice = { 0 };
	struct bf_message message;

	if (bf_message_decode((const char *)bytes, size, &message) == -1)
		return 0;
	bf_message_encode(&message, &once);
	bf_message_clear(&message);
	if (bf_message_decode(once.data + LENGTH_SIZE, once.size - LENGTH_SIZE,
		&message) == -1)
		abort();
	bf_message_encode(&message, &twice);
	bf_message_clear(&message);
	assert(once.size == twice.size &&
	       memcmp(once.data, twice.data, once.size) == 0);
	bf_buf_free(&once);
	bf_buf_free(&twice);
	return 0;
}
