/*
 * load_main.c - the main context: processes, log, places
 */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/conf/url.h"
#include "core/registry/load_private.h"

#define SECOND INT64_C(1000)
#define HOUR (60 * 60 * SECOND)
#define DAY (24 * HOUR)
#define MEGABYTE (INT64_C(1) << 20)

#define WORKERS_MAX 256

/* The member of target that the special is about. */
static char **
text_member(const struct bf_special *special, void *target)
{
	return (char **)((char *)target + special->offset);
}

/* A path that need not exist yet. */
int
bf_load_path(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	const char *word = node->words.items[0];

	if (*word == '\0')
		return bf_conf_error(node, loading->err,
		    "%s: empty; expected a path", node->name);
	*text_member(special, target) = bf_conf_path(node, word);
	return 0;
}

/* Where the store is: the key file may be somewhere else, but stands beside it
 * if nothing else is said. */
static int
read_key_file(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_snapshot *snapshot = target;
	const char *word = node->words.items[0];

	(void)special;
	if (*word == '\0')
		return bf_conf_error(node, loading->err,
		    "%s: empty; expected a path", node->name);
	snapshot->key_file = word[0] == '/'
				 ? bf_strdup(word)
				 : bf_strf("%s/%s", snapshot->state_dir, word);
	loading->secrets->key_file = snapshot->key_file;
	return 0;
}

/* A word that `off` means none of, and that check must like. */
static int
read_or_off(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target,
    int (*check)(const char *text, struct bf_error *err))
{
	const char *word = node->words.items[0];
	struct bf_error cause;

	if (strcmp(word, "off") == 0)
		return 0;
	if (check(word, &cause) == -1)
		return bf_conf_error(node, loading->err, "%s: %s, or off",
		    node->name, cause.text);
	*text_member(special, target) = bf_strdup(word);
	return 0;
}

int
bf_load_proxy(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	return read_or_off(loading, special, node, target, bf_proxy_check);
}

int
bf_load_bind_address(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target)
{
	return read_or_off(loading, special, node, target,
	    bf_bind_address_check);
}

static int
read_worker_processes(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target)
{
	struct bf_snapshot *snapshot = target;
	const char *word = node->words.items[0];
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	(void)special;
	if (strcmp(word, "auto") == 0) {
		snapshot->worker_processes = cores < 1             ? 1
					     : cores > WORKERS_MAX ? WORKERS_MAX
								   : cores;
		return 0;
	}
	if (bf_integer_parse(word, &snapshot->worker_processes, NULL) == 0 &&
	    snapshot->worker_processes >= 1 &&
	    snapshot->worker_processes <= WORKERS_MAX)
		return 0;
	return bf_conf_error(node, loading->err,
	    "%s: \"%.64s\": not a number of processes; expected 1 to %d, or "
	    "auto",
	    node->name, word, WORKERS_MAX);
}

static int
read_user(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_snapshot *snapshot = target;
	const char *user = node->words.items[0];
	const char *group = node->words.count > 1 ? node->words.items[1] : NULL;

	(void)special;
	if (!getpwnam(user))
		return bf_conf_error(node, loading->err,
		    "user: no user \"%.64s\"; expected one of this system",
		    user);
	if (group && !getgrnam(group))
		return bf_conf_error(node, loading->err,
		    "user: no group \"%.64s\"; expected one of this system",
		    group);
	snapshot->user = bf_strdup(user);
	snapshot->group = bf_strdup(group);
	return 0;
}

static int
read_error_log(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_snapshot *snapshot = target;
	const char *place = node->words.items[0];

	(void)special;
	if (*place == '\0')
		return bf_conf_error(node, loading->err,
		    "error_log: empty; expected a path, stderr or "
		    "syslog:FACILITY");
	if (strcmp(place, "stderr") == 0 || strncmp(place, "syslog:", 7) == 0)
		snapshot->log_target = bf_strdup(place);
	else
		snapshot->log_target = bf_conf_path(node, place);
	snapshot->log_level = BF_LOG_NOTICE;
	for (size_t i = 1; i < node->words.count; i++) {
		const char *word = node->words.items[i];

		if (strcmp(word, "json") == 0)
			snapshot->log_json = true;
		else if (bf_log_level_parse(word, &snapshot->log_level) == -1)
			return bf_conf_error(node, loading->err,
			    "error_log: \"%.64s\": unknown; expected a level "
			    "(debug, info, notice, warn, error, crit, alert, "
			    "emerg) or json",
			    word);
	}
	return 0;
}

static int
read_default_tenant(struct bf_loading *loading,
    const struct bf_special *special, const struct bf_conf_node *node,
    void *target)
{
	struct bf_snapshot *snapshot = target;
	const char *id = node->words.items[0];

	(void)special;
	if (bf_name_check(loading, node, BF_NAMING_TENANT, id) == -1 ||
	    bf_define(loading, node, "tenant", NULL, id) == -1)
		return -1;
	snapshot->default_tenant = bf_strdup(id);
	snapshot->tenants[0].id = bf_strdup(id);
	return 0;
}

