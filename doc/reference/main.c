/*
 * main.c - reference: keeps the manual and the tables of directives the same
 *
 *   reference update FILE... [-- MODULE...]   writes the tables into the files
 *   reference check FILE... [-- MODULE...]    fails if that would change one
 *
 * In a file, a table stands between a line that ends in "reference: NAME" and
 * one that ends in "reference end" (behind them, Markdown's "-->"). NAME is a
 * block, a module, "event types", or "hints" and what they are about. A file
 * whose name ends in .conf is a conf file, which is only checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "doc/reference/reference.h"

static const char begin_mark[] = "reference: ";
static const char hints_mark[] = "hints ";
static const char end_mark[] = "reference end";

struct tables {
	struct section *sections;
	size_t count;
};

static bool
ends_in(const char *text, const char *end)
{
	const size_t size = strlen(text);
	const size_t end_size = strlen(end);

	return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* Appends the table of that name in the language of the file. */
static int
write_table(const struct tables *tables, const char *path, const char *name,
    size_t size, struct bf_buf *out, struct bf_error *err)
{
	const bool markdown = ends_in(path, ".md");

	if (size == strlen("event types") &&
	    strncmp(name, "event types", size) == 0) {
		if (markdown)
			write_events_markdown(out);
		else
			write_events_mdoc(out);
		return 0;
	}
	if (strncmp(name, hints_mark, strlen(hints_mark)) == 0 && markdown &&
	    write_hints_markdown(name + strlen(hints_mark),
		size - strlen(hints_mark), out) == 0)
		return 0;
	for (size_t i = 0; i < tables->count; i++) {
		const struct section *section = &tables->sections[i];

		if (strlen(section->name) != size ||
		    strncmp(section->name, name, size) != 0)
			continue;
		if (markdown)
			write_section_markdown(section, out);
		else
			write_section_mdoc(section, out);
		return 0;
	}
	bf_error_set(err, "%s: no table \"%.*s\"", path, (int)size, name);
	return -1;
}

/* Copies the file with its tables made anew. */
static int
rewrite(const struct tables *tables, const char *path, FILE *file,
    struct bf_buf *was, struct bf_buf *is, struct bf_error *err)
{
	char *line = NULL;
	size_t room = 0;
	bool inside = false;
	int result = 0;

	while (result == 0 && getline(&line, &room, file) != -1) {
		const char *mark = strstr(line, begin_mark);

		bf_buf_add_text(was, line);
		if (strstr(line, end_mark))
			inside = false;
		if (!inside)
			bf_buf_add_text(is, line);
		if (!mark)
			continue;
		inside = true;
		mark += strlen(begin_mark);
		result = write_table(tables, path, mark,
		    strcspn(mark, "\n") -
			(strstr(mark, " -->") ? strlen(" -->") : 0),
		    is, err);
	}
	free(line);
	if (result == 0 && inside) {
		bf_error_set(err, "%s: no \"%s\"", path, end_mark);
		result = -1;
	}
	return result;
}

static int
save(const char *path, const struct bf_buf *text, struct bf_error *err)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(text->data, 1, text->size, file) != text->size ||
	    fclose(file) != 0) {
		bf_error_errno(err, "%s", path);
		return -1;
	}
	return 0;
}

static int
handle_file(const struct tables *tables, const char *path, bool update,
    struct bf_error *err)
{
	struct bf_buf was = { 0 }, is = { 0 };
	FILE *file;
	int result;

	if (ends_in(path, ".conf"))
		return check_conf(path, tables->sections, tables->count, err);
	file = fopen(path, "r");
	if (!file) {
		bf_error_errno(err, "%s", path);
		return -1;
	}
	result = rewrite(tables, path, file, &was, &is, err);
	fclose(file);
	if (result == 0 && strcmp(bf_buf_text(&was), bf_buf_text(&is)) != 0) {
		if (update) {
			result = save(path, &is, err);
		} else {
			bf_error_set(err,
			    "%s: not what the tables say; run make "
			    "update-reference",
			    path);
			result = -1;
		}
	}
	bf_buf_free(&was);
	bf_buf_free(&is);
	return result;
}

int
main(int argc, char **argv)
{
	struct tables tables;
	struct bf_error err;
	bool update;
	int modules = 2;
	int failed = 0;

	if (argc < 3) {
		fputs("usage: reference update|check FILE... [-- MODULE...]\n",
		    stderr);
		return 2;
	}
	update = strcmp(argv[1], "update") == 0;
	while (modules < argc && strcmp(argv[modules], "--") != 0)
		modules++;
	tables.sections = make_sections(argv + modules + (modules < argc),
	    &tables.count, &err);
	if (!tables.sections) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (int i = 2; i < modules; i++) {
		if (handle_file(&tables, argv[i], update, &err) == -1) {
			fprintf(stderr, "%s\n", err.text);
			failed = 1;
		}
	}
	free_sections(tables.sections, tables.count);
	return failed;
}
