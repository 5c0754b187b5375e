/*
 * program_fuzz.c - arbitrary bytes as what a worker and the spawner say
 */
#include "core/wire/program.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct bf_program_message message;

	if (bf_program_decode((const char *)bytes, size, &message) == 0)
		bf_program_clear(&message);
	return 0;
}
