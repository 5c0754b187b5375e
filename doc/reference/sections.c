/*
 * sections.c - directives of belfry and of modules, in one shape
 *
 * Folders that configure sets are written as Debian has them, as they are in
 * the pages and in conf/belfry.conf (which make install changes).
 */
#include "doc/reference/reference.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/module/loader.h"
#include "core/registry/context.h"

static const struct {
	const char *built, *shown;
} folders[] = {
	{ BF_LOCALSTATEDIR "/l", "/var/l" },
	{ BF_RUNSTATEDIR "/belfry", "/run/belfry" },
	{ BF_DATADIR "/", "/usr/share/belfry/" },
};

static char *
shown(const char *text)
{
	struct bf_buf out = { 0 };
	size_t skip;

	if (!text)
		return NULL;
	bf_buf_add_text(&out, "");
	while (*text != '\0') {
		skip = 1;
		for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]);
		     i++) {
			const size_t size = strlen(folders[i].built);

			if (strncmp(text, folders[i].built, size) != 0)
				continue;
			bf_buf_add_text(&out, folders[i].shown);
			skip = size;
			break;
		}
		if (skip == 1)
			bf_buf_add_byte(&out, *text);
		text += skip;
	}
	return bf_buf_take(&out);
}

static char *
join_choices(const char *const *choices)
{
	struct bf_buf out = { 0 };

	for (; *choices; choices++)
		bf_buf_add_format(&out, "%s%s", out.size > 0 ? " | " : "",
		    *choices);
	return bf_buf_take(&out);
}

static char *
syntax_of(const struct bf_directive *directive)
{
	static const char *const by_type[] = {
		[BF_TYPE_FLAG] = "on | off",
		[BF_TYPE_INTEGER] = "NUMBER",
		[BF_TYPE_TEXT] = "TEXT",
		[BF_TYPE_DURATION] = "DURATION",
		[BF_TYPE_INSTANT] = "TIME",
		[BF_TYPE_SIZE] = "SIZE",
		[BF_TYPE_URL] = "URL",
		[BF_TYPE_SECRET] = "SECRET",
		[BF_TYPE_WORDS] = "WORD ...",
		[BF_TYPE_PAIRS] = "NAME VALUE",
		[BF_TYPE_PATH] = "FILE",
		[BF_TYPE_PROGRAM] = "PROGRAM ARGUMENT ...",
		[BF_TYPE_USER] = "USER",
	};

	return directive->type == BF_TYPE_CHOICE
		   ? join_choices(directive->choices)
		   : bf_strdup(by_type[directive->type]);
}

static void
format_limit(enum bf_directive_type type, int64_t value, char text[32])
{
	if (type == BF_TYPE_DURATION)
		bf_duration_format((struct bf_duration){ value }, text);
	else if (type == BF_TYPE_SIZE)
		bf_size_format((struct bf_size){ value }, text);
	else
		snprintf(text, 32, "%" PRId64, value);
}

static char *
range_of(const struct bf_directive *directive)
{
	char min[32], max[32];

	if (directive->min >= directive->max)
		return NULL;
	format_limit(directive->type, directive->min, min);
	format_limit(directive->type, directive->max, max);
	return bf_strf("%s to %s", min, max);
}

static struct entry *
add_entry(struct section *section)
{
	section->entries = bf_resize(section->entries, section->count + 1,
	    sizeof(*section->entries));
	section->entries[section->count] = (struct entry){ 0 };
	return &section->entries[section->count++];
}

static void
add_directives(struct section *section, const struct bf_directive *table)
{
	struct entry *entry;

	for (; table && table->type != BF_TYPE_NONE; table++) {
		entry = add_entry(section);
		entry->name = bf_strdup(table->name);
		entry->syntax = syntax_of(table);
		entry->fallback = shown(table->fallback);
		entry->range = range_of(table);
		entry->literal = table->type == BF_TYPE_CHOICE;
		entry->help = table->help;
		entry->required = table->required;
		entry->repeats = table->type == BF_TYPE_PAIRS;
	}
}

static void
add_specials(struct section *section, const struct bf_special *special)
{
	struct entry *entry;

	for (; special && special->name; special++) {
		entry = add_entry(section);
		entry->name = bf_strdup(special->name);
		entry->syntax = bf_strdup(special->syntax);
		entry->fallback =
		    special->block ? NULL : shown(special->fallback);
		entry->help = special->help;
		entry->repeats = special->repeats;
		entry->block = special->block;
	}
}

static int
compare_entries(const void *a, const void *b)
{
	const struct entry *first = a;
	const struct entry *second = b;

	return strcmp(first->name, second->name);
}

static struct section *
add_section(struct section **sections, size_t *count)
{
	*sections = bf_resize(*sections, *count + 1, sizeof(**sections));
	(*sections)[*count] = (struct section){ 0 };
	return &(*sections)[(*count)++];
}

static void
sort(struct section *section)
{
	qsort(section->entries, section->count, sizeof(*section->entries),
	    compare_entries);
}

struct section *
make_sections(char *const *modules, size_t *count, struct bf_error *err)
{
	struct bf_loader *loader = bf_loader_new();
	struct section *sections = NULL;
	struct section *section;
	const struct bf_module *module;

	*count = 0;
	for (size_t i = 0; bf_contexts[i]; i++) {
		section = add_section(&sections, count);
		section->name = bf_contexts[i]->name;
		section->opening = bf_contexts[i]->opening;
		add_directives(section, bf_contexts[i]->table);
		add_specials(section, bf_contexts[i]->specials);
		sort(section);
	}
	for (; *modules; modules++) {
		module = bf_loader_open(loader, *modules, err);
		if (!module) {
			free_sections(sections, *count);
			sections = NULL;
			break;
		}
		section = add_section(&sections, count);
		section->name = module->name;
		section->opening = "channel";
		add_directives(section, module->directives);
		sort(section);
	}
	bf_loader_free(&loader);
	return sections;
}

void
free_sections(struct section *sections, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < sections[i].count; j++) {
			free(sections[i].entries[j].name);
			free(sections[i].entries[j].syntax);
			free(sections[i].entries[j].fallback);
			free(sections[i].entries[j].range);
		}
		free(sections[i].entries);
	}
	free(sections);
}
