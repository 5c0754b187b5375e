/*
 * snapshot_fuzz.c - arbitrary bytes as a snapshot and as a channel
 *
 * What is decoded is used as its owners use it: looked up, routed, and written
 * again, which must give the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "core/filter/route.h"
#include "core/registry/snapshot_wire.h"

static void
use(struct bf_snapshot *snapshot)
{
	struct bf_registry *registry = bf_registry_new(snapshot, "default");
	struct bf_route route = { 0 };

	bf_registry_next_channel(registry, NULL);
	for (size_t i = 0; i < snapshot->type_count; i++)
		bf_route_event(registry, "default", &snapshot->types[i], NULL,
		    &route, NULL, NULL);
	bf_route_free(&route);
	bf_registry_free(&registry);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	const char *text = (const char *)bytes;
	struct bf_buf out = { 0 };
	struct bf_error err;
	struct bf_snapshot *snapshot = bf_snapshot_decode(text, size, &err);
	struct bf_channel *channel = bf_channel_decode(text, size, &err);

	if (snapshot) {
		bf_snapshot_encode(snapshot, true, &out);
		if (out.size != size || memcmp(out.data, bytes, size) != 0)
			abort();
		use(snapshot);
	}
	if (channel) {
		bf_buf_clear(&out);
		bf_channel_encode(channel, &out);
		if (out.size != size || memcmp(out.data, bytes, size) != 0)
			abort();
	}
	bf_channel_free(&channel);
	bf_buf_free(&out);
	return 0;
}
