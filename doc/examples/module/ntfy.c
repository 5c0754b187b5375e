/*
 * ntfy.c - a channel module: push messages by an ntfy server
 *
 * A complete module, to begin your own with. ntfy takes a JSON document with
 * the topic, a title, a message and a priority from 1 to 5.
 */
#include <belfry/module.h>

#include <string.h>

/* One channel's settings: belfry fills them in by the table below. */
struct ntfy_conf {
	struct bf_url url;
	char *topic;
	struct bf_secret token;
	int64_t priority;
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(ntfy_conf, url), .required = true,
	    .help = "The ntfy server, such as https://ntfy.sh/" },
	{ BF_FIELD(ntfy_conf, topic), .required = true,
	    .help = "The topic that messages are sent to" },
	{ BF_FIELD(ntfy_conf, token),
	    .help = "Access token; sent as a bearer token" },
	{ BF_FIELD(ntfy_conf, priority), .fallback = "3", .min = 1, .max = 5,
	    .help = "Priority of all but critical events, which get 5" },
	{ 0 },
};

/* What no directive can check alone. */
static int
check(void *conf, struct bf_error *err)
{
	const struct ntfy_conf *ntfy = conf;

	if (*ntfy->topic && !strpbrk(ntfy->topic, "/ \t"))
		return 0;
	bf_error_set(err, "topic \"%s\": expected a name without slashes",
	    ntfy->topic);
	return -1;
}

/* Makes the request for one attempt. */
static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct ntfy_conf *ntfy = conf;
	const bool urgent = bf_event_severity(event) == BF_SEVERITY_CRITICAL;
	struct bf_buf *body = &request->body;

	(void)err;
	bf_request_post(request, &ntfy->url, "application/json");
	bf_request_bearer(request, &ntfy->token);
	bf_buf_add_text(body, "{\"topic\":");
	bf_json_string(body, ntfy->topic);
	bf_buf_add_text(body, ",\"title\":");
	bf_json_string(body, bf_event_type(event));
	bf_buf_add_text(body, ",\"message\":");
	bf_json_string(body, bf_event_subject(event));
	bf_buf_add_format(body, ",\"priority\":%d}",
	    urgent ? 5 : (int)ntfy->priority);
	return 0;
}

/* What the answer means: a token or topic that is refused is refused for good;
 * the usual judgement does for the rest. */
static void
judge(const void *conf, const struct bf_response *response,
    struct bf_verdict *verdict)
{
	(void)conf;
	bf_verdict_http(response, verdict);
	if (response->status == 401 || response->status == 403)
		bf_verdict_set(verdict, BF_FAILED,
		    "ntfy refused the token (HTTP status %d)",
		    response->status);
}

/* The one symbol that belfry looks for. */
BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "ntfy",
	.version = "1.0",
	.license = "BSD-2-Clause",
	.summary = "Sends push messages by an ntfy server",
	.conf_size = sizeof(struct ntfy_conf),
	.directives = directives,
	.retry = "5s 1m 10m 1h",
	.check = check,
	.compose = compose,
	.judge = judge,
};
