/*
 * snapshot_wire.c - a snapshot as bytes, and back
 *
 * Each struct is described once, by a function that carries its members in
 * either direction, so that writer and reader can't disagree. The reader
 * trusts nothing: what others rely on (names that are there, values in range)
 * is checked here.
 */
#include "core/registry/snapshot_wire.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/snapshot_private.h"
#include "core/wire/codec.h"

#define SNAPSHOT_MARK 0x37736662u /* "bfs7": changes with the layout */
#define CHANNEL_MARK 0x31636662u  /* "bfc1" */

/* One direction: out is set when writing, else reader is read from. */
struct carry {
	struct bf_buf *out;
	struct bf_reader reader;
	bool secrets;
};

/* What must hold of a value that was read. */
static void
require(struct carry *carry, bool holds)
{
	if (!carry->out && !holds)
		carry->reader.bad = true;
}

static void
carry_text(struct carry *carry, char **text)
{
	if (carry->out)
		bf_put_text(carry->out, *text);
	else
		*text = bf_get_text(&carry->reader);
}

/* A text that is never NULL. */
static void
carry_name(struct carry *carry, char **text)
{
	carry_text(carry, text);
	require(carry, *text != NULL);
}

static void
carry_i64(struct carry *carry, int64_t *value)
{
	if (carry->out)
		bf_put_i64(carry->out, *value);
	else
		*value = bf_get_i64(&carry->reader);
}

static void
carry_u32(struct carry *carry, uint32_t *value)
{
	if (carry->out)
		bf_put_u32(carry->out, *value);
	else
		*value = bf_get_u32(&carry->reader);
}

static void
carry_bool(struct carry *carry, bool *value)
{
	uint8_t byte = *value;

	if (carry->out) {
		bf_put_u8(carry->out, byte);
		return;
	}
	byte = bf_get_u8(&carry->reader);
	require(carry, byte <= 1);
	*value = byte == 1;
}

/* A number from 0 to most, kept in an int or an enumeration. */
static int
carry_small(struct carry *carry, int value, int most)
{
	uint32_t number = (uint32_t)value;

	carry_u32(carry, &number);
	require(carry, number <= (uint32_t)most);
	return carry->reader.bad ? 0 : (int)number;
}

static void
carry_place(struct carry *carry, char **file, unsigned *line)
{
	carry_text(carry, file);
	carry_u32(carry, line);
}

/*
 * Carries a list whose items take at least least bytes each. Returns the
 * items: those given, or new ones that were read.
 */
static void *
carry_list(struct carry *carry, void *items, size_t *count, size_t size,
    size_t least, void (*each)(struct carry *carry, void *item))
{
	if (carry->out) {
		bf_put_u32(carry->out, (uint32_t)*count);
	} else {
		*count = bf_get_count(&carry->reader, least);
		items = *count > 0 ? bf_zalloc(*count, size) : NULL;
	}
	for (size_t i = 0; i < *count; i++)
		each(carry, (char *)items + i * size);
	return items;
}

static void
carry_strings(struct carry *carry, struct bf_strings *strings)
{
	uint32_t count = (uint32_t)strings->count;
	char *text;

	if (carry->out) {
		bf_put_u32(carry->out, count);
		for (uint32_t i = 0; i < count; i++)
			bf_put_text(carry->out, strings->items[i]);
		return;
	}
	count = bf_get_count(&carry->reader, 4);
	for (uint32_t i = 0; i < count; i++) {
		text = bf_get_text(&carry->reader);
		require(carry, text != NULL);
		if (text)
			bf_strings_add(strings, text);
		free(text);
	}
}

static void
carry_type(struct carry *carry, void *item)
{
	struct bf_event_type *type = item;

	carry_name(carry, &type->name);
	carry_name(carry, &type->category);
	type->severity =
	    carry_small(carry, type->severity, BF_SEVERITY_CRITICAL);
	carry_bool(carry, &type->enabled);
	carry_bool(carry, &type->builtin);
	carry_text(carry, &type->description);
	carry_strings(carry, &type->metadata);
	carry_place(carry, &type->file, &type->line);
}

static void
carry_toggle(struct carry *carry, void *item)
{
	struct bf_toggle *toggle = item;

	carry_name(carry, &toggle->type);
	carry_bool(carry, &toggle->enabled);
	carry_place(carry, &toggle->file, &toggle->line);
}

static void
carry_limits(struct carry *carry, struct bf_limits *limits)
{
	carry_i64(carry, &limits->events_per_second);
	carry_i64(carry, &limits->burst);
	carry_i64(carry, &limits->channels);
	carry_i64(carry, &limits->tokens);
	carry_i64(carry, &limits->stored_bytes.bytes);
}

