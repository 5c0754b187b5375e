/*
 * loader_test.c - modules are opened, or refused with the reason
 *
 * The fixtures are built from tests/modules/bad.c, each with one fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/json.h>
#include <belfry/memory.h>

#include "core/conf/describe.h"
#include "core/module/loader.h"

#define WEBHOOK ".libs/webhook.so"
#define FIXTURE(name) "tests/modules/.libs/" name ".so"

/* Opens path with a loader that has the webhook module; checks the refusal. */
static void
check_refused(const char *path, const char *why)
{
	struct bf_loader *loader = bf_loader_new();
	struct bf_error err;

	assert_non_null(bf_loader_open(loader, WEBHOOK, &err));
	if (bf_loader_open(loader, path, &err) || !strstr(err.text, why) ||
	    !strstr(err.text, path))
		fail_msg("%s: expected \"%s\": \"%s\"", path, why, err.text);
	bf_loader_free(&loader);
}

static void
a_good_module_is_opened_once(void **state)
{
	struct bf_loader *loader = bf_loader_new();
	const struct bf_module *module;
	struct bf_error err;

	(void)state;
	module = bf_loader_open(loader, WEBHOOK, &err);
	if (!module)
		fail_msg("%s", err.text);
	assert_string_equal(module->name, "webhook");
	assert_ptr_equal(bf_loader_open(loader, WEBHOOK, &err), module);
	assert_ptr_equal(bf_loader_find(loader, "webhook"), module);
	assert_null(bf_loader_find(loader, "web"));
	assert_non_null(bf_loader_open(loader, FIXTURE("good"), &err));
	assert_non_null(bf_loader_find(loader, "fixture"));
	bf_loader_free(&loader);
	assert_null(loader);
}

/* Members are only ever added: a module that has more of them is fine. */
static void
a_module_with_a_larger_struct_is_opened(void **state)
{
	struct bf_loader *loader = bf_loader_new();
	struct bf_error err;

	(void)state;
	if (!bf_loader_open(loader, FIXTURE("large"), &err))
		fail_msg("%s", err.text);
	bf_loader_free(&loader);
}

static void
a_faulty_module_is_refused_with_its_fault(void **state)
{
	(void)state;
	check_refused(FIXTURE("abi_new"), "made for module ABI 2");
	check_refused(FIXTURE("abi_none"), "made for module ABI 0");
	check_refused(FIXTURE("small"), "struct bf_module has 16 bytes");
	check_refused(FIXTURE("symbol"), "no symbol bf_module");
	check_refused(FIXTURE("directives"), "it has no directives");
	check_refused(FIXTURE("compose"), "neither compose nor deliver");
	check_refused(FIXTURE("deliver"), "it has deliver and no abandon");
	check_refused(FIXTURE("name_none"), "its name is \"\"");
	check_refused(FIXTURE("name_bad"), "its name is \"Web Hook\"");
	check_refused(FIXTURE("name_long"), "expected 1 to 32");
	check_refused(FIXTURE("twin"),
	    "another module is named \"webhook\" already");
}

static void
what_is_no_module_is_refused(void **state)
{
	(void)state;
	check_refused("./nothing-there.so",
	    "load module ./nothing-there.so: No such file");
	check_refused("tests/modules", "Is a directory");
	check_refused("./Makefile", "invalid ELF header");
	check_refused("webhook.so", "expected a path with a folder");
}

