/*
 * seal_test.c - sealed secrets open where they were made for, and key files
 * are what they should be
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/conf/seal.h"
#include "core/conf/settings.h"

static const struct bf_seal_place here = { "channel", "acme", "ops", "secret" };

/* The value sealed for a place, in new memory. */
static char *
sealed_for(const struct bf_keyring *keys, const struct bf_seal_place *place,
    const char *text)
{
	struct bf_buf out = { 0 };

	bf_seal(keys, place, text, strlen(text), &out);
	return bf_buf_take(&out);
}

static void
opens(const struct bf_keyring *keys, const struct bf_seal_place *place,
    const char *sealed, const char *expected)
{
	struct bf_error err = { "" };
	struct bf_buf out = { 0 };

	assert_int_equal(bf_seal_open(keys, place, sealed, &out, &err), 0);
	assert_string_equal(out.data, expected);
	bf_buf_wipe(&out);
}

static void
stays_shut(const struct bf_keyring *keys, const struct bf_seal_place *place,
    const char *sealed, const char *why)
{
	struct bf_error err = { "" };
	struct bf_buf out = { 0 };

	assert_int_equal(bf_seal_open(keys, place, sealed, &out, &err), -1);
	assert_int_equal(out.size, 0);
	if (!strstr(err.text, why))
		fail_msg("%s, not %s", err.text, why);
	bf_buf_free(&out);
}

static void
a_sealed_secret_opens_where_it_was_made_for(void **state)
{
	static const struct bf_seal_place others[] = {
		{ "token", "acme", "ops", "secret" },
		{ "channel", "", "ops", "secret" },
		{ "channel", "acme", "op", "secret" },
		{ "channel", "acmeo", "ps", "secret" },
		{ "channel", "acme", "ops", "password" },
		{ "channel", "acme", "ops", "header secret" },
	};
	struct bf_keyring *keys = bf_keyring_new();
	char *sealed;

	(void)state;
	bf_keyring_add(keys);
	sealed = sealed_for(keys, &here, "s3cret");
	assert_null(strstr(sealed, "s3cret"));
	opens(keys, &here, sealed, "s3cret");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		stays_shut(keys, &others[i], sealed,
		    "sealed for another place");
	free(sealed);
	bf_keyring_free(&keys);
}

static void
the_same_secret_is_never_sealed_the_same(void **state)
{
	struct bf_keyring *keys = bf_keyring_new();
	char *first, *second;

	(void)state;
	bf_keyring_add(keys);
	first = sealed_for(keys, &here, "s3cret");
	second = sealed_for(keys, &here, "s3cret");
	assert_string_not_equal(first, second);
	free(first);
	free(second);
	bf_keyring_free(&keys);
}

static void
every_changed_character_is_noticed(void **state)
{
	struct bf_keyring *keys = bf_keyring_new();
	struct bf_error err;
	struct bf_buf out = { 0 };
	char *sealed;

	(void)state;
	bf_keyring_add(keys);
	sealed = sealed_for(keys, &here, "a secret of some length");
	for (size_t i = 0; sealed[i]; i++) {
		const char was = sealed[i];

		sealed[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(bf_seal_open(keys, &here, sealed, &out, &err),
		    -1);
		sealed[i] = '\0';
		assert_int_equal(bf_seal_open(keys, &here, sealed, &out, &err),
		    -1);
		sealed[i] = was;
	}
	opens(keys, &here, sealed, "a secret of some length");
	free(sealed);
	bf_keyring_free(&keys);
	bf_buf_free(&out);
}

static void
old_keys_open_and_the_last_one_seals(void **state)
{
	struct bf_keyring *keys = bf_keyring_new();
	char *old, *new;
	char id[BF_KEY_ID + 1], old_id[BF_KEY_ID + 1];

	(void)state;
	bf_keyring_add(keys);
	strcpy(old_id, bf_keyring_current(keys));
	old = sealed_for(keys, &here, "s3cret");
	bf_keyring_add(keys);
	new = sealed_for(keys, &here, "s3cret");
	assert_true(bf_seal_key(old, id));
	assert_string_equal(id, old_id);
	assert_true(bf_seal_key(new, id));
	assert_string_equal(id, bf_keyring_current(keys));
	opens(keys, &here, old, "s3cret");
	bf_keyring_drop(keys, old_id);
	assert_int_equal(bf_keyring_count(keys), 1);
	stays_shut(keys, &here, old, "which the key file does not have");
	opens(keys, &here, new, "s3cret");
	free(old);
	free(new);
	bf_keyring_free(&keys);
}

static char folder[] = "/tmp/belfry-seal-XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static void
a_key_file_keeps_its_keys_to_its_user(void **state)
{
	struct bf_keyring *keys = bf_keyring_new(), *read;
	struct bf_error err = { "" };
	struct stat file;
	char *sealed;

	(void)state;
	bf_keyring_add(keys);
	bf_keyring_add(keys);
	assert_int_equal(bf_keyring_write(keys, path, &err), 0);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0600);
	read = bf_keyring_read(path, &err);
	assert_non_null(read);
	assert_int_equal(bf_keyring_count(read), 2);
	assert_string_equal(bf_keyring_current(read), bf_keyring_current(keys));
	sealed = sealed_for(keys, &here, "s3cret");
	opens(read, &here, sealed, "s3cret");
	free(sealed);
	bf_keyring_free(&read);
	bf_keyring_free(&keys);
}

