/*
 * faulty.c - a module with one fault, which comes as a macro: what
 * belfry-module check is to find
 */
#include <belfry/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct faulty_conf {
	struct bf_url url;
};

static const struct bf_directive directives[] = {
#ifdef NO_HELP
	{ BF_FIELD(faulty_conf, url), .required = true },
#else
	{ BF_FIELD(faulty_conf, url), .required = true, .help = "A URL" },
#endif
	{ 0 },
};

#ifdef SHOWN
BF_API int shown_symbol(void);
int
shown_symbol(void)
{
	return 1;
}
#endif

#ifdef LEAK
static void *last;
#endif

static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct faulty_conf *faulty = conf;

	(void)err;
	bf_request_post(request, &faulty->url, "text/plain");
#ifdef CRASH
	if (strlen(bf_event_subject(event)) > 300)
		*(volatile char *)0 = 1;
#endif
#ifdef LEAK
	last = malloc(100);
#endif
#ifdef PRINT
	puts(bf_event_type(event));
#endif
#ifdef BLOCK
	usleep(100);
	usleep(100);
	usleep(100);
#endif
#ifdef REFUSE
	return -1;
#endif
#ifdef PASTE
	char line[64];

	snprintf(line, sizeof(line), "X-Subject: %s", bf_event_subject(event));
	bf_strings_add(&request->headers, line);
#endif
#ifdef UNCHECKED
	char *copy = strdup(bf_event_type(event));

	copy[0] = 'x';
	bf_buf_add_text(&request->body, copy);
	free(copy);
#else
	bf_buf_add_text(&request->body, bf_event_type(event));
#endif
	return 0;
}

static void
judge(const void *conf, const struct bf_response *response,
    struct bf_verdict *verdict)
{
	(void)conf;
	bf_verdict_http(response, verdict);
#ifdef JUDGE
	verdict->outcome = BF_DELIVERED;
#endif
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "faulty",
	.license = "BSD-2-Clause",
	.summary = "Has a fault",
	.conf_size = sizeof(struct faulty_conf),
	.directives = directives,
	.compose = compose,
	.judge = judge,
};
