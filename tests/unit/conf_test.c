/*
 * conf_test.c - the grammar of the conf file: what it reads, what it refuses
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

#include <belfry/buf.h>

#include "core/conf/conf.h"
#include "core/conf/dump.h"

/* A folder of its own for each test that needs files. */
static char folder[] = "/tmp/belfry-conf-XXXXXX";

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int
remove_folder(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* Writes a file in the folder and returns its path: static, the latest. */
static const char *
write_file(const char *name, const char *text)
{
	static char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static struct bf_conf_tree *
parse(const char *text)
{
	struct bf_error err = { "" };
	struct bf_conf_tree *tree =
	    bf_conf_parse(text, strlen(text), "t.conf", &err);

	assert_string_equal(err.text, "");
	assert_non_null(tree);
	return tree;
}

/* Writes a list of directives back, in one line. */
static void
flatten(const struct bf_conf_node *node, struct bf_buf *out)
{
	for (; node; node = node->next) {
		bf_buf_add_format(out, "%s", node->name);
		for (size_t i = 0; i < node->words.count; i++)
			bf_buf_add_format(out, " <%s>", node->words.items[i]);
		if (node->has_block) {
			bf_buf_add_text(out, "{");
			flatten(node->block, out);
			bf_buf_add_text(out, "}");
		}
		bf_buf_add_text(out, ";");
	}
}

static void
reads(const char *text, const char *expected)
{
	struct bf_conf_tree *tree = parse(text);
	struct bf_buf flat = { 0 };

	flatten(tree->first, &flat);
	assert_string_equal(bf_buf_text(&flat), expected);
	bf_buf_free(&flat);
	bf_conf_free(&tree);
}

static void
refuses_bytes(const char *text, size_t size, const char *message)
{
	struct bf_error err = { "" };
	struct bf_conf_tree *tree = bf_conf_parse(text, size, "t.conf", &err);

	assert_null(tree);
	assert_string_equal(err.text, message);
}

static void
refuses(const char *text, const char *message)
{
	refuses_bytes(text, strlen(text), message);
}

static void
directives_have_words_and_blocks(void **state)
{
	struct bf_conf_tree *tree;

	(void)state;
	reads("", "");
	reads("# nothing; {\n", "");
	reads("a;b  c\td\n;", "a;b <c> <d>;");
	reads("a{b c;d{}}e;", "a{b <c>;d{};};e;");
	reads("a b { c d; } # e\n f;", "a <b>{c <d>;};f;");
	reads("\xef\xbb\xbf"
	      "a;",
	    "a;");
	reads("a b;\r\nc;\r\n", "a <b>;c;");
	tree = parse("a;\n\nb\n c {\n d; }");
	assert_int_equal(tree->first->line, 1);
	assert_int_equal(tree->first->next->line, 3);
	assert_int_equal(tree->first->next->block->line, 5);
	assert_string_equal(tree->first->file, "t.conf");
	bf_conf_free(&tree);
	assert_null(tree);
}

static void
words_may_be_quoted_and_escaped(void **state)
{
	(void)state;
	reads("a \"b c\" 'd;{}#e';", "a <b c> <d;{}#e>;");
	reads("a \"it's\" 'say \"hi\"';", "a <it's> <say \"hi\">;");
	reads("a \"x\\\"y\\\\z\\t\\n\" 'p\\'q';", "a <x\"y\\z\t\n> <p'q>;");
	reads("a b\\d ^\\w+$;", "a <b\\d> <^\\w+$>;");
	reads("a \"\" 'two\nlines';", "a <> <two\nlines>;");
	reads("a b#c d}e f\"g;", "a <b#c> <d}e> <f\"g>;");
	reads("\"a\" b;", "a <b>;");
	reads("a caf\xc3\xa9 \xf0\x9f\x94\x94;", "a <caf\xc3\xa9> "
						 "<\xf0\x9f\x94\x94>;");
}

static void
a_missing_semicolon_is_found(void **state)
{
	(void)state;
	refuses("a b",
	    "t.conf:1: a is not ended; expected \";\" before the end "
	    "of the file");
	refuses("x;\nc {\n  url y\n}\n",
	    "t.conf:3: url is not ended; expected \";\" before the \"}\" in "
	    "line 4");
}

static void
blocks_must_match(void **state)
{
	(void)state;
	refuses("a {\n b;\n",
	    "t.conf:1: the block of a is not closed; expected \"}\" before the "
	    "end of the file");
	refuses("a { b; } }",
	    "t.conf:1: unexpected \"}\"; expected the name of a directive");
	refuses("a;;",
	    "t.conf:1: unexpected \";\"; expected the name of a directive");
	refuses("\n{ }",
	    "t.conf:2: unexpected \"{\"; expected the name of a directive");
}

static void
quotes_must_match(void **state)
{
	(void)state;
	refuses("a;\nb \"c;\nd;\n", "t.conf:2: no closing quote; expected \" "
				    "before the end of the file");
	refuses("a 'b", "t.conf:1: no closing quote; expected ' before the end "
			"of the file");
	refuses("a \"b\"c;",
	    "t.conf:1: text directly after a closing quote; expected white "
	    "space, \";\" or \"{\"");
}

static void
bytes_that_are_no_text_are_refused(void **state)
{
	(void)state;
	refuses_bytes("a;\nb\0c;", 7,
	    "t.conf:2: control character 0x00; expected text");
	refuses("a \x1b[0m;",
	    "t.conf:1: control character 0x1b; expected text");
	refuses("a \x7f;", "t.conf:1: control character 0x7f; expected text");
	refuses("a;\n\nb caf\xe9;",
	    "t.conf:3: byte 0xe9 is not UTF-8; expected the file in UTF-8");
	refuses("a \xc0\xaf;",
	    "t.conf:1: byte 0xc0 is not UTF-8; expected the file in UTF-8");
	refuses("a \xed\xa0\x80;",
	    "t.conf:1: byte 0xed is not UTF-8; expected the file in UTF-8");
	refuses("a \xe2\x82",
	    "t.conf:1: byte 0xe2 is not UTF-8; expected the file in UTF-8");
}

static void
what_is_too_much_is_refused(void **state)
{
	struct bf_buf text = { 0 };

	(void)state;
	bf_buf_add_text(&text, "a;\nb ");
	memset(bf_buf_reserve(&text, 1 << 20), 'x', 1 << 20);
	text.size += 1 << 20;
	bf_buf_add_text(&text, ";");
	refuses_bytes(text.data, text.size,
	    "t.conf:2: word too long; expected 64 KiB at most");
	text.data[5] = '"';
	refuses_bytes(text.data, text.size,
	    "t.conf:2: word too long; expected 64 KiB at most (is a closing "
	    "quote missing?)");
	bf_buf_clear(&text);
	for (int i = 0; i < 100; i++)
		bf_buf_add_text(&text, "a {\n");
	refuses(text.data, "t.conf:65: blocks are nested too deep; expected 64 "
			   "at most");
	bf_buf_clear(&text);
	for (int i = 0; i < (2 << 20) + 1; i++)
		bf_buf_add_text(&text, "a;");
	refuses(text.data, "t.conf:1: too many directives and words; expected "
			   "2097152 at most");
	for (int i = 0; i < 3 << 20; i++)
		bf_buf_add_text(&text, "#####\n");
	refuses(text.data, "t.conf: larger than 16777216 bytes");
	bf_buf_free(&text);
}

static void
an_include_is_replaced_by_its_files(void **state)
{
	struct bf_conf_tree *tree;
	struct bf_buf flat = { 0 };
	struct bf_error err = { "" };
	char path[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/d", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("d/2.conf", "two;\ntwo { include inner; }");
	write_file("d/1.conf", "one;");
	write_file("d/inner", "in;");
	tree = bf_conf_read(write_file("main.conf", "a; include d/*.conf;\n"
						    "b { include d/inner; }\n"
						    "include none/*.conf; c;"),
	    &err);
	assert_string_equal(err.text, "");
	flatten(tree->first, &flat);
	assert_string_equal(bf_buf_text(&flat), "a;one;two;two{in;};b{in;};c;");
	assert_int_equal(tree->files.count, 5);
	snprintf(path, sizeof(path), "%s/d/2.conf", folder);
	assert_string_equal(tree->first->next->next->next->file, path);
	assert_int_equal(tree->first->next->next->next->line, 2);
	bf_buf_free(&flat);
	bf_conf_free(&tree);
}

/* Reads main.conf of the folder, which must fail so; %s is the folder. */
static void
file_refused(const char *text, const char *format)
{
	struct bf_error err = { "" };
	char message[1024];

	assert_null(bf_conf_read(write_file("main.conf", text), &err));
	snprintf(message, sizeof(message), format, folder, folder);
	assert_string_equal(err.text, message);
}

static void
includes_that_cannot_be_read_name_their_line(void **state)
{
	char path[200];

	(void)state;
	file_refused("a;\ninclude gone.conf;",
	    "%s/main.conf:2: include %s/gone.conf: No such file or directory");
	file_refused("include .;",
	    "%s/main.conf:1: include %s/.: not a regular file");
	snprintf(path, sizeof(path), "%s/pipe", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	file_refused("include pipe;",
	    "%s/main.conf:1: include %s/pipe: not a regular file");
	file_refused("include;", "%s/main.conf:1: include takes one path or "
				 "pattern, and no block");
	file_refused("include a { }", "%s/main.conf:1: include takes one path "
				      "or pattern, and no block");
	write_file("open.conf", "x {\n");
	file_refused("b { include open.conf; }",
	    "%s/open.conf:1: the block of x is not closed; expected \"}\" "
	    "before the end of the file");
}

static void
a_file_that_includes_itself_is_refused(void **state)
{
	(void)state;
	file_refused("\ninclude main.conf;",
	    "%s/main.conf:2: include %s/main.conf: the file includes itself");
	write_file("other.conf", "a { include main.* ; }");
	file_refused("include other.conf;",
	    "%s/other.conf:1: include %s/main.conf: the file includes itself");
}

static void
ten_thousand_files_are_refused(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 1030; i++) {
		snprintf(name, sizeof(name), "n%04d.inc", i);
		write_file(name, i == 0 ? "include n0001.inc;" : "a;");
	}
	file_refused("a;\ninclude *.inc;",
	    "%s/main.conf:2: include %s/*.inc: 1030 files; expected 1024 at "
	    "most");
	file_refused("include n00*.inc;\ninclude n0[1-9]*.inc;\n"
		     "include n100*;\ninclude n101*.inc;\n"
		     "include n102[0-1].inc;\ninclude n1022.inc;",
	    "%s/main.conf:6: include %s/n1022.inc: too many files; expected "
	    "1024 at most");
	for (int i = 0; i < 100; i++) {
		char text[32];

		snprintf(name, sizeof(name), "n%04d.inc", i);
		snprintf(text, sizeof(text), "include n%04d.inc;", i + 1);
		write_file(name, text);
	}
	file_refused("include n0000.inc;",
	    "%1$s/n0062.inc:1: include %1$s/n0063.inc: files are nested too "
	    "deep; expected 64 at most");
}

static void
a_conf_file_that_is_not_there_says_so(void **state)
{
	struct bf_error err;

	(void)state;
	assert_null(bf_conf_read("/nonexistent/x.conf", &err));
	assert_string_equal(err.text,
	    "read /nonexistent/x.conf: No such file or directory");
}

static void
relative_paths_start_at_the_folder_of_their_file(void **state)
{
	struct bf_conf_node node = { .file = "/etc/belfry/belfry.conf" };
	char *path = bf_conf_path(&node, "x.pem");
	char here[200];

	(void)state;
	assert_string_equal(path, "/etc/belfry/x.pem");
	free(path);
	path = bf_conf_path(&node, "/x");
	assert_string_equal(path, "/x");
	free(path);
	node.file = "conf/x.conf";
	path = bf_conf_path(&node, "y");
	assert_non_null(getcwd(here, sizeof(here) - 10));
	strcat(here, "/conf/y");
	assert_string_equal(path, here);
	free(path);
}

static void
a_dump_shows_everything_but_secrets(void **state)
{
	static const char *const secrets[] = { "secret", "value", "token",
		NULL };
	struct bf_buf out = { 0 };
	struct bf_error err;
	const char *path;
	char expected[1024];

	(void)state;
	write_file("b.conf", "secret x; # b\n");
	path = write_file("main.conf",
	    "a  { secret \"my ; secret\" two; } # secret of a\n"
	    "\tsecret env:NAME; secret file:x;\n"
	    "# secret hunter2; # on\n"
	    "#secret hunter2;\n"
	    "proxy http://user:pass@host:1;\n"
	    "url \"https://a/b@c\" secret;\n"
	    "value\n abc;\n"
	    "token ci # of\n { value abc; }\ntoken abc;\n"
	    "include b.conf; include b.conf;");
	assert_int_equal(bf_conf_dump(path, secrets, &out, &err), 0);
	snprintf(expected, sizeof(expected),
	    "# configuration file %s/main.conf:\n"
	    "a  { secret *** ***; } # secret of a\n"
	    "\tsecret env:NAME; secret file:x;\n"
	    "# secret ***;\n"
	    "#secret ***;\n"
	    "proxy http://***@host:1;\n"
	    "url \"https://a/b@c\" secret;\n"
	    "value\n ***;\n"
	    "token ci # of\n { value ***; }\ntoken ***;\n"
	    "include b.conf; include b.conf;\n"
	    "# configuration file %s/b.conf:\n"
	    "secret ***; # b\n\n",
	    folder, folder);
	assert_string_equal(bf_buf_text(&out), expected);
	bf_buf_free(&out);
	assert_int_equal(bf_conf_mask("a \"", 3, secrets, &out), -1);
	assert_int_equal(out.size, 0);
	bf_buf_free(&out);
}

#define WITH_FOLDER(test)                                                      \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directives_have_words_and_blocks),
		cmocka_unit_test(words_may_be_quoted_and_escaped),
		cmocka_unit_test(a_missing_semicolon_is_found),
		cmocka_unit_test(blocks_must_match),
		cmocka_unit_test(quotes_must_match),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(what_is_too_much_is_refused),
		WITH_FOLDER(an_include_is_replaced_by_its_files),
		WITH_FOLDER(includes_that_cannot_be_read_name_their_line),
		WITH_FOLDER(a_file_that_includes_itself_is_refused),
		WITH_FOLDER(ten_thousand_files_are_refused),
		WITH_FOLDER(a_dump_shows_everything_but_secrets),
		cmocka_unit_test(a_conf_file_that_is_not_there_says_so),
		cmocka_unit_test(
		    relative_paths_start_at_the_folder_of_their_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