static const struct bf_directive table[] = {
	{ BF_FIELD(bf_snapshot, intake_processes), .fallback = "1", .min = 1,
	    .max = 32, .help = "How many processes serve the API" },
	{ BF_FIELD(bf_snapshot, worker_connections), .fallback = "256",
	    .min = 1, .max = 16384,
	    .help = "How many deliveries one worker process makes at once" },
	{ BF_FIELD(bf_snapshot, worker_rlimit_data), .fallback = "1024m",
	    .min = 64 * MEGABYTE, .max = MEGABYTE << 20,
	    .help = "How much memory one worker process may have: a module "
		    "that leaks ends its worker, not the machine" },
	{ BF_FIELD_AS("daemon", bf_snapshot, daemonize), .fallback = "on",
	    .help = "Whether belfry goes to the background" },
	{ BF_FIELD(bf_snapshot, retention), .fallback = "30d", .min = HOUR,
	    .max = 36500 * DAY,
	    .help = "How long finished deliveries and their events are kept" },
	{ BF_FIELD(bf_snapshot, audit_keep), .fallback = "90d", .min = HOUR,
	    .max = 36500 * DAY,
	    .help = "How long the audit log says who changed what" },
	{ BF_FIELD(bf_snapshot, shutdown_timeout), .fallback = "30s",
	    .min = SECOND, .max = DAY,
	    .help = "How long a graceful stop or reload waits for what is in "
		    "hand" },
	{ BF_FIELD(bf_snapshot, low_space), .fallback = "64m", .min = MEGABYTE,
	    .max = MEGABYTE << 20,
	    .help = "Free space below which store_low_space is sent" },
	{ BF_FIELD(bf_snapshot, large_backlog), .fallback = "10000", .min = 1,
	    .max = 1000000000,
	    .help = "How many waiting deliveries are nothing unusual; when "
		    "more wait, and more and more, backlog_growing is sent" },
	{ BF_FIELD(bf_snapshot, strict_tenants), .fallback = "off",
	    .help = "Whether tenants must be known: by a block or a token "
		    "here, or made over the API; else whatever tenant an "
		    "event, a channel or a token of the API names is taken" },
	{ 0 },
};

/* In the order in which they are read: modules before the channels that need
 * them, event types before the lists that name them. */
static const struct bf_special specials[] = {
	{ "load_module", "PATH [isolate=on|off]", 1, 2, false, true, NULL,
	    "Loads a module: a kind of channel; a relative path starts at "
	    "belfry's library folder",
	    0, bf_load_module_block },
	{ "disable", "MODULE", 1, 1, false, true, NULL,
	    "Disables all channels of a module; their settings are kept", 0,
	    bf_load_disable },
	{ "worker_processes", "NUMBER | auto", 1, 1, false, false, "auto",
	    "How many processes deliver; auto is one for each core", 0,
	    read_worker_processes },
	{ "user", "USER [GROUP]", 1, 2, false, false, NULL,
	    "Whom the processes run as, when belfry is started by root", 0,
	    read_user },
	{ "pid", "FILE", 1, 1, false, false, BF_PID_FILE,
	    "Where the process id of the master is written",
	    offsetof(struct bf_snapshot, pid_file), bf_load_path },
	{ "error_log", "FILE | stderr | syslog:FACILITY [LEVEL] [json]", 1, 3,
	    false, false, BF_LOCALSTATEDIR "/log/belfry/error.log notice",
	    "Where the log goes, from which level on, and in which form", 0,
	    read_error_log },
	{ "state_dir", "DIRECTORY", 1, 1, false, false,
	    BF_LOCALSTATEDIR "/lib/belfry", "Where the store is kept",
	    offsetof(struct bf_snapshot, state_dir), bf_load_path },
	{ "key_file", "FILE", 1, 1, false, false, "belfry.key",
	    "The keys that secrets are sealed with, made at the first start; a "
	    "relative path starts at state_dir",
	    0, read_key_file },
	{ "default_tenant", "ID", 1, 1, false, false, NULL,
	    "The tenant to whom everything outside of tenant blocks belongs; "
	    "otherwise a UUID is made at the first start",
	    0, read_default_tenant },
	{ "proxy", "URL | off", 1, 1, false, false, "off",
	    "The proxy for all channels of the conf file that name no other; "
	    "the environment's proxy variables are ignored",
	    offsetof(struct bf_snapshot, proxy), bf_load_proxy },
	{ "bind_address", "ADDRESS | INTERFACE | off", 1, 1, false, false,
	    "off",
	    "The local address of outgoing connections, for all channels that "
	    "name no other",
	    offsetof(struct bf_snapshot, bind_address), bf_load_bind_address },
	{ "api", "", 0, 0, true, false, "",
	    "Where the API listens, and its limits", 0, bf_load_api },
	{ "egress", "", 0, 0, true, false, "",
	    "What channels made over the API may reach: public addresses, by "
	    "https, unless it says more",
	    0, bf_load_egress },
	{ "tenant_limits", "", 0, 0, true, false, "",
	    "What each tenant but the default one may have, where its own "
	    "limits do not say it",
	    0, bf_load_tenant_limits },
	{ "events", "", 0, 0, true, false, NULL,
	    "Toggles of event types, and event types of your own", 0,
	    bf_load_events },
	{ "token", "NAME", 1, 1, true, true, NULL, "A bearer token for the API",
	    0, bf_load_token },
	{ "dashboard_user", "NAME", 1, 1, true, true, NULL,
	    "Who may sign in to the dashboard", 0, bf_load_user },
	{ "channel", "MODULE NAME", 2, 2, true, true, NULL,
	    "A destination of the default tenant", 0, bf_load_channel },
	{ "tenant", "ID", 1, 1, true, true, NULL,
	    "Another tenant: its limits, toggles and channels", 0,
	    bf_load_tenant },
	{ 0 },
};

const struct bf_context bf_context_main = { "main", "", table, specials };
