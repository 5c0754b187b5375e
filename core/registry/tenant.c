/*
 * tenant.c - what an operator says of a tenant, checked
 */
#include "core/registry/tenant.h"

#include <string.h>

static int64_t
choose(int64_t own, int64_t otherwise)
{
	return own == BF_LIMIT_DEFAULT ? otherwise : own;
}

struct bf_limits
bf_limits_in_force(const struct bf_limits *own,
    const struct bf_limits *otherwise)
{
	struct bf_limits limits = {
		.events_per_second = choose(own->events_per_second,
		    otherwise->events_per_second),
		.burst = own->burst,
		.channels = choose(own->channels, otherwise->channels),
		.tokens = choose(own->tokens, otherwise->tokens),
		.stored_bytes = { choose(own->stored_bytes.bytes,
		    otherwise->stored_bytes.bytes) },
	};

	if (own->events_per_second == BF_LIMIT_DEFAULT)
		limits.burst = choose(own->burst, otherwise->burst);
	if (limits.burst <= 0)
		limits.burst = limits.events_per_second;
	return limits;
}

bool
bf_tenant_is_id(const char *text)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789._:@-";
	const size_t size = strlen(text);

	return size > 0 && size <= BF_TENANT_MAX && !strchr("._:@-", text[0]) &&
	       strspn(text, characters) == size;
}

int
bf_tenant_name_check(const char *text, struct bf_error *err)
{
	const size_t size = strlen(text);
	size_t i = 0;

	while (i < size && (unsigned char)text[i] >= ' ' && text[i] != 0x7f)
		i++;
	if (size > 0 && size <= BF_TENANT_NAME_MAX && i == size)
		return 0;
	bf_error_set(err, "expected a name of 1 to %d bytes, on one line",
	    BF_TENANT_NAME_MAX);
	return -1;
}