static void
carry_tenant(struct carry *carry, void *item)
{
	struct bf_tenant *tenant = item;

	carry_text(carry, &tenant->id);
	carry_text(carry, &tenant->name);
	carry_limits(carry, &tenant->limits);
	carry_place(carry, &tenant->file, &tenant->line);
	tenant->toggles = carry_list(carry, tenant->toggles,
	    &tenant->toggle_count, sizeof(*tenant->toggles), 13, carry_toggle);
}

static void
carry_retry(struct carry *carry, struct bf_retry *retry)
{
	retry->jitter = carry_small(carry, retry->jitter, 100);
	retry->count =
	    (size_t)carry_small(carry, (int)retry->count, BF_RETRY_MAX);
	for (size_t i = 0; i < retry->count; i++)
		carry_i64(carry, &retry->delays[i].ms);
}

/* The URL of a proxy may hold a password. */
static void
carry_proxy(struct carry *carry, char **proxy)
{
	const char *at = *proxy ? strrchr(*proxy, '@') : NULL;
	const char *host = at ? strstr(*proxy, "://") : NULL;
	char *without;

	if (!carry->out || carry->secrets || !host) {
		carry_text(carry, proxy);
		return;
	}
	without = bf_strf("%.*s%s", (int)(host - *proxy) + 3, *proxy, at + 1);
	bf_put_text(carry->out, without);
	free(without);
}

static void
carry_rate(struct carry *carry, struct bf_rate *rate)
{
	carry_i64(carry, &rate->count);
	carry_i64(carry, &rate->period.ms);
	carry_i64(carry, &rate->burst);
	require(carry,
	    rate->count == 0 || (rate->count > 0 && rate->period.ms > 0));
}

static void
carry_policy(struct carry *carry, struct bf_channel_policy *policy)
{
	carry_strings(carry, &policy->events);
	carry_retry(carry, &policy->retry);
	carry_rate(carry, &policy->rate);
	carry_i64(carry, &policy->timeout.ms);
	carry_i64(carry, &policy->max_age.ms);
	carry_i64(carry, &policy->retry_after_max.ms);
	carry_i64(carry, &policy->concurrency);
	require(carry, policy->concurrency > 0);
	carry_bool(carry, &policy->ordered);
	carry_bool(carry, &policy->enabled);
	carry_proxy(carry, &policy->proxy);
	carry_text(carry, &policy->bind_address);
}

/* Writes as many words as there are secret ones, and empty. Only of a pair is
 * the first one no secret: it is the name. */
static void
put_hidden(struct carry *carry, const struct bf_strings *words)
{
	bf_put_u32(carry->out, (uint32_t)words->count);
	for (size_t i = 0; i < words->count; i++)
		bf_put_text(carry->out,
		    words->count == 2 && i == 0 ? words->items[i] : "");
}

static void
carry_setting(struct carry *carry, void *item)
{
	struct bf_setting *setting = item;

	carry_name(carry, &setting->name);
	carry_bool(carry, &setting->secret);
	carry_u32(carry, &setting->line);
	if (carry->out && setting->secret && !carry->secrets)
		put_hidden(carry, &setting->words);
	else
		carry_strings(carry, &setting->words);
}

static void
carry_channel(struct carry *carry, void *item)
{
	struct bf_channel *channel = item;

	carry_u32(carry, &channel->number);
	carry_text(carry, &channel->tenant);
	carry_name(carry, &channel->name);
	carry_name(carry, &channel->module);
	carry_policy(carry, &channel->policy);
	channel->settings =
	    carry_list(carry, channel->settings, &channel->setting_count,
		sizeof(*channel->settings), 13, carry_setting);
	carry_place(carry, &channel->file, &channel->line);
}

static void
carry_token(struct carry *carry, void *item)
{
	struct bf_token *token = item;
	const char *bytes;
	size_t size = sizeof(token->hash);

	carry_name(carry, &token->name);
	carry_text(carry, &token->tenant);
	token->scope = carry_small(carry, token->scope, BF_SCOPE_ADMIN);
	carry_rate(carry, &token->rate);
	carry_place(carry, &token->file, &token->line);
	if (carry->out) {
		bf_put_bytes(carry->out, token->hash, size);
		return;
	}
	bytes = bf_get_bytes(&carry->reader, &size);
	require(carry, size == sizeof(token->hash));
	if (!carry->reader.bad)
		memcpy(token->hash, bytes, size);
}

