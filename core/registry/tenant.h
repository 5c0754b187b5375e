#ifndef BF_TENANT_H
#define BF_TENANT_H

#include <stdbool.h>
#include <stdint.h>

#include <belfry/error.h>
#include <belfry/value.h>

/*
 * What an operator says of a tenant, in the conf file or over the API: its
 * name as people see it, and what it may have at most.
 */

#define BF_TENANT_MAX 64       /* bytes of a tenant's id */
#define BF_TENANT_NAME_MAX 128 /* bytes of the name that people see */

#define BF_LIMIT_DEFAULT (-1) /* what tenant_limits says */
#define BF_LIMIT_NONE 0
#define BF_LIMIT_MOST INT64_C(1000000000)      /* of what is counted */
#define BF_LIMIT_BYTES_MOST (INT64_C(1) << 50) /* of what is stored */

struct bf_limits {
	int64_t events_per_second;
	int64_t burst; /* events at once; none: as many as in a second */
	int64_t channels;
	int64_t tokens;              /* that were made over the API */
	struct bf_size stored_bytes; /* of events with their deliveries */
};

#define BF_LIMITS_DEFAULT                                                      \
	{                                                                      \
		BF_LIMIT_DEFAULT, BF_LIMIT_DEFAULT, BF_LIMIT_DEFAULT,          \
		    BF_LIMIT_DEFAULT,                                          \
		{                                                              \
			BF_LIMIT_DEFAULT                                       \
		}                                                              \
	}

/* The limits that count, each a number or BF_LIMIT_NONE: the tenant's own,
 * and what they leave to the default. A burst belongs to the rate beside it. */
struct bf_limits bf_limits_in_force(const struct bf_limits *own,
    const struct bf_limits *otherwise);

/* Whether a text can be a tenant's id: it stands in keys of the store, URLs and
 * the conf file. */
#define BF_TENANT_ID_EXPECTED                                                  \
	"an id of letters, digits and . _ : @ -, 64 characters at most"
bool bf_tenant_is_id(const char *text);

/* Whether a text can be the name that people see: UTF-8 on one line. 0, or -1
 * with what was expected. */
int bf_tenant_name_check(const char *text, struct bf_error *err);

#endif
