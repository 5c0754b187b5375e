/*
 * every.c - a stranger's module with a setting of every kind: what a form that
 * is drawn from a module's schema has to show and to save
 *
 * It posts its settings back, so that a test sees what arrived.
 */
#include <belfry/module.h>

struct every_conf {
	struct bf_url url;
	struct bf_secret token;
	bool loud;
	int64_t priority;
	struct bf_duration pause;
	struct bf_size most;
	struct bf_instant since;
	struct bf_choice colour;
	struct bf_strings tags;
	struct bf_pairs header;
	struct bf_path ca_file;
	char *note;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

static const struct bf_directive directives[] = {
	{ BF_FIELD(every_conf, url), .required = true, .help = "Where to" },
	{ BF_FIELD(every_conf, token), .help = "Sent as the bearer token" },
	{ BF_FIELD(every_conf, loud), .fallback = "off",
	    .help = "Ring a bell" },
	{ BF_FIELD(every_conf, priority), .fallback = "3", .min = 1, .max = 5,
	    .help = "How urgent it is" },
	{ BF_FIELD(every_conf, pause), .fallback = "5s", .help = "A pause" },
	{ BF_FIELD(every_conf, most), .fallback = "8k", .help = "How much" },
	{ BF_FIELD(every_conf, since), .help = "From when on" },
	{ BF_FIELD(every_conf, colour), .fallback = "green", .choices = colours,
	    .help = "The colour <script>" },
	{ BF_FIELD(every_conf, tags), .help = "Tags" },
	{ BF_FIELD(every_conf, header), .help = "More headers" },
	{ BF_FIELD(every_conf, ca_file), .help = "A file of the server" },
	{ BF_FIELD(every_conf, note), .fallback = "none", .help = "A note" },
	{ 0 },
};

static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct every_conf *every = conf;
	struct bf_buf *body = &request->body;

	bf_request_post(request, &every->url, "application/json");
	bf_request_bearer(request, &every->token);
	for (size_t i = 0; i < every->header.count; i++) {
		const struct bf_pair *pair = &every->header.items[i];

		if (bf_request_header(request, pair->name, pair->value) == -1) {
			bf_error_set(err, "header %s: not one", pair->name);
			return -1;
		}
	}
	bf_buf_add_text(body, "{\"subject\":");
	bf_json_string(body, bf_event_subject(event));
	bf_buf_add_format(body,
	    ",\"loud\":%s,\"priority\":%lld,\"pause_ms\":%lld,\"most\":%lld,"
	    "\"since_ms\":%lld,\"colour\":",
	    every->loud ? "true" : "false", (long long)every->priority,
	    (long long)every->pause.ms, (long long)every->most.bytes,
	    (long long)every->since.ms);
	bf_json_string(body, colours[every->colour.index]);
	bf_buf_add_text(body, ",\"tags\":[");
	for (size_t i = 0; i < every->tags.count; i++) {
		bf_buf_add_text(body, i > 0 ? "," : "");
		bf_json_string(body, every->tags.items[i]);
	}
	bf_buf_add_text(body, "],\"note\":");
	bf_json_string(body, every->note);
	bf_buf_add_text(body, "}");
	return 0;
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "every",
	.version = "0.1",
	.license = "BSD-2-Clause",
	.summary = "Posts its settings <img src=x onerror=alert(1)>",
	.conf_size = sizeof(struct every_conf),
	.directives = directives,
	.compose = compose,
};