static void
carry_user(struct carry *carry, void *item)
{
	struct bf_dashboard_user *user = item;
	char *none = NULL;

	carry_name(carry, &user->name);
	carry_text(carry, &user->tenant);
	user->scope = carry_small(carry, user->scope, BF_SCOPE_ADMIN);
	carry_text(carry,
	    carry->out && !carry->secrets ? &none : &user->password);
	carry_name(carry, &user->stamp);
	carry_place(carry, &user->file, &user->line);
}

static void
carry_module(struct carry *carry, void *item)
{
	struct bf_module_info *info = item;

	carry_name(carry, &info->name);
	carry_name(carry, &info->path);
	carry_text(carry, &info->version);
	carry_text(carry, &info->license);
	carry_text(carry, &info->summary);
	info->abi = carry_small(carry, info->abi, INT32_MAX);
	carry_bool(carry, &info->isolate);
	carry_bool(carry, &info->disabled);
	carry_place(carry, &info->file, &info->line);
	carry_bool(carry, &info->runs_programs);
	carry_text(carry, &info->directives);
	carry_text(carry, &info->retry);
	carry_text(carry, &info->max_age);
	carry_text(carry, &info->rate);
	carry_text(carry, &info->concurrency);
	carry_text(carry, &info->timeout);
}

static void
carry_sealed(struct carry *carry, void *item)
{
	struct bf_sealed *sealed = item;

	carry_name(carry, &sealed->key);
	carry_name(carry, &sealed->place);
	carry_place(carry, &sealed->file, &sealed->line);
}

static void
carry_listen(struct carry *carry, void *item)
{
	struct bf_listen *listen = item;

	carry_name(carry, &listen->address);
	carry_bool(carry, &listen->tls);
	carry_i64(carry, &listen->mode);
}

static void
carry_api(struct carry *carry, struct bf_api_settings *api)
{
	api->listens = carry_list(carry, api->listens, &api->listen_count,
	    sizeof(*api->listens), 13, carry_listen);
	carry_text(carry, &api->certificate);
	carry_text(carry, &api->certificate_key);
	carry_i64(carry, &api->max_connections);
	carry_i64(carry, &api->max_body.bytes);
	carry_i64(carry, &api->max_header.bytes);
	carry_i64(carry, &api->request_timeout.ms);
	carry_i64(carry, &api->keepalive_timeout.ms);
	carry_bool(carry, &api->dashboard);
	carry_name(carry, &api->dashboard_root);
	carry_i64(carry, &api->session_timeout.ms);
	carry_i64(carry, &api->session_lifetime.ms);
	carry_bool(carry, &api->secure_cookies);
	carry_rate(carry, &api->token_rate);
	carry_strings(carry, &api->cors_origins);
}

static void
carry_range(struct carry *carry, void *item)
{
	struct bf_ip_range *range = item;
	const char *bytes;
	size_t size = sizeof(range->ip.bytes);

	carry_bool(carry, &range->ip.six);
	carry_u32(carry, &range->bits);
	require(carry, range->bits <= (range->ip.six ? 128u : 32u));
	if (carry->out) {
		bf_put_bytes(carry->out, range->ip.bytes, size);
		return;
	}
	bytes = bf_get_bytes(&carry->reader, &size);
	require(carry, size == sizeof(range->ip.bytes));
	if (!carry->reader.bad)
		memcpy(range->ip.bytes, bytes, size);
}

static void
carry_port_range(struct carry *carry, void *item)
{
	struct bf_port_range *range = item;

	range->first = (uint16_t)carry_small(carry, range->first, UINT16_MAX);
	range->last = (uint16_t)carry_small(carry, range->last, UINT16_MAX);
}

static void
carry_egress(struct carry *carry, struct bf_egress *egress)
{
	carry_bool(carry, &egress->allow_http);
	egress->ranges = carry_list(carry, egress->ranges, &egress->range_count,
	    sizeof(*egress->ranges), 25, carry_range);
	egress->ports = carry_list(carry, egress->ports, &egress->port_count,
	    sizeof(*egress->ports), 8, carry_port_range);
	carry_proxy(carry, &egress->proxy);
}

