/*
 * base_test.c - errors, buffers, lists of strings, the log
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/buf.h>
#include <belfry/error.h>
#include <belfry/strings.h>

#include "core/base/log.h"

static const struct bf_log_settings to_stderr = { "stderr", BF_LOG_NOTICE,
	false };

static void
a_prefix_stands_before_the_cause(void **state)
{
	struct bf_error err;

	(void)state;
	errno = ENOENT;
	bf_error_errno(&err, "read %s", "x");
	bf_error_prefix(&err, "open store %d", 7);
	assert_string_equal(err.text,
	    "open store 7: read x: No such file or directory");
	bf_error_set(NULL, "nobody listens");
}

static void
an_error_that_is_too_long_is_cut(void **state)
{
	struct bf_error err;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	bf_error_set(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	bf_error_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void
a_buffer_is_text_at_every_size(void **state)
{
	struct bf_buf buf = { 0 };
	char *taken;

	(void)state;
	assert_string_equal(bf_buf_text(&buf), "");
	for (int i = 0; i < 1000; i++) {
		bf_buf_add_byte(&buf, 'a');
		assert_int_equal(strlen(buf.data), buf.size);
	}
	bf_buf_clear(&buf);
	bf_buf_add_format(&buf, "%d-%s", 42, "x");
	bf_buf_add_text(&buf, "y");
	taken = bf_buf_take(&buf);
	assert_string_equal(taken, "42-xy");
	assert_null(buf.data);
	free(taken);
	bf_buf_add(&buf, "\0z", 2);
	assert_int_equal(buf.size, 2);
	bf_buf_wipe(&buf);
	assert_int_equal(buf.capacity, 0);
}

static void
a_list_keeps_what_was_added(void **state)
{
	struct bf_strings strings = { 0 };
	char name[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		bf_strings_add(&strings, name);
	}
	assert_int_equal(strings.count, 100);
	assert_string_equal(strings.items[99], "n99");
	assert_true(bf_strings_has(&strings, "n0"));
	assert_false(bf_strings_has(&strings, "n100"));
	bf_strings_free(&strings);
	assert_int_equal(strings.count, 0);
}

/* Logs message to a file of its own and returns what stands there. */
static char *
logged(bool json, const char *message)
{
	char path[] = "/tmp/belfry-log-XXXXXX";
	const struct bf_log_settings settings = { path, BF_LOG_INFO, json };
	char *text = calloc(1, 8192);
	int fd = mkstemp(path);

	assert_int_equal(bf_log_open(&settings, NULL), 0);
	bf_log_name("test");
	bf_log(BF_LOG_INFO, "%s", message);
	bf_log(BF_LOG_DEBUG, "not wanted");
	assert_true(read(fd, text, 8191) > 0);
	assert_int_equal(bf_log_open(&to_stderr, NULL), 0);
	close(fd);
	unlink(path);
	return text;
}

