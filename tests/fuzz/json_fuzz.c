/*
 * json_fuzz.c - arbitrary bytes as JSON, written canonically
 *
 * What was written once must be read back, and be written the same again: a
 * receiver that reads and writes it verifies the same bytes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/json.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct bf_buf once = { 0 }, twice = { 0 };
	struct bf_error err;
	cJSON *tree = bf_json_parse((const char *)bytes, size, &err);
	cJSON *again;

	if (!tree)
		return 0;
	bf_json_print(&once, tree);
	for (size_t i = 0; i < once.size; i++)
		assert(once.data[i] >= ' ' && once.data[i] <= '~');
	again = bf_json_parse(once.data, once.size, &err);
	assert(again);
	bf_json_print(&twice, again);
	assert(once.size == twice.size &&
	       memcmp(once.data, twice.data, once.size) == 0);
	bf_buf_free(&once);
	bf_buf_free(&twice);
	cJSON_Delete(tree);
	cJSON_Delete(again);
	return 0;
}