static void
carry_main(struct carry *carry, struct bf_snapshot *snapshot)
{
	carry_text(carry, &snapshot->path);
	carry_text(carry, &snapshot->user);
	carry_text(carry, &snapshot->group);
	carry_text(carry, &snapshot->pid_file);
	carry_name(carry, &snapshot->state_dir);
	carry_name(carry, &snapshot->key_file);
	carry_text(carry, &snapshot->default_tenant);
	carry_bool(carry, &snapshot->daemonize);
	carry_i64(carry, &snapshot->worker_processes);
	carry_i64(carry, &snapshot->intake_processes);
	carry_i64(carry, &snapshot->worker_connections);
	carry_i64(carry, &snapshot->worker_rlimit_data.bytes);
	carry_text(carry, &snapshot->log_target);
	snapshot->log_level =
	    carry_small(carry, snapshot->log_level, BF_LOG_DEBUG);
	carry_bool(carry, &snapshot->log_json);
	carry_i64(carry, &snapshot->retention.ms);
	carry_i64(carry, &snapshot->audit_keep.ms);
	carry_i64(carry, &snapshot->shutdown_timeout.ms);
	carry_i64(carry, &snapshot->low_space.bytes);
	carry_i64(carry, &snapshot->large_backlog);
	carry_proxy(carry, &snapshot->proxy);
	carry_text(carry, &snapshot->bind_address);
}

static void
carry_snapshot(struct carry *carry, struct bf_snapshot *snapshot)
{
	carry_main(carry, snapshot);
	carry_api(carry, &snapshot->api);
	carry_egress(carry, &snapshot->egress);
	carry_limits(carry, &snapshot->tenant_limits);
	carry_bool(carry, &snapshot->strict_tenants);
	snapshot->types = carry_list(carry, snapshot->types,
	    &snapshot->type_count, sizeof(*snapshot->types), 30, carry_type);
	snapshot->tenants =
	    carry_list(carry, snapshot->tenants, &snapshot->tenant_count,
		sizeof(*snapshot->tenants), 60, carry_tenant);
	/* The first is the default one: only it may be without an id. */
	require(carry, snapshot->tenant_count > 0);
	for (size_t i = 1; i < snapshot->tenant_count; i++)
		require(carry, snapshot->tenants[i].id != NULL);
	snapshot->channels =
	    carry_list(carry, snapshot->channels, &snapshot->channel_count,
		sizeof(*snapshot->channels), 100, carry_channel);
	snapshot->tokens = carry_list(carry, snapshot->tokens,
	    &snapshot->token_count, sizeof(*snapshot->tokens), 40, carry_token);
	snapshot->users = carry_list(carry, snapshot->users,
	    &snapshot->user_count, sizeof(*snapshot->users), 28, carry_user);
	snapshot->modules =
	    carry_list(carry, snapshot->modules, &snapshot->module_count,
		sizeof(*snapshot->modules), 38, carry_module);
	snapshot->sealed =
	    carry_list(carry, snapshot->sealed, &snapshot->sealed_count,
		sizeof(*snapshot->sealed), 16, carry_sealed);
}

/* Writing only reads what it is given, though it shares the functions. */
void
bf_snapshot_encode(const struct bf_snapshot *snapshot, bool secrets,
    struct bf_buf *out)
{
	struct carry carry = { .out = out, .secrets = secrets };

	bf_put_u32(out, SNAPSHOT_MARK);
	carry_snapshot(&carry, (struct bf_snapshot *)snapshot);
}

struct bf_snapshot *
bf_snapshot_decode(const char *bytes, size_t size, struct bf_error *err)
{
	struct carry carry = { .reader = { .next = bytes, .left = size } };
	struct bf_snapshot *snapshot = bf_new(struct bf_snapshot);

	require(&carry, bf_get_u32(&carry.reader) == SNAPSHOT_MARK);
	carry_snapshot(&carry, snapshot);
	if (!bf_reader_done(&carry.reader)) {
		bf_error_set(err, "the bytes are no snapshot of a conf file");
		bf_snapshot_free(&snapshot);
	}
	return snapshot;
}

void
bf_channel_encode(const struct bf_channel *channel, struct bf_buf *out)
{
	struct carry carry = { .out = out, .secrets = true };

	bf_put_u32(out, CHANNEL_MARK);
	carry_channel(&carry, (struct bf_channel *)channel);
}

struct bf_channel *
bf_channel_decode(const char *bytes, size_t size, struct bf_error *err)
{
	struct carry carry = { .reader = { .next = bytes, .left = size } };
	struct bf_channel *channel = bf_new(struct bf_channel);

	require(&carry, bf_get_u32(&carry.reader) == CHANNEL_MARK);
	carry_channel(&carry, channel);
	if (!bf_reader_done(&carry.reader)) {
		bf_error_set(err, "the bytes are no channel");
		bf_channel_free(&channel);
	}
	return channel;
}

void
bf_channel_free(struct bf_channel **channel)
{
	if (*channel)
		bf_channel_clear(*channel);
	free(*channel);
	*channel = NULL;
}
