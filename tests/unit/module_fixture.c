/*
 * module_fixture.c - what the tests of modules share
 */
#include "tests/unit/module_fixture.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/event/parse.h"

#define SETTINGS_MOST 20

void *
fixture_configure(const struct bf_module *module,
    const struct setting *settings, struct bf_error *err)
{
	char name[] = "test", file[] = "belfry.conf";
	struct bf_channel channel = { .name = name, .file = file, .line = 7 };
	struct bf_setting all[SETTINGS_MOST] = { 0 };
	void *conf;

	for (; settings->name; settings++) {
		struct bf_setting *one = &all[channel.setting_count++];

		one->name = bf_strdup(settings->name);
		for (size_t i = 0; i < 2 && settings->words[i]; i++)
			bf_strings_add(&one->words, settings->words[i]);
	}
	channel.settings = all;
	conf = bf_module_settings(module, &channel, err);
	for (size_t i = 0; i < channel.setting_count; i++) {
		free(all[i].name);
		bf_strings_free(&all[i].words);
	}
	return conf;
}

struct bf_verdict
fixture_judge(const struct bf_module *module, const void *conf, int status,
    const char *body, const char *first, const char *second)
{
	struct bf_response response = { .status = status,
		.now = { INT64_C(1775835045123) } };
	struct bf_verdict verdict = { .outcome = BF_RETRY };

	bf_buf_add_text(&response.body, body);
	if (first)
		bf_strings_add(&response.headers, first);
	if (second)
		bf_strings_add(&response.headers, second);
	module->judge(conf, &response, &verdict);
	bf_response_free(&response);
	return verdict;
}

char *
fixture_compose(const struct bf_module *module, const void *conf,
    const char *posted, enum bf_severity severity)
{
	const struct bf_event_defaults defaults = { "acme", 0 };
	struct bf_request request = {
		.delivery_id = "dlv_0123456789abcdef0000002a",
		.attempt = 1,
	};
	struct bf_event_problem problem;
	struct bf_event *event =
	    bf_event_parse(posted, strlen(posted), &defaults, NULL, &problem);
	struct bf_error err;
	char *body = NULL;

	if (!event)
		return NULL;
	event->severity = severity;
	if (module->compose(conf, event, &request, &err) == 0)
		body = bf_buf_take(&request.body);
	bf_request_free(&request);
	bf_event_unref(&event);
	return body;
}
