/*
 * rotate_test.c - a rotation of keys that is killed at any step leaves nothing
 * that does not open, and the next one ends it
 *
 * The child dies at the n-th call that changes the key file, before and after
 * the store's commit, for every n until it comes through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/process/api_channel.h"
#include "core/process/rotate.h"

#define CHANNELS 5

static const char secret[] = "s3cret";
static char folder[] = "/tmp/belfry-rotate-XXXXXX";
static char key_file[64];
static long until_death = -1; /* calls; -1: immortal */

/* In place of the C library's. That the store's commit is all or nothing is
 * the subject of store_crash_test. */
static void
step(void)
{
	if (until_death >= 0 && until_death-- == 0)
		raise(SIGKILL);
}

int
rename(const char *from, const char *to)
{
	step();
	return (int)syscall(SYS_rename, from, to);
}

int
fsync(int fd)
{
	step();
	return (int)syscall(SYS_fsync, fd);
}

int
unlink(const char *path)
{
	step();
	return (int)syscall(SYS_unlink, path);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	step();
	return syscall(SYS_write, fd, bytes, size);
}

static struct bf_store *
open_store(void)
{
	struct bf_error err = { "" };
	struct bf_store *store = bf_store_open(folder, &err);

	assert_string_equal(err.text, "");
	assert_non_null(store);
	return store;
}

/* The value of a channel with a secret and a secret header. */
static char *
make_value(const struct bf_keyring *keys, const char *name)
{
	struct bf_buf first = { 0 }, second = { 0 };
	char *value;

	bf_seal(keys,
	    &(struct bf_seal_place){ "channel", "acme", name, "secret" },
	    secret, strlen(secret), &first);
	bf_seal(keys,
	    &(struct bf_seal_place){ "channel", "acme", name, "header X" },
	    secret, strlen(secret), &second);
	value = bf_strf("{\"module\":\"hook\",\"settings\":{"
			"\"secret\":{\"sealed\":\"%s\"},"
			"\"header\":[[\"A\",\"b\"],[\"X\",{\"sealed\":\"%s\"}]]"
			"}}",
	    first.data, second.data);
	bf_buf_free(&first);
	bf_buf_free(&second);
	return value;
}

static int
set_up(void **state)
{
	struct bf_keyring *keys = bf_keyring_new();
	struct bf_error err = { "" };
	struct bf_store *store;
	struct bf_batch batch;

	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(key_file, sizeof(key_file), "%s/key", folder);
	bf_keyring_add(keys);
	assert_int_equal(bf_keyring_write(keys, key_file, &err), 0);
	store = open_store();
	bf_batch_init(&batch);
	for (int i = 0; i < CHANNELS; i++) {
		struct bf_change *change = bf_new(struct bf_change);
		char name[8];

		snprintf(name, sizeof(name), "c%d", i);
		change->kind = BF_CHANGE_PUT;
		change->put.name = bf_api_channel_name("acme", name);
		change->put.value = make_value(keys, name);
		bf_batch_add(&batch, change);
	}
	assert_int_equal(bf_store_commit(store, &batch, &err), BF_STORE_OK);
	bf_batch_clear(&batch);
	bf_store_close(&store);
	bf_keyring_free(&keys);
	return 0;
}

static int
tear_down(void **state)
{
	char *command = bf_strf("rm -rf %s", folder);

	(void)state;
	assert_int_equal(system(command), 0);
	free(command);
	return 0;
}

static enum bf_store_result
rotate(struct bf_store *store, bool new_key, const struct bf_strings *conf,
    struct bf_rotation *rotation)
{
	static const struct bf_strings none;
	struct bf_error err = { "" };
	enum bf_store_result result;

	*rotation = (struct bf_rotation){ .key_file = key_file,
		.new_key = new_key,
		.conf = conf ? conf : &none };
	result = bf_rotate(store, rotation, &err);
	if (result != BF_STORE_OK)
		print_message("%s\n", err.text);
	return result;
}

static void
clear(struct bf_rotation *rotation)
{
	bf_keyring_free(&rotation->keys);
	bf_strings_free(&rotation->dropped);
}

struct look {
	const struct bf_keyring *keys;
	int channels, open;
};