static void
write_text(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void
a_key_file_that_is_none_is_refused_with_the_reason(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *why;
	} bad[] = {
		{ "", 0600, "there is no key in it" },
		{ "# nothing\n", 0600, "there is no key in it" },
		{ "what is this\n", 0600, "line 1 is damaged" },
		{ "#\n00000000 00000000000000000000000000000000"
		  "00000000000000000000000000000000\n",
		    0600, "line 2 is damaged" },
		{ "x", 0644, "mode 0644" },
		{ "x", 0640, "mode 0640" },
		{ "x", 0602, "mode 0602" },
	};
	struct bf_error err;

	(void)state;
	assert_null(bf_keyring_read(path, &err));
	assert_non_null(strstr(err.text, "No such file"));
	assert_non_null(strstr(err.text, path));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		write_text(bad[i].text, bad[i].mode);
		assert_null(bf_keyring_read(path, &err));
		if (!strstr(err.text, bad[i].why) || !strstr(err.text, path))
			fail_msg("%s, not %s", err.text, bad[i].why);
	}
	assert_null(bf_keyring_read(folder, &err));
	assert_non_null(strstr(err.text, "not a regular file"));
}

static void
a_key_file_that_can_not_be_written_stays(void **state)
{
	struct bf_keyring *keys = bf_keyring_new();
	struct bf_error err;

	(void)state;
	bf_keyring_add(keys);
	assert_int_equal(bf_keyring_write(keys, "/nowhere/at/all/key", &err),
	    -1);
	assert_non_null(strstr(err.text, "/nowhere/at/all/key"));
	bf_keyring_free(&keys);
}

static void
the_conf_file_may_have_sealed_secrets(void **state)
{
	struct bf_keyring *keys = bf_keyring_new(), *opened = NULL;
	struct bf_secret_source source = { .key_file = path,
		.keys = &opened,
		.place = here };
	struct bf_secret secret = { 0 };
	struct bf_error err = { "" };
	char *sealed;

	(void)state;
	bf_keyring_add(keys);
	sealed = sealed_for(keys, &here, "s3cret");
	assert_int_equal(bf_secret_read(sealed, &source, &secret, &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	assert_int_equal(bf_keyring_write(keys, path, &err), 0);
	assert_int_equal(bf_secret_read(sealed, &source, &secret, &err), 0);
	assert_string_equal(secret.bytes, "s3cret");
	bf_secret_clear(&secret);
	assert_int_equal(bf_secret_read("sealed:abc", &source, &secret, &err),
	    -1);
	assert_non_null(strstr(err.text, "not a sealed secret"));
	free(sealed);
	bf_keyring_free(&keys);
	bf_keyring_free(&opened);
}

#define WITH_FOLDER(test)                                                      \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_secret_opens_where_it_was_made_for),
		cmocka_unit_test(the_same_secret_is_never_sealed_the_same),
		cmocka_unit_test(every_changed_character_is_noticed),
		cmocka_unit_test(old_keys_open_and_the_last_one_seals),
		WITH_FOLDER(a_key_file_keeps_its_keys_to_its_user),
		WITH_FOLDER(a_key_file_that_is_none_is_refused_with_the_reason),
		WITH_FOLDER(a_key_file_that_can_not_be_written_stays),
		WITH_FOLDER(the_conf_file_may_have_sealed_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
