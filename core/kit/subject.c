/*
 * subject.c - a module as a worker has it, with the settings of a channel
 *
 * It goes the way of any module: a conf file that loads it is written, and
 * read by what reads belfry's own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/conf/settings.h"
#include "core/kit/kit.h"

/* What a directive that is required says where nobody says it. */
static const char *
usual(const struct bf_directive *directive)
{
	static const char *const values[] = { [BF_TYPE_FLAG] = "on",
		[BF_TYPE_INTEGER] = "1",
		[BF_TYPE_TEXT] = "text",
		[BF_TYPE_DURATION] = "10s",
		[BF_TYPE_INSTANT] = "2030-01-01T00:00:00Z",
		[BF_TYPE_SIZE] = "64k",
		[BF_TYPE_URL] = "https://example.com/hook",
		[BF_TYPE_SECRET] = "a-secret",
		[BF_TYPE_WORDS] = "ops@example.com",
		[BF_TYPE_PAIRS] = "X-Name value",
		[BF_TYPE_PATH] = "/etc/hosts",
		[BF_TYPE_PROGRAM] = "/bin/true",
		[BF_TYPE_USER] = "root" };

	if (directive->type == BF_TYPE_CHOICE)
		return directive->choices[0];
	return (size_t)directive->type < sizeof(values) / sizeof(*values) &&
		       values[directive->type]
		   ? values[directive->type]
		   : "value";
}

static char *
usual_settings(const struct bf_directive *table)
{
	struct bf_buf text = { 0 };

	for (; table->name; table++) {
		if (table->required)
			bf_buf_add_format(&text, "%s %s; ", table->name,
			    usual(table));
	}
	bf_buf_add_byte(&text, '\n');
	return bf_buf_take(&text);
}

/* Writes the conf file; its path, in new memory. */
static char *
write_conf(const char *path, const char *name, const char *settings,
    struct bf_error *err)
{
	char *file = bf_strdup("/tmp/belfry-module.XXXXXX");
	const int fd = mkstemp(file);

	if (fd != -1 && dprintf(fd,
			    "load_module \"%s\" isolate=off;\n"
			    "channel %s check {\n%s}\n",
			    path, name, settings) > 0) {
		close(fd);
		return file;
	}
	bf_error_errno(err, "write %s", file);
	if (fd != -1)
		close(fd);
	free(file);
	return NULL;
}

static const char *
environment(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

int
bf_kit_open(const struct bf_kit_check *check, struct bf_kit_subject *subject,
    struct bf_error *err)
{
	const struct bf_secret_source secrets = { .env = environment };
	struct bf_module_source source;
	char *settings, *conf;

	*subject =
	    (struct bf_kit_subject){ .path = check->path, .seed = check->seed };
	subject->loader = bf_loader_new();
	subject->module = bf_loader_open(subject->loader, check->path, err);
	if (!subject->module)
		return -1;
	settings = check->settings
		       ? bf_strdup(check->settings)
		       : usual_settings(subject->module->directives);
	conf = write_conf(check->path, subject->module->name, settings, err);
	free(settings);
	if (!conf)
		return -1;
	source = bf_loader_source(subject->loader);
	subject->snapshot =
	    bf_registry_load(conf, NULL, "/", &source, &secrets, err);
	unlink(conf);
	free(conf);
	if (!subject->snapshot)
		return -1;
	subject->channel = &subject->snapshot->channels[0];
	subject->settings =
	    bf_module_settings(subject->module, subject->channel, err);
	return subject->settings ? 0 : -1;
}

void
bf_kit_close(struct bf_kit_subject *subject)
{
	if (subject->module)
		bf_module_settings_free(subject->module, &subject->settings);
	bf_snapshot_free(&subject->snapshot);
	bf_loader_free(&subject->loader);
}
