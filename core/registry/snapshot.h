#ifndef BF_SNAPSHOT_H
#define BF_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <belfry/directive.h>
#include <belfry/error.h>
#include <belfry/severity.h>

#include "core/base/log.h"
#include "core/conf/ip.h"
#include "core/registry/scope.h"
#include "core/registry/tenant.h"

/*
 * What the conf file says, checked and complete: an immutable value that every
 * process has its copy of. Made by the loader process from the tree of
 * directives (core/registry/load.h), carried to the others as bytes
 * (core/registry/snapshot_wire.h), replaced as a whole by a reload.
 *
 * Everything in it is owned by it. Text that is not set is NULL.
 */

#define BF_NAME_MAX 64 /* bytes of a name of a channel, event type, token */
#define BF_ACTOR_MAX                                                           \
	(BF_NAME_MAX + 6) /* bytes of "token NAME" and the like                \
			   */
#define BF_RETRY_MAX 32   /* delays in a schedule */

/* A type of event: built in, or registered in the conf file. */
struct bf_event_type {
	char *name;
	char *category;
	enum bf_severity severity;
	bool enabled; /* the default of its global toggle */
	bool builtin;
	char *description;
	struct bf_strings metadata; /* usual keys: "key  what it holds" */
	char *file; /* where the conf file registers it; NULL if builtin */
	unsigned line;
};

/* A toggle that the conf file sets: it can't be changed over the API. */
struct bf_toggle {
	char *type;
	bool enabled;
	char *file;
	unsigned line;
};

struct bf_retry {
	size_t count;
	struct bf_duration delays[BF_RETRY_MAX]; /* after the n-th failure */
	int jitter; /* per cent that a delay may be longer by, 0..100 */
};

/* A rate: at most count in each period, burst at once. count 0: no limit. */
struct bf_rate {
	int64_t count;
	struct bf_duration period;
	int64_t burst;
};

/* What the core does for a channel of whatever module. */
struct bf_channel_policy {
	struct bf_strings events; /* names, deploy_*, category:x; empty = all */
	struct bf_retry retry;
	struct bf_rate rate;
	struct bf_duration timeout;         /* of one attempt, in all */
	struct bf_duration max_age;         /* then it ends as failed */
	struct bf_duration retry_after_max; /* cap on what a server may ask */
	int64_t concurrency;                /* attempts at once */
	bool ordered;                       /* nothing overtakes a retry */
	bool enabled;
	char *proxy;        /* URL, or NULL: none */
	char *bind_address; /* or interface; or NULL */
};

/* One directive of the module's own, its secrets resolved. */
struct bf_setting {
	char *name;
	struct bf_strings words;
	bool secret; /* words are secret: never shown, wiped when freed */
	unsigned line;
};

struct bf_channel {
	uint32_t number; /* its key in the store; 0 until the scheduler knows */
	char *tenant;
	char *name; /* unique in the tenant */
	char *module;
	struct bf_channel_policy policy;
	struct bf_setting *settings;
	size_t setting_count;
	char *file; /* NULL: it was made over the API */
	unsigned line;
};

#define BF_TOKEN_HASH_SIZE 32

/* A bearer token: only the SHA-256 of its bytes is kept. */
struct bf_token {
	char *name;
	char *tenant;
	enum bf_scope scope;
	struct bf_rate rate; /* of requests with it; its own or token_rate */
	unsigned char hash[BF_TOKEN_HASH_SIZE];
	char *file;
	unsigned line;
};

/* Who may sign in to the dashboard. */
struct bf_dashboard_user {
	char *name;
	char *tenant;
	enum bf_scope scope;
	char *password; /* its hash: core/conf/password.h; secret */
	char *stamp;    /* another one when the password is */
	char *file;
	unsigned line;
};

/* A tenant, as its block in the conf file has it. */
struct bf_tenant {
	char *id;
	char *name; /* as people see it; or NULL */
	struct bf_limits limits;
	char *file; /* NULL: the default one, which has no block */
	unsigned line;
	struct bf_toggle *toggles;
	size_t toggle_count;
};

/* A module that load_module names, as the loader process saw it. */
struct bf_module_info {
	char *name;
	char *path; /* absolute */
	char *version;
	char *license;
	char *summary;
	int abi;
	bool isolate;
	bool disabled; /* by `disable NAME;`, which stands in file:line */
	char *file;
	unsigned line;
	bool runs_programs; /* one of its directives is a program */
	char *directives; /* its directive table as JSON, for API and manual */
	char *retry;      /* its defaults, as written: schedule, ... */
	char *max_age;
	char *rate;        /* NULL: no limit */
	char *concurrency; /* NULL: the core's */
	char *timeout;
};

