/*
 * load_policy.c - what the core does for a channel of whatever module
 */
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/registry/load_private.h"
#include "core/registry/pattern.h"
#include "core/registry/rate.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const char default_retry[] = "1s 2s 4s";

int
bf_retry_parse(const struct bf_strings *words, struct bf_retry *retry,
    struct bf_error *err)
{
	retry->count = 0;
	if (words->count == 1 && strcmp(words->items[0], "none") == 0)
		return 0;
	if (words->count > BF_RETRY_MAX) {
		bf_error_set(err, "%zu delays; expected %d at most",
		    words->count, BF_RETRY_MAX);
		return -1;
	}
	for (size_t i = 0; i < words->count; i++) {
		struct bf_duration *delay = &retry->delays[i];

		if (bf_duration_parse(words->items[i], delay, err) == -1)
			return -1;
		if (delay->ms > 30 * DAY) {
			bf_error_set(err,
			    "%s is out of range; expected 30d "
			    "at most",
			    words->items[i]);
			return -1;
		}
	}
	retry->count = words->count;
	return 0;
}

static int
read_retry(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_channel_policy *policy = target;
	struct bf_error cause;

	(void)special;
	if (bf_retry_parse(&node->words, &policy->retry, &cause) == 0)
		return 0;
	return bf_conf_error(node, loading->err,
	    "retry: %s, or none for no retries", cause.text);
}

static int
read_jitter(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_channel_policy *policy = target;
	char *word = bf_strdup(node->words.items[0]);
	const size_t size = strlen(word);
	int64_t percent = -1;

	(void)special;
	if (size > 1 && word[size - 1] == '%') {
		word[size - 1] = '\0';
		if (bf_integer_parse(word, &percent, NULL) == -1)
			percent = -1;
	}
	free(word);
	if (percent < 0 || percent > 100)
		return bf_conf_error(node, loading->err,
		    "jitter: \"%.64s\": not a share; expected 0%% to 100%%",
		    node->words.items[0]);
	policy->retry.jitter = (int)percent;
	return 0;
}

int
bf_load_rate(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_rate *rate =
	    (struct bf_rate *)((char *)target + special->offset);
	struct bf_error cause;

	if (bf_rate_parse(&node->words, rate, &cause) == 0)
		return 0;
	return bf_conf_error(node, loading->err, "%s: %s", special->name,
	    cause.text);
}

static const struct bf_directive table[] = {
	{ BF_FIELD(bf_channel_policy, enabled), .fallback = "on",
	    .help = "Whether the channel gets events; off keeps its settings" },
	{ BF_FIELD(bf_channel_policy, events),
	    .help = "The event types that the channel gets: names, patterns "
		    "such as deploy_*, category:NAME; without it, all" },
	{ BF_FIELD(bf_channel_policy, timeout), .fallback = "10s", .min = 100,
	    .max = HOUR, .help = "How long one attempt may take, in all" },
	{ BF_FIELD(bf_channel_policy, max_age), .fallback = "24h",
	    .min = SECOND, .max = 365 * DAY,
	    .help = "How long after its acceptance a delivery is given up" },
	{ BF_FIELD(bf_channel_policy, retry_after_max), .fallback = "1h",
	    .min = 0, .max = 30 * DAY,
	    .help = "The longest wait that a server may ask for "
		    "(Retry-After)" },
	{ BF_FIELD(bf_channel_policy, concurrency), .fallback = "64", .min = 1,
	    .max = 1024,
	    .help = "How many attempts are made at once, when the endpoint "
		    "bears them; a module may have another default" },
	{ BF_FIELD(bf_channel_policy, ordered), .fallback = "off",
	    .help = "Whether a delivery waits until the one before it has "
		    "ended: one at a time, in order of acceptance" },
	{ 0 },
};

static const struct bf_special specials[] = {
	{ "retry", "DURATION ... | none", 1, BF_WORDS_ANY, false, false,
	    default_retry,
	    "The delays before each further attempt, counted from the failure "
	    "before it; a module may have another default",
	    0, read_retry },
	{ "jitter", "PERCENT%", 1, 1, false, false, "0%",
	    "By how much a delay may be longer, at random", 0, read_jitter },
	{ "rate", BF_RATE_SYNTAX, 1, 2, false, false, "off",
	    "How many attempts are made at most; burst of them at once",
	    offsetof(struct bf_channel_policy, rate), bf_load_rate },
	{ "proxy", "URL | off", 1, 1, false, false, NULL,
	    "The proxy of this channel; without it, that of the main context",
	    offsetof(struct bf_channel_policy, proxy), bf_load_proxy },
	{ "bind_address", "ADDRESS | INTERFACE | off", 1, 1, false, false, NULL,
	    "The local address of outgoing connections; without it, that of "
	    "the main context",
	    offsetof(struct bf_channel_policy, bind_address),
	    bf_load_bind_address },
	{ 0 },
};

