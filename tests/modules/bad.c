/*
 * bad.c - modules that must not be loaded, and one that may
 *
 * Built once for each fault, which comes as a macro.
 */
#include <belfry/module.h>

struct conf {
	int64_t integer;
};

static const struct bf_directive directives[] = {
	{ BF_FIELD(conf, integer) },
	{ 0 },
};

static int
compose(const void *conf, const struct bf_event *event,
    struct bf_request *request, struct bf_error *err)
{
	(void)conf;
	(void)event;
	(void)request;
	(void)err;
	return 0;
}

static int
deliver(const void *conf, const struct bf_event *event, struct bf_task *task,
    struct bf_error *err)
{
	(void)conf;
	(void)event;
	(void)task;
	(void)err;
	return 0;
}

#ifndef SYMBOL
#define SYMBOL bf_module
#endif
#ifndef ABI
#define ABI BF_MODULE_ABI
#endif
#ifndef SIZE
#define SIZE sizeof(struct bf_module)
#endif
#ifndef NAME
#define NAME "fixture"
#endif
#ifndef DIRECTIVES
#define DIRECTIVES 1
#endif
#ifndef COMPOSE
#define COMPOSE 1
#endif
#ifndef DELIVER
#define DELIVER 0
#endif

BF_EXPORT const struct bf_module SYMBOL = {
	.abi = ABI,
	.size = SIZE,
	.name = NAME,
	.conf_size = sizeof(struct conf),
	.directives = DIRECTIVES ? directives : NULL,
	.compose = COMPOSE ? compose : NULL,
	.deliver = DELIVER ? deliver : NULL,
};