/* A sealed secret of the conf file: which key it needs. */
struct bf_sealed {
	char *key;   /* id */
	char *place; /* "channel webhook ops: secret" */
	char *file;
	unsigned line;
};

/* Where the API listens. */
struct bf_listen {
	char *address; /* "127.0.0.1:8420", "[::1]:8420", "unix:/path" */
	bool tls;
	int64_t mode; /* of a Unix socket's file */
};

struct bf_api_settings {
	struct bf_listen *listens;
	size_t listen_count;
	char *certificate; /* PEM files, for listeners with tls */
	char *certificate_key;
	int64_t max_connections;            /* in one intake process */
	struct bf_size max_body;            /* of a request */
	struct bf_size max_header;          /* of request line and headers */
	struct bf_duration request_timeout; /* first byte to last, in all */
	struct bf_duration keepalive_timeout;
	bool dashboard;                      /* whether it is served */
	char *dashboard_root;                /* the folder of its files */
	struct bf_duration session_timeout;  /* of one that is not used */
	struct bf_duration session_lifetime; /* of any */
	bool secure_cookies;                 /* TLS ends in front of belfry */
	struct bf_rate token_rate; /* of a token without a rate of its own */
	struct bf_strings cors_origins; /* none: CORS is off */
};

struct bf_port_range {
	uint16_t first, last; /* both included */
};

/* What channels made over the API may reach. */
struct bf_egress {
	bool allow_http;
	struct bf_ip_range *ranges; /* opened, though not public */
	size_t range_count;
	struct bf_port_range *ports;
	size_t port_count;
	char *proxy; /* URL, or NULL: none */
};

struct bf_snapshot {
	char *path; /* of the conf file */
	char *user; /* to run as; NULL: as started */
	char *group;
	char *pid_file;
	char *state_dir;
	char *key_file;       /* of the keys that seal secrets */
	char *default_tenant; /* NULL: a UUID made at first start */
	bool daemonize;
	int64_t worker_processes; /* the number that auto stands for */
	int64_t intake_processes;
	int64_t worker_connections;        /* attempts at once in one worker */
	struct bf_size worker_rlimit_data; /* memory of one worker */
	char *log_target;
	enum bf_log_level log_level;
	bool log_json;
	struct bf_duration retention;        /* of finished deliveries */
	struct bf_duration audit_keep;       /* of rows of the audit log */
	struct bf_duration shutdown_timeout; /* for a graceful stop */
	struct bf_size low_space; /* store_low_space below this much free */
	int64_t large_backlog;    /* backlog_growing above so many waiting */
	char *proxy;              /* defaults for channels */
	char *bind_address;
	struct bf_api_settings api;
	struct bf_egress egress;
	struct bf_limits tenant_limits; /* of tenants without their own */
	bool strict_tenants;            /* others than known ones are refused */
	struct bf_event_type *types;    /* sorted by name */
	size_t type_count;
	struct bf_tenant *tenants; /* the default tenant first, id NULL if so */
	size_t tenant_count;
	struct bf_channel *channels; /* in order of the file */
	size_t channel_count;
	struct bf_token *tokens;
	size_t token_count;
	struct bf_dashboard_user *users;
	size_t user_count;
	struct bf_module_info *modules;
	size_t module_count;
	struct bf_sealed *sealed; /* in order of the file */
	size_t sealed_count;
};

/* Frees it, wiping secrets, and sets *snapshot to NULL. */
void bf_snapshot_free(struct bf_snapshot **snapshot);

/* Looks an event type up by its exact name, or NULL. */
const struct bf_event_type *bf_snapshot_type(const struct bf_snapshot *snapshot,
    const char *name);

/* Whether the operator wrote the channel: it stands in the conf file. Else it
 * was made over the API, be it to be tested only. */
bool bf_channel_is_trusted(const struct bf_channel *channel);

/* Looks a user up by name, or NULL. */
const struct bf_dashboard_user *
bf_snapshot_user(const struct bf_snapshot *snapshot, const char *name);

/* Looks a module up by name, or NULL. */
const struct bf_module_info *
bf_snapshot_module(const struct bf_snapshot *snapshot, const char *name);

/* The tenant by id, or NULL if the conf file does not know it. */
const struct bf_tenant *bf_snapshot_tenant(const struct bf_snapshot *snapshot,
    const char *id);

#endif
