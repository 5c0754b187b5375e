/*
 * bodies.c - events as requests of a module, for tests in other languages
 *
 *   bodies MODULE.so [NAME VALUE ...] <EVENTS >BODIES
 *
 * Reads an event a line, as it would be posted, and writes the body of the
 * request that the module composes, a line each. Names and values are
 * directives of the channel; a value with a blank is two words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/event/parse.h"
#include "core/module/loader.h"
#include "core/registry/builtin.h"

#define SETTINGS_MOST 20

/* The settings of a channel from the arguments. */
static void *
configure(const struct bf_module *module, int argc, char **argv)
{
	struct bf_setting settings[SETTINGS_MOST] = { 0 };
	char name[] = "test", file[] = "arguments";
	struct bf_channel channel = { .name = name,
		.file = file,
		.settings = settings };
	struct bf_error err;
	void *conf;

	for (int i = 0; i + 1 < argc && i / 2 < SETTINGS_MOST; i += 2) {
		struct bf_setting *setting = &settings[channel.setting_count++];
		char *rest = NULL;

		setting->name = argv[i];
		for (char *word = strtok_r(argv[i + 1], " ", &rest); word;
		     word = strtok_r(NULL, " ", &rest))
			bf_strings_add(&setting->words, word);
	}
	conf = bf_module_settings(module, &channel, &err);
	if (!conf)
		fprintf(stderr, "%s\n", err.text);
	for (size_t i = 0; i < channel.setting_count; i++)
		bf_strings_free(&settings[i].words);
	return conf;
}

/* What the registry would say of the event's type. */
static enum bf_severity
severity_of(const char *type)
{
	for (size_t i = 0; i < bf_builtin_type_count; i++) {
		if (strcmp(bf_builtin_types[i].name, type) == 0)
			return bf_builtin_types[i].severity;
	}
	return BF_SEVERITY_INFO;
}

/* Composes one line. -1 after a message. */
static int
compose(const struct bf_module *module, const void *conf, const char *line,
    size_t size)
{
	const struct bf_event_defaults defaults = { "default", 0 };
	struct bf_request request = {
		.delivery_id = "dlv_0123456789abcdef0000002a",
		.attempt = 1,
	};
	struct bf_event_problem problem;
	struct bf_event *event =
	    bf_event_parse(line, size, &defaults, NULL, &problem);
	struct bf_error err;
	int status = -1;

	if (!event) {
		fprintf(stderr, "%s: %s\n", problem.field, problem.error.text);
		return -1;
	}
	event->severity = severity_of(event->type);
	if (module->compose(conf, event, &request, &err) == -1)
		fprintf(stderr, "%s\n", err.text);
	else
		status = puts(bf_buf_text(&request.body)) == EOF ? -1 : 0;
	bf_request_free(&request);
	bf_event_unref(&event);
	return status;
}

int
main(int argc, char **argv)
{
	struct bf_loader *loader = bf_loader_new();
	const struct bf_module *module;
	struct bf_error err;
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;
	void *conf;
	int status;

	module = argc > 1 ? bf_loader_open(loader, argv[1], &err) : NULL;
	if (!module) {
		fprintf(stderr, "%s\n", argc > 1 ? err.text : "no module");
		return EXIT_FAILURE;
	}
	conf = configure(module, argc - 2, argv + 2);
	status = conf ? 0 : -1;
	while (status == 0 && (size = getline(&line, &capacity, stdin)) > 0)
		status = compose(module, conf, line, (size_t)size);
	free(line);
	bf_module_settings_free(module, &conf);
	bf_loader_free(&loader);
	return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
