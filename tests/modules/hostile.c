/*
 * hostile.c - a module that does what a module must not
 *
 * It posts the event's text to its URL, but an event whose subject names a
 * misdeed makes it do that.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/module.h>

struct hostile_conf {
	struct bf_url url;
	char *check; /* a misdeed of check */
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(hostile_conf, url), .required = true,
	    .help = "Where to post to" },
	{ BF_FIELD(hostile_conf, check), .help = "What to do in check" },
	{ 0 },
};

static void
crash(void)
{
	raise(SIGSEGV);
}

static void
loop(void)
{
	for (volatile int i = 0;; i++)
		continue;
}

static void
leave(void)
{
	exit(0);
}

static void
leave_at_once(void)
{
	_exit(3);
}

/* What a stray debugging line does to whatever it may reach. */
static void
chat(void)
{
	for (int i = 0; i < 1000; i++)
		puts("a module has something to say about itself");
	fflush(stdout);
}

static void
leak(void)
{
	static char *volatile lost;

	lost = malloc(1 << 20);
	if (lost)
		memset(lost, 1, 1 << 20);
}

/* Closes what it does not own. */
static void
close_all(void)
{
	for (int fd = 3; fd < 64; fd++)
		close(fd);
}

static const struct {
	const char *name;
	void (*run)(void);
} misdeeds[] = {
	{ "crash", crash },
	{ "abort", abort },
	{ "loop", loop },
	{ "exit", leave },
	{ "_exit", leave_at_once },
	{ "chat", chat },
	{ "leak", leak },
	{ "close", close_all },
};

static void
misbehave(const char *name)
{
	for (size_t i = 0; i < sizeof(misdeeds) / sizeof(*misdeeds); i++) {
		if (strcmp(misdeeds[i].name, name) == 0)
			misdeeds[i].run();
	}
}

static int
check(void *settings, struct bf_error *err)
{
	const struct hostile_conf *conf = settings;

	(void)err;
	if (conf->check)
		misbehave(conf->check);
	return 0;
}

static int
compose(const void *settings, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	const struct hostile_conf *conf = settings;

	misbehave(bf_event_subject(event));
	bf_request_post(request, &conf->url, "application/json");
	return bf_event_json(event, &request->body, err);
}

BF_EXPORT const struct bf_module bf_module = {
	.abi = BF_MODULE_ABI,
	.size = sizeof(struct bf_module),
	.name = "hostile",
	.conf_size = sizeof(struct hostile_conf),
	.directives = directives,
	.check = check,
	.compose = compose,
};