static void
one_call_is_one_line_whatever_it_holds(void **state)
{
	char *text = logged(false, "a\nb\r\x1b[31m\x7f");

	(void)state;
	assert_non_null(strstr(text, "#test: a\\x0Ab\\x0D\\x1B[31m\\x7F\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
}

static void
a_long_line_is_whole(void **state)
{
	char message[4000];
	char *text;

	(void)state;
	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	text = logged(false, message);
	assert_non_null(strstr(text, message));
	free(text);
}

static void
the_json_form_is_escaped(void **state)
{
	char *text = logged(true, "say \"hi\" \\ \n");

	(void)state;
	assert_non_null(
	    strstr(text, "\"message\":\"say \\\"hi\\\" \\\\ \\u000a\"}\n"));
	assert_non_null(strstr(text, "\"level\":\"info\""));
	free(text);
}

/* How many lines stand in the file; the last one ends it. */
static size_t
count_lines(int fd)
{
	char text[8192];
	const ssize_t size = pread(fd, text, sizeof(text), 0);
	size_t lines = 0;

	assert_true(size >= 0);
	for (ssize_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	assert_true(size == 0 || text[size - 1] == '\n');
	return lines;
}

static void
gathered_lines_are_written_together_and_a_pipe_s_worth_at_once(void **state)
{
	char path[] = "/tmp/belfry-log-XXXXXX";
	const struct bf_log_settings settings = { path, BF_LOG_INFO, false };
	struct bf_buf lines = { 0 };
	char message[1501];
	int fd = mkstemp(path);

	(void)state;
	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	assert_int_equal(bf_log_open(&settings, NULL), 0);
	bf_log_gather(&lines, BF_LOG_DEBUG, "not wanted");
	assert_int_equal(lines.size, 0);
	bf_log_gather(&lines, BF_LOG_INFO, "%s", message);
	bf_log_gather(&lines, BF_LOG_INFO, "%s", message);
	assert_int_equal(count_lines(fd), 0);
	bf_log_gather(&lines, BF_LOG_INFO, "%s", message);
	assert_int_equal(count_lines(fd), 2);
	bf_log_write(&lines);
	assert_int_equal(count_lines(fd), 3);
	bf_log_write(&lines);
	assert_int_equal(count_lines(fd), 3);
	bf_buf_free(&lines);
	assert_int_equal(bf_log_open(&to_stderr, NULL), 0);
	close(fd);
	unlink(path);
}

static void
a_log_that_cannot_be_opened_says_why(void **state)
{
	const struct bf_log_settings nowhere = { "/nonexistent/x", BF_LOG_INFO,
		false };
	const struct bf_log_settings unknown = { "syslog:nobody", BF_LOG_INFO,
		false };
	struct bf_error err;

	(void)state;
	assert_int_equal(bf_log_open(&nowhere, &err), -1);
	assert_string_equal(err.text,
	    "open log /nonexistent/x: No such file or directory");
	assert_int_equal(bf_log_open(&unknown, &err), -1);
	assert_non_null(strstr(err.text, "unknown syslog facility \"nobody\""));
}

static void
a_line_that_cannot_be_written_is_counted(void **state)
{
	const struct bf_log_settings full = { "/dev/full", BF_LOG_INFO, false };
	struct bf_buf lines = { 0 };
	_Atomic uint64_t shared = 0;

	(void)state;
	assert_int_equal(bf_log_open(&full, NULL), 0);
	bf_log(BF_LOG_ERROR, "lost");
	assert_int_equal(bf_log_dropped(), 1);
	bf_log_count_drops(&shared);
	bf_log(BF_LOG_ERROR, "lost");
	bf_log(BF_LOG_ERROR, "lost");
	assert_int_equal(shared, 2);
	bf_log_gather(&lines, BF_LOG_ERROR, "lost");
	bf_log_gather(&lines, BF_LOG_ERROR, "lost");
	bf_log_write(&lines);
	assert_int_equal(shared, 4);
	bf_buf_free(&lines);
	assert_int_equal(bf_log_dropped(), 4);
	bf_log_count_drops(NULL);
	assert_int_equal(bf_log_dropped(), 1);
	assert_int_equal(bf_log_open(&to_stderr, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_stands_before_the_cause),
		cmocka_unit_test(an_error_that_is_too_long_is_cut),
		cmocka_unit_test(a_buffer_is_text_at_every_size),
		cmocka_unit_test(a_list_keeps_what_was_added),
		cmocka_unit_test(one_call_is_one_line_whatever_it_holds),
		cmocka_unit_test(a_long_line_is_whole),
		cmocka_unit_test(the_json_form_is_escaped),
		cmocka_unit_test(
		    gathered_lines_are_written_together_and_a_pipe_s_worth_at_once),
		cmocka_unit_test(a_log_that_cannot_be_opened_says_why),
		cmocka_unit_test(a_line_that_cannot_be_written_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
