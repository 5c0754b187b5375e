/*
 * @NAME@.c - a channel module of belfry
 */
#include <belfry/module.h>

/* One channel's settings: belfry fills them in by the table below. */
struct @IDENT@_conf {
	struct bf_url url;
	struct bf_secret token;
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(@IDENT@_conf, url), .required = true,
	    .help = "Where events are posted to" },
	{ BF_FIELD(@IDENT@_conf, token), .help = "Sent as the bearer token" },
	{ 0 },
};

/* Makes the request for one attempt. */
static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct @IDENT@_conf *settings = conf;
	struct bf_buf *body = &request->body;

	(void)err;
	bf_request_post(request, &settings->url, "application/json");
	bf_request_bearer(request, &settings->token);
	bf_buf_add_text(body, "{\"title\":");
	bf_json_string(body, bf_event_type(event));
	bf_buf_add_text(body, ",\"text\":");
	bf_json_string(body, bf_event_subject(event));
	bf_buf_add_text(body, "}");
	return 0;
}

/* The one symbol that belfry looks for. Without a judge, 2xx is delivered and
 * all else is tried again. */
BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "@NAME@",
	.version = "0.1",
	.license = "BSD-2-Clause",
	.summary = "Posts events to @NAME@",
	.conf_size = sizeof(struct @IDENT@_conf),
	.directives = directives,
	.compose = compose,
};