static void
look_at(void *context, const char *setting, const char *value)
{
	struct look *look = context;
	cJSON *json = cJSON_Parse(value);
	cJSON *settings = cJSON_GetObjectItem(json, "settings");
	const char *first = cJSON_GetStringValue(
	    cJSON_GetObjectItem(cJSON_GetObjectItem(settings, "secret"),
		"sealed"));
	const char *second = cJSON_GetStringValue(
	    cJSON_GetObjectItem(cJSON_GetObjectItem(settings, "header")
				    ->child->next->child->next,
		"sealed"));
	struct bf_buf plain = { 0 };
	struct bf_error err;
	char *copy = bf_strdup(setting);
	char *tenant, *name;

	assert_true(bf_api_channel_split(copy, &tenant, &name));
	look->channels++;
	look->open +=
	    bf_seal_open(look->keys,
		&(struct bf_seal_place){ "channel", tenant, name, "secret" },
		first, &plain, &err) == 0 &&
	    bf_seal_open(look->keys,
		&(struct bf_seal_place){ "channel", tenant, name, "header X" },
		second, &plain, &err) == 0 &&
	    strcmp(plain.data, "s3crets3cret") == 0;
	bf_buf_free(&plain);
	free(copy);
	cJSON_Delete(json);
}

/* Every secret of the store opens with what the key file has. */
static void
assert_all_open(struct bf_store *store)
{
	struct bf_error err = { "" };
	struct bf_keyring *keys = bf_keyring_read(key_file, &err);
	struct look look = { keys, 0, 0 };

	assert_string_equal(err.text, "");
	assert_non_null(keys);
	assert_int_equal(bf_store_settings(store, BF_API_CHANNEL_PREFIX,
			     look_at, &look, &err),
	    BF_STORE_OK);
	assert_int_equal(look.channels, CHANNELS);
	assert_int_equal(look.open, CHANNELS);
	bf_keyring_free(&keys);
}

static void
a_rotation_leaves_the_new_key_alone(void **state)
{
	struct bf_store *store = open_store();
	struct bf_rotation rotation;

	(void)state;
	assert_int_equal(rotate(store, true, NULL, &rotation), BF_STORE_OK);
	assert_int_equal(rotation.resealed, CHANNELS);
	assert_int_equal(rotation.bad, 0);
	assert_int_equal(rotation.dropped.count, 1);
	assert_int_equal(bf_keyring_count(rotation.keys), 1);
	assert_all_open(store);
	clear(&rotation);
	assert_int_equal(rotate(store, false, NULL, &rotation), BF_STORE_OK);
	assert_int_equal(rotation.resealed, 0);
	assert_int_equal(rotation.dropped.count, 0);
	clear(&rotation);
	bf_store_close(&store);
}

static void
a_key_that_the_conf_file_needs_stays(void **state)
{
	struct bf_store *store = open_store();
	struct bf_keyring *keys = bf_keyring_read(key_file, NULL);
	struct bf_strings conf = { 0 };
	struct bf_rotation rotation;

	(void)state;
	bf_strings_add(&conf, bf_keyring_current(keys));
	assert_int_equal(rotate(store, true, &conf, &rotation), BF_STORE_OK);
	assert_int_equal(bf_keyring_count(rotation.keys), 2);
	assert_string_equal(bf_keyring_id(rotation.keys, 0),
	    bf_keyring_current(keys));
	assert_all_open(store);
	clear(&rotation);
	bf_strings_free(&conf);
	bf_keyring_free(&keys);
	bf_store_close(&store);
}

/* Rotates in a child that dies at a step; whether it came through. */
static bool
rotate_until(long steps)
{
	const pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct bf_store *store = open_store();
		struct bf_rotation rotation;
		bool good;

		until_death = steps;
		good = rotate(store, true, NULL, &rotation) == BF_STORE_OK;
		/* Come through, it leaves nothing behind. */
		clear(&rotation);
		bf_store_close(&store);
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	else
		assert_int_equal(WTERMSIG(status), SIGKILL);
	return WIFEXITED(status);
}

static void
killed_at_any_step_everything_opens(void **state)
{
	bool through = false;
	long steps = 0;

	(void)state;
	for (; !through; steps++) {
		struct bf_rotation rotation;
		struct bf_store *store;

		through = rotate_until(steps);
		store = open_store();
		assert_all_open(store);
		assert_int_equal(rotate(store, false, NULL, &rotation),
		    BF_STORE_OK);
		assert_int_equal(bf_keyring_count(rotation.keys), 1);
		assert_all_open(store);
		clear(&rotation);
		bf_store_close(&store);
	}
	/* Two writes of the key file, of five calls each. */
	assert_true(steps > 10);
	print_message("killed at %ld steps\n", steps - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_rotation_leaves_the_new_key_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_key_that_the_conf_file_needs_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    killed_at_any_step_everything_opens, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
