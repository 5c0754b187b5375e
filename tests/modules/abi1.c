/*
 * abi1.c - a module as it was written for ABI 1, to be left as it is
 *
 * Whatever belfry becomes, this is to compile no more than once, and to be
 * loaded for ever. SIZE stands for the header of its time: members that the
 * struct has beyond it did not exist.
 */
#include <stdio.h>

#include <belfry/module.h>

#ifndef SIZE
#define SIZE sizeof(struct bf_module)
#endif

#ifndef VERSION
#define VERSION "1.0"
#endif

struct first_conf {
	struct bf_url url;
	struct bf_secret token;
	int64_t priority;
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(first_conf, url), .required = true, .help = "Where to" },
	{ BF_FIELD(first_conf, token), .help = "Bearer token" },
	{ BF_FIELD(first_conf, priority), .fallback = "3", .min = 1, .max = 5,
	    .help = "Sent along" },
	{ 0 },
};

static int
check(void *conf, struct bf_error *err)
{
	const struct first_conf *first = conf;

	if (first->token.bytes || first->priority < 5)
		return 0;
	bf_error_set(err, "priority 5: expected a token with it");
	return -1;
}

static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct first_conf *first = conf;
	char priority[24];

	snprintf(priority, sizeof(priority), "%lld",
	    (long long)first->priority);
	bf_request_post(request, &first->url, "application/json");
	bf_request_bearer(request, &first->token);
	if (bf_request_header(request, "Priority", priority) == -1 ||
	    bf_request_header(request, "Version", VERSION) == -1)
		return -1;
	return bf_event_json(event, &request->body, err);
}

static void
judge(const void *conf, const struct bf_response *response,
    struct bf_verdict *verdict)
{
	(void)conf;
	bf_verdict_http(response, verdict);
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = 1,
	.size = SIZE,
	.name = "first",
	.version = VERSION,
	.license = "BSD-2-Clause",
	.summary = "Of the first ABI",
	.conf_size = sizeof(struct first_conf),
	.directives = directives,
	.check = check,
	.compose = compose,
	.judge = judge,
};