/* A copy of the webhook module in a new folder. */
static void
copy_module(char folder[32], char path[64])
{
	struct bf_buf bytes = { 0 };
	char *space;
	ssize_t got;
	int fd;

	strcpy(folder, "loader_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, 64, "%s/copy.so", folder);
	fd = open(WEBHOOK, O_RDONLY);
	do {
		space = bf_buf_reserve(&bytes, 1 << 16);
		got = read(fd, space, 1 << 16);
		assert_true(got >= 0);
		bytes.size += (size_t)got;
	} while (got > 0);
	close(fd);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
	assert_int_equal(write(fd, bytes.data, bytes.size), bytes.size);
	close(fd);
	bf_buf_free(&bytes);
}

static void
a_module_that_anyone_may_write_to_is_refused(void **state)
{
	struct bf_loader *loader = bf_loader_new();
	char folder[32], path[64];
	struct bf_error err;

	(void)state;
	copy_module(folder, path);
	chmod(path, 0757);
	check_refused(path, "may be written by anyone");
	chmod(path, 0755);
	chmod(folder, 0777);
	check_refused(path, "may be written by anyone");
	if (geteuid() == 0) {
		chmod(folder, 0755);
		assert_int_equal(chown(path, 12345, 0), 0);
		check_refused(path, "belongs to user 12345");
		assert_int_equal(chown(path, 0, 0), 0);
	}
	/* As everybody's folder for temporary files is. */
	chmod(folder, 01777);
	if (!bf_loader_open(loader, path, &err))
		fail_msg("%s", err.text);
	bf_loader_free(&loader);
	unlink(path);
	rmdir(folder);
}

/* ---- descriptions ---- */

static void
a_module_is_described_with_its_defaults(void **state)
{
	struct bf_loader *loader = bf_loader_new();
	const struct bf_module *module;
	struct bf_module_info info = { 0 };
	struct bf_error err;

	(void)state;
	module = bf_loader_open(loader, WEBHOOK, &err);
	bf_loader_describe(module, "/lib/webhook.so", &info);
	assert_string_equal(info.name, "webhook");
	assert_string_equal(info.path, "/lib/webhook.so");
	assert_string_equal(info.version, BF_VERSION);
	assert_string_equal(info.retry, "1s 2s 4s");
	assert_string_equal(info.max_age, "24h");
	assert_int_equal(info.abi, BF_MODULE_ABI);
	free(info.name);
	free(info.path);
	free(info.version);
	free(info.license);
	free(info.summary);
	free(info.directives);
	free(info.retry);
	free(info.max_age);
	free(info.timeout);
	bf_loader_free(&loader);
}

static const char *
text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, name));
}

static void
directives_are_described_as_json(void **state)
{
	struct settings {
		struct bf_duration delay;
		struct bf_choice mode;
		struct bf_secret key;
	};
	static const char *const modes[] = { "fast", "safe", NULL };
	static const struct bf_directive table[] = {
		{ BF_FIELD(settings, delay), .fallback = "5s", .min = 1,
		    .max = 9, .help = "Say \"when\"" },
		{ BF_FIELD(settings, mode), .required = true,
		    .choices = modes },
		{ BF_FIELD(settings, key) },
		{ 0 },
	};
	char *text = bf_describe_directives(table);
	struct bf_error err;
	cJSON *json = bf_json_parse(text, strlen(text), &err);
	const cJSON *delay = cJSON_GetArrayItem(json, 0);
	const cJSON *mode = cJSON_GetArrayItem(json, 1);

	(void)state;
	assert_int_equal(cJSON_GetArraySize(json), 3);
	assert_string_equal(text_of(delay, "name"), "delay");
	assert_string_equal(text_of(delay, "type"), "duration");
	assert_string_equal(text_of(delay, "default"), "5s");
	assert_string_equal(text_of(delay, "help"), "Say \"when\"");
	assert_int_equal(cJSON_GetObjectItem(delay, "max")->valueint, 9);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(mode, "required")));
	assert_int_equal(cJSON_GetArraySize(
			     cJSON_GetObjectItem(mode, "choices")),
	    2);
	assert_string_equal(text_of(cJSON_GetArrayItem(json, 2), "type"),
	    "secret");
	cJSON_Delete(json);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_module_is_opened_once),
		cmocka_unit_test(a_module_with_a_larger_struct_is_opened),
		cmocka_unit_test(a_faulty_module_is_refused_with_its_fault),
		cmocka_unit_test(what_is_no_module_is_refused),
		cmocka_unit_test(a_module_that_anyone_may_write_to_is_refused),
		cmocka_unit_test(a_module_is_described_with_its_defaults),
		cmocka_unit_test(directives_are_described_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
