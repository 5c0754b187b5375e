/*
 * new.c - a module from nothing
 *
 * The templates are files with @NAME@ (as in the conf file) and @IDENT@ (as in
 * C) in them.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <belfry/buf.h>
#include <belfry/memory.h>

#include "core/kit/kit.h"

#define NAME_MOST 32

static int
check_name(const char *name, struct bf_error *err)
{
	const size_t length = strlen(name);

	if (length > 0 && length <= NAME_MOST && name[0] >= 'a' &&
	    name[0] <= 'z' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length)
		return 0;
	bf_error_set(err,
	    "%.64s: expected a name of up to %d letters a-z, digits and -, "
	    "with a letter first",
	    name, NAME_MOST);
	return -1;
}

/* Appends text with the marks replaced. */
static void
fill_in(struct bf_buf *out, const char *text, const char *name)
{
	char *ident = bf_strdup(name);

	for (char *dash = ident; (dash = strchr(dash, '-'));)
		*dash = '_';
	while (*text) {
		const size_t plain = strcspn(text, "@");

		bf_buf_add(out, text, plain);
		text += plain;
		if (strncmp(text, "@NAME@", 6) == 0) {
			bf_buf_add_text(out, name);
			text += 6;
		} else if (strncmp(text, "@IDENT@", 7) == 0) {
			bf_buf_add_text(out, ident);
			text += 7;
		} else if (*text) {
			bf_buf_add_byte(out, *text++);
		}
	}
	free(ident);
}

static int
read_file(const char *path, struct bf_buf *text, struct bf_error *err)
{
	FILE *file = fopen(path, "re");
	size_t got;

	if (!file) {
		bf_error_errno(err, "read %s", path);
		return -1;
	}
	do {
		got = fread(bf_buf_reserve(text, 4096), 1, 4096, file);
		text->size += got;
	} while (got > 0);
	text->data[text->size] = '\0';
	fclose(file);
	return 0;
}

static int
write_file(const char *path, const struct bf_buf *text, struct bf_error *err)
{
	FILE *file = fopen(path, "wxe");
	bool written;

	written = file &&
		  fwrite(text->data, 1, text->size, file) == text->size &&
		  fflush(file) == 0;
	if (!written)
		bf_error_errno(err, "write %s", path);
	if (file)
		fclose(file);
	return written ? 0 : -1;
}

/* "module.c" becomes "NAME.c"; the others keep their names. */
static int
copy_template(const char *folder, const char *file, const char *name,
    struct bf_error *err)
{
	char *from = bf_strf("%s/%s", folder, file);
	char *to = strcmp(file, "module.c") == 0
		       ? bf_strf("%s/%s.c", name, name)
		       : bf_strf("%s/%s", name, file);
	struct bf_buf text = { 0 }, filled = { 0 };
	int result = read_file(from, &text, err);

	if (result == 0) {
		fill_in(&filled, text.data, name);
		result = write_file(to, &filled, err);
	}
	bf_buf_free(&text);
	bf_buf_free(&filled);
	free(from);
	free(to);
	return result;
}

int
bf_kit_new(const char *name, const char *templates, struct bf_error *err)
{
	const struct dirent *entry;
	int result = 0;
	DIR *folder;

	if (check_name(name, err) == -1)
		return -1;
	folder = opendir(templates);
	if (!folder) {
		bf_error_errno(err, "read the templates in %s", templates);
		return -1;
	}
	if (mkdir(name, 0755) == -1) {
		bf_error_errno(err, "make the folder %s", name);
		result = -1;
	}
	while (result == 0 && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.')
			result =
			    copy_template(templates, entry->d_name, name, err);
	}
	closedir(folder);
	return result;
}