const struct bf_context bf_context_channel = { "channel", "channel MODULE NAME",
	table, specials };

/* What the module wants where the conf file says nothing. */
static int
read_module_defaults(struct bf_loading *loading,
    const struct bf_conf_node *node, const struct bf_module_info *module,
    struct bf_channel_policy *policy)
{
	if (module->max_age && !bf_conf_find(node, "max_age") &&
	    bf_duration_parse(module->max_age, &policy->max_age,
		loading->err) == -1)
		return -1;
	if (module->timeout && !bf_conf_find(node, "timeout") &&
	    bf_duration_parse(module->timeout, &policy->timeout,
		loading->err) == -1)
		return -1;
	if (module->concurrency && !bf_conf_find(node, "concurrency") &&
	    bf_integer_parse(module->concurrency, &policy->concurrency,
		loading->err) == -1)
		return -1;
	if (module->retry && !bf_conf_find(node, "retry") &&
	    bf_special_read(loading, &specials[0], module->retry, node,
		policy) == -1)
		return -1;
	if (module->rate && !bf_conf_find(node, "rate"))
		return bf_special_read(loading, &specials[2], module->rate,
		    node, policy);
	return 0;
}

static void
read_main_defaults(const struct bf_snapshot *snapshot,
    const struct bf_conf_node *node, struct bf_channel_policy *policy)
{
	if (!bf_conf_find(node, "proxy"))
		policy->proxy = bf_strdup(snapshot->proxy);
	if (!bf_conf_find(node, "bind_address"))
		policy->bind_address = bf_strdup(snapshot->bind_address);
}

static int
check_events(struct bf_loading *loading, const struct bf_conf_node *node)
{
	const struct bf_conf_node *events = bf_conf_find(node, "events");
	struct bf_error cause;

	for (size_t i = 0; events && i < events->words.count; i++) {
		if (bf_pattern_check(events->words.items[i], loading->snapshot,
			&cause) == -1)
			return bf_conf_error(events, loading->err, "events: %s",
			    cause.text);
	}
	return 0;
}

/* Directives that contradict one another. */
static int
check_conflicts(struct bf_loading *loading, const struct bf_conf_node *node,
    struct bf_channel_policy *policy)
{
	const struct bf_conf_node *retry = bf_conf_find(node, "retry");
	const struct bf_conf_node *max_age = bf_conf_find(node, "max_age");
	const struct bf_conf_node *concurrency =
	    bf_conf_find(node, "concurrency");
	struct bf_duration sum = { 0 };
	char last[32], age[32];

	if (policy->ordered && concurrency && policy->concurrency > 1)
		return bf_conf_error(concurrency, loading->err,
		    "concurrency: \"ordered on\" makes one attempt at a time; "
		    "expected 1, or one of the two directives");
	if (policy->ordered)
		policy->concurrency = 1;
	for (size_t i = 0; i < policy->retry.count; i++)
		sum.ms += policy->retry.delays[i].ms;
	if (sum.ms < policy->max_age.ms || (!retry && !max_age))
		return 0;
	bf_duration_format(sum, last);
	bf_duration_format(policy->max_age, age);
	return bf_conf_error(retry ? retry : max_age, loading->err,
	    "%s: the last retry comes %s after the first attempt, but max_age "
	    "gives up after %s; expected a longer max_age or fewer retries",
	    retry ? "retry" : "max_age", last, age);
}

int
bf_load_policy(struct bf_loading *loading, const struct bf_conf_node *node,
    const struct bf_module_info *module, const char *const *names,
    struct bf_channel_policy *policy)
{
	if (bf_context_read(loading, &bf_context_channel, node, policy,
		names) == -1 ||
	    read_module_defaults(loading, node, module, policy) == -1)
		return -1;
	read_main_defaults(loading->snapshot, node, policy);
	if (check_events(loading, node) == -1)
		return -1;
	return check_conflicts(loading, node, policy);
}
